//! What a database error means: come again, or never.

use std::error::Error;

use reconciler::ports::LogError;

use crate::format::NotReadable;
use crate::patience::TimeIsUp;

/// Why a statement did not do its work.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Nothing is wrong with what was asked: the database is away, busy, or not as it should be.
    Away(Cause),
    /// So is the connection: a new one may do.
    Broken(Cause),
    /// The database refuses these data.
    Refused(Cause),
}

/// What happened, in words that hold no data: what a database says of a refusal can quote the row.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Cause(String);

impl Cause {
    pub(crate) fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(told) => {
                let code = told.code().unwrap_or_default().into_owned();
                if told.is_check_violation()
                    || told.is_unique_violation()
                    || told.is_foreign_key_violation()
                    || blames_the_data(&code)
                {
                    let constraint = told.constraint().map(|name| format!(", constraint {name}"));
                    let table = told.table().map(|name| format!(", table {name}"));
                    Self::Refused(Cause(format!(
                        "the database refuses the data (code {code}{}{})",
                        table.unwrap_or_default(),
                        constraint.unwrap_or_default()
                    )))
                } else {
                    let cause = Cause(format!("{} (code {code})", told.message()));
                    if ends_the_connection(&code) {
                        Self::Broken(cause)
                    } else {
                        Self::Away(cause)
                    }
                }
            }
            // Nobody could read or write these data, on whatever connection.
            sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
                Self::Refused(Cause("the data do not have the type of their column".to_owned()))
            }
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
                Self::Broken(Cause(words_of(&error)))
            }
            _ => Self::Away(Cause(words_of(&error))),
        }
    }
}

/// PostgreSQL: data exceptions, violated constraints, what is too large. SQLite: constraints, and too large.
fn blames_the_data(code: &str) -> bool {
    match code.len() {
        5 => ["22", "23", "54"].iter().any(|class| code.starts_with(class)),
        // The lower byte of SQLite's extended codes is the primary one: 18 too big, 19 constraint, 20 mismatch.
        _ => code
            .parse::<u32>()
            .is_ok_and(|code| matches!(code & 0xff, 18..=20)),
    }
}

/// PostgreSQL: the server shuts down, or has become a replica; or a prepared statement no longer fits the schema.
fn ends_the_connection(code: &str) -> bool {
    ["57P01", "57P02", "57P03", "25006", "0A000"].contains(&code)
        || (code.len() == 5 && code.starts_with("08"))
}

/// With the reasons behind it: "error communicating with database" alone helps nobody.
fn words_of(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        source = cause.source();
    }
    words
}

impl From<TimeIsUp> for Trouble {
    fn from(up: TimeIsUp) -> Self {
        Self::Away(Cause(up.to_string()))
    }
}

impl From<NotReadable> for Trouble {
    fn from(error: NotReadable) -> Self {
        Self::Refused(Cause(error.to_string()))
    }
}

impl From<Trouble> for LogError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Away(cause) | Trouble::Broken(cause) => Self::Unavailable(Box::new(cause)),
            Trouble::Refused(cause) => Self::Rejected(Box::new(cause)),
        }
    }
}

impl Trouble {
    pub(crate) fn into_cause(self) -> Cause {
        match self {
            Self::Away(cause) | Self::Broken(cause) | Self::Refused(cause) => cause,
        }
    }
}
