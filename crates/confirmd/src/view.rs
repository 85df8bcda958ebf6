//! A session as commands and console show it. No personal data in any of it.

use checkout::{
    Amount, DeadlineFrom, Event, Flaw, Hold, Ids, Mode, Operation, Outcome, Policy, Question, Session,
    SessionId, Step, Subject, Timestamp, next_step, wake_at,
};
use console::shown::{self, Money};
use reconciler::{AccountCondition, Actor, Condition, Recorded, alert_id, announcements_of, replay};
use serde_json::{Map, Value};
use session_log::Listed;

pub(crate) mod story;
#[cfg(test)]
pub(crate) mod tests;

/// None for a session that was never heard of.
pub(crate) fn session(
    id: &SessionId,
    history: &[Recorded],
    now: Timestamp,
    policy: &Policy,
    with_history: bool,
) -> Option<shown::Session> {
    let (session, _) = replay(history);
    let subject = session.subject()?;
    let order = subject.statement.order;
    let ids = ids_of(&session);
    Some(shown::Session {
        checkout_session_id: id.to_string(),
        account: subject.account().map(ToString::to_string),
        merchant_reference_id: subject.statement.merchant_reference_id.clone(),
        operation: order.map(|order| operation_name(order.operation())),
        state: session.state(now, policy)?.as_str(),
        may_have_landed: may_have_landed(&session, now, policy),
        deadline: subject.deadline.at,
        deadline_from: match subject.deadline.from {
            DeadlineFrom::LookUp => "look-up",
            DeadlineFrom::Event => "event",
            DeadlineFrom::UpperBound => "upper-bound",
        },
        due_at: wake_at(&session, now, policy),
        attempts: subject.attempts,
        charge_amount: order.and_then(|order| order.charge_amount()).map(money),
        charge_permission_id: ids.map(|ids| ids.charge_permission_id.clone()),
        charge_id: ids.and_then(|ids| ids.charge_id.clone()),
        outcome: outcome_of(id, history),
        alerts: alerts_of(id, subject),
        history: with_history.then(|| history.iter().map(fact).collect()),
    })
}

/// A session as the index knows it.
pub(crate) fn line(listed: &Listed) -> shown::Line {
    let row = &listed.row;
    shown::Line {
        checkout_session_id: listed.id.to_string(),
        state: row.state.as_str(),
        account: row.account.as_ref().map(ToString::to_string),
        merchant_reference_id: row.merchant_reference_id.clone(),
        deadline: row.deadline.at,
        charge_amount: row.charge_amount.map(money),
        settled: row.settled,
        updated_at: listed.updated_at,
        firing: row.firing.clone(),
    }
}

fn money(amount: Amount) -> Money {
    Money {
        amount: amount.value().to_string(),
        currency_code: amount.currency().code().to_owned(),
    }
}

fn operation_name(operation: Operation) -> &'static str {
    match operation {
        Operation::Finalize => "Finalize",
        Operation::Complete => "Complete",
    }
}

fn may_have_landed(session: &Session, now: Timestamp, policy: &Policy) -> bool {
    match session {
        Session::Open(open) => open.may_have_landed(now, policy),
        Session::Unseen | Session::PaymentPending(_) | Session::Settled(_) => false,
    }
}

fn ids_of(session: &Session) -> Option<&Ids> {
    match session {
        Session::PaymentPending(pending) => Some(&pending.ids),
        Session::Settled(settled) => match &settled.outcome {
            Outcome::Confirmed { ids, .. } => Some(ids),
            Outcome::Declined { .. }
            | Outcome::Cancelled { .. }
            | Outcome::Expired
            | Outcome::Unresolved { .. } => None,
        },
        Session::Unseen | Session::Open(_) => None,
    }
}

/// What was told, or would be, as the outcomes topic has it: the outcome only.
fn outcome_of(id: &SessionId, history: &[Recorded]) -> Option<Value> {
    latest_told(id, history, |event| matches!(event, Event::Settled { .. }))
}

/// The outcome, or failing that the last notice about the payment.
pub(crate) fn result_for_the_buyer(id: &SessionId, history: &[Recorded]) -> Option<Value> {
    outcome_of(id, history).or_else(|| {
        latest_told(id, history, |event| {
            matches!(event, Event::PaymentPending | Event::AttemptDeclined { .. })
        })
    })
}

