//! `x-amz-pay-simulation-code`: which operation takes which, and what a charge's means.
//!
//! Card numbers do the same for whoever sends no code.

use std::time::Duration;

use jiff::Timestamp;

use crate::api::operation::Operation;
use crate::api::refusal::Refusal;
use crate::objects::charge::{Course, Verdict};
use crate::objects::later;
use crate::options::Environment;
use crate::unknowns::Unknowns;

/// The call's code, where this operation knows it. Look-ups simulate nothing and are never asked for one.
pub(crate) fn code<'a>(
    given: Option<&'a str>,
    operation: Operation,
    environment: Environment,
    unknowns: &Unknowns,
) -> Result<Option<&'a str>, Refusal> {
    let Some(code) = given else {
        return Ok(None);
    };
    if environment == Environment::Live {
        let why = format!("simulation code '{code}': they belong to the sandbox environment");
        return Err(Refusal::simulation(why));
    }
    let known: &[&str] = match operation {
        Operation::Update if unknowns.update_takes_simulation_codes => return Ok(None),
        Operation::Finalize if !unknowns.finalize_takes_simulation_codes => &[],
        Operation::Finalize | Operation::Complete => &[
            "BuyerCanceled",
            "AmazonCanceled",
            "Declined",
            "AuthorizationInitiated",
        ],
        Operation::CreateCharge
            if code.starts_with("Pending-") && !unknowns.pending_charge_simulation_codes =>
        {
            &[]
        }
        Operation::CreateCharge => &[
            "SoftDeclined",
            "HardDeclined",
            "AmazonRejected",
            "TransactionTimedOut",
            "CaptureInitiated",
            "AuthorizationInitiated",
            "Pending-Authorized",
            "Pending-SoftDeclined",
            "Pending-HardDeclined",
            "Pending-AmazonRejected",
            "Pending-TransactionTimedOut",
            "Pending-ProcessingFailure",
        ],
        Operation::Capture => &["CaptureInitiated", "AmazonRejected"],
        Operation::Close => &["AmazonClosed"],
        Operation::CreateRefund if unknowns.refund_simulation_codes => {
            &["AmazonRejected", "ProcessingFailure"]
        }
        _ => &[],
    };
    if known.contains(&code) {
        return Ok(Some(code));
    }
    let why = format!("simulation code '{code}' is not known for this operation");
    Err(Refusal::simulation(why))
}

/// What decides how a new charge goes.
pub(crate) struct Circumstances<'a> {
    pub(crate) code: Option<&'a str>,
    pub(crate) card: &'a str,
    pub(crate) capture_now: bool,
    pub(crate) can_wait: bool,
    /// Amazon decides on recurring payments later whenever the merchant can wait for it.
    pub(crate) recurring: bool,
    pub(crate) now: Timestamp,
    pub(crate) pending_for: Duration,
}

/// Which way a new charge goes; a refusal where the simulation does not fit the request.
pub(crate) fn course(given: &Circumstances<'_>) -> Result<Course, Refusal> {
    let until = later(given.now, given.pending_for);
    let verdict = match given.code {
        Some("CaptureInitiated") if given.capture_now => return Ok(Course::Capturing { until }),
        Some("CaptureInitiated") => {
            return Err(Refusal::simulation("CaptureInitiated needs captureNow"));
        }
        Some("AuthorizationInitiated" | "Pending-Authorized") => Some(Verdict::Authorized),
        Some("Pending-SoftDeclined") => Some(Verdict::Declined("SoftDeclined")),
        Some("Pending-HardDeclined") => Some(Verdict::Declined("HardDeclined")),
        Some("Pending-AmazonRejected") => Some(Verdict::Declined("AmazonRejected")),
        Some("Pending-TransactionTimedOut") => Some(Verdict::Declined("TransactionTimedOut")),
        Some("Pending-ProcessingFailure") => Some(Verdict::Declined("ProcessingFailure")),
        // Another code has its own meaning, and overrides the card.
        Some(_) => None,
        None if given.card.ends_with("0701") => Some(Verdict::Authorized),
        None if given.card.ends_with("4354") => Some(Verdict::Declined("HardDeclined")),
        None => None,
    };
    match verdict {
        Some(verdict) if given.can_wait && !given.capture_now => Ok(Course::Pending { until, verdict }),
        Some(_) => Err(Refusal::simulation(
            "a pending payment needs an authorization without capture, and canHandlePendingAuthorization",
        )),
        None if given.recurring && given.can_wait && !given.capture_now => Ok(Course::Pending {
            until,
            verdict: Verdict::Authorized,
        }),
        None if given.capture_now => Ok(Course::Captured),
        None => Ok(Course::Authorized),
    }
}
