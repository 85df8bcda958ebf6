//! First answers, by merchant and idempotency key: kept for ever, as Amazon keeps them.

use std::collections::HashMap;

use crate::api::operation::Operation;
use crate::api::refusal::Refusal;
use crate::unknowns::Unknowns;
use crate::world::{KnownCall, Outcome};

#[derive(Default)]
pub(crate) struct Answers(HashMap<(usize, String), Saved>);

/// The values that came with an idempotency key, and what they were answered.
struct Saved {
    operation: Operation,
    object: Option<String>,
    body_sha256: String,
    outcome: Outcome,
}

impl Answers {
    /// The saved answer, none for a call that is to be worked on, or what is wrong with its key.
    pub(crate) fn answer(
        &self,
        call: &KnownCall<'_>,
        unknowns: &Unknowns,
    ) -> Result<Option<Outcome>, Refusal> {
        let Some(key) = key(call) else {
            // Of the two codes that are documented, this one is for a header that is not there at all.
            return if call.operation.needs_key() {
                let why = "x-amz-pay-idempotency-key is required";
                Err(Refusal::new(400, "MissingHeader", why))
            } else {
                Ok(None)
            };
        };
        if key.is_empty() && call.operation.needs_key() {
            let why = "x-amz-pay-idempotency-key is empty";
            return Err(Refusal::new(400, "MissingHeaderValue", why));
        }
        if unknowns.enforce_key_format && !is_well_formed(key) {
            let why = format!("x-amz-pay-idempotency-key: '{key}' is not 1 to 32 of A-Z a-z 0-9 - _");
            return Err(Refusal::new(400, "InvalidHeaderValue", why));
        }
        let Some(saved) = self.0.get(&slot(call, key, unknowns)) else {
            return Ok(None);
        };
        let same = saved.operation == call.operation
            && saved.object.as_deref() == call.object
            && saved.body_sha256 == call.body_sha256;
        if !same {
            let why = format!("idempotency key '{key}' came with other values before");
            return Err(Refusal::new(400, "DuplicateIdempotencyKey", why));
        }
        if call.operation.confirms() && !unknowns.replay_confirmations {
            return Ok(None);
        }
        let mut outcome = Outcome {
            effect: None,
            replayed: true,
            ..saved.outcome.clone()
        };
        if outcome.status == 201 && unknowns.replayed_creation_answers_200 {
            outcome.status = 200;
        }
        Ok(Some(outcome))
    }

    pub(crate) fn keep(&mut self, call: &KnownCall<'_>, outcome: &Outcome, unknowns: &Unknowns) {
        if let Some(key) = key(call).filter(|_| outcome.status < 400 || unknowns.replay_errors) {
            self.save(call, key, outcome.clone(), unknowns);
        }
    }

    pub(crate) fn keep_fault(&mut self, call: &KnownCall<'_>, outcome: &Outcome, unknowns: &Unknowns) {
        if let Some(key) = key(call).filter(|_| unknowns.replay_errors && outcome.status != 429) {
            self.save(call, key, outcome.clone(), unknowns);
        }
    }

    pub(crate) fn is_answered(&self, call: &KnownCall<'_>, unknowns: &Unknowns) -> bool {
        key(call).is_some_and(|key| self.0.contains_key(&slot(call, key, unknowns)))
    }

    fn save(&mut self, call: &KnownCall<'_>, key: &str, outcome: Outcome, unknowns: &Unknowns) {
        let saved = Saved {
            operation: call.operation,
            object: call.object.map(str::to_owned),
            body_sha256: call.body_sha256.to_owned(),
            outcome,
        };
        self.0.insert(slot(call, key, unknowns), saved);
    }
}

/// Keys mean nothing to the other methods.
fn key<'a>(call: &KnownCall<'a>) -> Option<&'a str> {
    call.key.filter(|_| call.operation.is_post())
}

fn slot(call: &KnownCall<'_>, key: &str, unknowns: &Unknowns) -> (usize, String) {
    let key = if unknowns.key_is_bound_to_path {
        key.to_owned()
    } else {
        // No key holds a slash.
        format!(
            "{key}/{}/{}",
            call.operation.word(),
            call.object.unwrap_or_default()
        )
    };
    (call.merchant, key)
}

fn is_well_formed(key: &str) -> bool {
    (1..=32).contains(&key.len())
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}
