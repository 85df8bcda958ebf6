//! What is shown, as JSON and on pages. No personal data in any of it.

use std::collections::BTreeMap;

use checkout::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// RFC 3339, in UTC.
fn as_text<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
fn as_maybe_text<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serializer.collect_str(at),
        None => serializer.serialize_none(),
    }
}

/// An amount, as everywhere: never a JSON number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Money {
    /// In units of the currency.
    pub amount: String,
    /// ISO 4217.
    pub currency_code: String,
}

/// A session's facts.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Amazon's id of it.
    pub checkout_session_id: String,
    /// None where the event's name is not one.
    pub account: Option<String>,
    /// The shop's order number.
    pub merchant_reference_id: Option<String>,
    /// `Finalize` or `Complete`; none while no event has said it.
    pub operation: Option<&'static str>,
    /// As in `sessions list --state`.
    pub state: &'static str,
    /// Whether an attempt may have landed though nobody knows.
    pub may_have_landed: bool,
    /// When Amazon cancels it.
    #[serde(serialize_with = "as_text")]
    pub deadline: Timestamp,
    /// Who says so: `look-up`, `event` or `upper-bound`.
    pub deadline_from: &'static str,
    /// When something is to be done next; none when nothing is.
    #[serde(serialize_with = "as_maybe_text")]
    pub due_at: Option<Timestamp>,
    /// Confirmations that were begun.
    pub attempts: u32,
    /// What the buyer owes.
    pub charge_amount: Option<Money>,
    /// What Amazon made of it.
    pub charge_permission_id: Option<String>,
    /// The same of the payment.
    pub charge_id: Option<String>,
    /// The outcome as the topic has it, with its `type`.
    pub outcome: Option<Value>,
    /// Its alerts, those that are over among them.
    pub alerts: Vec<Alert>,
    /// Every fact in order; none in a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<Fact>>,
}

/// An alert of a session.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// The same when it fires and when it is over.
    pub alert_id: String,
    /// As in the alerts topic.
    pub kind: &'static str,
    /// `firing` or `resolved`.
    pub status: &'static str,
    /// For people.
    pub summary: String,
}

/// One fact of a session's history; what a fact of its type does not have is left out.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fact {
    /// Its place in the history, from 1.
    pub version: u32,
    /// When it was recorded.
    #[serde(serialize_with = "as_text")]
    pub at: Timestamp,
    /// The model's word for it.
    #[serde(rename = "type")]
    pub event_type: &'static str,
    /// The operator who did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Why they did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Amazon's HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Amazon's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<String>,
    /// Amazon's message, or what happened to the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Amazon's name for the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Counts confirmations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// By which Amazon recognises a repeat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Until when the request leaves, or does not.
    #[serde(serialize_with = "as_maybe_text", skip_serializing_if = "Option::is_none")]
    pub send_by: Option<Timestamp>,
    /// When it is tried again.
    #[serde(serialize_with = "as_maybe_text", skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// What needs repair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// And why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Of an alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// Of an alert, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

impl Fact {
    /// One of which no more is known.
    pub fn new(version: u32, at: Timestamp, event_type: &'static str) -> Self {
        Self {
            version,
            at,
            event_type,
            actor: None,
            reason: None,
            status: None,
            reason_code: None,
            message: None,
            request_id: None,
            attempt: None,
            idempotency_key: None,
            send_by: None,
            retry_at: None,
            field: None,
            problem: None,
            kind: None,
            summary: None,
        }
    }
}

/// What would be done about a session, and why.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// Which session.
    pub checkout_session_id: String,
    /// The instant that was asked about.
    #[serde(serialize_with = "as_text")]
    pub at: Timestamp,
    /// `confirm`, `look-up`, `look-up-charge`, `wait`, `forswear`, `alert` or `rest`.
    pub step: &'static str,
    /// Why.
    pub because: String,
    /// When, if not now; none where nothing is to be done.
    #[serde(serialize_with = "as_maybe_text")]
    pub not_before: Option<Timestamp>,
    /// Its account.
    pub account: ExplainedAccount,
    /// 1 for the next of its account; none for one that is not due.
    pub place: Option<usize>,
}

/// The account of a session that is explained.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedAccount {
    /// Its name.
    pub name: Option<String>,
    /// `running`, `paused` or `stopped`; none for one that is not configured.
    pub condition: Option<&'static str>,
}

/// A session with what would be done about it and what has been: all that somebody has to know who decides about it.
#[derive(Debug, Clone)]
pub struct Told {
    /// Without its history.
    pub session: Session,
    /// What would be done.
    pub explained: Explained,
    /// What that does not say.
    pub story: Story,
}

impl Told {
    /// One object: what is explained, its story, and of the session what both speak of.
    ///
    /// # Errors
    /// None that any of its values has.
    pub fn to_json(&self) -> serde_json::Result<Value> {
        let mut value = serde_json::to_value(&self.explained)?;
        let session = serde_json::to_value(&self.session)?;
        for key in [
            "merchantReferenceId",
            "mayHaveLanded",
            "deadline",
            "deadlineFrom",
            "attempts",
            "chargeAmount",
            "alerts",
        ] {
            value[key] = session[key].clone();
        }
        if let Value::Object(story) = serde_json::to_value(&self.story)? {
            for (key, of_story) in story {
                value[key] = of_story;
            }
        }
        Ok(value)
    }
}

