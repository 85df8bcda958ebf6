//! Reading what Amazon says, in all the shapes it has.

use std::time::Duration;

use amazon_pay::{
    Answer, Buyer, Charge, ChargeId, ChargePermission, ChargePermissionReason, ChargePermissionState,
    ChargePermissionType, ChargeState, CheckoutSession, CheckoutSessionState, ConstraintId, Decimal,
    PaymentIntent, Price, ProductType, ReasonCode, Request, ipn::ObjectType,
};

use crate::fixtures::{COMPLETED, OPEN, PERSONAL, at, client_of, finalize, http, json, price, session};
use crate::server::Server;

#[tokio::test]
async fn a_completed_session_is_read_from_an_answer_of_nulls_and_unknown_fields() {
    let server = Server::answering(json("200 OK", COMPLETED)).await;
    let answer = client_of(&server).call(&finalize("{}"), at()).await.unwrap();

    assert_eq!(
        (answer.status, answer.request_id.as_deref()),
        (200, Some("REQ-1"))
    );
    assert_eq!(answer.date, Some("2026-01-05T10:15:31Z".parse().unwrap()));
    assert_eq!(answer.retry_after, None);
    let found = answer.value;
    assert_eq!(found.status_details.state, CheckoutSessionState::Completed);
    assert_eq!(
        found.charge_permission_id.unwrap().as_str(),
        "S01-4419027-6630185"
    );
    assert_eq!(found.charge_id.unwrap().as_str(), "S01-4419027-6630185-C083512");
    assert_eq!(
        found.creation_timestamp,
        Some("2026-01-05T10:07:55Z".parse().unwrap())
    );
    assert!(found.constraints.is_empty() && found.payment_preferences.is_empty());
    assert!(found.payment_details.is_none() && found.expiration_timestamp.is_none());
}

#[tokio::test]
async fn a_pending_payment_is_told_by_the_status_202() {
    let server = Server::answering(json("202 Accepted", COMPLETED)).await;
    let answer = client_of(&server).call(&finalize("{}"), at()).await.unwrap();
    assert_eq!(answer.status, 202);
}

#[tokio::test]
async fn what_an_answer_says_about_waiting_is_kept() {
    let body = COMPLETED;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nretry-after: 3\r\ncontent-length: {}\r\ncontent-type: application/json\r\n\r\n{body}",
        body.len()
    );
    let server = Server::answering(answer.into_bytes()).await;
    let answer = client_of(&server)
        .call(&Request::get_checkout_session(&session()), at())
        .await
        .unwrap();
    assert_eq!(answer.retry_after, Some(Duration::from_secs(3)));
    assert_eq!((answer.request_id, answer.date), (None, None));
}

#[test]
fn an_open_session_shows_amounts_addresses_and_times() {
    let found = CheckoutSession::from_json(OPEN.as_bytes()).unwrap();
    assert_eq!(found.status_details.state, CheckoutSessionState::Open);
    assert_eq!(found.product_type, Some(ProductType::PayAndShip));
    assert_eq!(found.charge_permission_type, Some(ChargePermissionType::OneTime));
    assert_eq!(
        found.expiration_timestamp,
        Some("2026-01-06T10:07:55Z".parse().unwrap())
    );
    assert_eq!(
        found.supplementary_data.as_deref(),
        Some("airline: Robin, seat 12")
    );
    assert_eq!(
        found.constraints[0].constraint_id,
        ConstraintId::ChargeAmountNotSet
    );
    let payment = found.payment_details.unwrap();
    assert_eq!(payment.payment_intent, Some(PaymentIntent::AuthorizeWithCapture));
    assert_eq!(
        payment.can_handle_pending_authorization,
        Some(false),
        "a string for a boolean"
    );
    assert_eq!(payment.allow_overcharge, Some(true));
    assert_eq!(payment.charge_amount, Some(price("23.45", "USD")));
    assert_eq!(
        payment.total_order_amount,
        Some(price("60", "USD")),
        "a number for an amount"
    );
    let address = found.shipping_address.unwrap();
    assert_eq!(address.city.as_deref(), Some("Springfield"));
    assert_eq!(
        address.postal_code.as_deref(),
        Some("62701"),
        "a number for a text"
    );
    assert_eq!(address.county, None);
}

