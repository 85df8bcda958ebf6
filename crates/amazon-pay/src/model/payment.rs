//! Parts of a checkout session that a request sets and an answer shows.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::extra::Extra;
use super::lenient;
use super::money::{Currency, Price};
use super::words::{CheckoutMode, PaymentIntent};

/// What a session is to be paid with, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PaymentDetails {
    /// What confirming does.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::or_none"
    )]
    pub payment_intent: Option<PaymentIntent>,
    /// Whether Amazon may answer the confirmation with 202 and decide within 24 hours. Not together with
    /// [`PaymentIntent::AuthorizeWithCapture`].
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::boolean"
    )]
    pub can_handle_pending_authorization: Option<bool>,
    /// What is charged on confirming. At most 150,000 USD, GBP or EUR, or 10,000,000 JPY, in their regions.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::price")]
    pub charge_amount: Option<Price>,
    /// What may be charged in all.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::price")]
    pub total_order_amount: Option<Price>,
    /// The currency that the buyer sees. Can be set at creation only.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::or_none"
    )]
    pub presentment_currency: Option<Currency>,
    /// What the buyer's statement says after `AMZ* `; at most 16 characters. Only where money is captured.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub soft_descriptor: Option<String>,
    /// Whether more than the total may be charged.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::boolean"
    )]
    pub allow_overcharge: Option<bool>,
    /// Whether a permission for one order lasts 13 months instead of 180 days.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::boolean"
    )]
    pub extend_expiration: Option<bool>,
    /// Fields that are new; never sent.
    #[serde(flatten, skip_serializing)]
    pub extra: Extra,
}

/// Where the buyer goes to and comes back to. The `Debug` form shows no address: Amazon's own leads to the
/// buyer's session.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WebCheckoutDetails {
    /// The shop's review page, to which the buyer comes from Amazon to see the whole order.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub checkout_review_return_url: Option<String>,
    /// The shop's page to which the buyer comes when Amazon is done. The session's id is in the query, as
    /// `amazonCheckoutSessionId`.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub checkout_result_return_url: Option<String>,
    /// The shop's page to which a buyer comes who backs out.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::text")]
    pub checkout_cancel_url: Option<String>,
    /// Amazon's page to which the buyer is to be sent; there once no constraint is left. Never sent.
    #[serde(skip_serializing, deserialize_with = "lenient::text")]
    pub amazon_pay_redirect_url: Option<String>,
    /// Whether there is a review page at all.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::or_none"
    )]
    pub checkout_mode: Option<CheckoutMode>,
    /// Fields that are new; never sent.
    #[serde(flatten, skip_serializing)]
    pub extra: Extra,
}

impl WebCheckoutDetails {
    /// The buyer reviews the order at the shop before paying.
    pub fn with_review(checkout_review_return_url: impl Into<String>) -> Self {
        Self {
            checkout_review_return_url: Some(checkout_review_return_url.into()),
            ..Self::default()
        }
    }

    /// The buyer pays at Amazon at once, and comes back to the shop with the result.
    pub fn process_order(checkout_result_return_url: impl Into<String>) -> Self {
        Self {
            checkout_result_return_url: Some(checkout_result_return_url.into()),
            checkout_mode: Some(CheckoutMode::ProcessOrder),
            ..Self::default()
        }
    }

    /// Where the buyer comes back to: what Create Charge with a saved wallet and Update Checkout Session want.
    pub fn result(checkout_result_return_url: impl Into<String>) -> Self {
        Self {
            checkout_result_return_url: Some(checkout_result_return_url.into()),
            ..Self::default()
        }
    }
}

impl fmt::Debug for WebCheckoutDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebCheckoutDetails")
            .field("checkout_mode", &self.checkout_mode)
            .finish_non_exhaustive()
    }
}

/// How a saved wallet is to be set up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PaymentMethodOnFileMetadata {
    /// Whether the wallet is saved without a first payment.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "lenient::boolean"
    )]
    pub setup_only: Option<bool>,
    /// Fields that are new; never sent.
    #[serde(flatten, skip_serializing)]
    pub extra: Extra,
}

/// What the buyer pays with. The `Debug` form shows no content.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct PaymentPreference {
    /// As the buyer is shown it, such as `Visa ****1111 (Amazon Pay)`.
    #[serde(deserialize_with = "lenient::text")]
    pub payment_descriptor: Option<String>,
    /// Fields that are new.
    #[serde(flatten)]
    pub extra: Extra,
}

impl fmt::Debug for PaymentPreference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PaymentPreference(..)")
    }
}
