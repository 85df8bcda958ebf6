//! One consumer in its group: the loop that moves events, and how it ends.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use checkout::Timestamp;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{FuturesUnordered, StreamExt};
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};
use reconciler::ports::Clock;
use reconciler::{DeadLetter, KeepDeadLetters, NoticeLog, TakeIn, boundary};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::context::Context;
use crate::lane::{Bringer, Finished, Lane, Pending};
use crate::marks::Generation;
use crate::parse::{Accounts, Incoming, parse};

/// Offsets that may stand behind one that is not recorded; after that the partition is paused.
const MOST_OUTSTANDING: usize = 100_000;
/// While the broker is away, it is asked this often whether it is back.
const PROBE_EVERY: Duration = Duration::from_secs(5);
/// librdkafka's own limit for one such question.
const PROBE_WITHIN: Duration = Duration::from_secs(3);

/// One consumer's life in the group. It ends when we stop, or when librdkafka says that it is broken for good.
pub(super) struct Membership<'a, T, K, N, C> {
    consumer: Arc<StreamConsumer<Context>>,
    topic: &'a str,
    accounts: &'a Accounts,
    limits: &'a Limits,
    clock: &'a C,
    stop: &'a CancellationToken,
    lanes: BTreeMap<i32, Lane>,
    under_way: FuturesUnordered<BoxFuture<'a, Finished>>,
    bringer: &'a Bringer<'a, T, K, N, C>,
    commit_at: Option<Timestamp>,
    probe: Option<oneshot::Receiver<Option<u32>>>,
    probe_at: Option<Timestamp>,
    /// The last thing that was wrong, told once.
    trouble: Option<KafkaError>,
}

impl<'a, T: TakeIn, K: KeepDeadLetters, N: NoticeLog, C: Clock> Membership<'a, T, K, N, C> {
    pub(super) fn new(
        consumer: StreamConsumer<Context>,
        topic: &'a str,
        accounts: &'a Accounts,
        bringer: &'a Bringer<'a, T, K, N, C>,
    ) -> Self {
        Self {
            consumer: Arc::new(consumer),
            topic,
            accounts,
            limits: bringer.limits,
            clock: bringer.clock,
            stop: bringer.stop,
            lanes: BTreeMap::new(),
            under_way: FuturesUnordered::new(),
            bringer,
            commit_at: None,
            probe: None,
            probe_at: None,
            trouble: None,
        }
    }

