//! A token bucket that learns. Pure: time comes in with every question.
//!
//! Amazon's own bucket is shared with callers that we cannot see, so its published rate is only where ours
//! starts: a 429 halves the pace at once, every success wins a little of it back.

use std::time::Duration;

use checkout::Timestamp;

use crate::settings::Quota;

/// No throttling makes us slower than this part of the quota: we must notice when it is over.
const SLOWEST: f64 = 1.0 / 16.0;
/// The part of the quota that one success wins back: fifty for the way back from a halving.
const WON_BACK: f64 = 0.01;
/// Over about so many calls it is learned how many of them do what they were made for.
const REMEMBERED: f64 = 200.0;
/// Over about so many seconds the rate is averaged: halving and winning back are one thing to whoever plans.
const AVERAGED_OVER: f64 = 120.0;
/// Over about so many seconds it is averaged how many tokens are used.
const USED_OVER: f64 = 60.0;
/// Tokens are kept in floating point: what is short by less than this is a rounding error.
const ROUNDING: f64 = 1e-6;

/// The tokens for one kind of call.
#[derive(Debug, Clone)]
pub struct Bucket {
    quota: Quota,
    /// Which part of the quota's rate is used: [`SLOWEST`] to 1.
    pace: f64,
    tokens: f64,
    at: Timestamp,
    closed_until: Option<Timestamp>,
    slowed_at: Option<Timestamp>,
    /// Calls a second, averaged.
    average: f64,
    /// The part of the calls that did what they were made for.
    effective: f64,
    /// Tokens a second, averaged; none before the first.
    used: Option<f64>,
}

impl Bucket {
    /// Full.
    pub fn new(quota: Quota, now: Timestamp) -> Self {
        Self {
            quota,
            pace: 1.0,
            tokens: quota.burst,
            at: now,
            closed_until: None,
            slowed_at: None,
            average: quota.per_second,
            effective: 1.0,
            used: None,
        }
    }

