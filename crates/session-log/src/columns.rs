//! Reads a row of either database by the names of its columns.

use std::str::FromStr;

use checkout::{AccountName, SessionId, Timestamp};
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use crate::stamp::Stamp;
use crate::trouble::{Cause, Trouble};

pub(crate) trait Columns {
    fn maybe_text(&self, name: &str) -> Result<Option<String>, Trouble>;
    fn maybe_int(&self, name: &str) -> Result<Option<i64>, Trouble>;
    fn maybe_real(&self, name: &str) -> Result<Option<f64>, Trouble>;
    fn maybe_time(&self, name: &str) -> Result<Option<Timestamp>, Trouble>;
    fn maybe_bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Trouble>;
    fn flag(&self, name: &str) -> Result<bool, Trouble>;

    fn text(&self, name: &str) -> Result<String, Trouble> {
        present(name, self.maybe_text(name)?)
    }

    fn int(&self, name: &str) -> Result<i64, Trouble> {
        present(name, self.maybe_int(name)?)
    }

    fn time(&self, name: &str) -> Result<Timestamp, Trouble> {
        present(name, self.maybe_time(name)?)
    }
}

impl Columns for PgRow {
    fn maybe_text(&self, name: &str) -> Result<Option<String>, Trouble> {
        Ok(self.try_get(name)?)
    }

    fn maybe_int(&self, name: &str) -> Result<Option<i64>, Trouble> {
        // `integer` where the number is a version, `bigint` where it is counted.
        let narrow: Result<Option<i32>, _> = self.try_get(name);
        Ok(match narrow {
            Ok(number) => number.map(i64::from),
            Err(_) => self.try_get(name)?,
        })
    }

    fn maybe_real(&self, name: &str) -> Result<Option<f64>, Trouble> {
        Ok(self.try_get(name)?)
    }

    fn maybe_time(&self, name: &str) -> Result<Option<Timestamp>, Trouble> {
        let stamp: Option<Stamp> = self.try_get(name)?;
        Ok(stamp.map(|stamp| stamp.0))
    }

    fn maybe_bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Trouble> {
        Ok(self.try_get(name)?)
    }

    fn flag(&self, name: &str) -> Result<bool, Trouble> {
        Ok(self.try_get(name)?)
    }
}

impl Columns for SqliteRow {
    fn maybe_text(&self, name: &str) -> Result<Option<String>, Trouble> {
        Ok(self.try_get(name)?)
    }

    fn maybe_int(&self, name: &str) -> Result<Option<i64>, Trouble> {
        Ok(self.try_get(name)?)
    }

    fn maybe_real(&self, name: &str) -> Result<Option<f64>, Trouble> {
        Ok(self.try_get(name)?)
    }

    fn maybe_time(&self, name: &str) -> Result<Option<Timestamp>, Trouble> {
        Ok(self.maybe_int(name)?.map(Timestamp::from_micros))
    }

    fn maybe_bytes(&self, name: &str) -> Result<Option<Vec<u8>>, Trouble> {
        Ok(self.try_get(name)?)
    }

    fn flag(&self, name: &str) -> Result<bool, Trouble> {
        Ok(self.int(name)? != 0)
    }
}

fn present<T>(name: &str, value: Option<T>) -> Result<T, Trouble> {
    value.ok_or_else(|| unreadable(name))
}

/// A column that holds what none of our statements writes.
pub(crate) fn unreadable(name: &str) -> Trouble {
    Trouble::Refused(Cause::new(format!("column `{name}` holds what it should not")))
}

/// A number that is never negative.
pub(crate) fn count(row: &dyn Columns, name: &str) -> Result<u32, Trouble> {
    u32::try_from(row.int(name)?).map_err(|_| unreadable(name))
}

pub(crate) fn session_id(row: &dyn Columns) -> Result<SessionId, Trouble> {
    SessionId::parse(&row.text("session_id")?).map_err(|_| unreadable("session_id"))
}

/// Empty where there is none.
pub(crate) fn account(row: &dyn Columns) -> Result<Option<AccountName>, Trouble> {
    let name = row.text("account")?;
    if name.is_empty() {
        return Ok(None);
    }
    AccountName::parse(&name)
        .map(Some)
        .map_err(|_| unreadable("account"))
}

pub(crate) fn parsed<T: FromStr>(name: &str, text: &str) -> Result<T, Trouble> {
    text.parse().map_err(|_| unreadable(name))
}
