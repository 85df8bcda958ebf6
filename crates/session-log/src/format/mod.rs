//! What facts and personal data look like at rest: a promise to every later version of the program.
//!
//! The model knows nothing of it. Each format number has a module of its own whose types change no more once
//! released; a golden file holds it to that. A field may be added to a format if readers can do without it. Anything
//! else is a new number, and the old module then turns what it reads into the new one's.

mod details_v1;
mod event_v1;
mod personal_v1;
mod words_v1;

use checkout::Event;
use reconciler::{BuyerDetails, Personal};

/// A fact in the columns of the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StoredEvent {
    /// The model's name of the fact.
    pub(crate) kind: &'static str,
    /// Which format the body has.
    pub(crate) format: i32,
    /// A JSON object.
    pub(crate) body: String,
}

/// Why stored data cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotReadable {
    #[error(
        "`{what}` is stored in format {format}, which this confirmd does not know: a newer one has written it"
    )]
    UnknownFormat { what: String, format: i64 },
    #[error("`{what}` is not stored as format {format} says: {problem}")]
    Malformed {
        what: String,
        format: i64,
        problem: String,
    },
}

pub(crate) fn store_event(event: &Event) -> StoredEvent {
    StoredEvent {
        kind: event.name(),
        format: 1,
        body: event_v1::store(event),
    }
}

pub(crate) fn read_event(kind: &str, format: i64, body: &str) -> Result<Event, NotReadable> {
    let read = match format {
        1 => event_v1::read(kind, body),
        _ => return Err(unknown(kind, format)),
    };
    read.map_err(|problem| malformed(kind, format, problem))
}

/// The format number that [`store_personal`] writes.
pub(crate) const PERSONAL_FORMAT: i32 = 1;

pub(crate) fn store_personal(personal: &Personal) -> String {
    personal_v1::store(personal)
}

pub(crate) fn read_personal(format: i64, content: &str) -> Result<Personal, NotReadable> {
    match format {
        // What the parser says could quote what it met.
        1 => personal_v1::read(content).map_err(|_| malformed("personal", format, "not its JSON".to_owned())),
        _ => Err(unknown("personal", format)),
    }
}

/// The format number that [`store_details`] writes.
pub(crate) const DETAILS_FORMAT: i32 = 1;

pub(crate) fn store_details(details: &BuyerDetails) -> String {
    details_v1::store(details)
}

pub(crate) fn read_details(format: i64, content: &str) -> Result<BuyerDetails, NotReadable> {
    match format {
        1 => details_v1::read(content).map_err(|_| malformed("details", format, "not its JSON".to_owned())),
        _ => Err(unknown("details", format)),
    }
}

fn unknown(what: &str, format: i64) -> NotReadable {
    NotReadable::UnknownFormat {
        what: what.to_owned(),
        format,
    }
}

fn malformed(what: &str, format: i64, problem: String) -> NotReadable {
    NotReadable::Malformed {
        what: what.to_owned(),
        format,
        problem,
    }
}

#[cfg(test)]
mod tests;
