//! What a request adds to the history of a session. An empty answer means "already so", which is what
//! makes redelivery, a second worker and a late answer harmless.

mod accounts;
mod arrivals;
mod attempts;
mod charges;
mod look_ups;
mod people;
mod words;

use std::time::Duration;

use crate::alert::MEASURED_ANEW;
use crate::session::Hold;
use crate::step::{first_proof, next_proof};
use crate::{
    AccountName, AlertKind, Answer, BodyRef, ChargeAnswer, ConfirmAnswer, Event, Flaw, ForswornBy,
    IdempotencyKey, LookUpAnswer, Outcome, Policy, Session, Statement, Timestamp,
};

/// What someone asks of a session. `spread` in 0..=1 is drawn by the caller (see [`crate::Backoff`]).
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// An event of the shop arrived.
    Observe {
        /// What it says.
        statement: Statement,
        /// The event's own time.
        said_at: Timestamp,
        /// The session's creation, where the shop knows it.
        session_created_at: Option<Timestamp>,
    },
    /// An attempt is about to be sent; only where [`crate::next_step`] says so.
    Start {
        /// Under which key.
        key: IdempotencyKey,
        /// Which stored bytes.
        body: BodyRef,
    },
    /// An attempt was answered, or was not.
    Answered {
        /// Which attempt.
        attempt: u32,
        /// How.
        answer: ConfirmAnswer,
        /// For the wait that may follow.
        spread: f64,
    },
    /// A look-up of the session was answered, or was not.
    LookedUp {
        /// How.
        answer: LookUpAnswer,
        /// For the wait that may follow.
        spread: f64,
    },
    /// A look-up of the charge was answered, or was not.
    ChargeLookedUp {
        /// How.
        answer: ChargeAnswer,
        /// For the wait that may follow.
        spread: f64,
    },
    /// The alert that [`crate::next_step`] asks for.
    Alert(AlertKind),
    /// Not to be confirmed: by policy only where [`crate::next_step`] says so.
    Forswear(ForswornBy),
    /// Whether its account is configured, as of now.
    Account(AccountIs),
    /// An operator ends a hold, or acknowledges a conflict or contradiction.
    Release(AccountIs),
    /// An operator makes the next step due.
    Retry(AccountIs),
}

/// What the configuration says of a session's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountIs {
    /// It is there.
    Configured,
    /// It is not, or the session names none.
    Missing,
}

/// Why an operator's act is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing is known of it.
    #[error("this session was never heard of")]
    Unseen,
    /// It has its outcome, or is confirmed already.
    #[error("it is {0} already")]
    Over(&'static str),
    /// The one thing that must not be closed.
    #[error("it may have landed: Amazon is asked until it tells, and nothing is closed before")]
    InDoubt,
    /// There is no hold and nothing to acknowledge.
    #[error(
        "there is nothing to release: it neither needs repair nor is forsworn, and nothing waits to be acknowledged"
    )]
    NothingToRelease,
    /// The event did not say enough.
    #[error("its event cannot be confirmed as it stands (`{field}`: {problem}): publish a corrected event", field = .0.field, problem = .0.problem)]
    Incomplete(Flaw),
    /// Nothing can be asked of Amazon for it.
    #[error("no account `{0}` is configured: configure it, or publish a corrected event")]
    NoAccount(AccountName),
    /// Trying again changes nothing.
    #[error("it needs repair: `{field}`: {problem}; publish a corrected event, or release it", field = .0.field, problem = .0.problem)]
    NeedsRepair(Flaw),
    /// The deadline is too near.
    #[error("it is too late: no confirmation is started this near to its deadline")]
    TooLate,
    /// Already so.
    #[error("it is forsworn already")]
    Forsworn,
}

/// The facts that `command` adds to `session` at `now`. Only operators' acts are ever refused.
pub fn decide(
    session: &Session,
    now: Timestamp,
    policy: &Policy,
    command: Command,
) -> Result<Vec<Event>, Refused> {
    let mut story = Story {
        session: session.clone(),
        now,
        policy,
        told: Vec::new(),
    };
    let kept = story.kept();
    match command {
        Command::Observe {
            statement,
            said_at,
            session_created_at,
        } => {
            story.observe(statement, said_at, session_created_at);
        }
        Command::Start { key, body } => story.start(key, body),
        Command::Answered {
            attempt,
            answer,
            spread,
        } => story.answered(attempt, answer, spread),
        Command::LookedUp { answer, spread } => story.looked_up(answer, spread),
        Command::ChargeLookedUp { answer, spread } => story.charge_looked_up(answer, spread),
        Command::Alert(kind) => story.alert(kind),
        Command::Forswear(by) => story.forswear(by)?,
        Command::Account(is) => story.account(is),
        Command::Release(account) => story.release(account)?,
        Command::Retry(account) => story.retry(account)?,
    }
    story.judge_what_was_kept(kept);
    story.resolve_alerts();
    Ok(story.told)
}

