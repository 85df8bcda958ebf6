//! Which certificates are taken for one of SNS.

use amazon_pay::ipn::{Authorities, CertificateError, Envelope, Verified, Verifier, VerifyError};
use jiff::Timestamp;
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::PKey;

use super::authority::{Identity, Letter, MESSAGE, ROOT, SNS, TOPIC, Wanted, now, rsa};

fn with(authorities: Authorities, letter: &Letter, pem: &[u8]) -> Result<Verified, VerifyError> {
    let topic = amazon_pay::ipn::TopicArn::parse(TOPIC).unwrap();
    let verifier = Verifier::new([topic], authorities, std::time::Duration::from_secs(86_400));
    verifier.verify_with(Envelope::parse(&letter.bytes()).unwrap(), pem, now())
}

fn our_root() -> Authorities {
    Authorities::from_pem(&ROOT.pem()).unwrap()
}

/// Signed with the certificate's own key, so that nothing but the certificate can be the reason.
fn why(identity: &Identity) -> Option<CertificateError> {
    let letter = Letter::notification(MESSAGE)
        .with("SignatureVersion", "2")
        .signed_by(identity);
    refusal(with(our_root(), &letter, &identity.pem()))
}

fn refusal(verified: Result<Verified, VerifyError>) -> Option<CertificateError> {
    match verified {
        Ok(_) => None,
        Err(VerifyError::Certificate(error)) => Some(error),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn a_certificate_counts_while_it_is_valid() {
    let key = &SNS.key;
    let valid = |from, until| {
        why(&ROOT.issue(
            "sns.amazonaws.com",
            key.clone(),
            &Wanted {
                valid: (from, until),
                ..Wanted::SNS
            },
        ))
    };
    // It is 10:15:30.
    assert_eq!(valid("20260105101530Z", "20260105101530Z"), None);
    assert_eq!(
        valid("20250101000000Z", "20260105101529Z"),
        Some(CertificateError::Expired)
    );
    assert_eq!(
        valid("20260105101531Z", "20270101000000Z"),
        Some(CertificateError::NotYetValid)
    );
}

#[test]
fn a_certificate_of_an_authority_that_is_not_trusted_is_refused() {
    let key = &SNS.key;
    let name = "sns.amazonaws.com";
    let self_signed = Identity::self_signed(name, key.clone(), &Wanted::SNS);
    assert_eq!(why(&self_signed), Some(CertificateError::UnknownIssuer));
    let itself_an_authority = Identity::self_signed(
        name,
        key.clone(),
        &Wanted {
            is_authority: true,
            ..Wanted::SNS
        },
    );
    assert!(matches!(
        why(&itself_an_authority),
        Some(CertificateError::Refused(_))
    ));
    // Another root of the very same name.
    let namesake = Identity::self_signed("Example Root", rsa(2048), &Wanted::AUTHORITY);
    assert!(why(&namesake.issue(name, key.clone(), &Wanted::SNS)).is_some());
    // And the genuine one is not Amazon's.
    let letter = Letter::notification(MESSAGE).signed_by(&SNS);
    assert_eq!(
        refusal(with(Authorities::amazon(), &letter, &SNS.pem())),
        Some(CertificateError::UnknownIssuer)
    );
}

#[test]
fn a_certificate_has_to_be_issued_to_sns_by_name() {
    let named = |names: &[&str]| {
        let wanted = Wanted {
            dns_names: names,
            ..Wanted::SNS
        };
        why(&ROOT.issue("sns.amazonaws.com", SNS.key.clone(), &wanted))
    };
    for name in [
        "sns.amazonaws.com",
        "SNS.AmazonAWS.com",
        "sns.eu-west-1.amazonaws.com",
        "sns-signing.eu-west-1.amazonaws.com",
        "sns-eu-west-1.amazonaws.com",
    ] {
        assert_eq!(named(&[name]), None, "{name}");
        assert_eq!(named(&["evil.example", name]), None, "{name}");
    }
    for name in [
        "evil.example",
        "sns.amazonaws.com.evil.example",
        "amazonaws.com",
        "*.amazonaws.com",
        "*.eu-west-1.amazonaws.com",
        "s3.eu-west-1.amazonaws.com",
        "sns.amazonaws.com.cn",
        // Another region's than the one it is fetched from.
        "sns-signing.af-south-1.amazonaws.com",
        "sns.us-east-1.amazonaws.com",
    ] {
        assert_eq!(named(&[name]), Some(CertificateError::WrongName), "{name}");
    }
    // The common name alone is no name.
    assert_eq!(named(&[]), Some(CertificateError::WrongName));
}

#[test]
fn a_certificate_for_something_else_than_servers_is_refused() {
    let wanted = Wanted {
        for_servers: false,
        ..Wanted::SNS
    };
    let identity = ROOT.issue("sns.amazonaws.com", SNS.key.clone(), &wanted);
    assert!(matches!(why(&identity), Some(CertificateError::Refused(_))));
}

#[test]
fn a_key_that_is_small_or_not_rsa_is_refused() {
    let issue = |key| ROOT.issue("sns.amazonaws.com", key, &Wanted::SNS);
    assert_eq!(why(&issue(rsa(1024))), Some(CertificateError::WeakKey));
    let ec = EcKey::generate(&EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap()).unwrap();
    assert_eq!(
        why(&issue(PKey::from_ec_key(ec).unwrap())),
        Some(CertificateError::WeakKey)
    );
}

#[test]
fn an_intermediate_authority_may_come_with_the_certificate_or_be_known_before() {
    let intermediate = ROOT.issue("Example Intermediate", rsa(2048), &Wanted::AUTHORITY);
    let sns = intermediate.issue("sns.amazonaws.com", SNS.key.clone(), &Wanted::SNS);
    let letter = Letter::notification(MESSAGE).signed_by(&sns);
    let whole_chain = [sns.pem(), intermediate.pem()].concat();
    let knowing = our_root().with_intermediates(&intermediate.pem()).unwrap();
    assert_eq!(
        refusal(with(our_root(), &letter, &sns.pem())),
        Some(CertificateError::UnknownIssuer)
    );
    assert_eq!(refusal(with(our_root(), &letter, &whole_chain)), None);
    assert_eq!(refusal(with(knowing, &letter, &sns.pem())), None);

    // Knowing it is not trusting it.
    let stranger = Identity::self_signed("Stranger", rsa(2048), &Wanted::AUTHORITY);
    let theirs = stranger.issue("sns.amazonaws.com", SNS.key.clone(), &Wanted::SNS);
    let knowing = our_root().with_intermediates(&stranger.pem()).unwrap();
    let letter = Letter::notification(MESSAGE).signed_by(&theirs);
    assert!(refusal(with(knowing, &letter, &theirs.pem())).is_some());

    // Whom SNS's own certificate has signed is nobody.
    let below = SNS.issue("sns.amazonaws.com", rsa(2048), &Wanted::SNS);
    let letter = Letter::notification(MESSAGE).signed_by(&below);
    let chain = [below.pem(), SNS.pem()].concat();
    assert!(refusal(with(our_root(), &letter, &chain)).is_some());
}

#[test]
fn an_expired_intermediate_ends_the_chain() {
    let expired = Wanted {
        valid: ("20240101000000Z", "20250101000000Z"),
        ..Wanted::AUTHORITY
    };
    let intermediate = ROOT.issue("Example Intermediate", rsa(2048), &expired);
    let sns = intermediate.issue("sns.amazonaws.com", SNS.key.clone(), &Wanted::SNS);
    let letter = Letter::notification(MESSAGE).signed_by(&sns);
    let chain = [sns.pem(), intermediate.pem()].concat();
    assert_eq!(
        refusal(with(our_root(), &letter, &chain)),
        Some(CertificateError::Expired)
    );
}

#[test]
fn what_is_not_a_certificate_is_named() {
    let letter = Letter::notification(MESSAGE).signed_by(&SNS);
    let whole = SNS.pem();
    let why = |pem: &[u8]| refusal(with(our_root(), &letter, pem));
    let key = SNS.key.private_key_to_pem_pkcs8().unwrap();
    let mut long = whole.clone();
    long.resize(64 * 1024, b'\n');
    assert_eq!(why(&long), None);
    long.push(b'\n');
    assert_eq!(why(&long), Some(CertificateError::TooLarge));
    assert_eq!(why(b""), Some(CertificateError::NotPem));
    assert_eq!(why(b"<html>not found</html>"), Some(CertificateError::NotPem));
    assert_eq!(why(&whole[..whole.len() / 2]), Some(CertificateError::NotPem));
    assert_eq!(why(&key), Some(CertificateError::NotPem));
    assert_eq!(
        why(&SNS.certificate.to_der().unwrap()),
        Some(CertificateError::NotPem)
    );
    let damaged = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(why(damaged), Some(CertificateError::Damaged));
    // Neither is it an authority.
    assert_eq!(
        Authorities::from_pem(damaged).err(),
        Some(CertificateError::Damaged)
    );
    assert_eq!(Authorities::from_pem(b"").err(), Some(CertificateError::NotPem));
    assert_eq!(
        our_root().with_intermediates(b"").err(),
        Some(CertificateError::NotPem)
    );
}

#[test]
fn a_time_before_1970_is_before_every_certificate() {
    let topic = amazon_pay::ipn::TopicArn::parse(TOPIC).unwrap();
    let verifier = Verifier::new([topic], our_root(), std::time::Duration::from_secs(60));
    let letter = Letter::notification(MESSAGE)
        .with("Timestamp", "1969-12-31T23:59:59Z")
        .signed_by(&SNS);
    let at: Timestamp = "1969-12-31T23:59:59Z".parse().unwrap();
    let verified = verifier.verify_with(Envelope::parse(&letter.bytes()).unwrap(), &SNS.pem(), at);
    assert_eq!(refusal(verified), Some(CertificateError::NotYetValid));
}
