//! What is recorded and not yet told.

use checkout::{SessionId, Timestamp};
use reconciler::Version;
use reconciler::ports::{LogError, Outbox};
use serde_json::{Value, json};

use crate::columns::{Columns, count, session_id};
use crate::open::Log;
use crate::statement::{Statement, params, statement};
use crate::trouble::Trouble;

const UNTOLD: Statement = statement!("untold");
const TOLD: Statement = statement!("told");
const PENDING: Statement = statement!("outbox_pending");

impl Outbox for Log {
    async fn untold(
        &self,
        recorded_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(SessionId, Version)>, LogError> {
        Ok(self
            .database
            .rows(&UNTOLD, &params![recorded_until, limit], fact)
            .await?)
    }

    async fn told(&self, facts: &[(SessionId, Version)]) -> Result<(), LogError> {
        let facts: Vec<Value> = facts
            .iter()
            .map(|(id, version)| json!([id.as_str(), version.0]))
            .collect();
        let facts = Value::from(facts).to_string();
        self.database.change(&TOLD, &params![facts]).await?;
        Ok(())
    }
}

impl Log {
    /// How many facts are still to be told.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn outbox_pending(&self) -> Result<u32, LogError> {
        let pending = self
            .database
            .row(&PENDING, &[], |row| count(row, "pending"))
            .await?;
        Ok(pending.unwrap_or(0))
    }
}

fn fact(row: &dyn Columns) -> Result<(SessionId, Version), Trouble> {
    Ok((session_id(row)?, Version(count(row, "version")?)))
}
