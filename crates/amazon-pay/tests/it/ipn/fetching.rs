//! Where the certificate comes from.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex};

use amazon_pay::Cause;
use amazon_pay::ipn::{
    CachedCertificates, CertificateError, CertificateUrl, Envelope, FetchCertificate, Verified, Verifier,
    VerifyError,
};
use bytes::Bytes;

use super::at_once;
use super::authority::{Identity, Letter, MESSAGE, SNS, URL, Wanted, now, rsa, verifier};

/// A certificate that is whole, and that nobody trusted has signed.
static STRANGER: LazyLock<Identity> =
    LazyLock::new(|| Identity::self_signed("sns.amazonaws.com", rsa(2048), &Wanted::SNS));

/// Writes down what it is asked for.
#[derive(Default)]
struct Shelf {
    asked: Mutex<Vec<String>>,
    is_down: AtomicBool,
    is_behind_a_gateway: AtomicBool,
    is_another_ones: AtomicBool,
}

impl Shelf {
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl FetchCertificate for &Shelf {
    async fn fetch(&self, url: &CertificateUrl) -> Result<Bytes, Cause> {
        self.asked.lock().unwrap().push(url.to_string());
        if self.is_down.load(Ordering::Relaxed) {
            return Err("connection refused".into());
        }
        if self.is_behind_a_gateway.load(Ordering::Relaxed) {
            return Ok(Bytes::from_static(b"<html>please sign in</html>"));
        }
        if self.is_another_ones.load(Ordering::Relaxed) {
            return Ok(STRANGER.pem().into());
        }
        Ok(SNS.pem().into())
    }
}

fn verify(
    verifier: &Verifier,
    letter: &Letter,
    certificates: &impl FetchCertificate,
) -> Result<Verified, VerifyError> {
    let envelope = Envelope::parse(&letter.bytes()).unwrap();
    at_once(verifier.verify(envelope, certificates, now()))
}

#[test]
fn the_certificate_is_fetched_from_where_the_envelope_says_without_any_runtime() {
    let shelf = Shelf::default();
    let letter = Letter::notification(MESSAGE).signed_by(&SNS);
    assert!(matches!(
        verify(&verifier(), &letter, &&shelf),
        Ok(Verified::Notification(_))
    ));
    assert_eq!(shelf.asked(), [URL]);
}

#[test]
fn nothing_is_fetched_for_an_envelope_that_would_be_refused_anyway() {
    let shelf = Shelf::default();
    let letter = Letter::notification(MESSAGE);
    for letter in [
        letter
            .clone()
            .with("TopicArn", "arn:aws:sns:eu-west-1:210987654321:Evil"),
        letter.clone().with("Timestamp", "2025-01-05T10:15:00Z"),
        letter.clone().with("Timestamp", "2027-01-05T10:15:00Z"),
        letter,
    ] {
        let refused = verify(&verifier().without_sha1(), &letter.signed_by(&SNS), &&shelf);
        assert!(refused.is_err());
    }
    assert!(shelf.asked().is_empty());
}

#[test]
fn a_certificate_that_cannot_be_had_is_worth_another_delivery() {
    let shelf = Shelf::default();
    shelf.is_down.store(true, Ordering::Relaxed);
    let error = verify(
        &verifier(),
        &Letter::notification(MESSAGE).signed_by(&SNS),
        &&shelf,
    )
    .unwrap_err();
    assert!(matches!(error, VerifyError::Fetch(_)));
    assert!(error.may_pass_later());
}

#[test]
fn a_certificate_is_fetched_once_and_a_failure_is_not_remembered() {
    let shelf = Shelf::default();
    let cached = CachedCertificates::new(&shelf, NonZeroUsize::new(2).unwrap());
    let letter = Letter::notification(MESSAGE).signed_by(&SNS);
    shelf.is_down.store(true, Ordering::Relaxed);
    assert!(verify(&verifier(), &letter, &cached).is_err());
    shelf.is_down.store(false, Ordering::Relaxed);
    for _ in 0..3 {
        assert!(verify(&verifier(), &letter, &cached).is_ok());
    }
    assert_eq!(shelf.asked(), [URL, URL]);
    assert!(!format!("{cached:?}").contains("CERTIFICATE"));
}

#[test]
fn what_holds_no_certificate_is_a_failure_and_not_remembered() {
    let shelf = Shelf::default();
    let cached = CachedCertificates::new(&shelf, NonZeroUsize::new(2).unwrap());
    let letter = Letter::notification(MESSAGE).signed_by(&SNS);
    shelf.is_behind_a_gateway.store(true, Ordering::Relaxed);
    let error = verify(&verifier(), &letter, &cached).unwrap_err();
    assert!(matches!(error, VerifyError::Fetch(_)) && error.may_pass_later());
    shelf.is_behind_a_gateway.store(false, Ordering::Relaxed);
    assert!(verify(&verifier(), &letter, &cached).is_ok());
}

#[test]
fn a_certificate_that_is_refused_is_forgotten_and_loses_no_notification() {
    let shelf = Shelf::default();
    let inner = CachedCertificates::new(&shelf, NonZeroUsize::new(2).unwrap());
    let cached = CachedCertificates::new(inner, NonZeroUsize::new(2).unwrap());
    let letter = Letter::notification(MESSAGE).signed_by(&SNS);
    shelf.is_another_ones.store(true, Ordering::Relaxed);
    let error = verify(&verifier(), &letter, &cached).unwrap_err();
    assert!(matches!(
        error,
        VerifyError::Certificate(CertificateError::UnknownIssuer)
    ));
    assert!(error.may_pass_later());
    shelf.is_another_ones.store(false, Ordering::Relaxed);
    for _ in 0..2 {
        assert!(verify(&verifier(), &letter, &cached).is_ok());
    }
    // A signature that is wrong says nothing against the certificate.
    let forged = letter.with("Message", "{}");
    assert!(matches!(
        verify(&verifier(), &forged, &cached),
        Err(VerifyError::Signature)
    ));
    assert!(
        verify(
            &verifier(),
            &Letter::notification(MESSAGE).signed_by(&SNS),
            &cached
        )
        .is_ok()
    );
    assert_eq!(shelf.asked(), [URL, URL]);
}

#[test]
fn of_more_certificates_than_fit_the_one_used_longest_ago_goes() {
    let shelf = Shelf::default();
    let cached = CachedCertificates::new(&shelf, NonZeroUsize::new(2).unwrap());
    let url = |name: &str| {
        CertificateUrl::parse(&format!("https://sns.eu-west-1.amazonaws.com/{name}.pem")).unwrap()
    };
    let asked_for = |names: &[&str]| {
        for name in names {
            at_once(cached.fetch(&url(name))).unwrap();
        }
        shelf.asked().len()
    };
    assert_eq!(asked_for(&["a", "b", "a", "b"]), 2);
    assert_eq!(asked_for(&["a", "c"]), 1, "in goes c, out goes b");
    assert_eq!(asked_for(&["a", "c"]), 0);
    assert_eq!(asked_for(&["b"]), 1);
}
