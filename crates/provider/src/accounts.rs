//! The ports of the reconciler, on amazon-pay.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use amazon_pay::{ChargeId, CheckoutSession, CheckoutSessionId, IdempotencyKey, Request};
use checkout::{
    AccountName, Answer, ChargeAnswer, ChargeFound, Class, ConfirmAnswer, Found, LookUpAnswer, Operation,
    Order, SessionId, Timestamp,
};
use jiff::SignedDuration;
use reconciler::ports::{Attempt, Call, Chance, Clock, ConfirmCheckout, LookUp, NoTurn, Turns};
use reconciler::{Condition, Personal};

use crate::account::{Account, Change, Heard, Turn};
use crate::classify::{Verdict, is_not_found};
use crate::exchange::{Failure, Window, exchange};
use crate::observer::{CallKind, CallReport, CallResult, Observer};
use crate::settings::{AccountSettings, SettingsError};
use crate::{reading, request};

/// No such account is configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no account `{0}` is configured")]
pub struct UnknownAccount(pub AccountName);

/// An account as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountState {
    /// Which.
    pub account: AccountName,
    /// Whether its calls are made.
    pub condition: Condition,
    /// Whether throttling has made it slower than its quota.
    pub slowed: bool,
    /// Since when it has this condition.
    pub since: Timestamp,
    /// Why; empty where nothing has happened yet.
    pub reason: String,
}

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

/// Every merchant account, by name.
pub struct Accounts<C> {
    by_name: BTreeMap<AccountName, Arc<Account>>,
    clock: Arc<C>,
    chance: Arc<dyn Chance>,
    observer: Arc<dyn Observer>,
}

impl<C: Clock> Accounts<C> {
    /// Checks the settings and connects to nothing. Every account is running; see [`restore`](Self::restore).
    ///
    /// # Errors
    /// What cannot be used, for each account that cannot.
    pub fn new(
        settings: Vec<AccountSettings>,
        clock: Arc<C>,
        chance: Arc<dyn Chance>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Vec<(AccountName, SettingsError)>> {
        let mut by_name = BTreeMap::new();
        let mut problems = Vec::new();
        let now = clock.now();
        for settings in settings {
            let name = settings.name.clone();
            let account = if by_name.contains_key(&name) {
                Err(SettingsError::NameTaken)
            } else {
                account(settings, now)
            };
            match account {
                Ok(account) => {
                    by_name.insert(name, Arc::new(account));
                }
                Err(problem) => problems.push((name, problem)),
            }
        }
        if problems.is_empty() {
            Ok(Self {
                by_name,
                clock,
                chance,
                observer,
            })
        } else {
            Err(problems)
        }
    }

    /// The accounts as they stand, by name.
    pub fn conditions(&self) -> Vec<AccountState> {
        self.by_name
            .values()
            .map(|account| {
                let (since, reason) = account.since_and_reason();
                AccountState {
                    account: account.name.clone(),
                    condition: account.condition(),
                    slowed: account.is_slowed(),
                    since,
                    reason,
                }
            })
            .collect()
    }

    /// Takes over a condition that was recorded elsewhere, at the start or by another replica. The observer is
    /// not told. Restoring the condition that it has changes nothing.
    ///
    /// # Errors
    /// [`UnknownAccount`].
    pub fn restore(&self, account: &AccountName, condition: Condition) -> Result<(), UnknownAccount> {
        self.account(account)?.restore(condition, self.clock.now());
        Ok(())
    }

    /// Pauses an account, or ends its pause: nothing is sent while it is paused, no probe either. One that is
    /// stopped stays so and is probed at once.
    ///
    /// # Errors
    /// [`UnknownAccount`].
    pub fn set_paused(&self, account: &AccountName, paused: bool) -> Result<(), UnknownAccount> {
        let account = self.account(account)?;
        let change = account.set_paused(paused, self.clock.now());
        self.tell(&account, change);
        Ok(())
    }

    /// The stopped accounts to [`probe`](Self::probe) at `now`.
    pub fn probes_due(&self, now: Timestamp) -> Vec<AccountName> {
        self.by_name
            .values()
            .filter(|account| account.probe_at().is_some_and(|at| at <= now))
            .map(|account| account.name.clone())
            .collect()
    }

    /// When the next probe is due; none while no account is stopped.
    pub fn next_probe_at(&self) -> Option<Timestamp> {
        self.by_name
            .values()
            .filter_map(|account| account.probe_at())
            .min()
    }

    /// Looks up a random id. "Not found" resumes a stopped account; a refusal of the account stops one that
    /// runs. Takes no token.
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
        self.report(&account, CallKind::Probe, id.as_str(), begun_at, result, &answer);
        self.tell(&account, change);
        Ok(Probe { probed, answer })
    }

