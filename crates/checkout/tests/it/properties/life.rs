//! One session's life, told by moves, and the rules that every fact of it is held against.

use std::time::Duration;

use checkout::{
    BodyRef, ChargeAnswer, ChargeFound, Class, Command, ConfirmAnswer, Event, Evidence, ForswornBy, Found,
    IdempotencyKey, LookUp, LookUpAnswer, Mode, Outcome, Policy, Session, Step, Timestamp, decide, next_step,
    wake_at,
};
use proptest::prelude::*;
use testkit::model::*;

use super::moves::{Answers, Move};

/// One session's life, and what must hold of it.
pub(super) struct Life {
    pub(super) session: Session,
    pub(super) now: Timestamp,
    policy: Policy,
    pub(super) history: Vec<(Timestamp, Event)>,
    keys: u32,
    /// Whether Amazon has answered an attempt with success.
    accepted: bool,
    /// What every look-up is answered.
    standing: Option<Found>,
    /// Whether an attempt may have landed, by the test's own account of what Amazon was told and said.
    doubtful: Option<Doubtful>,
}

/// The last attempt that may have landed, as the test itself keeps it.
#[derive(Debug, Clone)]
pub(super) struct Doubtful {
    content_refused_at: Option<Timestamp>,
    body: BodyRef,
}