    pub(super) async fn run(mut self) {
        if let Err(error) = self.consumer.subscribe(&[self.topic]) {
            tracing::error!("cannot subscribe to `{}`: {error}", self.topic);
        }
        let consumer = Arc::clone(&self.consumer);
        let mut broken = false;
        while !broken {
            self.forget_old_assignments();
            self.hand_over();
            self.hold_back();
            self.plan_probe();
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                Some(finished) = self.under_way.next(), if !self.under_way.is_empty() => self.settle(finished),
                () = sleep(self.clock, self.commit_at) => self.commit(),
                () = sleep(self.clock, self.probe_at) => self.start_probe(),
                count = answer(&mut self.probe) => self.probed(count),
                () = consumer.context().changed.notified() => {}
                message = consumer.recv() => {
                    broken = self.receive(message) || self.receive_what_is_there(&consumer);
                }
            }
        }
        drop(consumer);
        self.leave().await;
    }

    /// Takes what has been fetched already, so that a batch is whatever is there.
    fn receive_what_is_there(&mut self, consumer: &StreamConsumer<Context>) -> bool {
        let mut bytes = 0;
        for _ in 0..self.limits.batch_events {
            let Some(message) = consumer.recv().now_or_never() else {
                return false;
            };
            if let Ok(message) = &message {
                bytes += message.payload_len();
            }
            if self.receive(message) {
                return true;
            }
            if bytes >= self.limits.batch_bytes {
                return false;
            }
        }
        false
    }

    /// True when this consumer will never work again.
    fn receive(&mut self, message: KafkaResult<BorrowedMessage<'_>>) -> bool {
        match message {
            Ok(message) => {
                self.consumer.context().outside.broker.answers();
                self.trouble = None;
                self.accept(&message);
                false
            }
            Err(KafkaError::PartitionEOF(_)) => false,
            Err(error) => {
                let fatal = matches!(error, KafkaError::MessageConsumptionFatal(_));
                if self.trouble.as_ref() != Some(&error) {
                    tracing::warn!("`{}` cannot be read: {error}", self.topic);
                }
                self.trouble = Some(error);
                fatal
            }
        }
    }

    fn accept(&mut self, message: &BorrowedMessage<'_>) {
        let (partition, offset) = (message.partition(), message.offset());
        // Of a partition that is not ours any more: its new owner reads it.
        let Some(generation) = self.consumer.context().marks().received(partition, offset) else {
            return;
        };
        let headers: Vec<(String, Option<Vec<u8>>)> = message
            .headers()
            .into_iter()
            .flat_map(|headers| headers.iter())
            .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
            .collect();
        let incoming = Incoming {
            topic: self.topic,
            partition,
            offset,
            timestamp: message
                .timestamp()
                .to_millis()
                .filter(|millis| *millis > 0)
                .map(|millis| Timestamp::from_micros(millis.saturating_mul(1000))),
            headers: &headers,
            payload: message.payload(),
        };
        let now = self.clock.now();
        let bytes = message.payload_len() + message.key_len();
        let read = parse(&incoming, self.accounts, now);
        let lane = self.lane(partition, generation);
        match read {
            Ok(arrival) => lane.accept(Pending {
                offset,
                bytes,
                arrival,
            }),
            Err(unreadable) => {
                lane.count(bytes);
                let letter = DeadLetter {
                    source: incoming.source(),
                    key: message.key().map(<[u8]>::to_vec),
                    payload: message.payload().map(<[u8]>::to_vec),
                    headers,
                    reason: unreadable.reason,
                    field: unreadable.field,
                    at: now,
                };
                tracing::warn!(
                    "the event at {} has no readable session id: `{}`: {}",
                    letter.source,
                    letter.field,
                    letter.reason
                );
                let set_aside = self
                    .bringer
                    .dead_letter(partition, generation, (offset, bytes), letter);
                self.under_way.push(set_aside.boxed());
            }
        }
    }

    fn lane(&mut self, partition: i32, generation: Generation) -> &mut Lane {
        let lane = self
            .lanes
            .entry(partition)
            .or_insert_with(|| Lane::new(generation));
        if lane.generation != generation {
            *lane = Lane::new(generation);
        }
        lane
    }

    /// What was read under an assignment that is over is read again by whoever has the partition now.
    fn forget_old_assignments(&mut self) {
        let marks = self.consumer.context().marks();
        self.lanes
            .retain(|partition, lane| marks.generation(*partition) == Some(lane.generation));
    }

    fn hand_over(&mut self) {
        for (partition, lane) in &mut self.lanes {
            if let Some(batch) = lane.next_batch(self.limits) {
                let brought = self.bringer.batch(*partition, lane.generation, batch);
                self.under_way.push(brought.boxed());
            }
        }
    }

    fn settle(&mut self, finished: Finished) {
        let (partition, generation) = (finished.partition, finished.generation);
        let moved = {
            let mut marks = self.consumer.context().marks();
            for offset in &finished.done {
                marks.done(partition, generation, *offset);
            }
            marks.moved()
        };
        if moved && self.commit_at.is_none() {
            self.commit_at = Some(self.clock.now().plus(self.limits.commit_every));
        }
        let lane = self.lanes.get_mut(&partition);
        let Some(lane) = lane.filter(|lane| lane.generation == generation) else {
            return;
        };
        lane.finished(&finished);
        for pending in finished.refused {
            let again = self.bringer.refused(partition, generation, pending);
            self.under_way.push(again.boxed());
        }
    }

    /// Pauses what has too much unrecorded, and resumes what has come down to half of it.
    fn hold_back(&mut self) {
        let total: usize = self.lanes.values().map(Lane::bytes).sum();
        let held: usize = self.lanes.values().map(Lane::events).sum();
        self.consumer.context().outside.held.send_replace(held);
        let mut pause = TopicPartitionList::new();
        let mut resume = TopicPartitionList::new();
        {
            let marks = self.consumer.context().marks();
            for (partition, lane) in &mut self.lanes {
                let is_full = |share: usize| {
                    lane.is_full(self.limits, share)
                        || (lane.bytes() > 0 && total * share >= self.limits.total_bytes)
                        || marks.outstanding(*partition) * share >= MOST_OUTSTANDING
                };
                if !lane.paused && is_full(1) {
                    lane.paused = true;
                    pause.add_partition(self.topic, *partition);
                } else if lane.paused && !is_full(2) {
                    lane.paused = false;
                    resume.add_partition(self.topic, *partition);
                }
            }
        }
        // A partition that is not ours any more is the only one that can fail, and needs neither.
        if pause.count() > 0 {
            let _ = self.consumer.pause(&pause);
        }
        if resume.count() > 0 {
            let _ = self.consumer.resume(&resume);
        }
    }

    fn commit(&mut self) {
        self.commit_at = None;
        let context = self.consumer.context();
        let list = offsets(self.topic, &context.marks().take_moved());
        if list.count() == 0 {
            return;
        }
        boundary("commit-offsets");
        // The broker's answer is not heard: librdkafka tells it to a callback that rdkafka does not set. What it does
        // not take is committed with what comes next, or read again.
        let asked = self.consumer.commit(&list, CommitMode::Async);
        boundary("offsets-on-their-way");
        if let Err(error) = asked {
            context.not_committed(&list, &error);
        }
    }

    /// The partition count is asked for after each assignment, and whatever is asked tells that the broker is back.
    fn plan_probe(&mut self) {
        let context = self.consumer.context();
        if context.take_count_wanted() {
            self.probe_at = Some(self.clock.now());
        } else if self.probe_at.is_none() && self.probe.is_none() && context.outside.broker.is_away() {
            self.probe_at = Some(self.clock.now().plus(PROBE_EVERY));
        }
        if self.commit_at.is_none() && context.marks().moved() {
            self.commit_at = Some(self.clock.now().plus(self.limits.commit_every));
        }
    }

    /// On a thread of its own: librdkafka's question blocks.
    fn start_probe(&mut self) {
        self.probe_at = None;
        let (tell, answer) = oneshot::channel();
        let (consumer, topic) = (Arc::clone(&self.consumer), self.topic.to_owned());
        let asked = thread::Builder::new()
            .name("kafka-probe".to_owned())
            .spawn(move || {
                let metadata = consumer.fetch_metadata(Some(&topic), PROBE_WITHIN);
                let count = metadata.ok().and_then(|metadata| {
                    let found = metadata.topics().iter().find(|found| found.name() == topic)?;
                    u32::try_from(found.partitions().len()).ok()
                });
                // First the consumer: whoever waits for the answer may want to be the last to have it.
                drop(consumer);
                let _ = tell.send(count);
            });
        match asked {
            Ok(_) => self.probe = Some(answer),
            Err(error) => tracing::warn!("the partition count cannot be asked for: {error}"),
        }
    }

    fn probed(&mut self, count: Option<u32>) {
        self.probe = None;
        let outside = &self.consumer.context().outside;
        match count {
            Some(count) => {
                outside.broker.answers();
                if count > 0 {
                    outside.partition_count.send_replace(Some(count));
                }
            }
            None if outside.partition_count.borrow().is_none() => {
                self.probe_at = Some(self.clock.now().plus(PROBE_EVERY));
            }
            None => {}
        }
    }

    /// Finishes, commits and leaves, each within its time.
    async fn leave(mut self) {
        let drained_by = self.clock.now().plus(self.limits.drain_within);
        while !self.under_way.is_empty() {
            tokio::select! {
                biased;
                finished = self.under_way.next() => {
                    if let Some(finished) = finished {
                        self.settle(finished);
                    }
                }
                () = self.clock.sleep_until(drained_by) => {
                    tracing::warn!("events were still being recorded; they will be brought again");
                    break;
                }
            }
        }
        let context = Arc::clone(self.consumer.context());
        context.close();
        let marks = context.marks().take_moved();
        let closed_by = self.clock.now().plus(self.limits.close_within);
        let probe = self.probe.take();
        let closed = close(self.consumer, self.topic.to_owned(), marks, probe);
        tokio::select! {
            biased;
            _ = closed => {}
            () = self.clock.sleep_until(closed_by) => {
                tracing::warn!("the group was left without a farewell: the broker did not answer in time");
            }
        }
    }
}

