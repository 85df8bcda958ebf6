//! The session's account, which the configuration may not have, or not any more.

use super::{AccountIs, Refused, Story};
use crate::session::{Hold, Open, Subject};
use crate::{Answer, Event, Flaw, Session};

impl Story<'_> {
    /// What a missing account alone makes necessary begins when it is missing, and ends when it is there.
    pub(super) fn account(&mut self, is: AccountIs) {
        match is {
            AccountIs::Missing => self.account_missing(),
            AccountIs::Configured if self.waits_for_its_account() => self.tell(Event::Released),
            AccountIs::Configured => {}
        }
    }

    fn account_missing(&mut self) {
        let is_new = match &self.session {
            Session::Open(open) => {
                let is_told_of = matches!(open.hold, Hold::NeedsRepair(_) | Hold::Forsworn { .. });
                !is_told_of && !self.is_in_flight(open)
            }
            Session::PaymentPending(pending) => pending.repair.is_none(),
            Session::Unseen | Session::Settled(_) => false,
        };
        if let Some(subject) = self.session.subject().filter(|_| is_new) {
            let flaw = Flaw::of_account(subject.account());
            self.needs_repair(flaw, None, false, Answer::default());
        }
    }

    fn waits_for_its_account(&self) -> bool {
        match &self.session {
            Session::Open(Open {
                hold: Hold::NeedsRepair(flaw),
                subject,
                ..
            }) => flaw.is_of_account() && subject.account().is_some() && subject.statement.order.is_some(),
            Session::PaymentPending(pending) => pending.repair.is_some(),
            Session::Unseen | Session::Open(_) | Session::Settled(_) => false,
        }
    }
}

/// Why nothing can be done for a session whose account is missing.
pub(super) fn no_account(subject: &Subject) -> Refused {
    match subject.account() {
        Some(name) => Refused::NoAccount(name.clone()),
        None => Refused::Incomplete(
            subject
                .statement
                .needs_repair()
                .unwrap_or_else(|| Flaw::of_account(None)),
        ),
    }
}
