//! Dead letters that the topic has not taken yet, bytes and headers as they came.

use reconciler::ports::LogError;
use reconciler::{DeadLetter, KeepDeadLetters};

use crate::columns::{Columns, unreadable};
use crate::open::Log;
use crate::statement::{Statement, params, statement};
use crate::trouble::Trouble;

const KEEP: Statement = statement!("keep_dead_letter");
const KEPT: Statement = statement!("kept_dead_letters");
const TAKEN: Statement = statement!("taken_dead_letter");

impl KeepDeadLetters for Log {
    async fn keep(&self, letter: &DeadLetter) -> Result<(), LogError> {
        // Headers may hold any bytes: as numbers, since nobody reads them here.
        let headers = serde_json::json!(letter.headers).to_string();
        let params = params![
            letter.source.as_str(),
            letter.key.as_deref(),
            letter.payload.as_deref(),
            headers,
            letter.reason.as_str(),
            letter.field.as_str(),
            letter.at,
        ];
        self.database.change(&KEEP, &params).await?;
        Ok(())
    }

    async fn kept(&self, limit: u32) -> Result<Vec<DeadLetter>, LogError> {
        Ok(self.database.rows(&KEPT, &params![limit], letter).await?)
    }

    async fn taken(&self, source: &str) -> Result<(), LogError> {
        self.database.change(&TAKEN, &params![source]).await?;
        Ok(())
    }
}

fn letter(row: &dyn Columns) -> Result<DeadLetter, Trouble> {
    Ok(DeadLetter {
        source: row.text("source")?,
        key: row.maybe_bytes("key")?,
        payload: row.maybe_bytes("payload")?,
        headers: serde_json::from_str(&row.text("headers")?).map_err(|_| unreadable("headers"))?,
        reason: row.text("reason")?,
        field: row.text("field")?,
        at: row.time("at")?,
    })
}