#[test]
fn the_debug_form_of_a_session_shows_nobody() {
    let found = CheckoutSession::from_json(OPEN.as_bytes()).unwrap();
    let told = format!(
        "{found:?} {:?} {:?} {:?}",
        found.shipping_address, found.buyer, found.payment_preferences
    );
    for word in PERSONAL {
        assert!(!told.contains(word), "{word} in {told}");
    }
    assert!(told.contains("ORD-100482") && told.contains("23.45"));

    let json = r#"{"checkoutSessionId":"a","statusDetails":{"state":"Open"},
        "constraints":[{"constraintId":"ChargeAmountNotSet","description":"Robin has no amount"}]}"#;
    let told = format!("{:?}", CheckoutSession::from_json(json.as_bytes()).unwrap());
    assert!(
        told.contains("ChargeAmountNotSet") && !told.contains("Robin"),
        "{told}"
    );
}

#[test]
fn arrays_may_be_absent_null_or_hold_nulls() {
    for constraints in [
        "",
        r#","constraints":null"#,
        r#","constraints":[]"#,
        r#","constraints":[null,{"x":1}]"#,
    ] {
        let json = format!(r#"{{"checkoutSessionId":"a","statusDetails":{{"state":"Open"}}{constraints}}}"#);
        assert!(
            CheckoutSession::from_json(json.as_bytes())
                .unwrap()
                .constraints
                .is_empty(),
            "{json}"
        );
    }
}

#[test]
fn a_word_that_is_new_is_kept_and_a_descriptive_field_of_a_new_shape_is_dropped() {
    let json = r#"{"checkoutSessionId":"a","statusDetails":{"state":"Paused","reasonCode":{"new":1}},
        "productType":"PayByCarrier","chargePermissionType":7,"creationTimestamp":"soon","buyer":"Robin"}"#;
    let found = CheckoutSession::from_json(json.as_bytes()).unwrap();
    assert_eq!(
        found.status_details.state,
        CheckoutSessionState::Other("Paused".to_owned())
    );
    assert_eq!(found.status_details.state.as_str(), "Paused");
    assert_eq!(found.status_details.reason_code, None);
    assert_eq!(
        found.product_type,
        Some(ProductType::Other("PayByCarrier".to_owned()))
    );
    assert_eq!(
        (
            found.charge_permission_type,
            found.creation_timestamp,
            found.buyer
        ),
        (None, None, None)
    );
}

#[test]
fn what_identifies_a_payment_is_read_strictly_and_the_error_quotes_nothing() {
    for json in [
        r#"{"checkoutSessionId":"a","statusDetails":{"state":"Completed"},"chargePermissionId":7}"#,
        r#"{"checkoutSessionId":"a","statusDetails":{"state":"Completed"},"chargeId":["Robin"]}"#,
        r#"{"checkoutSessionId":"a","statusDetails":{"state":"Completed"},"chargeId":"Robin/../S01"}"#,
        r#"{"checkoutSessionId":"Robin Example","statusDetails":{"state":"Open"}}"#,
        r#"{"checkoutSessionId":"a","statusDetails":{"state":"Open"},"shippingAddress":"Robin"}"#,
        r#"{"checkoutSessionId":"a","statusDetails":{"state":"Open"},"shippingAddressList":["Robin"]}"#,
        r#"{"checkoutSessionId":"a","statusDetails":{"state":"Open"},"paymentDetails":{"chargeAmount":"Robin"}}"#,
        r#"{"checkoutSessionId":"a","statusDetails":{"state":"Open"},"paymentDetails":{"chargeAmount":{"amount":"Robin","currencyCode":"EUR"}}}"#,
        r#"{"checkoutSessionId":"a","statusDetails":{}}"#,
        r#"{"statusDetails":{"state":"Open"}}"#,
        r#"["Robin"]"#,
        "",
    ] {
        let error = CheckoutSession::from_json(json.as_bytes()).expect_err(json);
        assert!(!format!("{error} {error:?}").contains("Robin"), "{error}");
    }
}

