//! Whether Amazon takes anything from an account: a look-up of an id that nobody has, never of a customer's.

use amazon_pay::{CheckoutSessionId, Request};
use checkout::{AccountName, Answer, Class};
use reconciler::ports::{Call, Clock};

use crate::accounts::{Accounts, UnknownAccount};
use crate::calls::{Made, look_up_window, says_not_found, success};
use crate::exchange::exchange;
use crate::observer::{CallKind, CallResult};

/// What a probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probed {
    /// The random id is not found, as it should be.
    Passed,
    /// The account is refused.
    Refused,
    /// Anything else.
    Unclear,
}

/// A probe and what was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// What it found.
    pub probed: Probed,
    /// For people.
    pub answer: Answer,
}

impl<C: Clock> Accounts<C> {
    /// Looks up a random id. "Not found" puts a stopped account on trial: its look-ups run, and one confirmation
    /// at a time; it resumes when one has passed, or at the next such probe if nobody has asked to confirm. A
    /// refusal of the account stops one that runs. Takes no token.
    ///
    /// # Errors
    /// [`UnknownAccount`].
    pub async fn probe(&self, account: &AccountName) -> Result<Probe, UnknownAccount> {
        let account = self.account(account)?;
        let begun_at = self.clock.now();
        account.probe_leaves(begun_at);
        let id = random_id(self.chance.bits());
        let request = Request::get_checkout_session(&id);
        let answered = exchange(
            &account,
            &*self.clock,
            None,
            &request,
            look_up_window(&account, begun_at),
        )
        .await;
        let (probed, answer) = match answered {
            // Nobody can have made a session of this id.
            Ok(response) => (Probed::Unclear, success(response.status, response.request_id)),
            Err(failure) => {
                let probed = match failure.verdict(Call::LookUp).class {
                    _ if says_not_found(&failure) => Probed::Passed,
                    Class::Lane => Probed::Refused,
                    Class::Retry | Class::Slow | Class::Ask | Class::Final | Class::Fix { .. } => {
                        Probed::Unclear
                    }
                };
                // Of a session that nobody has, Amazon can quote nothing.
                (probed, failure.answer(b""))
            }
        };
        let now = self.clock.now();
        let (result, change) = match probed {
            Probed::Passed => (CallResult::Ok, account.probe_passed(now)),
            Probed::Refused => {
                let change = account.probe_refused(&answer, begun_at, now);
                (CallResult::Failed(Class::Lane), change)
            }
            Probed::Unclear => (CallResult::Failed(Class::Ask), None),
        };
        let made = Made {
            kind: CallKind::Probe,
            subject: id.as_str(),
            begun_at,
            traceparent: None,
        };
        self.report(&account, &made, result, &answer);
        self.tell(&account, change);
        Ok(Probe { probed, answer })
    }
}

/// In the form that Amazon gives its own.
fn random_id(bits: u128) -> CheckoutSessionId {
    let hex = format!("{bits:032x}");
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    CheckoutSessionId::parse(&parts.join("-")).expect("hexadecimal digits and dashes are an id")
}
