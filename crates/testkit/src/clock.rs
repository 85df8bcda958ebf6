//! A clock that stands still until a test moves it.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use checkout::Timestamp;
use reconciler::ports::Clock;

/// The settable clock. Its clones are one clock.
#[derive(Debug, Clone)]
pub struct SimClock(Arc<Mutex<Hands>>);

#[derive(Debug)]
struct Hands {
    now: Timestamp,
    sleepers: BTreeMap<(Timestamp, u64), Waker>,
    next: u64,
}

impl SimClock {
    /// Stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Hands {
            now,
            sleepers: BTreeMap::new(),
            next: 0,
        })))
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0
            .lock()
            .expect("nobody panics while holding the clock's hands")
    }

    /// Moves to `at`, never back, and wakes whoever slept until then.
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

    /// Moves on.
    pub fn advance(&self, by: Duration) {
        self.move_to(self.now().plus(by));
    }

    /// The instant that the first sleeper waits for.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.hands().sleepers.first_key_value().map(|((at, _), _)| *at)
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.hands().now
    }

    fn sleep_until(&self, at: Timestamp) -> impl Future<Output = ()> + Send {
        Sleep {
            clock: self.clone(),
            at,
            place: None,
        }
    }
}

struct Sleep {
    clock: SimClock,
    at: Timestamp,
    place: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let clock = self.clock.clone();
        let mut hands = clock.hands();
        if self.at <= hands.now {
            return Poll::Ready(());
        }
        let place = *self.place.get_or_insert_with(|| {
            hands.next += 1;
            hands.next
        });
        hands.sleepers.insert((self.at, place), context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            self.clock.hands().sleepers.remove(&(self.at, place));
        }
    }
}
