//! Instant Payment Notifications: telling Amazon's from everybody else's.
//!
//! Amazon Pay tells of a change through Amazon SNS, which posts a signed JSON envelope to an address of the
//! shop's. Anybody can post there. So nothing of an envelope can be read before it is verified:
//!
//! ```text
//!   bytes ──Envelope::parse──► Envelope ──Verifier::verify──► Verified::Notification
//!           (form, pinned URL)    ▲        (topic, age, certificate,       │
//!                                 │         chain, name, signature)        ▼
//!                          FetchCertificate                     GET the object it names
//! ```
//!
//! A notification carries no state. It says which object changed; what it changed to is asked of the API, with
//! [`Client`](crate::Client). What this module will never know: which notifications were seen before (SNS
//! delivers some twice: remember [`Notification::notification_id`]), the time (it comes in as a value) and how
//! the certificate is downloaded.
//!
//! # What is checked
//!
//! | what | why |
//! | --- | --- |
//! | `SigningCertURL` names an SNS host of AWS, exactly ([`CertificateUrl`]) | else everyone's certificate would do |
//! | `TopicArn` is on your list ([`Verifier::new`]) | SNS signs for every topic of every customer |
//! | `Timestamp` is younger than your limit | a recorded envelope verifies for ever |
//! | the certificate's chain leads to authorities that you trust ([`Authorities`]) | the host alone is no proof |
//! | the certificate is valid at the time you give, and issued to SNS by name | an authority serves others too |
//! | the signature, version 1 (SHA-1) or 2 (SHA-256), covers what was parsed | |
//!
//! The topic, the age and the version are looked at first, though nothing has vouched for them then: whoever knows
//! your topic can make you download from SNS's own hosts, and from nowhere else. Certificates are not checked for revocation.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//!
//! use amazon_pay::ipn::{Authorities, Envelope, FetchCertificate, TopicArn, Verified, Verifier};
//! use jiff::Timestamp;
//!
//! /// The body of a POST; the answer is the status to give.
//! async fn receive(body: &[u8], certificates: &impl FetchCertificate, now: Timestamp) -> u16 {
//!     // As Seller Central shows it. Build the verifier once.
//!     let topic = TopicArn::parse("arn:aws:sns:eu-west-1:123456789012:AmazonPayIpn").expect("a topic");
//!     let verifier = Verifier::new([topic], Authorities::amazon(), Duration::from_hours(24));
//!
//!     let Ok(envelope) = Envelope::parse(body) else { return 400 };
//!     match verifier.verify(envelope, certificates, now).await {
//!         Ok(Verified::Notification(notification)) => {
//!             println!("look up {} {}", notification.object_type, notification.object_id);
//!             200
//!         }
//!         Ok(_) => 200,
//!         // SNS delivers again after a 5xx.
//!         Err(error) if error.may_pass_later() => 503,
//!         Err(_) => 403,
//!     }
//! }
//! ```

mod certificate;
mod envelope;
mod fetch;
mod fields;
mod notification;
mod sns_url;
mod topic;
mod verifier;

pub use certificate::{Authorities, CertificateError, MAX_CERTIFICATE_BYTES};
pub use envelope::{Envelope, MAX_ENVELOPE_BYTES, SignatureVersion};
pub use fetch::{CachedCertificates, FetchCertificate};
pub use fields::Malformed;
pub use notification::{
    Delivery, Notification, NotificationType, ObjectType, SubscriptionConfirmation, Verified,
};
pub use sns_url::{CertificateUrl, NotAnSnsUrl, SubscribeUrl};
pub use topic::{NotATopicArn, TopicArn};
pub use verifier::{MAX_AHEAD, Verifier, VerifyError};
