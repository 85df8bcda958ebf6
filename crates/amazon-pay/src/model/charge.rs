//! A charge, and the permission that it is made under.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;

use super::lenient;
use super::shared::{Address, Buyer, MerchantMetadata, Price, StatusDetails};
use super::words::{ChargePermissionState, ChargePermissionType, ChargeState};

/// A charge as Amazon shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Charge {
    /// The charge's id.
    pub charge_id: String,
    /// State, reason and since when.
    pub status_details: StatusDetails<ChargeState>,
    /// The permission that it was made under.
    #[serde(default)]
    pub charge_permission_id: Option<String>,
    /// What was to be charged.
    #[serde(default)]
    pub charge_amount: Option<Price>,
    /// What was captured.
    #[serde(default)]
    pub capture_amount: Option<Price>,
    /// What was given back.
    #[serde(default)]
    pub refunded_amount: Option<Price>,
    /// The captured amount in the currency that it is paid out in.
    #[serde(default)]
    pub converted_amount: Option<Price>,
    /// The rate of that conversion, as decimal text.
    #[serde(default, deserialize_with = "lenient::text")]
    pub conversion_rate: Option<String>,
    /// What the buyer's statement says.
    #[serde(default, deserialize_with = "lenient::text")]
    pub soft_descriptor: Option<String>,
    /// Whether it was captured with its authorization.
    #[serde(default, deserialize_with = "lenient::boolean")]
    pub capture_now: Option<bool>,
    /// Whether it may be pending.
    #[serde(default, deserialize_with = "lenient::boolean")]
    pub can_handle_pending_authorization: Option<bool>,
    /// Order number and notes.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub merchant_metadata: Option<MerchantMetadata>,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient::timestamp")]
    pub creation_timestamp: Option<Timestamp>,
    /// When its authorization ends.
    #[serde(default, deserialize_with = "lenient::timestamp")]
    pub expiration_timestamp: Option<Timestamp>,
    /// `Sandbox` or `Live`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub release_environment: Option<String>,
}

/// A charge permission as Amazon shows it: what may be charged, and to whom. Buyer and addresses are served
/// for 30 days.
///
/// The `Debug` form shows no address and no buyer.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ChargePermission {
    /// The permission's id.
    pub charge_permission_id: String,
    /// State, reasons and since when.
    pub status_details: ChargePermissionStatus,
    /// How often it may be used.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub charge_permission_type: Option<ChargePermissionType>,
    /// The id that the buyer sees.
    #[serde(default, deserialize_with = "lenient::text")]
    pub charge_permission_reference_id: Option<String>,
    /// How much may be charged.
    #[serde(default)]
    pub limits: Option<Limits>,
    /// The currency that the buyer sees.
    #[serde(default, deserialize_with = "lenient::text")]
    pub presentment_currency: Option<String>,
    /// Order number and notes.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub merchant_metadata: Option<MerchantMetadata>,
    /// The buyer.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub buyer: Option<Buyer>,
    /// Where the order goes.
    #[serde(default)]
    pub shipping_address: Option<Address>,
    /// The billing address.
    #[serde(default)]
    pub billing_address: Option<Address>,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient::timestamp")]
    pub creation_timestamp: Option<Timestamp>,
    /// When it ends.
    #[serde(default, deserialize_with = "lenient::timestamp")]
    pub expiration_timestamp: Option<Timestamp>,
    /// `Sandbox` or `Live`.
    #[serde(default, deserialize_with = "lenient::text")]
    pub release_environment: Option<String>,
}

impl fmt::Debug for ChargePermission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChargePermission")
            .field("charge_permission_id", &self.charge_permission_id)
            .field("status_details", &self.status_details)
            .field("charge_permission_type", &self.charge_permission_type)
            .field("limits", &self.limits)
            .field("merchant_metadata", &self.merchant_metadata)
            .field("creation_timestamp", &self.creation_timestamp)
            .field("expiration_timestamp", &self.expiration_timestamp)
            .field("release_environment", &self.release_environment)
            .finish_non_exhaustive()
    }
}

/// How much may be charged under a permission.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Limits {
    /// In all.
    pub amount_limit: Option<Price>,
    /// From now on.
    pub amount_balance: Option<Price>,
}

/// The state of a charge permission. Unlike sessions and charges it may have several reasons.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ChargePermissionStatus {
    /// The state.
    pub state: ChargePermissionState,
    /// Why.
    #[serde(default, deserialize_with = "lenient::elements")]
    pub reasons: Vec<Reason>,
    /// Since when.
    #[serde(default, deserialize_with = "lenient::timestamp")]
    pub last_updated_timestamp: Option<Timestamp>,
}

/// One reason for a charge permission's state.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Reason {
    /// In Amazon's word, such as `MerchantClosed`.
    pub reason_code: String,
    /// In Amazon's sentence.
    #[serde(default, deserialize_with = "lenient::text")]
    pub reason_description: Option<String>,
}