    /// This replica's part of every quota, 0 to 1: its part of the partitions.
    pub fn share_out(&self, share: f64) {
        let now = self.clock.now();
        for account in self.by_name.values() {
            account.share_out(share, now);
        }
    }

    /// The calls a second that we allow ourselves now, as configured and learned; none for an unknown account.
    pub fn quota_per_second(&self, account: &AccountName, call: Call) -> Option<f64> {
        self.by_name.get(account).map(|account| account.rate(call))
    }

    /// How far Amazon's clock is ahead of ours; none before the first answer.
    pub fn skew(&self, account: &AccountName) -> Option<SignedDuration> {
        self.by_name.get(account)?.skew()
    }

    fn account(&self, name: &AccountName) -> Result<Arc<Account>, UnknownAccount> {
        self.by_name
            .get(name)
            .cloned()
            .ok_or_else(|| UnknownAccount(name.clone()))
    }

    fn tell(&self, account: &Account, change: Option<Change>) {
        if let Some(Change { condition, reason }) = change {
            self.observer.condition(&account.name, condition, &reason);
        }
    }

    fn report(
        &self,
        account: &Account,
        operation: CallKind,
        subject: &str,
        begun_at: Timestamp,
        result: CallResult,
        answer: &Answer,
    ) {
        let took = self.clock.now().since(begun_at);
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    account = account.name.as_str(),
                    operation = operation.name(),
                    result = result.name(),
                    status = answer.status,
                    reason_code = answer.reason_code,
                    request_id = answer.request_id,
                    message_from_amazon = answer.message,
                    subject,
                    duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                    "Amazon Pay: {} of `{subject}`: {}",
                    operation.name(),
                    result.name(),
                )
            };
        }
        match result {
            CallResult::Ok => log!(info),
            CallResult::NotSent | CallResult::Failed(_) => log!(warn),
        }
        self.observer.called(&CallReport {
            account: &account.name,
            operation,
            result,
            seconds: took.as_secs_f64(),
        });
    }

    /// What a failed call means once the account has heard of it.
    fn failed(&self, account: &Account, made: &Made<'_>, failure: &Failure, answer: &Answer) -> Verdict {
        let Verdict {
            class,
            may_have_landed,
        } = failure.verdict(made.kind_of_call());
        let (class, change) = account.hear(&Heard {
            call: made.kind_of_call(),
            subject: made.subject,
            begun_at: made.begun_at,
            now: self.clock.now(),
            class: Some(class),
            retry_after: failure.retry_after(),
            answer,
        });
        let class = class.unwrap_or(Class::Ask);
        let result = match failure {
            Failure::NotSent(_) => CallResult::NotSent,
            Failure::Silence(_) | Failure::Refused(_) | Failure::Unreadable { .. } => {
                CallResult::Failed(class)
            }
        };
        self.report(account, made.kind, made.subject, made.begun_at, result, answer);
        self.tell(account, change);
        Verdict {
            class,
            may_have_landed,
        }
    }

    fn succeeded(&self, account: &Account, made: &Made<'_>, answer: &Answer) {
        account.hear(&Heard {
            call: made.kind_of_call(),
            subject: made.subject,
            begun_at: made.begun_at,
            now: self.clock.now(),
            class: None,
            retry_after: None,
            answer,
        });
        self.report(
            account,
            made.kind,
            made.subject,
            made.begun_at,
            CallResult::Ok,
            answer,
        );
    }

    async fn confirmed(
        &self,
        turn: Turn,
        attempt: &Attempt,
        made: &Made<'_>,
    ) -> Result<ConfirmAnswer, Failure> {
        let account = turn.account();
        let request = confirm_request(attempt)?;
        let window = Window {
            send_by: Some(attempt.send_by),
            answer_by: attempt.answer_by,
        };
        let response = exchange(&account, &*self.clock, Some(turn), &request, window).await?;
        let answer = success(response.status, response.request_id);
        let ids = reading::confirmed(attempt.id.as_str(), &response.value)
            .map_err(|because| unreadable(&answer, because))?;
        self.succeeded(&account, made, &answer);
        Ok(ConfirmAnswer::Accepted {
            ids,
            pending: response.status == 202,
            answer,
        })
    }

    async fn looked_up(
        &self,
        turn: Turn,
        id: &SessionId,
        made: &Made<'_>,
    ) -> Result<(checkout::LookUp, Option<Personal>), Failure> {
        let account = turn.account();
        let begun_at = made.begun_at;
        let id =
            CheckoutSessionId::parse(id.as_str()).map_err(|error| Failure::NotSent(error.to_string()))?;
        let request = Request::get_checkout_session(&id);
        let window = look_up_window(&account, begun_at);
        let response = exchange(&account, &*self.clock, Some(turn), &request, window).await?;
        let answer = success(response.status, response.request_id);
        let created_at = response.value.creation_timestamp.map(model_time);
        let expires_at = response
            .value
            .expiration_timestamp
            .map(|at| account.shortened(at));
        let (found, personal) =
            reading::found(id.as_str(), response.value).map_err(|because| unreadable(&answer, because))?;
        self.succeeded(&account, made, &answer);
        let look_up = checkout::LookUp {
            begun_at,
            found,
            created_at,
            expires_at,
            answer,
        };
        Ok((look_up, personal))
    }

    async fn charge_looked_up(
        &self,
        turn: Turn,
        charge_id: &str,
        made: &Made<'_>,
    ) -> Result<ChargeAnswer, Failure> {
        let account = turn.account();
        let id = ChargeId::parse(charge_id).map_err(|error| Failure::NotSent(error.to_string()))?;
        let request = Request::get_charge(&id);
        let window = look_up_window(&account, made.begun_at);
        let response = exchange(&account, &*self.clock, Some(turn), &request, window).await?;
        let answer = success(response.status, response.request_id);
        let found = reading::charge_found(charge_id, response.value)
            .map_err(|because| unreadable(&answer, because))?;
        self.succeeded(&account, made, &answer);
        Ok(ChargeAnswer::Told { found, answer })
    }
}

