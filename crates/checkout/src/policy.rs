//! What a shop wants done, and when: the part of the configuration that decisions depend on.

use std::time::Duration;

/// Whether sessions are confirmed, or only watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Confirm.
    Confirm,
    /// Look-ups, deadlines and alerts, but never a confirmation.
    Watch,
}

/// What happens near the deadline to a session that cannot be confirmed as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Near {
    /// It is forsworn: recorded as not to be confirmed any more.
    Cancel,
    /// People are alerted, no more.
    Alert,
}

/// How long to wait between tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The first wait, before it is spread.
    pub first: Duration,
    /// No wait is longer.
    pub max: Duration,
}

impl Backoff {
    /// The wait after `failures` tries in a row that failed. `spread` in 0..=1 is drawn by the caller, so
    /// the curve is a function that can be tabulated: half of the doubled wait is fixed, half is spread,
    /// so that sessions which failed together do not come back together.
    pub fn delay(&self, failures: u32, spread: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(30);
        let full = self.first.saturating_mul(1 << doublings).min(self.max);
        full / 2 + (full / 2).mul_f64(spread.clamp(0.0, 1.0))
    }
}

/// The rules for the sessions of one merchant account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Confirm or only watch.
    pub mode: Mode,
    /// What to do near the deadline.
    pub near: Near,
    /// How long before the deadline `near = cancel` forswears.
    pub cancel_before: Duration,
    /// How long before the deadline alerts are raised, in any order.
    pub alert_before: Vec<Duration>,
    /// No confirmation is started later than this before the deadline.
    pub last_attempt_before: Duration,
    /// The waits between tries.
    pub retry: Backoff,
    /// How long one call may take.
    pub attempt_timeout: Duration,
    /// How long personal data is kept after the outcome.
    pub personal_data_for: Duration,
}

impl Policy {
    /// A request leaves this long after its Started, or not at all.
    pub const SEND_WITHIN: Duration = Duration::from_secs(2);
    /// What is known to be open this recently needs no look-up before it is confirmed.
    pub const FRESH_FOR: Duration = Duration::from_secs(60);
    /// Doubt that lasts this long is told to people.
    pub const DOUBT_ALERT_AFTER: Duration = Duration::from_secs(5 * 60);
    /// After a refusal for content, a look-up begun this much later may end the doubt.
    pub const CONTENT_REFUSAL_SETTLES_AFTER: Duration = Duration::from_secs(10 * 60);
    /// Three "not found" count as an answer when they are at least this far apart.
    pub const NOT_FOUND_APART: Duration = Duration::from_secs(60 * 60);
    /// From creation to Amazon's cancelling.
    pub const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
    /// Amazon decides a pending payment within this.
    pub const PAYMENT_DECIDED_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);
    /// Amazon deletes a session this long after its creation.
    pub const KEPT_BY_AMAZON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

    /// With `left` to the deadline no wait is longer than this, however often it has failed: a twelfth of what is
    /// left, so that who may have landed is asked about ever more often, and the last minutes are not slept through.
    pub fn longest_wait(&self, left: Duration) -> Duration {
        (left / 12).max(self.retry.first)
    }

    /// When the buyer is not done: the wait before look-up number `looks` (from 0).
    pub fn buyer_not_done_gap(looks: u32) -> Duration {
        let minutes = [1, 2, 5, 10, 20].get(looks as usize).copied().unwrap_or(30);
        Duration::from_secs(minutes * 60)
    }

    /// After the deadline: how long after it look-up number `looks` (from 0) comes; hourly in the end.
    pub fn after_deadline(looks: u32) -> Duration {
        match looks {
            0 => Duration::from_secs(10),
            1 => Duration::from_secs(60),
            2 => Duration::from_secs(5 * 60),
            3 => Duration::from_secs(15 * 60),
            more => Duration::from_secs(u64::from(more - 3) * 60 * 60),
        }
    }
}
