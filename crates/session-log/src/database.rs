//! Runs statements: a pool of readers, and for SQLite the one connection that writes.

use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions, Postgres};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions};
use sqlx::{ConnectOptions, Sqlite};
use tokio::sync::{Mutex, MutexGuard};

use crate::columns::Columns;
use crate::open::{Options, Place};
use crate::patience::within;
use crate::stamp::Stamp;
use crate::statement::{Param, Statement};
use crate::trouble::Trouble;

/// Where the log lies, and how long it is waited for.
#[derive(Clone)]
pub(crate) struct Database {
    pub(crate) kind: Kind,
    patience: Duration,
}

#[derive(Clone)]
pub(crate) enum Kind {
    Postgres(PgPool),
    Sqlite {
        readers: SqlitePool,
        writer: Arc<SqliteWriter>,
    },
}

impl Database {
    /// Connects to nothing yet.
    pub(crate) fn new(place: &Place, options: &Options) -> Self {
        let kind = match place {
            Place::Postgres(connect) => Kind::Postgres(
                PgPoolOptions::new()
                    .max_connections(options.readers)
                    .acquire_timeout(options.patience)
                    // A broken one shows itself, and every statement is tried twice.
                    .test_before_acquire(false)
                    .connect_lazy_with((**connect).clone()),
            ),
            Place::Sqlite(connect) => Kind::Sqlite {
                readers: SqlitePoolOptions::new()
                    .max_connections(options.readers)
                    .acquire_timeout(options.patience)
                    .connect_lazy_with((**connect).clone()),
                writer: Arc::new(SqliteWriter {
                    connect: (**connect).clone(),
                    connection: Mutex::new(None),
                }),
            },
        };
        Self {
            kind,
            patience: options.patience,
        }
    }

    /// The rows of a statement that reads.
    pub(crate) async fn rows<T: Send>(
        &self,
        statement: &Statement,
        params: &[Param],
        read: fn(&dyn Columns) -> Result<T, Trouble>,
    ) -> Result<Vec<T>, Trouble> {
        match self.rows_once(statement, params, read).await {
            // A connection of the pool that a restarted server has forgotten; the others may be such too.
            Err(Trouble::Broken(_)) => {
                self.forget_idle_connections();
                self.rows_once(statement, params, read).await
            }
            done => done,
        }
    }

    async fn rows_once<T: Send>(
        &self,
        statement: &Statement,
        params: &[Param],
        read: fn(&dyn Columns) -> Result<T, Trouble>,
    ) -> Result<Vec<T>, Trouble> {
        match &self.kind {
            Kind::Postgres(pool) => {
                let query = bind_postgres(statement.postgres, params);
                // What is not kept has no plan to settle for.
                let query = query.persistent(!statement.planned_each_time);
                let mut connection = pool.acquire().await?;
                let rows = self
                    .in_time(&mut connection, async |c| query.fetch_all(c).await)
                    .await?;
                rows.iter().map(|row| read(row)).collect()
            }
            Kind::Sqlite { readers, .. } => {
                let query = bind_sqlite(statement.sqlite, params).fetch_all(readers);
                let rows = within(self.patience, query).await??;
                rows.iter().map(|row| read(row)).collect()
            }
        }
    }

    /// The only row of a statement that reads, if there is one.
    pub(crate) async fn row<T: Send>(
        &self,
        statement: &Statement,
        params: &[Param],
        read: fn(&dyn Columns) -> Result<T, Trouble>,
    ) -> Result<Option<T>, Trouble> {
        Ok(self.rows(statement, params, read).await?.pop())
    }

    /// Runs a statement that may run twice without harm; returns the number of rows that it wrote.
    pub(crate) async fn change(&self, statement: &Statement, params: &[Param]) -> Result<u64, Trouble> {
        match self.change_once(statement, params).await {
            Err(Trouble::Broken(_)) => {
                self.forget_idle_connections();
                self.change_once(statement, params).await
            }
            done => done,
        }
    }

