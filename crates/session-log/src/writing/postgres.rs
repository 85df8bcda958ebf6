//! A group in one autocommit statement, on a connection of the writer's own. There is no `BEGIN` here that a dropped
//! future could leave open.

use std::collections::HashMap;
use std::time::Duration;

use checkout::Timestamp;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{AssertSqlSafe, ConnectOptions};

use super::Job;
use super::group::{Store, Written};
use super::prepared::Prepared;
use crate::columns::Columns;
use crate::format::PERSONAL_FORMAT;
use crate::patience::within;
use crate::stamp::Stamp;
use crate::trouble::Trouble;

const PREPARE: &str = include_str!("../../sql/postgres/prepare_writer.sql");
const APPEND: &str = include_str!("../../sql/postgres/append.sql");
const RECOGNISE: &str = include_str!("../../sql/postgres/recognise_own_append.sql");

pub(super) struct PostgresStore {
    connect: PgConnectOptions,
    connection: Option<PgConnection>,
    patience: Duration,
}

impl PostgresStore {
    pub(super) fn new(connect: PgConnectOptions, patience: Duration) -> Self {
        Self {
            connect,
            connection: None,
            patience,
        }
    }

    async fn connection(&mut self) -> Result<&mut PgConnection, Trouble> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let fresh = async {
                    let mut connection = self.connect.connect().await?;
                    // What we no longer wait for, the server is not to finish much later.
                    let limit = self.patience.as_millis();
                    let prepare = AssertSqlSafe(format!("{PREPARE}SET statement_timeout = {limit};"));
                    sqlx::raw_sql(prepare).execute(&mut connection).await?;
                    Ok::<_, sqlx::Error>(connection)
                };
                within(self.patience, fresh).await??
            }
        };
        Ok(self.connection.insert(connection))
    }

    async fn try_write(&mut self, group: &[Job]) -> Result<Vec<Written>, Trouble> {
        let patience = self.patience;
        let connection = self.connection().await?;
        let rows = within(patience, append(connection, group)).await??;
        let mut added = older_unpublished(&rows)?;
        let lost: Vec<&Prepared> = group
            .iter()
            .filter(|job| job.sent_before && !added.contains_key(job.prepared.id.as_str()))
            .map(|job| &job.prepared)
            .collect();
        if !lost.is_empty() {
            // After the append, which has waited for whatever the lost connection was still doing.
            let rows = within(patience, recognise(connection, &lost)).await??;
            added.extend(older_unpublished(&rows)?);
        }
        Ok(group
            .iter()
            .map(|job| match added.get(job.prepared.id.as_str()) {
                Some(older) => Written::Added {
                    older_unpublished: *older,
                },
                None => Written::Overtaken,
            })
            .collect())
    }
}

impl Store for PostgresStore {
    async fn write(&mut self, group: &[Job]) -> Result<Vec<Written>, Trouble> {
        let written = self.try_write(group).await;
        if let Err(Trouble::Away(_) | Trouble::Broken(_)) = &written {
            // Nobody knows what is still under way on it.
            self.connection = None;
        }
        written
    }
}

fn older_unpublished(rows: &[PgRow]) -> Result<HashMap<String, bool>, Trouble> {
    rows.iter()
        .map(|row| Ok((row.text("session_id")?, row.flag("older_unpublished")?)))
        .collect()
}

async fn append(connection: &mut PgConnection, group: &[Job]) -> Result<Vec<PgRow>, sqlx::Error> {
    let appends = || group.iter().map(|job| &job.prepared);
    let facts = || appends().flat_map(|append| append.facts.iter().map(move |fact| (append, fact)));
    let personal = || {
        appends().flat_map(|append| {
            append
                .personal
                .iter()
                .map(move |(slot, text)| (append, slot, text))
        })
    };
    let bodies = || appends().filter_map(|append| append.body.as_ref().map(|body| (append, body)));
    sqlx::query(APPEND)
        .bind(column(appends(), |append| append.id.as_str()))
        .bind(column(appends(), |append| append.after))
        .bind(column(appends(), |append| append.append_id))
        .bind(column(appends(), |append| Stamp(append.at)))
        .bind(column(appends(), |append| append.actor.as_deref()))
        .bind(column(appends(), |append| append.reason.as_deref()))
        .bind(column(appends(), |append| append.traceparent.as_deref()))
        .bind(column(appends(), reached))
        .bind(column(appends(), |append| append.fold.state.as_str()))
        .bind(column(appends(), |append| append.fold.account.as_str()))
        .bind(column(appends(), |append| append.partition))
        .bind(column(appends(), |append| Stamp(append.fold.deadline)))
        .bind(column(appends(), |append| append.fold.deadline_from))
        .bind(column(appends(), |append| stamp(append.fold.due_at)))
        .bind(column(appends(), |append| append.fold.amount.as_deref()))
        .bind(column(appends(), |append| append.fold.currency.as_deref()))
        .bind(column(appends(), |append| {
            append.fold.merchant_reference_id.as_deref()
        }))
        .bind(column(appends(), |append| append.fold.settled))
        .bind(column(appends(), |append| stamp(append.erase_after)))
        .bind(column(facts(), |(append, _)| append.id.as_str()))
        .bind(column(facts(), |(_, fact)| fact.version))
        .bind(column(facts(), |(_, fact)| fact.kind))
        .bind(column(facts(), |(_, fact)| fact.format))
        .bind(column(facts(), |(_, fact)| fact.body.as_str()))
        .bind(column(facts(), |(_, fact)| fact.announced))
        .bind(column(personal(), |(append, _, _)| append.id.as_str()))
        .bind(column(personal(), |(_, slot, _)| *slot))
        .bind(column(personal(), |(_, _, text)| text.as_str()))
        .bind(PERSONAL_FORMAT)
        .bind(column(bodies(), |(append, _)| append.id.as_str()))
        .bind(column(bodies(), |(_, (body, _))| *body))
        .bind(column(bodies(), |(_, (_, bytes))| bytes.as_slice()))
        .bind(column(appends(), |append| stamp(append.fold.look_at)))
        .bind(column(appends(), |append| append.fold.firing.as_str()))
        .fetch_all(connection)
        .await
}

async fn recognise(connection: &mut PgConnection, lost: &[&Prepared]) -> Result<Vec<PgRow>, sqlx::Error> {
    let lost = || lost.iter();
    sqlx::query(RECOGNISE)
        .bind(column(lost(), |append| append.id.as_str()))
        .bind(column(lost(), |append| append.after))
        .bind(column(lost(), |append| append.append_id))
        .fetch_all(connection)
        .await
}

fn column<T, R>(rows: impl Iterator<Item = R>, value: impl Fn(R) -> T) -> Vec<T> {
    rows.map(value).collect()
}

fn reached(append: &Prepared) -> i32 {
    append.after + append.facts.len() as i32
}

fn stamp(at: Option<Timestamp>) -> Option<Stamp> {
    at.map(Stamp)
}
