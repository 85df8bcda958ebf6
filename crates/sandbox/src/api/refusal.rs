//! What the API answers when it refuses: a status and Amazon's two-field body.

use std::borrow::Cow;

use serde_json::{Value, json};

/// A refused call. `message` may name fields and headers, never the values of personal fields.
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

    pub(crate) fn invalid_value(field: &str, why: &str) -> Self {
        Self::new(400, "InvalidParameterValue", format!("{field}: {why}"))
    }

    pub(crate) fn missing_value(field: &str) -> Self {
        Self::new(400, "MissingParameterValue", format!("{field} is required"))
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(404, "ResourceNotFound", format!("{what} does not exist"))
    }

    pub(crate) fn wrong_state(why: &str) -> Self {
        Self::new(422, "InvalidCheckoutSessionStatus", why)
    }

    pub(crate) fn body(&self) -> Value {
        json!({"reasonCode": self.reason, "message": self.message})
    }
}
