//! One case: how the switches stand, what happens, and how it must end. And how a case is played.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use sandbox::{SandboxClock as _, Unknowns};
use serde_json::{Value, json};

use crate::world::{Daemon, Told, World, confirmations};

/// Field after field of [`Unknowns`], as the control API takes them; the others stand by default.
pub(super) fn standing(stand: &Value) -> Unknowns {
    serde_json::from_value(stand.clone()).unwrap_or_else(|error| panic!("{stand}: {error}"))
}

/// How it must end.
#[derive(Debug)]
pub(super) enum Ends {
    /// Confirmed, with these fields in what is told, by so many requests under so many keys.
    Confirmed {
        told: Value,
        requests: usize,
        keys: usize,
    },
    /// Confirmed, with these fields in what is told, however often it takes.
    ConfirmedSomehow { told: Value },
    /// Refused with this code, told to people, and confirmed once the shop has said this instead.
    Repaired { code: String, amended: Value },
    /// Refused as by a session whose buyer is not done, so waited for; told to people as its deadline comes near,
    /// and confirmed once the shop has said this instead.
    RepairedAtLast { amended: Value },
    /// Told as pending on this evidence, then this outcome.
    Pending {
        evidence: &'static str,
        outcome: &'static str,
    },
    /// This outcome, which is none of a payment, with these fields.
    Over { outcome: &'static str, told: Value },
}

/// What one or two switches decide.
#[derive(Debug)]
pub(super) struct Case {
    /// How the switches stand that decide here, also where they stand so by default.
    pub(super) stand: Value,
    session: Value,
    /// Made so long ago.
    age: Option<SignedDuration>,
    /// What the buyer does before the event comes.
    buyer: Option<Value>,
    event: Value,
    /// Faults of this session.
    faults: Vec<Value>,
    ends: Ends,
}

impl Case {
    pub(super) fn new(stand: Value, ends: Ends) -> Self {
        Self {
            stand,
            session: json!({}),
            age: None,
            buyer: None,
            event: json!({}),
            faults: Vec::new(),
            ends,
        }
    }

    pub(super) fn session(self, session: Value) -> Self {
        Self { session, ..self }
    }

    pub(super) fn made_hours_ago(self, hours: i64) -> Self {
        Self {
            age: Some(SignedDuration::from_hours(hours)),
            ..self
        }
    }

    pub(super) fn buyer(self, buyer: Value) -> Self {
        Self {
            buyer: Some(buyer),
            ..self
        }
    }

    pub(super) fn event(self, event: Value) -> Self {
        Self { event, ..self }
    }

    pub(super) fn fault(mut self, fault: Value) -> Self {
        self.faults.push(fault);
        self
    }

    /// Plays it, and nothing else meanwhile: the switches are the whole sandbox's.
    pub(super) async fn play(&self, world: &mut World, daemon: &Daemon) {
        world.sandbox.set_unknowns(standing(&self.stand));
        let mut overrides = self.session.clone();
        if let Some(age) = self.age {
            overrides["creationTimestamp"] = json!((world.clock.now() - age).to_string());
        }
        let session = world.session(overrides);
        let id = session["checkoutSessionId"].as_str().unwrap().to_owned();
        if let Some(buyer) = &self.buyer {
            let buyer: sandbox::Buyer = serde_json::from_value(buyer.clone()).unwrap();
            world.sandbox.buyer(&id, buyer).unwrap();
        }
        for fault in &self.faults {
            let mut fault = fault.clone();
            fault["session"] = json!(id);
            world.fault(fault);
        }
        world.say(&session, self.event.clone()).await;
        match &self.ends {
            Ends::Confirmed { told, requests, keys } => {
                let heard = world.outcome(&id).await;
                self.is_confirmed(world, &heard, told);
                let book = world.book(&id);
                let tries = confirmations(&book);
                let used: BTreeSet<_> = tries.iter().map(|call| &call.idempotency_key).collect();
                assert_eq!(
                    (tries.len(), used.len()),
                    (*requests, *keys),
                    "{self:#?}: {book:#?}"
                );
            }
            Ends::ConfirmedSomehow { told } => {
                let heard = world.outcome_when_due(daemon, &id).await;
                self.is_confirmed(world, &heard, told);
            }
            Ends::Repaired { code, amended } => {
                let alert = world.alert(&id, "needs-repair", "firing").await;
                let summary = alert.body["summary"].as_str().unwrap();
                assert!(summary.contains(code), "{self:#?}: {summary}");
                world.say(&session, amended.clone()).await;
                let heard = world.outcome(&id).await;
                self.is_confirmed(world, &heard, &json!({}));
                world.alert(&id, "needs-repair", "resolved").await;
                let book = world.book(&id);
                let [refused, confirmed] = confirmations(&book)[..] else {
                    panic!("two requests: {self:#?}: {book:#?}");
                };
                assert_ne!(refused.idempotency_key, confirmed.idempotency_key, "{self:#?}");
            }
            Ends::RepairedAtLast { amended } => {
                world.until_state(daemon, &id, "waiting").await;
                world.at_rest(daemon, std::slice::from_ref(&id)).await;
                let deadline = world.book(&id).expiration_timestamp;
                world.clock.set(deadline - SignedDuration::from_mins(29));
                world.alert(&id, "deadline-near", "firing").await;
                world.alert(&id, "forsworn", "firing").await;
                world.say(&session, amended.clone()).await;
                let heard = world.outcome(&id).await;
                self.is_confirmed(world, &heard, &json!({}));
            }
            Ends::Pending { evidence, outcome } => {
                let told = world.told(&id, |_| true).await;
                assert_eq!(
                    told.event_type, "checkout.payment-pending.v1",
                    "{self:#?}: {told:?}"
                );
                assert_eq!(told.body["evidence"], **evidence, "{self:#?}");
                let decided = world.outcome_when_due(daemon, &id).await;
                self.is_told(&decided, outcome, &json!({}));
                assert_eq!(confirmations(&world.book(&id)).len(), 1, "{self:#?}");
            }
            Ends::Over { outcome, told } => {
                let heard = world.outcome_when_due(daemon, &id).await;
                self.is_told(&heard, outcome, told);
            }
        }
    }

    fn is_confirmed(&self, world: &World, heard: &Told, told: &Value) {
        self.is_told(heard, "confirmed", told);
        let id = heard.session.as_deref().unwrap();
        let book = world.book(id);
        assert_eq!(book.times_completed(), 1, "{self:#?}: {book:#?}");
    }

    fn is_told(&self, heard: &Told, outcome: &str, told: &Value) {
        assert_eq!(
            heard.event_type,
            format!("checkout.{outcome}.v1"),
            "{self:#?}: {heard:?}"
        );
        for (field, value) in told.as_object().unwrap() {
            assert_eq!(heard.body[field], *value, "{field}: {self:#?}: {heard:?}");
        }
    }
}
