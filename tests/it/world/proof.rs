//! What is promised whatever dies, held against all that there is: the sandbox's books, the topics and the log.
//!
//! ```text
//!   books    every request to confirm ── was on record before it left
//!                                     └─ is the first, or comes after proof that no earlier one had an effect
//!   log      every fact to be told ───── is told, each session's in order, the same words under the same id
//!   topics   everything told ─────────── is a fact on record
//!            every unreadable event ──── is set aside and told of
//! ```

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kafka_topics::clients::TopicRecord;
use sandbox::{Call, SessionBook};

use super::{Told, World, confirmations};

/// What the shop's unreadable events begin with.
pub(crate) const UNREADABLE: &[u8] = b"unreadable";

/// A fact as the database has it.
struct Fact {
    session: String,
    version: u64,
    name: String,
    at: Timestamp,
    /// Of an attempt, under which it left.
    key: String,
}

impl Fact {
    fn place(&self) -> (String, u64) {
        (self.session.clone(), self.version)
    }
}

impl World {
    /// Holds all that was done against all that was promised, once everything has been told.
    pub(crate) async fn check_promises(&self) {
        let facts = self.facts();
        for session in &self.sandbox.books().sessions {
            let calls = confirmations(session);
            check_that_it_was_on_record(session, &calls, &facts);
            check_that_no_effect_was_proven(session, &calls);
        }
        let outcomes = self.everything_on(&self.kafka.outcomes_topic).await;
        let alerts = self.everything_on(&self.kafka.alerts_topic).await;
        check_what_is_told(&facts, &outcomes, &alerts);
        self.check_that_amazon_said_so(&outcomes);
        self.check_what_is_set_aside(&alerts).await;
    }

    /// Whether nothing is left to be told or set aside.
    pub(crate) fn all_is_told(&self) -> bool {
        let left = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM notices WHERE NOT told) \
                    + (SELECT count(*) FROM dead_letters)";
        self.sql(left).trim() == "0"
    }

    fn facts(&self) -> Vec<Fact> {
        let all = "SELECT session_id, version, type, \
                   to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), body->>'key' \
                   FROM events ORDER BY session_id, version";
        let text = self.sql(all);
        let facts = text.lines().map(|line| {
            let [session, version, name, at, key] = line.split('|').collect::<Vec<_>>()[..] else {
                panic!("five columns: {line}")
            };
            Fact {
                session: session.to_owned(),
                version: version.parse().unwrap(),
                name: name.to_owned(),
                at: at.parse().unwrap(),
                key: key.to_owned(),
            }
        });
        facts.collect()
    }

    /// A payment is told of as what its charge is in the books. Nothing that comes later changes a charge here.
    fn check_that_amazon_said_so(&self, outcomes: &[TopicRecord]) {
        let books = self.sandbox.books();
        for told in outcomes.iter().map(Told::of).filter(Told::is_outcome) {
            let Some(charge_id) = told.body["chargeId"].as_str() else {
                continue;
            };
            let session = books.session(told.session.as_deref().unwrap()).unwrap();
            let charge = session
                .charges
                .iter()
                .find(|charge| charge.charge_id == charge_id);
            let state = charge.map(|charge| serde_json::to_value(charge.state).unwrap());
            if told.event_type == "checkout.confirmed.v1" {
                assert_eq!(Some(&told.body["payment"]), state.as_ref(), "{told:?}");
            }
        }
    }

    async fn check_what_is_set_aside(&self, alerts: &[TopicRecord]) {
        let said = self.everything_on(&self.kafka.completed_topic).await;
        let unreadable = said.iter().filter(|event| {
            let payload = event.payload.as_deref();
            payload.is_some_and(|bytes| bytes.starts_with(UNREADABLE))
        });
        let sources: BTreeSet<String> = unreadable
            .map(|event| {
                let topic = &self.kafka.completed_topic;
                format!("{topic}/{}/{}", event.partition, event.offset)
            })
            .collect();
        let letters = self.everything_on(&self.kafka.dead_letter_topic).await;
        let set_aside: BTreeSet<String> = letters
            .iter()
            .map(|letter| letter.header("confirmd_source").unwrap().to_owned())
            .collect();
        assert_eq!(
            set_aside, sources,
            "what cannot be read, and only that, is set aside"
        );
        let told: BTreeSet<String> = alerts
            .iter()
            .filter(|alert| Told::of(alert).body["kind"] == "dead-letter")
            .map(|alert| String::from_utf8(alert.key.clone().unwrap()).unwrap())
            .collect();
        assert_eq!(told, sources, "people are told of each");
    }
}

