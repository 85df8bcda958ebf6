//! Opening a log: where it lies, and whether this program can work on its schema.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use crate::database::Database;
use crate::file::{self, Claim};
use crate::patience::within;
use crate::schema::{self, Migration, Schema};
use crate::trouble::{Cause, Trouble};
use crate::writing::Writers;

/// How a log is used.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long the database is waited for, in all: then it is `Unavailable`.
    pub patience: Duration,
    /// How many tasks append, each on a connection of its own (PostgreSQL; SQLite has one writer).
    pub writers: usize,
    /// How many connections read.
    pub readers: u32,
    /// Whether a schema on which this program cannot work is an error; `migrate` says no.
    pub usable_schema_only: bool,
    /// Whether a SQLite file that is not there is made, where its schema need not be current; whoever only looks says
    /// no.
    pub create_file: bool,
    /// Steps of the schema behind the program's own: tests of upgrades have them, as if it were a later version.
    pub further: &'static [Migration],
}

impl Default for Options {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(5),
            // One writes ten thousand appends a second, and puts twice as many into one flush as two do.
            writers: 1,
            readers: 8,
            usable_schema_only: true,
            create_file: true,
            further: &[],
        }
    }
}

/// Why a log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database does not answer, or does not let us in: it may yet.
    #[error("the session log cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A newer confirmd was here.
    #[error(
        "the session log has schema {found}, this confirmd knows {expected}: run a confirmd that is at least as new as the one that migrated it (a schema is never taken back)"
    )]
    Newer {
        /// What the database has.
        found: u32,
        /// What this program knows.
        expected: u32,
    },
    /// To be migrated first.
    #[error("the session log has schema {found}, this confirmd needs {expected}: run `confirmd migrate`")]
    Older {
        /// What the database has; 0 if it was never migrated.
        found: u32,
        /// What this program knows.
        expected: u32,
    },
    /// The SQLite file is not there, and is not to be made here.
    #[error("the session log `{}` does not exist: `confirmd migrate` makes it", path.display())]
    NoFile {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The SQLite file is not there, and nowhere to be made.
    #[error("the session log `{}` cannot be: there is no folder `{}`", path.display(), folder.display())]
    NoFolder {
        /// Where the file was looked for.
        path: PathBuf,
        /// What is missing.
        folder: PathBuf,
    },
    /// The SQLite file is no file that can be read and written.
    #[error("the session log `{}` cannot be used", path.display())]
    NoUsableFile {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        error: std::io::Error,
    },
    /// Another process works on this SQLite file.
    #[error(
        "another confirmd runs on the session log `{}`, and SQLite is for one: end it first, or use PostgreSQL",
        path.display()
    )]
    Held {
        /// Which.
        path: PathBuf,
    },
    /// Neither PostgreSQL nor SQLite.
    #[error("`{scheme}` is no session log: the URL must begin with postgres:// or sqlite://")]
    UnknownScheme {
        /// What the URL begins with.
        scheme: String,
    },
    /// The URL cannot be read. Its text is kept out of this: it may hold a password.
    #[error("the session log's URL cannot be read: {0}")]
    Url(&'static str),
    /// The database refused a migration; nothing of it was applied.
    #[error("migration {version} failed")]
    Migration {
        /// Which.
        version: u32,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl OpenError {
    /// Whether trying again can help without anybody doing anything about confirmd.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Newer { .. }
            | Self::Older { .. }
            | Self::NoFile { .. }
            | Self::NoFolder { .. }
            | Self::NoUsableFile { .. }
            | Self::Held { .. }
            | Self::UnknownScheme { .. }
            | Self::Url(_)
            | Self::Migration { .. } => false,
        }
    }
}

impl From<Trouble> for OpenError {
    fn from(trouble: Trouble) -> Self {
        Self::Unreachable(Box::new(trouble.into_cause()))
    }
}

/// Where a log lies.
#[derive(Clone)]
pub(crate) enum Place {
    Postgres(Box<PgConnectOptions>),
    Sqlite(Box<SqliteConnectOptions>),
}

