//! The session log: what is recorded, stays; PostgreSQL for replicas and production, SQLite for one worker.
//!
//! ```text
//!   append_all ─► writing: by hash ─► queue ─► group ─► one statement (PostgreSQL), one transaction (SQLite)
//!   load, due, backlog, untold, list, … ─► database: one statement each, within `Options::patience`
//!   migrate ─► schema: the files under /migrations
//!   events, personal data ─► format: versioned JSON, converted by hand
//! ```
//!
//! Every statement is a file under `sql/`, in two spellings that take the same parameters. Appends group themselves:
//! a writer flushes whenever its connection is free, and takes with it what arrived meanwhile.
//!
//! It knows no clock (times come in as values; only waiting for a database is measured), no Amazon Pay and no Kafka,
//! and it decides nothing about a session: the fold comes with the append, or from the model when it is made anew.

#![warn(missing_docs)]

mod backlog;
mod columns;
mod conditions;
mod console;
mod database;
mod dead_letters;
mod details;
mod erase;
mod file;
mod folds;
mod format;
mod log;
mod notices;
mod open;
mod outbox;
mod patience;
mod portions;
mod schema;
mod stamp;
mod statement;
mod trouble;
mod writing;

pub use console::{Counts, Filter, InState, Listed, Outlook, Place, Value, Which};
pub use file::Claim;
pub use folds::{Difference, RebuildReport};
pub use open::{Log, OpenError, Options};
pub use schema::{Migration, Schema};