fn latest_told(id: &SessionId, history: &[Recorded], wanted: impl Fn(&Event) -> bool) -> Option<Value> {
    let at = history.iter().rposition(|fact| wanted(&fact.event))?;
    let (before, _) = replay(&history[..at]);
    let announcement = announcements_of(id, before, &history[at..=at]).pop()?;
    let (event_type, body) = kafka_topics::told(&announcement);
    let mut outcome = Map::from_iter([("type".to_owned(), Value::from(event_type))]);
    if let Value::Object(body) = body {
        outcome.extend(body);
    }
    Some(Value::Object(outcome))
}

fn alerts_of(id: &SessionId, subject: &Subject) -> Vec<shown::Alert> {
    subject
        .alerts
        .iter()
        .map(|alert| shown::Alert {
            alert_id: alert_id(id, alert.kind, alert.ordinal),
            kind: alert.kind.name(),
            status: if alert.firing { "firing" } else { "resolved" },
            summary: alert.summary.clone(),
        })
        .collect()
}

fn fact(fact: &Recorded) -> shown::Fact {
    let mut shown = shown::Fact::new(fact.version.0, fact.at, fact.event.name());
    if let Actor::Operator(name) = &fact.actor {
        shown.actor = Some(name.clone());
    }
    shown.reason.clone_from(&fact.reason);
    if let Some(answer) = fact.event.answer() {
        shown.status = answer.status;
        shown.reason_code.clone_from(&answer.reason_code);
        shown.message.clone_from(&answer.message);
        shown.request_id.clone_from(&answer.request_id);
    }
    match &fact.event {
        Event::ConfirmationStarted {
            attempt,
            key,
            send_by,
            ..
        } => {
            shown.attempt = Some(*attempt);
            shown.idempotency_key = Some(key.as_str().to_owned());
            shown.send_by = Some(*send_by);
        }
        Event::ConfirmationNotSent { retry_at, .. }
        | Event::ConfirmationDeferred { retry_at, .. }
        | Event::ConfirmationUnclear { retry_at, .. }
        | Event::LookUpDeferred { retry_at, .. }
        | Event::ChargeLookUpDeferred { retry_at, .. } => shown.retry_at = Some(*retry_at),
        Event::RepairNeeded { flaw, .. } => {
            shown.field = Some(flaw.field.clone());
            shown.problem = Some(flaw.problem.clone());
        }
        Event::AlertRaised { kind, summary, .. } => {
            shown.kind = Some(kind.name());
            shown.summary = Some(summary.clone());
        }
        _ => {}
    }
    shown
}

/// What would be done, and why.
pub(crate) struct Explained {
    pub(crate) step: &'static str,
    pub(crate) because: String,
    pub(crate) not_before: Option<Timestamp>,
}

/// What is on record of a session's account.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OfAccount<'a> {
    /// It is configured; none where its condition was never set.
    Configured(Option<&'a AccountCondition>),
    /// It is not, or the session names none.
    Missing,
}

impl OfAccount<'_> {
    /// None for an account that is not configured.
    pub(crate) fn condition(self) -> Option<Condition> {
        match self {
            Self::Configured(known) => Some(known.map_or(Condition::Running, |known| known.condition)),
            Self::Missing => None,
        }
    }

    /// Why it keeps its sessions from being asked about, if it does.
    fn keeps(self, subject: &Subject) -> Option<String> {
        let known = match self {
            Self::Missing => return Some(Flaw::of_account(subject.account()).problem),
            Self::Configured(known) => known?,
        };
        let AccountCondition { by, reason, .. } = known;
        match known.condition {
            Condition::Running => None,
            Condition::Paused => Some(format!("its account is paused by {by}: {reason}")),
            Condition::Stopped => Some(format!("its account is stopped: {reason}")),
        }
    }
}

/// What is done about the session of `history` at `at`, and why.
pub(crate) fn explain(
    history: &[Recorded],
    at: Timestamp,
    policy: &Policy,
    account: OfAccount<'_>,
) -> Explained {
    let (session, _) = replay(history);
    let step = next_step(&session, at, policy);
    let keeps = session
        .subject()
        .filter(|_| !waits_for_its_account(&session))
        .and_then(|subject| account.keeps(subject));
    let own = because(&session, step, at, policy, account);
    match step {
        Step::Confirm | Step::LookUp | Step::LookUpCharge => Explained {
            step: keeps.as_ref().map_or(step, |_| Step::WaitUntil(at)).name(),
            not_before: keeps.is_none().then_some(at),
            because: keeps.unwrap_or(own),
        },
        Step::WaitUntil(until) => {
            let failed = last_failure(history).map(|text| format!("the last try failed: {text}"));
            Explained {
                step: step.name(),
                because: Vec::from_iter(keeps.into_iter().chain([own]).chain(failed)).join("; "),
                not_before: Some(until),
            }
        }
        Step::Forswear | Step::Alert(_) | Step::Rest => Explained {
            step: step.name(),
            because: own,
            not_before: (step != Step::Rest).then_some(at),
        },
    }
}