impl<C: Clock> Turns for Accounts<C> {
    type Turn = Turn;

    fn turn(&self, account: &AccountName, call: Call) -> Result<Turn, NoTurn> {
        let account = self.by_name.get(account).ok_or(NoTurn::UnknownAccount)?;
        account.turn(call, self.clock.now())
    }
}

impl<C: Clock> ConfirmCheckout for Accounts<C> {
    fn request_body(&self, order: &Order, personal: &Personal) -> Vec<u8> {
        request::body(order, personal)
    }

    async fn confirm(&self, turn: Turn, attempt: Attempt) -> ConfirmAnswer {
        let account = turn.account();
        let made = Made {
            kind: match attempt.operation {
                Operation::Finalize => CallKind::Finalize,
                Operation::Complete => CallKind::Complete,
            },
            subject: attempt.id.as_str(),
            begun_at: self.clock.now(),
        };
        let failure = match self.confirmed(turn, &attempt, &made).await {
            Ok(answer) => return answer,
            Err(failure) => failure,
        };
        let answer = failure.answer(&attempt.body);
        let Verdict {
            class,
            may_have_landed,
        } = self.failed(&account, &made, &failure, &answer);
        match failure {
            Failure::NotSent(_) => ConfirmAnswer::NotSent(answer),
            Failure::Silence(_) | Failure::Refused(_) | Failure::Unreadable { .. } => ConfirmAnswer::Failed {
                class,
                may_have_landed,
                retry_after: failure.retry_after(),
                answer,
            },
        }
    }
}

