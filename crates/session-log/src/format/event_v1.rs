//! Facts at rest, format 1: the kind stands in a column of its own, everything else in a JSON object.

use std::time::Duration;

use checkout::{BodyRef, Event, IdempotencyKey, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::words_v1::{
    AlertKindV1, AnswerV1, BecauseV1, ChargeFoundV1, EvidenceV1, FlawV1, ForswornByV1, FoundV1, IdsV1,
    PaymentV1, RefusalV1, StatementV1, TimeV1, maybe_time, time,
};

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
enum EventV1 {
    CheckoutCompleted {
        statement: StatementV1,
        said_at: TimeV1,
        session_created_at: Option<TimeV1>,
    },
    CheckoutAmended {
        statement: StatementV1,
    },
    AmendmentKept {
        statement: StatementV1,
    },
    ConflictFound {
        statement: StatementV1,
    },
    ConfirmationStarted {
        attempt: u32,
        key: String,
        body: u32,
        send_by: TimeV1,
    },
    ConfirmationNotSent {
        attempt: u32,
        answer: AnswerV1,
        retry_at: TimeV1,
    },
    ConfirmationDeferred {
        attempt: u32,
        because: BecauseV1,
        answer: AnswerV1,
        retry_at: TimeV1,
    },
    ConfirmationUnclear {
        attempt: u32,
        answer: AnswerV1,
        retry_at: TimeV1,
    },
    ConfirmationRefused {
        attempt: u32,
        refusal: RefusalV1,
        answer: AnswerV1,
        may_have_landed: bool,
    },
    RepairNeeded {
        flaw: FlawV1,
        attempt: Option<u32>,
        content: bool,
        answer: AnswerV1,
    },
    LookedUp {
        begun_at: TimeV1,
        found: FoundV1,
        created_at: Option<TimeV1>,
        expires_at: Option<TimeV1>,
        /// Facts of before have none.
        left_seconds: Option<u64>,
        next_at: TimeV1,
        answer: AnswerV1,
    },
    LookUpDeferred {
        answer: AnswerV1,
        retry_at: TimeV1,
    },
    ConfirmationAccepted {
        evidence: EvidenceV1,
        ids: IdsV1,
        answer: AnswerV1,
    },
    PaymentPending {},
    ChargeLookedUp {
        found: ChargeFoundV1,
        next_at: TimeV1,
        answer: AnswerV1,
    },
    ChargeLookUpDeferred {
        answer: AnswerV1,
        retry_at: TimeV1,
    },
    AttemptDeclined {
        reason_code: Option<String>,
    },
    ConfirmationForsworn {
        by: ForswornByV1,
    },
    Released {},
    RetryRequested {},
    Confirmed {
        ids: IdsV1,
        payment: PaymentV1,
        evidence: EvidenceV1,
        answer: AnswerV1,
    },
    Declined {
        reason_code: Option<String>,
        answer: AnswerV1,
    },
    Cancelled {
        decided_at: TimeV1,
        answer: AnswerV1,
    },
    Expired {
        answer: AnswerV1,
    },
    Unresolved {
        because: String,
        answer: AnswerV1,
    },
    AlertRaised {
        alert: AlertKindV1,
        ordinal: u32,
        summary: String,
    },
    AlertResolved {
        ordinal: u32,
    },
}

/// The body of `event`.
pub(super) fn store(event: &Event) -> String {
    let mut body = serde_json::to_value(stored(event)).expect("texts and numbers always have a JSON form");
    if let Value::Object(fields) = &mut body {
        fields.remove("type");
    }
    without_nulls(&mut body);
    body.to_string()
}

/// What is absent is left out, so that a field that is added later looks absent in what is older.
fn without_nulls(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.retain(|_, field| !field.is_null());
        fields.values_mut().for_each(without_nulls);
    }
}

/// The fact that `kind` and `body` say, or what is wrong with them.
pub(super) fn read(kind: &str, body: &str) -> Result<Event, String> {
    // Put in as text: taking the body apart to add a field would take as long as reading it.
    let Some(fields) = body.trim_start().strip_prefix('{') else {
        return Err("its body is not an object".to_owned());
    };
    let separator = if fields.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    let tagged = format!("{{\"type\":{}{separator}{fields}", Value::from(kind));
    let stored: EventV1 = serde_json::from_str(&tagged).map_err(|error| error.to_string())?;
    event(stored)
}

