//! What several objects have in common: money, addresses, states, references.

use std::fmt;

use jiff::Timestamp;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};

use super::lenient;

/// An amount of money as Amazon writes it. The amount stays text: turning it into a number is the caller's
/// decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// Decimal text such as `23.45`; no decimals for currencies without minor units. At most two decimals
    /// when sent.
    #[serde(deserialize_with = "amount")]
    pub amount: String,
    /// ISO 4217, such as `EUR`.
    pub currency_code: String,
}

impl Price {
    /// `Price::new("23.45", "EUR")`.
    pub fn new(amount: impl Into<String>, currency_code: impl Into<String>) -> Self {
        Self {
            amount: amount.into(),
            currency_code: currency_code.into(),
        }
    }
}

fn amount<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    lenient::text(from)?.ok_or_else(|| D::Error::custom("an amount is neither text nor a number"))
}

/// A postal address. Any part may be missing; `null` and absent are the same. Its `Debug` form shows no
/// content.
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
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}

/// The buyer, as Amazon shows them. The `Debug` form shows no content.
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
}

impl fmt::Debug for Buyer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Buyer(..)")
    }
}

/// What the merchant attached to the order. The `Debug` form shows the order reference alone: the notes are
/// free text.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct MerchantMetadata {
    /// The merchant's order number.
    #[serde(deserialize_with = "lenient::text")]
    pub merchant_reference_id: Option<String>,
    /// The shop's name as the buyer sees it.
    #[serde(deserialize_with = "lenient::text")]
    pub merchant_store_name: Option<String>,
    /// A note that the buyer sees.
    #[serde(deserialize_with = "lenient::text")]
    pub note_to_buyer: Option<String>,
    /// Anything else.
    #[serde(deserialize_with = "lenient::text")]
    pub custom_information: Option<String>,
}

impl fmt::Debug for MerchantMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MerchantMetadata")
            .field("merchant_reference_id", &self.merchant_reference_id)
            .finish_non_exhaustive()
    }
}

/// The state of a checkout session or a charge.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", bound = "S: DeserializeOwned")]
#[non_exhaustive]
pub struct StatusDetails<S> {
    /// The state.
    pub state: S,
    /// Why, in Amazon's word.
    #[serde(default, deserialize_with = "lenient::text")]
    pub reason_code: Option<String>,
    /// Why, in Amazon's sentence.
    #[serde(default, deserialize_with = "lenient::text")]
    pub reason_description: Option<String>,
    /// Since when.
    #[serde(default, deserialize_with = "lenient::timestamp")]
    pub last_updated_timestamp: Option<Timestamp>,
}