#[tokio::test]
async fn a_charge_is_read() {
    let body = r#"{"chargeId":"S01-4419027-6630185-C083512","chargePermissionId":"S01-4419027-6630185",
        "chargeAmount":{"amount":"23.45","currencyCode":"USD"},"captureAmount":null,"captureNow":"false",
        "canHandlePendingAuthorization":true,"conversionRate":1.5,
        "statusDetails":{"state":"AuthorizationInitiated","reasonCode":null,"reasonDescription":null,
        "lastUpdatedTimestamp":"20260105T101532Z"},"expirationTimestamp":"20260204T101532Z"}"#;
    let server = Server::answering(http("200 OK", "application/json;charset=utf-8", body)).await;
    let id = ChargeId::parse("S01-4419027-6630185-C083512").unwrap();
    let charge = client_of(&server)
        .call(&Request::get_charge(&id), at())
        .await
        .unwrap()
        .value;
    assert_eq!(charge.status_details.state, ChargeState::AuthorizationInitiated);
    assert_eq!(charge.charge_amount, Some(price("23.45", "USD")));
    assert_eq!(
        (charge.capture_now, charge.can_handle_pending_authorization),
        (Some(false), Some(true))
    );
    assert_eq!(charge.conversion_rate, Some(Decimal::new(15, 1)));
    assert!(Charge::from_json(br#"{"statusDetails":{"state":"Captured"}}"#).is_err());
}

#[test]
fn a_charge_permission_has_many_reasons() {
    let permission = ChargePermission::from_json(
        br#"{"chargePermissionId":"S01-4419027-6630185","chargePermissionType":"OneTime",
        "limits":{"amountLimit":{"amount":"23.45","currencyCode":"USD"},"amountBalance":{"amount":"0.00","currencyCode":"USD"}},
        "statusDetails":{"state":"Closed","reasons":[{"reasonCode":"AmazonClosed","reasonDescription":"..."},null],
        "lastUpdatedTimestamp":"20260105T101533Z"},"buyer":{"name":"Robin"},"shippingAddress":{"name":"Robin"},
        "expirationTimestamp":"20260704T101532Z"}"#,
    )
    .unwrap();
    assert_eq!(permission.status_details.state, ChargePermissionState::Closed);
    assert_eq!(permission.status_details.reasons.len(), 1);
    assert_eq!(
        permission.status_details.reasons[0].reason_code,
        ChargePermissionReason::AmazonClosed
    );
    assert_eq!(
        permission.limits.as_ref().unwrap().amount_balance,
        Some(price("0.00", "USD"))
    );
    assert_eq!(
        permission.shipping_address.as_ref().unwrap().name.as_deref(),
        Some("Robin")
    );
    assert!(!format!("{permission:?}").contains("Robin"));
    let open = ChargePermission::from_json(
        br#"{"chargePermissionId":"S01-1","statusDetails":{"state":"Chargeable","reasons":null}}"#,
    );
    assert!(open.unwrap().status_details.reasons.is_empty());
}