fn stored(event: &Event) -> EventV1 {
    match event {
        Event::CheckoutCompleted {
            statement,
            said_at,
            session_created_at,
        } => EventV1::CheckoutCompleted {
            statement: statement.into(),
            said_at: time(*said_at),
            session_created_at: maybe_time(*session_created_at),
        },
        Event::CheckoutAmended { statement } => EventV1::CheckoutAmended {
            statement: statement.into(),
        },
        Event::AmendmentKept { statement } => EventV1::AmendmentKept {
            statement: statement.into(),
        },
        Event::ConflictFound { statement } => EventV1::ConflictFound {
            statement: statement.into(),
        },
        Event::ConfirmationStarted {
            attempt,
            key,
            body,
            send_by,
        } => EventV1::ConfirmationStarted {
            attempt: *attempt,
            key: key.as_str().to_owned(),
            body: body.0,
            send_by: time(*send_by),
        },
        Event::ConfirmationNotSent {
            attempt,
            answer,
            retry_at,
        } => EventV1::ConfirmationNotSent {
            attempt: *attempt,
            answer: answer.into(),
            retry_at: time(*retry_at),
        },
        Event::ConfirmationDeferred {
            attempt,
            because,
            answer,
            retry_at,
        } => EventV1::ConfirmationDeferred {
            attempt: *attempt,
            because: because.into(),
            answer: answer.into(),
            retry_at: time(*retry_at),
        },
        Event::ConfirmationUnclear {
            attempt,
            answer,
            retry_at,
        } => EventV1::ConfirmationUnclear {
            attempt: *attempt,
            answer: answer.into(),
            retry_at: time(*retry_at),
        },
        Event::ConfirmationRefused {
            attempt,
            refusal,
            answer,
            may_have_landed,
        } => EventV1::ConfirmationRefused {
            attempt: *attempt,
            refusal: refusal.into(),
            answer: answer.into(),
            may_have_landed: *may_have_landed,
        },
        Event::RepairNeeded {
            flaw,
            attempt,
            content,
            answer,
        } => EventV1::RepairNeeded {
            flaw: flaw.into(),
            attempt: *attempt,
            content: *content,
            answer: answer.into(),
        },
        Event::LookedUp {
            begun_at,
            found,
            created_at,
            expires_at,
            left,
            next_at,
            answer,
        } => EventV1::LookedUp {
            begun_at: time(*begun_at),
            found: found.into(),
            created_at: maybe_time(*created_at),
            expires_at: maybe_time(*expires_at),
            left_seconds: left.map(|left| left.as_secs()),
            next_at: time(*next_at),
            answer: answer.into(),
        },
        Event::LookUpDeferred { answer, retry_at } => EventV1::LookUpDeferred {
            answer: answer.into(),
            retry_at: time(*retry_at),
        },
        Event::ConfirmationAccepted {
            evidence,
            ids,
            answer,
        } => EventV1::ConfirmationAccepted {
            evidence: evidence.into(),
            ids: ids.into(),
            answer: answer.into(),
        },
        Event::PaymentPending => EventV1::PaymentPending {},
        Event::ChargeLookedUp {
            found,
            next_at,
            answer,
        } => EventV1::ChargeLookedUp {
            found: found.into(),
            next_at: time(*next_at),
            answer: answer.into(),
        },
        Event::ChargeLookUpDeferred { answer, retry_at } => EventV1::ChargeLookUpDeferred {
            answer: answer.into(),
            retry_at: time(*retry_at),
        },
        Event::AttemptDeclined { reason_code } => EventV1::AttemptDeclined {
            reason_code: reason_code.clone(),
        },
        Event::ConfirmationForsworn { by } => EventV1::ConfirmationForsworn { by: by.into() },
        Event::Released => EventV1::Released {},
        Event::RetryRequested => EventV1::RetryRequested {},
        Event::Settled { outcome, answer } => stored_outcome(outcome, answer.into()),
        Event::AlertRaised {
            kind,
            ordinal,
            summary,
        } => EventV1::AlertRaised {
            alert: (*kind).into(),
            ordinal: *ordinal,
            summary: summary.clone(),
        },
        Event::AlertResolved { ordinal } => EventV1::AlertResolved { ordinal: *ordinal },
    }
}

/// An outcome is stored under its own name, by which people look for it.
fn stored_outcome(outcome: &Outcome, answer: AnswerV1) -> EventV1 {
    match outcome {
        Outcome::Confirmed {
            ids,
            payment,
            evidence,
        } => EventV1::Confirmed {
            ids: ids.into(),
            payment: payment.into(),
            evidence: evidence.into(),
            answer,
        },
        Outcome::Declined { reason_code } => EventV1::Declined {
            reason_code: reason_code.clone(),
            answer,
        },
        Outcome::Cancelled { decided_at } => EventV1::Cancelled {
            decided_at: time(*decided_at),
            answer,
        },
        Outcome::Expired => EventV1::Expired { answer },
        Outcome::Unresolved { because } => EventV1::Unresolved {
            because: because.clone(),
            answer,
        },
    }
}

fn settled(outcome: Outcome, answer: AnswerV1) -> Event {
    Event::Settled {
        outcome,
        answer: answer.into(),
    }
}

