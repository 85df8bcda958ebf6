//! The control API: what a test does to the world outside the program that it tests.

pub(crate) mod faults;
pub(crate) mod guard;
pub(crate) mod new_session;
mod page;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::shared::{ControlError, Shared};
use crate::time::span::Span;
use crate::time::stamp;
use crate::unknowns::{self, Unknowns};
use crate::wire::merchants::MerchantStatus;

/// A status, and a body of some kind; none for 204.
pub(crate) struct ControlAnswer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    /// Where the browser goes next.
    pub(crate) location: Option<&'static str>,
}

impl ControlAnswer {
    fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            content_type: "application/json",
            body: Bytes::from(body.to_string()),
            location: None,
        }
    }

    fn nothing() -> Self {
        Self {
            status: 204,
            content_type: "application/json",
            body: Bytes::new(),
            location: None,
        }
    }

    fn pem(pem: &[u8]) -> Self {
        Self {
            status: 200,
            content_type: "application/x-pem-file",
            body: Bytes::copy_from_slice(pem),
            location: None,
        }
    }

    fn page(page: String) -> Self {
        Self {
            status: 200,
            content_type: "text/html; charset=utf-8",
            body: Bytes::from(page),
            location: None,
        }
    }

    /// After a button: the page anew, by a GET.
    fn back_to_the_page() -> Self {
        Self {
            status: 303,
            location: Some("/"),
            ..Self::nothing()
        }
    }

    pub(crate) fn forbidden(why: &str) -> Self {
        Self::json(403, &json!({"error": why}))
    }

    fn refused(error: &ControlError) -> Self {
        let status = match error {
            ControlError::Invalid(_) => 400,
            ControlError::NotFound(_) => 404,
            ControlError::Failed(_) => 500,
            ControlError::Conflict(_) => 409,
        };
        Self::json(status, &json!({"error": error.to_string()}))
    }
}

/// Answers one control call.
pub(crate) fn answer(shared: &Shared, method: &str, path: &str, body: &Bytes) -> ControlAnswer {
    let path = path.trim_matches('/');
    let segments: Vec<&str> = path.split('/').collect();
    route(shared, method, &segments, body).unwrap_or_else(|error| ControlAnswer::refused(&error))
}

fn route(shared: &Shared, method: &str, path: &[&str], body: &Bytes) -> Result<ControlAnswer, ControlError> {
    let answer = match (method, path) {
        ("GET", [""]) => ControlAnswer::page(page::shown(shared)),
        ("POST", ["page", button @ ..]) => {
            page::pressed(shared, button)?;
            ControlAnswer::back_to_the_page()
        }
        ("POST", ["sessions"]) => ControlAnswer::json(201, &shared.make_session(read(body)?)?),
        ("POST", ["sessions", id, "buyer"]) => ControlAnswer::json(200, &shared.buyer(id, read(body)?)?),
        ("POST", ["permissions", id, "buyer"]) => {
            shared.buyer_of_permission(id, read(body)?)?;
            ControlAnswer::nothing()
        }
        ("POST", ["merchants", account]) => {
            let MerchantChange { status } = read(body)?;
            shared.set_merchant(account, status)?;
            ControlAnswer::json(200, &json!({"account": account, "status": status}))
        }
        ("GET", ["clock"]) => clock(shared),
        ("POST", ["clock"]) => {
            move_clock(shared, read(body)?)?;
            clock(shared)
        }
        ("POST", ["faults"]) => ControlAnswer::json(201, &json!({"id": shared.post_fault(read(body)?)?})),
        ("DELETE", ["faults"]) => {
            shared.clear_faults();
            ControlAnswer::nothing()
        }
        ("GET", ["unknowns"]) => ControlAnswer::json(200, &unknowns::documented(&shared.unknowns())),
        ("POST", ["unknowns"]) => {
            shared.set_unknowns(changed(&shared.unknowns(), read(body)?)?);
            ControlAnswer::json(200, &unknowns::plain(&shared.unknowns()))
        }
        ("GET", ["books"]) => {
            let mut books = shown(&shared.books());
            books["notifications"] = shown(&shared.notifications());
            ControlAnswer::json(200, &books)
        }
        ("GET", ["ipn"]) => ControlAnswer::json(200, &json!({"merchants": shared.ipn()?})),
        ("POST", ["ipn"]) => ControlAnswer::json(200, &shown(&shared.set_ipn(read(body)?)?)),
        ("DELETE", ["ipn"]) => {
            let Account { account } = read(body)?;
            shared.clear_ipn(account.as_deref())?;
            ControlAnswer::nothing()
        }
        ("POST", ["ipn", "faults"]) => {
            shared.post_ipn_fault(read(body)?)?;
            ControlAnswer::nothing()
        }
        ("DELETE", ["ipn", "faults"]) => {
            shared.clear_ipn_faults();
            ControlAnswer::nothing()
        }
        ("GET", ["ipn", "certificate.pem"]) => ControlAnswer::pem(&shared.signing()?.certificate_pem),
        ("GET", ["ipn", "ca.pem"]) => ControlAnswer::pem(&shared.signing()?.ca_pem),
        _ => {
            return Err(ControlError::NotFound(format!(
                "there is no {method} /{}",
                path.join("/")
            )));
        }
    };
    Ok(answer)
}

/// An empty body is an empty object.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, ControlError> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| ControlError::Invalid(error.to_string()))
}

fn shown<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).expect("our own types have string keys and serialise without error")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MerchantChange {
    status: MerchantStatus,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    account: Option<String>,
}

/// One move, or several: the time first, then the speed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockMove {
    set: Option<String>,
    advance: Option<Span>,
    speed: Option<f64>,
}

impl ClockMove {
    fn advance(by: Span) -> Self {
        Self {
            set: None,
            advance: Some(by),
            speed: None,
        }
    }

    fn speed(speed: f64) -> Self {
        Self {
            set: None,
            advance: None,
            speed: Some(speed),
        }
    }
}

fn clock(shared: &Shared) -> ControlAnswer {
    let speed = shared.settable.as_ref().map(crate::SettableClock::speed);
    ControlAnswer::json(200, &json!({"now": shared.now().to_string(), "speed": speed}))
}

fn move_clock(shared: &Shared, change: ClockMove) -> Result<(), ControlError> {
    let clock = shared.settable.as_ref().ok_or_else(|| {
        ControlError::Conflict("the clock belongs to the program around the sandbox".to_owned())
    })?;
    let invalid = |why: &str| ControlError::Invalid(why.to_owned());
    if change
        .speed
        .is_some_and(|speed| !speed.is_finite() || speed < 0.0)
    {
        return Err(invalid("speed: 0 or more"));
    }
    let set = change
        .set
        .map(|text| stamp::parse(&text).ok_or_else(|| invalid("set: RFC 3339")))
        .transpose()?;
    if let Some(moment) = set {
        clock.set(moment);
    }
    if let Some(Span(by)) = change.advance {
        clock.advance(by).map_err(|error| invalid(&error.to_string()))?;
    }
    if let Some(speed) = change.speed {
        clock.set_speed(speed);
    }
    Ok(())
}

/// The switches with some of them set anew.
fn changed(set: &Unknowns, change: serde_json::Map<String, Value>) -> Result<Unknowns, ControlError> {
    let mut fields = unknowns::plain(set);
    if let Value::Object(fields) = &mut fields {
        fields.extend(change);
    }
    serde_json::from_value(fields).map_err(|error| ControlError::Invalid(error.to_string()))
}
