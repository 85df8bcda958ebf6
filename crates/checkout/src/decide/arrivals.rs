//! The way in: events of the shop.

use super::Story;
use super::words::repair_summary;
use crate::session::{Hold, Open};
use crate::{AlertKind, Event, ForswornBy, Session, Statement, Timestamp};

impl Story<'_> {
    pub(super) fn observe(&mut self, statement: Statement, said_at: Timestamp, created: Option<Timestamp>) {
        let Some(subject) = self.session.subject() else {
            let summary = needed_repair(&statement);
            self.tell(Event::CheckoutCompleted {
                statement,
                said_at,
                session_created_at: created,
            });
            if let Some(summary) = summary {
                self.raise(AlertKind::NeedsRepair, summary);
            }
            return;
        };
        let is_known = subject.heard.contains(&statement);
        if is_known && !self.is_rewritten(&statement) && !self.is_wanted_after_all(&statement) {
            return;
        }
        match &self.session {
            Session::Open(open) if open.in_flight.is_some() || open.doubt.is_some() => {
                self.tell(Event::AmendmentKept { statement });
            }
            Session::Open(open) if self.takes_amendments(open) => self.amend(statement),
            Session::Open(_) | Session::PaymentPending(_) | Session::Settled(_) => self.conflict(statement),
            Session::Unseen => {}
        }
    }

    /// The same amounts, written as never before: what a refusal of `14.00` for `14` is repaired with, also where
    /// it was refused under a code that nobody knows, so that the policy forswore it in the end.
    fn is_rewritten(&self, statement: &Statement) -> bool {
        let Session::Open(open) = &self.session else {
            return false;
        };
        let is_to_be_written_anew = match open.hold {
            Hold::NeedsRepair(_) => true,
            Hold::Forsworn { .. } => self.takes_amendments(open),
            Hold::BuyerNotDone(_) | Hold::Ready => false,
        };
        is_to_be_written_anew && !open.subject.has_heard_written(statement)
    }

    /// What was a conflict while the first statement held may be the very correction that is wanted now.
    fn is_wanted_after_all(&self, statement: &Statement) -> bool {
        match &self.session {
            Session::Open(open) => {
                open.in_flight.is_none()
                    && open.doubt.is_none()
                    && self.takes_amendments(open)
                    && open.subject.set_aside.contains(statement)
            }
            Session::Unseen | Session::PaymentPending(_) | Session::Settled(_) => false,
        }
    }

    pub(super) fn takes_amendments(&self, open: &Open) -> bool {
        match open.hold {
            Hold::NeedsRepair(_) => true,
            // What could not be sent yet may still be completed.
            Hold::BuyerNotDone(_) => open.lacks_address(),
            Hold::Forsworn {
                by: ForswornBy::Policy,
                ..
            } => self.in_time(open),
            Hold::Forsworn {
                by: ForswornBy::Operator,
                ..
            }
            | Hold::Ready => false,
        }
    }

    pub(super) fn in_time(&self, open: &Open) -> bool {
        self.now < open.ends_at().minus(self.policy.last_attempt_before)
    }

    pub(super) fn amend(&mut self, statement: Statement) {
        let summary = needed_repair(&statement);
        self.tell(Event::CheckoutAmended { statement });
        if let Some(summary) = summary {
            self.raise(AlertKind::NeedsRepair, summary);
        }
    }

    pub(super) fn conflict(&mut self, statement: Statement) {
        self.tell(Event::ConflictFound { statement });
        let summary = "A second event says something else of this session; the first one holds.";
        self.raise(AlertKind::Conflict, summary.to_owned());
    }
}

fn needed_repair(statement: &Statement) -> Option<String> {
    let flaw = statement.needs_repair()?;
    Some(repair_summary(&flaw, statement))
}
