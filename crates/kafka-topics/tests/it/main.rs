//! What comes in from Kafka and what goes out to it, over librdkafka's mock cluster and over Apache Kafka.

#![allow(
    clippy::unwrap_used,
    reason = "a fixture that cannot be set up is a failed test"
)]

mod arbitrary;
mod documents;
mod drive;
mod fixture;
mod intake;
mod kafka;
mod parse;
mod publish;
mod settings;
