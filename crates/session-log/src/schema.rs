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

struct Migration {
    name: &'static str,
    files: Statement,
}

macro_rules! migrations {
    ($($name:literal),+ $(,)?) => {
        &[$(Migration {
            name: $name,
            files: Statement::new(
                include_str!(concat!("../../../migrations/postgres/", $name, ".sql")),
                include_str!(concat!("../../../migrations/sqlite/", $name, ".sql")),
            ),
        }),+]
    };
}

/// In order, from schema 1 on.
const MIGRATIONS: &[Migration] = migrations![
    "0001_the_log",
    "0002_looks_and_alerts",
    "0003_permission_details",
    "0004_predicted_loss",
    "0005_sessions_by_reference"
];

/// The schema that this program knows.
pub(crate) const EXPECTED: u32 = MIGRATIONS.len() as u32;

const TABLE: Statement = statement!("schema_table");
const VERSION: Statement = statement!("schema_version");
const CREATE_TABLE: Statement = statement!("create_schema_table");
const LOCK: &str = include_str!("../sql/postgres/lock_schema.sql");

/// Which schema a database has, and which one this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// The database's; 0 if it was never migrated.
    pub found: u32,
    /// This program's.
    pub expected: u32,
}

impl Schema {
    /// The schema that this program knows.
    pub const EXPECTED: u32 = EXPECTED;

    /// Whether they are the same.
    pub fn is_current(&self) -> bool {
        self.found == self.expected
    }

    pub(crate) fn require_current(self) -> Result<(), OpenError> {
        let Self { found, expected } = self;
        match found.cmp(&expected) {
            std::cmp::Ordering::Less => Err(OpenError::Older { found, expected }),
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err(OpenError::Newer { found, expected }),
        }
    }
}

pub(crate) async fn found(database: &Database) -> Result<Schema, OpenError> {
    let present = database.row(&TABLE, &[], |row| row.flag("present")).await?;
    let found = if present == Some(true) {
        database.row(&VERSION, &[], |row| count(row, "version")).await?
    } else {
        None
    };
    Ok(Schema {
        found: found.unwrap_or(0),
        expected: EXPECTED,
    })
}

pub(crate) async fn migrate(place: &Place, options: &Options) -> Result<Schema, OpenError> {
    match place {
        Place::Postgres(connect) => postgres(connect, options).await?,
        Place::Sqlite(connect) => sqlite(connect).await?,
    }
    Ok(Schema {
        found: EXPECTED,
        expected: EXPECTED,
    })
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
fn pending(found: u32) -> Result<impl Iterator<Item = (u32, &'static Migration)>, OpenError> {
    if found > EXPECTED {
        return Err(OpenError::Newer {
            found,
            expected: EXPECTED,
        });
    }
    Ok((1..).zip(MIGRATIONS).skip(found as usize))
}

/// A migration and the note that it was applied.
fn with_note(version: u32, name: &str, file: &str) -> String {
    format!("{file}\nINSERT INTO confirmd_schema (version, name) VALUES ({version}, '{name}');")
}

/// Not under [`within`], but for connecting: a migration takes as long as it takes.
async fn postgres(connect: &PgConnectOptions, options: &Options) -> Result<(), OpenError> {
    let mut connection = within(options.patience, connect.connect())
        .await
        .map_err(Trouble::from)?
        .map_err(unreachable)?;
    let done = postgres_steps(&mut connection).await;
    // The lock goes with the connection, whatever became of the steps.
    let closed = connection.close().await.map_err(unreachable);
    done.and(closed)
}

async fn postgres_steps(connection: &mut PgConnection) -> Result<(), OpenError> {
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
    for (version, migration) in pending(count(&row, "version")?)? {
        // Statements that are sent together are one transaction.
        let sql = with_note(version, migration.name, migration.files.postgres);
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *connection)
            .await
            .map_err(|error| failed(version, error))?;
    }
    Ok(())
}

async fn sqlite(connect: &SqliteConnectOptions) -> Result<(), OpenError> {
    let mut connection = connect.connect().await.map_err(unreachable)?;
    let done = sqlite_steps(&mut connection).await;
    // What was not committed goes with the connection.
    let closed = connection.close().await.map_err(unreachable);
    done.and(closed)
}

async fn sqlite_steps(connection: &mut SqliteConnection) -> Result<(), OpenError> {
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
    for (version, migration) in pending(count(&row, "version")?)? {
        let sql = with_note(version, migration.name, migration.files.sqlite);
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
