//! Bodies about charges.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;

use super::{InvalidRequest, body_of, check_descriptor, check_merchant, check_reason};
use crate::ids::ChargePermissionId;
use crate::model::{
    Channel, ChargeInitiator, ChargeReason, ChargeState, MerchantMetadata, Price, ProviderMetadata,
    WebCheckoutDetails,
};

/// The body of Create Charge: authorizes money under a permission, and captures it if wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateCharge {
    /// The permission to charge under. One for a single order takes at most 25 charges.
    pub charge_permission_id: ChargePermissionId,
    /// How much. At most 150,000 USD, GBP or EUR, or 10,000,000 JPY, in their regions.
    pub charge_amount: Price,
    /// Whether it is captured at once. Amazon's default is no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture_now: Option<bool>,
    /// What the buyer's statement says after `AMZ* `; at most 16 characters. Only together with
    /// `capture_now`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soft_descriptor: Option<String>,
    /// Whether the authorization may be decided later, within 24 hours. Amazon's default is no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_handle_pending_authorization: Option<bool>,
    /// Order number and notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant_metadata: Option<MerchantMetadata>,
    /// The solution provider's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_metadata: Option<ProviderMetadata>,
    /// The solution provider's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_id: Option<String>,
    /// Who asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge_initiator: Option<ChargeInitiator>,
    /// Where the buyer ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// Where a buyer comes back to who has to act, with a saved wallet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_checkout_details: Option<WebCheckoutDetails>,
}

impl CreateCharge {
    /// Charges `charge_amount` under this permission.
    #[must_use]
    pub fn new(charge_permission_id: ChargePermissionId, charge_amount: Price) -> Self {
        Self {
            charge_permission_id,
            charge_amount,
            capture_now: None,
            soft_descriptor: None,
            can_handle_pending_authorization: None,
            merchant_metadata: None,
            provider_metadata: None,
            platform_id: None,
            charge_initiator: None,
            channel: None,
            web_checkout_details: None,
        }
    }

    /// The request's bytes.
    ///
    /// # Errors
    /// [`InvalidRequest::TooLong`].
    pub fn to_body(&self) -> Result<Bytes, InvalidRequest> {
        check_descriptor("softDescriptor", self.soft_descriptor.as_deref())?;
        check_merchant(self.merchant_metadata.as_ref())?;
        Ok(body_of(self))
    }
}

/// The body of Update Charge, which is for payment service providers only: they tell Amazon how a charge that
/// they process went.
///
/// What this body looks like is published to such providers only. Here it follows the object: a
/// `statusDetails` with a state and perhaps a reason. [`Request::update_charge`](crate::Request::update_charge)
/// takes any other bytes as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "UpdateChargeForm")]
pub struct UpdateCharge {
    /// The new state.
    pub state: ChargeState,
    /// Why.
    pub reason_code: Option<ChargeReason>,
}

impl UpdateCharge {
    /// The charge is in this state now.
    #[must_use]
    pub fn new(state: ChargeState) -> Self {
        Self {
            state,
            reason_code: None,
        }
    }

    /// The request's bytes.
    #[must_use]
    pub fn to_body(&self) -> Bytes {
        body_of(self)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UpdateChargeForm {
    status_details: StatusForm,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusForm {
    state: ChargeState,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason_code: Option<ChargeReason>,
}

impl From<UpdateCharge> for UpdateChargeForm {
    fn from(UpdateCharge { state, reason_code }: UpdateCharge) -> Self {
        let status_details = StatusForm { state, reason_code };
        Self { status_details }
    }
}

/// The body of Capture Charge. Within 7 days of the authorization the capture is immediate; later the charge
/// becomes [`CaptureInitiated`](ChargeState::CaptureInitiated) first. After 30 days there is nothing to
/// capture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CaptureCharge {
    /// How much; at most what the charge is for.
    pub capture_amount: Price,
    /// What the buyer's statement says after `AMZ* `; at most 16 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soft_descriptor: Option<String>,
}

impl CaptureCharge {
    /// Captures this much.
    #[must_use]
    pub fn new(capture_amount: Price) -> Self {
        Self {
            capture_amount,
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

/// The body of Cancel Charge, for a charge that is authorized or pending. One that is captured is refunded
/// instead.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelCharge {
    /// Why, for the record; 1 to 255 characters. (The limit is taken to be that of a closure reason: Amazon's
    /// own could not be read.)
    pub cancellation_reason: String,
}

impl CancelCharge {
    /// Cancels for this reason.
    pub fn new(cancellation_reason: impl Into<String>) -> Self {
        Self {
            cancellation_reason: cancellation_reason.into(),
        }
    }

    /// The request's bytes.
    ///
    /// # Errors
    /// [`InvalidRequest`]: the reason is empty or too long.
    pub fn to_body(&self) -> Result<Bytes, InvalidRequest> {
        check_reason("cancellationReason", &self.cancellation_reason)?;
        Ok(body_of(self))
    }
}

/// Without the reason, which is free text.
impl fmt::Debug for CancelCharge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelCharge").finish_non_exhaustive()
    }
}
