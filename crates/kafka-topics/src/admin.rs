//! Topics: made for development, looked at before a start.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::context::{self, Broker, Quiet};
use crate::settings::{NotUsable, Settings};

const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How often librdkafka is asked why, at most.
const FOR_A_REASON: u32 = 50;

/// Why the broker could not be asked, or would not do it.
#[derive(Debug, thiserror::Error)]
pub enum CheckFailed {
    /// The settings.
    #[error(transparent)]
    NotUsable(#[from] NotUsable),
    /// It does not answer, or refuses us.
    #[error("the broker cannot be asked")]
    Broker(#[source] KafkaError),
    /// It does not answer, or refuses us, and librdkafka has said why.
    #[error("the broker cannot be asked: {0}")]
    Refused(String),
    /// It would not make this topic.
    #[error("the topic `{topic}` was not created: {code}")]
    NotCreated {
        /// Which.
        topic: String,
        /// Kafka's reason.
        code: RDKafkaErrorCode,
    },
}

/// Makes the topics that do not exist yet, for development: `partitions` partitions each, replicated as the
/// broker does by default.
pub async fn create_topics(settings: &Settings, partitions: u32) -> Result<(), CheckFailed> {
    let admin: AdminClient<Quiet> = settings
        .admin()?
        .create_with_context(Quiet(Broker::new()))
        .map_err(|error| NotUsable::client(&error))?;
    let partitions = i32::try_from(partitions).unwrap_or(i32::MAX);
    let topics = settings
        .topics()
        .map(|topic| NewTopic::new(topic, partitions, TopicReplication::Fixed(-1)));
    let options = AdminOptions::new().request_timeout(Some(ANSWER_WITHIN));
    let results = admin
        .create_topics(&topics, &options)
        .await
        .map_err(CheckFailed::Broker)?;
    for result in results {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(CheckFailed::NotCreated { topic, code }),
        }
    }
    Ok(())
}

/// Asks the broker which of the topics it does not have, or does not show us. Takes at most ten seconds.
pub async fn check(settings: &Settings) -> Result<Vec<String>, CheckFailed> {
    let why = Why::default();
    let client: BaseConsumer<Why> = settings
        .admin()?
        .create_with_context(why.clone())
        .map_err(|error| NotUsable::client(&error))?;
    let heard = why.clone();
    let metadata = blocking(move || {
        let asked = client.fetch_metadata(None, ANSWER_WITHIN);
        // What librdkafka has to say of it waits in a queue, between its log lines.
        let mut polls = 0..FOR_A_REASON;
        while asked.is_err() && heard.said().is_none() && polls.next().is_some() {
            let _ = client.poll(Duration::from_millis(20));
        }
        asked
    })
    .await
    .map_err(|error| {
        why.said()
            .map_or(CheckFailed::Broker(error), CheckFailed::Refused)
    })?;
    let there = |topic: &str| metadata.topics().iter().any(|found| found.name() == topic);
    let missing = settings.topics().into_iter().filter(|topic| !there(topic));
    Ok(missing.map(str::to_owned).collect())
}

/// Remembers why a broker did not take us. It has tried more than once by then: the first reason is as good as any.
#[derive(Clone, Default)]
struct Why(Arc<OnceLock<String>>);

impl Why {
    fn said(&self) -> Option<String> {
        self.0.get().cloned()
    }
}

impl ClientContext for Why {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        context::log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        use RDKafkaErrorCode::{Authentication, BrokerTransportFailure, SSL};
        if let Some(Authentication | BrokerTransportFailure | SSL) = error.rdkafka_error_code() {
            self.0.get_or_init(|| reason.to_owned());
        }
    }
}

impl ConsumerContext for Why {}

/// For librdkafka's calls that block.
pub(crate) async fn blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(call).await {
        Ok(result) => result,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}
