//! Whether an account's calls are made. Pure: time comes in.
//!
//! ```text
//!            LANE answer                     probe passes              a confirmation passes
//!   Running ─────────────► Stopped ─ probe ───────────────► On trial ───────────────────────► Running
//!                             ▲        │ refused, or unclear    │     or nobody wants to confirm
//!                             └────────┘ 30 s, doubling to 5 min│
//!                             ▲                                 │ LANE answer
//!                             └─────────────────────────────────┘
//! ```
//!
//! A probe is a GET, and an account may be refused for its POSTs alone. So a probe that passes sets the look-ups
//! free, but of the confirmations one at a time: that one is the real probe. Until one has passed, the account
//! counts as stopped, so that people are told once and not at every turn, and the waits go on growing. Where
//! nobody wants to confirm anything, no confirmation can pass; then a second probe will do.

use std::time::Duration;

use checkout::Timestamp;
use reconciler::ports::Call;

const FIRST_PROBE_AFTER: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);
/// So long after a probe that passed comes the next. A session that was refused asks again within five
/// minutes: if none has asked in twice that time, there is none.
const SECOND_PROBE_AFTER: Duration = Duration::from_secs(10 * 60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Stopped {
        probe_at: Timestamp,
    },
    OnTrial {
        probe_at: Timestamp,
        /// Somebody has wanted to confirm since the last probe.
        wanted: bool,
    },
}

/// What a call may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    Given,
    /// Given to this one alone, until [`Breaker::trial_is_over`].
    OnTrial,
    Refused,
}

#[derive(Debug, Clone)]
pub(crate) struct Breaker {
    state: State,
    /// How long a stop waits for its next probe. Kept until a confirmation has passed.
    wait: Duration,
    /// Since the last probe or confirmation that passed.
    accepted_at: Option<Timestamp>,
    trial_is_out: bool,
}

impl Breaker {
    pub(crate) fn running() -> Self {
        Self {
            state: State::Running,
            wait: FIRST_PROBE_AFTER,
            accepted_at: None,
            trial_is_out: false,
        }
    }

    /// For people: one on trial counts as stopped.
    pub(crate) fn is_stopped(&self) -> bool {
        self.state != State::Running
    }

    pub(crate) fn is_on_trial(&self) -> bool {
        matches!(self.state, State::OnTrial { .. })
    }

    /// Somebody wants to make this call, whether they may or not.
    pub(crate) fn note_wanted(&mut self, call: Call) {
        if let (State::OnTrial { wanted, .. }, Call::Confirm) = (&mut self.state, call) {
            *wanted = true;
        }
    }

    pub(crate) fn leave(&self, call: Call) -> Leave {
        match (self.state, call) {
            (State::Running, _) | (State::OnTrial { .. }, Call::LookUp | Call::Charge) => Leave::Given,
            (State::OnTrial { .. }, Call::Confirm) if !self.trial_is_out => Leave::OnTrial,
            // Buyers' details can wait until it runs.
            (State::OnTrial { .. }, Call::Confirm | Call::Permission) | (State::Stopped { .. }, _) => {
                Leave::Refused
            }
        }
    }

    pub(crate) fn trial_begins(&mut self) {
        self.trial_is_out = true;
    }

    /// Whatever came of it, even nothing: the next one may try.
    pub(crate) fn trial_is_over(&mut self) {
        self.trial_is_out = false;
    }

    /// Whether a call that was given leave may still be sent.
    pub(crate) fn may_send(&self, call: Call, leave: Leave) -> bool {
        match self.state {
            State::Running => true,
            State::OnTrial { .. } => match call {
                Call::Confirm => leave == Leave::OnTrial,
                Call::LookUp | Call::Charge => true,
                Call::Permission => false,
            },
            State::Stopped { .. } => false,
        }
    }

    /// A call begun at `begun_at` was refused for the whole account. Says whether that stops it.
    pub(crate) fn refused(&mut self, begun_at: Timestamp, now: Timestamp) -> bool {
        // A straggler from before says nothing that has not been outdated.
        if self.is_outdated(begun_at) {
            return false;
        }
        self.stop(now)
    }

    /// A confirmation begun at `begun_at` was answered as one of an account that is accepted.
    pub(crate) fn confirmation_passed(&mut self, begun_at: Timestamp, now: Timestamp) {
        let is_stopped = matches!(self.state, State::Stopped { .. });
        if is_stopped || self.is_outdated(begun_at) {
            return;
        }
        self.wait = FIRST_PROBE_AFTER;
        if self.is_on_trial() {
            self.resume(now);
        }
    }

    fn is_outdated(&self, begun_at: Timestamp) -> bool {
        self.accepted_at.is_some_and(|accepted| begun_at < accepted)
    }

    /// Says whether it was not stopped before.
    pub(crate) fn stop(&mut self, now: Timestamp) -> bool {
        if matches!(self.state, State::Stopped { .. }) {
            return false;
        }
        self.state = State::Stopped {
            probe_at: now.plus(self.wait),
        };
        true
    }

    /// Runs, whatever it was.
    pub(crate) fn resume(&mut self, now: Timestamp) {
        if self.is_stopped() {
            self.state = State::Running;
            self.accepted_at = Some(now);
        }
    }

