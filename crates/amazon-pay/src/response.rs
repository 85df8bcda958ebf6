//! An answer as it came over the wire, made into an object or an error. Pure: the client has read it already.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use serde_json::Value;

use crate::error::{ApiError, BodyError, Error, UnreadableAnswer};
use crate::model::{Answer, is_disruptive};
use crate::reason::ReasonCode;

const LONGEST_MESSAGE: usize = 1_000;
const LONGEST_WORD: usize = 128;

/// What Amazon answered, with what a caller may want to log or measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response<T> {
    /// The HTTP status: 200, 201 for what was created, or 202 when the payment is being decided.
    pub status: u16,
    /// Amazon's id of this call, which its support asks for.
    pub request_id: Option<String>,
    /// When the server says it answered: compare it with your own clock to learn the skew.
    pub date: Option<Timestamp>,
    /// How long to wait before the next call, where the answer says so; see
    /// [`ApiError::retry_after`](crate::ApiError::retry_after).
    pub retry_after: Option<Duration>,
    /// The object.
    pub value: T,
}

/// Status and headers of an answer.
#[derive(Debug, Default)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) request_id: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) content_type: Option<String>,
}

impl Head {
    pub(crate) fn into_result<T: Answer>(
        self,
        body: Result<Vec<u8>, BodyError>,
    ) -> Result<Response<T>, Error> {
        let date = self.date.as_deref().and_then(http_date);
        let retry_after = self
            .retry_after
            .as_deref()
            .and_then(|text| retry_after(text, date));
        let request_id = self.request_id.and_then(word);
        let content_type = self.content_type.and_then(word);
        let status = self.status;
        if !(200..300).contains(&status) {
            // That the body could not be read is not a second error, but what it would have said is missing.
            let said = body.map_or(Refusal::LOST, |body| Refusal::read(&body));
            let error = ApiError {
                status,
                reason_code: said.reason_code,
                reason_is_lost: said.reason_is_lost,
                message: said.message,
                request_id,
                retry_after,
                date,
                content_type,
            };
            return Err(error.into());
        }
        match body.and_then(|body| T::from_json(without_mark(&body)).map_err(BodyError::Invalid)) {
            Ok(value) => Ok(Response {
                status,
                request_id,
                date,
                retry_after,
                value,
            }),
            Err(because) => Err(UnreadableAnswer {
                status,
                request_id,
                date,
                content_type,
                because,
            }
            .into()),
        }
    }
}

/// What the body of a refusal says.
struct Refusal {
    reason_code: Option<ReasonCode>,
    reason_is_lost: bool,
    message: Option<String>,
}

impl Refusal {
    const LOST: Self = Self {
        reason_code: None,
        reason_is_lost: true,
        message: None,
    };

    fn read(body: &[u8]) -> Self {
        let Ok(Value::Object(mut body)) = serde_json::from_slice(without_mark(body)) else {
            return Self::LOST;
        };
        let said = body.remove("reasonCode").unwrap_or_default();
        let text = said.as_str().map(str::trim);
        let reason_code = text.and_then(|text| word(text.to_owned())).map(ReasonCode::from);
        let says_nothing = said.is_null() || text == Some("");
        // One line, so that a message cannot forge a second entry in someone's log.
        let message = body.get("message").and_then(Value::as_str).map(|message| {
            message
                .chars()
                .map(|c| if is_disruptive(c) { ' ' } else { c })
                .take(LONGEST_MESSAGE)
                .collect()
        });
        Self {
            reason_is_lost: reason_code.is_none() && !says_nothing,
            reason_code,
            message,
        }
    }
}

/// JSON has no byte order mark, and some that write it do.
fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// Short visible ASCII; anything else is not what the field is for.
fn word(text: String) -> Option<String> {
    let fits = (1..=LONGEST_WORD).contains(&text.len()) && text.bytes().all(|b| (b' '..=b'~').contains(&b));
    fits.then_some(text)
}

fn http_date(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

/// Whole seconds, or a date. A fraction, which HTTP does not know, is rounded up: too late is polite.
fn retry_after(text: &str, date: Option<Timestamp>) -> Option<Duration> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if is_number(whole) && is_number(fraction) {
        let begun = u64::from(fraction.bytes().any(|digit| digit != b'0'));
        // A wait that is more than a number holds is a wait all the same.
        let wait = whole
            .parse::<u64>()
            .ok()
            .and_then(|seconds| seconds.checked_add(begun));
        return Some(wait.map_or(Duration::MAX, Duration::from_secs));
    }
    // A date is a distance only from the server's own clock; one in the past means "now".
    let until = http_date(text)?.duration_since(date?);
    Some(Duration::try_from(until).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Head, http_date, retry_after};
    use crate::error::{BodyError, Error};
    use crate::model::CheckoutSession;

    #[test]
    fn retry_after_is_seconds_or_a_date_counted_from_the_servers_own() {
        let date = http_date("Mon, 05 Jan 2026 10:15:30 GMT");
        assert_eq!(date, Some("2026-01-05T10:15:30Z".parse().unwrap()));
        for (text, date, wait) in [
            ("7", None, Some(7)),
            ("0", date, Some(0)),
            ("Mon, 05 Jan 2026 10:16:00 GMT", date, Some(30)),
            ("Mon, 05 Jan 2026 10:15:00 GMT", date, Some(0)),
            ("Mon, 05 Jan 2026 10:16:00 GMT", None, None),
            ("soon", date, None),
            ("-1", date, None),
            ("", date, None),
            (" 30 ", None, Some(30)),
            ("30.0", None, Some(30)),
            ("30.5", None, Some(31)),
            ("0.001", None, Some(1)),
            ("30.", None, None),
            ("1.2.3", None, None),
            ("1e3", None, None),
        ] {
            assert_eq!(retry_after(text, date), wait.map(Duration::from_secs), "{text}");
        }
        for text in [
            "18446744073709551616",
            "99999999999999999999999999",
            "18446744073709551615.5",
        ] {
            assert_eq!(retry_after(text, date), Some(Duration::MAX), "{text}");
        }
    }

    #[test]
    fn an_error_message_stays_on_one_line_and_short() {
        let body = format!(
            r#"{{"reasonCode":"Odd\ncode","message":"a\nb\u2028c{}"}}"#,
            "x".repeat(5_000)
        );
        let head = Head {
            status: 400,
            ..Head::default()
        };
        let Err(Error::Api(error)) = head.into_result::<CheckoutSession>(Ok(body.into_bytes())) else {
            panic!("a 400 is an error")
        };
        assert_eq!(error.reason_code, None);
        let message = error.message.unwrap();
        assert!(
            message.starts_with("a b cx") && message.len() == 1_000,
            "{message}"
        );
    }

    #[test]
    fn an_unreadable_body_of_a_refusal_is_still_the_refusal() {
        let head = Head {
            status: 503,
            ..Head::default()
        };
        let answer = head.into_result::<CheckoutSession>(Err(BodyError::TooLarge));
        assert!(matches!(answer, Err(Error::Api(error)) if error.status == 503 && error.message.is_none()));
    }
}
