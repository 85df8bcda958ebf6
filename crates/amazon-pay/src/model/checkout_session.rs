//! The checkout session: what Amazon says of it.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::extra::Extra;
use super::lenient;
use super::payment::{PaymentDetails, PaymentMethodOnFileMetadata, PaymentPreference, WebCheckoutDetails};
use super::recurring::RecurringMetadata;
use super::shared::{Address, Buyer, MerchantMetadata, ProviderMetadata, StatusDetails};
use super::words::{
    ChargePermissionType, CheckoutSessionReason, CheckoutSessionState, ConstraintId, ProductType,
    ReleaseEnvironment,
};
use crate::ids::{ChargeId, ChargePermissionId, CheckoutSessionId};

/// A checkout session as Amazon shows it: the answer to Create, Get, Update, Complete and Finalize.
///
/// While `Open` most fields are there; `Completed` and `Canceled` sessions mostly have their ids and their
/// state alone. After 30 days Amazon has deleted a session, and a look-up gets 404.
///
/// The `Debug` form shows no address, no buyer, no payment instrument and no supplementary data.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CheckoutSession {
    /// The session's id.
    pub checkout_session_id: CheckoutSessionId,
    /// State, reason and since when.
    pub status_details: StatusDetails<CheckoutSessionState, CheckoutSessionReason>,
    /// There once the session is confirmed, whatever its state says: a pending one may still be `Open`.
    #[serde(default, deserialize_with = "lenient::id")]
    pub charge_permission_id: Option<ChargePermissionId>,
    /// There once a charge was made; not for [`PaymentIntent::Confirm`](crate::PaymentIntent::Confirm).
    #[serde(default, deserialize_with = "lenient::id")]
    pub charge_id: Option<ChargeId>,
    /// How often the permission may be used.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub charge_permission_type: Option<ChargePermissionType>,
    /// What the buyer of a subscription is shown.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub recurring_metadata: Option<RecurringMetadata>,
    /// How a wallet is saved.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub payment_method_on_file_metadata: Option<PaymentMethodOnFileMetadata>,
    /// Where the buyer goes to and comes back to.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub web_checkout_details: Option<WebCheckoutDetails>,
    /// Which address Finalize needs.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub product_type: Option<ProductType>,
    /// Amounts and intent.
    #[serde(default, deserialize_with = "lenient::strict")]
    pub payment_details: Option<PaymentDetails>,
    /// Order number and notes.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub merchant_metadata: Option<MerchantMetadata>,
    /// To be repeated in Finalize unchanged.
    #[serde(default, deserialize_with = "lenient::strict")]
    pub supplementary_data: Option<String>,
    /// The buyer; only while `Open`.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub buyer: Option<Buyer>,
    /// Where the order goes; only while `Open`, not for `PayOnly`.
    #[serde(default, deserialize_with = "lenient::strict")]
    pub shipping_address: Option<Address>,
    /// Where the parts of the order go, for `PayAndShipMultiAddress`. Amazon sends each as a string of JSON,
    /// which is read here.
    #[serde(default, deserialize_with = "lenient::addresses")]
    pub shipping_address_list: Vec<Address>,
    /// The billing address, in Europe or for `PayOnly`.
    #[serde(default, deserialize_with = "lenient::strict")]
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
    /// When it lapses unless it is confirmed: 24 hours after its creation. Absent once it is confirmed.
    #[serde(default, deserialize_with = "lenient::timestamp")]
    pub expiration_timestamp: Option<Timestamp>,
    /// Live or sandbox.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub release_environment: Option<ReleaseEnvironment>,
    /// The store that the session belongs to.
    #[serde(default, deserialize_with = "lenient::text")]
    pub store_id: Option<String>,
    /// The solution provider's id.
    #[serde(default, deserialize_with = "lenient::text")]
    pub platform_id: Option<String>,
    /// The solution provider's reference.
    #[serde(default, deserialize_with = "lenient::or_none")]
    pub provider_metadata: Option<ProviderMetadata>,
    /// What the button on Amazon's page says.
    #[serde(default, deserialize_with = "lenient::text")]
    pub checkout_button_text: Option<String>,
    /// Where the shop delivers to; in Amazon's own form.
    #[serde(default, deserialize_with = "lenient::json")]
    pub delivery_specifications: Option<Value>,
    /// An address that the shop gave; in Amazon's own form.
    #[serde(default, deserialize_with = "lenient::json")]
    pub address_details: Option<Value>,
    /// What goes to which address; in Amazon's own form.
    #[serde(default, deserialize_with = "lenient::json")]
    pub multi_addresses_checkout_metadata: Option<Value>,
    /// Fields that are new.
    #[serde(flatten)]
    pub extra: Extra,
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
            .field("extra", &self.extra)
            .finish_non_exhaustive()
    }
}

/// Something that is still missing. The `Debug` form does not show Amazon's sentence.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Constraint {
    /// What.
    pub constraint_id: ConstraintId,
    /// In Amazon's sentence. For people.
    #[serde(default, deserialize_with = "lenient::text")]
    pub description: Option<String>,
    /// Fields that are new.
    #[serde(flatten)]
    pub extra: Extra,
}

impl fmt::Debug for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Constraint")
            .field("constraint_id", &self.constraint_id)
            .field("extra", &self.extra)
            .finish_non_exhaustive()
    }
}
