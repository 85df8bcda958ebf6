//! The other side, for the demo and for tests: a shop that says that its buyers are done, and a reader of what is told.

pub mod operator;

use std::collections::VecDeque;
use std::time::Duration;

use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use rdkafka::metadata::MetadataTopic;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use crate::admin::blocking;
use crate::context::{Broker, Quiet};

/// The broker did not take it, or does not answer.
#[derive(Debug, thiserror::Error)]
#[error("the broker did not do it")]
pub struct ClientError(#[source] KafkaError);

/// Sends messages as a shop would, keys going to the partitions where Java's clients put them.
pub struct ShopProducer {
    topic: String,
    client: FutureProducer<Quiet>,
}

impl ShopProducer {
    /// Writes to `topic` at these brokers. Needs a tokio runtime.
    pub fn new(bootstrap_servers: &str, topic: &str) -> Result<Self, ClientError> {
        let client = ClientConfig::new()
            .set("bootstrap.servers", bootstrap_servers)
            .set("partitioner", "murmur2_random")
            .set("enable.idempotence", "true")
            .set("linger.ms", "0")
            .set("message.max.bytes", "4000000")
            .set("message.timeout.ms", "30000")
            .set("reconnect.backoff.max.ms", "1000")
            .create_with_context(Quiet(Broker::new()))
            .map_err(ClientError)?;
        Ok(Self {
            topic: topic.to_owned(),
            client,
        })
    }

    /// Sends one message and waits until the broker has acknowledged it; the partition and offset come back.
    pub async fn send(
        &self,
        key: Option<&[u8]>,
        headers: &[(&str, &[u8])],
        payload: Option<&[u8]>,
    ) -> Result<(i32, i64), ClientError> {
        self.send_record(None, key, headers, payload).await
    }

    /// The same, to a partition of the caller's choice.
    pub async fn send_to(
        &self,
        partition: i32,
        key: Option<&[u8]>,
        headers: &[(&str, &[u8])],
        payload: Option<&[u8]>,
    ) -> Result<(i32, i64), ClientError> {
        self.send_record(Some(partition), key, headers, payload).await
    }

    async fn send_record(
        &self,
        partition: Option<i32>,
        key: Option<&[u8]>,
        headers: &[(&str, &[u8])],
        payload: Option<&[u8]>,
    ) -> Result<(i32, i64), ClientError> {
        let all = headers.iter().fold(OwnedHeaders::new(), |all, (key, value)| {
            all.insert(Header {
                key,
                value: Some(*value),
            })
        });
        let mut record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(&self.topic).headers(all);
        record.partition = partition;
        record.key = key;
        record.payload = payload;
        let delivered = self.client.send(record, Duration::from_secs(30)).await;
        delivered
            .map(|delivery| (delivery.partition, delivery.offset))
            .map_err(|(error, _)| ClientError(error))
    }
}

/// A message as it stands in a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicRecord {
    /// The partition.
    pub partition: i32,
    /// The offset in it.
    pub offset: i64,
    /// The key.
    pub key: Option<Vec<u8>>,
    /// The headers, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// The bytes.
    pub payload: Option<Vec<u8>>,
}

impl TopicRecord {
    /// The last header of this name, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().rev().find(|(key, _)| key == name)?;
        std::str::from_utf8(value.as_deref()?).ok()
    }

    fn of(message: &BorrowedMessage<'_>) -> Self {
        Self {
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            headers: message
                .headers()
                .into_iter()
                .flat_map(|headers| headers.iter())
                .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
                .collect(),
            payload: message.payload().map(<[u8]>::to_vec),
        }
    }
}

/// Reads all partitions of a topic from the beginning, in no group. Partitions that are added later are not read.
pub struct TopicReader {
    client: StreamConsumer<Quiet>,
    read: VecDeque<TopicRecord>,
}

impl TopicReader {
    /// The topic must exist. Needs a tokio runtime.
    pub async fn open(bootstrap_servers: &str, topic: &str) -> Result<Self, ClientError> {
        // A mock cluster answers late, and only then.
        Self::asking_every(bootstrap_servers, topic, "20").await
    }

    /// The same, asking as seldom as consumers do: Apache Kafka answers as soon as there is something.
    pub async fn open_patiently(bootstrap_servers: &str, topic: &str) -> Result<Self, ClientError> {
        Self::asking_every(bootstrap_servers, topic, "500").await
    }

    async fn asking_every(bootstrap_servers: &str, topic: &str, wait_ms: &str) -> Result<Self, ClientError> {
        let client: StreamConsumer<Quiet> = ClientConfig::new()
            .set("bootstrap.servers", bootstrap_servers)
            // librdkafka assigns nothing to a client without one; nothing is ever committed to it.
            .set("group.id", "confirmd-topic-reader")
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .set("fetch.wait.max.ms", wait_ms)
            .set("fetch.queue.backoff.ms", "5")
            .create_with_context(Quiet(Broker::new()))
            .map_err(ClientError)?;
        let wanted = topic.to_owned();
        let opened = blocking(move || {
            let metadata = client.fetch_metadata(Some(&wanted), Duration::from_secs(30))?;
            let mut all = TopicPartitionList::new();
            let found = metadata.topics().iter().find(|found| found.name() == wanted);
            for partition in found.into_iter().flat_map(MetadataTopic::partitions) {
                all.add_partition_offset(&wanted, partition.id(), Offset::Beginning)?;
            }
            if all.count() == 0 {
                let code = rdkafka::error::RDKafkaErrorCode::UnknownTopicOrPartition;
                return Err(KafkaError::MetadataFetch(code));
            }
            client.assign(&all)?;
            Ok(client)
        });
        Ok(Self {
            client: opened.await.map_err(ClientError)?,
            read: VecDeque::new(),
        })
    }

    /// The next record, however long it takes to come; those of one partition in its order. Errors on the way are
    /// left to the client to recover from.
    pub async fn next(&mut self) -> TopicRecord {
        match self.read.pop_front() {
            Some(record) => record,
            None => self.fetch().await,
        }
    }

    /// Waits for a record that `wanted` likes, and leaves the others to be read by the next call.
    pub async fn until(&mut self, wanted: impl Fn(&TopicRecord) -> bool) -> TopicRecord {
        if let Some(at) = self.read.iter().position(&wanted) {
            return self.read.remove(at).expect("just found there");
        }
        loop {
            let record = self.fetch().await;
            if wanted(&record) {
                return record;
            }
            self.read.push_back(record);
        }
    }

    async fn fetch(&self) -> TopicRecord {
        loop {
            if let Ok(message) = self.client.recv().await {
                return TopicRecord::of(&message);
            }
        }
    }
}
