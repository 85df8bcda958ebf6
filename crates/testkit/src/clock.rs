//! A clock that stands still until a test moves it.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use checkout::Timestamp;
use reconciler::ports::Clock;

/// The settable clock. Its clones are one clock; those of other machines go by the same time and show another.
#[derive(Debug, Clone)]
pub struct SimClock {
    hands: Arc<Mutex<Hands>>,
    /// Microseconds that it shows more than what the hands say.
    ahead: Arc<AtomicI64>,
}

#[derive(Debug)]
struct Hands {
    now: Timestamp,
    sleepers: BTreeMap<(Timestamp, u64), Waker>,
    next: u64,
}

impl SimClock {
    /// Stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self {
            hands: Arc::new(Mutex::new(Hands {
                now,
                sleepers: BTreeMap::new(),
                next: 0,
            })),
            ahead: Arc::default(),
        }
    }

    /// The clock of another machine, which shows the same so far.
    #[must_use]
    pub fn of_another_machine(&self) -> Self {
        Self {
            hands: self.hands.clone(),
            ahead: Arc::new(AtomicI64::new(self.ahead.load(Ordering::Relaxed))),
        }
    }

    /// From now on it shows so many seconds more than the time is, or fewer.
    pub fn set_ahead(&self, seconds: i64) {
        self.ahead
            .store(seconds.saturating_mul(1_000_000), Ordering::Relaxed);
        // Each sleeps on until the instant that it meant.
        let woken = std::mem::take(&mut self.hands().sleepers);
        woken.into_values().for_each(Waker::wake);
    }

    /// What this clock shows when the time is `at`.
    pub fn shown(&self, at: Timestamp) -> Timestamp {
        shifted(at, self.ahead.load(Ordering::Relaxed))
    }

    /// What the time is when this clock shows `at`.
    pub fn meant(&self, at: Timestamp) -> Timestamp {
        shifted(at, -self.ahead.load(Ordering::Relaxed))
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.hands
            .lock()
            .expect("nobody panics while holding the clock's hands")
    }

    /// The time moves to `at`, never back, and wakes whoever slept until then.
    pub fn move_to(&self, at: Timestamp) {
        let woken: Vec<Waker> = {
            let mut hands = self.hands();
            hands.now = hands.now.max(at);
            let later = hands.now.plus(Duration::from_micros(1));
            let still_asleep = hands.sleepers.split_off(&(later, 0));
            std::mem::replace(&mut hands.sleepers, still_asleep)
                .into_values()
                .collect()
        };
        woken.into_iter().for_each(Waker::wake);
    }

    /// The time moves on.
    pub fn advance(&self, by: Duration) {
        let now = self.hands().now;
        self.move_to(now.plus(by));
    }

    /// The time that the first sleeper waits for, whatever its clock shows then.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.hands().sleepers.first_key_value().map(|((at, _), _)| *at)
    }
}

fn shifted(at: Timestamp, by: i64) -> Timestamp {
    let length = Duration::from_micros(by.unsigned_abs());
    if by < 0 { at.minus(length) } else { at.plus(length) }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.shown(self.hands().now)
    }

    fn sleep_until(&self, at: Timestamp) -> impl Future<Output = ()> + Send {
        Sleep {
            clock: self.clone(),
            at,
            asleep: None,
        }
    }
}

struct Sleep {
    clock: SimClock,
    at: Timestamp,
    /// Its place among the sleepers.
    asleep: Option<(Timestamp, u64)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        let at = clock.meant(self.at);
        let mut hands = clock.hands();
        if at <= hands.now {
            return Poll::Ready(());
        }
        let number = self.asleep.map_or_else(
            || {
                hands.next += 1;
                hands.next
            },
            |(_, number)| number,
        );
        hands.sleepers.insert((at, number), context.waker().clone());
        drop(hands);
        self.asleep = Some((at, number));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(place) = self.asleep {
            self.clock.hands().sleepers.remove(&place);
        }
    }
}