/// Every request to confirm has its intent on record, under its key, from before it arrived.
fn check_that_it_was_on_record(session: &SessionBook, calls: &[&Call], facts: &[Fact]) {
    let id = &session.checkout_session_id;
    for call in calls {
        let is_on_record = facts.iter().any(|fact| {
            fact.session == *id
                && fact.name == "confirmation-started"
                && call.idempotency_key.as_deref() == Some(fact.key.as_str())
                && fact.at <= call.at
        });
        assert!(
            is_on_record,
            "{id}: nothing on record says that this was to leave: {call:?}"
        );
    }
}

/// A further request to confirm leaves only after an answer to the last one that rules out an effect, or a look-up
/// made after that one left.
fn check_that_no_effect_was_proven(session: &SessionBook, calls: &[&Call]) {
    for pair in calls.windows(2) {
        let [first, second] = pair else { continue };
        let place = |call: &Call| {
            let found = session.calls.iter().position(|other| std::ptr::eq(other, call));
            found.expect("it is one of them")
        };
        let between = &session.calls[place(first) + 1..place(second)];
        let looked_up = between
            .iter()
            .any(|call| call.operation == "get" && call.status == Some(200));
        assert!(
            rules_out_an_effect(first) || looked_up,
            "{}: the second of these left without proof that the first had no effect: {session:#?}",
            session.checkout_session_id
        );
    }
}

fn rules_out_an_effect(call: &Call) -> bool {
    let is_unclear = call.reason_code.as_deref() == Some("TransactionTimedOut");
    call.status
        .is_some_and(|status| (400..500).contains(&status) && status != 408 && !is_unclear)
}

fn check_what_is_told(facts: &[Fact], outcomes: &[TopicRecord], alerts: &[TopicRecord]) {
    let on_record: BTreeMap<(String, u64), &str> = facts
        .iter()
        .map(|fact| (fact.place(), fact.name.as_str()))
        .collect();
    for (records, is_here) in [
        (outcomes, is_told_as_an_outcome as fn(&str) -> bool),
        (alerts, is_told_as_an_alert),
    ] {
        let mut first_words: BTreeMap<String, &TopicRecord> = BTreeMap::new();
        let mut places: BTreeSet<(String, u64)> = BTreeSet::new();
        let mut last: BTreeMap<String, u64> = BTreeMap::new();
        for record in records {
            let told = Told::of(record);
            let before = first_words.entry(told.id.clone()).or_insert(record);
            assert_eq!(
                before.payload, record.payload,
                "{}: other words under one id",
                told.id
            );
            let Some(session) = told.session else { continue };
            let place = (session.clone(), told.sequence);
            let fact = on_record.get(&place).copied();
            assert!(
                fact.is_some_and(is_here),
                "{place:?} is told and is no such fact: {fact:?}"
            );
            if places.insert(place.clone()) {
                let before = last.insert(session, told.sequence);
                assert!(
                    before < Some(told.sequence),
                    "{place:?} was told after {before:?}"
                );
            }
        }
        let untold: Vec<(String, u64)> = facts
            .iter()
            .filter(|fact| is_here(&fact.name))
            .map(Fact::place)
            .filter(|place| !places.contains(place))
            .collect();
        assert!(untold.is_empty(), "on record and never told: {untold:?}");
    }
}

fn is_told_as_an_outcome(fact: &str) -> bool {
    let settled = ["confirmed", "declined", "cancelled", "expired", "unresolved"];
    settled.contains(&fact) || ["payment-pending", "attempt-declined"].contains(&fact)
}

fn is_told_as_an_alert(fact: &str) -> bool {
    ["alert-raised", "alert-resolved"].contains(&fact)
}
