//! What SNS posts, before anyone knows whether it was SNS.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::fields::{Fields, Malformed};
use super::sns_url::{CertificateUrl, SubscribeUrl};
use super::topic::TopicArn;

/// The longest body that is looked at: SNS carries messages of at most 256 KB, and a notification of Amazon
/// Pay takes a few hundred bytes.
pub const MAX_ENVELOPE_BYTES: usize = 256 * 1024;

/// How an envelope is signed, with RSA PKCS#1 v1.5 in either case. A topic has version 1 until its owner asks
/// for version 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureVersion {
    /// `1`: SHA-1.
    V1,
    /// `2`: SHA-256.
    V2,
}

/// The envelope of a notification: well-formed, and not verified. It shows what is needed to decide whether
/// to verify it; the rest comes out of [`Verifier::verify`](super::Verifier::verify). Its `Debug` form does
/// not show the message.
#[derive(Clone)]
pub struct Envelope {
    pub(super) kind: Kind,
    pub(super) message: String,
    pub(super) message_id: String,
    subject: Option<String>,
    pub(super) topic: TopicArn,
    pub(super) timestamp: Timestamp,
    timestamp_as_written: String,
    pub(super) signature_version: SignatureVersion,
    pub(super) signature: Vec<u8>,
    certificate_url: CertificateUrl,
}

#[derive(Clone)]
pub(super) enum Kind {
    Notification,
    SubscriptionConfirmation(Subscription),
    UnsubscribeConfirmation(Subscription),
}

#[derive(Clone)]
pub(super) struct Subscription {
    pub(super) url: SubscribeUrl,
    pub(super) token: String,
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Notification => "Notification",
            Self::SubscriptionConfirmation(_) => "SubscriptionConfirmation",
            Self::UnsubscribeConfirmation(_) => "UnsubscribeConfirmation",
        }
    }
}

impl Envelope {
    /// Reads the body of a POST, whatever its `content-type` says: SNS sends JSON as `text/plain`.
    ///
    /// # Errors
    /// [`Malformed`] names the field that is missing or not as it should be, among them a `SigningCertURL`
    /// that is not SNS's.
    pub fn parse(body: &[u8]) -> Result<Self, Malformed> {
        if body.len() > MAX_ENVELOPE_BYTES {
            return Err(Malformed::TooLarge);
        }
        let mut fields = Fields::parse(body)?;
        let kind = match fields.required_line("Type")?.as_str() {
            "Notification" => Kind::Notification,
            "SubscriptionConfirmation" => Kind::SubscriptionConfirmation(Subscription::read(&mut fields)?),
            "UnsubscribeConfirmation" => Kind::UnsubscribeConfirmation(Subscription::read(&mut fields)?),
            _ => {
                return Err(Malformed::Invalid {
                    field: "Type",
                    rule: "Notification, SubscriptionConfirmation or UnsubscribeConfirmation is needed",
                });
            }
        };
        let signature_version = match fields.required_line("SignatureVersion")?.as_str() {
            "1" => SignatureVersion::V1,
            "2" => SignatureVersion::V2,
            _ => {
                return Err(Malformed::Invalid {
                    field: "SignatureVersion",
                    rule: "1 or 2 is needed",
                });
            }
        };
        let signature = STANDARD.decode(fields.required_line("Signature")?);
        let timestamp_as_written = fields.required_line("Timestamp")?;
        let url = CertificateUrl::parse(&fields.required_line("SigningCertURL")?);
        let topic = TopicArn::parse(&fields.required_line("TopicArn")?);
        // What is signed is a sequence of lines, name after value. All but the message have to be single
        // lines, or the same signature would cover two envelopes: one with a subject, and one whose message id
        // swallowed it.
        Ok(Self {
            message: fields
                .text("Message")?
                .ok_or(Malformed::Missing { field: "Message" })?,
            message_id: fields.required_line("MessageId")?,
            subject: match kind {
                Kind::Notification => fields.line("Subject")?,
                // Not among what is signed for these.
                Kind::SubscriptionConfirmation(_) | Kind::UnsubscribeConfirmation(_) => None,
            },
            topic: topic.map_err(|_| Malformed::Invalid {
                field: "TopicArn",
                rule: "arn:aws:sns:<region>:<account of 12 digits>:<name> is needed",
            })?,
            timestamp: timestamp_as_written.parse().map_err(|_| Malformed::Invalid {
                field: "Timestamp",
                rule: "a time like 2026-01-05T10:15:30.000Z is needed",
            })?,
            timestamp_as_written,
            signature_version,
            signature: signature.map_err(|_| Malformed::Invalid {
                field: "Signature",
                rule: "base64 is needed",
            })?,
            certificate_url: url.map_err(|refused| Malformed::Invalid {
                field: "SigningCertURL",
                rule: refused.rule(),
            })?,
            kind,
        })
    }

    /// Where the certificate is that it claims to be signed with.
    #[must_use]
    pub fn certificate_url(&self) -> &CertificateUrl {
        &self.certificate_url
    }

    /// The topic that it claims to come from.
    #[must_use]
    pub fn topic(&self) -> &TopicArn {
        &self.topic
    }

    /// The form of its signature.
    #[must_use]
    pub fn signature_version(&self) -> SignatureVersion {
        self.signature_version
    }

    /// Name, line feed, value, line feed, in the alphabetical order of the names.
    pub(super) fn string_to_sign(&self) -> String {
        let subscription = match &self.kind {
            Kind::Notification => None,
            Kind::SubscriptionConfirmation(subscription) | Kind::UnsubscribeConfirmation(subscription) => {
                Some(subscription)
            }
        };
        let signed = [
            ("Message", Some(self.message.as_str())),
            ("MessageId", Some(&self.message_id)),
            ("Subject", self.subject.as_deref()),
            (
                "SubscribeURL",
                subscription.map(|subscription| subscription.url.as_str()),
            ),
            ("Timestamp", Some(&self.timestamp_as_written)),
            (
                "Token",
                subscription.map(|subscription| subscription.token.as_str()),
            ),
            ("TopicArn", Some(self.topic.as_str())),
            ("Type", Some(self.kind.name())),
        ];
        let mut lines = String::with_capacity(self.message.len() + 512);
        for (name, value) in signed {
            if let Some(value) = value {
                lines.extend([name, "\n", value, "\n"]);
            }
        }
        lines
    }
}

impl Subscription {
    fn read(fields: &mut Fields) -> Result<Self, Malformed> {
        Ok(Self {
            url: SubscribeUrl::parse(&fields.required_line("SubscribeURL")?).map_err(|refused| {
                Malformed::Invalid {
                    field: "SubscribeURL",
                    rule: refused.rule(),
                }
            })?,
            token: fields.required_line("Token")?,
        })
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("type", &self.kind.name())
            .field("topic", &self.topic)
            .field("timestamp", &self.timestamp)
            .field("signature_version", &self.signature_version)
            .finish_non_exhaustive()
    }
}
