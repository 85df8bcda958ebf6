//! One trace a session: from the shop's event through the log and Amazon Pay to the outcome, as OTLP over HTTP.
//!
//! A session may be worked on by several processes, hours apart. What connects them is on record: the log keeps, as W3C
//! `traceparent`, the span in which the event was taken in, and everything that anybody does later is a child of that one.
//! Nobody waits for a collector, and nothing is lost with one but its picture.

mod exporter;
mod sending;
mod spans;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use checkout::Timestamp;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanEvents, SpanLinks, SpanProcessor,
};
use reconciler::Arrival;
use reconciler::ports::Chance;

use crate::chance::Drawn;
pub(crate) use sending::Traced;

/// A span waits no longer than this for company.
const SENT_AFTER: Duration = Duration::from_secs(1);
/// How long the last spans may take to be sent at the end.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Where spans go: nowhere, unless a collector is configured.
#[derive(Clone, Default)]
pub(crate) struct Traces(Option<Arc<Told>>);

struct Told {
    processor: BatchSpanProcessor,
    chance: Drawn,
}

/// A span of ours within its trace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    trace: TraceId,
    span: SpanId,
    /// What it is a child of; invalid where it is the first.
    parent: SpanId,
    /// Whether that is somebody else's.
    parent_is_remote: bool,
}

impl Place {
    /// As it is handed on.
    pub(crate) fn traceparent(&self) -> String {
        format!("00-{}-{}-01", self.trace, self.span)
    }
}

/// What a span says.
pub(crate) struct Span {
    name: String,
    kind: SpanKind,
    from: Timestamp,
    to: Timestamp,
    /// What went wrong, in a word.
    error: Option<&'static str>,
    attributes: Vec<KeyValue>,
}

impl Traces {
    /// Tells the collector at this URL, to which `/v1/traces` is added. Must not be called from within an async runtime.
    pub(crate) fn to(endpoint: &str) -> anyhow::Result<Self> {
        let resource = Resource::builder()
            .with_service_name("confirmd")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let config = BatchConfigBuilder::default()
            .with_scheduled_delay(SENT_AFTER)
            .build();
        let mut processor = BatchSpanProcessor::builder(exporter::to(endpoint)?)
            .with_batch_config(config)
            .build();
        processor.set_resource(&resource);
        Ok(Self(Some(Arc::new(Told {
            processor,
            chance: Drawn::from_os(),
        }))))
    }

    pub(crate) fn are_told(&self) -> bool {
        self.0.is_some()
    }

    /// In the event's own trace, or at the beginning of one. None where nobody listens, or where the event says that its
    /// trace is not sampled.
    fn place_of_arrival(&self, traceparent: Option<&str>) -> Option<Place> {
        let told = self.0.as_ref()?;
        match traceparent.and_then(known) {
            Some((_, _, false)) => None,
            Some((trace, parent, true)) => Some(told.place(trace, parent, true)),
            None => {
                let trace = TraceId::from_bytes(told.chance.bits().to_be_bytes());
                Some(told.place(trace, SpanId::INVALID, false))
            }
        }
    }

    /// Where a later step of a session stands; none where that is not told.
    pub(crate) fn place_in(&self, traceparent: Option<&str>) -> Option<Place> {
        let told = self.0.as_ref()?;
        let (trace, parent, is_sampled) = traceparent.and_then(known)?;
        is_sampled.then(|| told.place(trace, parent, false))
    }

    /// Hands a span over; it is dropped where the collector is too far behind.
    pub(crate) fn tell(&self, place: Place, span: Span) {
        let Some(told) = &self.0 else { return };
        let flags = TraceFlags::SAMPLED;
        told.processor.on_end(SpanData {
            span_context: SpanContext::new(place.trace, place.span, flags, false, TraceState::default()),
            parent_span_id: place.parent,
            parent_span_is_remote: place.parent_is_remote,
            span_kind: span.kind,
            name: span.name.into(),
            start_time: system_time(span.from),
            end_time: system_time(span.to.max(span.from)),
            attributes: span.attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: span.error.map_or(Status::Unset, Status::error),
            instrumentation_scope: InstrumentationScope::builder("confirmd").build(),
        });
    }

    /// Begins the taking in of these: what is recorded of each names the span in which that was done.
    pub(crate) fn begin(&self, arrivals: &mut [Arrival], now: Timestamp) -> Vec<(Place, Span)> {
        let mut begun = Vec::new();
        for arrival in arrivals {
            if let Some(place) = self.place_of_arrival(arrival.traceparent.as_deref()) {
                arrival.traceparent = Some(place.traceparent());
                begun.push((place, Span::of_arrival(arrival, now)));
            }
        }
        begun
    }

    /// Tells all of these as ended now; what went wrong, if anything, in a few words.
    pub(crate) fn end_all(&self, spans: Vec<(Place, Span)>, now: Timestamp, error: Option<&'static str>) {
        for (place, span) in spans {
            self.tell(place, span.ended(now, error));
        }
    }

    /// Sends what is left. Must not be called from within an async runtime.
    pub(crate) fn end(&self) {
        if let Some(told) = &self.0 {
            // What a collector that is away does not hear is nobody's loss; that it is away has been said.
            let _ = told.processor.shutdown_with_timeout(LAST_WORDS);
        }
    }
}

impl Told {
    fn place(&self, trace: TraceId, parent: SpanId, parent_is_remote: bool) -> Place {
        let [a, b, c, d, e, f, g, h, ..] = self.chance.bits().to_be_bytes();
        Place {
            trace,
            span: SpanId::from_bytes([a, b, c, d, e, f, g, h]),
            parent,
            parent_is_remote,
        }
    }
}

/// The trace, the span and whether it is sampled, of a `traceparent` that was checked when it came.
fn known(traceparent: &str) -> Option<(TraceId, SpanId, bool)> {
    let mut parts = traceparent.split('-').skip(1);
    let trace = TraceId::from_hex(parts.next()?).ok()?;
    let span = SpanId::from_hex(parts.next()?).ok()?;
    let flags = u8::from_str_radix(parts.next()?, 16).ok()?;
    Some((trace, span, TraceFlags::new(flags).is_sampled()))
}

fn system_time(at: Timestamp) -> SystemTime {
    let since = Duration::from_micros(u64::try_from(at.as_micros()).unwrap_or_default());
    SystemTime::UNIX_EPOCH + since
}
