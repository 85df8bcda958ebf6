//! A charge permission: the buyer's consent to be charged.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;

use super::extra::Extra;
use super::lenient;
use super::money::{Currency, Price};
use super::payment::{PaymentMethodOnFileMetadata, PaymentPreference};
use super::recurring::RecurringMetadata;
use super::shared::{Address, Buyer, MerchantMetadata, ProviderMetadata};
use super::words::{ChargePermissionReason, ChargePermissionState, ChargePermissionType, ReleaseEnvironment};
use crate::ids::ChargePermissionId;

/// A charge permission as Amazon shows it: what may be charged, and to whom. The answer to Get, Update and
/// Close Charge Permission. Buyer and addresses are served for 30 days.
///
/// The `Debug` form shows no address, no buyer and no payment instrument.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ChargePermission {
    /// The permission's id.
    pub charge_permission_id: ChargePermissionId,
    /// State, reasons and since when.
    pub status_details: ChargePermissionStatus,
    /// How often it may be used.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub charge_permission_type: Option<ChargePermissionType>,
    /// The id that the buyer sees.
    #[serde(default, deserialize_with = "lenient::text")]
    pub charge_permission_reference_id: Option<String>,
    /// What the buyer of a subscription was shown.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub recurring_metadata: Option<RecurringMetadata>,
    /// How the wallet was saved.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub payment_method_on_file_metadata: Option<PaymentMethodOnFileMetadata>,
    /// How much may be charged.
    #[serde(default, deserialize_with = "lenient::strict")]
    pub limits: Option<Limits>,
    /// The currency that the buyer sees.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub presentment_currency: Option<Currency>,
    /// Order number and notes.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub merchant_metadata: Option<MerchantMetadata>,
    /// The buyer.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub buyer: Option<Buyer>,
    /// Where the order goes.
    #[serde(default, deserialize_with = "lenient::strict")]
    pub shipping_address: Option<Address>,
    /// The billing address.
    #[serde(default, deserialize_with = "lenient::strict")]
    pub billing_address: Option<Address>,
    /// What the buyer pays with, as shown to them.
    #[serde(default, deserialize_with = "lenient::elements")]
    pub payment_preferences: Vec<PaymentPreference>,
    /// The solution provider's id.
    #[serde(default, deserialize_with = "lenient::text")]
    pub platform_id: Option<String>,
    /// The solution provider's reference.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub provider_metadata: Option<ProviderMetadata>,
    /// A token for Amazon's other services.
    #[serde(default, deserialize_with = "lenient::text")]
    pub amazon_pay_token: Option<String>,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient::timestamp")]
    pub creation_timestamp: Option<Timestamp>,
    /// When it ends; absent for a saved wallet.
    #[serde(default, deserialize_with = "lenient::timestamp")]
    pub expiration_timestamp: Option<Timestamp>,
    /// Live or sandbox.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub release_environment: Option<ReleaseEnvironment>,
    /// Fields that are new.
    #[serde(flatten)]
    pub extra: Extra,
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
            .field("extra", &self.extra)
            .finish_non_exhaustive()
    }
}

/// How much may be charged under a permission.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Limits {
    /// In all.
    #[serde(deserialize_with = "lenient::price")]
    pub amount_limit: Option<Price>,
    /// From now on. A permission for one order closes by itself when nothing is left.
    #[serde(deserialize_with = "lenient::price")]
    pub amount_balance: Option<Price>,
    /// Fields that are new.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The state of a charge permission. Unlike sessions, charges and refunds it may have several reasons.
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
    /// Fields that are new.
    #[serde(flatten)]
    pub extra: Extra,
}

/// One reason for a charge permission's state. The `Debug` form leaves out the description, which is free
/// text.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Reason {
    /// In Amazon's word.
    pub reason_code: ChargePermissionReason,
    /// In Amazon's sentence. For people.
    #[serde(default, deserialize_with = "lenient::text")]
    pub reason_description: Option<String>,
    /// Fields that are new.
    #[serde(flatten)]
    pub extra: Extra,
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reason")
            .field("reason_code", &self.reason_code)
            .finish_non_exhaustive()
    }
}
