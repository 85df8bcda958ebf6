//! What each step of a session says of itself. Ids, names of accounts and Amazon's codes; never what a person is or has written.

use checkout::{Event, SessionId, Timestamp};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use provider::{CallReport, CallResult};
use reconciler::{Announcement, Arrival};

use super::Span;

const SESSION: &str = "confirmd.session";
const ACCOUNT: &str = "confirmd.account";

impl Span {
    /// The event of a session is taken in: heard, decided about and on record.
    pub(crate) fn of_arrival(arrival: &Arrival, from: Timestamp) -> Self {
        let mut attributes = messaging("process");
        attributes.push(KeyValue::new(SESSION, arrival.id.to_string()));
        let partition = arrival.partition.to_string();
        attributes.push(KeyValue::new("messaging.destination.partition.id", partition));
        if let Some(account) = &arrival.statement.account {
            attributes.push(KeyValue::new(ACCOUNT, account.to_string()));
        }
        Self {
            name: "process checkout.completed".to_owned(),
            kind: SpanKind::Consumer,
            from,
            to: from,
            error: None,
            attributes,
        }
    }

    /// Facts of one session are put on record.
    pub(crate) fn of_append(id: &SessionId, facts: &[Event], from: Timestamp) -> Self {
        let names: Vec<&str> = facts.iter().map(Event::name).collect();
        Self {
            name: "append".to_owned(),
            kind: SpanKind::Client,
            from,
            to: from,
            error: None,
            attributes: vec![
                KeyValue::new(SESSION, id.to_string()),
                KeyValue::new("confirmd.facts", names.join(" ")),
            ],
        }
    }

    /// Amazon Pay was asked.
    pub(crate) fn of_call(report: &CallReport<'_>) -> Self {
        let mut attributes = vec![KeyValue::new(ACCOUNT, report.account.to_string())];
        let answer = report.answer;
        if let Some(status) = answer.status {
            attributes.push(KeyValue::new("http.response.status_code", i64::from(status)));
        }
        for (name, value) in [
            ("amazon_pay.reason_code", &answer.reason_code),
            ("amazon_pay.request_id", &answer.request_id),
        ] {
            if let Some(value) = value {
                attributes.push(KeyValue::new(name, value.clone()));
            }
        }
        let error = (report.result != CallResult::Ok).then(|| report.result.name());
        if let Some(error) = error {
            attributes.push(KeyValue::new("error.type", error));
        }
        Self {
            name: format!("Amazon Pay {}", report.operation.name()),
            kind: SpanKind::Client,
            from: report.begun_at,
            to: report.ended_at,
            error,
            attributes,
        }
    }

    /// A fact is told.
    pub(crate) fn of_sending(announcement: &Announcement, from: Timestamp) -> Self {
        let mut attributes = messaging("send");
        attributes.push(KeyValue::new(SESSION, announcement.id.to_string()));
        let message = format!("{}/{}", announcement.id, announcement.version.0);
        attributes.push(KeyValue::new("messaging.message.id", message));
        if let Some(account) = &announcement.account {
            attributes.push(KeyValue::new(ACCOUNT, account.to_string()));
        }
        Self {
            name: format!("send {}", kafka_topics::event_type(&announcement.content)),
            kind: SpanKind::Producer,
            from,
            to: from,
            error: None,
            attributes,
        }
    }

    /// It is over; what went wrong, if anything, in a few words.
    pub(crate) fn ended(self, to: Timestamp, error: Option<&'static str>) -> Self {
        Self { to, error, ..self }
    }
}

fn messaging(operation: &'static str) -> Vec<KeyValue> {
    vec![
        KeyValue::new("messaging.system", "kafka"),
        KeyValue::new("messaging.operation.type", operation),
    ]
}
