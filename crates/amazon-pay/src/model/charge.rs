//! A charge: money authorized, captured, and perhaps given back.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::extra::Extra;
use super::lenient;
use super::money::Price;
use super::payment::WebCheckoutDetails;
use super::shared::{MerchantMetadata, ProviderMetadata, StatusDetails};
use super::words::{Channel, ChargeInitiator, ChargeReason, ChargeState, ReleaseEnvironment};
use crate::ids::{ChargeId, ChargePermissionId};

/// A charge as Amazon shows it: the answer to Create, Get, Update, Capture and Cancel Charge.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Charge {
    /// The charge's id.
    pub charge_id: ChargeId,
    /// State, reason and since when.
    pub status_details: StatusDetails<ChargeState, ChargeReason>,
    /// The permission that it was made under.
    #[serde(default, deserialize_with = "lenient::id")]
    pub charge_permission_id: Option<ChargePermissionId>,
    /// What was to be charged.
    #[serde(default, deserialize_with = "lenient::price")]
    pub charge_amount: Option<Price>,
    /// What was captured.
    #[serde(default, deserialize_with = "lenient::price")]
    pub capture_amount: Option<Price>,
    /// What was given back.
    #[serde(default, deserialize_with = "lenient::price")]
    pub refunded_amount: Option<Price>,
    /// The captured amount in the currency that it is paid out in.
    #[serde(default, deserialize_with = "lenient::price")]
    pub converted_amount: Option<Price>,
    /// The rate of that conversion.
    #[serde(default, deserialize_with = "lenient::decimal")]
    pub conversion_rate: Option<Decimal>,
    /// What the buyer's statement says after `AMZ* `.
    #[serde(default, deserialize_with = "lenient::text")]
    pub soft_descriptor: Option<String>,
    /// Whether it was captured with its authorization.
    #[serde(default, deserialize_with = "lenient::boolean")]
    pub capture_now: Option<bool>,
    /// Whether it may be pending.
    #[serde(default, deserialize_with = "lenient::boolean")]
    pub can_handle_pending_authorization: Option<bool>,
    /// Who asked for it.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub charge_initiator: Option<ChargeInitiator>,
    /// Where the buyer ordered.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub channel: Option<Channel>,
    /// Order number and notes.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub merchant_metadata: Option<MerchantMetadata>,
    /// The solution provider's id.
    #[serde(default, deserialize_with = "lenient::text")]
    pub platform_id: Option<String>,
    /// The solution provider's reference.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub provider_metadata: Option<ProviderMetadata>,
    /// Where a buyer goes who has to act, with a saved wallet.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub web_checkout_details: Option<WebCheckoutDetails>,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient::timestamp")]
    pub creation_timestamp: Option<Timestamp>,
    /// When its authorization ends: 30 days after it was made.
    #[serde(default, deserialize_with = "lenient::timestamp")]
    pub expiration_timestamp: Option<Timestamp>,
    /// Live or sandbox.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub release_environment: Option<ReleaseEnvironment>,
    /// Fields that are new.
    #[serde(flatten)]
    pub extra: Extra,
}