/// On a thread of its own, which nobody has to wait for: with the broker away, both the commit and the farewell
/// may take as long as librdkafka likes.
fn close(
    consumer: Arc<StreamConsumer<Context>>,
    topic: String,
    marks: Vec<(i32, i64)>,
    probe: Option<oneshot::Receiver<Option<u32>>>,
) -> oneshot::Receiver<()> {
    let (tell, closed) = oneshot::channel();
    let spawned = thread::Builder::new()
        .name("kafka-close".to_owned())
        .spawn(move || {
            if !marks.is_empty() {
                let list = offsets(&topic, &marks);
                boundary("commit-last-offsets");
                let committed = consumer.commit(&list, CommitMode::Sync);
                boundary("last-offsets-committed");
                if let Err(error) = committed {
                    tracing::warn!("the last offsets were not committed; their events come again: {error}");
                }
                // A consumer that is dropped while such a list lives hangs for ever.
                drop(list);
            }
            if let Some(probe) = probe {
                let _ = probe.blocking_recv();
            }
            drop(consumer);
            let _ = tell.send(());
        });
    if let Err(error) = spawned {
        tracing::warn!("the group was left without a farewell: {error}");
    }
    closed
}

pub(super) fn offsets(topic: &str, marks: &[(i32, i64)]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(marks.len());
    for (partition, next) in marks {
        list.add_partition_offset(topic, *partition, Offset::Offset(*next))
            .expect("a mark is an offset, never one of the special values that are refused");
    }
    list
}

async fn sleep(clock: &impl Clock, until: Option<Timestamp>) {
    match until {
        Some(until) => clock.sleep_until(until).await,
        None => std::future::pending().await,
    }
}

async fn answer(probe: &mut Option<oneshot::Receiver<Option<u32>>>) -> Option<u32> {
    match probe {
        Some(probe) => probe.await.ok().flatten(),
        None => std::future::pending().await,
    }
}
