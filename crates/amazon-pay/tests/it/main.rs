//! The client against a real server on loopback that answers, byte for byte, what a case wants.

mod answers;
mod failures;
mod fixtures;
mod once;
mod requests;
mod server;
mod tls;
