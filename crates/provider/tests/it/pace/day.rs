//! A day's checkouts, and Amazon Pay as far as its quota goes.

use std::time::Duration;

use checkout::Timestamp;
use reconciler::ports::Chance;
use reconciler::turns::WhenNotAll;
use testkit::chance::Seeded;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
/// For so long checkouts arrive, and for so long each is open.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);
/// A session's last attempt begins so long before its deadline.
pub(crate) const CLOSING: Duration = Duration::from_secs(60);
/// What Amazon takes at once.
pub(crate) const BURST: f64 = 20.0;
/// One in so many events comes late.
const ONE_IN_LATE: u64 = 50;
/// What failed is due again after these, and then after the last.
pub(crate) const AGAIN_AFTER: [Duration; 3] = [
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(1800),
];

/// What happens on a day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Checkouts a second, on average.
    pub(crate) arriving: f64,
    /// Calls a second that Amazon takes.
    pub(crate) quota: f64,
    /// Of these, what the shop front spends.
    pub(crate) shop_front: f64,
    /// From the beginning of the day.
    pub(crate) outage: Duration,
    /// The part of the attempts that fail and may be repeated.
    pub(crate) failing: f64,
    pub(crate) when_not_all: WhenNotAll,
}

/// The beginning of the day.
pub(crate) fn midnight() -> Timestamp {
    Timestamp::parse("2026-01-05T00:00:00Z").unwrap()
}

#[derive(Debug, Clone)]
pub(crate) struct Checkout {
    pub(crate) arrives: Timestamp,
    pub(crate) deadline: Timestamp,
    /// In EUR.
    pub(crate) value: f64,
    luck: u64,
}

impl Checkout {
    pub(crate) fn can_be_tried(&self, now: Timestamp) -> bool {
        now < self.deadline.minus(CLOSING)
    }

    /// Whether its attempt of this number fails, whoever makes it and whenever.
    pub(crate) fn fails(&self, attempt: usize, failing: f64) -> bool {
        let luck = Seeded::new(self.luck.wrapping_add(attempt as u64));
        luck.spread() < failing
    }
}

/// When an attempt of this number may be repeated that has failed.
pub(crate) fn again(attempt: usize, now: Timestamp) -> Timestamp {
    now.plus(AGAIN_AFTER[attempt.min(AGAIN_AFTER.len() - 1)])
}

fn interval(chance: &Seeded, per_second: f64) -> Duration {
    let rest: f64 = 1.0 - 0.999_999_9 * chance.spread();
    Duration::from_secs_f64(-rest.ln() / per_second)
}

/// Log-normal with a sigma of 1, about 50 EUR.
fn value(chance: &Seeded) -> f64 {
    let radius: f64 = -2.0 * chance.spread().max(1e-9).ln();
    let normal = radius.sqrt() * (std::f64::consts::TAU * chance.spread()).cos();
    50.0 * normal.exp()
}

/// Checkouts in the order in which they arrive.
pub(crate) fn checkouts(case: &Case, seed: u64) -> Vec<Checkout> {
    let chance = Seeded::new(seed);
    let mut arrives = midnight();
    let mut checkouts = Vec::new();
    loop {
        arrives = arrives.plus(interval(&chance, case.arriving));
        if midnight().plus(DAY) <= arrives {
            return checkouts;
        }
        let late = chance.below(ONE_IN_LATE) == 0;
        let age = if late { 23.0 * chance.spread() } else { 0.0 };
        checkouts.push(Checkout {
            arrives,
            deadline: arrives.plus(DAY).minus(HOUR.mul_f64(age)),
            value: value(&chance),
            luck: chance.draw(),
        });
    }
}

/// Amazon's own bucket, from which the shop front takes as it likes.
pub(crate) struct Amazon {
    per_second: f64,
    tokens: f64,
    at: Timestamp,
    shop_front: f64,
    shop_front_calls_at: Timestamp,
    chance: Seeded,
}

impl Amazon {
    pub(crate) fn new(case: &Case, now: Timestamp) -> Self {
        Self {
            per_second: case.quota,
            tokens: BURST,
            at: now,
            shop_front: case.shop_front,
            shop_front_calls_at: now,
            chance: Seeded::new(7),
        }
    }

    fn takes(&mut self, now: Timestamp) -> bool {
        self.tokens = (self.tokens + now.since(self.at).as_secs_f64() * self.per_second).min(BURST);
        self.at = now;
        let takes = 1.0 <= self.tokens;
        if takes {
            self.tokens -= 1.0;
        }
        takes
    }

    /// Whether a call is taken, or answered with 429.
    pub(crate) fn call(&mut self, now: Timestamp) -> bool {
        while 0.0 < self.shop_front && self.shop_front_calls_at <= now {
            self.takes(self.shop_front_calls_at);
            let wait = interval(&self.chance, self.shop_front);
            self.shop_front_calls_at = self.shop_front_calls_at.plus(wait);
        }
        self.takes(now)
    }
}
