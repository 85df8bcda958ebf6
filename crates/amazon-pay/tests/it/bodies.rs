//! The bytes that requests say, and what is refused before it is sent.

use amazon_pay::{
    Address, CancelCharge, CaptureCharge, Channel, ChargeId, ChargeInitiator, ChargePermissionId,
    ChargePermissionType, ChargeReason, ChargeState, CloseChargePermission, CompleteCheckoutSession,
    CreateCharge, CreateCheckoutSession, CreateRefund, Currency, FinalizeCheckoutSession, Frequency,
    FrequencyUnit, InvalidRequest, MerchantMetadata, PaymentDetails, PaymentIntent,
    PaymentMethodOnFileMetadata, ProviderMetadata, RecurringMetadata, UpdateCharge, UpdateChargePermission,
    UpdateCheckoutSession, WebCheckoutDetails,
};
use serde_json::json;

use crate::fixtures::price;

const STORE: &str = "amzn1.application-oa2-client.example";

fn permission() -> ChargePermissionId {
    ChargePermissionId::parse("S01-4419027-6630185").unwrap()
}

fn charge() -> ChargeId {
    ChargeId::parse("S01-4419027-6630185-C083512").unwrap()
}

fn metadata(reference: &str, store: &str, note: &str) -> Option<MerchantMetadata> {
    Some(MerchantMetadata {
        merchant_reference_id: Some(reference.to_owned()),
        merchant_store_name: Some(store.to_owned()),
        note_to_buyer: Some(note.to_owned()),
        ..MerchantMetadata::default()
    })
}

#[test]
fn finalize_has_always_the_same_bytes_and_leaves_out_what_is_absent() {
    let address = Address {
        name: Some("Robin Example".into()),
        address_line1: Some("12 Sample Street".into()),
        country_code: Some("US".into()),
        ..Address::default()
    };
    let finalize = FinalizeCheckoutSession {
        total_order_amount: Some(price("60.00", "USD")),
        supplementary_data: Some("echo".into()),
        shipping_address: Some(address.clone()),
        can_handle_pending_authorization: Some(false),
        ..FinalizeCheckoutSession::new(PaymentIntent::AuthorizeWithCapture, price("23.45", "USD"))
    };
    assert_eq!(
        finalize.to_body().unwrap(),
        concat!(
            r#"{"paymentIntent":"AuthorizeWithCapture","chargeAmount":{"amount":"23.45","currencyCode":"USD"},"#,
            r#""totalOrderAmount":{"amount":"60.00","currencyCode":"USD"},"supplementaryData":"echo","#,
            r#""shippingAddress":{"name":"Robin Example","addressLine1":"12 Sample Street","countryCode":"US"},"#,
            r#""canHandlePendingAuthorization":false}"#
        )
    );
    assert!(!format!("{finalize:?}").contains("Robin") && !format!("{finalize:?}").contains("echo"));

    let smallest = FinalizeCheckoutSession {
        billing_address: Some(address),
        ..FinalizeCheckoutSession::new(PaymentIntent::Confirm, price("23.45", "USD"))
    };
    assert_eq!(
        smallest.to_body().unwrap(),
        concat!(
            r#"{"paymentIntent":"Confirm","chargeAmount":{"amount":"23.45","currencyCode":"USD"},"#,
            r#""billingAddress":{"name":"Robin Example","addressLine1":"12 Sample Street","countryCode":"US"}}"#
        )
    );
}

#[test]
fn finalize_refuses_a_capture_of_what_may_still_be_pending() {
    for (intent, can_handle, refused) in [
        (PaymentIntent::AuthorizeWithCapture, Some(true), true),
        (PaymentIntent::AuthorizeWithCapture, Some(false), false),
        (PaymentIntent::AuthorizeWithCapture, None, false),
        (PaymentIntent::Authorize, Some(true), false),
        (PaymentIntent::Confirm, Some(true), false),
    ] {
        let finalize = FinalizeCheckoutSession {
            can_handle_pending_authorization: can_handle,
            ..FinalizeCheckoutSession::new(intent, price("1", "EUR"))
        };
        let error = finalize.to_body().err();
        assert_eq!(
            error,
            refused.then_some(InvalidRequest::PendingWithCapture),
            "{finalize:?}"
        );
    }
}

