//! What librdkafka tells in passing, brought down to what a person wants to know.

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use tokio::sync::watch;

/// Whether the broker answers; told once per change.
#[derive(Clone)]
pub(crate) struct Broker(watch::Sender<bool>);

impl Broker {
    /// Taken for reachable until librdkafka says otherwise.
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(true))
    }

    pub(crate) fn watch(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }

    pub(crate) fn is_away(&self) -> bool {
        !*self.0.borrow()
    }

    pub(crate) fn answers(&self) {
        if self.turned(true) {
            tracing::info!("the broker answers again");
        }
    }

    pub(crate) fn is_gone(&self, why: &str) {
        if self.turned(false) {
            tracing::warn!("kafka.bootstrap_servers: the broker cannot be reached: {why}");
        }
    }

    fn turned(&self, answers: bool) -> bool {
        self.0
            .send_if_modified(|before| std::mem::replace(before, answers) != answers)
    }
}

/// librdkafka repeats itself with every attempt to connect: its own lines are for those who look for them.
pub(crate) fn log(level: RDKafkaLogLevel, facility: &str, line: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(target: "librdkafka", "{facility}: {line}");
        }
        RDKafkaLogLevel::Error
        | RDKafkaLogLevel::Warning
        | RDKafkaLogLevel::Notice
        | RDKafkaLogLevel::Info
        | RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", "{facility}: {line}"),
    }
}

/// An error of the whole client: only "all brokers are down" says that the broker is away.
pub(crate) fn client_error(broker: &Broker, error: &KafkaError, reason: &str) {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::AllBrokersDown) => broker.is_gone(reason),
        Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SSL) => {
            broker.is_gone(&format!("{error}: {reason}"));
        }
        _ => tracing::debug!(target: "librdkafka", "{error}: {reason}"),
    }
}

/// The context of clients that have nothing else to hear.
#[derive(Clone)]
pub(crate) struct Quiet(pub(crate) Broker);

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client_error(&self.0, &error, reason);
    }

    fn stats_raw(&self, _: &[u8]) {}
}

impl ConsumerContext for Quiet {}
