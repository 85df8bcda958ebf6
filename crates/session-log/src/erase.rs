//! Removing personal data when its time has passed. The facts stay: none of them holds any.

use checkout::Timestamp;
use reconciler::ports::LogError;

use crate::database::{Kind, SqliteWriter, execute};
use crate::open::Log;
use crate::statement::{Param, Statement, params, statement};
use crate::trouble::Trouble;

/// One statement in PostgreSQL, the last of three in SQLite.
const ERASE: Statement = Statement::new(
    include_str!("../sql/postgres/erase.sql"),
    include_str!("../sql/sqlite/erase_mark.sql"),
);
const ERASE_DETAILS: Statement = statement!("erase_details");
const ERASE_DEAD_LETTERS: Statement = statement!("erase_dead_letters");
const BEFORE_IN_SQLITE: [&str; 2] = [
    include_str!("../sql/sqlite/erase_personal.sql"),
    include_str!("../sql/sqlite/erase_bodies.sql"),
];

impl Log {
    /// Removes addresses, supplementary data and body bytes of at most `limit` sessions whose `erase_after` is not
    /// after `now`; returns of how many. Less than `limit`: nothing more is to be done.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn erase(&self, now: Timestamp, limit: u32) -> Result<u32, LogError> {
        let params = params![now, limit];
        let erased = match &self.database.kind {
            Kind::Postgres(_) => self.database.change(&ERASE, &params).await?,
            Kind::Sqlite { writer, .. } => in_steps(writer, &params).await.map_err(Trouble::from)?,
        };
        Ok(u32::try_from(erased).unwrap_or(u32::MAX))
    }

    /// Removes the details of at most `limit` buyers whose `erase_after` is not after `now`; returns of how many.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn erase_details(&self, now: Timestamp, limit: u32) -> Result<u32, LogError> {
        let erased = self.database.change(&ERASE_DETAILS, &params![now, limit]).await?;
        Ok(u32::try_from(erased).unwrap_or(u32::MAX))
    }

    /// Removes at most `limit` dead letters that were set aside not after `until` and that the topic has not taken;
    /// returns how many.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn erase_dead_letters(&self, until: Timestamp, limit: u32) -> Result<u32, LogError> {
        let params = params![until, limit];
        let erased = self.database.change(&ERASE_DEAD_LETTERS, &params).await?;
        Ok(u32::try_from(erased).unwrap_or(u32::MAX))
    }
}

/// Under one right to write, so that no append comes in between. After a crash the steps are simply repeated.
async fn in_steps(writer: &SqliteWriter, params: &[Param]) -> Result<u64, sqlx::Error> {
    let mut turn = writer.turn().await?;
    for step in BEFORE_IN_SQLITE {
        execute(turn.connection()?, step, params).await?;
    }
    execute(turn.connection()?, ERASE.sqlite, params).await
}