    /// When to probe; none while running.
    pub(crate) fn probe_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Running => None,
            State::Stopped { probe_at } | State::OnTrial { probe_at, .. } => Some(probe_at),
        }
    }

    /// The next probe need not wait.
    pub(crate) fn probe_now(&mut self, now: Timestamp) {
        if let State::Stopped { probe_at } = &mut self.state {
            *probe_at = now;
            self.wait = FIRST_PROBE_AFTER;
        }
    }

    /// A probe leaves. The next one is set now, so that one whose caller goes away is not the last.
    pub(crate) fn probe_leaves(&mut self, now: Timestamp) {
        match &mut self.state {
            State::Running => {}
            State::Stopped { probe_at } => {
                self.wait = (self.wait * 2).min(LONGEST_WAIT);
                *probe_at = now.plus(self.wait);
            }
            State::OnTrial { probe_at, .. } => *probe_at = now.plus(SECOND_PROBE_AFTER),
        }
    }

    pub(crate) fn probe_passed(&mut self, now: Timestamp) {
        match &mut self.state {
            State::Running => {}
            State::Stopped { .. } => {
                self.state = State::OnTrial {
                    probe_at: now.plus(SECOND_PROBE_AFTER),
                    wanted: false,
                };
                self.accepted_at = Some(now);
            }
            State::OnTrial { wanted, .. } if *wanted => *wanted = false,
            State::OnTrial { .. } => self.resume(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use checkout::Timestamp;
    use reconciler::ports::Call;

    use super::{Breaker, Leave};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(1_000_000_000_000 + seconds * 1_000_000)
    }

    fn probed_at(breaker: &mut Breaker, second: i64) {
        breaker.probe_leaves(at(second));
        breaker.probe_passed(at(second));
    }

    /// Refused at once, probed after 30 seconds.
    fn on_trial() -> Breaker {
        let mut breaker = Breaker::running();
        breaker.refused(at(0), at(0));
        probed_at(&mut breaker, 30);
        breaker
    }

    #[test]
    fn one_refusal_of_the_account_stops_it_and_the_second_changes_nothing() {
        let mut breaker = Breaker::running();
        assert_eq!(breaker.probe_at(), None);
        assert!(breaker.refused(at(0), at(1)));
        assert!(!breaker.refused(at(0), at(20)));
        assert!(breaker.is_stopped());
        assert_eq!(breaker.leave(Call::LookUp), Leave::Refused);
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
    fn after_a_probe_look_ups_are_free_and_one_confirmation_at_a_time_is_tried() {
        let mut breaker = on_trial();
        assert!(breaker.is_stopped() && breaker.is_on_trial());
        assert_eq!(breaker.leave(Call::LookUp), Leave::Given);
        assert_eq!(breaker.leave(Call::Confirm), Leave::OnTrial);
        breaker.trial_begins();
        assert_eq!(breaker.leave(Call::Charge), Leave::Given);
        assert_eq!(breaker.leave(Call::Confirm), Leave::Refused);
        assert!(breaker.may_send(Call::Confirm, Leave::OnTrial));
        assert!(
            !breaker.may_send(Call::Confirm, Leave::Given),
            "from before the stop"
        );
        breaker.trial_is_over();
        assert_eq!(breaker.leave(Call::Confirm), Leave::OnTrial);
    }

    #[test]
    fn once_a_confirmation_passes_it_runs_and_the_next_stop_begins_with_the_short_wait() {
        let mut breaker = on_trial();
        breaker.confirmation_passed(at(29), at(32));
        assert!(breaker.is_stopped(), "that one was begun before the probe");
        breaker.confirmation_passed(at(31), at(33));
        assert!(!breaker.is_stopped());
        assert_eq!(breaker.leave(Call::Confirm), Leave::Given);
        assert!(breaker.refused(at(40), at(41)));
        assert_eq!(breaker.probe_at(), Some(at(71)));
    }

    #[test]
    fn an_account_whose_confirmations_alone_are_refused_waits_ever_longer() {
        let mut breaker = Breaker::running();
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..6 {
            breaker.refused(at(now), at(now));
            let due = breaker.probe_at().expect("it is stopped");
            waits.push(due.since(at(now)).as_secs());
            now += i64::try_from(due.since(at(now)).as_secs()).unwrap();
            probed_at(&mut breaker, now);
            assert!(breaker.is_stopped() && breaker.is_on_trial());
        }
        assert_eq!(waits, [30, 60, 120, 240, 300, 300]);
    }

    #[test]
    fn where_nobody_wants_to_confirm_a_second_probe_resumes_and_the_wait_is_remembered() {
        let mut breaker = on_trial();
        assert_eq!(breaker.probe_at(), Some(at(630)));
        breaker.note_wanted(Call::Confirm);
        probed_at(&mut breaker, 630);
        assert!(breaker.is_stopped(), "somebody has wanted to");
        assert_eq!(breaker.probe_at(), Some(at(1230)));
        breaker.note_wanted(Call::LookUp);
        probed_at(&mut breaker, 1230);
        assert!(!breaker.is_stopped());
        assert!(breaker.refused(at(1300), at(1300)));
        assert_eq!(breaker.probe_at(), Some(at(1360)));
    }

    #[test]
    fn a_straggler_from_before_the_probe_does_not_stop_it_again() {
        let mut breaker = on_trial();
        assert!(!breaker.refused(at(29), at(45)));
        assert!(breaker.is_on_trial());
        assert!(breaker.refused(at(31), at(46)));
        assert!(!breaker.is_on_trial());
        breaker.confirmation_passed(at(32), at(47));
        assert!(breaker.is_stopped(), "a stop is ended by a probe alone");
        assert_eq!(breaker.probe_at(), Some(at(46 + 60)));
        breaker.probe_leaves(at(106));
        assert_eq!(breaker.probe_at(), Some(at(106 + 120)), "nor is its wait");
    }
}