fn event(stored: EventV1) -> Result<Event, String> {
    Ok(match stored {
        EventV1::CheckoutCompleted {
            statement,
            said_at,
            session_created_at,
        } => Event::CheckoutCompleted {
            statement: statement.try_into()?,
            said_at: said_at.0,
            session_created_at: session_created_at.map(|at| at.0),
        },
        EventV1::CheckoutAmended { statement } => Event::CheckoutAmended {
            statement: statement.try_into()?,
        },
        EventV1::AmendmentKept { statement } => Event::AmendmentKept {
            statement: statement.try_into()?,
        },
        EventV1::ConflictFound { statement } => Event::ConflictFound {
            statement: statement.try_into()?,
        },
        EventV1::ConfirmationStarted {
            attempt,
            key,
            body,
            send_by,
        } => Event::ConfirmationStarted {
            attempt,
            key: IdempotencyKey::parse(&key).map_err(|error| error.to_string())?,
            body: BodyRef(body),
            send_by: send_by.0,
        },
        EventV1::ConfirmationNotSent {
            attempt,
            answer,
            retry_at,
        } => Event::ConfirmationNotSent {
            attempt,
            answer: answer.into(),
            retry_at: retry_at.0,
        },
        EventV1::ConfirmationDeferred {
            attempt,
            because,
            answer,
            retry_at,
        } => Event::ConfirmationDeferred {
            attempt,
            because: because.into(),
            answer: answer.into(),
            retry_at: retry_at.0,
        },
        EventV1::ConfirmationUnclear {
            attempt,
            answer,
            retry_at,
        } => Event::ConfirmationUnclear {
            attempt,
            answer: answer.into(),
            retry_at: retry_at.0,
        },
        EventV1::ConfirmationRefused {
            attempt,
            refusal,
            answer,
            may_have_landed,
        } => Event::ConfirmationRefused {
            attempt,
            refusal: refusal.into(),
            answer: answer.into(),
            may_have_landed,
        },
        EventV1::RepairNeeded {
            flaw,
            attempt,
            content,
            answer,
        } => Event::RepairNeeded {
            flaw: flaw.into(),
            attempt,
            content,
            answer: answer.into(),
        },
        EventV1::LookedUp {
            begun_at,
            found,
            created_at,
            expires_at,
            left_seconds,
            next_at,
            answer,
        } => Event::LookedUp {
            begun_at: begun_at.0,
            found: found.into(),
            created_at: created_at.map(|at| at.0),
            expires_at: expires_at.map(|at| at.0),
            left: left_seconds.map(Duration::from_secs),
            next_at: next_at.0,
            answer: answer.into(),
        },
        EventV1::LookUpDeferred { answer, retry_at } => Event::LookUpDeferred {
            answer: answer.into(),
            retry_at: retry_at.0,
        },
        EventV1::ConfirmationAccepted {
            evidence,
            ids,
            answer,
        } => Event::ConfirmationAccepted {
            evidence: evidence.into(),
            ids: ids.into(),
            answer: answer.into(),
        },
        EventV1::PaymentPending {} => Event::PaymentPending,
        EventV1::ChargeLookedUp {
            found,
            next_at,
            answer,
        } => Event::ChargeLookedUp {
            found: found.into(),
            next_at: next_at.0,
            answer: answer.into(),
        },
        EventV1::ChargeLookUpDeferred { answer, retry_at } => Event::ChargeLookUpDeferred {
            answer: answer.into(),
            retry_at: retry_at.0,
        },
        EventV1::AttemptDeclined { reason_code } => Event::AttemptDeclined { reason_code },
        EventV1::ConfirmationForsworn { by } => Event::ConfirmationForsworn { by: by.into() },
        EventV1::Released {} => Event::Released,
        EventV1::RetryRequested {} => Event::RetryRequested,
        EventV1::Confirmed {
            ids,
            payment,
            evidence,
            answer,
        } => settled(
            Outcome::Confirmed {
                ids: ids.into(),
                payment: payment.into(),
                evidence: evidence.into(),
            },
            answer,
        ),
        EventV1::Declined { reason_code, answer } => settled(Outcome::Declined { reason_code }, answer),
        EventV1::Cancelled { decided_at, answer } => settled(
            Outcome::Cancelled {
                decided_at: decided_at.0,
            },
            answer,
        ),
        EventV1::Expired { answer } => settled(Outcome::Expired, answer),
        EventV1::Unresolved { because, answer } => settled(Outcome::Unresolved { because }, answer),
        EventV1::AlertRaised {
            alert,
            ordinal,
            summary,
        } => Event::AlertRaised {
            kind: alert.into(),
            ordinal,
            summary,
        },
        EventV1::AlertResolved { ordinal } => Event::AlertResolved { ordinal },
    })
}
