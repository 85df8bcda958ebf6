//! What comes out of a verified envelope.

use std::fmt;

use jiff::Timestamp;

use super::envelope::{Envelope, Kind, Subscription};
use super::fields::{Fields, Malformed};
use super::sns_url::SubscribeUrl;
use super::topic::TopicArn;
use crate::ids::ChargePermissionId;
use crate::model::{Extra, words};

/// What SNS has verifiably said.
#[derive(Debug, Clone)]
pub enum Verified {
    /// Something changed at Amazon Pay.
    Notification(Notification),
    /// Somebody subscribed your address to the topic. SNS begins to send once the URL is visited.
    SubscriptionConfirmation(SubscriptionConfirmation),
    /// Your address was taken off the topic. Visiting the URL puts it back.
    UnsubscribeConfirmation(SubscriptionConfirmation),
}

/// How it came.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// SNS's id of the message, the same in each delivery of it.
    pub message_id: String,
    /// The topic it was sent from: one of those that the verifier was given.
    pub topic: TopicArn,
    /// When it was published; a repeated delivery keeps the time.
    pub published_at: Timestamp,
}

/// An Instant Payment Notification. It carries no state: GET the object that it names. Order is not
/// guaranteed, and duplicates do occur.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Notification {
    /// How it came.
    pub delivery: Delivery,
    /// Amazon Pay's id of this notification: what duplicates have in common.
    pub notification_id: String,
    /// What happened to the object.
    pub notification_type: NotificationType,
    /// `V2`.
    pub notification_version: Option<String>,
    /// The merchant's account.
    pub merchant_id: String,
    /// What kind of object changed. There is none for checkout sessions.
    pub object_type: ObjectType,
    /// Which object changed, for example a [`ChargeId`](crate::ChargeId) when [`ObjectType::Charge`] did.
    pub object_id: String,
    /// The charge permission that the object belongs to.
    pub charge_permission_id: Option<ChargePermissionId>,
    /// Fields that this version does not know.
    pub extra: Extra,
}

/// A request to confirm that your address should, or should not, be on the topic. The `Debug` form does not
/// show the token.
#[derive(Clone)]
#[non_exhaustive]
pub struct SubscriptionConfirmation {
    /// How it came.
    pub delivery: Delivery,
    /// To be visited, by a GET.
    pub subscribe_url: SubscribeUrl,
    /// For `ConfirmSubscription` of the SNS API, instead of a visit.
    pub token: String,
}

impl Verified {
    /// Of an envelope whose signature was verified, and of no other.
    pub(super) fn read(envelope: Envelope) -> Result<Self, Malformed> {
        let delivery = Delivery {
            message_id: envelope.message_id,
            topic: envelope.topic,
            published_at: envelope.timestamp,
        };
        let confirmation = |Subscription { url, token }, delivery| SubscriptionConfirmation {
            delivery,
            subscribe_url: url,
            token,
        };
        Ok(match envelope.kind {
            Kind::Notification => Self::Notification(Notification::read(&envelope.message, delivery)?),
            Kind::SubscriptionConfirmation(asked) => {
                Self::SubscriptionConfirmation(confirmation(asked, delivery))
            }
            Kind::UnsubscribeConfirmation(asked) => {
                Self::UnsubscribeConfirmation(confirmation(asked, delivery))
            }
        })
    }
}

impl Notification {
    fn read(message: &str, delivery: Delivery) -> Result<Self, Malformed> {
        let mut fields = Fields::parse(message.as_bytes())?;
        let charge_permission_id = fields
            .line("ChargePermissionId")?
            .filter(|id| !id.is_empty())
            .map(|id| ChargePermissionId::parse(&id))
            .transpose()
            .map_err(|_| Malformed::Invalid {
                field: "ChargePermissionId",
                rule: "1 to 128 of A-Za-z0-9- are needed",
            })?;
        Ok(Self {
            delivery,
            notification_id: fields.required_line("NotificationId")?,
            notification_type: fields.required_line("NotificationType")?.into(),
            notification_version: fields.line("NotificationVersion")?,
            merchant_id: fields.required_line("MerchantID")?,
            object_type: fields.required_line("ObjectType")?.into(),
            object_id: fields.required_line("ObjectId")?,
            charge_permission_id,
            extra: fields.rest(),
        })
    }
}

impl fmt::Debug for SubscriptionConfirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriptionConfirmation")
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}

// Amazon writes these words in capitals, unlike those of its API.
words!(
    /// The kind of object that changed.
    ObjectType {
        /// A charge permission.
        ChargePermission = "CHARGE_PERMISSION",
        /// A charge.
        Charge = "CHARGE",
        /// A refund.
        Refund = "REFUND",
        /// A chargeback, which the API has no object for.
        Chargeback = "CHARGEBACK",
    }
);
words!(
    /// What happened to the object.
    NotificationType {
        /// Its state is another.
        StateChange = "STATE_CHANGE",
        /// Something else about it is.
        AttributeChange = "ATTRIBUTE_CHANGE",
    }
);
