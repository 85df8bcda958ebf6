//! A group in one transaction, on the one connection that writes. The task that runs it is never dropped half-way, so
//! that no transaction is left open.

use std::sync::Arc;

use sqlx::sqlite::SqliteConnection;

use super::Job;
use super::group::{Store, Written};
use super::prepared::Prepared;
use crate::columns::Columns;
use crate::database::{SqliteWriter, bind_sqlite, execute};
use crate::format::PERSONAL_FORMAT;
use crate::statement::{Param, params};
use crate::trouble::Trouble;

const VERSION_OF: &str = include_str!("../../sql/sqlite/version_of.sql");
const FACT: &str = include_str!("../../sql/sqlite/append_fact.sql");
const FOLD: &str = include_str!("../../sql/sqlite/append_fold.sql");
const PERSONAL: &str = include_str!("../../sql/sqlite/append_personal.sql");
const BODY: &str = include_str!("../../sql/sqlite/append_body.sql");
const TO_OUTBOX: &str = include_str!("../../sql/sqlite/append_to_outbox.sql");
const OLDER: &str = include_str!("../../sql/sqlite/older_unpublished.sql");
const RECOGNISE: &str = include_str!("../../sql/sqlite/recognise_own_append.sql");

pub(super) struct SqliteStore {
    writer: Arc<SqliteWriter>,
}

impl SqliteStore {
    pub(super) fn new(writer: Arc<SqliteWriter>) -> Self {
        Self { writer }
    }
}

impl Store for SqliteStore {
    async fn write(&mut self, group: &[Job]) -> Result<Vec<Written>, Trouble> {
        let mut turn = self.writer.turn().await?;
        let written = transaction(turn.connection()?, group).await;
        if written.is_err() {
            // Takes back what the transaction had done, whatever state it is in.
            turn.discard();
        }
        written
    }
}

async fn transaction(connection: &mut SqliteConnection, group: &[Job]) -> Result<Vec<Written>, Trouble> {
    execute(connection, "BEGIN IMMEDIATE", &[]).await?;
    let mut written = Vec::with_capacity(group.len());
    for job in group {
        written.push(append(connection, job).await?);
    }
    execute(connection, "COMMIT", &[]).await?;
    Ok(written)
}

async fn append(connection: &mut SqliteConnection, job: &Job) -> Result<Written, Trouble> {
    let append = &job.prepared;
    let id = append.id.as_str();
    let stands_at = row(connection, VERSION_OF, &params![id]).await?;
    let stands_at = stands_at.map_or(Ok(0), |row| row.int("version"))?;
    if stands_at != i64::from(append.after) {
        let ours = params![id, append.after + 1, append.append_id];
        if !job.sent_before || row(connection, RECOGNISE, &ours).await?.is_none() {
            return Ok(Written::Overtaken);
        }
    } else {
        add(connection, append).await?;
    }
    let older = row(connection, OLDER, &params![id, append.after]).await?;
    Ok(Written::Added {
        older_unpublished: older.map_or(Ok(false), |row| row.flag("older_unpublished"))?,
    })
}

async fn add(connection: &mut SqliteConnection, append: &Prepared) -> Result<(), sqlx::Error> {
    let id = append.id.as_str();
    for fact in &append.facts {
        let fact = params![
            id,
            fact.version,
            append.at,
            fact.kind,
            fact.format,
            fact.body.as_str(),
            append.actor.as_deref(),
            append.reason.as_deref(),
            append.traceparent.as_deref(),
            append.append_id,
        ];
        execute(connection, FACT, &fact).await?;
    }
    let fold = &append.fold;
    let fold = params![
        id,
        append.reached.0,
        fold.state.as_str(),
        fold.account.as_str(),
        append.partition,
        fold.deadline,
        fold.deadline_from,
        fold.due_at,
        fold.amount.as_deref(),
        fold.currency.as_deref(),
        fold.merchant_reference_id.as_deref(),
        fold.settled,
        append.at,
        append.erase_after,
        fold.look_at,
        fold.firing.as_str(),
    ];
    execute(connection, FOLD, &fold).await?;
    for (slot, content) in &append.personal {
        let personal = params![id, *slot, PERSONAL_FORMAT, content.as_str()];
        execute(connection, PERSONAL, &personal).await?;
    }
    if let Some((body, bytes)) = &append.body {
        execute(connection, BODY, &params![id, *body, Some(bytes.as_slice())]).await?;
    }
    for fact in append.facts.iter().filter(|fact| fact.announced) {
        execute(connection, TO_OUTBOX, &params![id, fact.version, append.at]).await?;
    }
    Ok(())
}

async fn row(
    connection: &mut SqliteConnection,
    sql: &'static str,
    params: &[Param],
) -> Result<Option<sqlx::sqlite::SqliteRow>, sqlx::Error> {
    bind_sqlite(sql, params).fetch_optional(connection).await
}
