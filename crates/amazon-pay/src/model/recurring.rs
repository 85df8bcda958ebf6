//! How often a subscription is charged, and how much.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::extra::Extra;
use super::lenient;
use super::money::Price;
use super::words::FrequencyUnit;

/// What the buyer of a subscription is shown. Amazon does not compare charges with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecurringMetadata {
    /// How often.
    pub frequency: Frequency,
    /// How much each time; absent where it varies.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::price"
    )]
    pub amount: Option<Price>,
    /// Fields that are new; never sent.
    #[serde(flatten, skip_serializing)]
    pub extra: Extra,
}

impl RecurringMetadata {
    /// A subscription of this frequency, of no fixed amount.
    #[must_use]
    pub fn new(frequency: Frequency) -> Self {
        Self {
            frequency,
            amount: None,
            extra: Extra::default(),
        }
    }
}

/// A number of units: every 2 weeks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frequency {
    /// The unit.
    pub unit: FrequencyUnit,
    /// How many units; 0 for [`FrequencyUnit::Variable`]. Amazon writes it as text.
    #[serde(serialize_with = "as_text", deserialize_with = "from_text_or_number")]
    pub value: u32,
}

impl Frequency {
    /// Every `value` units.
    #[must_use]
    pub fn every(value: u32, unit: FrequencyUnit) -> Self {
        Self { unit, value }
    }

    /// No fixed frequency.
    #[must_use]
    pub fn variable() -> Self {
        Self::every(0, FrequencyUnit::Variable)
    }
}

fn as_text<S: Serializer>(value: &u32, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

fn from_text_or_number<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    lenient::text(from)?
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| D::Error::custom("not a number of units"))
}