/// The session as it becomes while facts are added.
struct Story<'a> {
    session: Session,
    now: Timestamp,
    policy: &'a Policy,
    told: Vec<Event>,
}

impl Story<'_> {
    fn tell(&mut self, event: Event) {
        let session = std::mem::replace(&mut self.session, Session::Unseen);
        self.session = session.evolve(self.now, &event);
        self.told.push(event);
    }

    fn raise(&mut self, kind: AlertKind, summary: String) {
        let Some(subject) = self.session.subject() else {
            return;
        };
        if subject.alerts.is_firing(kind) && !matches!(kind, AlertKind::DeadlineNear { .. }) {
            return;
        }
        let ordinal = subject.alerts.next_ordinal();
        self.tell(Event::AlertRaised {
            kind,
            ordinal,
            summary,
        });
    }

    fn settle(&mut self, outcome: Outcome, answer: Answer) {
        self.tell(Event::Settled { outcome, answer });
    }

    /// After `failures` in a row: the backoff, or what Amazon asks for where that is longer.
    fn retry_at(&self, failures: u32, retry_after: Option<Duration>, spread: f64) -> Timestamp {
        let wait = self.policy.retry.delay(failures, spread);
        let at = |wait: Duration| self.now.plus(retry_after.map_or(wait, |asked| asked.max(wait)));
        match &self.session {
            Session::Open(open) => {
                let ends_at = open.ends_at();
                let wait = wait.min(self.policy.longest_wait(ends_at.since(self.now)));
                self.no_later_than_proof(ends_at, at(wait))
            }
            Session::Unseen | Session::PaymentPending(_) | Session::Settled(_) => at(wait),
        }
    }

    /// Whatever the wait, the look-ups that prove the end are not late for it.
    fn no_later_than_proof(&self, ends_at: Timestamp, at: Timestamp) -> Timestamp {
        if ends_at <= self.now {
            next_proof(ends_at, self.now)
        } else {
            at.min(first_proof(ends_at))
        }
    }

    // ---- what follows from whatever was told

    fn kept(&self) -> Option<Statement> {
        match &self.session {
            Session::Open(open) => open.kept.clone(),
            Session::Unseen | Session::PaymentPending(_) | Session::Settled(_) => None,
        }
    }

    /// A different event that came during doubt is judged when the doubt is over; `before` is what was
    /// kept until now.
    fn judge_what_was_kept(&mut self, before: Option<Statement>) {
        let open = match &self.session {
            Session::Open(open) => open,
            Session::Unseen => return,
            Session::PaymentPending(_) | Session::Settled(_) => {
                if let Some(statement) = before {
                    self.conflict(statement);
                }
                return;
            }
        };
        if open.in_flight.is_some() || open.doubt.is_some() || open.question.is_some() {
            return;
        }
        let Some(kept) = open.kept.clone() else { return };
        if self.takes_amendments(open) {
            self.amend(kept);
        } else {
            self.conflict(kept);
        }
    }

    fn resolve_alerts(&mut self) {
        let Some(subject) = self.session.subject() else {
            return;
        };
        let over: Vec<u32> = subject
            .alerts
            .firing()
            .filter(|alert| self.is_over(alert.kind))
            .map(|alert| alert.ordinal)
            .collect();
        for ordinal in over {
            self.tell(Event::AlertResolved { ordinal });
        }
    }

    fn is_to_be_repaired(&self) -> bool {
        match &self.session {
            Session::Open(open) => matches!(open.hold, Hold::NeedsRepair(_)),
            Session::PaymentPending(pending) => pending.repair.is_some(),
            Session::Unseen | Session::Settled(_) => false,
        }
    }

    fn is_over(&self, kind: AlertKind) -> bool {
        let open = match &self.session {
            Session::Open(open) => Some(open),
            Session::Unseen | Session::PaymentPending(_) | Session::Settled(_) => None,
        };
        match kind {
            AlertKind::DeadlineNear { before } => open.is_none_or(|open| {
                matches!(open.hold, Hold::Forsworn { .. })
                    || self.now.plus(MEASURED_ANEW) < open.subject.deadline.at.minus(before)
            }),
            AlertKind::InDoubt => open.is_none_or(|open| open.doubt.is_none() && open.in_flight.is_none()),
            AlertKind::NeedsRepair => !self.is_to_be_repaired(),
            AlertKind::Forsworn => open.is_none_or(|open| !matches!(open.hold, Hold::Forsworn { .. })),
            AlertKind::PaymentOverdue => !matches!(self.session, Session::PaymentPending(_)),
            // Only a person's acknowledgement ends these.
            AlertKind::Conflict | AlertKind::Contradiction => false,
        }
    }
}
