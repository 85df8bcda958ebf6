//! What Amazon Pay keeps, and the values that it is made of.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::time::stamp::basic;
use crate::unknowns::Unknowns;

pub(crate) mod address;
pub(crate) mod charge;
pub(crate) mod permission;
pub(crate) mod price;
pub(crate) mod refund;
pub(crate) mod sample;
pub(crate) mod session;

/// `statusDetails` of everything but charge permissions.
pub(crate) fn status_details(
    state: impl Serialize,
    reason: Option<&str>,
    at: Timestamp,
    unknowns: &Unknowns,
) -> Value {
    json!({
        "state": state,
        "reasonCode": reason,
        "reasonDescription": description(reason, unknowns),
        "lastUpdatedTimestamp": basic(at),
    })
}

pub(crate) fn description(reason: Option<&str>, unknowns: &Unknowns) -> Option<String> {
    reason
        .filter(|_| unknowns.describe_reasons)
        .map(|reason| format!("The sandbox describes {reason} in words of its own."))
}

/// `moment` + `by`, or the end of the calendar.
pub(crate) fn later(moment: Timestamp, by: Duration) -> Timestamp {
    let by = jiff::SignedDuration::try_from(by).unwrap_or(jiff::SignedDuration::MAX);
    moment.checked_add(by).unwrap_or(Timestamp::MAX)
}
