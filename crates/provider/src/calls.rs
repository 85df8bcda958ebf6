//! The ports of the reconciler: one call each, made, heard of and put into the model's words.

use std::time::Duration;

use amazon_pay::{
    ChargeId, ChargePermissionId, CheckoutSession, CheckoutSessionId, IdempotencyKey, ReasonCode, Request,
};
use checkout::{
    AccountName, Answer, ChargeAnswer, ChargeFound, Class, ConfirmAnswer, Found, LookUpAnswer, Operation,
    Order, SessionId, Timestamp,
};
use jiff::SignedDuration;
use reconciler::ports::{
    Attempt, Call, Clock, ConfirmCheckout, LookUp, NoTurn, PermissionAnswer, PermissionDetails, Turns,
};
use reconciler::{BuyerDetails, Personal};

use crate::account::{Account, Heard, Turn};
use crate::accounts::Accounts;
use crate::classify::{Verdict, is_not_found};
use crate::exchange::{Failure, Window, exchange};
use crate::observer::{CallKind, CallResult};
use crate::{reading, request};

/// A call that is made: what everybody who hears of it needs to know.
pub(crate) struct Made<'a> {
    pub(crate) kind: CallKind,
    pub(crate) subject: &'a str,
    pub(crate) begun_at: Timestamp,
    pub(crate) traceparent: Option<&'a str>,
}

impl Made<'_> {
    fn kind_of_call(&self) -> Call {
        match self.kind {
            CallKind::Finalize | CallKind::Complete => Call::Confirm,
            CallKind::LookUp | CallKind::Probe => Call::LookUp,
            CallKind::Charge => Call::Charge,
            CallKind::Permission => Call::Permission,
        }
    }
}

impl<C: Clock> Accounts<C> {
    /// What a failed call means once the account has heard of it.
    fn failed(&self, account: &Account, made: &Made<'_>, failure: &Failure, answer: &Answer) -> Verdict {
        let Verdict {
            class,
            may_have_landed,
        } = failure.verdict(made.kind_of_call());
        let (own_fault, change) = account.hear(&Heard {
            call: made.kind_of_call(),
            subject: made.subject,
            begun_at: made.begun_at,
            now: self.clock.now(),
            class: Some(class),
            retry_after: failure.retry_after(),
            answer,
        });
        let class = if own_fault {
            Class::Fix { content: false }
        } else {
            class
        };
        let result = match failure {
            Failure::NotSent(_) => CallResult::NotSent,
            Failure::Silence(_) | Failure::Refused(_) | Failure::Unreadable { .. } => {
                CallResult::Failed(class)
            }
        };
        self.report(account, made, result, answer);
        self.tell(account, change);
        Verdict {
            class,
            may_have_landed,
        }
    }

    fn succeeded(&self, account: &Account, made: &Made<'_>, answer: &Answer) {
        let (_, change) = account.hear(&Heard {
            call: made.kind_of_call(),
            subject: made.subject,
            begun_at: made.begun_at,
            now: self.clock.now(),
            class: None,
            retry_after: None,
            answer,
        });
        self.report(account, made, CallResult::Ok, answer);
        self.tell(account, change);
    }

    async fn confirmed(
        &self,
        turn: &mut Turn,
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
        mut turn: Turn,
        id: &SessionId,
        made: &Made<'_>,
    ) -> Result<(checkout::LookUp, Option<Personal>), Failure> {
        let account = turn.account();
        let begun_at = made.begun_at;
        let id =
            CheckoutSessionId::parse(id.as_str()).map_err(|error| Failure::NotSent(error.to_string()))?;
        let request = Request::get_checkout_session(&id);
        let window = look_up_window(&account, begun_at);
        let response = exchange(&account, &*self.clock, Some(&mut turn), &request, window).await?;
        let answer = success(response.status, response.request_id);
        let created_at = response.value.creation_timestamp.map(model_time);
        let expiration = response.value.expiration_timestamp;
        let left = expiration
            .zip(response.date)
            .map(|(at, date)| time_left(at, date));
        let expires_at = expiration.map(|at| account.shortened(at));
        let (found, personal) =
            reading::found(id.as_str(), response.value).map_err(|because| unreadable(&answer, because))?;
        self.succeeded(&account, made, &answer);
        let look_up = checkout::LookUp {
            begun_at,
            found,
            created_at,
            expires_at,
            left,
            answer,
        };
        Ok((look_up, personal))
    }

    async fn charge_looked_up(
        &self,
        mut turn: Turn,
        charge_id: &str,
        made: &Made<'_>,
    ) -> Result<ChargeAnswer, Failure> {
        let account = turn.account();
        let id = ChargeId::parse(charge_id).map_err(|error| Failure::NotSent(error.to_string()))?;
        let request = Request::get_charge(&id);
        let window = look_up_window(&account, made.begun_at);
        let response = exchange(&account, &*self.clock, Some(&mut turn), &request, window).await?;
        let answer = success(response.status, response.request_id);
        let found = reading::charge_found(charge_id, response.value)
            .map_err(|because| unreadable(&answer, because))?;
        self.succeeded(&account, made, &answer);
        Ok(ChargeAnswer::Told { found, answer })
    }

    async fn permission_looked_up(
        &self,
        mut turn: Turn,
        charge_permission_id: &str,
        made: &Made<'_>,
    ) -> Result<BuyerDetails, Failure> {
        let account = turn.account();
        let id = ChargePermissionId::parse(charge_permission_id)
            .map_err(|error| Failure::NotSent(error.to_string()))?;
        let request = Request::get_charge_permission(&id);
        let window = look_up_window(&account, made.begun_at);
        let response = exchange(&account, &*self.clock, Some(&mut turn), &request, window).await?;
        let answer = success(response.status, response.request_id);
        let details = reading::buyer_details(charge_permission_id, response.value)
            .map_err(|because| unreadable(&answer, because))?;
        self.succeeded(&account, made, &answer);
        Ok(details)
    }
}

