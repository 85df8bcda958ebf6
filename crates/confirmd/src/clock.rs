//! The one clock: every timestamp, wait and timeout of the program comes from here.

use std::sync::Arc;
use std::time::Duration;

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
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
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
