//! The personal part of an order: never in an event, never printed.

use std::fmt;

/// A postal address in Amazon's fields. An absent field and an empty one are the same.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// Who lives there.
    pub name: Option<String>,
    /// First line.
    pub address_line1: Option<String>,
    /// Second line.
    pub address_line2: Option<String>,
    /// Third line.
    pub address_line3: Option<String>,
    /// City.
    pub city: Option<String>,
    /// County.
    pub county: Option<String>,
    /// District.
    pub district: Option<String>,
    /// State or region.
    pub state_or_region: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// ISO 3166 alpha-2.
    pub country_code: Option<String>,
    /// Phone number.
    pub phone_number: Option<String>,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

/// What one statement, or one look-up, brought of personal data.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Personal {
    /// Where the goods go.
    pub shipping_address: Option<Address>,
    /// Where the bill goes.
    pub billing_address: Option<Address>,
    /// The shop's own text, echoed to Amazon unchanged; it may hold anything.
    pub supplementary_data: Option<String>,
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Personal(…)")
    }
}

/// What Get Charge Permission tells of the buyer.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct BuyerDetails {
    /// Amazon's name for the buyer, the same for all orders of a merchant.
    pub buyer_id: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Telephone number.
    pub phone_number: Option<String>,
    /// Where the goods go.
    pub shipping_address: Option<Address>,
    /// Where the bill goes.
    pub billing_address: Option<Address>,
    /// What the buyer pays with, in the words that the buyer knows it by.
    pub payment_descriptors: Vec<String>,
}

impl BuyerDetails {
    /// Whether nothing is told.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Debug for BuyerDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BuyerDetails(…)")
    }
}
