//! The schema, and the files that make it.

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection};

use crate::columns::count;
use crate::database::{Database, bind_postgres, bind_sqlite};
use crate::open::{OpenError, Options, Place};
use crate::patience::within;
use crate::statement::{Statement, statement};
use crate::trouble::Trouble;

/// One step of the schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// What it is called in `confirmd_schema`.
    pub name: &'static str,
    /// What makes it in PostgreSQL.
    pub postgres: &'static str,
    /// What makes it in SQLite.
    pub sqlite: &'static str,
    /// The oldest schema whose programs go on working after it; none where only those that know it do.
    pub understood_from: Option<u32>,
}

macro_rules! migrations {
    ($($name:literal $(understood from $from:literal)?),+ $(,)?) => {
        &[$(Migration {
            name: $name,
            postgres: include_str!(concat!("../../../migrations/postgres/", $name, ".sql")),
            sqlite: include_str!(concat!("../../../migrations/sqlite/", $name, ".sql")),
            understood_from: None $(.or(Some($from)))?,
        }),+]
    };
}

/// In order, from schema 1 on. One that only adds what its forerunners need not know says so, `understood from` the oldest
/// of them (which is 6 at the least: those before did not ask).
const MIGRATIONS: &[Migration] = migrations![
    "0001_the_log",
    "0002_looks_and_alerts",
    "0003_permission_details",
    "0004_predicted_loss",
    "0005_sessions_by_reference",
    "0006_understood_from",
];
/// From this one on the database says who understands it.
const SAYS_WHO_UNDERSTANDS: u32 = 6;

const TABLE: Statement = statement!("schema_table");
const VERSION: Statement = statement!("schema_version");
const UNDERSTOOD_FROM: Statement = statement!("schema_understood_from");
const CREATE_TABLE: Statement = statement!("create_schema_table");
const LOCK: &str = include_str!("../sql/postgres/lock_schema.sql");

/// Which schema a database has, and which one this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// The database's; 0 if it was never migrated.
    pub found: u32,
    /// This program's.
    pub expected: u32,
    /// The oldest whose programs can work on the database.
    pub understood_from: u32,
}

impl Schema {
    /// The schema that this program knows.
    pub const EXPECTED: u32 = MIGRATIONS.len() as u32;

    /// Whether they are the same.
    pub fn is_current(&self) -> bool {
        self.found == self.expected
    }

    /// Whether this program can work on the database: they are the same, or a newer program has only added to it.
    pub fn is_usable(&self) -> bool {
        self.is_current() || self.expected < self.found && self.understood_from <= self.expected
    }

    pub(crate) fn require_usable(self) -> Result<(), OpenError> {
        let Self { found, expected, .. } = self;
        if self.is_usable() {
            Ok(())
        } else if found < expected {
            Err(OpenError::Older { found, expected })
        } else {
            Err(OpenError::Newer { found, expected })
        }
    }
}

/// Every migration that the program knows, with the version that it makes.
fn known(options: &Options) -> impl Iterator<Item = (u32, &'static Migration)> {
    (1..).zip(MIGRATIONS.iter().chain(options.further))
}

fn expected(options: &Options) -> u32 {
    (MIGRATIONS.len() + options.further.len()) as u32
}

pub(crate) async fn found(database: &Database, options: &Options) -> Result<Schema, OpenError> {
    let present = database.row(&TABLE, &[], |row| row.flag("present")).await?;
    let found = if present == Some(true) {
        database.row(&VERSION, &[], |row| count(row, "version")).await?
    } else {
        None
    };
    let found = found.unwrap_or(0);
    let understood_from = if found < SAYS_WHO_UNDERSTANDS {
        None
    } else {
        database
            .row(&UNDERSTOOD_FROM, &[], |row| count(row, "understood_from"))
            .await?
    };
    Ok(Schema {
        found,
        expected: expected(options),
        understood_from: understood_from.unwrap_or(found),
    })
}

