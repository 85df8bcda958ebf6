//! Puts right what the log's index says of a session's time, where no fact does: an hour has passed that makes
//! another step of it, or the rules have changed since its last fact.
//!
//! Accounts are configured too, and what that changes is a fact: a session whose account is missing needs repair,
//! and one that needs nothing else does not when it is there.

use checkout::{Command, Session, SessionId, Step, Timestamp, decide, next_step};

use crate::advance::Reconciler;
use crate::boundary;
use crate::ports::{Chance, Clock, ConfirmCheckout, LogError, LookUp, Outlet, Scheduled, SessionLog};
use crate::record::{Schedule, Version, replay};
use crate::recording::Loaded;

impl<L, A, C, R, O> Reconciler<L, A, C, R, O>
where
    L: SessionLog,
    A: ConfirmCheckout + LookUp,
    C: Clock,
    R: Chance,
    O: Outlet,
{
    /// A session that was looked at and only waits is not brought up again before its time.
    pub(crate) async fn put_off(&self, loaded: &Loaded, now: Timestamp) -> Result<(), LogError> {
        match Schedule::of(&loaded.session, now, self.policy(&loaded.session)) {
            Some(schedule) => self.move_row(&loaded.id, loaded.version, schedule).await,
            None => Ok(()),
        }
    }

    /// Puts the rows of unsettled sessions right, at most `limit` of those behind `after`, as the rules are now.
    /// The last of them, where there may be more. Adds no fact, unless a session's account has been configured or is
    /// missing since its last one. Whoever is due by it is brought up by [`SessionLog::due`] as ever.
    ///
    /// # Errors
    /// [`LogError::Unavailable`]; the same portion may be asked for again.
    pub async fn reschedule(
        &self,
        after: Option<&Scheduled>,
        limit: u32,
    ) -> Result<Option<Scheduled>, LogError> {
        let mut portion = self.log.unsettled(after, limit).await?;
        for scheduled in &portion {
            match self.reschedule_one(scheduled).await {
                // Whoever advances it says what is wrong with it.
                Ok(()) | Err(LogError::Rejected(_) | LogError::Overtaken) => {}
                Err(error @ LogError::Unavailable(_)) => return Err(error),
            }
        }
        let is_full = u32::try_from(portion.len()).is_ok_and(|len| len >= limit);
        Ok(portion.pop().filter(|_| is_full))
    }

    async fn reschedule_one(&self, scheduled: &Scheduled) -> Result<(), LogError> {
        let history = self.log.load(&scheduled.id).await?;
        let Some(last) = history.last() else { return Ok(()) };
        let (session, version) = replay(&history);
        let now = self.clock.now();
        let command = Command::Account(self.account_is(&session));
        if decide(&session, now, self.policy(&session), command).is_ok_and(|events| !events.is_empty()) {
            // The facts bring a row of their own.
            return self.load_with_account(&scheduled.id).await.map(drop);
        }
        match self.schedule(&session, last.at, now) {
            Some(right) if right != scheduled.schedule => self.move_row(&scheduled.id, version, right).await,
            Some(_) | None => Ok(()),
        }
    }

    async fn move_row(&self, id: &SessionId, version: Version, schedule: Schedule) -> Result<(), LogError> {
        boundary("reschedule");
        let moved = self.log.reschedule(id, version, schedule).await;
        boundary("rescheduled");
        moved
    }

    /// What is due stays due since when it was.
    fn schedule(&self, session: &Session, last_fact_at: Timestamp, now: Timestamp) -> Option<Schedule> {
        let policy = self.policy(session);
        match next_step(session, now, policy) {
            Step::Rest => None,
            Step::WaitUntil(_) => Schedule::of(session, now, policy),
            Step::Confirm | Step::LookUp | Step::LookUpCharge | Step::Forswear | Step::Alert(_) => {
                let mut since = Schedule::of(session, last_fact_at, policy)?;
                since.due_at = since.due_at.min(now);
                Some(since)
            }
        }
    }
}