#[test]
fn complete_has_its_amounts_and_the_setup_of_a_saved_wallet_is_an_empty_object() {
    assert_eq!(CompleteCheckoutSession::wallet_setup().to_body(), "{}");
    let complete = CompleteCheckoutSession::new(price("14", "EUR"));
    assert_eq!(
        complete.to_body(),
        r#"{"chargeAmount":{"amount":"14","currencyCode":"EUR"}}"#
    );
}

#[test]
fn a_session_is_created_with_what_is_said_and_nothing_else() {
    let smallest =
        CreateCheckoutSession::new(WebCheckoutDetails::with_review("https://shop.example/r"), STORE);
    assert_eq!(
        smallest.to_body().unwrap(),
        format!(
            r#"{{"webCheckoutDetails":{{"checkoutReviewReturnUrl":"https://shop.example/r"}},"storeId":"{STORE}"}}"#
        )
    );
    let whole = CreateCheckoutSession {
        scopes: vec!["name".into(), "email".into()],
        charge_permission_type: Some(ChargePermissionType::Recurring),
        recurring_metadata: Some(RecurringMetadata {
            amount: Some(price("5.00", "EUR")),
            ..RecurringMetadata::new(Frequency::every(2, FrequencyUnit::Week))
        }),
        payment_method_on_file_metadata: Some(PaymentMethodOnFileMetadata {
            setup_only: Some(true),
            ..PaymentMethodOnFileMetadata::default()
        }),
        delivery_specifications: Some(json!({"specialRestrictions": ["RestrictPOBoxes"]})),
        payment_details: Some(PaymentDetails {
            payment_intent: Some(PaymentIntent::Authorize),
            can_handle_pending_authorization: Some(true),
            charge_amount: Some(price("23.45", "EUR")),
            total_order_amount: Some(price("60.00", "EUR")),
            presentment_currency: Some(Currency::EUR),
            soft_descriptor: Some("EXAMPLE".into()),
            allow_overcharge: Some(false),
            extend_expiration: Some(true),
            ..PaymentDetails::default()
        }),
        merchant_metadata: metadata("ORD-1", "Example Shop", "Thanks"),
        supplementary_data: Some("echo".into()),
        address_details: Some(json!({"name": "Robin"})),
        platform_id: Some("P".into()),
        provider_metadata: Some(ProviderMetadata {
            provider_reference_id: Some("PR".into()),
            ..ProviderMetadata::default()
        }),
        checkout_button_text: Some("Pay".into()),
        ..CreateCheckoutSession::new(
            WebCheckoutDetails::process_order("https://shop.example/done"),
            STORE,
        )
    };
    let body: serde_json::Value = serde_json::from_slice(&whole.to_body().unwrap()).unwrap();
    assert_eq!(
        body,
        json!({
            "webCheckoutDetails": {
                "checkoutResultReturnUrl": "https://shop.example/done", "checkoutMode": "ProcessOrder"
            },
            "storeId": STORE,
            "scopes": ["name", "email"],
            "chargePermissionType": "Recurring",
            "recurringMetadata": {
                "frequency": {"unit": "Week", "value": "2"},
                "amount": {"amount": "5.00", "currencyCode": "EUR"}
            },
            "paymentMethodOnFileMetadata": {"setupOnly": true},
            "deliverySpecifications": {"specialRestrictions": ["RestrictPOBoxes"]},
            "paymentDetails": {
                "paymentIntent": "Authorize", "canHandlePendingAuthorization": true,
                "chargeAmount": {"amount": "23.45", "currencyCode": "EUR"},
                "totalOrderAmount": {"amount": "60.00", "currencyCode": "EUR"},
                "presentmentCurrency": "EUR", "softDescriptor": "EXAMPLE",
                "allowOvercharge": false, "extendExpiration": true
            },
            "merchantMetadata": {
                "merchantReferenceId": "ORD-1", "merchantStoreName": "Example Shop", "noteToBuyer": "Thanks"
            },
            "supplementaryData": "echo",
            "addressDetails": {"name": "Robin"},
            "platformId": "P",
            "providerMetadata": {"providerReferenceId": "PR"},
            "checkoutButtonText": "Pay"
        })
    );
    assert!(!format!("{whole:?}").contains("Robin") && !format!("{whole:?}").contains("shop.example"));
}

