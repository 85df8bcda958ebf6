//! How far Amazon's clock is ahead of ours, from the `Date` of its answers. Pure.
//!
//! A `Date` names the second in which an answer was written, which was at some time between our sending and
//! our receiving: each answer proves an interval, not a number. The estimate moves no further than an answer
//! proves it wrong, so that a slow answer with a right clock teaches no skew.
//!
//! One answer moves nothing by itself: a gateway's `Date` may be wrong, and a clock may be set while a call is
//! under way. A change is believed once the next answer says the same, and that answer must be to a call that
//! began after the first had come: calls that are under way together are misled together. Until then the old
//! belief signs and shortens.

use checkout::Timestamp;
use jiff::SignedDuration;

const SECOND: i64 = 1_000_000;
/// Two answers that are no further apart say the same.
const TOLERANCE: i64 = 5 * SECOND;
/// Amazon refuses a signature that is further off, so nobody's clock should be. A belief beyond it still signs,
/// since it may be our clock that is wrong, but takes no more off a deadline than this: hours could give up a
/// sale that is not lost.
const MOST_SHORTENED: i64 = 15 * 60 * SECOND;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Skew {
    /// None until an answer is believed.
    micros: Option<i64>,
    claim: Option<Claim>,
}

/// What the last answer said that does not fit the belief.
#[derive(Debug, Clone, Copy)]
struct Claim {
    at_least: i64,
    at_most: i64,
    heard_at: Timestamp,
}

impl Claim {
    fn agrees_with(self, at_least: i64, at_most: i64) -> bool {
        at_least - TOLERANCE <= self.at_most && self.at_least - TOLERANCE <= at_most
    }
}

impl Skew {
    /// Says whether what is believed is beyond reason now, and was not before.
    pub(crate) fn learn(&mut self, date: jiff::Timestamp, begun_at: Timestamp, ended_at: Timestamp) -> bool {
        let date = date.as_microsecond();
        let ended_at = ended_at.max(begun_at);
        let at_least = date - ended_at.as_micros();
        let at_most = date + SECOND - begun_at.as_micros();
        let believed = self.micros.unwrap_or(0);
        let claimed = believed.clamp(at_least, at_most);
        let agreed = self.claim.filter(|claim| claim.agrees_with(at_least, at_most));
        match agreed {
            _ if claimed == believed => {}
            Some(claim) if claim.heard_at <= begun_at => {}
            // Nobody has said so before, or only another call that was under way at the same time.
            _ => {
                self.claim = Some(agreed.unwrap_or(Claim {
                    at_least,
                    at_most,
                    heard_at: ended_at,
                }));
                return false;
            }
        }
        let was_beyond_reason = self.is_beyond_reason();
        self.micros = Some(claimed);
        self.claim = None;
        self.is_beyond_reason() && !was_beyond_reason
    }

    fn is_beyond_reason(self) -> bool {
        self.micros.is_some_and(|micros| MOST_SHORTENED < micros.abs())
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
        let ahead = self.micros.unwrap_or(0).clamp(0, MOST_SHORTENED);
        Timestamp::from_micros(amazons.as_microsecond() - ahead)
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
        #[allow(clippy::cast_possible_truncation, reason = "seconds of a day")]
        Timestamp::from_micros(micros + (seconds * 1e6) as i64)
    }

    fn amazons(seconds: i64) -> jiff::Timestamp {
        NOON.parse::<jiff::Timestamp>().unwrap() + SignedDuration::from_secs(seconds)
    }

    fn learned(skew: Skew) -> f64 {
        skew.learned().expect("an answer is believed").as_secs_f64()
    }

    /// Two quick answers, one after the other, by a clock that is `ahead` of ours.
    fn told_twice(ahead: i64) -> Skew {
        let mut skew = Skew::default();
        for second in 0..2 {
            let at = ours(f64::from(second));
            skew.learn(amazons(ahead + i64::from(second)), at, at);
        }
        skew
    }

    #[test]
    fn a_date_that_fits_our_clock_teaches_no_skew_however_slow_the_answer() {
        let mut skew = Skew::default();
        assert_eq!(skew.learned(), None);
        skew.learn(amazons(0), ours(0.9), ours(0.95));
        assert_eq!(learned(skew), 0.0);
        for _ in 0..2 {
            skew.learn(amazons(9), ours(0.0), ours(10.0));
            assert_eq!(learned(skew), 0.0);
        }
    }

