//! The sandbox over its real TLS listener, through a client that shares nothing with it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod charges;
mod client;
mod confirm;
mod control;
mod faults;
mod idempotency;
mod ipn;
mod page;
mod pending;
mod permissions;
mod quota;
mod sessions;
mod signing;
mod switches;
mod world;
