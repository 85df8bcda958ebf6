//! The one clock: every timestamp, wait and timeout of the program comes from here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use checkout::Timestamp;
use reconciler::ports::Clock;

/// A clock that something else moves: a demonstration, or the sandbox of a test.
pub(crate) trait Moved: Send + Sync {
    fn now(&self) -> Timestamp;
    fn sleep_until(&self, at: Timestamp) -> futures::future::BoxFuture<'static, ()>;
    /// Work is going on as long as the guard lives: time must not run away from it.
    fn busy(&self) -> Busy;
}

/// Keeps a scaled clock from running away from the work that is going on.
pub(crate) struct Busy(#[expect(dead_code, reason = "held for its drop")] Option<Box<dyn Send>>);

impl Busy {
    /// Nothing needs to be kept.
    pub(crate) fn nothing() -> Self {
        Self(None)
    }

    /// Until this is dropped.
    pub(crate) fn until_dropped(guard: impl Send + 'static) -> Self {
        Self(Some(Box::new(guard)))
    }
}

/// Where the time comes from.
#[derive(Clone)]
pub(crate) enum ProgramClock {
    /// The machine.
    System,
    /// Somewhere else.
    Moved(Arc<dyn Moved>),
}

impl ProgramClock {
    /// Work is going on as long as the guard lives.
    pub(crate) fn busy(&self) -> Busy {
        match self {
            Self::System => Busy::nothing(),
            Self::Moved(clock) => clock.busy(),
        }
    }
}

impl Clock for ProgramClock {
    fn now(&self) -> Timestamp {
        match self {
            Self::System => system_now(),
            Self::Moved(clock) => clock.now(),
        }
    }

    async fn sleep_until(&self, at: Timestamp) {
        match self {
            Self::System => system_sleep_until(at).await,
            Self::Moved(clock) => clock.sleep_until(at).await,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that everybody else asks"
)]
fn system_now() -> Timestamp {
    static HANDS: Mutex<Option<Hands>> = Mutex::new(None);
    let machine = Timestamp::from_micros(jiff::Timestamp::now().as_microsecond());
    let mut hands = HANDS.lock().unwrap_or_else(PoisonError::into_inner);
    let moved = Hands::moved(*hands, machine, Instant::now());
    *hands = Some(moved);
    moved.shown
}

/// What is shown where the machine's clock is set back by more: it was wrong by so much that waiting for it helps
/// nobody.
const MOST_HELD: Duration = Duration::from_secs(60 * 60);

/// What the clock showed last, and when.
#[derive(Debug, Clone, Copy)]
struct Hands {
    shown: Timestamp,
    at: Instant,
}

impl Hands {
    /// The machine's time; but where that was set back, time goes on at half its speed until the machine has caught
    /// up. Else whatever is waited for would come so much later: a try in five seconds after half an hour.
    fn moved(last: Option<Self>, machine: Timestamp, at: Instant) -> Self {
        let shown = match last {
            Some(last) if last.shown.since(machine) <= MOST_HELD => {
                let passed = at.saturating_duration_since(last.at);
                machine.max(last.shown.plus(passed / 2))
            }
            Some(_) | None => machine,
        };
        Self { shown, at }
    }
}

/// Looks at the clock again at least once a minute: a machine that slept, or whose clock was set, must not
/// wait for what has long come.
async fn system_sleep_until(at: Timestamp) {
    const LOOK_AGAIN: Duration = Duration::from_secs(60);
    loop {
        let now = system_now();
        if at <= now {
            return;
        }
        real_sleep(at.since(now).min(LOOK_AGAIN)).await;
    }
}

/// Waits in the machine's time, for what has no business with the program's: polling a socket, say.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock that everybody else asks"
)]
pub(crate) async fn real_sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use checkout::Timestamp;

    use super::Hands;

    const MINUTE: Duration = Duration::from_secs(60);

    #[expect(clippy::disallowed_methods, reason = "an instant to count from")]
    fn begin() -> (Timestamp, Hands, Instant) {
        let noon = Timestamp::parse("2026-01-05T12:00:00Z").unwrap();
        let at = Instant::now();
        (noon, Hands::moved(None, noon, at), at)
    }

    fn minutes(n: u32) -> Duration {
        MINUTE * n
    }

    #[test]
    fn it_shows_the_machines_time_and_jumps_forward_with_it() {
        let (noon, first, at) = begin();
        assert_eq!(first.shown, noon);
        let next = Hands::moved(Some(first), noon.plus(MINUTE), at + MINUTE);
        assert_eq!(next.shown, noon.plus(MINUTE));
        let jumped = Hands::moved(Some(next), noon.plus(minutes(40)), at + minutes(2));
        assert_eq!(jumped.shown, noon.plus(minutes(40)));
    }

    #[test]
    fn a_machine_that_is_set_back_is_waited_for_at_half_speed() {
        let (noon, mut hands, at) = begin();
        for passed in 1..=80 {
            let machine = noon.plus(minutes(passed)).minus(minutes(30));
            hands = Hands::moved(Some(hands), machine, at + minutes(passed));
            let held = noon.plus(minutes(passed) / 2);
            assert_eq!(hands.shown, machine.max(held), "after {passed} minutes");
        }
        assert_eq!(hands.shown, noon.plus(minutes(50)), "as the machine shows");
    }

    #[test]
    fn a_machine_that_was_wrong_by_hours_is_believed_at_once() {
        let (noon, hands, at) = begin();
        let corrected = noon.minus(minutes(61));
        assert_eq!(Hands::moved(Some(hands), corrected, at).shown, corrected);
    }
}