    /// One token.
    ///
    /// # Errors
    /// When to ask again.
    pub fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        self.refill(now);
        if let Some(until) = self.closed_until.filter(|until| now < *until) {
            return Err(until);
        }
        if self.tokens + ROUNDING >= 1.0 {
            self.tokens -= 1.0;
            *self.used.get_or_insert_default() += 1.0 / USED_OVER;
            return Ok(());
        }
        let missing = Duration::from_secs_f64((1.0 - self.tokens) / self.rate());
        Err(now.plus(missing).plus(Duration::from_micros(1)))
    }

    /// A token that was not used.
    pub fn give_back(&mut self) {
        self.tokens = (self.tokens + 1.0).min(self.quota.burst);
        self.used = self.used.map(|used| (used - 1.0 / USED_OVER).max(0.0));
    }

    /// A call begun at `begun_at` was throttled.
    pub fn throttled(&mut self, begun_at: Timestamp, now: Timestamp, retry_after: Option<Duration>) {
        self.refill(now);
        self.tokens = self.tokens.min(0.0);
        if let Some(wait) = retry_after {
            self.closed_until = self.closed_until.max(Some(now.plus(wait)));
        }
        // Calls that were on their way together are throttled together: that is one lesson, not many.
        if self.slowed_at.is_some_and(|at| begun_at < at) {
            return;
        }
        self.pace = (self.pace / 2.0).max(SLOWEST);
        self.slowed_at = Some(now);
    }

    /// A call was answered, and not throttled.
    pub fn succeeded(&mut self, now: Timestamp) {
        self.refill(now);
        self.pace = (self.pace + WON_BACK).min(1.0);
    }

    /// Our share of Amazon's quota has changed; the learned pace is kept.
    pub fn share_out(&mut self, quota: Quota, now: Timestamp) {
        self.refill(now);
        self.average *= quota.per_second / self.quota.per_second;
        self.quota = quota;
        self.tokens = self.tokens.min(quota.burst);
    }

    /// Calls a second, as learned.
    pub fn rate(&self) -> f64 {
        self.quota.per_second * self.pace
    }

    /// Calls a second in the long run, as learned.
    pub fn average_rate(&self) -> f64 {
        self.average
    }

    /// Calls a second that were made in about the last minute; none before the first.
    pub fn used(&mut self, now: Timestamp) -> Option<f64> {
        self.refill(now);
        self.used
    }

    /// Whether a call that was answered, and not throttled, did what it was made for.
    pub fn had_effect(&mut self, effect: bool) {
        self.effective += (f64::from(u8::from(effect)) - self.effective) / REMEMBERED;
    }

    /// The part of the calls that do what they are made for, 0 to 1, as learned.
    pub fn effective(&self) -> f64 {
        self.effective
    }

    /// Whether throttling has made it slower than its quota.
    pub fn is_slowed(&self) -> bool {
        self.pace < 1.0
    }

    fn refill(&mut self, now: Timestamp) {
        // A clock that was set back must not stop the refilling until it has caught up.
        let passed = now.since(self.at.min(now));
        self.tokens = (self.tokens + passed.as_secs_f64() * self.rate()).min(self.quota.burst);
        let forgotten = (-passed.as_secs_f64() / AVERAGED_OVER).exp();
        self.average = self.rate() + (self.average - self.rate()) * forgotten;
        self.used = self
            .used
            .map(|used| used * (-passed.as_secs_f64() / USED_OVER).exp());
        self.at = now;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use checkout::Timestamp;

    use super::Bucket;
    use crate::settings::Quota;

    const QUOTA: Quota = Quota {
        burst: 2.0,
        per_second: 4.0,
    };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(1_000_000_000_000 + millis * 1000)
    }

    fn emptied() -> Bucket {
        let mut bucket = Bucket::new(QUOTA, at(0));
        assert_eq!((bucket.take(at(0)), bucket.take(at(0))), (Ok(()), Ok(())));
        bucket
    }

    #[test]
    fn after_the_burst_it_says_when_the_next_token_is_there_and_keeps_its_word() {
        let mut bucket = emptied();
        let next = bucket.take(at(0)).expect_err("it is empty");
        assert!(at(250) <= next && next <= at(251), "{next}");
        assert!(bucket.take(at(249)).is_err());
        assert_eq!(bucket.take(next), Ok(()));
        assert!(bucket.take(next).is_err());
    }

    #[test]
    fn a_pause_fills_it_to_the_burst_and_no_further() {
        let mut bucket = emptied();
        let later = at(3_600_000);
        assert_eq!((bucket.take(later), bucket.take(later)), (Ok(()), Ok(())));
        assert!(bucket.take(later).is_err());
    }

    #[test]
    fn what_is_used_is_averaged_over_a_minute_and_forgotten() {
        let mut bucket = Bucket::new(QUOTA, at(0));
        assert_eq!(bucket.used(at(0)), None);
        for call in 0..600 {
            assert_eq!(bucket.take(at(call * 500)), Ok(()));
        }
        let used = bucket.used(at(300_000)).unwrap();
        assert!((1.9..=2.1).contains(&used), "two a second, not {used}");
        let hours_later = bucket.used(at(7_200_000)).unwrap();
        assert!(hours_later < 0.001, "{hours_later}");
        bucket.take(at(7_200_000)).unwrap();
        bucket.give_back();
        assert!(bucket.used(at(7_200_000)).unwrap() < 0.001);
    }

    #[test]
    fn an_unused_token_goes_to_the_next() {
        let mut bucket = emptied();
        bucket.give_back();
        assert_eq!(bucket.take(at(0)), Ok(()));
        assert!(bucket.take(at(0)).is_err());
        for _ in 0..5 {
            bucket.give_back();
        }
        assert_eq!((bucket.take(at(0)), bucket.take(at(0))), (Ok(()), Ok(())));
        assert!(bucket.take(at(0)).is_err());
    }

    #[test]
    fn throttling_halves_the_rate_down_to_a_floor_and_success_wins_it_back() {
        let mut bucket = Bucket::new(QUOTA, at(0));
        let mut rates = Vec::new();
        for second in 1..=6 {
            bucket.throttled(at(second * 1000), at(second * 1000), None);
            rates.push(bucket.rate());
        }
        assert_eq!(rates, [2.0, 1.0, 0.5, 0.25, 0.25, 0.25]);
        assert!(bucket.is_slowed());
        bucket.succeeded(at(7000));
        assert!((bucket.rate() - 0.29).abs() < 1e-9, "{}", bucket.rate());
        for _ in 0..200 {
            bucket.succeeded(at(7000));
        }
        assert!((bucket.rate() - 4.0).abs() < 1e-9 && !bucket.is_slowed());
    }

    #[test]
    fn calls_that_were_on_their_way_together_are_throttled_once() {
        let mut bucket = Bucket::new(QUOTA, at(0));
        for _ in 0..10 {
            bucket.throttled(at(0), at(300), None);
        }
        assert_eq!(bucket.rate(), 2.0);
        bucket.throttled(at(301), at(500), None);
        assert_eq!(bucket.rate(), 1.0);
    }

    #[test]
    fn after_throttling_nothing_leaves_before_amazon_says_so() {
        let mut bucket = Bucket::new(QUOTA, at(0));
        bucket.throttled(at(0), at(0), Some(Duration::from_secs(7)));
        assert_eq!(bucket.take(at(0)), Err(at(7000)));
        assert_eq!(bucket.take(at(6999)), Err(at(7000)));
        assert_eq!(bucket.take(at(7000)), Ok(()));

        let mut bucket = Bucket::new(QUOTA, at(0));
        bucket.throttled(at(0), at(0), None);
        let next = bucket.take(at(0)).expect_err("the burst is not ours either");
        assert!(at(500) <= next && next <= at(501), "{next}");
    }

    #[test]
    fn a_smaller_share_is_smaller_at_once_and_keeps_what_was_learned() {
        let mut bucket = Bucket::new(QUOTA, at(0));
        bucket.throttled(at(0), at(0), None);
        bucket.share_out(
            Quota {
                burst: 1.0,
                per_second: 2.0,
            },
            at(60_000),
        );
        assert_eq!(bucket.rate(), 1.0);
        assert_eq!(bucket.take(at(60_000)), Ok(()));
        assert!(bucket.take(at(60_000)).is_err());
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_the_refilling() {
        let mut bucket = emptied();
        assert!(bucket.take(at(-3_600_000)).is_err());
        assert_eq!(bucket.take(at(-3_599_000)), Ok(()));
    }
}
