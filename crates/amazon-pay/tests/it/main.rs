//! The client against a real server on loopback that answers, byte for byte, what a case wants.

#![expect(
    clippy::unwrap_used,
    reason = "a fixture that fails should stop its test on the spot"
)]

mod answers;
mod failures;
mod fixtures;
mod once;
mod requests;
mod server;
mod tls;
