//! One message of `checkout.completed`, read as far as it can be.
//!
//! ```text
//!   bytes, headers ─► envelope (binary, structured, bare) ─► session id ─┬─► fields ─► Arrival
//!                                                                        └─► Unreadable
//! ```
//!
//! Whatever has a readable session id becomes an [`Arrival`]: what is wrong with its fields is a flaw of the
//! statement, and the session keeps its clock. Only the rest is [`Unreadable`].
//!
//! Of a key that a JSON object has twice, the last one counts; so does the last of two headers of one name.

mod envelope;
mod fields;

use std::collections::BTreeSet;
use std::str;

use checkout::{AccountName, SessionId, Timestamp};
use reconciler::Arrival;
use serde_json::{Map, Value};

use envelope::Envelope;

/// The merchant accounts that are configured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accounts(BTreeSet<AccountName>);

impl Accounts {
    /// These.
    pub fn new(names: impl IntoIterator<Item = AccountName>) -> Self {
        Self(names.into_iter().collect())
    }

    fn contains(&self, name: &AccountName) -> bool {
        self.0.contains(name)
    }

    /// The one that an event need not name.
    fn only(&self) -> Option<&AccountName> {
        self.0.first().filter(|_| self.0.len() == 1)
    }
}

/// A message as the broker gave it.
#[derive(Clone, Copy)]
pub struct Incoming<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
    /// The offset in it.
    pub offset: i64,
    /// The broker's, or the producer's, timestamp.
    pub timestamp: Option<Timestamp>,
    /// The headers, in order.
    pub headers: &'a [(String, Option<Vec<u8>>)],
    /// The bytes.
    pub payload: Option<&'a [u8]>,
}

impl Incoming<'_> {
    /// `topic/partition/offset`.
    pub fn source(&self) -> String {
        format!("{}/{}/{}", self.topic, self.partition, self.offset)
    }

    /// The last header of this name, in any case, where it is text.
    fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self
            .headers
            .iter()
            .rev()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        // What is not text is no value that we know.
        Some(str::from_utf8(value.as_deref()?).unwrap_or("\u{fffd}"))
    }
}

/// A message without a readable session id. Would be so however often it is read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {reason}")]
pub struct Unreadable {
    /// What is wrong, without quoting the message.
    pub reason: String,
    /// Where: a field of the data, `body`, or the CloudEvents attribute.
    pub field: String,
}

impl Unreadable {
    fn new(field: &str, reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            field: field.to_owned(),
        }
    }
}

/// Reads one message. `now` stands in for the event's time where neither the event nor the broker tells it.
///
/// The event's time is CloudEvents' `time`; where that is missing or not a time, the message's timestamp. The
/// statement's reference to personal data is a placeholder, which the reconciler replaces.
pub fn parse(incoming: &Incoming<'_>, accounts: &Accounts, now: Timestamp) -> Result<Arrival, Unreadable> {
    let payload = incoming
        .payload
        .filter(|payload| !payload.is_empty())
        .ok_or_else(|| Unreadable::new("body", "the message has no body"))?;
    // serde_json's errors tell the place and what was expected there, never the text.
    let body: Value = serde_json::from_slice(payload)
        .map_err(|error| Unreadable::new("body", format!("not JSON: {error}")))?;
    let envelope = Envelope::open(incoming, body)?;
    let (id, id_is_subject) = session_id(&envelope)?;
    let read = fields::read(envelope.data(), id_is_subject, accounts);
    Ok(Arrival {
        id,
        statement: read.statement,
        personal: read.personal,
        said_at: envelope
            .time()
            .and_then(|time| Timestamp::parse(time).ok())
            .or(incoming.timestamp)
            .unwrap_or(now),
        session_created_at: read.session_created_at,
        traceparent: envelope
            .traceparent()
            .filter(|text| is_traceparent(text))
            .map(str::to_owned),
        partition: u32::try_from(incoming.partition).unwrap_or(0),
    })
}

/// The session's id, and whether it is the subject because the data's own cannot be read. An id that stands
/// there and cannot be read is a flaw rather than the end of it, where the subject still tells the session.
fn session_id(envelope: &Envelope<'_>) -> Result<(SessionId, bool), Unreadable> {
    const FIELD: &str = "checkoutSessionId";
    let own = envelope
        .data()
        .and_then(|data| data.get(FIELD))
        .filter(|own| !own.is_null());
    let subject = envelope
        .subject()
        .and_then(|subject| SessionId::parse(subject).ok());
    match own {
        None => subject.map(|id| (id, false)).ok_or_else(|| {
            Unreadable::new(
                FIELD,
                "missing, and no CloudEvents subject stands in for it that could be one",
            )
        }),
        Some(own) => {
            let read = match own {
                Value::String(text) => SessionId::parse(text).map_err(|error| error.to_string()),
                _ => Err("must be a string".to_owned()),
            };
            match (read, subject) {
                (Ok(id), _) => Ok((id, false)),
                (Err(_), Some(id)) => Ok((id, true)),
                (Err(reason), None) => Err(Unreadable::new(FIELD, reason)),
            }
        }
    }
}

/// W3C Trace Context: `version-trace-parent-flags` in lower-case hexadecimal, neither id all zero. Later
/// versions may append to it; what is appended would be lost on the way, so those are left out.
fn is_traceparent(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, parent, flags] = parts.as_slice() else {
        return false;
    };
    let hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let zero = |part: &str| part.bytes().all(|b| b == b'0');
    hex(version, 2)
        && hex(trace, 32)
        && hex(parent, 16)
        && hex(flags, 2)
        && *version != "ff"
        && !zero(trace)
        && !zero(parent)
}

type Object = Map<String, Value>;
