//! Bodies about charge permissions.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;

use super::{InvalidRequest, body_of, check_merchant, check_reason};
use crate::model::{MerchantMetadata, RecurringMetadata};

/// The body of Update Charge Permission, for example to attach the final order number.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateChargePermission {
    /// Order number and notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant_metadata: Option<MerchantMetadata>,
    /// For a subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recurring_metadata: Option<RecurringMetadata>,
}

impl UpdateChargePermission {
    /// The request's bytes.
    ///
    /// # Errors
    /// [`InvalidRequest::TooLong`].
    pub fn to_body(&self) -> Result<Bytes, InvalidRequest> {
        check_merchant(self.merchant_metadata.as_ref())?;
        Ok(body_of(self))
    }
}

/// The body of Close Charge Permission. A closed permission can never be charged again.
///
/// Do not close what may have been paid: after an unclear answer look first.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CloseChargePermission {
    /// Why, for the record; 1 to 255 characters.
    pub closure_reason: String,
    /// Whether charges that are authorized or pending are canceled with it. Amazon's default is no: they can
    /// still be captured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_pending_charges: Option<bool>,
}

impl CloseChargePermission {
    /// Closes for this reason.
    pub fn new(closure_reason: impl Into<String>) -> Self {
        Self {
            closure_reason: closure_reason.into(),
            cancel_pending_charges: None,
        }
    }

    /// The request's bytes.
    ///
    /// # Errors
    /// [`InvalidRequest`]: the reason is empty or too long.
    pub fn to_body(&self) -> Result<Bytes, InvalidRequest> {
        check_reason("closureReason", &self.closure_reason)?;
        Ok(body_of(self))
    }
}

/// Without the reason, which is free text.
impl fmt::Debug for CloseChargePermission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloseChargePermission")
            .field("cancel_pending_charges", &self.cancel_pending_charges)
            .finish_non_exhaustive()
    }
}
