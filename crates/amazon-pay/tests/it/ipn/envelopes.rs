//! The form of an envelope, before anything is verified.

use amazon_pay::ipn::{Envelope, MAX_ENVELOPE_BYTES, Malformed, SignatureVersion};
use serde_json::{Value, json};

use super::authority::{Letter, MESSAGE, SNS, TOPIC, URL};

fn letter() -> Letter {
    Letter::notification(MESSAGE).signed_by(&SNS)
}

fn confirmation() -> Letter {
    Letter::confirmation("SubscriptionConfirmation").signed_by(&SNS)
}

#[test]
fn an_envelope_shows_what_decides_whether_to_verify_it() {
    let envelope = Envelope::parse(&letter().bytes()).unwrap();
    assert_eq!(envelope.certificate_url().as_str(), URL);
    assert_eq!(envelope.topic().as_str(), TOPIC);
    assert_eq!(envelope.signature_version(), SignatureVersion::V1);
}

#[test]
fn what_is_missing_is_named() {
    for field in [
        "Type",
        "MessageId",
        "TopicArn",
        "Message",
        "Timestamp",
        "SignatureVersion",
        "Signature",
        "SigningCertURL",
    ] {
        let missing = Err(Malformed::Missing { field });
        assert_eq!(
            Envelope::parse(&letter().without(field).bytes()).map(drop),
            missing
        );
        let null = letter().with(field, Value::Null);
        assert_eq!(Envelope::parse(&null.bytes()).map(drop), missing);
        if field != "Message" {
            assert_eq!(
                Envelope::parse(&letter().with(field, "").bytes()).map(drop),
                missing
            );
        }
    }
    for field in ["SubscribeURL", "Token"] {
        let missing = Err(Malformed::Missing { field });
        assert_eq!(
            Envelope::parse(&confirmation().without(field).bytes()).map(drop),
            missing
        );
    }
}

#[test]
fn what_is_wrong_with_a_field_is_named_without_its_content() {
    let canary = "robin@example.com";
    for (field, value) in [
        ("Type", json!(canary)),
        ("Type", json!("notification")),
        ("SignatureVersion", json!("3")),
        ("SignatureVersion", json!(1)),
        ("Signature", json!(canary)),
        ("Signature", json!("AAA")),
        ("Timestamp", json!(canary)),
        ("Timestamp", json!("yesterday")),
        ("Timestamp", json!(1767608130)),
        ("TopicArn", json!(canary)),
        ("TopicArn", json!([TOPIC])),
        ("SigningCertURL", json!(canary)),
        ("Message", json!({"MerchantID": canary})),
        ("MessageId", json!(format!("{canary}\n"))),
        ("MessageId", json!(format!("{canary}\u{0}"))),
        ("Subject", json!(format!("{canary}\nTimestamp"))),
        ("Subject", json!(true)),
    ] {
        let error = Envelope::parse(&letter().with(field, value).bytes()).expect_err(field);
        assert!(
            matches!(error, Malformed::Invalid { field: named, .. } if named == field),
            "{error:?}"
        );
        let told = format!("{error} {error:?}");
        assert!(!told.contains("robin"), "{told}");
        assert!(told.contains(field), "{told}");
    }
}

#[test]
fn only_an_object_with_each_field_once_is_an_envelope() {
    let whole = letter().bytes();
    let twice = String::from_utf8(whole.clone())
        .unwrap()
        .replacen('{', r#"{"Message":"robin","#, 1);
    let as_array = serde_json::to_vec(&letter().0.values().collect::<Vec<_>>()).unwrap();
    let deep = format!(r#"{{"a":{}"#, "[".repeat(100_000));
    for body in [
        b"".as_slice(),
        b"null",
        b"\"robin\"",
        b"MerchantID=robin",
        b"\xff\xfe{}",
        &whole[..whole.len() - 1],
        &[whole.as_slice(), b"{}"].concat(),
        twice.as_bytes(),
        &as_array,
        deep.as_bytes(),
    ] {
        let error = Envelope::parse(body).expect_err("not an envelope");
        assert!(matches!(error, Malformed::NotAnObject { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("robin"));
    }
    assert!(matches!(
        Envelope::parse(b"{}"),
        Err(Malformed::Missing { field: "Type" })
    ));
}

#[test]
fn an_envelope_of_more_than_256_kib_is_not_read() {
    let mut body = letter().bytes();
    body.resize(MAX_ENVELOPE_BYTES, b' ');
    assert!(Envelope::parse(&body).is_ok());
    body.push(b' ');
    assert_eq!(Envelope::parse(&body).map(drop), Err(Malformed::TooLarge));
}

#[test]
fn nothing_of_the_message_is_shown_before_it_is_verified() {
    let envelope = Envelope::parse(&letter().bytes()).unwrap();
    let told = format!("{envelope:?}");
    assert!(told.contains("AmazonPayIpn"), "{told}");
    assert!(
        !told.contains("AEXAMPLEMERCHANT") && !told.contains("S01-"),
        "{told}"
    );
    let told = format!("{:?}", Envelope::parse(&confirmation().bytes()).unwrap());
    assert!(!told.contains("2336412f"), "{told}");
}