impl<C: Clock> Turns for Accounts<C> {
    type Turn = Turn;

    fn knows(&self, account: &AccountName) -> bool {
        self.by_name.contains_key(account)
    }

    fn turn(&self, account: &AccountName, call: Call) -> Result<Turn, NoTurn> {
        let account = self.by_name.get(account).ok_or(NoTurn::UnknownAccount)?;
        account.turn(call, self.clock.now())
    }
}

impl<C: Clock> ConfirmCheckout for Accounts<C> {
    fn request_body(&self, order: &Order, personal: &Personal) -> Vec<u8> {
        request::body(order, personal)
    }

    /// Holds its turn until the account has heard what came of it: it may be the trial.
    async fn confirm(&self, mut turn: Turn, attempt: Attempt) -> ConfirmAnswer {
        let account = turn.account();
        let made = Made {
            kind: match attempt.operation {
                Operation::Finalize => CallKind::Finalize,
                Operation::Complete => CallKind::Complete,
            },
            subject: attempt.id.as_str(),
            begun_at: self.clock.now(),
            traceparent: attempt.traceparent.as_deref(),
        };
        let failure = match self.confirmed(&mut turn, &attempt, &made).await {
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
    async fn look_up(
        &self,
        turn: Turn,
        _: &AccountName,
        id: &SessionId,
        traceparent: Option<&str>,
    ) -> (LookUpAnswer, Option<Personal>) {
        let account = turn.account();
        let made = Made {
            kind: CallKind::LookUp,
            subject: id.as_str(),
            begun_at: self.clock.now(),
            traceparent,
        };
        let failure = match self.looked_up(turn, id, &made).await {
            Ok((look_up, personal)) => return (LookUpAnswer::Told(look_up), personal),
            Err(failure) => failure,
        };
        let answer = failure.answer_to_look_up();
        if says_not_found(&failure) {
            self.succeeded(&account, &made, &answer);
            let look_up = checkout::LookUp {
                begun_at: made.begun_at,
                found: Found::NotFound,
                created_at: None,
                expires_at: None,
                left: None,
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

    async fn look_up_charge(
        &self,
        turn: Turn,
        _: &AccountName,
        charge_id: &str,
        traceparent: Option<&str>,
    ) -> ChargeAnswer {
        let account = turn.account();
        let made = Made {
            kind: CallKind::Charge,
            subject: charge_id,
            begun_at: self.clock.now(),
            traceparent,
        };
        let failure = match self.charge_looked_up(turn, charge_id, &made).await {
            Ok(answer) => return answer,
            Err(failure) => failure,
        };
        let answer = failure.answer_to_look_up();
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

impl<C: Clock> PermissionDetails for Accounts<C> {
    async fn permission_details(
        &self,
        turn: Turn,
        _: &AccountName,
        charge_permission_id: &str,
    ) -> PermissionAnswer {
        let account = turn.account();
        let made = Made {
            kind: CallKind::Permission,
            subject: charge_permission_id,
            begun_at: self.clock.now(),
            traceparent: None,
        };
        let failure = match self.permission_looked_up(turn, charge_permission_id, &made).await {
            Ok(details) => return PermissionAnswer::Told(Box::new(details)),
            Err(failure) => failure,
        };
        let answer = failure.answer_to_look_up();
        if says_not_found(&failure) {
            self.succeeded(&account, &made, &answer);
            return PermissionAnswer::Gone;
        }
        match self.failed(&account, &made, &failure, &answer).class {
            // It has no content, so nobody can repair it.
            Class::Fix { .. } | Class::Final => PermissionAnswer::Gone,
            Class::Retry | Class::Slow | Class::Ask | Class::Lane => PermissionAnswer::NotNow {
                retry_after: failure.retry_after(),
            },
        }
    }
}

fn confirm_request(attempt: &Attempt) -> Result<Request<CheckoutSession>, Failure> {
    let not_sent = |error: amazon_pay::InvalidId| Failure::NotSent(error.to_string());
    let id = CheckoutSessionId::parse(attempt.id.as_str()).map_err(not_sent)?;
    let key = Some(IdempotencyKey::parse(attempt.key.as_str()).map_err(not_sent)?);
    let body = attempt.body.clone();
    Ok(match attempt.operation {
        Operation::Finalize => Request::finalize_checkout_session(&id, body, key),
        Operation::Complete => Request::complete_checkout_session(&id, body, key),
    })
}

pub(crate) fn look_up_window(account: &Account, begun_at: Timestamp) -> Window {
    Window {
        send_by: None,
        answer_by: begun_at.plus(account.attempt_timeout),
    }
}

pub(crate) fn success(status: u16, request_id: Option<String>) -> Answer {
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

pub(crate) fn says_not_found(failure: &Failure) -> bool {
    match failure {
        Failure::Refused(error) => is_not_found(
            error.status,
            error.reason_code.as_ref().map(ReasonCode::as_str),
            error.content_type.as_deref(),
        ),
        Failure::NotSent(_) | Failure::Silence(_) | Failure::Unreadable { .. } => false,
    }
}

/// How long is left at least at Amazon, which wrote its answer within the second that `date` names.
fn time_left(expiration: jiff::Timestamp, date: jiff::Timestamp) -> Duration {
    let left = expiration.duration_since(date) - SignedDuration::from_secs(1);
    Duration::try_from(left).unwrap_or_default()
}

fn model_time(at: jiff::Timestamp) -> Timestamp {
    Timestamp::from_micros(at.as_microsecond())
}
