//! Answers as Amazon sends them, whole, with invented ids and people.

use amazon_pay::{
    Address, Answer, Charge, ChargePermission, ChargePermissionReason, ChargePermissionState,
    ChargePermissionType, ChargeState, CheckoutSession, CheckoutSessionReason, CheckoutSessionState,
    Currency, FinalizeCheckoutSession, PaymentIntent, ProductType, Refund, RefundState, ReleaseEnvironment,
    Timestamp,
};
use serde_json::Value;

use crate::fixtures::price;

macro_rules! sample {
    ($name:literal) => {
        include_bytes!(concat!("samples/", $name, ".json"))
    };
}

fn time(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

/// Reads it, and makes sure that every field of it is known.
fn session(json: &[u8]) -> CheckoutSession {
    let session = CheckoutSession::from_json(json).unwrap();
    assert!(session.extra.is_empty(), "{:?}", session.extra);
    assert!(session.status_details.extra.is_empty());
    session
}

#[test]
fn an_open_session_has_everything() {
    let found = session(sample!("session-open"));
    assert_eq!(found.status_details.state, CheckoutSessionState::Open);
    assert_eq!(found.status_details.reason_code, None);
    assert_eq!(
        found.status_details.last_updated_timestamp,
        time("2026-01-05T10:08:12Z")
    );
    assert_eq!(found.charge_permission_type, Some(ChargePermissionType::OneTime));
    assert_eq!(found.product_type, Some(ProductType::PayAndShip));
    assert_eq!(
        found
            .web_checkout_details
            .unwrap()
            .checkout_result_return_url
            .as_deref(),
        Some("https://shop.example/pay/result")
    );
    let payment = found.payment_details.unwrap();
    assert!(payment.extra.is_empty());
    assert_eq!(payment.payment_intent, Some(PaymentIntent::AuthorizeWithCapture));
    assert_eq!(payment.charge_amount, Some(price("23.45", "USD")));
    assert_eq!(payment.total_order_amount, None);
    assert_eq!(payment.presentment_currency, Some(Currency::USD));
    let merchant = found.merchant_metadata.unwrap();
    assert_eq!(merchant.merchant_reference_id.as_deref(), Some("ORD-100482"));
    let buyer = found.buyer.unwrap();
    assert_eq!(buyer.email.as_deref(), Some("robin@example.com"));
    assert!(buyer.extra.is_empty());
    assert_eq!(
        found.payment_preferences[0].payment_descriptor.as_deref(),
        Some("Visa ****1111 (Amazon Pay)")
    );
    assert_eq!(
        found.shipping_address.unwrap().city.as_deref(),
        Some("Springfield")
    );
    assert!(found.billing_address.is_none() && found.constraints.is_empty());
    assert_eq!(found.creation_timestamp, time("2026-01-05T10:07:55Z"));
    assert_eq!(found.expiration_timestamp, time("2026-01-06T10:07:55Z"));
    assert_eq!(found.release_environment, Some(ReleaseEnvironment::Sandbox));
    assert_eq!((found.charge_permission_id, found.charge_id), (None, None));
}

#[test]
fn a_completed_session_has_its_ids_and_its_state() {
    let found = session(sample!("session-completed"));
    assert_eq!(found.status_details.state, CheckoutSessionState::Completed);
    assert_eq!(
        found.charge_permission_id.unwrap().as_str(),
        "S01-4419027-6630185"
    );
    assert_eq!(found.charge_id.unwrap().as_str(), "S01-4419027-6630185-C083512");
    assert!(found.payment_preferences.is_empty() && found.constraints.is_empty());
    assert!(found.payment_details.is_none() && found.buyer.is_none());
}

#[test]
fn a_pending_session_may_be_open_and_have_its_ids() {
    let found = session(sample!("session-pending"));
    assert_eq!(found.status_details.state, CheckoutSessionState::Open);
    assert!(found.charge_permission_id.is_some() && found.charge_id.is_some());
}

#[test]
fn a_canceled_session_has_its_reason() {
    let found = session(sample!("session-canceled"));
    assert_eq!(found.status_details.state, CheckoutSessionState::Canceled);
    assert_eq!(
        found.status_details.reason_code,
        Some(CheckoutSessionReason::Expired)
    );
    assert_eq!((found.charge_permission_id, found.charge_id), (None, None));
}

#[test]
fn the_setup_of_a_saved_wallet_is_completed_with_nulls_all_over() {
    let json = sample!("wallet-setup-completed");
    let Value::Object(fields) = serde_json::from_slice(json).unwrap() else {
        panic!("an object")
    };
    let nothing = |value: &&Value| value.is_null() || **value == serde_json::json!([null]);
    assert!(fields.values().filter(nothing).count() > 15);
    let found = session(json);
    assert_eq!(found.status_details.state, CheckoutSessionState::Completed);
    assert_eq!(
        found.charge_permission_type,
        Some(ChargePermissionType::PaymentMethodOnFile)
    );
    assert_eq!(
        found.charge_permission_id.unwrap().as_str(),
        "B01-4419027-6630185"
    );
    assert!(
        found.charge_id.is_some(),
        "Amazon's own sample shows one, though nothing is charged"
    );
    assert!(found.shipping_address_list.is_empty());
}

#[test]
fn a_pending_charge_shows_what_it_is_for_and_how_long() {
    let charge = Charge::from_json(sample!("charge-pending")).unwrap();
    assert!(charge.extra.is_empty(), "{:?}", charge.extra);
    assert_eq!(charge.status_details.state, ChargeState::AuthorizationInitiated);
    assert_eq!(charge.charge_amount, Some(price("23.45", "USD")));
    assert_eq!((charge.capture_amount, charge.conversion_rate), (None, None));
    assert_eq!(charge.can_handle_pending_authorization, Some(true));
    assert_eq!(charge.provider_metadata.unwrap().provider_reference_id, None);
    assert_eq!(charge.expiration_timestamp, time("2026-02-04T10:15:32Z"));
}

#[test]
fn a_closed_permission_has_its_limits_and_its_reasons() {
    let permission = ChargePermission::from_json(sample!("charge-permission-closed")).unwrap();
    assert!(permission.extra.is_empty(), "{:?}", permission.extra);
    assert_eq!(permission.status_details.state, ChargePermissionState::Closed);
    assert_eq!(
        permission.status_details.reasons[0].reason_code,
        ChargePermissionReason::AmazonClosed
    );
    let limits = permission.limits.unwrap();
    assert_eq!(limits.amount_limit, Some(price("23.45", "USD")));
    assert_eq!(limits.amount_balance, Some(price("0.00", "USD")));
    assert_eq!(permission.presentment_currency, Some(Currency::USD));
    assert_eq!(permission.expiration_timestamp, time("2026-07-04T10:15:32Z"));
}

#[test]
fn a_refund_begins_initiated() {
    let refund = Refund::from_json(sample!("refund-initiated")).unwrap();
    assert!(refund.extra.is_empty(), "{:?}", refund.extra);
    assert_eq!(refund.status_details.state, RefundState::RefundInitiated);
    assert_eq!(refund.refund_id.as_str(), "S01-4419027-6630185-R083512");
    assert_eq!(refund.refund_amount, Some(price("9.90", "EUR")));
    assert!(Refund::from_json(br#"{"refundId":"R"}"#).is_err());
}

/// Null is absent, so the two say the same.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        other => other,
    }
}

#[test]
fn finalize_says_what_the_samples_say() {
    let address = |json: &Value| -> Option<Address> { serde_json::from_value(json.clone()).unwrap() };
    let sample: Value = serde_json::from_slice(sample!("finalize-pay-and-ship")).unwrap();
    let body = FinalizeCheckoutSession {
        total_order_amount: Some(price("60.00", "USD")),
        supplementary_data: Some("echo-of-the-session-value".into()),
        shipping_address: address(&sample["shippingAddress"]),
        can_handle_pending_authorization: Some(false),
        ..FinalizeCheckoutSession::new(PaymentIntent::Authorize, price("23.45", "USD"))
    };
    let said: Value = serde_json::from_slice(&body.to_body().unwrap()).unwrap();
    assert_eq!(said, without_nulls(sample));

    let sample: Value = serde_json::from_slice(sample!("finalize-pay-only")).unwrap();
    let body = FinalizeCheckoutSession {
        billing_address: address(&sample["billingAddress"]),
        ..FinalizeCheckoutSession::new(PaymentIntent::AuthorizeWithCapture, price("9.90", "EUR"))
    };
    let said: Value = serde_json::from_slice(&body.to_body().unwrap()).unwrap();
    assert_eq!(said, sample);
}
