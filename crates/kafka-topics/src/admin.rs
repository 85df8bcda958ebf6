//! Topics: made for development, looked at before a start.

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::time::Duration;

use crate::context::{Broker, Quiet};
use crate::settings::{NotUsable, Settings};

const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Why the broker could not be asked, or would not do it.
#[derive(Debug, thiserror::Error)]
pub enum CheckFailed {
    /// The settings.
    #[error(transparent)]
    NotUsable(#[from] NotUsable),
    /// It does not answer, or refuses us.
    #[error("the broker cannot be asked")]
    Broker(#[source] KafkaError),
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
    let client: BaseConsumer<Quiet> = settings
        .admin()?
        .create_with_context(Quiet(Broker::new()))
        .map_err(|error| NotUsable::client(&error))?;
    let metadata = blocking(move || client.fetch_metadata(None, ANSWER_WITHIN))
        .await
        .map_err(CheckFailed::Broker)?;
    let there = |topic: &str| metadata.topics().iter().any(|found| found.name() == topic);
    let missing = settings.topics().into_iter().filter(|topic| !there(topic));
    Ok(missing.map(str::to_owned).collect())
}

/// For librdkafka's calls that block.
pub(crate) async fn blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(call).await {
        Ok(result) => result,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}
