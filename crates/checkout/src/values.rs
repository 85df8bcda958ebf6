//! Parsed values: outside text becomes one of these once, at the edge; past it nobody checks again.

use std::fmt;
use std::time::Duration;

/// Why a text is not the name it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {rule}")]
pub struct NotAName {
    what: &'static str,
    rule: &'static str,
}

/// Amazon's id of a checkout session.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(String);

impl SessionId {
    /// The id becomes a URL path segment. What could change the path is refused here, once, instead of
    /// being escaped at every call.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let readable =
            (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if readable {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAName {
                what: "a checkout session id",
                rule: "1 to 64 of A-Z, a-z, 0-9 and -",
            })
        }
    }

    /// The id as Amazon spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name under which a merchant account stands in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountName(String);

impl AccountName {
    /// A name is a metric label, a TOML key and a part of `ce_source`: lower case, digits, underscore,
    /// beginning with a letter, at most 64.
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let readable = text.len() <= 64
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if readable {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAName {
                what: "an account name",
                rule: "a lower-case letter, then at most 63 of a-z, 0-9 and _",
            })
        }
    }

    /// The name as configured.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key under which Amazon recognises a repeated request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Amazon takes at most 32 of `a-z A-Z 0-9 - _` (reference, section 3).
    pub fn parse(text: &str) -> Result<Self, NotAName> {
        let readable = (1..=32).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if readable {
            Ok(Self(text.to_owned()))
        } else {
            Err(NotAName {
                what: "an idempotency key",
                rule: "1 to 32 of A-Z, a-z, 0-9, - and _",
            })
        }
    }

    /// A key from 128 drawn bits: 32 hexadecimal digits.
    pub fn from_bits(bits: u128) -> Self {
        Self(format!("{bits:032x}"))
    }

    /// The key as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which of a session's stored request bodies: the bytes themselves never enter an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BodyRef(pub u32);

/// Which of a session's personal records (addresses, supplementary data). Two statements that say the
/// same share one, so that equality of statements needs no personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrivateRef(pub u32);

/// Why a text is not a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a time must be RFC 3339, such as 2026-01-05T10:00:00Z")]
pub struct NotATime;

/// UTC in whole microseconds, as PostgreSQL keeps it: what is read back equals what was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

/// The years 0001 to 9999, which RFC 3339 can write; arithmetic saturates there.
const EARLIEST: i64 = -62_135_596_800_000_000;
const LATEST: i64 = 253_402_207_200_000_000;

impl Timestamp {
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(EARLIEST, LATEST))
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 with any offset.
    pub fn parse(text: &str) -> Result<Self, NotATime> {
        let parsed: jiff::Timestamp = text.parse().map_err(|_| NotATime)?;
        Ok(Self::from_micros(parsed.as_microsecond()))
    }

    /// This much later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self::from_micros(self.0.saturating_add(micros(duration)))
    }

    /// This much earlier.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self::from_micros(self.0.saturating_sub(micros(duration)))
    }

    /// The time passed since `earlier`; zero if that is not in the past.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant =
            jiff::Timestamp::from_microsecond(self.0).expect("clamped to the years that jiff can hold");
        write!(f, "{instant}")
    }
}
