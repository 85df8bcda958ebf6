//! What others do to the broker while we work, for tests: an operator who deletes a topic or sets its limits, and a
//! member that joins our group and leaves it.

use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, ClientContext, Offset, TopicPartitionList};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::ClientError;
use crate::admin::blocking;
use crate::context::{Broker, Quiet};
use crate::settings::{NotUsable, Settings};

const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// May do everything to the broker's topics.
pub struct Operator(AdminClient<Quiet>);

impl Operator {
    /// Of these brokers. Needs a tokio runtime.
    pub fn new(bootstrap_servers: &str) -> Result<Self, ClientError> {
        ClientConfig::new()
            .set("bootstrap.servers", bootstrap_servers)
            .create_with_context(Quiet(Broker::new()))
            .map(Self)
            .map_err(ClientError)
    }

    /// Deletes a topic with all that it holds.
    pub async fn delete_topic(&self, topic: &str) -> Result<(), ClientError> {
        let results = self.0.delete_topics(&[topic], &options()).await;
        one(results.map_err(ClientError)?)
    }

    /// Sets a topic's `max.message.bytes`: the largest batch of messages that the broker takes.
    pub async fn limit_messages(&self, topic: &str, bytes: u32) -> Result<(), ClientError> {
        let bytes = bytes.to_string();
        let config = AlterConfig::new(ResourceSpecifier::Topic(topic)).set("max.message.bytes", &bytes);
        let results = self.0.alter_configs([&config], &options()).await;
        let results = results.map_err(ClientError)?;
        one(results
            .into_iter()
            .map(|result| result.map(drop).map_err(|(_, code)| ((), code))))
    }
}

/// Sets the group of these settings back to the first events of their topic that came at `millis` (Unix time) or later, as
/// `kafka-consumer-groups.sh --reset-offsets --to-datetime` does. Nobody of the group may be at work.
pub async fn read_again_from(settings: &Settings, partitions: u32, millis: i64) -> Result<(), ClientError> {
    let mut config = settings
        .consumer()
        .map_err(|_| ClientError(KafkaError::Canceled))?;
    let client: BaseConsumer = config
        .set("enable.auto.commit", "false")
        .create()
        .map_err(ClientError)?;
    let topic = settings.completed_topic.clone();
    let set_back = move || {
        let mut since = TopicPartitionList::new();
        for partition in 0..i32::try_from(partitions).unwrap_or(i32::MAX) {
            since.add_partition_offset(&topic, partition, Offset::Offset(millis))?;
        }
        let found = client.offsets_for_times(since, ANSWER_WITHIN)?;
        let mut wanted = TopicPartitionList::new();
        for place in found.elements() {
            // A partition to which nothing has come since stays where it is.
            if let Offset::Offset(_) = place.offset() {
                wanted.add_partition_offset(&topic, place.partition(), place.offset())?;
            }
        }
        client.commit(&wanted, CommitMode::Sync)
    };
    blocking(set_back).await.map_err(ClientError)
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ANSWER_WITHIN))
}

fn one<T, U>(
    results: impl IntoIterator<Item = Result<T, (U, rdkafka::error::RDKafkaErrorCode)>>,
) -> Result<(), ClientError> {
    let refused = results.into_iter().find_map(Result::err);
    refused.map_or(Ok(()), |(_, code)| Err(ClientError(KafkaError::AdminOp(code))))
}

/// A member of a consumer group that does nothing with what it is given, and commits none of it.
pub struct IdleMember {
    given: watch::Receiver<usize>,
    stop: CancellationToken,
    running: JoinHandle<()>,
}

impl IdleMember {
    /// Joins the group of these settings, by their rules.
    pub fn join(settings: &Settings) -> Result<Self, NotUsable> {
        let (tell, given) = watch::channel(0);
        let client: StreamConsumer<Given> = settings
            .consumer()?
            .create_with_context(Given(tell))
            .map_err(|error| NotUsable::client(&error))?;
        client
            .subscribe(&[&settings.completed_topic])
            .map_err(|error| NotUsable::client(&error))?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let running = tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = stopped.cancelled() => break,
                    _ = client.recv() => {}
                }
            }
            // Its farewell to the group blocks.
            blocking(move || drop(client)).await;
        });
        Ok(Self { given, stop, running })
    }

    /// Waits until partitions are its own.
    pub async fn has_its_share(&mut self) {
        // The member has ended where nobody tells any more; then leaving says why.
        let _ = self.given.wait_for(|given| 0 < *given).await;
    }

    /// Leaves the group in good order.
    pub async fn leave(self) {
        self.stop.cancel();
        if let Err(failed) = self.running.await {
            std::panic::resume_unwind(failed.into_panic());
        }
    }
}

/// Tells how many partitions are assigned.
struct Given(watch::Sender<usize>);

impl ClientContext for Given {
    fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, line: &str) {
        crate::context::log(level, facility, line);
    }

    fn error(&self, _: KafkaError, _: &str) {}

    fn stats_raw(&self, _: &[u8]) {}
}

impl ConsumerContext for Given {
    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, _: &Rebalance<'_>) {
        // A list that lived on would keep the consumer from being dropped.
        let given = consumer.assignment().map_or(0, |list| list.count());
        self.0.send_replace(given);
    }
}
