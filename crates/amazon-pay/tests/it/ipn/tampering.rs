//! Whatever is changed on the way, the signature tells.

use amazon_pay::ipn::{Envelope, VerifyError};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::authority::{Letter, MESSAGE, SNS, now, verifier};
use super::{notification, verified};

fn letter(version: &str) -> Letter {
    Letter::notification(MESSAGE)
        .with("Subject", "a change")
        .with("SignatureVersion", version)
        .signed_by(&SNS)
}

#[test]
fn each_field_that_can_be_changed_and_still_be_well_formed_is_covered_by_the_signature() {
    for (field, other) in [
        ("Message", MESSAGE.replace("CHARGE", "REFUND")),
        ("Message", String::new()),
        ("Message", format!("{MESSAGE} ")),
        ("MessageId", "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf325".to_owned()),
        ("Subject", "another change".to_owned()),
        ("Subject", String::new()),
        // The same moment, written otherwise.
        ("Timestamp", "2026-01-05T10:15:00.1230Z".to_owned()),
        ("Timestamp", "2026-01-05T10:15:29.123Z".to_owned()),
    ] {
        for version in ["1", "2"] {
            let tampered = letter(version).with(field, other.as_str());
            assert!(
                matches!(verified(&tampered), Err(VerifyError::Signature)),
                "{field} {other:?}"
            );
        }
    }
    assert!(matches!(
        verified(&letter("1").without("Subject")),
        Err(VerifyError::Signature)
    ));
    // The topic and the type as well, when the list of topics and the form of the envelope would let them by.
    let confirmation = Letter::confirmation("SubscriptionConfirmation").signed_by(&SNS);
    let other_type = confirmation.with("Type", "UnsubscribeConfirmation");
    assert!(matches!(verified(&other_type), Err(VerifyError::Signature)));
    let others = "arn:aws:sns:eu-west-1:123456789012:Other";
    let listening = amazon_pay::ipn::Verifier::new(
        [amazon_pay::ipn::TopicArn::parse(others).unwrap()],
        amazon_pay::ipn::Authorities::from_pem(&super::authority::ROOT.pem()).unwrap(),
        std::time::Duration::from_secs(60),
    );
    let moved = Envelope::parse(&letter("1").with("TopicArn", others).bytes()).unwrap();
    let refused = listening.verify_with(moved, &SNS.pem(), now());
    assert!(matches!(refused, Err(VerifyError::Signature)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn any_changed_character_of_a_signed_field_makes_verification_fail(
        version in select(vec!["1", "2"]),
        field in select(vec!["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type", "Signature"]),
        at in any::<Index>(),
        other in any::<char>(),
    ) {
        let letter = letter(version);
        prop_assert!(verified(&letter).is_ok());
        let mut characters: Vec<char> = letter.0[field].as_str().unwrap().chars().collect();
        let at = at.index(characters.len());
        prop_assume!(characters[at] != other);
        characters[at] = other;
        let tampered = letter.with(field, characters.into_iter().collect::<String>());
        let accepted = Envelope::parse(&tampered.bytes())
            .is_ok_and(|envelope| verifier().verify_with(envelope, &SNS.pem(), now()).is_ok());
        prop_assert!(!accepted);
    }

    /// What is not signed (white space, the address to unsubscribe at) may change. What is said may not.
    #[test]
    fn an_envelope_with_a_changed_byte_says_the_same_or_nothing(
        version in select(vec!["1", "2"]),
        at in any::<Index>(),
        other in any::<u8>(),
    ) {
        let letter = letter(version);
        let said = format!("{:?}", notification(&letter).unwrap());
        let mut body = letter.bytes();
        let at = at.index(body.len());
        body[at] = other;
        if let Ok(envelope) = Envelope::parse(&body)
            && let Ok(amazon_pay::ipn::Verified::Notification(read)) =
                verifier().verify_with(envelope, &SNS.pem(), now())
        {
            prop_assert_eq!(format!("{read:?}"), said);
        }
    }
}
