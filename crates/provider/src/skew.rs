//! How far Amazon's clock is ahead of ours, from the `Date` of its answers. Pure.
//!
//! A `Date` names the second in which an answer was written, which was at some time between our sending and
//! our receiving: each answer proves an interval, not a number. The estimate moves no further than an answer
//! proves it wrong, so that a slow answer with a right clock teaches no skew.

use checkout::Timestamp;
use jiff::SignedDuration;

const SECOND: i64 = 1_000_000;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Skew {
    /// None until the first answer.
    micros: Option<i64>,
}

impl Skew {
    pub(crate) fn learn(&mut self, date: jiff::Timestamp, begun_at: Timestamp, ended_at: Timestamp) {
        let date = date.as_microsecond();
        let at_least = date - ended_at.as_micros().max(begun_at.as_micros());
        let at_most = date + SECOND - begun_at.as_micros();
        self.micros = Some(self.micros.unwrap_or(0).clamp(at_least, at_most));
    }

    /// Positive where Amazon is ahead of us.
    pub(crate) fn learned(self) -> Option<SignedDuration> {
        self.micros.map(SignedDuration::from_micros)
    }

    /// Our time as Amazon's clock shows it.
    pub(crate) fn corrected(self, now: Timestamp) -> jiff::Timestamp {
        let micros = now.as_micros().saturating_add(self.micros.unwrap_or(0));
        let within = Timestamp::from_micros(micros).as_micros();
        jiff::Timestamp::from_microsecond(within)
            .expect("a model's time is within the years that jiff can hold")
    }

    /// When something that happens at `amazons` by Amazon's clock happens by ours: never later, because an
    /// answer's `Date` is not worth losing a sale over.
    pub(crate) fn shortened(self, amazons: jiff::Timestamp) -> Timestamp {
        Timestamp::from_micros(amazons.as_microsecond() - self.micros.unwrap_or(0).max(0))
    }
}

#[cfg(test)]
mod tests {
    use checkout::Timestamp;
    use jiff::SignedDuration;

    use super::Skew;

    const NOON: &str = "2026-01-05T12:00:00Z";

    fn ours(seconds: f64) -> Timestamp {
        let micros = amazons(0).as_microsecond();
        #[allow(clippy::cast_possible_truncation, reason = "a few seconds")]
        Timestamp::from_micros(micros + (seconds * 1e6) as i64)
    }

    fn amazons(seconds: i64) -> jiff::Timestamp {
        NOON.parse::<jiff::Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
    }

    fn learned(skew: Skew) -> f64 {
        skew.learned().expect("an answer came").as_secs_f64()
    }

    #[test]
    fn a_date_that_fits_our_clock_teaches_no_skew_however_slow_the_answer() {
        let mut skew = Skew::default();
        assert_eq!(skew.learned(), None);
        skew.learn(amazons(0), ours(0.9), ours(0.95));
        assert_eq!(learned(skew), 0.0);
        skew.learn(amazons(9), ours(0.0), ours(10.0));
        assert_eq!(learned(skew), 0.0);
    }

    #[test]
    fn a_clock_that_is_off_is_learned_as_far_as_it_is_proven() {
        let mut ahead = Skew::default();
        ahead.learn(amazons(300), ours(0.0), ours(0.2));
        assert_eq!(learned(ahead), 299.8);
        ahead.learn(amazons(301), ours(0.5), ours(0.6));
        assert_eq!(learned(ahead), 300.4);

        let mut behind = Skew::default();
        behind.learn(amazons(-300), ours(0.0), ours(0.2));
        assert_eq!(learned(behind), -299.0);
        behind.learn(amazons(0), ours(0.0), ours(0.2));
        assert_eq!(learned(behind), -0.2);
    }

    #[test]
    fn requests_are_signed_by_amazons_clock_and_deadlines_are_only_shortened() {
        let mut skew = Skew::default();
        skew.learn(amazons(300), ours(0.0), ours(0.0));
        assert_eq!(skew.corrected(ours(10.0)), amazons(310));
        assert_eq!(skew.shortened(amazons(1000)), ours(700.0));

        let mut skew = Skew::default();
        skew.learn(amazons(-300), ours(0.0), ours(0.0));
        assert_eq!(skew.corrected(ours(10.0)), amazons(-289));
        assert_eq!(skew.shortened(amazons(1000)), ours(1000.0));
    }
}
