//! Given what has happened, when this is asked, then these facts follow.
//!
//! ```text
//!   given(policy()).and(completed()).at(secs(3)).and(start(1)) … .when(answered(1, lost())).then(["…"])
//! ```
//!
//! A history is told by commands, so that it holds only what the model itself would record. A command of
//! a history that adds nothing is a mistake in the test, and said so.

use std::time::Duration;

use checkout::{Event, Outcome, Policy, Refused, Session, StateName, Step, Timestamp, decide, next_step};

use crate::model::{Ask, t};

/// A session with a past, at an instant, under a policy.
#[derive(Debug, Clone)]
pub struct Story {
    session: Session,
    history: Vec<(Timestamp, Event)>,
    now: Timestamp,
    policy: Policy,
}

/// A session that nobody has heard of, at the fixed instant.
pub fn given(policy: Policy) -> Story {
    Story {
        session: Session::Unseen,
        history: Vec::new(),
        now: t(Duration::ZERO),
        policy,
    }
}

impl Story {
    /// What follows happens this long after the fixed instant.
    pub fn at(mut self, after: Duration) -> Self {
        self.now = t(after);
        self
    }

    /// What follows happens this much later than what came before.
    pub fn later(mut self, by: Duration) -> Self {
        self.now = self.now.plus(by);
        self
    }

    /// What follows happens when the session next wants to be looked at, if it waits.
    pub fn when_due(mut self) -> Self {
        if let Step::WaitUntil(at) = self.step() {
            self.now = at;
        }
        self
    }

    /// The policy is another one from here on.
    pub fn under(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// This happened.
    ///
    /// # Panics
    /// Where it adds nothing, or is refused: then it did not happen.
    pub fn and(self, ask: impl Into<Ask>) -> Self {
        let command = ask.into().at(self.now);
        let told = decide(&self.session, self.now, &self.policy, command.clone());
        match told {
            Ok(events) if !events.is_empty() => self.recorded(events),
            Ok(_) => panic!(
                "{command:?} adds nothing to the history at {}: {:#?}",
                self.now, self.session
            ),
            Err(refused) => panic!("{command:?} is refused: {refused}"),
        }
    }

    /// This fact was recorded, however it came about.
    pub fn and_recorded(self, event: Event) -> Self {
        self.recorded(vec![event])
    }

    /// The alerts that are due were raised.
    pub fn and_alerts(mut self) -> Self {
        while let Step::Alert(kind) = self.step() {
            self = self.and(crate::model::alert(kind));
        }
        self
    }

    fn recorded(mut self, events: Vec<Event>) -> Self {
        for event in events {
            self.session = self.session.evolve(self.now, &event);
            self.history.push((self.now, event));
        }
        self
    }

    /// This is asked.
    pub fn when(self, ask: impl Into<Ask>) -> Asked {
        let command = ask.into().at(self.now);
        let told = decide(&self.session, self.now, &self.policy, command);
        Asked { before: self, told }
    }

    /// What is to be done.
    pub fn step(&self) -> Step {
        next_step(&self.session, self.now, &self.policy)
    }

    /// What users call its state.
    pub fn state(&self) -> Option<StateName> {
        self.session.state(self.now, &self.policy)
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The instant.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The open session.
    ///
    /// # Panics
    /// Where it is not open.
    pub fn open(&self) -> &checkout::Open {
        match &self.session {
            Session::Open(open) => open,
            other => panic!("not open: {other:#?}"),
        }
    }

    /// Every fact so far.
    pub fn history(&self) -> &[(Timestamp, Event)] {
        &self.history
    }

    /// The outcome, if there is one.
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.session {
            Session::Settled(settled) => Some(&settled.outcome),
            Session::Unseen | Session::Open(_) | Session::PaymentPending(_) => None,
        }
    }

    /// The names of the alerts that fire, oldest first.
    pub fn firing(&self) -> Vec<&'static str> {
        self.session.subject().map_or(Vec::new(), |subject| {
            subject.alerts.firing().map(|alert| alert.kind.name()).collect()
        })
    }
}

/// What came of asking.
#[derive(Debug)]
pub struct Asked {
    before: Story,
    told: Result<Vec<Event>, Refused>,
}

impl Asked {
    fn events(&self) -> &[Event] {
        match &self.told {
            Ok(events) => events,
            Err(refused) => panic!("refused: {refused}\n{:#?}", self.before.session),
        }
    }

    /// Exactly facts of these names, in this order. An alert's kind stands behind its name:
    /// `alert-raised conflict`, `alert-resolved conflict`.
    ///
    /// # Panics
    /// Where it is anything else.
    #[track_caller]
    pub fn then<const N: usize>(self, names: [&str; N]) -> Story {
        let mut after = self.before.clone();
        let mut told = Vec::new();
        for event in self.events() {
            after = after.recorded(vec![event.clone()]);
            told.push(name_of(event, &after.session));
        }
        assert_eq!(told, names, "\nfrom {:#?}", self.before.session);
        after
    }

    /// Exactly these facts.
    ///
    /// # Panics
    /// Where it is anything else.
    #[track_caller]
    pub fn then_exactly<const N: usize>(self, events: [Event; N]) -> Story {
        assert_eq!(self.events(), events, "\nfrom {:#?}", self.before.session);
        self.before.recorded(events.into())
    }

    /// Nothing: it is already so.
    ///
    /// # Panics
    /// Where there is something.
    #[track_caller]
    pub fn then_nothing(self) -> Story {
        assert_eq!(self.events(), [], "\nfrom {:#?}", self.before.session);
        self.before
    }

    /// It is refused.
    ///
    /// # Panics
    /// Where it is not, or for another reason.
    #[track_caller]
    pub fn then_refused(self, why: &Refused) -> Story {
        assert_eq!(self.told.as_ref(), Err(why), "\nfrom {:#?}", self.before.session);
        self.before
    }
}

fn name_of(event: &Event, after: &Session) -> String {
    let kind_of = |ordinal: u32| {
        after
            .subject()
            .and_then(|subject| subject.alerts.get(ordinal))
            .map_or("?", |alert| alert.kind.name())
    };
    match event {
        Event::AlertRaised { ordinal, .. } | Event::AlertResolved { ordinal } => {
            format!("{} {}", event.name(), kind_of(*ordinal))
        }
        other => other.name().to_owned(),
    }
}