pub(crate) async fn migrate(place: &Place, options: &Options) -> Result<(), OpenError> {
    match place {
        Place::Postgres(connect) => postgres(connect, options).await,
        Place::Sqlite(connect) => sqlite(connect, options).await,
    }
}

fn unreachable(error: sqlx::Error) -> OpenError {
    Trouble::from(error).into()
}

fn failed(version: u32, error: sqlx::Error) -> OpenError {
    OpenError::Migration {
        version,
        source: Box::new(Trouble::from(error).into_cause()),
    }
}

/// What is still to be applied to a database that has schema `found`, with the version that it makes.
fn pending(
    found: u32,
    options: &Options,
) -> Result<impl Iterator<Item = (u32, &'static Migration)>, OpenError> {
    let expected = expected(options);
    if found > expected {
        return Err(OpenError::Newer { found, expected });
    }
    Ok(known(options).skip(found as usize))
}

/// A migration and the note that it was applied.
fn with_note(version: u32, migration: &Migration, file: &str) -> String {
    let name = migration.name;
    match migration.understood_from {
        None => format!("{file}\nINSERT INTO confirmd_schema (version, name) VALUES ({version}, '{name}');"),
        Some(from) => format!(
            "{file}\nINSERT INTO confirmd_schema (version, name, understood_from) VALUES ({version}, '{name}', {from});"
        ),
    }
}

/// Not under [`within`], but for connecting: a migration takes as long as it takes.
async fn postgres(connect: &PgConnectOptions, options: &Options) -> Result<(), OpenError> {
    let mut connection = within(options.patience, connect.connect())
        .await
        .map_err(Trouble::from)?
        .map_err(unreachable)?;
    let done = postgres_steps(&mut connection, options).await;
    // The lock goes with the connection, whatever became of the steps.
    let closed = connection.close().await.map_err(unreachable);
    done.and(closed)
}

async fn postgres_steps(connection: &mut PgConnection, options: &Options) -> Result<(), OpenError> {
    bind_postgres(LOCK, &[])
        .execute(&mut *connection)
        .await
        .map_err(unreachable)?;
    bind_postgres(CREATE_TABLE.postgres, &[])
        .execute(&mut *connection)
        .await
        .map_err(unreachable)?;
    let row = bind_postgres(VERSION.postgres, &[])
        .fetch_one(&mut *connection)
        .await
        .map_err(unreachable)?;
    for (version, migration) in pending(count(&row, "version")?, options)? {
        // Statements that are sent together are one transaction.
        let sql = with_note(version, migration, migration.postgres);
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await
            .map_err(|error| failed(version, error))?;
    }
    Ok(())
}

async fn sqlite(connect: &SqliteConnectOptions, options: &Options) -> Result<(), OpenError> {
    let mut connection = connect.connect().await.map_err(unreachable)?;
    let done = sqlite_steps(&mut connection, options).await;
    // What was not committed goes with the connection.
    let closed = connection.close().await.map_err(unreachable);
    done.and(closed)
}

async fn sqlite_steps(connection: &mut SqliteConnection, options: &Options) -> Result<(), OpenError> {
    // The lock, and the transaction of every step.
    bind_sqlite("BEGIN IMMEDIATE", &[])
        .execute(&mut *connection)
        .await
        .map_err(unreachable)?;
    bind_sqlite(CREATE_TABLE.sqlite, &[])
        .execute(&mut *connection)
        .await
        .map_err(unreachable)?;
    let row = bind_sqlite(VERSION.sqlite, &[])
        .fetch_one(&mut *connection)
        .await
        .map_err(unreachable)?;
    for (version, migration) in pending(count(&row, "version")?, options)? {
        let sql = with_note(version, migration, migration.sqlite);
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await
            .map_err(|error| failed(version, error))?;
    }
    bind_sqlite("COMMIT", &[])
        .execute(&mut *connection)
        .await
        .map_err(unreachable)?;
    Ok(())
}
