//! Accounts against a local server under a settable clock, and against the sandbox.

#![expect(
    clippy::unwrap_used,
    reason = "a fixture that fails should stop its test on the spot"
)]

mod clock;
mod conditions;
mod confirming;
mod details;
mod fixtures;
mod looking_up;
mod pace;
mod requests;
mod sandbox;
mod server;
mod turns;
