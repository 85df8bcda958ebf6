//! An append in the columns of the log, made by its caller before any writer sees it.

use checkout::{BodyRef, DeadlineFrom, SessionId, StateName, Timestamp};
use reconciler::{Actor, Append, Row, Version};

use crate::format;
use crate::trouble::{Cause, Trouble};

/// The slot of what the last look-up brought; statements count from 0.
pub(crate) const FOUND_SLOT: i32 = -1;

/// One fact of an append.
pub(crate) struct Fact {
    pub(crate) version: i32,
    pub(crate) kind: &'static str,
    pub(crate) format: i32,
    pub(crate) body: String,
    pub(crate) announced: bool,
}

/// The fold of a session in columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fold {
    pub(crate) state: StateName,
    /// Empty where the event's name is not one.
    pub(crate) account: String,
    pub(crate) deadline: Timestamp,
    pub(crate) deadline_from: &'static str,
    pub(crate) due_at: Option<Timestamp>,
    pub(crate) look_at: Option<Timestamp>,
    pub(crate) amount: Option<String>,
    pub(crate) currency: Option<String>,
    pub(crate) merchant_reference_id: Option<String>,
    pub(crate) settled: bool,
    /// As a JSON array.
    pub(crate) firing: String,
}

impl From<Row> for Fold {
    fn from(row: Row) -> Self {
        Self {
            state: row.state,
            account: row
                .account
                .map_or_else(String::new, |name| name.as_str().to_owned()),
            deadline: row.deadline.at,
            deadline_from: deadline_from_name(row.deadline.from),
            due_at: row.due_at,
            look_at: row.look_at,
            amount: row.charge_amount.map(|amount| amount.value().to_string()),
            currency: row
                .charge_amount
                .map(|amount| amount.currency().code().to_owned()),
            merchant_reference_id: row.merchant_reference_id,
            settled: row.settled,
            firing: serde_json::json!(row.firing).to_string(),
        }
    }
}

pub(crate) fn deadline_from_name(from: DeadlineFrom) -> &'static str {
    match from {
        DeadlineFrom::LookUp => "look-up",
        DeadlineFrom::Event => "event",
        DeadlineFrom::UpperBound => "upper-bound",
    }
}

pub(crate) fn deadline_from_of(name: &str) -> Option<DeadlineFrom> {
    [
        DeadlineFrom::LookUp,
        DeadlineFrom::Event,
        DeadlineFrom::UpperBound,
    ]
    .into_iter()
    .find(|from| deadline_from_name(*from) == name)
}

/// An append, ready to be bound.
pub(crate) struct Prepared {
    pub(crate) id: SessionId,
    /// The version that the facts follow.
    pub(crate) after: i32,
    /// The version that the session has then.
    pub(crate) reached: Version,
    /// By which it is recognised when its answer is lost.
    pub(crate) append_id: i64,
    pub(crate) at: Timestamp,
    pub(crate) actor: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) traceparent: Option<String>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) fold: Fold,
    pub(crate) partition: i32,
    pub(crate) erase_after: Option<Timestamp>,
    pub(crate) personal: Vec<(i32, String)>,
    pub(crate) body: Option<(i32, Vec<u8>)>,
}

impl Prepared {
    pub(crate) fn of(append: Append) -> Result<Self, Trouble> {
        if append.events.is_empty() {
            return Err(Trouble::Refused(Cause::new("an append without facts")));
        }
        let after = number(append.after.0)?;
        let facts: Vec<Fact> = append
            .events
            .iter()
            .zip(append.after.0 + 1..)
            .map(|(event, version)| {
                let stored = format::store_event(event);
                Ok(Fact {
                    version: number(version)?,
                    kind: stored.kind,
                    format: stored.format,
                    body: stored.body,
                    announced: event.is_announced(),
                })
            })
            .collect::<Result<_, Trouble>>()?;
        let statements = append
            .personal
            .iter()
            .map(|(slot, personal)| Ok((number(slot.0)?, format::store_personal(personal))));
        let found = append
            .found
            .iter()
            .map(|personal| Ok((FOUND_SLOT, format::store_personal(personal))));
        Ok(Self {
            after,
            reached: Version(append.after.0 + facts.len() as u32),
            append_id: rand::random(),
            at: append.at,
            actor: match append.actor {
                Actor::Worker => None,
                Actor::Operator(name) => Some(name),
            },
            reason: append.reason,
            traceparent: append.traceparent,
            facts,
            fold: append.row.into(),
            partition: number(append.partition)?,
            erase_after: append.erase_after,
            personal: statements.chain(found).collect::<Result<_, Trouble>>()?,
            body: append
                .body
                .map(|(BodyRef(body), bytes)| Ok::<_, Trouble>((number(body)?, bytes)))
                .transpose()?,
            id: append.id,
        })
    }
}

fn number(number: u32) -> Result<i32, Trouble> {
    i32::try_from(number).map_err(|_| Trouble::Refused(Cause::new("a number beyond 2147483647")))
}
