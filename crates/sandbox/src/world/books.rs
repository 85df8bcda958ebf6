//! The truth, for whoever checks a program against the sandbox: what was asked, what it did, what was charged.
//!
//! No personal data: bodies stand here as their hash.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::control::faults::{Kind, When};
use crate::objects::charge::ChargeState;
use crate::objects::permission::PermissionState;
use crate::objects::price::Price;
use crate::objects::refund::RefundState;

/// Everything that happened, and where it left the money.
#[derive(Debug, Clone, Serialize)]
pub struct Books {
    /// When they were read, by the sandbox's clock.
    pub at: Timestamp,
    /// In the order in which the sessions were made.
    pub sessions: Vec<SessionBook>,
    /// What confirmed sessions left, in the order of those sessions.
    pub permissions: Vec<PermissionBook>,
    /// By currency.
    pub totals: BTreeMap<String, Totals>,
    /// Every fault ever posted, in that order.
    pub faults: Vec<FaultBook>,
    /// By operation and by the status answered (`lost` where the answer was): calls for unknown sessions too.
    pub answers: BTreeMap<&'static str, BTreeMap<String, u64>>,
}

impl Books {
    pub fn session(&self, id: &str) -> Option<&SessionBook> {
        self.sessions
            .iter()
            .find(|session| session.checkout_session_id == id)
    }
}

/// One session.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionBook {
    pub checkout_session_id: String,
    pub account: String,
    pub creation_timestamp: Timestamp,
    pub expiration_timestamp: Timestamp,
    pub state: &'static str,
    pub reason_code: Option<String>,
    pub charge_permission_id: Option<String>,
    /// Every charge of its permission: its own first, where its confirmation made one.
    pub charges: Vec<ChargeBook>,
    /// In the order in which they arrived.
    pub calls: Vec<Call>,
}

impl SessionBook {
    /// How many calls confirmed it: more than one would be a fault of the sandbox.
    pub fn times_completed(&self) -> usize {
        self.calls
            .iter()
            .filter(|call| call.effect == Some(Effect::Completed))
            .count()
    }
}

/// One charge, with its state now.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChargeBook {
    pub charge_id: String,
    pub charge_amount: Price,
    pub state: ChargeState,
    pub reason_code: Option<&'static str>,
}

/// One charge permission, with its state now.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PermissionBook {
    pub charge_permission_id: String,
    pub charge_permission_type: &'static str,
    pub account: String,
    pub checkout_session_id: String,
    pub state: PermissionState,
    pub reason_code: Option<&'static str>,
    pub creation_timestamp: Timestamp,
    pub expiration_timestamp: Option<Timestamp>,
    /// None unless it is for one order.
    pub amount_limit: Option<Price>,
    pub amount_balance: Option<Price>,
    /// In the order in which they were made.
    pub charges: Vec<ChargeLedger>,
}

/// One charge, with what became of its money.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChargeLedger {
    pub charge_id: String,
    pub charge_amount: Price,
    /// In the currency of the charge, as is `capturing`.
    pub captured: Decimal,
    pub capturing: Decimal,
    pub state: ChargeState,
    pub reason_code: Option<&'static str>,
    pub refunds: Vec<RefundBook>,
}

/// One refund, with its state now.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RefundBook {
    pub refund_id: String,
    pub refund_amount: Price,
    pub state: RefundState,
    pub reason_code: Option<&'static str>,
}

/// One call that named a session, or a permission, charge or refund that goes back to one.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// When it arrived.
    pub at: Timestamp,
    pub operation: &'static str,
    pub idempotency_key: Option<String>,
    pub body_sha256: String,
    /// The HTTP status answered; null when the answer was lost: to a fault, or because the caller had gone.
    pub status: Option<u16>,
    /// Amazon's code of a refusal, so that the books tell why.
    pub reason_code: Option<String>,
    pub fault: Option<StruckFault>,
    pub effect: Option<Effect>,
    /// The answer was the saved first answer of its idempotency key.
    pub replayed: bool,
    pub request_id: String,
}

/// What a call changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// A session was made.
    Created,
    /// A session, a permission or a charge says something else than before.
    Updated,
    /// A session was confirmed.
    Completed,
    /// A session was canceled.
    Canceled,
    /// A charge was made.
    Charged,
    /// A charge was captured, or its capture has begun.
    Captured,
    /// A charge was canceled.
    Voided,
    /// A payment was refused, which may close its permission.
    Declined,
    /// A permission was closed.
    Closed,
    /// A refund was made.
    Refunded,
}

/// The fault that struck a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StruckFault {
    pub id: u64,
    pub when: When,
    /// None: the call was only delayed.
    pub kind: Option<Kind>,
}

/// How often a posted fault struck.
#[derive(Debug, Clone, Serialize)]
pub struct FaultBook {
    pub id: u64,
    pub operation: String,
    pub when: When,
    pub kind: Option<Kind>,
    pub struck: u64,
    /// Not cleared, and not yet struck as often as it was to.
    pub active: bool,
}

/// The sums of one currency. The first seven amounts together are those of all charges.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Totals {
    pub charges: u64,
    pub captured: Decimal,
    /// Captures that are still being decided.
    pub capturing: Decimal,
    pub authorized: Decimal,
    pub pending: Decimal,
    pub declined: Decimal,
    pub canceled: Decimal,
    /// What captures left of their charges.
    pub released: Decimal,
    /// Of what was captured, or a little more.
    pub refunded: Decimal,
    /// Refunds that are still being decided.
    pub refunding: Decimal,
}
