//! The sandbox's time: every deadline, quota and delay is read from one [`SandboxClock`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Where the sandbox takes its time from. A program that embeds the sandbox may give its own.
pub trait SandboxClock: Send + Sync {
    fn now(&self) -> Timestamp;

    /// Ready once [`now`](Self::now) has moved on by `wait`, however it moved.
    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()>;
}

/// A moment that cannot be reached: outside the years that a [`Timestamp`] can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("that moment lies outside the calendar")]
pub struct OutsideTheCalendar;

/// Real time × speed + offset. Clones are the same clock.
///
/// A speed of 0 stops it: then only [`set`](Self::set) and [`advance`](Self::advance) move it. Sleepers
/// that the clock is moved past wake at once.
#[derive(Clone)]
pub struct SettableClock(Arc<Inner>);

struct Inner {
    setting: Mutex<Setting>,
    moved: watch::Sender<()>,
}

#[derive(Clone, Copy)]
struct Setting {
    /// `shown` was the time at the real instant `since`; from there it runs at `speed`.
    since: Instant,
    shown: Timestamp,
    speed: f64,
}

impl SettableClock {
    /// Shows `start` and runs from there at `speed` × real time.
    pub fn starting_at(start: Timestamp, speed: f64) -> Self {
        let setting = Setting {
            since: real_instant(),
            shown: start,
            speed: usable(speed),
        };
        Self(Arc::new(Inner {
            setting: Mutex::new(setting),
            moved: watch::Sender::new(()),
        }))
    }

    /// Real time, until it is moved.
    pub fn real() -> Self {
        Self::starting_at(real_now(), 1.0)
    }

    /// Shows `start` until it is moved.
    pub fn stopped_at(start: Timestamp) -> Self {
        Self::starting_at(start, 0.0)
    }

    /// How many seconds pass here while one passes outside.
    pub fn speed(&self) -> f64 {
        self.setting().speed
    }

    /// Moves the clock to `moment`, forward or back.
    pub fn set(&self, moment: Timestamp) {
        self.change(|setting, _| setting.shown = moment);
    }

    /// Moves the clock forward.
    ///
    /// # Errors
    /// When the calendar ends before that.
    pub fn advance(&self, by: Duration) -> Result<(), OutsideTheCalendar> {
        let by = SignedDuration::try_from(by).map_err(|_| OutsideTheCalendar)?;
        let target = self.now().checked_add(by).map_err(|_| OutsideTheCalendar)?;
        self.change(|setting, now| setting.shown = now.checked_add(by).unwrap_or(target));
        Ok(())
    }

    /// From now on `speed` seconds pass here while one passes outside; negative or not a number counts as 0.
    pub fn set_speed(&self, speed: f64) {
        self.change(|setting, _| setting.speed = usable(speed));
    }

    fn change(&self, change: impl FnOnce(&mut Setting, Timestamp)) {
        let mut setting = self.0.setting.lock().unwrap_or_else(PoisonError::into_inner);
        let since = real_instant();
        let now = setting.at(since);
        setting.since = since;
        setting.shown = now;
        change(&mut setting, now);
        drop(setting);
        self.0.moved.send_replace(());
    }

    fn setting(&self) -> Setting {
        *self.0.setting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Setting {
    fn at(&self, instant: Instant) -> Timestamp {
        let passed = instant.saturating_duration_since(self.since).as_secs_f64() * self.speed;
        let passed = SignedDuration::try_from_secs_f64(passed).unwrap_or(SignedDuration::MAX);
        self.shown.checked_add(passed).unwrap_or(Timestamp::MAX)
    }
}

impl SandboxClock for SettableClock {
    fn now(&self) -> Timestamp {
        self.setting().at(real_instant())
    }

    fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        let wake_at = self.now().checked_add(wait).unwrap_or(Timestamp::MAX);
        Box::pin(async move {
            let mut moved = clock.0.moved.subscribe();
            loop {
                // Marked as seen before the time is read, so that a move in between is not lost.
                moved.borrow_and_update();
                let left = wake_at.duration_since(clock.now()).as_secs_f64();
                if left <= 0.0 {
                    return;
                }
                let moved = moved.changed();
                match real_wait(left, clock.speed()) {
                    Some(real) => tokio::select! { () = real_sleep(real) => {}, _ = moved => {} },
                    None => {
                        let _moved = moved.await;
                    }
                }
            }
        })
    }
}

/// How long `left` seconds of a clock last outside; `None` where it is further off than anyone waits.
fn real_wait(left: f64, speed: f64) -> Option<Duration> {
    let real = Duration::try_from_secs_f64(left / speed).ok()?;
    // A millisecond more, so that rounding never wakes us just before the moment and spins.
    (real < Duration::from_hours(24 * 365)).then(|| real + Duration::from_millis(1))
}

fn usable(speed: f64) -> f64 {
    if speed.is_finite() && speed > 0.0 {
        speed
    } else {
        0.0
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where a settable clock meets real time"
)]
fn real_now() -> Timestamp {
    Timestamp::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where a settable clock meets real time"
)]
fn real_instant() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where a settable clock meets real time"
)]
async fn real_sleep(wait: Duration) {
    tokio::time::sleep(wait).await;
}
