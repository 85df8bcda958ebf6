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
        let event_type = event_type(&announcement.content);
        let topic = match event_type {
            ALERT => Topic::Alerts,
            _ => Topic::Outcomes,
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

/// The `ce_type` under which this is told.
#[must_use]
pub fn event_type(content: &Content) -> &'static str {
    match content {
        Content::Confirmed { .. } => "checkout.confirmed.v1",
        Content::Declined { .. } => "checkout.declined.v1",
        Content::Cancelled { .. } => "checkout.cancelled.v1",
        Content::Expired { .. } => "checkout.expired.v1",
        Content::Unresolved { .. } => "checkout.unresolved.v1",
        Content::PaymentPending { .. } => "checkout.payment-pending.v1",
        Content::AttemptDeclined { .. } => "checkout.attempt-declined.v1",
        Content::Alert { .. } => ALERT,
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
