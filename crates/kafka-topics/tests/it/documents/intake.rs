//! The schema of what comes in takes what is read without a flaw, and nothing else that a shop could mean.

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{complaints, folder, schemas, validator};
use crate::parse::{complete, read, with};

/// What each field could hold by mistake, or on purpose.
fn values() -> Vec<Value> {
    let mut values = vec![
        json!(null),
        json!(true),
        json!(7),
        json!([]),
        json!({}),
        json!(""),
        json!("\0"),
        json!("x".repeat(256)),
        json!("x".repeat(257)),
        json!("true"),
        json!("2026-01-05T10:00:00Z"),
        json!("yesterday"),
        json!("eu_shop"),
        json!({"city": "Berlin", "name": null}),
        json!({"city": 7}),
        json!({"city": "Ber\0lin"}),
    ];
    let words = [
        "Finalize",
        "Complete",
        "PayAndShip",
        "PayOnly",
        "AuthorizeWithCapture",
        "Authorize",
        "Confirm",
        "OneTime",
        "Recurring",
        "PaymentMethodOnFile",
    ];
    values.extend(words.map(Value::from));
    let amounts = [
        "0",
        "0.0",
        "0.00",
        "00",
        "01",
        "0.5",
        "0.50",
        "0.505",
        "1",
        "1.",
        ".5",
        "-1",
        "+1",
        "1e3",
        "1,5",
        " 1",
        "23.45",
        "999999999999",
        "1000000000000",
        "999999999999.99",
        "١",
    ];
    for currency in ["EUR", "JPY", "XXX", "eur"] {
        let of_currency = |amount| json!({"amount": amount, "currencyCode": currency});
        values.extend(amounts.map(of_currency));
    }
    values.extend([
        json!({"amount": 1, "currencyCode": "EUR"}),
        json!({"amount": "1"}),
        json!({"currencyCode": "EUR"}),
    ]);
    values
}

const FIELDS: [&str; 13] = [
    "account",
    "merchantReferenceId",
    "operation",
    "productType",
    "paymentIntent",
    "chargePermissionType",
    "chargeAmount",
    "totalOrderAmount",
    "canHandlePendingAuthorization",
    "supplementaryData",
    "shippingAddress",
    "billingAddress",
    "sessionCreatedAt",
];

/// Only the configuration knows which accounts there are, and whether one has to be named; the schema knows what could be one.
fn is_of_the_configuration(field: &str, value: &Value) -> bool {
    field == "account" && value.as_str().is_none_or(|name| name != "eu_shop")
}

/// Holds the schema to how this event is read.
fn compare(schema: &Validator, event: &Value, exactly: bool) {
    let complaints = complaints(schema, event);
    let flaw = read(event).statement.flaw;
    let taken = complaints.is_empty();
    assert!(!taken || flaw.is_none(), "the schema takes it: {flaw:?}: {event}");
    assert!(
        taken || flaw.is_some() || !exactly,
        "it is read, though: {complaints:?}: {event}"
    );
}

#[test]
fn the_schema_takes_an_event_if_and_only_if_it_is_read_without_a_flaw() {
    let schemas = schemas(&folder());
    let schema = &schemas["checkout.completed.v1"];
    let properties = schema["properties"].as_object().unwrap();
    let fields: Vec<&str> = properties.keys().map(String::as_str).collect();
    let mut expected: Vec<&str> = FIELDS.into_iter().chain(["checkoutSessionId"]).collect();
    expected.sort_unstable();
    assert_eq!(fields, expected);
    let schema = validator(schema);
    let nothing = json!({});
    let wallet = json!({"chargePermissionType": "PaymentMethodOnFile", "chargeAmount": null});
    assert_eq!(complaints(&schema, &complete(&wallet)), [""; 0]);
    let authorizes = json!({"paymentIntent": "Authorize"});
    for (basis, finalizes) in [
        (with(&nothing), true),
        (with(&authorizes), true),
        (complete(&nothing), false),
        (complete(&wallet), false),
    ] {
        assert_eq!(complaints(&schema, &basis), [""; 0]);
        for field in FIELDS {
            for value in values() {
                if is_of_the_configuration(field, &value) {
                    continue;
                }
                let mut event = basis.clone();
                event[field] = value;
                // What Complete does not take is not read, and may be anything; the schema need not say so.
                compare(&schema, &event, finalizes && event["operation"] == "Finalize");
            }
            let mut without = basis.clone();
            without.as_object_mut().unwrap().remove(field);
            if field != "account" {
                compare(&schema, &without, finalizes);
            }
        }
    }
}

#[test]
fn the_schema_takes_a_session_id_if_and_only_if_it_is_readable() {
    let schema = validator(&schemas(&folder())["checkout.completed.v1"]);
    for (id, readable) in [
        (json!("7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11"), true),
        (json!("x".repeat(64)), true),
        (json!("x".repeat(65)), false),
        (json!(""), false),
        (json!("a/b"), false),
        (json!("a\n"), false),
        (json!(7), false),
        (json!(null), false),
    ] {
        let mut event = with(&json!({}));
        event["checkoutSessionId"] = id;
        assert_eq!(complaints(&schema, &event).is_empty(), readable, "{event}");
        assert_eq!(crate::parse::is_readable(&event), readable, "{event}");
    }
}