impl Life {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            session: Session::Unseen,
            now: t0(),
            policy,
            history: Vec::new(),
            keys: 0,
            accepted: false,
            standing: None,
            doubtful: None,
        }
    }

    fn was_asked_since_the_last_attempt(&self) -> bool {
        let asked = |event: &Event| {
            matches!(
                event,
                Event::LookedUp {
                    found: Found::Open { .. },
                    ..
                }
            )
        };
        let started = |event: &Event| matches!(event, Event::ConfirmationStarted { .. });
        self.history
            .iter()
            .rev()
            .map(|(_, event)| event)
            .take_while(|event| !started(event))
            .any(asked)
    }

    /// Looked up, Amazon says something else again.
    pub(super) fn listen(&mut self) {
        self.standing = None;
    }

    pub(super) fn step(&self) -> Step {
        next_step(&self.session, self.now, &self.policy)
    }

    pub(super) fn ask(&mut self, command: &Command) -> Result<(), TestCaseError> {
        let before = self.session.clone();
        let Ok(events) = decide(&before, self.now, &self.policy, command.clone()) else {
            return Ok(());
        };
        self.check_command(&before, command, &events)?;
        for event in events {
            self.check_event(&event)?;
            let session = std::mem::replace(&mut self.session, Session::Unseen);
            self.session = session.evolve(self.now, &event);
            self.history.push((self.now, event));
        }
        self.check_state()?;
        self.check_asking_twice(command)
    }

    /// Asked again at once, nothing is added.
    fn check_asking_twice(&self, command: &Command) -> Result<(), TestCaseError> {
        let again = decide(&self.session, self.now, &self.policy, command.clone());
        match command {
            // An operator's act is on record as often as it was made; a look-up as often as it was answered.
            Command::Retry(_) | Command::LookedUp { .. } | Command::ChargeLookedUp { .. } => {}
            Command::Release(_) => prop_assert!(again.is_err(), "released twice: {:?}", again),
            Command::Forswear(_)
            | Command::Account(_)
            | Command::Observe { .. }
            | Command::Alert(_)
            | Command::Start { .. }
            | Command::Answered { .. } => {
                let again = again.unwrap_or_default();
                prop_assert!(again.is_empty(), "{:?} twice: {:?}", command, again);
            }
        }
        Ok(())
    }

    fn check_command(
        &mut self,
        before: &Session,
        command: &Command,
        events: &[Event],
    ) -> Result<(), TestCaseError> {
        if let (Command::Start { .. }, [Event::ConfirmationStarted { body, .. }, ..]) = (command, events) {
            let Session::Open(open) = before else {
                return Err(TestCaseError::fail("an attempt of a session that is not open"));
            };
            prop_assert_eq!(self.policy.mode, Mode::Confirm);
            prop_assert!(open.in_flight.is_none(), "two attempts at a time");
            prop_assert!(self.now < open.subject.deadline.at.minus(self.policy.last_attempt_before));
            prop_assert!(
                self.doubtful.is_none() || self.was_asked_since_the_last_attempt(),
                "no look-up since the last attempt while it may have landed: {:?}",
                self.history
            );
            if let Some(doubtful) = &self.doubtful {
                prop_assert_eq!(doubtful.body, *body, "other bytes while it may have landed");
            }
        }
        if let Command::Forswear(_) = command {
            prop_assert!(
                events.is_empty() || self.doubtful.is_none(),
                "forsworn while it may have landed: {:?}",
                self.history
            );
        }
        Ok(())
    }

    fn check_event(&self, event: &Event) -> Result<(), TestCaseError> {
        match event {
            Event::Settled { outcome, .. } => self.check_outcome(outcome),
            Event::AlertResolved { ordinal } => {
                let alert = self
                    .session
                    .subject()
                    .and_then(|subject| subject.alerts.get(*ordinal));
                prop_assert!(alert.is_some_and(|alert| alert.firing), "resolved twice");
                Ok(())
            }
            Event::AlertRaised { kind, ordinal, .. } => {
                let alerts = self.session.subject().map(|subject| &subject.alerts);
                prop_assert!(alerts.is_some_and(|alerts| alerts.get(*ordinal).is_none()));
                let doubled = alerts.is_some_and(|alerts| alerts.firing().any(|alert| alert.kind == *kind));
                prop_assert!(!doubled, "{:?} fires already", kind);
                Ok(())
            }
            Event::AttemptDeclined { .. } => {
                prop_assert!(
                    self.doubtful.is_none(),
                    "the buyer is told while it may have landed"
                );
                Ok(())
            }
            Event::CheckoutAmended { .. } => {
                prop_assert!(self.doubtful.is_none(), "amended while it may have landed");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether some fact so far is evidence of this kind.
    fn was_told(&self, evidence: impl Fn(&Event) -> bool) -> bool {
        self.history.iter().any(|(_, event)| evidence(event))
    }

    fn check_outcome(&self, outcome: &Outcome) -> Result<(), TestCaseError> {
        prop_assert!(
            !self.was_told(|event| matches!(event, Event::Settled { .. })),
            "two outcomes: {:?}",
            self.history
        );
        let canceled = |event: &Event| {
            matches!(
                event,
                Event::LookedUp {
                    found: Found::Canceled { .. },
                    ..
                }
            )
        };
        let refused_charge = |event: &Event| {
            matches!(
                event,
                Event::ChargeLookedUp {
                    found: ChargeFound::Declined { .. } | ChargeFound::Canceled { .. },
                    ..
                }
            )
        };
        match outcome {
            Outcome::Confirmed { evidence, ids, .. } => {
                let said_so = match evidence {
                    Evidence::Answer => self.accepted,
                    Evidence::LookUp => self.was_told(|event| {
                        matches!(
                            event,
                            Event::LookedUp {
                                found: Found::Completed(_) | Found::Open { ids: Some(_), .. },
                                ..
                            }
                        )
                    }),
                    Evidence::None => false,
                };
                prop_assert!(said_so, "confirmed without evidence: {:?}", self.history);
                let asked = |event: &Event| matches!(event, Event::ChargeLookedUp { .. });
                prop_assert!(
                    *evidence == Evidence::Answer || ids.charge_id.is_none() || self.was_told(asked),
                    "a lost 202 became a captured payment"
                );
                prop_assert!(!self.was_told(refused_charge));
            }
            Outcome::Declined { .. } => {
                prop_assert!(
                    self.was_told(canceled) || self.was_told(refused_charge),
                    "{:?}",
                    self.history
                );
            }
            Outcome::Cancelled { .. } => {
                prop_assert!(self.was_told(canceled), "{:?}", self.history);
                let forswore = |event: &Event| matches!(event, Event::ConfirmationForsworn { .. });
                prop_assert!(self.was_told(forswore), "cancelled without our decision");
            }
            Outcome::Expired => prop_assert!(self.was_told(canceled), "{:?}", self.history),
            Outcome::Unresolved { .. } => {
                let Some(subject) = self.session.subject() else {
                    return Err(TestCaseError::fail("unheard of"));
                };
                prop_assert!(subject.deadline.at <= self.now, "unresolved before the deadline");
            }
        }
        Ok(())
    }

    fn check_state(&self) -> Result<(), TestCaseError> {
        if let Session::Open(open) = &self.session {
            let forsworn = matches!(open.hold, checkout::Hold::Forsworn { .. });
            prop_assert!(
                !(forsworn && open.doubt.is_some()),
                "forsworn in doubt: {:?}",
                self.history
            );
            prop_assert_eq!(
                open.doubt.is_some(),
                self.doubtful.is_some(),
                "{:?}",
                self.history
            );
        }
        let step = self.step();
        let due = wake_at(&self.session, self.now, &self.policy);
        prop_assert_eq!(due.is_none(), step == Step::Rest);
        if let Step::WaitUntil(until) = step {
            prop_assert!(self.now < until);
        }
        prop_assert!(
            matches!(self.session, Session::Unseen | Session::Settled(_)) || step != Step::Rest,
            "an unsettled session that nobody wakes"
        );
        Ok(())
    }

    fn in_flight(&self) -> Option<(u32, BodyRef, Timestamp)> {
        match &self.session {
            Session::Open(open) => open
                .in_flight
                .as_ref()
                .map(|flight| (flight.attempt, flight.body, flight.until(&self.policy))),
            Session::Unseen | Session::PaymentPending(_) | Session::Settled(_) => None,
        }
    }

    /// The test's own account of doubt, from what is about to be answered.
    fn note_answer(&mut self, attempt: u32, answer: &ConfirmAnswer) {
        let Some((flying, body, _)) = self.in_flight() else {
            return;
        };
        if flying != attempt {
            return;
        }
        let refused_for_content = match answer {
            ConfirmAnswer::NotSent(_) => return,
            ConfirmAnswer::Accepted { .. } => false,
            ConfirmAnswer::Failed {
                class,
                may_have_landed,
                ..
            } => {
                if !*may_have_landed && *class == (Class::Fix { content: true }) {
                    true
                } else if *may_have_landed {
                    false
                } else {
                    return;
                }
            }
        };
        if refused_for_content {
            if let Some(doubtful) = &mut self.doubtful {
                doubtful.content_refused_at = Some(self.now);
            }
        } else {
            self.doubt(body);
        }
    }

    fn doubt(&mut self, body: BodyRef) {
        self.doubtful = Some(Doubtful {
            content_refused_at: None,
            body,
        });
    }

    fn answered(&mut self, attempt: u32, answer: ConfirmAnswer) -> Result<(), TestCaseError> {
        self.accepted |= matches!(answer, ConfirmAnswer::Accepted { .. });
        self.note_answer(attempt, &answer);
        self.ask(&Command::Answered {
            attempt,
            answer,
            spread: 0.5,
        })
    }

    /// When the last attempt had left, if it did: by its answer, or because it may not leave any later.
    fn last_left_by(&self) -> Option<Timestamp> {
        let is_started = |event: &Event| matches!(event, Event::ConfirmationStarted { .. });
        let started = self.history.iter().rposition(|(_, event)| is_started(event))?;
        let Event::ConfirmationStarted {
            attempt: last,
            send_by,
            ..
        } = &self.history[started].1
        else {
            return None;
        };
        let answered_at = self.history[started..]
            .iter()
            .find_map(|(at, event)| match event {
                Event::ConfirmationNotSent { attempt, .. }
                | Event::ConfirmationDeferred { attempt, .. }
                | Event::ConfirmationUnclear { attempt, .. }
                | Event::ConfirmationRefused { attempt, .. }
                | Event::RepairNeeded {
                    attempt: Some(attempt),
                    ..
                } if attempt == last => Some(*at),
                _ => None,
            });
        Some(answered_at.map_or(*send_by, |at| at.min(*send_by)))
    }

    fn looked_up(&mut self, found: Option<Found>, ago: Duration) -> Result<(), TestCaseError> {
        let begun_at = self.now.minus(ago);
        let flying = self.in_flight();
        let hands_off = flying.is_some_and(|(_, _, until)| self.now < until);
        let early = self.last_left_by().is_some_and(|by| begun_at < by) || hands_off;
        if let Some((_, body, _)) = flying.filter(|_| !hands_off) {
            self.doubt(body);
        }
        if let Some(Found::Open { .. }) = found.as_ref().filter(|_| !early) {
            let settled = self.doubtful.as_ref().is_some_and(|doubtful| {
                doubtful
                    .content_refused_at
                    .is_some_and(|at| begun_at >= at.plus(mins(10)))
            });
            if settled {
                self.doubtful = None;
            }
        }
        let answer = match found {
            Some(found) => LookUpAnswer::Told(LookUp {
                begun_at,
                created_at: matches!(found, Found::Open { .. }).then(t0),
                expires_at: matches!(found, Found::Open { .. }).then(|| t(hours(24))),
                left: matches!(found, Found::Open { .. }).then(|| t(hours(24)).since(begun_at)),
                found,
                answer: answer(200, ""),
            }),
            None => LookUpAnswer::Failed {
                class: Class::Retry,
                retry_after: None,
                answer: answer(503, ""),
            },
        };
        self.ask(&Command::LookedUp { answer, spread: 0.5 })
    }

    pub(super) fn take_step(&mut self, answers: Answers, takes: Duration) -> Result<(), TestCaseError> {
        match self.step() {
            Step::Rest | Step::WaitUntil(_) => Ok(()),
            Step::Confirm => {
                let Session::Open(open) = &self.session else {
                    return Err(TestCaseError::fail("nothing open to confirm"));
                };
                let attempt = open.subject.attempts + 1;
                self.keys += 1;
                let drawn = IdempotencyKey::from_bits(u128::from(self.keys));
                let (key, body) = match open.key_choice() {
                    checkout::KeyChoice::Repeat(key, body) => (key, body),
                    checkout::KeyChoice::NewKey(body) => (drawn, body),
                    checkout::KeyChoice::New => (drawn, BodyRef(attempt)),
                };
                self.ask(&Command::Start { key, body })?;
                prop_assert!(self.in_flight().is_some(), "a step that cannot be taken");
                self.now = self.now.plus(takes);
                match answers.confirm {
                    Some(answer) => self.answered(attempt, answer),
                    None => Ok(()),
                }
            }
            Step::LookUp => self.looked_up(self.standing.clone().or(answers.look_up), Duration::ZERO),
            Step::LookUpCharge => {
                let answer = match answers.charge {
                    Some(found) => ChargeAnswer::Told {
                        found,
                        answer: answer(200, ""),
                    },
                    None => ChargeAnswer::Failed {
                        class: Class::Retry,
                        retry_after: None,
                        answer: answer(503, ""),
                    },
                };
                self.ask(&Command::ChargeLookedUp { answer, spread: 0.5 })
            }
            Step::Forswear => {
                self.ask(&Command::Forswear(ForswornBy::Policy))?;
                prop_assert!(self.step() != Step::Forswear, "a step that cannot be taken");
                Ok(())
            }
            Step::Alert(kind) => {
                self.ask(&Command::Alert(kind))?;
                prop_assert!(self.step() != Step::Alert(kind), "a step that cannot be taken");
                Ok(())
            }
        }
    }

    pub(super) fn make(&mut self, one: Move) -> Result<(), TestCaseError> {
        match one {
            Move::Step(answers, takes) => self.take_step(answers, takes),
            Move::Standing(found) => {
                self.standing = Some(found);
                Ok(())
            }
            Move::Pass(pause) => {
                self.now = self.now.plus(pause);
                Ok(())
            }
            Move::NearTheEnd => {
                self.now = self.now.max(t(hours(23) + mins(32)));
                Ok(())
            }
            Move::UntilDue => {
                if let Step::WaitUntil(until) = self.step() {
                    self.now = until;
                }
                Ok(())
            }
            Move::Said(statement) => self.ask(&Command::Observe {
                statement,
                said_at: self.now,
                session_created_at: None,
            }),
            Move::Late(attempt, answer) => {
                let started = self.session.subject().map_or(0, |subject| subject.attempts);
                if attempt <= started {
                    self.answered(attempt, answer)
                } else {
                    Ok(())
                }
            }
            Move::LateLookUp(found, ago) => self.looked_up(Some(found), ago),
            Move::Operator(command) | Move::OutOfTurn(command) => self.ask(&command),
        }
    }
}