    #[test]
    fn a_clock_that_is_off_is_learned_as_far_as_two_answers_prove_it() {
        let mut ahead = Skew::default();
        ahead.learn(amazons(300), ours(0.0), ours(0.2));
        assert_eq!(ahead.learned(), None);
        ahead.learn(amazons(301), ours(0.5), ours(0.6));
        assert_eq!(learned(ahead), 300.4);
        for second in [10, 11] {
            let at = ours(f64::from(second));
            ahead.learn(amazons(302 + i64::from(second)), at, at);
        }
        assert_eq!(learned(ahead), 302.0);

        let mut behind = told_twice(-300);
        assert_eq!(learned(behind), -299.0);
        behind.learn(amazons(2), ours(2.0), ours(2.2));
        assert_eq!(learned(behind), -299.0, "its clock was set, says one");
        behind.learn(amazons(3), ours(3.0), ours(3.2));
        assert_eq!(learned(behind), -0.2);
    }

    #[test]
    fn one_wrong_date_neither_signs_nor_shortens_and_is_forgotten_after_a_right_one() {
        let mut skew = Skew::default();
        for second in [0, 20, 40] {
            let (at, later) = (ours(f64::from(second)), ours(f64::from(second + 10)));
            skew.learn(amazons(3 * 3600 + i64::from(second)), at, at);
            assert_eq!(skew.corrected(ours(60.0)), amazons(60));
            assert_eq!(skew.shortened(amazons(86_400)), ours(86_400.0));
            skew.learn(amazons(i64::from(second) + 10), later, later);
            assert_eq!(learned(skew), 0.0);
        }
    }

    #[test]
    fn wrong_dates_that_differ_from_each_other_are_believed_no_more_than_one() {
        let mut skew = Skew::default();
        for (second, date) in [(0.0, 7200), (1.0, -7200), (2.0, 3600), (3.0, 3616)] {
            skew.learn(amazons(date), ours(second), ours(second));
            assert_eq!(skew.learned(), None, "{date}");
        }
    }

    #[test]
    fn calls_that_are_under_way_together_are_one_witness() {
        let mut skew = Skew::default();
        for ended_at in [1.0, 1.5, 2.0] {
            skew.learn(amazons(3600), ours(0.5), ours(ended_at));
            assert_eq!(skew.learned(), None);
        }
        skew.learn(amazons(3602), ours(2.0), ours(2.0));
        assert_eq!(learned(skew), 3600.0);
    }

    #[test]
    fn requests_are_signed_by_amazons_clock_and_deadlines_are_only_shortened() {
        let ahead = told_twice(300);
        assert_eq!(ahead.corrected(ours(10.0)), amazons(310));
        assert_eq!(ahead.shortened(amazons(1000)), ours(700.0));

        let behind = told_twice(-300);
        assert_eq!(behind.corrected(ours(10.0)), amazons(-289));
        assert_eq!(behind.shortened(amazons(1000)), ours(1000.0));
    }

    #[test]
    fn a_skew_beyond_reason_signs_but_takes_no_more_than_a_quarter_of_an_hour_off() {
        let skew = told_twice(3 * 3600);
        assert_eq!(skew.corrected(ours(10.0)), amazons(3 * 3600 + 10));
        assert_eq!(skew.shortened(amazons(86_400)), ours(86_400.0 - 900.0));
    }

    #[test]
    fn a_skew_beyond_reason_is_told_when_it_is_first_believed() {
        let mut skew = Skew::default();
        let mut told = |second: i32, ahead: i64| {
            let at = ours(f64::from(second));
            skew.learn(amazons(i64::from(second) + ahead), at, at)
        };
        let beyond = [0, 1, 2, 3, 4].map(|second| told(second, 3600));
        assert_eq!(beyond, [false, true, false, false, false]);
        assert_eq!(
            [10, 11].map(|second| told(second, 7200)),
            [false, false],
            "as before"
        );
        assert_eq!([20, 21].map(|second| told(second, 0)), [false, false]);
        assert_eq!([30, 31].map(|second| told(second, -3600)), [false, true]);
    }
}