/// Since when a session is as it is, what happened last, what comes, and what a person can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Story {
    /// As in `sessions list --state`.
    pub state: &'static str,
    /// Since when it is in that state; none where time alone has changed it.
    #[serde(serialize_with = "as_maybe_text")]
    pub since: Option<Timestamp>,
    /// None before anything but the shop's event.
    pub last: Option<Last>,
    /// What its wait ends with.
    pub then: Option<Then>,
    /// What comes meanwhile, whatever else is waited for.
    pub meanwhile: Option<Then>,
    /// What a person can do.
    pub acts: Vec<Help>,
    /// A file under `deploy/runbook`, where one is about this.
    pub runbook: Option<&'static str>,
}

/// What happened last, alerts aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Last {
    /// When.
    #[serde(serialize_with = "as_text")]
    pub at: Timestamp,
    /// A sentence, with whatever Amazon or an operator said.
    pub what: String,
    /// Which Amazon's support asks for.
    pub request_id: Option<String>,
}

/// What is done at a time to come, if no fact is added before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Then {
    /// When.
    #[serde(serialize_with = "as_text")]
    pub at: Timestamp,
    /// As [`Explained::step`].
    pub step: &'static str,
    /// Why.
    pub because: String,
}

/// What a person can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Help {
    /// None for what no command does.
    pub command: Option<String>,
    /// When it helps.
    pub what: String,
}

/// A merchant account.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Its name.
    pub account: String,
    /// `confirm` or `watch`.
    pub mode: &'static str,
    /// `running`, `slowed`, `paused` or `stopped`.
    pub condition: &'static str,
    /// Since when.
    #[serde(serialize_with = "as_text")]
    pub since: Timestamp,
    /// Who set it.
    pub by: Option<String>,
    /// Why.
    pub reason: String,
    /// Calls a second, as learned.
    pub quota_per_second: Quota,
    /// What this replica has used of it in about the last minute; none of what it has never called.
    pub used_per_second: Quota,
    /// Sessions that are due.
    pub backlog: u32,
    /// Sessions that will not make it.
    pub predicted_misses: u64,
    /// What these are worth.
    pub predicted_loss: Vec<Money>,
    /// By when the last of them is lost.
    #[serde(serialize_with = "as_maybe_text")]
    pub predicted_by: Option<Timestamp>,
    /// The next deadline of a session that is still to be confirmed.
    #[serde(serialize_with = "as_maybe_text")]
    pub next_deadline: Option<Timestamp>,
}

/// Calls a second.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quota {
    /// Finalize and Complete Checkout Session.
    pub confirm: Option<f64>,
    /// Get Checkout Session.
    pub look_up: Option<f64>,
    /// Get Charge.
    pub charge: Option<f64>,
    /// Get Charge Permission.
    pub permission: Option<f64>,
}

/// A session in a line.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Amazon's id of it.
    pub checkout_session_id: String,
    /// As in `sessions list --state`.
    pub state: &'static str,
    /// None where the event's name is not one.
    pub account: Option<String>,
    /// The shop's order number.
    pub merchant_reference_id: Option<String>,
    /// When Amazon cancels it.
    #[serde(serialize_with = "as_text")]
    pub deadline: Timestamp,
    /// What the buyer owes.
    pub charge_amount: Option<Money>,
    /// Whether it has its outcome.
    pub settled: bool,
    /// When its last fact was recorded.
    #[serde(serialize_with = "as_text")]
    pub updated_at: Timestamp,
    /// Kinds of alerts that fire.
    pub firing: Vec<String>,
}

/// Some of many, and where the next begin.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// In their order.
    pub lines: Vec<T>,
    /// To be asked for as `after`; none behind the last page.
    pub next: Option<String>,
}

/// Whether the program can do its work.
#[derive(Debug, Clone, Serialize)]
pub struct Readiness {
    /// Whether it can.
    pub ready: bool,
    /// `writable`, or what is wrong with it.
    pub database: String,
    /// `connected`, or what follows from its being away.
    pub broker: &'static str,
}

/// Everything at a glance.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// As of when.
    #[serde(serialize_with = "as_text")]
    pub at: Timestamp,
    /// Whether the program can do its work.
    pub readiness: Readiness,
    /// Every account.
    pub accounts: Vec<Account>,
    /// The part of the sessions, 0 to 1, for which it is foretold who will not make it: each replica foretells for its own
    /// partitions. None before it has been counted for the first time.
    pub foretold: Option<f64>,
    /// What sessions without an outcome are worth, to be confirmed or in doubt.
    pub at_risk: Vec<Money>,
    /// Sessions that are to be confirmed, by the hour of their deadline: the first hour is the one that begins now.
    pub deadlines_by_hour: Vec<u32>,
    /// The same of each account that has any.
    pub deadlines_of_account: BTreeMap<String, Vec<u32>>,
    /// Those with the next deadlines.
    pub next: Vec<Line>,
    /// Those with alerts that fire, the earliest deadline first.
    pub alerts: Vec<Line>,
    /// Outcomes, by state and by hour: the last hour is the one that ends now.
    pub outcomes: Vec<OutcomesOf>,
}

/// How many sessions ended in a state.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutcomesOf {
    /// In which.
    pub state: &'static str,
    /// In each of the last hours, the earliest first.
    pub by_hour: Vec<u32>,
}

/// An event without a readable session id which its topic has not taken yet. What it says is not shown: it may be anything.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// `topic/partition/offset`.
    pub source: String,
    /// The field that is wrong.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
    /// When it came.
    #[serde(serialize_with = "as_text")]
    pub at: Timestamp,
    /// How long it is.
    pub bytes: usize,
}
