//! The client against a real server on loopback that answers, byte for byte, what a case wants.

#![expect(
    clippy::unwrap_used,
    reason = "a fixture that fails should stop its test on the spot"
)]

mod answers;
mod arbitrary;
mod bad_input;
mod bodies;
mod button;
mod drive;
mod failures;
mod fixtures;
mod headers;
mod ipn;
mod once;
mod proxies;
mod requests;
mod retrying;
mod samples;
mod server;
mod tls;
