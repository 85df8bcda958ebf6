//! From an envelope to what it says.

use std::time::Duration;

use amazon_pay::ipn::{
    Authorities, Envelope, Malformed, NotificationType, ObjectType, TopicArn, Verified, Verifier, VerifyError,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::authority::{Identity, Letter, MESSAGE, ROOT, SNS, TOPIC, Wanted, now, rsa, verifier};
use super::{notification, verified};

#[test]
fn a_notification_signed_with_either_version_is_read() {
    for version in ["1", "2"] {
        for letter in [
            Letter::notification(MESSAGE),
            Letter::notification(MESSAGE).with("Subject", "Amazon Pay: ä change"),
            Letter::notification(MESSAGE)
                .with("Subject", Value::Null)
                .with("MessageAttributes", json!({})),
        ] {
            let letter = letter.with("SignatureVersion", version).signed_by(&SNS);
            let read = notification(&letter).unwrap();
            assert_eq!(read.notification_id, "5f0b6e8c-1d6a-4f0c-9d5a-7e3b2c1d0e9f");
            assert_eq!(read.notification_type, NotificationType::StateChange);
            assert_eq!(read.notification_version.as_deref(), Some("V2"));
            assert_eq!(read.merchant_id, "AEXAMPLEMERCHANT");
            assert_eq!(read.object_type, ObjectType::Charge);
            assert_eq!(read.object_id, "S01-4419027-6630185-C083512");
            assert_eq!(read.charge_permission_id.unwrap().as_str(), "S01-4419027-6630185");
            assert!(read.extra.is_empty());
            assert_eq!(read.delivery.message_id, "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324");
            assert_eq!(read.delivery.topic.as_str(), TOPIC);
            assert_eq!(read.delivery.published_at.to_string(), "2026-01-05T10:15:00.123Z");
        }
    }
}

#[test]
fn words_and_fields_that_are_new_are_kept() {
    let message = json!({
        "MerchantID": "AEXAMPLEMERCHANT", "ObjectType": "DISPUTE", "ObjectId": "P01-1", "ChargePermissionId": null,
        "NotificationType": "SOMETHING", "NotificationId": "1", "MockedData": {"name": "Robin Example"},
    });
    let read = notification(&Letter::notification(&message.to_string()).signed_by(&SNS)).unwrap();
    assert_eq!(read.object_type, ObjectType::Other("DISPUTE".to_owned()));
    assert_eq!(read.object_type.to_string(), "DISPUTE");
    assert_eq!(
        read.notification_type,
        NotificationType::Other("SOMETHING".to_owned())
    );
    assert_eq!(read.notification_version, None);
    assert_eq!(read.charge_permission_id, None);
    assert_eq!(read.extra.get("MockedData").unwrap()["name"], "Robin Example");
    let told = format!("{read:?}");
    assert!(told.contains("P01-1") && !told.contains("Robin"), "{told}");
}

#[test]
fn each_word_of_the_documentation_is_known() {
    for (word, kind) in [
        ("CHARGE_PERMISSION", ObjectType::ChargePermission),
        ("CHARGE", ObjectType::Charge),
        ("REFUND", ObjectType::Refund),
        ("CHARGEBACK", ObjectType::Chargeback),
    ] {
        assert_eq!(ObjectType::from(word.to_owned()), kind);
        assert_eq!(kind.as_str(), word);
    }
    for (word, kind) in [
        ("STATE_CHANGE", NotificationType::StateChange),
        ("ATTRIBUTE_CHANGE", NotificationType::AttributeChange),
    ] {
        assert_eq!(NotificationType::from(word.to_owned()), kind);
        assert_eq!(kind.as_str(), word);
    }
}

#[test]
fn a_genuine_message_that_cannot_be_read_names_the_field_and_not_its_content() {
    let whole: Value = serde_json::from_str(MESSAGE).unwrap();
    for field in [
        "MerchantID",
        "ObjectType",
        "ObjectId",
        "NotificationType",
        "NotificationId",
    ] {
        for value in [Value::Null, json!(""), json!(["robin"]), json!("robin\n")] {
            let mut message = whole.clone();
            message[field] = value;
            let error =
                notification(&Letter::notification(&message.to_string()).signed_by(&SNS)).unwrap_err();
            let VerifyError::Message(
                malformed @ (Malformed::Missing { field: named } | Malformed::Invalid { field: named, .. }),
            ) = &error
            else {
                panic!("{error:?}")
            };
            assert_eq!(*named, field);
            assert!(!format!("{malformed} {error} {error:?}").contains("robin"));
            assert!(!error.may_pass_later());
        }
    }
    let mut message = whole;
    message["ChargePermissionId"] = json!("robin/close");
    for text in [
        message.to_string().as_str(),
        "robin",
        "",
        "<xml>robin</xml>",
        "[\"robin\"]",
    ] {
        let error = notification(&Letter::notification(text).signed_by(&SNS)).unwrap_err();
        assert!(matches!(error, VerifyError::Message(_)), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("robin"));
    }
}

#[test]
fn subscriptions_are_verified_too_and_come_out_as_what_they_are() {
    for (kind, version) in [
        ("SubscriptionConfirmation", "1"),
        ("UnsubscribeConfirmation", "2"),
    ] {
        let letter = Letter::confirmation(kind)
            .with("SignatureVersion", version)
            .signed_by(&SNS);
        let asked = match (kind, verified(&letter).unwrap()) {
            ("SubscriptionConfirmation", Verified::SubscriptionConfirmation(asked))
            | ("UnsubscribeConfirmation", Verified::UnsubscribeConfirmation(asked)) => asked,
            (_, other) => panic!("{other:?}"),
        };
        assert_eq!(asked.token, "2336412f37fb687f5d51");
        assert_eq!(asked.delivery.topic.as_str(), TOPIC);
        assert_eq!(
            asked.subscribe_url.as_str(),
            "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37fb687f5d51"
        );
        assert!(!format!("{asked:?} {:?}", asked.subscribe_url).contains("2336412f"));
        for tampered in [
            letter.clone().with("Token", "2336412f37fb687f5d52"),
            letter.clone().with(
                "SubscribeURL",
                "https://sns.eu-west-1.amazonaws.com/?Action=Publish",
            ),
            letter.clone().with("Message", "You have chosen something else."),
        ] {
            assert!(matches!(verified(&tampered), Err(VerifyError::Signature)));
        }
    }
}

#[test]
fn only_the_topics_on_the_list_are_listened_to() {
    let envelope = || Envelope::parse(&Letter::notification(MESSAGE).signed_by(&SNS).bytes()).unwrap();
    let other = TopicArn::parse("arn:aws:sns:eu-west-1:210987654321:AmazonPayIpn").unwrap();
    let ours = TopicArn::parse(TOPIC).unwrap();
    let believing = |topics: Vec<TopicArn>| {
        let authorities = Authorities::from_pem(&ROOT.pem()).unwrap();
        let verifier = Verifier::new(topics, authorities, Duration::from_secs(3600));
        verifier.verify_with(envelope(), &SNS.pem(), now())
    };
    for topics in [vec![], vec![other.clone()]] {
        assert!(matches!(believing(topics), Err(VerifyError::UnknownTopic)));
    }
    assert!(believing(vec![other, ours]).is_ok());
}

#[test]
fn what_was_published_too_long_ago_or_is_yet_to_come_is_refused() {
    let at = |now: &str| {
        let envelope = Envelope::parse(&Letter::notification(MESSAGE).signed_by(&SNS).bytes()).unwrap();
        verifier().verify_with(envelope, &SNS.pem(), now.parse::<Timestamp>().unwrap())
    };
    // Published at 10:15:00.123; the limit is a day, and a quarter of an hour ahead.
    assert!(at("2026-01-06T10:15:00.123Z").is_ok());
    assert!(matches!(at("2026-01-06T10:15:00.124Z"), Err(VerifyError::TooOld)));
    assert!(at("2026-01-05T10:00:00.123Z").is_ok());
    let ahead = at("2026-01-05T10:00:00.122Z").unwrap_err();
    assert!(matches!(ahead, VerifyError::Ahead) && ahead.may_pass_later());
    // What cannot be told as a duration of 64 bits is no limit.
    let envelope = Envelope::parse(&Letter::notification(MESSAGE).signed_by(&SNS).bytes()).unwrap();
    let authorities = Authorities::from_pem(&ROOT.pem()).unwrap();
    let patient = Verifier::new([TopicArn::parse(TOPIC).unwrap()], authorities, Duration::MAX);
    assert!(patient.verify_with(envelope, &SNS.pem(), now()).is_ok());
}

#[test]
fn version_1_can_be_switched_off() {
    let strict = verifier().without_sha1();
    for (version, accepted) in [("1", false), ("2", true)] {
        let letter = Letter::notification(MESSAGE)
            .with("SignatureVersion", version)
            .signed_by(&SNS);
        let verified = strict.verify_with(Envelope::parse(&letter.bytes()).unwrap(), &SNS.pem(), now());
        assert_eq!(verified.is_ok(), accepted);
        if let Err(error) = verified {
            assert!(matches!(error, VerifyError::Sha1), "{error:?}");
        }
    }
    // And a signature of one version does not pass for one of the other.
    for (signed, claimed) in [("1", "2"), ("2", "1")] {
        let letter = Letter::notification(MESSAGE)
            .with("SignatureVersion", signed)
            .signed_by(&SNS)
            .with("SignatureVersion", claimed);
        assert!(matches!(verified(&letter), Err(VerifyError::Signature)));
    }
}

#[test]
fn another_key_with_a_good_certificate_does_not_sign_for_sns() {
    let other = ROOT.issue("sns.amazonaws.com", rsa(2048), &Wanted::SNS);
    let letter = Letter::notification(MESSAGE).signed_by(&other);
    assert!(matches!(verified(&letter), Err(VerifyError::Signature)));
    let envelope = Envelope::parse(&letter.bytes()).unwrap();
    assert!(verifier().verify_with(envelope, &other.pem(), now()).is_ok());
    let unsigned = letter.with("Signature", "AAAA");
    assert!(matches!(verified(&unsigned), Err(VerifyError::Signature)));
}

#[test]
fn one_signature_does_not_cover_two_envelopes() {
    let with_subject = Letter::notification(MESSAGE)
        .with("Subject", "paid")
        .signed_by(&SNS);
    assert!(verified(&with_subject).is_ok());
    let id = with_subject.0["MessageId"].as_str().unwrap().to_owned();
    // The same lines in the same order, cut differently.
    let swallowed = with_subject
        .without("Subject")
        .with("MessageId", format!("{id}\nSubject\npaid"));
    assert_eq!(
        Envelope::parse(&swallowed.bytes()).map(drop),
        Err(Malformed::Invalid {
            field: "MessageId",
            rule: "one line without control characters is needed"
        })
    );
}

#[test]
fn no_error_quotes_the_message() {
    let letter = Letter::notification(&MESSAGE.replace("AEXAMPLEMERCHANT", "ROBIN")).signed_by(&SNS);
    let stranger = Identity::self_signed("sns.amazonaws.com", rsa(2048), &Wanted::SNS);
    let body = letter.bytes();
    let envelope = || Envelope::parse(&body).unwrap();
    let late: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    let tampered = Envelope::parse(&letter.clone().with("Message", "ROBIN").bytes()).unwrap();
    for refused in [
        verifier().verify_with(envelope(), &stranger.pem(), now()),
        verifier().verify_with(envelope(), b"", now()),
        verifier().verify_with(envelope(), &SNS.pem(), late),
        verifier()
            .without_sha1()
            .verify_with(envelope(), &SNS.pem(), now()),
        verifier().verify_with(tampered, &SNS.pem(), now()),
    ] {
        let error = refused.unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let told = format!("{error} {error:?} {source:?}");
        assert!(!told.contains("ROBIN"), "{told}");
        let says_nothing_of_the_envelope = matches!(error, VerifyError::Certificate(_));
        assert_eq!(error.may_pass_later(), says_nothing_of_the_envelope, "{told}");
    }
}
