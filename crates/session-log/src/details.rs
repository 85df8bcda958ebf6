//! What Amazon told of the buyers of confirmed sessions.

use checkout::{AccountName, SessionId, Timestamp};
use reconciler::BuyerDetails;
use reconciler::ports::{KeepDetails, LogError, Share};

use crate::columns::{Columns, session_id};
use crate::database::{Kind, SqliteWriter, execute};
use crate::format::{self, DETAILS_FORMAT};
use crate::log::partitions;
use crate::open::Log;
use crate::statement::{Param, Statement, params, statement};
use crate::trouble::Trouble;

const WANTING: Statement = statement!("wanting_details");
/// One statement in PostgreSQL, the first of two in SQLite, with parameters of its own.
const KEEP: Statement = statement!("keep_details");
const SETTLE: Statement = statement!("settle_details");
const OF: Statement = statement!("details_of");

impl KeepDetails for Log {
    async fn wanting_details(
        &self,
        account: &AccountName,
        share: &Share,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<SessionId>, LogError> {
        let params = params![account.as_str(), partitions(share).as_deref(), since, limit];
        Ok(self.database.rows(&WANTING, &params, session_id).await?)
    }

    async fn keep_details(
        &self,
        id: &SessionId,
        at: Timestamp,
        details: &BuyerDetails,
        erase_after: Timestamp,
    ) -> Result<(), LogError> {
        let content = format::store_details(details);
        match &self.database.kind {
            Kind::Postgres(_) => {
                let params = params![id.as_str(), at, DETAILS_FORMAT, content, erase_after];
                self.database.change(&KEEP, &params).await?;
            }
            Kind::Sqlite { writer, .. } => {
                let keep = params![id.as_str(), DETAILS_FORMAT, content, erase_after];
                let settle = params![id.as_str(), at];
                in_steps(writer, &keep, &settle).await.map_err(Trouble::from)?;
            }
        }
        Ok(())
    }

    async fn give_details_up(&self, id: &SessionId, at: Timestamp) -> Result<(), LogError> {
        self.database.change(&SETTLE, &params![id.as_str(), at]).await?;
        Ok(())
    }
}

impl Log {
    /// What is kept of a session's buyer; nothing before it was told, nor once it is erased.
    ///
    /// # Errors
    /// [`LogError::Unavailable`]; [`LogError::Rejected`] if a newer program has stored it.
    pub async fn details(&self, id: &SessionId) -> Result<Option<BuyerDetails>, LogError> {
        Ok(self.database.row(&OF, &params![id.as_str()], details).await?)
    }
}

fn details(row: &dyn Columns) -> Result<BuyerDetails, Trouble> {
    Ok(format::read_details(row.int("format")?, &row.text("content")?)?)
}

/// Under one right to write, so that nobody else gives them up in between.
async fn in_steps(writer: &SqliteWriter, keep: &[Param], settle: &[Param]) -> Result<(), sqlx::Error> {
    let mut turn = writer.turn().await?;
    execute(turn.connection()?, KEEP.sqlite, keep).await?;
    execute(turn.connection()?, SETTLE.sqlite, settle).await?;
    Ok(())
}
