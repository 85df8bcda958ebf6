//! How long a session still has. Two clocks say so: ours, by the recorded deadline, and Amazon's, by a look-up that
//! tells beside `expirationTimestamp` what time it is there.
//!
//! Whatever hurries goes by the earlier of the two: alerts, the wait between tries. Only what gives a session up goes
//! by the later: to forswear it, to stop trying. For a clock of ours that is ahead makes the recorded deadline come
//! early, and only Amazon can say that it has.

use std::time::Duration;

use crate::session::Open;
use crate::{Policy, Timestamp};

impl Open {
    /// When Amazon cancels it, as far as it is known: at its deadline by our clock, or later, where the last look-up
    /// that found it open said that it has longer.
    pub fn ends_at(&self) -> Timestamp {
        let deadline = self.subject.deadline.at;
        self.lasts_until.map_or(deadline, |until| until.max(deadline))
    }

    /// Whether an attempt may leave at `now`: by our clock there is time, or a look-up has just said that there is by
    /// Amazon's.
    pub fn may_be_tried(&self, now: Timestamp, policy: &Policy) -> bool {
        let closed = |end: Timestamp| end.minus(policy.last_attempt_before) <= now;
        let just_found_open = self.found_open_at.is_some_and(|at| is_fresh(at, now));
        !closed(self.subject.deadline.at) || (just_found_open && !closed(self.ends_at()))
    }

    /// Whether a look-up was answered just now, so that it need not be asked again how long it has.
    pub(crate) fn was_just_asked(&self, now: Timestamp) -> bool {
        self.looked_at.is_some_and(|at| is_fresh(at, now))
    }

    /// Whether a look-up was answered from `begin` on. One that was made later than it is now was made by another
    /// clock than the one that shows `now`, and says nothing.
    pub(crate) fn was_asked_since(&self, begin: Timestamp, now: Timestamp) -> bool {
        self.looked_at.is_some_and(|at| begin <= at && at <= now)
    }

    /// A look-up found it open, and told how long it has at Amazon.
    pub(crate) fn hear_time_left(&mut self, begun_at: Timestamp, left: Option<Duration>) {
        self.lasts_until = self.lasts_until_after(begun_at, left, self.subject.deadline.at);
    }

    /// When it ends, had a look-up said this of it.
    pub(crate) fn ends_at_after(
        &self,
        begun_at: Timestamp,
        left: Option<Duration>,
        deadline: Timestamp,
    ) -> Timestamp {
        let lasts_until = self.lasts_until_after(begun_at, left, deadline);
        lasts_until.map_or(deadline, |until| until.max(deadline))
    }

    fn lasts_until_after(
        &self,
        begun_at: Timestamp,
        left: Option<Duration>,
        deadline: Timestamp,
    ) -> Option<Timestamp> {
        match left {
            // No clock is a day ahead; a `Date` that stands still must not keep it open for ever.
            Some(left) if !left.is_zero() => Some(begun_at.plus(left).min(deadline.plus(Policy::LIFETIME))),
            // It is over, or was not told: what was said before holds no longer, unless it is over by that too.
            Some(_) | None => self.lasts_until.filter(|until| *until <= begun_at),
        }
    }
}

/// Too long ago is no evidence any more, and what seems to come was seen by another clock than this one, or before
/// this one was set.
fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    at <= now && now.since(at) < Policy::FRESH_FOR
}
