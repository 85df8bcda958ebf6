//! The session log, on both databases: one suite that runs every statement, and what only a server can do to us.

#![allow(
    clippy::unwrap_used,
    reason = "a test says what it expects by failing, in its helpers too"
)]

mod appending;
mod away;
mod backlog;
mod details;
mod folds;
mod open;
mod passed_over;
mod personal;
mod plans;
mod proxy;
mod queue;
mod races;
mod rescheduling;
mod support;
mod telling;