    async fn change_once(&self, statement: &Statement, params: &[Param]) -> Result<u64, Trouble> {
        match &self.kind {
            Kind::Postgres(pool) => {
                let query = bind_postgres(statement.postgres, params);
                let mut connection = pool.acquire().await?;
                let done = self
                    .in_time(&mut connection, async |c| query.execute(c).await)
                    .await?;
                Ok(done.rows_affected())
            }
            Kind::Sqlite { writer, .. } => {
                let write = async {
                    let mut turn = writer.turn().await?;
                    execute(turn.connection()?, statement.sqlite, params).await
                };
                Ok(within(self.patience, write).await??)
            }
        }
    }

    /// Runs a statement on a connection of the pool. One that does not answer is closed: given back, it would be
    /// waited for with the pool's own patience, which has no end.
    async fn in_time<T>(
        &self,
        connection: &mut PoolConnection<Postgres>,
        statement: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, Trouble> {
        match within(self.patience, statement(connection)).await {
            Ok(done) => Ok(done?),
            Err(up) => {
                connection.close_on_drop();
                Err(up.into())
            }
        }
    }

    fn forget_idle_connections(&self) {
        if let Kind::Postgres(pool) = &self.kind {
            while let Some(connection) = pool.try_acquire() {
                // Not closed in good order: whoever should hear of it may be gone.
                drop(connection.detach());
            }
        }
    }
}

pub(crate) fn bind_postgres(
    sql: &'static str,
    params: &[Param],
) -> Query<'static, Postgres, sqlx::postgres::PgArguments> {
    params.iter().fold(sqlx::query(sql), |query, param| match param {
        Param::Text(text) => query.bind(text.clone()),
        Param::Int(number) => query.bind(*number),
        Param::Flag(flag) => query.bind(*flag),
        Param::Time(at) => query.bind(at.map(Stamp)),
        Param::Bytes(bytes) => query.bind(bytes.clone()),
    })
}

pub(crate) fn bind_sqlite(
    sql: &'static str,
    params: &[Param],
) -> Query<'static, Sqlite, sqlx::sqlite::SqliteArguments> {
    params.iter().fold(sqlx::query(sql), |query, param| match param {
        Param::Text(text) => query.bind(text.clone()),
        Param::Int(number) => query.bind(*number),
        Param::Flag(flag) => query.bind(i64::from(*flag)),
        Param::Time(at) => query.bind(at.map(checkout::Timestamp::as_micros)),
        Param::Bytes(bytes) => query.bind(bytes.clone()),
    })
}

/// The connection through which this process writes to SQLite: one, so that nobody here waits in SQLite's own,
/// clumsier queue.
pub(crate) struct SqliteWriter {
    connect: SqliteConnectOptions,
    connection: Mutex<Option<SqliteConnection>>,
}

impl SqliteWriter {
    /// Waits until nobody else writes.
    pub(crate) async fn turn(&self) -> Result<SqliteTurn<'_>, sqlx::Error> {
        let mut connection = self.connection.lock().await;
        if connection.is_none() {
            *connection = Some(self.connect.connect().await?);
        }
        Ok(SqliteTurn(connection))
    }
}

/// The right to write.
pub(crate) struct SqliteTurn<'a>(MutexGuard<'a, Option<SqliteConnection>>);

impl SqliteTurn<'_> {
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        self.0.as_mut().ok_or(sqlx::Error::WorkerCrashed)
    }

    /// Gives the connection up, with whatever it had not committed.
    pub(crate) fn discard(mut self) {
        *self.0 = None;
    }
}

/// Runs one statement on a connection to SQLite.
pub(crate) async fn execute(
    connection: &mut SqliteConnection,
    sql: &'static str,
    params: &[Param],
) -> Result<u64, sqlx::Error> {
    Ok(bind_sqlite(sql, params)
        .execute(connection)
        .await?
        .rows_affected())
}
