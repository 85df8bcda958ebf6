//! Takes events in: consume, read, bring to the log, and only then commit.
//!
//! ```text
//!   consumer ─► parse ─► lane of its partition ─► take in ─► mark ─► commit (at intervals, and at the end)
//!      ▲                     │ full                  │ fails
//!      └────── pause ────────┘                       └─► again, with growing waits
//! ```
//!
//! One task does all of it, so that nothing here needs a lock against itself; librdkafka's callbacks run
//! inside its polls. While anything waits, the consumer goes on being polled: the group must not take us for dead.

mod context;

use std::collections::{BTreeMap, BTreeSet};
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
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::dead_letter::DeadLetters;
use crate::lane::{Bringer, Finished, Lane, Pending, Waits};
use crate::marks::Generation;
use crate::parse::{Accounts, Incoming, parse};
use crate::settings::{NotUsable, Settings};
use context::{Context, Outside};

/// How much is held and how often things happen. The defaults are meant for production.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Events handed over in one call, at most.
    pub batch_events: usize,
    /// Bytes of events handed over in one call, at most, unless one event is larger.
    pub batch_bytes: usize,
    /// A partition that has this many events unrecorded is paused.
    pub partition_events: usize,
    /// A partition whose unrecorded events have this many bytes is paused.
    pub partition_bytes: usize,
    /// When the unrecorded events of all partitions have this many bytes, each that has some is paused.
    pub total_bytes: usize,
    /// Offsets are committed this long after the first event that was recorded since the last time.
    pub commit_every: Duration,
    /// The first wait when events cannot be recorded; each further one is twice as long.
    pub retry_first: Duration,
    /// The longest such wait.
    pub retry_max: Duration,
    /// At the end, what is under way may take this long.
    pub drain_within: Duration,
    /// At the end, the last commit and the farewell to the group may take this long.
    pub close_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_events: 500,
            batch_bytes: 4 << 20,
            partition_events: 2_000,
            partition_bytes: 8 << 20,
            total_bytes: 64 << 20,
            commit_every: Duration::from_secs(1),
            retry_first: Duration::from_millis(100),
            retry_max: Duration::from_secs(10),
            drain_within: Duration::from_secs(10),
            close_within: Duration::from_secs(10),
        }
    }
}

/// Offsets that may stand behind one that is not recorded; after that the partition is paused.
const MOST_OUTSTANDING: usize = 100_000;
/// While the broker is away, it is asked this often whether it is back.
const PROBE_EVERY: Duration = Duration::from_secs(5);
/// librdkafka's own limit for one such question.
const PROBE_WITHIN: Duration = Duration::from_secs(3);

/// The consumer of `checkout.completed`.
pub struct Intake {
    settings: Settings,
    accounts: Accounts,
    limits: Limits,
    outside: Arc<Outside>,
    first: StreamConsumer<Context>,
}

impl Intake {
    /// Joins nothing yet. Needs a tokio runtime. A broker that is away is no error.
    pub fn new(settings: &Settings, accounts: Accounts) -> Result<Self, NotUsable> {
        let outside = Arc::new(Outside::new());
        Ok(Self {
            first: consumer(settings, &outside)?,
            settings: settings.clone(),
            accounts,
            limits: Limits::default(),
            outside,
        })
    }

    /// Other limits than the usual ones.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The partitions that this member works: none known before the first assignment, and the last known
    /// ones while the broker is away.
    pub fn assignment(&self) -> watch::Receiver<Option<BTreeSet<u32>>> {
        self.outside.assignment.subscribe()
    }

    /// How many partitions the topic has, once known.
    pub fn partition_count(&self) -> watch::Receiver<Option<u32>> {
        self.outside.partition_count.subscribe()
    }

    /// Whether the broker answers, as far as the last attempt to reach it tells.
    pub fn broker(&self) -> watch::Receiver<bool> {
        self.outside.broker.watch()
    }

    /// How many events have been read and are not recorded yet.
    pub fn held(&self) -> watch::Receiver<usize> {
        self.outside.held.subscribe()
    }

    /// Takes events in until `stop`; then finishes what is under way, commits and leaves the group. What it
    /// could not finish is brought again to whoever reads the partition next.
    pub async fn run<T: TakeIn, K: KeepDeadLetters, N: NoticeLog, C: Clock>(
        self,
        take_in: &T,
        dead_letters: &DeadLetters<'_, K, N>,
        clock: &C,
        stop: &CancellationToken,
    ) {
        let Self {
            settings,
            accounts,
            limits,
            outside,
            first,
        } = self;
        let bringer = Bringer {
            take_in,
            dead_letters,
            clock,
            stop,
            limits: &limits,
        };
        let mut waits = Waits {
            next: limits.retry_first,
            most: limits.retry_max,
        };
        let mut next = Ok(first);
        loop {
            match next {
                Ok(consumer) => {
                    let membership = Membership {
                        consumer: Arc::new(consumer),
                        topic: &settings.completed_topic,
                        accounts: &accounts,
                        limits: &limits,
                        clock,
                        lanes: BTreeMap::new(),
                        under_way: FuturesUnordered::new(),
                        bringer: &bringer,
                        commit_at: None,
                        probe: None,
                        probe_at: None,
                        trouble: None,
                    };
                    membership.run(stop).await;
                }
                Err(error) => tracing::error!("no consumer can be made: {error}"),
            }
            let until = clock.now().plus(waits.next());
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = clock.sleep_until(until) => {}
            }
            next = consumer(&settings, &outside);
        }
    }
}

fn consumer(settings: &Settings, outside: &Arc<Outside>) -> Result<StreamConsumer<Context>, NotUsable> {
    settings
        .consumer()?
        .create_with_context(Context::new(&settings.completed_topic, Arc::clone(outside)))
        .map_err(|error| NotUsable::client(&error))
}

/// One consumer's life in the group. It ends when we stop, or when librdkafka says that it is broken for good.
struct Membership<'a, T, K, N, C> {
    consumer: Arc<StreamConsumer<Context>>,
    topic: &'a str,
    accounts: &'a Accounts,
    limits: &'a Limits,
    clock: &'a C,
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
    async fn run(mut self, stop: &CancellationToken) {
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
                () = stop.cancelled() => break,
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
        // The broker's answer comes to the context; a partition that was not committed is tried again.
        if let Err(error) = self.consumer.commit(&list, CommitMode::Async) {
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
                boundary("commit-offsets");
                let list = offsets(&topic, &marks);
                if let Err(error) = consumer.commit(&list, CommitMode::Sync) {
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

pub(crate) fn offsets(topic: &str, marks: &[(i32, i64)]) -> TopicPartitionList {
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
