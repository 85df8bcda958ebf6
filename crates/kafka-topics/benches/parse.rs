//! What reading a message costs: `cargo bench -p kafka-topics`.

use checkout::{AccountName, Timestamp};
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use kafka_topics::{Accounts, Incoming, parse};

fn main() {
    divan::main();
}

/// The contract's example.
const EVENT: &str = r#"{
    "checkoutSessionId": "7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11",
    "account": "eu_shop",
    "merchantReferenceId": "ORDER-1001",
    "operation": "Finalize",
    "productType": "PayAndShip",
    "paymentIntent": "AuthorizeWithCapture",
    "chargePermissionType": "OneTime",
    "chargeAmount": {"amount": "23.45", "currencyCode": "EUR"},
    "totalOrderAmount": {"amount": "30.00", "currencyCode": "EUR"},
    "canHandlePendingAuthorization": false,
    "shippingAddress": {"name": "Ada Example", "addressLine1": "Musterweg 1", "city": "Berlin", "postalCode": "10115",
        "countryCode": "DE"},
    "sessionCreatedAt": "2026-01-05T10:00:00Z"
}"#;

const BARE: &str = "bare";
const CLOUD_EVENT: &str = "CloudEvent in headers";

#[divan::bench(args = [BARE, CLOUD_EVENT])]
fn a_checkout(bencher: Bencher<'_, '_>, envelope: &str) {
    let attributes = [
        ("ce_specversion", "1.0"),
        ("ce_type", "checkout.completed.v1"),
        ("ce_source", "shop"),
        ("ce_id", "1"),
        ("ce_time", "2026-01-05T10:00:01Z"),
        ("content-type", "application/json"),
        (
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ),
    ];
    let headers: Vec<(String, Option<Vec<u8>>)> = attributes
        .into_iter()
        .filter(|_| envelope == CLOUD_EVENT)
        .map(|(name, value)| (name.to_owned(), Some(value.into())))
        .collect();
    let now = Timestamp::parse("2026-01-05T10:00:02Z").expect("a time");
    let incoming = Incoming {
        topic: "checkout.completed",
        partition: 3,
        offset: 17,
        timestamp: Some(now),
        headers: &headers,
        payload: Some(EVENT.as_bytes()),
    };
    let accounts = Accounts::new(AccountName::parse("eu_shop"));
    let arrival = parse(&incoming, &accounts, now).expect("it is readable");
    assert!(arrival.statement.flaw.is_none());
    bencher
        .counter(BytesCount::of_str(EVENT))
        .bench(|| parse(black_box(&incoming), black_box(&accounts), black_box(now)));
}
