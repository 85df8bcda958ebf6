//! What comes in from Kafka and what goes out to it, over librdkafka's mock cluster and over Apache Kafka.

mod fixture;
mod intake;
mod kafka;
mod parse;
mod publish;
mod settings;