impl Place {
    fn parse(url: &str, options: &Options) -> Result<Self, OpenError> {
        let scheme = url.split(':').next().unwrap_or_default();
        match scheme {
            "postgres" | "postgresql" => {
                let connect = PgConnectOptions::from_str(url).map_err(|_| {
                    OpenError::Url("it must be like postgres://user:password@host:5432/database")
                })?;
                Ok(Self::Postgres(Box::new(connect)))
            }
            "sqlite" => {
                let connect = SqliteConnectOptions::from_str(url)
                    .map_err(|_| OpenError::Url("it must be like sqlite:///var/lib/confirmd/log.db"))?;
                if url.contains(":memory:") || connect.get_filename().as_os_str().is_empty() {
                    return Err(OpenError::Url("a log in memory would be lost: name a file"));
                }
                let connect = connect
                    .journal_mode(SqliteJournalMode::Wal)
                    .synchronous(SqliteSynchronous::Full)
                    .foreign_keys(true)
                    .busy_timeout(options.patience);
                Ok(Self::Sqlite(Box::new(connect)))
            }
            other => Err(OpenError::UnknownScheme {
                // Whatever stands before a colon; a password does not.
                scheme: other.chars().take(16).collect(),
            }),
        }
    }

    /// Of whatever keeps it from connecting, a pool says only that its time is up. A connection of our own says why.
    async fn reach(&self, patience: Duration) -> Result<(), Trouble> {
        if let Self::Postgres(connect) = self {
            let connection = within(patience, connect.connect()).await??;
            within(patience, connection.close()).await??;
        }
        Ok(())
    }

    /// Sees to it that the file of SQLite is there, or says what is missing.
    fn prepare(&self, options: &Options) -> Result<(), OpenError> {
        let Self::Sqlite(connect) = self else {
            return Ok(());
        };
        if options.usable_schema_only || !options.create_file {
            file::require(connect.get_filename())
        } else {
            file::require_or_make(connect.get_filename())
        }
    }
}

/// Every fact of every session, in PostgreSQL or SQLite. Cloning it is cheap; all clones share writers and readers.
#[derive(Clone)]
pub struct Log {
    pub(crate) database: Database,
    pub(crate) writers: Writers,
    pub(crate) place: Place,
    pub(crate) options: Options,
}

impl Log {
    /// Opens the log at `url` (`postgres://…` or `sqlite://…`), within [`Options::patience`]. Must be called in a tokio
    /// runtime, which the writers then live in until the last clone is dropped.
    ///
    /// # Errors
    /// See [`OpenError`]; only [`OpenError::is_retryable`] ones may go away by themselves.
    pub async fn open(url: &str, options: Options) -> Result<Self, OpenError> {
        let place = Place::parse(url, &options)?;
        place.prepare(&options)?;
        place.reach(options.patience).await?;
        let database = Database::new(&place, &options);
        let found = schema::found(&database, &options).await?;
        if options.usable_schema_only {
            found.require_usable()?;
        }
        Ok(Self {
            writers: Writers::start(&database, &place, &options),
            database,
            place,
            options,
        })
    }

    /// The schema that the database has, and the one that this program knows.
    ///
    /// # Errors
    /// [`OpenError::Unreachable`].
    pub async fn schema(&self) -> Result<Schema, OpenError> {
        schema::found(&self.database, &self.options).await
    }

    /// Brings the database to this program's schema; does nothing if it has it, or a newer one that this program
    /// understands. Of several that try at once one does the work, the others wait for it.
    ///
    /// # Errors
    /// [`OpenError::Newer`], [`OpenError::Migration`], [`OpenError::Unreachable`].
    pub async fn migrate(&self) -> Result<Schema, OpenError> {
        let before = self.schema().await?;
        if before.is_usable() {
            return Ok(before);
        }
        schema::migrate(&self.place, &self.options).await?;
        self.schema().await
    }

    /// Claims a SQLite file for whoever works its sessions: it is one process's as long as the claim lives, and free
    /// again however that process ends. Reading it, importing and operators' acts need no claim. PostgreSQL is for
    /// several, so that there is nothing to claim.
    ///
    /// # Errors
    /// [`OpenError::Held`] by another process, [`OpenError::NoUsableFile`] where the file beside it cannot be locked.
    pub fn claim(&self) -> Result<Claim, OpenError> {
        match &self.place {
            Place::Postgres(_) => Ok(Claim::nothing()),
            Place::Sqlite(connect) => Claim::of(connect.get_filename()),
        }
    }

    /// Whether the log can be written, tried by writing, and has a schema on which this program can work.
    ///
    /// # Errors
    /// What `/readyz` tells.
    pub async fn ready(&self) -> Result<(), OpenError> {
        self.schema().await?.require_usable()?;
        let written = self
            .database
            .change(&crate::statement::statement!("check_writable"), &[])
            .await?;
        if written == 1 {
            return Ok(());
        }
        Err(OpenError::Unreachable(Box::new(Cause::new(
            "its readiness row is missing",
        ))))
    }
}
