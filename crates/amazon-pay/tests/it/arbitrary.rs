//! The fuzz targets on a budget: arbitrary bytes, arbitrary JSON, and real samples with a few bytes changed.
//! `FUZZ_INPUTS=1000000` has a million of each.

use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::fixtures::{COMPLETED, OPEN};
use crate::ipn::authority::{Letter, MESSAGE, SNS};
use crate::{drive, fixtures};

/// Field names that mean something, so that values of the wrong kind land where they hurt.
const NAMES: [&str; 24] = [
    "checkoutSessionId",
    "chargeId",
    "chargePermissionId",
    "statusDetails",
    "state",
    "reasons",
    "chargeAmount",
    "amount",
    "currencyCode",
    "limits",
    "buyer",
    "shippingAddress",
    "constraints",
    "paymentPreferences",
    "creationTimestamp",
    "Type",
    "Message",
    "MessageId",
    "TopicArn",
    "Timestamp",
    "SigningCertURL",
    "ObjectType",
    "ObjectId",
    "NotificationId",
];

fn config() -> ProptestConfig {
    let inputs = std::env::var("FUZZ_INPUTS")
        .ok()
        .and_then(|text| text.parse().ok());
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(inputs.unwrap_or(10_000))
    }
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        proptest::sample::select(vec!["Open", "Captured", "20260105T101532Z", "23.45", "true", "1"])
            .prop_map(Value::from),
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
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let samples = vec![
        COMPLETED.as_bytes().to_vec(),
        OPEN.as_bytes().to_vec(),
        MESSAGE.as_bytes().to_vec(),
        // Without a signature: what is damaged here must never be accepted.
        Letter::notification(MESSAGE).with("Signature", "AAAA").bytes(),
        Letter::confirmation("SubscriptionConfirmation")
            .with("Signature", "AAAA")
            .bytes(),
    ];
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

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..256),
        json().prop_map(|value| value.to_string().into_bytes()),
        damaged(),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_bytes_make_reading_an_answer_panic(bytes in bytes()) {
        drive::answers(&bytes);
    }

    #[test]
    fn no_bytes_of_a_stranger_are_accepted_as_an_envelope(bytes in bytes()) {
        drive::ipn_envelope(&bytes);
    }
}

/// Else the two above might only ever see what is refused at the first byte.
#[test]
fn the_samples_that_are_damaged_are_read_while_they_are_whole() {
    use amazon_pay::{Answer, CheckoutSession};
    assert!(CheckoutSession::from_json(COMPLETED.as_bytes()).is_ok());
    assert!(CheckoutSession::from_json(OPEN.as_bytes()).is_ok());
    let letter = Letter::notification(MESSAGE).signed_by(&SNS).bytes();
    let envelope = amazon_pay::ipn::Envelope::parse(&letter).unwrap();
    let verifier = crate::ipn::authority::verifier();
    assert!(verifier.verify_with(envelope, &SNS.pem(), fixtures::at()).is_ok());
}