#[test]
fn null_missing_and_an_array_of_null_are_the_same_for_every_field() {
    let names = [
        "chargePermissionId",
        "chargeId",
        "chargePermissionType",
        "recurringMetadata",
        "paymentMethodOnFileMetadata",
        "webCheckoutDetails",
        "productType",
        "paymentDetails",
        "merchantMetadata",
        "supplementaryData",
        "buyer",
        "shippingAddress",
        "shippingAddressList",
        "billingAddress",
        "paymentPreferences",
        "constraints",
        "creationTimestamp",
        "expirationTimestamp",
        "releaseEnvironment",
        "storeId",
        "platformId",
        "providerMetadata",
        "checkoutButtonText",
        "deliverySpecifications",
        "addressDetails",
        "multiAddressesCheckoutMetadata",
        "bornYesterday",
    ];
    let with = |value: &str| {
        let fields: String = names.iter().map(|name| format!(r#","{name}":{value}"#)).collect();
        let json = format!(r#"{{"checkoutSessionId":"a","statusDetails":{{"state":"Open"}}{fields}}}"#);
        CheckoutSession::from_json(json.as_bytes()).unwrap()
    };
    let missing = br#"{"checkoutSessionId":"a","statusDetails":{"state":"Open"}}"#;
    let missing = CheckoutSession::from_json(missing).unwrap();
    assert_eq!(with("null"), missing);
    // Of a field that is not known it is not known either whether it means nothing.
    let array = with("[null]");
    assert_eq!(array.extra.len(), 1);
    let known = CheckoutSession::from_json(
        br#"{"checkoutSessionId":"a","statusDetails":{"state":"Open"},"bornYesterday":[null]}"#,
    );
    assert_eq!(array, known.unwrap());
}

#[test]
fn an_amount_of_null_is_no_money() {
    let json = br#"{"chargeId":"a","statusDetails":{"state":"Authorized"},
        "captureAmount":{"amount":null,"currencyCode":null},"refundedAmount":[null],"chargePermissionId":""}"#;
    let charge = Charge::from_json(json).unwrap();
    assert_eq!(
        (
            charge.capture_amount,
            charge.refunded_amount,
            charge.charge_permission_id
        ),
        (None, None, None)
    );
}

#[test]
fn what_is_not_known_stays_reachable_at_every_depth_and_is_not_shown() {
    let json = br#"{"checkoutSessionId":"a","later":{"name":"Robin"},
        "statusDetails":{"state":"Open","since":1},
        "paymentDetails":{"tip":"Robin"},"merchantMetadata":{"motto":"Robin"},
        "shippingAddress":{"name":"Robin","doorbell":"Robin"},"buyer":{"nickname":"Robin"}}"#;
    let found = CheckoutSession::from_json(json).unwrap();
    assert_eq!(found.extra.get("later").unwrap()["name"], "Robin");
    assert_eq!(
        found.extra.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        ["later"]
    );
    assert_eq!(found.status_details.extra.get("since").unwrap(), 1);
    assert_eq!(
        found.payment_details.as_ref().unwrap().extra.get("tip").unwrap(),
        "Robin"
    );
    assert_eq!(
        found
            .merchant_metadata
            .as_ref()
            .unwrap()
            .extra
            .get("motto")
            .unwrap(),
        "Robin"
    );
    let address = found.shipping_address.as_ref().unwrap();
    assert_eq!(address.extra.get("doorbell").unwrap(), "Robin");
    assert_eq!(
        found.buyer.as_ref().unwrap().extra.get("nickname").unwrap(),
        "Robin"
    );
    let told = format!("{found:?} {:?} {:?}", found.payment_details, found.extra);
    assert!(told.contains("later") && !told.contains("Robin"), "{told}");
    // Amazon refuses fields that it does not know in a request.
    let repeated = serde_json::to_string(address).unwrap();
    assert_eq!(repeated, r#"{"name":"Robin"}"#);
}

#[test]
fn addresses_are_read_from_strings_of_json_and_from_objects() {
    let json = r#"{"checkoutSessionId":"a","statusDetails":{"state":"Open"},"shippingAddressList":[
        "{\"name\":\"Robin\",\"city\":\"Springfield\"}", null, {"name":"Kim"}]}"#;
    let found = CheckoutSession::from_json(json.as_bytes()).unwrap();
    let names: Vec<Option<&str>> = found
        .shipping_address_list
        .iter()
        .map(|address| address.name.as_deref())
        .collect();
    assert_eq!(names, [Some("Robin"), Some("Kim")]);
    assert_eq!(
        found.shipping_address_list[0].city.as_deref(),
        Some("Springfield")
    );
}

#[test]
fn a_buyer_is_read_and_never_shown() {
    let json = br#"{"name":"Robin Example","email":"robin@example.com","buyerId":"amzn1.account.EXAMPLE",
        "phoneNumber":null,"primeMembershipTypes":["PRIME_GENERAL_US"],"postalCode":62701,"countryCode":"US",
        "shippingAddress":{"name":"Robin Example"},"billingAddress":null}"#;
    let buyer = Buyer::from_json(json).unwrap();
    assert_eq!(buyer.buyer_id.as_deref(), Some("amzn1.account.EXAMPLE"));
    assert_eq!(buyer.prime_membership_types, ["PRIME_GENERAL_US"]);
    assert_eq!(buyer.postal_code.as_deref(), Some("62701"));
    assert_eq!(
        buyer.shipping_address.as_ref().unwrap().name.as_deref(),
        Some("Robin Example")
    );
    assert_eq!(format!("{buyer:?}"), "Buyer(..)");
    assert!(Buyer::from_json(b"<html>").is_err());
}

#[test]
fn no_word_forges_a_line_of_a_log() {
    for (word, shown) in [
        ("Open\n2026-01-05 paid", "Open 2026-01-05 paid"),
        ("a\rb\tc\u{1b}[2Jd\u{85}e", "a b c [2Jd e"),
        ("a\u{2028}b\u{202e}c", "a b c"),
        ("Für später", "Für später"),
    ] {
        let state = CheckoutSessionState::from(word);
        assert_eq!(state.to_string(), shown);
        assert_eq!(state.as_str(), word);
        assert_eq!(ReasonCode::from(word).to_string(), shown);
        assert_eq!(ObjectType::from(word).to_string(), shown);
        let json = serde_json::json!({"amount": "1", "currencyCode": word});
        let price: Price = serde_json::from_value(json).unwrap();
        assert_eq!(price.to_string(), format!("1 {shown}"));
        assert!(!format!("{state:?} {price:?}").contains('\n'));
    }
}
