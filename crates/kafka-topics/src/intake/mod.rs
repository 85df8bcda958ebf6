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
mod membership;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::StreamConsumer;
use reconciler::ports::Clock;
use reconciler::{KeepDeadLetters, NoticeLog, TakeIn};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::dead_letter::DeadLetters;
use crate::lane::{Bringer, Waits};
use crate::parse::Accounts;
use crate::settings::{NotUsable, Settings};
use context::{Context, Outside};
use membership::Membership;

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
                    let topic = &settings.completed_topic;
                    Membership::new(consumer, topic, &accounts, &bringer).run().await;
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
