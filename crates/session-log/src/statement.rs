//! Statements with their parameters, the same for both databases.

use checkout::Timestamp;

/// One intent in two spellings that take the same parameters.
pub(crate) struct Statement {
    pub(crate) postgres: &'static str,
    pub(crate) sqlite: &'static str,
    /// PostgreSQL is to plan it for its parameters, every time.
    pub(crate) planned_each_time: bool,
}

impl Statement {
    pub(crate) const fn new(postgres: &'static str, sqlite: &'static str) -> Self {
        Self {
            postgres,
            sqlite,
            planned_each_time: false,
        }
    }

    /// The best plan depends on what it finds: PostgreSQL would settle for one after some runs on a connection.
    pub(crate) const fn planned_each_time(self) -> Self {
        Self {
            planned_each_time: true,
            ..self
        }
    }
}

/// The statement of this name, from `sql/postgres` and `sql/sqlite`.
macro_rules! statement {
    ($name:literal) => {
        $crate::statement::Statement::new(
            include_str!(concat!("../sql/postgres/", $name, ".sql")),
            include_str!(concat!("../sql/sqlite/", $name, ".sql")),
        )
    };
}
pub(crate) use statement;

/// A parameter of a statement.
pub(crate) enum Param {
    Text(Option<String>),
    Int(i64),
    Flag(bool),
    Time(Option<Timestamp>),
    Bytes(Option<Vec<u8>>),
}

impl From<&str> for Param {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Param {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<&str>> for Param {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(str::to_owned))
    }
}

impl From<i64> for Param {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<i32> for Param {
    fn from(number: i32) -> Self {
        Self::Int(number.into())
    }
}

impl From<u32> for Param {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<bool> for Param {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Timestamp> for Param {
    fn from(at: Timestamp) -> Self {
        Self::Time(Some(at))
    }
}

impl From<Option<Timestamp>> for Param {
    fn from(at: Option<Timestamp>) -> Self {
        Self::Time(at)
    }
}

impl From<Option<&[u8]>> for Param {
    fn from(bytes: Option<&[u8]>) -> Self {
        Self::Bytes(bytes.map(<[u8]>::to_vec))
    }
}

/// `params![id, limit]`, in the order of `$1`, `$2`, …
macro_rules! params {
    ($($value:expr),* $(,)?) => { [$($crate::statement::Param::from($value)),*] };
}
pub(crate) use params;
