//! Instant Payment Notifications, as Amazon SNS posts them.
//!
//! ```text
//!   changes ─► Outbox ─► post_notifications, one task a merchant ── plain http on loopback ──► the shop
//!                ▲ ▲                  │
//!          faults  └── tries, status ─┘
//! ```
//!
//! A notification is due at once. What is answered 5xx or not at all is posted again, hourly on the sandbox's
//! clock, three times; anything else but a 2xx ends it. A merchant's notifications are posted one after the other.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) mod mail;
pub(crate) mod outbox;
pub(crate) mod post;
pub(crate) mod sender;
pub(crate) mod signing;

/// Where a merchant account's notifications go.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IpnTarget {
    /// One of the merchants; the first if left out.
    #[serde(default)]
    pub account: Option<String>,
    /// Plain http on loopback.
    pub url: String,
    #[serde(default)]
    pub signature_version: SnsSignature,
}

/// How envelopes are signed, with RSA PKCS#1 v1.5. Written `"1"` and `"2"`; a number is read too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SnsSignature {
    /// SHA-1: what a topic has until its owner asks for the other.
    #[default]
    V1,
    /// SHA-256.
    V2,
}

impl SnsSignature {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::V1 => "1",
            Self::V2 => "2",
        }
    }
}

impl Serialize for SnsSignature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for SnsSignature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        match value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
            .as_str()
        {
            "1" => Ok(Self::V1),
            "2" => Ok(Self::V2),
            _ => Err(serde::de::Error::custom("signatureVersion: 1 or 2")),
        }
    }
}

/// What a receiver of a merchant's notifications is configured with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IpnInfo {
    pub account: String,
    pub merchant_id: String,
    pub topic_arn: String,
    /// None: nothing is sent.
    pub url: Option<String>,
    pub signature_version: Option<SnsSignature>,
    /// What envelopes name. Nothing of the sandbox's is there: `GET /ipn/certificate.pem` has what should be.
    #[serde(rename = "signingCertURL")]
    pub signing_cert_url: String,
}

/// Something that is to go wrong with notifications.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IpnFault {
    pub kind: IpnFaultKind,
    /// How many notifications it strikes; None: until it is cleared.
    #[serde(default)]
    pub times: Option<u64>,
    /// How likely it strikes, 0 to 1.
    #[serde(default = "certain")]
    pub probability: f64,
    /// Only this merchant account's.
    #[serde(default)]
    pub account: Option<String>,
}

fn certain() -> f64 {
    1.0
}

impl IpnFault {
    /// Strikes every notification until it is cleared; narrow it with the other fields.
    pub fn new(kind: IpnFaultKind) -> Self {
        Self {
            kind,
            times: None,
            probability: certain(),
            account: None,
        }
    }
}

/// How a notification goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IpnFaultKind {
    /// It is delivered twice.
    Duplicate,
    /// It comes after the merchant's next one; a minute late where there is none.
    Reorder,
    /// It is never posted.
    Drop,
}

/// One notification, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotificationBook {
    pub notification_id: String,
    pub account: String,
    pub object_type: crate::ObjectType,
    pub object_id: String,
    pub notification_type: crate::ChangeKind,
    /// When the object changed.
    pub at: jiff::Timestamp,
    pub state: NotificationState,
    /// How often it was posted.
    pub tries: u32,
    /// Of these, how often a 2xx came back.
    pub delivered: u32,
    /// The last answer; null where none came.
    pub last_status: Option<u16>,
    /// When it is posted again; null when it is not.
    pub next_try: Option<jiff::Timestamp>,
    pub fault: Option<IpnFaultKind>,
}

/// Where a notification stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NotificationState {
    Waiting,
    Delivered,
    /// Refused, or unanswered to the end.
    Failed,
    /// Not posted: a fault had it so, or the address was taken away.
    Dropped,
}
