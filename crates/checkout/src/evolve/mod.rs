//! How each fact changes a session. History is read, never judged: nothing here can fail.

mod open;

use crate::session::{Open, Pending, Settled, Subject};
use crate::{ChargeFound, Event, Policy, Session, Statement, Timestamp};

impl Subject {
    pub(super) fn hear(&mut self, statement: &Statement) {
        if !self.has_heard_written(statement) {
            self.heard.push(statement.clone());
        }
    }
}

impl Session {
    /// The session after one more fact, recorded at `at`.
    #[must_use]
    pub fn evolve(self, at: Timestamp, event: &Event) -> Self {
        match self {
            Self::Unseen => match event {
                Event::CheckoutCompleted {
                    statement,
                    said_at,
                    session_created_at,
                } => Self::Open(Open::new(at, statement, *said_at, *session_created_at)),
                Event::CheckoutAmended { .. }
                | Event::AmendmentKept { .. }
                | Event::ConflictFound { .. }
                | Event::ConfirmationStarted { .. }
                | Event::ConfirmationNotSent { .. }
                | Event::ConfirmationDeferred { .. }
                | Event::ConfirmationUnclear { .. }
                | Event::ConfirmationRefused { .. }
                | Event::RepairNeeded { .. }
                | Event::LookedUp { .. }
                | Event::LookUpDeferred { .. }
                | Event::ConfirmationAccepted { .. }
                | Event::PaymentPending
                | Event::ChargeLookedUp { .. }
                | Event::ChargeLookUpDeferred { .. }
                | Event::AttemptDeclined { .. }
                | Event::ConfirmationForsworn { .. }
                | Event::Released
                | Event::RetryRequested
                | Event::Settled { .. }
                | Event::AlertRaised { .. }
                | Event::AlertResolved { .. } => Self::Unseen,
            },
            Self::Open(open) => open.evolve(at, event),
            Self::PaymentPending(pending) => pending.evolve(at, event),
            Self::Settled(settled) => settled.evolve(at, event),
        }
    }
}

impl Pending {
    fn evolve(mut self, at: Timestamp, event: &Event) -> Session {
        match event {
            Event::PaymentPending => self.told = true,
            Event::ChargeLookedUp { found, next_at, .. } => {
                self.not_before = *next_at;
                self.failures = 0;
                match found {
                    ChargeFound::Pending => {
                        self.looks += 1;
                        self.not_found = None;
                    }
                    ChargeFound::NotFound => {
                        self.looks += 1;
                        if at >= self.decided_by() {
                            self.not_found = match self.not_found {
                                Some((times, last)) if at.since(last) < Policy::NOT_FOUND_APART => {
                                    Some((times, last))
                                }
                                Some((times, _)) => Some((times + 1, at)),
                                None => Some((1, at)),
                            };
                        }
                    }
                    ChargeFound::Authorized
                    | ChargeFound::Captured
                    | ChargeFound::Declined { .. }
                    | ChargeFound::Canceled { .. } => {}
                }
            }
            Event::ChargeLookUpDeferred { retry_at, .. } => {
                self.failures += 1;
                self.not_before = *retry_at;
            }
            Event::RetryRequested => self.not_before = at,
            Event::RepairNeeded { flaw, .. } => self.repair = Some(flaw.clone()),
            Event::Released => {
                self.repair = None;
                self.not_before = at;
            }
            Event::ConflictFound { statement } => self.subject.hear(statement),
            Event::AlertRaised {
                kind,
                ordinal,
                summary,
            } => {
                self.subject.alerts.raise(*kind, *ordinal, summary, at);
            }
            Event::AlertResolved { ordinal } => self.subject.alerts.resolve(*ordinal),
            Event::Settled { outcome, .. } => {
                return Session::Settled(Settled {
                    subject: self.subject,
                    outcome: outcome.clone(),
                    was_confirmed: true,
                    at,
                });
            }
            Event::CheckoutCompleted { .. }
            | Event::CheckoutAmended { .. }
            | Event::AmendmentKept { .. }
            | Event::ConfirmationStarted { .. }
            | Event::ConfirmationNotSent { .. }
            | Event::ConfirmationDeferred { .. }
            | Event::ConfirmationUnclear { .. }
            | Event::ConfirmationRefused { .. }
            | Event::LookedUp { .. }
            | Event::LookUpDeferred { .. }
            | Event::ConfirmationAccepted { .. }
            | Event::AttemptDeclined { .. }
            | Event::ConfirmationForsworn { .. } => {}
        }
        Session::PaymentPending(self)
    }
}

impl Settled {
    fn evolve(mut self, at: Timestamp, event: &Event) -> Session {
        match event {
            Event::ConflictFound { statement } => self.subject.hear(statement),
            Event::AlertRaised {
                kind,
                ordinal,
                summary,
            } => {
                self.subject.alerts.raise(*kind, *ordinal, summary, at);
            }
            Event::AlertResolved { ordinal } => self.subject.alerts.resolve(*ordinal),
            // Nothing that arrives later changes an outcome.
            Event::CheckoutCompleted { .. }
            | Event::CheckoutAmended { .. }
            | Event::AmendmentKept { .. }
            | Event::ConfirmationStarted { .. }
            | Event::ConfirmationNotSent { .. }
            | Event::ConfirmationDeferred { .. }
            | Event::ConfirmationUnclear { .. }
            | Event::ConfirmationRefused { .. }
            | Event::RepairNeeded { .. }
            | Event::LookedUp { .. }
            | Event::LookUpDeferred { .. }
            | Event::ConfirmationAccepted { .. }
            | Event::PaymentPending
            | Event::ChargeLookedUp { .. }
            | Event::ChargeLookUpDeferred { .. }
            | Event::AttemptDeclined { .. }
            | Event::ConfirmationForsworn { .. }
            | Event::Released
            | Event::RetryRequested
            | Event::Settled { .. } => {}
        }
        Session::Settled(self)
    }
}
