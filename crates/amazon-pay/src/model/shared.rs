//! What several objects have in common: addresses, buyers, references, states.

use std::fmt;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::extra::Extra;
use super::lenient;

/// A postal address. Any part may be missing; `null` and absent are the same. Its `Debug` form shows no
/// content.
///
/// Finalize compares addresses with the session's, by rules that are not published: repeat the one that Get
/// Checkout Session returned.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Address {
    /// The person or company.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub name: Option<String>,
    /// First line.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub address_line1: Option<String>,
    /// Second line.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub address_line2: Option<String>,
    /// Third line.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub address_line3: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub city: Option<String>,
    /// County.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub county: Option<String>,
    /// District.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub district: Option<String>,
    /// State or region.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub state_or_region: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub postal_code: Option<String>,
    /// ISO 3166-1 alpha-2, such as `DE`.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub country_code: Option<String>,
    /// Telephone number.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub phone_number: Option<String>,
    /// Fields that are new; never sent.
    #[serde(flatten, skip_serializing)]
    pub extra: Extra,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}

/// The buyer: part of an open session and of a charge permission, and the answer to Get Buyer. What is there
/// depends on what the buyer agreed to share. The `Debug` form shows no content.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Buyer {
    /// Amazon's name for the buyer, stable per merchant.
    #[serde(deserialize_with = "lenient::text")]
    pub buyer_id: Option<String>,
    /// Name.
    #[serde(deserialize_with = "lenient::text")]
    pub name: Option<String>,
    /// E-mail address.
    #[serde(deserialize_with = "lenient::text")]
    pub email: Option<String>,
    /// Telephone number.
    #[serde(deserialize_with = "lenient::text")]
    pub phone_number: Option<String>,
    /// Postal code of the usual shipping address; Get Buyer only.
    #[serde(deserialize_with = "lenient::text")]
    pub postal_code: Option<String>,
    /// Country of the usual shipping address, ISO 3166-1 alpha-2; Get Buyer only.
    #[serde(deserialize_with = "lenient::text")]
    pub country_code: Option<String>,
    /// The usual shipping address; Get Buyer only.
    #[serde(deserialize_with = "lenient::or_none")]
    pub shipping_address: Option<Address>,
    /// The billing address; Get Buyer only.
    #[serde(deserialize_with = "lenient::or_none")]
    pub billing_address: Option<Address>,
    /// The buyer's Prime memberships, for merchants whom Amazon shows them.
    #[serde(deserialize_with = "lenient::elements")]
    pub prime_membership_types: Vec<String>,
    /// Fields that are new.
    #[serde(flatten)]
    pub extra: Extra,
}

impl fmt::Debug for Buyer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Buyer(..)")
    }
}

/// What the merchant attaches to the order. The `Debug` form shows the order reference alone: the notes are
/// free text.
///
/// The limits are checked by the `to_body` of the request that it is part of. A store name that is too long
/// makes the payment fail at Amazon.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MerchantMetadata {
    /// The merchant's order number, which the buyer sees; at most 256 characters.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub merchant_reference_id: Option<String>,
    /// The shop's name as the buyer sees it; at most 50 characters.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub merchant_store_name: Option<String>,
    /// A note that the buyer sees; at most 255 characters.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub note_to_buyer: Option<String>,
    /// Anything else, for the merchant. Amazon's limit could not be read anywhere, so none is checked; 4096
    /// characters are said to be allowed.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub custom_information: Option<String>,
    /// Fields that are new; never sent.
    #[serde(flatten, skip_serializing)]
    pub extra: Extra,
}

impl fmt::Debug for MerchantMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MerchantMetadata")
            .field("merchant_reference_id", &self.merchant_reference_id)
            .finish_non_exhaustive()
    }
}

/// What a solution provider attaches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProviderMetadata {
    /// The provider's own reference.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub provider_reference_id: Option<String>,
    /// Fields that are new; never sent.
    #[serde(flatten, skip_serializing)]
    pub extra: Extra,
}

/// The state of a checkout session, a charge or a refund. The `Debug` form leaves out the description, which
/// is free text.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", bound = "S: DeserializeOwned, R: DeserializeOwned")]
#[non_exhaustive]
pub struct StatusDetails<S, R> {
    /// The state.
    pub state: S,
    /// Why; absent for most states.
    #[serde(default = "nothing", deserialize_with = "lenient::or_none")]
    pub reason_code: Option<R>,
    /// Why, in Amazon's sentence. For people.
    #[serde(default, deserialize_with = "lenient::text")]
    pub reason_description: Option<String>,
    /// Since when.
    #[serde(default, deserialize_with = "lenient::timestamp")]
    pub last_updated_timestamp: Option<Timestamp>,
    /// Fields that are new.
    #[serde(flatten)]
    pub extra: Extra,
}

/// `Option<R>` has a default whatever `R` is, which the derive of the struct above does not see.
fn nothing<R>() -> Option<R> {
    None
}

impl<S: fmt::Debug, R: fmt::Debug> fmt::Debug for StatusDetails<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusDetails")
            .field("state", &self.state)
            .field("reason_code", &self.reason_code)
            .field("last_updated_timestamp", &self.last_updated_timestamp)
            .finish_non_exhaustive()
    }
}
