//! Whether an account's calls are made. Pure: time comes in.
//!
//! ```text
//!            LANE answer                     probe passes
//!   Running ─────────────► Stopped ─ probe ───────────────► Running
//!                             ▲        │ refused, or unclear
//!                             └────────┘ 30 s, doubling to 5 min
//! ```

use std::time::Duration;

use checkout::Timestamp;

const FIRST_PROBE_AFTER: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Stopped { probe_at: Timestamp, wait: Duration },
}

#[derive(Debug, Clone)]
pub(crate) struct Breaker {
    state: State,
    resumed_at: Option<Timestamp>,
}

impl Breaker {
    pub(crate) fn running() -> Self {
        Self {
            state: State::Running,
            resumed_at: None,
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.state, State::Stopped { .. })
    }

    /// A call begun at `begun_at` was refused for the whole account. Says whether that stops it.
    pub(crate) fn refused(&mut self, begun_at: Timestamp, now: Timestamp) -> bool {
        // A straggler from before the last resumption says nothing that the probe has not outdated.
        if self.resumed_at.is_some_and(|resumed| begun_at < resumed) {
            return false;
        }
        self.stop(now)
    }

    /// Says whether it was running.
    pub(crate) fn stop(&mut self, now: Timestamp) -> bool {
        if self.is_stopped() {
            return false;
        }
        self.state = State::Stopped {
            probe_at: now.plus(FIRST_PROBE_AFTER),
            wait: FIRST_PROBE_AFTER,
        };
        true
    }

    /// Says whether it was stopped.
    pub(crate) fn resume(&mut self, now: Timestamp) -> bool {
        let was_stopped = self.is_stopped();
        if was_stopped {
            self.state = State::Running;
            self.resumed_at = Some(now);
        }
        was_stopped
    }

    /// When to probe; none while running.
    pub(crate) fn probe_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Running => None,
            State::Stopped { probe_at, .. } => Some(probe_at),
        }
    }

    /// The next probe need not wait.
    pub(crate) fn probe_now(&mut self, now: Timestamp) {
        if let State::Stopped { probe_at, wait } = &mut self.state {
            *probe_at = now;
            *wait = FIRST_PROBE_AFTER;
        }
    }

    /// A probe leaves. The next one is set now, so that one whose caller goes away is not the last.
    pub(crate) fn probe_leaves(&mut self, now: Timestamp) {
        if let State::Stopped { probe_at, wait } = &mut self.state {
            *wait = (*wait * 2).min(LONGEST_WAIT);
            *probe_at = now.plus(*wait);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use checkout::Timestamp;

    use super::Breaker;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(1_000_000_000_000 + seconds * 1_000_000)
    }

    #[test]
    fn one_refusal_of_the_account_stops_it_and_the_second_changes_nothing() {
        let mut breaker = Breaker::running();
        assert_eq!(breaker.probe_at(), None);
        assert!(breaker.refused(at(0), at(1)));
        assert!(!breaker.refused(at(0), at(20)));
        assert!(breaker.is_stopped());
        assert_eq!(breaker.probe_at(), Some(at(31)));
    }

    #[test]
    fn probes_come_after_30_seconds_doubling_to_5_minutes() {
        let mut breaker = Breaker::running();
        breaker.refused(at(0), at(0));
        let mut waits = Vec::new();
        let mut now = at(0);
        for _ in 0..6 {
            let due = breaker.probe_at().expect("it is stopped");
            waits.push(due.since(now).as_secs());
            now = due;
            breaker.probe_leaves(now);
        }
        assert_eq!(waits, [30, 60, 120, 240, 300, 300]);
    }

    #[test]
    fn once_resumed_it_runs_and_the_next_stop_begins_with_the_short_wait() {
        let mut breaker = Breaker::running();
        breaker.refused(at(0), at(0));
        breaker.probe_leaves(at(30));
        assert!(breaker.resume(at(31)));
        assert!(!breaker.is_stopped() && !breaker.resume(at(32)));
        assert!(breaker.refused(at(40), at(41)));
        assert_eq!(breaker.probe_at(), Some(at(41).plus(Duration::from_secs(30))));
    }

    #[test]
    fn a_straggler_from_before_the_resumption_does_not_stop_it_again() {
        let mut breaker = Breaker::running();
        breaker.refused(at(0), at(0));
        breaker.resume(at(31));
        assert!(!breaker.refused(at(29), at(45)));
        assert!(!breaker.is_stopped());
        assert!(breaker.refused(at(31), at(46)));
    }
}
