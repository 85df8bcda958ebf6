//! What requests say: one struct for the body of each operation that has one.
//!
//! Each is made with its required parts (`new`), takes the optional ones as public fields, and becomes bytes
//! with `to_body`. The same value always gives the same bytes, so that a repeat under one idempotency key is a
//! repeat; what is to be repeated over versions of this crate should nevertheless be stored as bytes. What is
//! `None` is left out.

mod charge;
mod permission;
mod refund;
mod session;

pub use charge::{CancelCharge, CaptureCharge, CreateCharge, UpdateCharge};
pub use permission::{CloseChargePermission, UpdateChargePermission};
pub use refund::CreateRefund;
pub use session::{
    CompleteCheckoutSession, CreateCheckoutSession, FinalizeCheckoutSession, UpdateCheckoutSession,
};

use bytes::Bytes;
use serde::Serialize;

use crate::model::{MerchantMetadata, PaymentDetails, PaymentIntent};

/// What Amazon would refuse in a body, found before it is sent. Names the field, never its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// Longer than Amazon takes.
    #[error("{field} has more than {longest} characters")]
    TooLong {
        /// As Amazon names it, with what it is part of.
        field: &'static str,
        /// How many characters it may have.
        longest: usize,
    },
    /// Required, and empty.
    #[error("{field} is empty")]
    Empty {
        /// As Amazon names it.
        field: &'static str,
    },
    /// A capture cannot be part of an authorization that is still pending.
    #[error("canHandlePendingAuthorization cannot be combined with AuthorizeWithCapture")]
    PendingWithCapture,
}

fn body_of(request: &impl Serialize) -> Bytes {
    serde_json::to_vec(request)
        .expect("structs of text, numbers and options always have a JSON form")
        .into()
}

fn check_length(field: &'static str, longest: usize, text: Option<&str>) -> Result<(), InvalidRequest> {
    match text {
        Some(text) if text.chars().count() > longest => Err(InvalidRequest::TooLong { field, longest }),
        Some(_) | None => Ok(()),
    }
}

fn check_reason(field: &'static str, text: &str) -> Result<(), InvalidRequest> {
    if text.is_empty() {
        return Err(InvalidRequest::Empty { field });
    }
    check_length(field, 255, Some(text))
}

fn check_descriptor(field: &'static str, text: Option<&str>) -> Result<(), InvalidRequest> {
    check_length(field, 16, text)
}

fn check_merchant(metadata: Option<&MerchantMetadata>) -> Result<(), InvalidRequest> {
    let Some(metadata) = metadata else { return Ok(()) };
    for (field, longest, text) in [
        (
            "merchantMetadata.merchantReferenceId",
            256,
            &metadata.merchant_reference_id,
        ),
        (
            "merchantMetadata.merchantStoreName",
            50,
            &metadata.merchant_store_name,
        ),
        ("merchantMetadata.noteToBuyer", 255, &metadata.note_to_buyer),
    ] {
        check_length(field, longest, text.as_deref())?;
    }
    Ok(())
}

fn check_payment(details: Option<&PaymentDetails>) -> Result<(), InvalidRequest> {
    let Some(details) = details else { return Ok(()) };
    check_descriptor(
        "paymentDetails.softDescriptor",
        details.soft_descriptor.as_deref(),
    )?;
    check_pending(
        details.can_handle_pending_authorization,
        details.payment_intent.as_ref(),
    )
}

fn check_pending(can_handle: Option<bool>, intent: Option<&PaymentIntent>) -> Result<(), InvalidRequest> {
    if can_handle == Some(true) && intent == Some(&PaymentIntent::AuthorizeWithCapture) {
        return Err(InvalidRequest::PendingWithCapture);
    }
    Ok(())
}
