//! What is asked of the log, and what comes back from it.

use std::collections::BTreeSet;
use std::time::Duration;

use checkout::{
    AccountName, Alerts, Amount, BodyRef, Deadline, Event, Policy, PrivateRef, Session, SessionId, StateName,
    Timestamp, turnless_at, wake_at,
};

use crate::Personal;

/// How many facts a session has; 0 before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version(pub u32);

/// Who added a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// confirmd itself.
    Worker,
    /// A person, by the name under which they acted.
    Operator(String),
}

/// One fact as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the session's history, from 1.
    pub version: Version,
    /// When it was recorded.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// Why, where a person acted.
    pub reason: Option<String>,
    /// The trace it belongs to, as W3C `traceparent`.
    pub traceparent: Option<String>,
    /// The fact.
    pub event: Event,
}

/// The session that a history tells, and its version.
pub fn replay<'a>(history: impl IntoIterator<Item = &'a Recorded>) -> (Session, Version) {
    history
        .into_iter()
        .fold((Session::Unseen, Version(0)), |(session, _), fact| {
            (session.evolve(fact.at, &fact.event), fact.version)
        })
}

/// When an unsettled session wants to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// When it is due.
    pub due_at: Timestamp,
    /// When something is next to be done that needs no call, though its turn may still be waited for.
    pub look_at: Option<Timestamp>,
}

impl Schedule {
    /// As of `now`, if nobody adds a fact; none for a session that rests.
    pub fn of(session: &Session, now: Timestamp, policy: &Policy) -> Option<Self> {
        Some(Self {
            due_at: wake_at(session, now, policy)?,
            look_at: turnless_at(session, now, policy),
        })
    }

    /// Whether the row of `session` may say so since it was put off without a fact: a wait of it ends at each of
    /// the two instants. When that was is not on record.
    pub fn ends_waits_of(&self, session: &Session, policy: &Policy) -> bool {
        let just_before = |at: Timestamp| at.minus(Duration::from_micros(1));
        let is_due = wake_at(session, just_before(self.due_at), policy) == Some(self.due_at);
        let looked_at = |at| turnless_at(session, just_before(at), policy) == Some(at);
        is_due && self.look_at.is_none_or(looked_at)
    }
}

/// The fold of a session as the log's index keeps it, written in the same statement as the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its state at that time.
    pub state: StateName,
    /// Its account; none where the event's name is not one.
    pub account: Option<AccountName>,
    /// When Amazon cancels it, and how that is known.
    pub deadline: Deadline,
    /// When it wants to be looked at again; none when it rests.
    pub due_at: Option<Timestamp>,
    /// When something is next to be done that needs no call, though its turn may still be waited for.
    pub look_at: Option<Timestamp>,
    /// What the buyer owes.
    pub charge_amount: Option<Amount>,
    /// The shop's order number.
    pub merchant_reference_id: Option<String>,
    /// Whether the outcome is known.
    pub settled: bool,
    /// The kinds of its alerts that fire, each once, in alphabetical order. Some outlast the outcome.
    pub firing: Vec<String>,
}

impl Row {
    /// None for a session that was never heard of.
    pub fn of(session: &Session, now: Timestamp, policy: &Policy) -> Option<Self> {
        let subject = session.subject()?;
        let state = session.state(now, policy)?;
        Some(Self {
            state,
            account: subject.account().cloned(),
            deadline: subject.deadline,
            due_at: wake_at(session, now, policy),
            look_at: turnless_at(session, now, policy),
            charge_amount: subject.statement.order.and_then(|order| order.charge_amount()),
            merchant_reference_id: subject.statement.merchant_reference_id.clone(),
            settled: state.is_settled(),
            firing: firing(&subject.alerts),
        })
    }
}

fn firing(alerts: &Alerts) -> Vec<String> {
    let kinds: BTreeSet<&str> = alerts.firing().map(|alert| alert.kind.name()).collect();
    kinds.into_iter().map(str::to_owned).collect()
}

/// Facts to be added to one session at an expected version, all or none, with everything that belongs
/// to them.
#[derive(Debug, Clone)]
pub struct Append {
    /// Which session.
    pub id: SessionId,
    /// The version that the facts follow; anyone else's append in between makes this one fail.
    pub after: Version,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: Actor,
    /// Why, where a person acts.
    pub reason: Option<String>,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
    /// The facts, oldest first; never empty.
    pub events: Vec<Event>,
    /// The fold after the facts.
    pub row: Row,
    /// The topic partition whose replica works the session; heeded with the first facts only.
    pub partition: u32,
    /// What the facts' statements refer to by number.
    pub personal: Vec<(PrivateRef, Personal)>,
    /// What a look-up brought; takes the place of what an earlier one did.
    pub found: Option<Personal>,
    /// The exact bytes that an attempt sends.
    pub body: Option<(BodyRef, Vec<u8>)>,
    /// From when on the session's personal data may be erased; set with the outcome.
    pub erase_after: Option<Timestamp>,
}
