//! The program as people meet it, with nothing installed: a SQLite file, the sandbox, and mostly no broker. What needs
//! Apache Kafka or PostgreSQL is held by the scenarios.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what it expects by failing, in its helpers too"
)]

mod checking;
mod explaining;
mod importing;
mod listing;
mod logging;
mod migrating;
mod renewing;
mod running;
mod serving;
mod serving_the_sandbox;
mod support;
