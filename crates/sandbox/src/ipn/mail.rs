//! What is posted: an SNS envelope around a message of Amazon Pay's, signed.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::ipn::SnsSignature;
use crate::ipn::signing::Signing;
use crate::options::Region;
use crate::world::changes::Change;

/// How SNS writes a moment.
const MILLISECONDS: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";

/// One notification, as often as it is posted.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    pub(crate) topic: String,
    pub(crate) message_id: String,
    pub(crate) published: Timestamp,
    /// The JSON text inside the envelope.
    pub(crate) message: String,
    pub(crate) region: Region,
    pub(crate) version: SnsSignature,
}

/// What Amazon Pay says: which object changed, not what it is now.
pub(crate) fn message(merchant_id: &str, notification_id: &str, change: &Change) -> String {
    json!({
        "MerchantID": merchant_id,
        "ObjectType": change.object_type,
        "ObjectId": change.object_id,
        "ChargePermissionId": change.charge_permission_id,
        "NotificationType": change.kind,
        "NotificationId": notification_id,
        "NotificationVersion": "V2",
    })
    .to_string()
}

impl Mail {
    /// The body of the POST.
    pub(crate) fn envelope(&self, signing: &Signing) -> Result<String, openssl::error::ErrorStack> {
        let timestamp = self.published.strftime(MILLISECONDS).to_string();
        // In the order in which they are signed.
        let signed = [
            ("Message", self.message.as_str()),
            ("MessageId", &self.message_id),
            ("Timestamp", &timestamp),
            ("TopicArn", &self.topic),
            ("Type", "Notification"),
        ];
        let text: String = signed
            .iter()
            .map(|(name, value)| format!("{name}\n{value}\n"))
            .collect();
        let mut envelope: Map<String, Value> = signed
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
            .collect();
        let host = format!("https://sns.{}.amazonaws.com", self.region.aws());
        let further = [
            ("SignatureVersion", self.version.word().to_owned()),
            ("Signature", signing.sign(self.version, &text)?),
            ("SigningCertURL", signing.url(self.region)),
            (
                "UnsubscribeURL",
                format!(
                    "{host}/?Action=Unsubscribe&SubscriptionArn={}:{}",
                    self.topic, self.message_id
                ),
            ),
        ];
        envelope.extend(further.map(|(name, value)| (name.to_owned(), Value::from(value))));
        Ok(Value::Object(envelope).to_string())
    }
}
