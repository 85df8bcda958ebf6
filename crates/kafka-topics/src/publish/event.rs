//! One fact as a message: CloudEvents 1.0 in binary mode.

use checkout::{AccountName, Timestamp};
use reconciler::{Announcement, Content, Notice};

use super::body;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    Outcomes,
    Alerts,
}

pub(super) struct Event {
    pub(super) topic: Topic,
    pub(super) event_type: &'static str,
    pub(super) key: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

const ALERT: &str = "checkout.alert.v1";

impl Event {
    pub(super) fn of_announcement(announcement: &Announcement) -> Self {
        let (topic, event_type) = match &announcement.content {
            Content::Confirmed { .. } => (Topic::Outcomes, "checkout.confirmed.v1"),
            Content::Declined { .. } => (Topic::Outcomes, "checkout.declined.v1"),
            Content::Cancelled { .. } => (Topic::Outcomes, "checkout.cancelled.v1"),
            Content::Expired { .. } => (Topic::Outcomes, "checkout.expired.v1"),
            Content::Unresolved { .. } => (Topic::Outcomes, "checkout.unresolved.v1"),
            Content::PaymentPending { .. } => (Topic::Outcomes, "checkout.payment-pending.v1"),
            Content::AttemptDeclined { .. } => (Topic::Outcomes, "checkout.attempt-declined.v1"),
            Content::Alert { .. } => (Topic::Alerts, ALERT),
        };
        // The same fact has the same id however often it is told.
        let id = format!("{}/{}", announcement.id, announcement.version.0);
        let mut headers = attributes(
            event_type,
            id,
            announcement.account.as_ref(),
            announcement.recorded_at,
        );
        headers.push(("ce_subject", announcement.id.to_string()));
        headers.push(("ce_sequence", announcement.version.0.to_string()));
        if let Some(trace) = &announcement.traceparent {
            headers.push(("traceparent", trace.clone()));
        }
        Self {
            topic,
            event_type,
            key: announcement.id.to_string(),
            headers,
            body: body::of_announcement(announcement),
        }
    }

    /// It belongs to no session, so that it has neither subject nor sequence.
    pub(super) fn of_notice(notice: &Notice) -> Self {
        let id = format!("{}/{}", notice.alert_id, body::status(notice.firing));
        Self {
            topic: Topic::Alerts,
            event_type: ALERT,
            key: notice.key.clone(),
            headers: attributes(ALERT, id, notice.account.as_ref(), notice.at),
            body: body::of_notice(notice),
        }
    }
}

fn attributes(
    event_type: &str,
    id: String,
    account: Option<&AccountName>,
    time: Timestamp,
) -> Vec<(&'static str, String)> {
    let account = account.map_or("-", AccountName::as_str);
    vec![
        ("ce_specversion", "1.0".to_owned()),
        ("ce_type", event_type.to_owned()),
        ("ce_source", format!("/confirmd/accounts/{account}")),
        ("ce_id", id),
        ("ce_time", time.to_string()),
        ("content-type", "application/json".to_owned()),
    ]
}
