//! What can go wrong with the call that confirms a session.

use std::time::Duration;

use sandbox::{Fault, Kind, Span, When};

/// Longer than an attempt is waited for.
const TOO_SLOW: Duration = Duration::from_secs(45);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    ResetBefore,
    ResetAfter,
    Error500,
    Error503,
    Throttled,
    Html,
    CutShort,
    SlowBefore,
    SlowAfter,
    Hang,
}

impl Trouble {
    pub(crate) const ALL: [Self; 10] = [
        Self::ResetBefore,
        Self::ResetAfter,
        Self::Error500,
        Self::Error503,
        Self::Throttled,
        Self::Html,
        Self::CutShort,
        Self::SlowBefore,
        Self::SlowAfter,
        Self::Hang,
    ];

    /// What the final table calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ResetBefore => "connection reset, nothing booked",
            Self::ResetAfter => "connection reset, already booked",
            Self::Error500 => "500, already booked",
            Self::Error503 => "503, nothing booked",
            Self::Throttled => "429, too many requests",
            Self::Html => "a gateway's HTML page",
            Self::CutShort => "answer cut short, already booked",
            Self::SlowBefore => "slow, booked after we gave up",
            Self::SlowAfter => "slow, booked at once",
            Self::Hang => "no answer at all",
        }
    }

    /// What confirmd does about it.
    pub(crate) fn remedy(self) -> &'static str {
        match self {
            Self::ResetBefore | Self::Error503 | Self::Html | Self::Hang => {
                "looked up, still open, sent again, same key"
            }
            Self::ResetAfter | Self::Error500 | Self::CutShort | Self::SlowAfter => {
                "looked up, found completed, not sent again"
            }
            Self::SlowBefore => "repeated under the same key, booked once",
            Self::Throttled => "the account slows down, then goes on",
        }
    }

    /// Whether the session is confirmed when it has struck, so that no call comes that another could strike.
    pub(crate) fn has_its_effect(self) -> bool {
        match self {
            Self::ResetAfter | Self::Error500 | Self::CutShort | Self::SlowBefore | Self::SlowAfter => true,
            Self::ResetBefore | Self::Error503 | Self::Throttled | Self::Html | Self::Hang => false,
        }
    }

    /// Strikes one `operation` of `session`.
    pub(crate) fn fault(self, operation: &str, session: &str) -> Fault {
        let (when, kind, status, delay) = match self {
            Self::ResetBefore => (When::Before, Some(Kind::Reset), None, None),
            Self::ResetAfter => (When::After, Some(Kind::Reset), None, None),
            Self::Error500 => (When::After, Some(Kind::Status), Some(500), None),
            Self::Error503 => (When::Before, Some(Kind::Status), Some(503), None),
            Self::Throttled => (When::Before, Some(Kind::Status), Some(429), None),
            Self::Html => (When::Before, Some(Kind::Html), None, None),
            Self::CutShort => (When::After, Some(Kind::Truncate), None, None),
            Self::SlowBefore => (When::Before, None, None, Some(Span(TOO_SLOW))),
            Self::SlowAfter => (When::After, None, None, Some(Span(TOO_SLOW))),
            Self::Hang => (When::Before, Some(Kind::Hang), None, None),
        };
        Fault {
            status,
            delay,
            times: Some(1),
            session: Some(session.to_owned()),
            ..Fault::new(operation, when, kind)
        }
    }
}
