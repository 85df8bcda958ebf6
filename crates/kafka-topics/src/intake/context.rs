//! What librdkafka calls back, inside our own polls: assignments, commits, errors.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::ClientContext;
use rdkafka::TopicPartitionList;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance, RebalanceProtocol};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use reconciler::boundary;
use tokio::sync::{Notify, watch};

use super::membership::offsets;
use crate::context::{Broker, client_error, log};
use crate::marks::Marks;

/// What others are told. Outlives the consumers, of which there may be several after one another.
pub(super) struct Outside {
    pub(super) assignment: watch::Sender<Option<BTreeSet<u32>>>,
    pub(super) partition_count: watch::Sender<Option<u32>>,
    pub(super) broker: Broker,
    pub(super) held: watch::Sender<usize>,
}

impl Outside {
    pub(super) fn new() -> Self {
        Self {
            assignment: watch::Sender::new(None),
            partition_count: watch::Sender::new(None),
            broker: Broker::new(),
            held: watch::Sender::new(0),
        }
    }
}

/// What one consumer knows.
pub(super) struct Context {
    topic: String,
    marks: Mutex<Marks>,
    pub(super) outside: Arc<Outside>,
    /// Something happened that the loop may want to look at.
    pub(super) changed: Notify,
    count_wanted: AtomicBool,
    closing: AtomicBool,
}

impl Context {
    pub(super) fn new(topic: &str, outside: Arc<Outside>) -> Self {
        Self {
            topic: topic.to_owned(),
            marks: Mutex::default(),
            outside,
            changed: Notify::new(),
            count_wanted: AtomicBool::new(false),
            closing: AtomicBool::new(false),
        }
    }

    pub(super) fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn take_count_wanted(&self) -> bool {
        self.count_wanted.swap(false, Ordering::Relaxed)
    }

    /// From now on what is revoked is not told: the partitions are ours until we are gone.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }

    pub(super) fn not_committed(&self, list: &TopicPartitionList, error: &KafkaError) {
        tracing::warn!("offsets were not committed, and will be tried again: {error}");
        let mut marks = self.marks();
        for partition in partitions(list) {
            marks.not_committed(partition);
        }
    }

    fn revoked(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        // Somebody else may own already what was lost: committing it is not ours any more.
        let lost = consumer.assignment_lost();
        let done = {
            let mut marks = self.marks();
            let done = if lost { Vec::new() } else { marks.take_moved() };
            marks.revoked(partitions(list));
            done
        };
        // Asynchronous, because this runs inside a poll and the broker may be away; it leaves before we rejoin.
        if !done.is_empty() {
            boundary("commit-revoked-offsets");
            let _ = consumer.commit(&offsets(&self.topic, &done), CommitMode::Async);
            boundary("revoked-offsets-on-their-way");
        }
        // What was lost because the broker is away goes on being worked, until there is an assignment again;
        // eager members give up everything before each assignment, which says nothing.
        if !lost && matches!(consumer.rebalance_protocol(), RebalanceProtocol::Cooperative) {
            self.tell_assignment();
        }
    }

    fn assigned(&self, consumer: &BaseConsumer<Self>, list: &TopicPartitionList) {
        self.marks().assigned(partitions(list));
        // The pause of an earlier assignment would outlive it.
        let _ = consumer.resume(list);
        self.outside.broker.answers();
        self.count_wanted.store(true, Ordering::Relaxed);
        self.tell_assignment();
    }

    fn tell_assignment(&self) {
        if self.closing.load(Ordering::Relaxed) {
            return;
        }
        let now = self.marks().partitions();
        self.outside.assignment.send_if_modified(|before| {
            let changed = before.as_ref() != Some(&now);
            if changed {
                tracing::info!("working partitions {now:?}");
                *before = Some(now);
            }
            changed
        });
    }
}

fn partitions(list: &TopicPartitionList) -> impl Iterator<Item = i32> {
    let numbers: Vec<i32> = list
        .elements()
        .iter()
        .map(TopicPartitionListElem::partition)
        .collect();
    numbers.into_iter()
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client_error(&self.outside.broker, &error, reason);
        self.changed.notify_one();
    }

    fn stats_raw(&self, _: &[u8]) {}
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Revoke(list) => self.revoked(consumer, list),
            Rebalance::Error(error) => tracing::warn!("the group could not share out the work: {error}"),
            Rebalance::Assign(_) => {}
        }
        self.changed.notify_one();
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Assign(list) = rebalance {
            self.assigned(consumer, list);
        }
        self.changed.notify_one();
    }
}
