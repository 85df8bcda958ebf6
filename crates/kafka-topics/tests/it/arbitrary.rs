//! The fuzz targets on a budget: arbitrary bytes, arbitrary JSON, and real events with a few bytes changed.
//! `FUZZ_INPUTS=1000000` has a million of each.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{drive, parse};

const EVENT: &str = r#"{"checkoutSessionId": "7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11", "account": "eu_shop",
    "merchantReferenceId": "ORDER-1001", "operation": "Finalize", "productType": "PayAndShip",
    "paymentIntent": "AuthorizeWithCapture", "chargePermissionType": "OneTime",
    "chargeAmount": {"amount": "23.45", "currencyCode": "EUR"}, "totalOrderAmount": {"amount": 30, "currencyCode": "JPY"},
    "canHandlePendingAuthorization": false, "supplementaryData": null, "sessionCreatedAt": "2026-01-05T10:00:00Z",
    "shippingAddress": {"name": "Ada Example", "addressLine1": "Musterweg 1", "city": "Berlin", "countryCode": "DE"}}"#;
const WRAPPED: &str = r#"{"specversion": "1.0", "id": "1", "type": "checkout.completed.v1", "source": "/shop",
    "subject": "7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11", "time": "2026-01-05T10:00:00Z", "datacontenttype": "application/json",
    "data": {"account": "eu_shop", "operation": "Complete", "chargeAmount": {"amount": "1", "currencyCode": "USD"}}}"#;
const HEADERS: &str = "ce_specversion:1.0\nce_type:checkout.completed.v1\nce_id:7\nce_source:/shop\n\
    ce_subject:7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11\nce_time:2026-01-05T10:00:00Z\n\
    content-type:application/cloudevents+json\n\
    traceparent:00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\nce_dataschema";

/// Field names that mean something, so that values of the wrong kind land where they hurt.
const NAMES: [&str; 24] = [
    "checkoutSessionId",
    "account",
    "merchantReferenceId",
    "operation",
    "productType",
    "paymentIntent",
    "chargePermissionType",
    "chargeAmount",
    "totalOrderAmount",
    "amount",
    "currencyCode",
    "canHandlePendingAuthorization",
    "supplementaryData",
    "shippingAddress",
    "billingAddress",
    "city",
    "countryCode",
    "sessionCreatedAt",
    "specversion",
    "type",
    "subject",
    "time",
    "data",
    "data_base64",
];

fn json() -> impl Strategy<Value = Value> {
    let words = vec![
        "Finalize",
        "Complete",
        "PayOnly",
        "Confirm",
        "PaymentMethodOnFile",
        "EUR",
        "JPY",
        "23.45",
        "1e3",
        "-1",
        "1.0",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        proptest::sample::select(words).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 8, |inner| {
        let name = prop_oneof![
            4 => proptest::sample::select(NAMES.to_vec()).prop_map(str::to_owned),
            1 => ".{0,6}",
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((name, inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// A sample with up to four bytes replaced, and perhaps cut short.
fn damaged(samples: &[&str]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let samples: Vec<Vec<u8>> = samples.iter().map(|sample| sample.as_bytes().to_vec()).collect();
    let damage = proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4);
    let cut = proptest::option::weighted(0.2, any::<proptest::sample::Index>());
    (proptest::sample::select(samples), damage, cut).prop_map(|(mut bytes, damage, cut)| {
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes
    })
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(testkit::arbitrary_inputs()) })]

    #[test]
    fn whatever_a_message_holds_it_is_an_arrival_or_its_field_is_named(bytes in prop_oneof![
        any_bytes(),
        json().prop_map(|value| value.to_string().into_bytes()),
        damaged(&[EVENT, WRAPPED]),
    ]) {
        drive::event(&bytes);
    }

    #[test]
    fn whatever_its_headers_hold_it_is_an_arrival_or_its_field_is_named(bytes in prop_oneof![
        any_bytes(),
        damaged(&[HEADERS]),
    ]) {
        drive::headers(&bytes);
    }

    /// A session whose id is readable is never lost, and an order is there exactly when nothing in it is flawed.
    #[test]
    fn a_readable_id_is_an_arrival_whatever_the_fields_are(
        field in proptest::sample::select(vec![
            "account", "merchantReferenceId", "operation", "productType", "paymentIntent", "chargePermissionType",
            "chargeAmount", "totalOrderAmount", "canHandlePendingAuthorization", "supplementaryData",
            "shippingAddress", "billingAddress", "sessionCreatedAt", "other",
        ]),
        value in json(),
    ) {
        let statement = parse::read(&parse::with(&json!({ field: value }))).statement;
        prop_assert!(statement.order.is_some() || statement.flaw.is_some());
        if let Some(flaw) = statement.flaw {
            prop_assert!(flaw.field.starts_with(field));
            prop_assert!(!flaw.problem.contains('\0'));
        }
    }
}