impl<C: Clock> LookUp for Accounts<C> {
    async fn look_up(&self, turn: Turn, _: &AccountName, id: &SessionId) -> (LookUpAnswer, Option<Personal>) {
        let account = turn.account();
        let made = Made {
            kind: CallKind::LookUp,
            subject: id.as_str(),
            begun_at: self.clock.now(),
        };
        let failure = match self.looked_up(turn, id, &made).await {
            Ok((look_up, personal)) => return (LookUpAnswer::Told(look_up), personal),
            Err(failure) => failure,
        };
        let answer = failure.answer(b"");
        if says_not_found(&failure) {
            self.succeeded(&account, &made, &answer);
            let look_up = checkout::LookUp {
                begun_at: made.begun_at,
                found: Found::NotFound,
                created_at: None,
                expires_at: None,
                answer,
            };
            return (LookUpAnswer::Told(look_up), None);
        }
        let failed = LookUpAnswer::Failed {
            class: self.failed(&account, &made, &failure, &answer).class,
            retry_after: failure.retry_after(),
            answer,
        };
        (failed, None)
    }

    async fn look_up_charge(&self, turn: Turn, _: &AccountName, charge_id: &str) -> ChargeAnswer {
        let account = turn.account();
        let made = Made {
            kind: CallKind::Charge,
            subject: charge_id,
            begun_at: self.clock.now(),
        };
        let failure = match self.charge_looked_up(turn, charge_id, &made).await {
            Ok(answer) => return answer,
            Err(failure) => failure,
        };
        let answer = failure.answer(b"");
        if says_not_found(&failure) {
            self.succeeded(&account, &made, &answer);
            return ChargeAnswer::Told {
                found: ChargeFound::NotFound,
                answer,
            };
        }
        ChargeAnswer::Failed {
            class: self.failed(&account, &made, &failure, &answer).class,
            retry_after: failure.retry_after(),
            answer,
        }
    }
}

impl<C> fmt::Debug for Accounts<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("names", &self.by_name.keys())
            .finish_non_exhaustive()
    }
}

/// A call that is made: what everybody who hears of it needs to know.
struct Made<'a> {
    kind: CallKind,
    subject: &'a str,
    begun_at: Timestamp,
}

impl Made<'_> {
    fn kind_of_call(&self) -> Call {
        match self.kind {
            CallKind::Finalize | CallKind::Complete => Call::Confirm,
            CallKind::LookUp | CallKind::Probe => Call::LookUp,
            CallKind::Charge => Call::Charge,
        }
    }
}

fn account(settings: AccountSettings, now: Timestamp) -> Result<Account, SettingsError> {
    settings.check()?;
    let name = settings.name.clone();
    let attempt_timeout = settings.attempt_timeout;
    let quotas = (settings.quotas, settings.shop_front_share);
    Ok(Account::new(
        name,
        settings.client()?,
        attempt_timeout,
        quotas,
        now,
    ))
}

fn confirm_request(attempt: &Attempt) -> Result<Request<CheckoutSession>, Failure> {
    let not_sent = |error: amazon_pay::InvalidId| Failure::NotSent(error.to_string());
    let id = CheckoutSessionId::parse(attempt.id.as_str()).map_err(not_sent)?;
    let key = Some(IdempotencyKey::parse(attempt.key.as_str()).map_err(not_sent)?);
    let body = attempt.body.clone();
    Ok(match attempt.operation {
        Operation::Finalize => Request::finalize(&id, body, key),
        Operation::Complete => Request::complete(&id, body, key),
    })
}

fn look_up_window(account: &Account, begun_at: Timestamp) -> Window {
    Window {
        send_by: None,
        answer_by: begun_at.plus(account.attempt_timeout),
    }
}

fn success(status: u16, request_id: Option<String>) -> Answer {
    Answer {
        status: Some(status),
        request_id,
        ..Answer::default()
    }
}

fn unreadable(answer: &Answer, because: String) -> Failure {
    Failure::Unreadable {
        status: answer.status.unwrap_or_default(),
        request_id: answer.request_id.clone(),
        because,
    }
}

fn says_not_found(failure: &Failure) -> bool {
    match failure {
        Failure::Refused(error) => is_not_found(
            error.status,
            error.reason_code.as_deref(),
            error.content_type.as_deref(),
        ),
        Failure::NotSent(_) | Failure::Silence(_) | Failure::Unreadable { .. } => false,
    }
}

fn model_time(at: jiff::Timestamp) -> Timestamp {
    Timestamp::from_micros(at.as_microsecond())
}

/// In the form that Amazon gives its own.
fn random_id(bits: u128) -> CheckoutSessionId {
    let hex = format!("{bits:032x}");
    let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    CheckoutSessionId::parse(&parts.join("-")).expect("hexadecimal digits and dashes are an id")
}
