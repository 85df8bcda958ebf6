//! From an envelope to what SNS has verifiably said.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::certificate::{Authorities, CertificateError};
use super::envelope::{Envelope, SignatureVersion};
use super::fetch::FetchCertificate;
use super::fields::Malformed;
use super::notification::Verified;
use super::topic::TopicArn;
use crate::error::Cause;

/// How far an envelope's time may lie ahead of yours: clocks differ.
pub const MAX_AHEAD: Duration = Duration::from_secs(15 * 60);

/// Why an envelope was not accepted. Nothing of it is quoted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Its topic is not one of those expected. A real topic may be missing in your list.
    #[error("the notification is of another topic than those expected")]
    UnknownTopic,
    /// Published longer ago than the verifier allows: repeated by somebody, or delivered very late.
    #[error("the notification is older than is allowed")]
    TooOld,
    /// Published more than [`MAX_AHEAD`] from now. Your clock may be slow.
    #[error("the notification is of the future")]
    Ahead,
    /// Signed with version 1, which the verifier was told to refuse.
    #[error("the notification is signed with SHA-1, which is switched off")]
    Sha1,
    /// The certificate could not be had. Says nothing about the envelope.
    #[error("the certificate could not be fetched")]
    Fetch(#[source] Cause),
    /// The certificate that was fetched is not one of Amazon SNS. Says nothing about the envelope: what a gateway
    /// put in its place, or an authority that is new, can be right the next time.
    #[error("the notification's certificate is refused")]
    Certificate(#[source] CertificateError),
    /// The signature does not belong to the content.
    #[error("the notification's signature is wrong")]
    Signature,
    /// SNS has verifiably sent it, but its message is not a notification of Amazon Pay.
    #[error("the notification is genuine, but its message cannot be read")]
    Message(#[source] Malformed),
}

impl VerifyError {
    /// Whether the same envelope may be accepted when SNS delivers it again, which it does after a 5xx.
    #[must_use]
    pub fn may_pass_later(&self) -> bool {
        match self {
            // A clock that is slow is put right, another fetch brings another certificate, and authorities are
            // added. A notification that is refused for good is lost.
            Self::Fetch(_) | Self::Ahead | Self::Certificate(_) => true,
            Self::UnknownTopic | Self::TooOld | Self::Sha1 | Self::Signature | Self::Message(_) => false,
        }
    }
}

/// Decides which envelopes are Amazon's. Build one and keep it.
#[derive(Debug, Clone)]
pub struct Verifier {
    topics: Vec<TopicArn>,
    authorities: Authorities,
    max_age: Duration,
    accepts_sha1: bool,
}

impl Verifier {
    /// Accepts envelopes of these topics and no others, certificates of these authorities, and what was
    /// published at most `max_age` ago.
    ///
    /// Within `max_age` a recorded envelope can be presented again and verifies, so remember the ids of
    /// notifications for at least that long. Deliveries are repeated for hours when your address does not
    /// answer, with the first one's time: a day is a sensible limit, an hour is too short.
    pub fn new(
        topics: impl IntoIterator<Item = TopicArn>,
        authorities: Authorities,
        max_age: Duration,
    ) -> Self {
        Self {
            topics: topics.into_iter().collect(),
            authorities,
            max_age,
            accepts_sha1: true,
        }
    }

    /// Refuses signatures of version 1. Only for topics whose owner switched to version 2: until then every
    /// envelope is of version 1.
    #[must_use]
    pub fn without_sha1(mut self) -> Self {
        self.accepts_sha1 = false;
        self
    }

    /// Fetches the certificate that the envelope names, and verifies both. Nothing is fetched for an envelope
    /// of another topic, of another time or of a version that is switched off. A certificate that is refused is
    /// [forgotten](FetchCertificate::forget), so that the next delivery fetches another.
    ///
    /// # Errors
    /// [`VerifyError`]; [`may_pass_later`](VerifyError::may_pass_later) tells which answer to give.
    pub async fn verify<F: FetchCertificate>(
        &self,
        envelope: Envelope,
        certificates: &F,
        now: Timestamp,
    ) -> Result<Verified, VerifyError> {
        self.is_expected(&envelope, now)?;
        let url = envelope.certificate_url().clone();
        let pem = certificates.fetch(&url).await.map_err(VerifyError::Fetch)?;
        let verified = self.verify_with(envelope, &pem, now);
        if let Err(VerifyError::Certificate(_)) = verified {
            certificates.forget(&url);
        }
        verified
    }

    /// The same with a certificate that is at hand, as PEM. The caller answers for its being the one at
    /// [`Envelope::certificate_url`]; it is checked as strictly.
    ///
    /// # Errors
    /// [`VerifyError`], never [`VerifyError::Fetch`].
    pub fn verify_with(
        &self,
        envelope: Envelope,
        certificate_pem: &[u8],
        now: Timestamp,
    ) -> Result<Verified, VerifyError> {
        self.is_expected(&envelope, now)?;
        let key = self
            .authorities
            .check(certificate_pem, envelope.certificate_url(), now)
            .map_err(VerifyError::Certificate)?;
        let signed = envelope.string_to_sign();
        if !key.has_signed(signed.as_bytes(), envelope.signature_version, &envelope.signature) {
            return Err(VerifyError::Signature);
        }
        Verified::read(envelope).map_err(VerifyError::Message)
    }

    fn is_expected(&self, envelope: &Envelope, now: Timestamp) -> Result<(), VerifyError> {
        if !self.topics.contains(envelope.topic()) {
            return Err(VerifyError::UnknownTopic);
        }
        let age = now.duration_since(envelope.timestamp);
        if age > signed(self.max_age) {
            return Err(VerifyError::TooOld);
        }
        if -age > signed(MAX_AHEAD) {
            return Err(VerifyError::Ahead);
        }
        if envelope.signature_version == SignatureVersion::V1 && !self.accepts_sha1 {
            return Err(VerifyError::Sha1);
        }
        Ok(())
    }
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