/// Its own reason to wait says so already.
fn waits_for_its_account(session: &Session) -> bool {
    match session {
        Session::Open(open) => matches!(&open.hold, Hold::NeedsRepair(flaw) if flaw.is_of_account()),
        Session::Unseen | Session::PaymentPending(_) | Session::Settled(_) => false,
    }
}

/// What Amazon answered, or what happened to the connection, where nothing but alerts came after it.
fn last_failure(history: &[Recorded]) -> Option<String> {
    let is_alert = |event: &Event| matches!(event, Event::AlertRaised { .. } | Event::AlertResolved { .. });
    let last = history.iter().rev().find(|fact| !is_alert(&fact.event))?;
    match &last.event {
        Event::ConfirmationNotSent { answer, .. }
        | Event::ConfirmationDeferred { answer, .. }
        | Event::ConfirmationUnclear { answer, .. }
        | Event::LookUpDeferred { answer, .. }
        | Event::ChargeLookUpDeferred { answer, .. } => Some(answer.as_text()),
        _ => None,
    }
}

fn because(session: &Session, step: Step, at: Timestamp, policy: &Policy, account: OfAccount<'_>) -> String {
    match (step, session) {
        (_, Session::Unseen) => "it was never heard of".to_owned(),
        (_, Session::Settled(settled)) => {
            format!(
                "its outcome is known since {}: {}",
                settled.at,
                settled.outcome.state().as_str()
            )
        }
        (Step::Alert(kind), _) => format!("people are to be told: {}", kind.name()),
        (Step::Forswear, _) => {
            "it cannot be confirmed as it stands and its deadline is near (deadline.near = \"cancel\")"
                .to_owned()
        }
        (_, Session::PaymentPending(_)) => {
            "Amazon Pay has confirmed it; its charge is asked about until the payment is decided".to_owned()
        }
        (Step::Confirm, Session::Open(open)) if open.doubt.is_some() => {
            "a look-up says that it is still open, so the attempt in doubt is repeated".to_owned()
        }
        (Step::Confirm, _) => "it is ready, and known to be open within the last minute".to_owned(),
        (_, Session::Open(open)) => open_because(open, at, policy, account),
    }
}

fn open_because(open: &checkout::Open, at: Timestamp, policy: &Policy, account: OfAccount<'_>) -> String {
    if let Some(flight) = &open.in_flight {
        return if at < flight.until(policy) {
            format!(
                "attempt {} is under way until {}",
                flight.attempt,
                flight.until(policy)
            )
        } else {
            format!(
                "attempt {} has no answer on record and may have landed",
                flight.attempt
            )
        };
    }
    if open.ends_at() <= at {
        return "its deadline has passed, and only Amazon Pay can say what became of it".to_owned();
    }
    if policy.mode == Mode::Watch {
        return "its account is only watched: it is looked up, never confirmed".to_owned();
    }
    match (open.question, &open.hold) {
        (Some(Question::Landed), _) => "an attempt may have landed, and only Amazon Pay can say".to_owned(),
        (Some(Question::Status), _) => {
            "Amazon Pay says that it is in no state for this: a look-up tells which".to_owned()
        }
        (Some(Question::Refused), _) => {
            "Amazon Pay refused the attempt: a look-up tells if it is over".to_owned()
        }
        (None, Hold::NeedsRepair(flaw))
            if flaw.is_of_account() && matches!(account, OfAccount::Configured(_)) =>
        {
            "its account is configured now: a start of confirmd takes it up, and so does `sessions retry`"
                .to_owned()
        }
        (None, Hold::NeedsRepair(flaw)) => format!("it needs repair: `{}`: {}", flaw.field, flaw.problem),
        (None, Hold::Forsworn { at, .. }) => format!("we decided at {at} not to confirm it"),
        (None, Hold::BuyerNotDone(_)) => "the buyer has not finished at Amazon Pay".to_owned(),
        (None, Hold::Ready) if at < open.not_before => {
            format!("the next try comes at {}", open.not_before)
        }
        (None, Hold::Ready) if !open.may_be_tried(at, policy) => {
            "it is too near to its deadline to start a confirmation, unless Amazon Pay says that there is time".to_owned()
        }
        (None, Hold::Ready) => {
            "it was not looked at within the last minute, or its address is not known".to_owned()
        }
    }
}