#[test]
fn an_update_says_only_what_changes() {
    assert_eq!(UpdateCheckoutSession::default().to_body().unwrap(), "{}");
    let update = UpdateCheckoutSession {
        web_checkout_details: Some(WebCheckoutDetails::result("https://shop.example/done")),
        payment_details: Some(PaymentDetails {
            charge_amount: Some(price("9.99", "EUR")),
            ..PaymentDetails::default()
        }),
        ..UpdateCheckoutSession::default()
    };
    assert_eq!(
        update.to_body().unwrap(),
        concat!(
            r#"{"webCheckoutDetails":{"checkoutResultReturnUrl":"https://shop.example/done"},"#,
            r#""paymentDetails":{"chargeAmount":{"amount":"9.99","currencyCode":"EUR"}}}"#
        )
    );
}

#[test]
fn charges_refunds_and_permissions_have_their_fields() {
    let create = CreateCharge {
        capture_now: Some(true),
        soft_descriptor: Some("EXAMPLE".into()),
        can_handle_pending_authorization: Some(false),
        charge_initiator: Some(ChargeInitiator::MITU),
        channel: Some(Channel::PointOfSale),
        ..CreateCharge::new(permission(), price("9.99", "EUR"))
    };
    for (body, expected) in [
        (
            create.to_body(),
            concat!(
                r#"{"chargePermissionId":"S01-4419027-6630185","#,
                r#""chargeAmount":{"amount":"9.99","currencyCode":"EUR"},"captureNow":true,"#,
                r#""softDescriptor":"EXAMPLE","canHandlePendingAuthorization":false,"#,
                r#""chargeInitiator":"MITU","channel":"PointOfSale"}"#
            ),
        ),
        (
            CaptureCharge::new(price("9.99", "EUR")).to_body(),
            r#"{"captureAmount":{"amount":"9.99","currencyCode":"EUR"}}"#,
        ),
        (
            CancelCharge::new("out of stock").to_body(),
            r#"{"cancellationReason":"out of stock"}"#,
        ),
        (
            CreateRefund::new(charge(), price("1", "JPY")).to_body(),
            concat!(
                r#"{"chargeId":"S01-4419027-6630185-C083512","#,
                r#""refundAmount":{"amount":"1","currencyCode":"JPY"}}"#
            ),
        ),
        (
            CloseChargePermission {
                cancel_pending_charges: Some(true),
                ..CloseChargePermission::new("done")
            }
            .to_body(),
            r#"{"closureReason":"done","cancelPendingCharges":true}"#,
        ),
        (
            UpdateChargePermission {
                merchant_metadata: metadata("ORD-2", "Example Shop", ""),
                recurring_metadata: Some(RecurringMetadata::new(Frequency::variable())),
            }
            .to_body(),
            concat!(
                r#"{"merchantMetadata":{"merchantReferenceId":"ORD-2","merchantStoreName":"Example Shop","#,
                r#""noteToBuyer":""},"recurringMetadata":{"frequency":{"unit":"Variable","value":"0"}}}"#
            ),
        ),
        (
            Ok(UpdateCharge {
                reason_code: Some(ChargeReason::HardDeclined),
                ..UpdateCharge::new(ChargeState::Declined)
            }
            .to_body()),
            r#"{"statusDetails":{"state":"Declined","reasonCode":"HardDeclined"}}"#,
        ),
    ] {
        assert_eq!(body.unwrap(), expected);
    }
    for told in [
        format!("{:?}", CancelCharge::new("for Robin")),
        format!("{:?}", CloseChargePermission::new("for Robin")),
    ] {
        assert!(!told.contains("Robin"), "{told}");
    }
}

