//! The checkout session: what confirms it, and what Amazon says of it.

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::shared::{Address, Buyer, MerchantMetadata, Price, StatusDetails};
use super::words::{ChargePermissionType, CheckoutSessionState, PaymentIntent, ProductType};
use super::{body_of, lenient};

/// The body of Finalize Checkout Session. Amazon compares it with the session and refuses a difference.
///
/// The `Debug` form shows neither addresses nor the supplementary data.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FinalizeCheckoutSession {
    /// The session's intent.
    pub payment_intent: PaymentIntent,
    /// What the buyer is charged now.
    pub charge_amount: Price,
    /// What may be charged in all; needed if the session has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_order_amount: Option<Price>,
    /// Needed if the session has it, unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplementary_data: Option<String>,
    /// Needed for [`ProductType::PayAndShip`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipping_address: Option<Address>,
    /// Needed for [`ProductType::PayOnly`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_address: Option<Address>,
    /// Whether Amazon may answer 202 and decide within 24 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_handle_pending_authorization: Option<bool>,
}

impl FinalizeCheckoutSession {
    /// The request's bytes. The same value always gives the same bytes, so that a repeat under one
    /// idempotency key is a repeat; what is to be repeated over versions of this crate should nevertheless be
    /// stored as bytes.
    #[must_use]
    pub fn to_body(&self) -> Bytes {
        body_of(self)
    }
}

impl fmt::Debug for FinalizeCheckoutSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FinalizeCheckoutSession")
            .field("payment_intent", &self.payment_intent)
            .field("charge_amount", &self.charge_amount)
            .field("total_order_amount", &self.total_order_amount)
            .field(
                "can_handle_pending_authorization",
                &self.can_handle_pending_authorization,
            )
            .finish_non_exhaustive()
    }
}

/// The body of Complete Checkout Session. Both amounts absent is the setup of a saved wallet, whose body is
/// `{}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CompleteCheckoutSession {
    /// What the buyer is charged now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge_amount: Option<Price>,
    /// What may be charged in all; needed if the session has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_order_amount: Option<Price>,
}

impl CompleteCheckoutSession {
    /// The request's bytes; see [`FinalizeCheckoutSession::to_body`].
    #[must_use]
    pub fn to_body(&self) -> Bytes {
        body_of(self)
    }
}

/// A checkout session as Amazon shows it. While `Open` most fields are there; `Completed` and `Canceled`
/// sessions mostly have their ids and their state alone.
///
/// The `Debug` form shows no address, no buyer, no payment instrument and no supplementary data.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CheckoutSession {
    /// The session's id.
    pub checkout_session_id: String,
    /// State, reason and since when.
    pub status_details: StatusDetails<CheckoutSessionState>,
    /// There once the session is confirmed, whatever its state says.
    #[serde(default)]
    pub charge_permission_id: Option<String>,
    /// There once a charge was made; not for [`PaymentIntent::Confirm`].
    #[serde(default)]
    pub charge_id: Option<String>,
    /// How often the permission may be used.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub charge_permission_type: Option<ChargePermissionType>,
    /// Which address Finalize needs.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub product_type: Option<ProductType>,
    /// Amounts and intent.
    #[serde(default)]
    pub payment_details: Option<PaymentDetails>,
    /// Order number and notes.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub merchant_metadata: Option<MerchantMetadata>,
    /// To be repeated in Finalize unchanged.
    #[serde(default)]
    pub supplementary_data: Option<String>,
    /// The buyer; only while `Open`.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub buyer: Option<Buyer>,
    /// Where the order goes; only while `Open`, not for `PayOnly`.
    #[serde(default)]
    pub shipping_address: Option<Address>,
    /// The billing address, in Europe or for `PayOnly`.
    #[serde(default)]
    pub billing_address: Option<Address>,
    /// What the buyer pays with, as shown to them.
    #[serde(default, deserialize_with = "lenient::elements")]
    pub payment_preferences: Vec<PaymentPreference>,
    /// What is still missing before the session can be confirmed.
    #[serde(default, deserialize_with = "lenient::elements")]
    pub constraints: Vec<Constraint>,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient::timestamp")]
    pub creation_timestamp: Option<Timestamp>,
    /// When it lapses unless it is confirmed: 24 hours after its creation.
    #[serde(default, deserialize_with = "lenient::timestamp")]
    pub expiration_timestamp: Option<Timestamp>,
    /// `Sandbox` or `Live`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub release_environment: Option<String>,
    /// The store that the session belongs to.
    #[serde(default, deserialize_with = "lenient::text")]
    pub store_id: Option<String>,
}

impl fmt::Debug for CheckoutSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckoutSession")
            .field("checkout_session_id", &self.checkout_session_id)
            .field("status_details", &self.status_details)
            .field("charge_permission_id", &self.charge_permission_id)
            .field("charge_id", &self.charge_id)
            .field("charge_permission_type", &self.charge_permission_type)
            .field("product_type", &self.product_type)
            .field("payment_details", &self.payment_details)
            .field("merchant_metadata", &self.merchant_metadata)
            .field("constraints", &self.constraints)
            .field("creation_timestamp", &self.creation_timestamp)
            .field("expiration_timestamp", &self.expiration_timestamp)
            .field("release_environment", &self.release_environment)
            .finish_non_exhaustive()
    }
}

/// What a session is to be paid with, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PaymentDetails {
    /// What confirming does.
    #[serde(deserialize_with = "lenient::or_none")]
    pub payment_intent: Option<PaymentIntent>,
    /// Whether the payment may be pending.
    #[serde(deserialize_with = "lenient::boolean")]
    pub can_handle_pending_authorization: Option<bool>,
    /// What is charged on confirming.
    pub charge_amount: Option<Price>,
    /// What may be charged in all.
    pub total_order_amount: Option<Price>,
    /// The currency that the buyer sees.
    #[serde(deserialize_with = "lenient::text")]
    pub presentment_currency: Option<String>,
    /// What the buyer's statement says.
    #[serde(deserialize_with = "lenient::text")]
    pub soft_descriptor: Option<String>,
    /// Whether more than the total may be charged.
    #[serde(deserialize_with = "lenient::boolean")]
    pub allow_overcharge: Option<bool>,
    /// Whether the permission lasts longer than usual.
    #[serde(deserialize_with = "lenient::boolean")]
    pub extend_expiration: Option<bool>,
}

/// What the buyer pays with. The `Debug` form shows no content.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PaymentPreference {
    /// Such as `Visa ****1111 (Amazon Pay)`.
    #[serde(deserialize_with = "lenient::text")]
    pub payment_descriptor: Option<String>,
}

impl fmt::Debug for PaymentPreference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PaymentPreference(..)")
    }
}

/// Something that is still missing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Constraint {
    /// Such as `ChargeAmountNotSet`.
    pub constraint_id: String,
    /// In Amazon's sentence.
    #[serde(default, deserialize_with = "lenient::text")]
    pub description: Option<String>,
}
