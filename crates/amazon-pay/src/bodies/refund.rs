//! The body that gives money back.

use bytes::Bytes;
use serde::Serialize;

use super::{InvalidRequest, body_of, check_descriptor};
use crate::ids::ChargeId;
use crate::model::Price;

/// The body of Create Refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateRefund {
    /// A captured charge.
    pub charge_id: ChargeId,
    /// How much. It may exceed what was captured by 15 per cent or 75 USD, GBP or EUR, whichever is less.
    pub refund_amount: Price,
    /// What the buyer's statement says after `AMZ* `; at most 16 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soft_descriptor: Option<String>,
}

impl CreateRefund {
    /// Gives `refund_amount` of this charge back.
    #[must_use]
    pub fn new(charge_id: ChargeId, refund_amount: Price) -> Self {
        Self {
            charge_id,
            refund_amount,
            soft_descriptor: None,
        }
    }

    /// The request's bytes.
    ///
    /// # Errors
    /// [`InvalidRequest::TooLong`].
    pub fn to_body(&self) -> Result<Bytes, InvalidRequest> {
        check_descriptor("softDescriptor", self.soft_descriptor.as_deref())?;
        Ok(body_of(self))
    }
}
