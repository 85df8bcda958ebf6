//! The sandbox over its real TLS listener, through a client that shares nothing with it.

mod client;
mod confirm;
mod control;
mod faults;
mod idempotency;
mod pending;
mod quota;
mod sessions;
mod signing;
mod world;
