//! What the API answers when it refuses: a status and Amazon's two-field body.

use std::borrow::Cow;

use serde_json::{Value, json};

/// A refused call. Like Amazon's own, `message` quotes the value that was wrong, personal or not: whoever writes
/// it into a log is to be found out by a test, not by a buyer.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) reason: Cow<'static, str>,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, reason: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            status,
            reason: reason.into(),
            message: message.into(),
        }
    }

    pub(crate) fn invalid_value(field: &str, value: &Value, why: &str) -> Self {
        Self::new(
            400,
            "InvalidParameterValue",
            format!("{field}: {} {why}", quoted(value)),
        )
    }

    pub(crate) fn missing_value(field: &str) -> Self {
        Self::new(400, "MissingParameterValue", format!("{field} is required"))
    }

    pub(crate) fn not_found(what: &str, id: Option<&str>) -> Self {
        let id = id.unwrap_or_default();
        Self::new(404, "ResourceNotFound", format!("{what} '{id}' does not exist"))
    }

    pub(crate) fn wrong_state(why: &str) -> Self {
        Self::new(422, "InvalidCheckoutSessionStatus", why)
    }

    pub(crate) fn simulation(why: impl Into<String>) -> Self {
        Self::new(400, "InvalidSandboxSimulationSpecified", why)
    }

    pub(crate) fn body(&self) -> Value {
        json!({"reasonCode": self.reason, "message": self.message})
    }
}

/// A value as a message quotes it; a very long one, its beginning.
pub(crate) fn quoted(value: &Value) -> String {
    const MOST: usize = 300;
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("'{}…'", &text[..end]),
        None => format!("'{text}'"),
    }
}
