//! The sandbox over its real TLS listener, through a client that shares nothing with it.

mod client;
mod confirm;
mod idempotency;
mod pending;
mod world;