#[test]
fn a_text_that_is_too_long_is_refused_by_the_name_of_its_field() {
    let long = |count| "ü".repeat(count);
    let update = |reference: usize, store: usize, note: usize| {
        UpdateChargePermission {
            merchant_metadata: metadata(&long(reference), &long(store), &long(note)),
            ..UpdateChargePermission::default()
        }
        .to_body()
        .map(|_| ())
    };
    let descriptor = |count| {
        CaptureCharge {
            soft_descriptor: Some(long(count)),
            ..CaptureCharge::new(price("1", "EUR"))
        }
        .to_body()
        .map(|_| ())
    };
    let too_long = |field, longest| Err(InvalidRequest::TooLong { field, longest });
    for (result, expected) in [
        (update(256, 50, 255), Ok(())),
        (
            update(257, 50, 255),
            too_long("merchantMetadata.merchantReferenceId", 256),
        ),
        (
            update(256, 51, 255),
            too_long("merchantMetadata.merchantStoreName", 50),
        ),
        (
            update(256, 50, 256),
            too_long("merchantMetadata.noteToBuyer", 255),
        ),
        (descriptor(16), Ok(())),
        (descriptor(17), too_long("softDescriptor", 16)),
        (CancelCharge::new(long(255)).to_body().map(|_| ()), Ok(())),
        (
            CancelCharge::new(long(256)).to_body().map(|_| ()),
            too_long("cancellationReason", 255),
        ),
        (
            CancelCharge::new("").to_body().map(|_| ()),
            Err(InvalidRequest::Empty {
                field: "cancellationReason",
            }),
        ),
        (
            CloseChargePermission::new(long(255)).to_body().map(|_| ()),
            Ok(()),
        ),
        (
            CloseChargePermission::new(long(256)).to_body().map(|_| ()),
            too_long("closureReason", 255),
        ),
    ] {
        assert_eq!(result, expected);
    }
    assert_eq!(
        update(0, 51, 0).unwrap_err().to_string(),
        "merchantMetadata.merchantStoreName has more than 50 characters"
    );
}

#[test]
fn every_body_that_takes_a_limited_text_checks_it() {
    let shop = metadata("", &"x".repeat(51), "");
    let seventeen = Some("x".repeat(17));
    let payment = Some(PaymentDetails {
        soft_descriptor: seventeen.clone(),
        ..PaymentDetails::default()
    });
    let web = || WebCheckoutDetails::with_review("https://shop.example/r");
    let charging = || CreateCharge::new(permission(), price("1", "EUR"));
    let bodies = [
        CreateCheckoutSession {
            merchant_metadata: shop.clone(),
            ..CreateCheckoutSession::new(web(), STORE)
        }
        .to_body(),
        CreateCheckoutSession {
            payment_details: payment.clone(),
            ..CreateCheckoutSession::new(web(), STORE)
        }
        .to_body(),
        UpdateCheckoutSession {
            merchant_metadata: shop.clone(),
            ..UpdateCheckoutSession::default()
        }
        .to_body(),
        UpdateCheckoutSession {
            payment_details: payment,
            ..UpdateCheckoutSession::default()
        }
        .to_body(),
        CreateCharge {
            merchant_metadata: shop,
            ..charging()
        }
        .to_body(),
        CreateCharge {
            soft_descriptor: seventeen.clone(),
            ..charging()
        }
        .to_body(),
        CreateRefund {
            soft_descriptor: seventeen,
            ..CreateRefund::new(charge(), price("1", "EUR"))
        }
        .to_body(),
    ];
    for body in bodies {
        assert!(matches!(body, Err(InvalidRequest::TooLong { .. })), "{body:?}");
    }
}

#[test]
fn a_pending_authorization_cannot_be_captured_at_once() {
    let update = |intent, pending| {
        UpdateCheckoutSession {
            payment_details: Some(PaymentDetails {
                payment_intent: Some(intent),
                can_handle_pending_authorization: Some(pending),
                ..PaymentDetails::default()
            }),
            ..UpdateCheckoutSession::default()
        }
        .to_body()
    };
    assert_eq!(
        update(PaymentIntent::AuthorizeWithCapture, true),
        Err(InvalidRequest::PendingWithCapture)
    );
    assert!(update(PaymentIntent::AuthorizeWithCapture, false).is_ok());
    assert!(update(PaymentIntent::Authorize, true).is_ok());
}
