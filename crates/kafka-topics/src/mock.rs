//! A broker inside the process, for the demo and for quick tests.

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, DefaultProducerContext, Producer};

use crate::settings::{NotUsable, Settings};

/// librdkafka's mock cluster: real clients over real sockets on loopback, and no Kafka.
///
/// It is not a broker to keep anything in. It keeps at most 5 MiB or 100,000 batches a partition and drops older ones
/// silently, knows no transactions, no CreateTopics, no access rules and nothing that survives the process, and takes
/// three seconds until the first member of a group gets its partitions. What must hold on Kafka is tested on Kafka.
pub struct EmbeddedBroker {
    client: BaseProducer<DefaultProducerContext>,
}

impl EmbeddedBroker {
    /// Starts it; it ends when dropped.
    pub fn start() -> Result<Self, NotUsable> {
        let client = ClientConfig::new()
            .set("test.mock.num.brokers", "1")
            .create()
            .map_err(|error| NotUsable::client(&error))?;
        Ok(Self { client })
    }

    /// Where it listens: `host:port` on loopback.
    pub fn bootstrap_servers(&self) -> String {
        self.client
            .client()
            .mock_cluster()
            .map(|cluster| cluster.bootstrap_servers())
            .unwrap_or_default()
    }

    /// Settings with this broker, and what makes its groups quicker.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::new(self.bootstrap_servers());
        for (key, value) in [
            ("session.timeout.ms", "4000"),
            ("heartbeat.interval.ms", "500"),
            ("fetch.wait.max.ms", "20"),
        ] {
            settings.properties.insert(key.to_owned(), value.to_owned());
        }
        settings
    }

    /// Makes the four topics of `settings`; those that exist stay as they are.
    pub fn create_topics(&self, settings: &Settings, partitions: u32) -> Result<(), NotUsable> {
        let partitions = i32::try_from(partitions).unwrap_or(i32::MAX);
        let Some(cluster) = self.client.client().mock_cluster() else {
            return Ok(());
        };
        for topic in settings.topics() {
            match cluster.create_topic(topic, partitions, 1) {
                Ok(()) => {}
                Err(error)
                    if error.rdkafka_error_code()
                        == Some(rdkafka::error::RDKafkaErrorCode::TopicAlreadyExists) => {}
                Err(error) => return Err(NotUsable::client(&error)),
            }
        }
        Ok(())
    }

    /// Closes its port, as if the broker were away; [`Self::come_back`] opens it again.
    pub fn go_away(&self) -> Result<(), NotUsable> {
        match self.client.client().mock_cluster() {
            Some(cluster) => cluster.broker_down(1).map_err(|error| NotUsable::client(&error)),
            None => Ok(()),
        }
    }

    /// Ends [`Self::go_away`].
    pub fn come_back(&self) -> Result<(), NotUsable> {
        match self.client.client().mock_cluster() {
            Some(cluster) => cluster.broker_up(1).map_err(|error| NotUsable::client(&error)),
            None => Ok(()),
        }
    }
}
