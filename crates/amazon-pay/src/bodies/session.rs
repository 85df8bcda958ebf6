//! Bodies about checkout sessions.

use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::{InvalidRequest, body_of, check_merchant, check_payment, check_pending};
use crate::model::{
    Address, ChargePermissionType, MerchantMetadata, PaymentDetails, PaymentIntent,
    PaymentMethodOnFileMetadata, Price, ProviderMetadata, RecurringMetadata, WebCheckoutDetails,
};

/// The body of Create Checkout Session, and the payload of a button: with a button, Amazon creates the
/// session itself when the buyer clicks.
///
/// ```
/// use amazon_pay::{CreateCheckoutSession, PaymentDetails, PaymentIntent, Price, WebCheckoutDetails};
///
/// let body = CreateCheckoutSession {
///     payment_details: Some(PaymentDetails {
///         payment_intent: Some(PaymentIntent::Authorize),
///         charge_amount: Some(Price::parse("23.45", "EUR")?),
///         ..PaymentDetails::default()
///     }),
///     ..CreateCheckoutSession::new(
///         WebCheckoutDetails::process_order("https://shop.example/thanks"),
///         "amzn1.application-oa2-client.example",
///     )
/// };
/// assert!(body.to_body()?.starts_with(br#"{"webCheckoutDetails":{"checkoutResultReturnUrl":"#));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateCheckoutSession {
    /// Where the buyer comes back to.
    pub web_checkout_details: WebCheckoutDetails,
    /// The store, as Seller Central names it.
    pub store_id: String,
    /// What the shop wants to know of the buyer, in Amazon's words, such as `email`. Amazon's default is
    /// everything.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Amazon's default is [`OneTime`](ChargePermissionType::OneTime).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge_permission_type: Option<ChargePermissionType>,
    /// Needed for [`Recurring`](ChargePermissionType::Recurring).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recurring_metadata: Option<RecurringMetadata>,
    /// For [`PaymentMethodOnFile`](ChargePermissionType::PaymentMethodOnFile).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_method_on_file_metadata: Option<PaymentMethodOnFileMetadata>,
    /// Where the shop delivers to; in Amazon's own form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_specifications: Option<Value>,
    /// Amounts and intent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_details: Option<PaymentDetails>,
    /// Order number and notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant_metadata: Option<MerchantMetadata>,
    /// Has to be repeated in Finalize.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplementary_data: Option<String>,
    /// An address that the shop knows already; in Amazon's own form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_details: Option<Value>,
    /// The solution provider's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_id: Option<String>,
    /// The solution provider's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_metadata: Option<ProviderMetadata>,
    /// What the button on Amazon's page says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkout_button_text: Option<String>,
}

impl CreateCheckoutSession {
    /// A session for this store.
    pub fn new(web_checkout_details: WebCheckoutDetails, store_id: impl Into<String>) -> Self {
        Self {
            web_checkout_details,
            store_id: store_id.into(),
            scopes: Vec::new(),
            charge_permission_type: None,
            recurring_metadata: None,
            payment_method_on_file_metadata: None,
            delivery_specifications: None,
            payment_details: None,
            merchant_metadata: None,
            supplementary_data: None,
            address_details: None,
            platform_id: None,
            provider_metadata: None,
            checkout_button_text: None,
        }
    }

    /// The request's bytes, or the payload of a button.
    ///
    /// # Errors
    /// [`InvalidRequest`]: a text that is too long, or a pending authorization that is to be captured.
    pub fn to_body(&self) -> Result<Bytes, InvalidRequest> {
        check_payment(self.payment_details.as_ref())?;
        check_merchant(self.merchant_metadata.as_ref())?;
        Ok(body_of(self))
    }
}

impl fmt::Debug for CreateCheckoutSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateCheckoutSession")
            .field("charge_permission_type", &self.charge_permission_type)
            .field("payment_details", &self.payment_details)
            .field("merchant_metadata", &self.merchant_metadata)
            .finish_non_exhaustive()
    }
}

/// The body of Update Checkout Session, which Amazon takes while the session is `Open`. What is `None` stays as
/// it is.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateCheckoutSession {
    /// Where the buyer comes back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_checkout_details: Option<WebCheckoutDetails>,
    /// Amounts and intent. The currency cannot be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_details: Option<PaymentDetails>,
    /// Order number and notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant_metadata: Option<MerchantMetadata>,
    /// Has to be repeated in Finalize.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplementary_data: Option<String>,
    /// For a subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recurring_metadata: Option<RecurringMetadata>,
    /// The solution provider's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_metadata: Option<ProviderMetadata>,
    /// The solution provider's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_id: Option<String>,
}

impl UpdateCheckoutSession {
    /// The request's bytes.
    ///
    /// # Errors
    /// [`InvalidRequest`]: a text that is too long, or a pending authorization that is to be captured.
    pub fn to_body(&self) -> Result<Bytes, InvalidRequest> {
        check_payment(self.payment_details.as_ref())?;
        check_merchant(self.merchant_metadata.as_ref())?;
        Ok(body_of(self))
    }
}

impl fmt::Debug for UpdateCheckoutSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpdateCheckoutSession")
            .field("payment_details", &self.payment_details)
            .field("merchant_metadata", &self.merchant_metadata)
            .finish_non_exhaustive()
    }
}

/// The body of Finalize Checkout Session. Amazon compares it with the session and refuses a difference, so
/// repeat what Get Checkout Session shows while the session is `Open`.
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
    /// Needed for [`ProductType::PayAndShip`](crate::ProductType::PayAndShip).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipping_address: Option<Address>,
    /// Needed for [`ProductType::PayOnly`](crate::ProductType::PayOnly).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_address: Option<Address>,
    /// Whether Amazon may answer 202 and decide within 24 hours. Not with
    /// [`AuthorizeWithCapture`](PaymentIntent::AuthorizeWithCapture).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_handle_pending_authorization: Option<bool>,
}

impl FinalizeCheckoutSession {
    /// Charges `charge_amount` as `payment_intent` says.
    #[must_use]
    pub fn new(payment_intent: PaymentIntent, charge_amount: Price) -> Self {
        Self {
            payment_intent,
            charge_amount,
            total_order_amount: None,
            supplementary_data: None,
            shipping_address: None,
            billing_address: None,
            can_handle_pending_authorization: None,
        }
    }

    /// The request's bytes.
    ///
    /// # Errors
    /// [`InvalidRequest::PendingWithCapture`].
    pub fn to_body(&self) -> Result<Bytes, InvalidRequest> {
        check_pending(self.can_handle_pending_authorization, Some(&self.payment_intent))?;
        Ok(body_of(self))
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

/// The body of Complete Checkout Session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CompleteCheckoutSession {
    /// What the buyer is charged now, or, for a subscription with a free beginning, what it costs each time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charge_amount: Option<Price>,
    /// What may be charged in all; needed if the session has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_order_amount: Option<Price>,
}

impl CompleteCheckoutSession {
    /// A session with a payment.
    #[must_use]
    pub fn new(charge_amount: Price) -> Self {
        Self {
            charge_amount: Some(charge_amount),
            total_order_amount: None,
        }
    }

    /// The setup of a saved wallet without a payment, whose body is `{}`.
    #[must_use]
    pub fn wallet_setup() -> Self {
        Self {
            charge_amount: None,
            total_order_amount: None,
        }
    }

    /// The request's bytes.
    #[must_use]
    pub fn to_body(&self) -> Bytes {
        body_of(self)
    }
}
