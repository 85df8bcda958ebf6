//! Switches for what Amazon does not document: a wrong guess must not get baked into a test.

use serde::{Deserialize, Serialize};

use crate::time::span::Span;

/// How the sandbox behaves where no document says how Amazon does. The defaults are the likelier guesses.
///
/// `GET /unknowns` lists them; `POST /unknowns` with some of the fields sets those.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Unknowns {
    /// Are refusals and posted `status` faults (throttling aside) saved under their idempotency key and replayed?
    pub replay_errors: bool,
    /// Is the first answer replayed for confirmations too, once the session is completed?
    pub replay_confirmations: bool,
    /// Are idempotency keys over 32 characters, or with other characters than `A-Za-z0-9-_`, refused?
    pub enforce_key_format: bool,
    /// How far `x-amz-pay-date` may be off; null: as far as it likes.
    pub allowed_clock_skew: Option<Span>,
    /// Must `x-amz-pay-region` be the account's?
    pub check_region: bool,
    /// What a session shows while its payment is pending.
    pub pending_session_state: PendingState,
    /// The HTTP status of CheckoutSessionCanceled: 422 or 400.
    pub session_canceled_status: u16,
    /// Does completing a Saved Wallet setup show a `chargeId`? No charge lies behind it.
    pub setup_shows_charge_id: bool,
    /// How long after its 24 hours a session turns Canceled.
    pub expiry_lag: Span,
    /// Does a confirmation that arrived before the expiry count if it is booked after it?
    pub arrival_counts: bool,
    /// Does a Canceled session keep its `expirationTimestamp`?
    pub canceled_keeps_expiration: bool,
    /// Does a Completed session still tell its `chargePermissionType`?
    pub completed_shows_permission_type: bool,
    /// Does Finalize answer with payment details, billing address and buyer, as in the mobile flows?
    pub finalize_answers_in_full: bool,
    /// Does Finalize take `merchantMetadata`?
    pub finalize_takes_merchant_metadata: bool,
    /// Do Finalize and Complete draw on one quota?
    pub finalize_shares_complete_quota: bool,
    /// Does Finalize take simulation codes?
    pub finalize_takes_simulation_codes: bool,
    /// May a session made for one of Finalize and Complete be confirmed with the other?
    pub either_operation_confirms: bool,
    /// Is a value that the session does not have accepted in a confirmation (an address, a total, …)?
    pub ignore_what_session_lacks: bool,
    /// Seconds of a `Retry-After` on 429; null: none is sent.
    pub retry_after: Option<u32>,
    pub charge_amount_mismatch: Mismatch,
    pub total_order_amount_mismatch: Mismatch,
    pub address_mismatch: Mismatch,
    pub supplementary_data_mismatch: Mismatch,
    pub payment_intent_mismatch: Mismatch,
}

/// How a difference between a confirmation and its session is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mismatch {
    pub status: u16,
    pub reason_code: String,
}

/// The state that a session shows while its payment is pending; it carries both ids either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PendingState {
    Completed,
    /// Until the payment is decided: then Completed, or Canceled (Declined).
    Open,
}

impl Default for Unknowns {
    fn default() -> Self {
        let mismatch = |status, reason: &str| Mismatch {
            status,
            reason_code: reason.to_owned(),
        };
        Self {
            replay_errors: false,
            replay_confirmations: true,
            enforce_key_format: true,
            allowed_clock_skew: Span::parse("15m"),
            check_region: true,
            pending_session_state: PendingState::Completed,
            session_canceled_status: 422,
            setup_shows_charge_id: false,
            expiry_lag: Span::ZERO,
            arrival_counts: false,
            canceled_keeps_expiration: false,
            completed_shows_permission_type: true,
            finalize_answers_in_full: false,
            finalize_takes_merchant_metadata: false,
            finalize_shares_complete_quota: false,
            finalize_takes_simulation_codes: true,
            either_operation_confirms: true,
            ignore_what_session_lacks: false,
            retry_after: None,
            charge_amount_mismatch: mismatch(409, "AmountMismatch"),
            total_order_amount_mismatch: mismatch(409, "AmountMismatch"),
            address_mismatch: mismatch(400, "InvalidParameterValue"),
            supplementary_data_mismatch: mismatch(400, "InvalidParameterValue"),
            payment_intent_mismatch: mismatch(400, "InvalidParameterValue"),
        }
    }
}
