//! What OpenTelemetry calls a collector: takes spans as OTLP over HTTP, and keeps them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1 as otlp;
use prost::Message as _;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::in_time;

pub(crate) struct Collector {
    pub(crate) url: String,
    heard: Arc<Heard>,
    serving: JoinHandle<()>,
}

struct Heard {
    requests: watch::Sender<Vec<Bytes>>,
    is_away: AtomicBool,
}

/// A span as it was told.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) service: String,
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: String,
    pub(crate) name: String,
    pub(crate) kind: otlp::span::SpanKind,
    pub(crate) is_error: bool,
    pub(crate) nanoseconds: std::ops::RangeInclusive<u64>,
    attributes: Vec<(String, String)>,
}

impl Span {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Heard {
            requests: watch::Sender::new(Vec::new()),
            is_away: AtomicBool::new(false),
        });
        let routes = Router::new()
            .route("/v1/traces", post(take))
            .with_state(heard.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, heard, serving }
    }

    /// From here on it takes nothing, or again.
    pub(crate) fn is_away(&self, is_away: bool) {
        self.heard.is_away.store(is_away, Ordering::Relaxed);
    }

    /// All spans, as soon as they are as `wanted`.
    pub(crate) async fn spans(&self, what: &str, wanted: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let mut requests = self.heard.requests.subscribe();
        let mut spans = Vec::new();
        let told = requests.wait_for(|requests| {
            spans = requests.iter().flat_map(spans_of).collect();
            wanted(&spans)
        });
        in_time(what, told).await.unwrap();
        spans
    }

    /// Everything that was sent here, as text.
    pub(crate) fn text(&self) -> String {
        let requests = self.heard.requests.borrow();
        requests
            .iter()
            .map(|bytes| String::from_utf8_lossy(bytes))
            .collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(
    State(heard): State<Arc<Heard>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Vec<u8>, StatusCode> {
    if heard.is_away.load(Ordering::Relaxed) {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(headers["content-type"], "application/x-protobuf");
    heard.requests.send_modify(|requests| requests.push(body));
    Ok(ExportTraceServiceResponse::default().encode_to_vec())
}

fn spans_of(body: &Bytes) -> Vec<Span> {
    let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
    let mut spans = Vec::new();
    for of_resource in request.resource_spans {
        let resource = texts(of_resource.resource.unwrap_or_default().attributes);
        let service = resource.into_iter().find(|(name, _)| name == "service.name");
        let service = service.map(|(_, name)| name).unwrap_or_default();
        let told = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.extend(told.map(|span| {
            Span {
                service: service.clone(),
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                kind: span.kind(),
                is_error: span
                    .status
                    .is_some_and(|status| status.code == otlp::status::StatusCode::Error as i32),
                nanoseconds: span.start_time_unix_nano..=span.end_time_unix_nano,
                name: span.name,
                attributes: texts(span.attributes),
            }
        }));
    }
    spans
}

fn texts(attributes: Vec<opentelemetry_proto::tonic::common::v1::KeyValue>) -> Vec<(String, String)> {
    let text = |value| match value {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes
        .into_iter()
        .map(|attribute| (attribute.key, text(attribute.value.and_then(|value| value.value))))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
