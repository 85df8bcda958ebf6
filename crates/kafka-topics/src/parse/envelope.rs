//! The three ways in which an event may be wrapped.

use serde_json::Value;

use super::{Incoming, Object, Unreadable};

const EVENT_TYPE: &str = "checkout.completed.v1";

/// CloudEvents 1.0 in binary mode (attributes in `ce_` headers), in structured mode (attributes around the
/// data), or neither (the data alone).
///
/// Structured is what says so in its content type. Where no header can say it, as in a file, an object that
/// carries `specversion` and no session id is taken for it too.
pub(super) struct Envelope<'a> {
    incoming: &'a Incoming<'a>,
    body: Value,
    structured: bool,
}

impl<'a> Envelope<'a> {
    /// Fails for an event of another type.
    pub(super) fn open(incoming: &'a Incoming<'a>, body: Value) -> Result<Self, Unreadable> {
        let structured = match incoming.header("content-type") {
            Some(content_type) => content_type
                .split(';')
                .next()
                .is_some_and(|media| media.trim().eq_ignore_ascii_case("application/cloudevents+json")),
            None => body.get("specversion").is_some() && body.get("checkoutSessionId").is_none(),
        };
        let envelope = Self {
            incoming,
            body,
            structured,
        };
        for (field, found) in [
            ("ce_type", envelope.incoming.header("ce_type")),
            ("type", envelope.inner("type")),
        ] {
            if found.is_some_and(|found| found != EVENT_TYPE) {
                return Err(Unreadable::new(field, format!("not `{EVENT_TYPE}`")));
            }
        }
        Ok(envelope)
    }

    /// The data, where it is a JSON object.
    pub(super) fn data(&self) -> Option<&Object> {
        if self.structured {
            self.body.get("data")?.as_object()
        } else {
            self.body.as_object()
        }
    }

    pub(super) fn subject(&self) -> Option<&str> {
        self.attribute("subject", "ce_subject")
    }

    pub(super) fn time(&self) -> Option<&str> {
        self.attribute("time", "ce_time")
    }

    /// The distributed tracing extension puts it in a bare header; some send it as an attribute.
    pub(super) fn traceparent(&self) -> Option<&str> {
        self.incoming
            .header("traceparent")
            .or_else(|| self.attribute("traceparent", "ce_traceparent"))
    }

    fn attribute(&self, inner: &str, header: &str) -> Option<&str> {
        self.inner(inner).or_else(|| self.incoming.header(header))
    }

    /// An attribute in structured mode. One that is not a string is no value that we know.
    fn inner(&self, name: &str) -> Option<&str> {
        let value = self
            .body
            .get(name)
            .filter(|value| self.structured && !value.is_null())?;
        Some(value.as_str().unwrap_or("\u{fffd}"))
    }
}
