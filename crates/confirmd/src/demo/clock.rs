//! One clock for daemon, sandbox and shop: a day passes in about a minute.
//!
//! While work is going on it runs at most 60 times as fast as the machine's, so that a timeout of 30 seconds
//! means something; otherwise it cruises. It does not jump from one due instant to the next: a jump would
//! overtake what is on its way through the broker, and make every event look old.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use checkout::Timestamp;
use futures::future::BoxFuture;
use sandbox::SandboxClock;
use tokio::sync::oneshot;

use crate::clock::{Busy, Moved, real_sleep};

/// While work is going on.
const AT_WORK: f64 = 60.0;
/// While everybody waits: an hour a second.
const CRUISING: f64 = 3_600.0;
/// How often sleepers are looked at, in the machine's time.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// The clock of a demonstration. Clones are the same clock.
#[derive(Clone)]
pub(crate) struct DemoClock(Arc<Mutex<State>>);

struct State {
    /// `shown` was the time at the machine's instant `since`.
    since: Instant,
    shown: Timestamp,
    at_work: usize,
    /// While everybody waits.
    cruising: f64,
    next_sleeper: u64,
    sleepers: BTreeMap<(Timestamp, u64), oneshot::Sender<()>>,
}

impl State {
    fn now(&self, instant: Instant) -> Timestamp {
        let speed = if self.at_work > 0 {
            AT_WORK.min(self.cruising)
        } else {
            self.cruising
        };
        self.shown.plus(instant.duration_since(self.since).mul_f64(speed))
    }

    /// Takes the time shown as the new beginning, before the speed changes.
    fn settle(&mut self, instant: Instant) {
        self.shown = self.now(instant);
        self.since = instant;
    }
}

impl DemoClock {
    /// Shows `start` and runs from there; its sleepers wake as long as the runtime lives.
    pub(crate) fn start(start: Timestamp) -> Self {
        let state = State {
            since: instant(),
            shown: start,
            at_work: 0,
            cruising: CRUISING,
            next_sleeper: 0,
            sleepers: BTreeMap::new(),
        };
        let clock = Self(Arc::new(Mutex::new(state)));
        let waker = clock.clone();
        tokio::spawn(async move {
            loop {
                waker.wake_sleepers();
                real_sleep(LOOK_EVERY).await;
            }
        });
        clock
    }

    /// From here on as fast as the machine's: the day is over, and someone looks around.
    pub(crate) fn slow_down(&self) {
        let mut state = self.state();
        state.settle(instant());
        state.cruising = 1.0;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder of this lock can panic")
    }

    fn wake_sleepers(&self) {
        let mut state = self.state();
        let now = state.now(instant());
        while let Some(first) = state.sleepers.first_entry().filter(|first| first.key().0 <= now) {
            // A sleeper that was dropped needs no waking.
            let _ = first.remove().send(());
        }
    }

    fn work_changed(&self, change: impl FnOnce(&mut usize)) {
        let mut state = self.state();
        state.settle(instant());
        change(&mut state.at_work);
    }
}

struct AtWork(DemoClock);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.work_changed(|at_work| *at_work -= 1);
    }
}

impl Moved for DemoClock {
    fn now(&self) -> Timestamp {
        self.state().now(instant())
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let (wake, woken) = oneshot::channel();
        {
            let mut state = self.state();
            let nth = state.next_sleeper;
            state.next_sleeper += 1;
            state.sleepers.insert((at, nth), wake);
        }
        Box::pin(async move {
            let _ = woken.await;
        })
    }

    fn busy(&self) -> Busy {
        self.work_changed(|at_work| *at_work += 1);
        Busy::until_dropped(AtWork(self.clone()))
    }
}

impl SandboxClock for DemoClock {
    fn now(&self) -> jiff::Timestamp {
        let now = Moved::now(self).as_micros();
        jiff::Timestamp::from_microsecond(now).expect("a demonstration stays in our time")
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        self.sleep_until(Moved::now(self).plus(wait))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the machine's time is what this clock scales"
)]
fn instant() -> Instant {
    Instant::now()
}
