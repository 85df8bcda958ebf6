//! Time and people: alerts, and operators' acts.

use super::accounts::no_account;
use super::words::hours_and_minutes;
use super::{AccountIs, Refused, Story};
use crate::session::{Hold, Open};
use crate::{AlertKind, Event, Flaw, ForswornBy, Session, Step, next_step};

impl Story<'_> {
    pub(super) fn alert(&mut self, kind: AlertKind) {
        if next_step(&self.session, self.now, self.policy) != Step::Alert(kind) {
            return;
        }
        let summary = match kind {
            AlertKind::DeadlineNear { before } => {
                format!(
                    "Still not confirmed less than {} before its deadline.",
                    hours_and_minutes(before)
                )
            }
            AlertKind::InDoubt => {
                "An attempt to confirm it may have landed, and Amazon Pay has not told yet.".to_owned()
            }
            AlertKind::PaymentOverdue => "Amazon Pay has not decided its payment within 24 hours.".to_owned(),
            AlertKind::NeedsRepair | AlertKind::Conflict | AlertKind::Forsworn | AlertKind::Contradiction => {
                return;
            }
        };
        self.raise(kind, summary);
    }

    pub(super) fn forswear(&mut self, by: ForswornBy) -> Result<(), Refused> {
        match by {
            ForswornBy::Policy if next_step(&self.session, self.now, self.policy) != Step::Forswear => {
                return Ok(());
            }
            ForswornBy::Policy => {}
            ForswornBy::Operator => {
                let open = self.open()?;
                if open.in_flight.is_some() || open.doubt.is_some() {
                    return Err(Refused::InDoubt);
                }
                if let Hold::Forsworn {
                    by: ForswornBy::Operator,
                    ..
                } = open.hold
                {
                    return Err(Refused::Forsworn);
                }
                // What has lapsed already did not lapse by our decision.
                if open.ends_at() <= self.now {
                    return Err(Refused::TooLate);
                }
            }
        }
        self.tell(Event::ConfirmationForsworn { by });
        let summary = match by {
            ForswornBy::Policy => {
                "It cannot be confirmed as it stands and its deadline is near: we will not confirm it."
            }
            ForswornBy::Operator => "An operator decided not to confirm it.",
        };
        self.raise(AlertKind::Forsworn, summary.to_owned());
        Ok(())
    }

    pub(super) fn release(&mut self, account: AccountIs) -> Result<(), Refused> {
        let Some(subject) = self.session.subject() else {
            return Err(Refused::Unseen);
        };
        let acknowledged: Vec<u32> = subject
            .alerts
            .firing()
            .filter(|alert| matches!(alert.kind, AlertKind::Conflict | AlertKind::Contradiction))
            .map(|alert| alert.ordinal)
            .collect();
        match self.may_be_released(account) {
            Ok(()) => self.tell(Event::Released),
            Err(refused) if acknowledged.is_empty() => return Err(refused),
            // Its hold stays; what was acknowledged is.
            Err(_) => {}
        }
        for ordinal in acknowledged {
            self.tell(Event::AlertResolved { ordinal });
        }
        Ok(())
    }

    fn may_be_released(&self, account: AccountIs) -> Result<(), Refused> {
        let Session::Open(open) = &self.session else {
            return Err(Refused::NothingToRelease);
        };
        match &open.hold {
            Hold::Ready | Hold::BuyerNotDone(_) => return Err(Refused::NothingToRelease),
            Hold::NeedsRepair(_) | Hold::Forsworn { .. } => {}
        }
        let statement = &open.subject.statement;
        if let (None, Some(flaw)) = (&statement.order, statement.needs_repair()) {
            return Err(Refused::Incomplete(flaw));
        }
        if account == AccountIs::Missing {
            return Err(no_account(&open.subject));
        }
        if !self.in_time(open) {
            return Err(Refused::TooLate);
        }
        Ok(())
    }

    pub(super) fn retry(&mut self, account: AccountIs) -> Result<(), Refused> {
        let subject = match &self.session {
            Session::Unseen => return Err(Refused::Unseen),
            Session::Settled(settled) => return Err(Refused::Over(settled.outcome.state().as_str())),
            Session::Open(open) => &open.subject,
            Session::PaymentPending(pending) => &pending.subject,
        };
        match (self.only_repair_helps(), account) {
            (Some(flaw), _) if !flaw.is_of_account() => return Err(Refused::NeedsRepair(flaw.clone())),
            (_, AccountIs::Missing) => return Err(no_account(subject)),
            (_, AccountIs::Configured) => self.account(account),
        }
        // Ending the repair has made its next step due.
        if self.told.is_empty() {
            self.tell(Event::RetryRequested);
        }
        Ok(())
    }

    /// The flaw, where nothing is to be asked of Amazon until it is mended.
    fn only_repair_helps(&self) -> Option<&Flaw> {
        match &self.session {
            Session::Open(open) if open.may_have_landed(self.now, self.policy) => None,
            Session::Open(open) if open.ends_at() <= self.now => None,
            Session::Open(Open {
                hold: Hold::NeedsRepair(flaw),
                ..
            }) => Some(flaw),
            Session::Unseen | Session::Open(_) | Session::PaymentPending(_) | Session::Settled(_) => None,
        }
    }

    fn open(&self) -> Result<&Open, Refused> {
        match &self.session {
            Session::Open(open) => Ok(open),
            Session::Unseen => Err(Refused::Unseen),
            Session::PaymentPending(_) => Err(Refused::Over("confirmed at Amazon Pay")),
            Session::Settled(settled) => Err(Refused::Over(settled.outcome.state().as_str())),
        }
    }
}
