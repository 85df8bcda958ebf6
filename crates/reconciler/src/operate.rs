//! What people do to a session. Each act is a fact with its actor and reason.

use checkout::{Command, ForswornBy, Refused, SessionId, decide};

use crate::advance::{Advanced, Reconciler, waits};
use crate::ports::{Chance, Clock, ConfirmCheckout, LogError, LookUp, Outlet, SessionLog};
use crate::recording::Beside;

/// An operator's act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Its next step is due now.
    Retry,
    /// Ends needs-repair or forsworn; acknowledges a conflict or contradiction.
    Release,
    /// It will not be confirmed.
    Forswear,
}

/// Why an act was not done.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// It would be wrong.
    #[error("refused: {0}")]
    Refused(Refused),
    /// It could not be recorded.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl<L, A, C, R, O> Reconciler<L, A, C, R, O>
where
    L: SessionLog,
    A: ConfirmCheckout + LookUp,
    C: Clock,
    R: Chance,
    O: Outlet,
{
    /// Records an operator's act and says what is next for the session.
    pub async fn operate(
        &self,
        id: &SessionId,
        act: Act,
        operator: &str,
        reason: &str,
    ) -> Result<Advanced, ActError> {
        loop {
            let loaded = self.load(id).await?;
            let now = self.clock.now();
            let command = match act {
                Act::Retry => Command::Retry(self.account_is(&loaded.session)),
                Act::Release => Command::Release(self.account_is(&loaded.session)),
                Act::Forswear => Command::Forswear(ForswornBy::Operator),
            };
            let policy = self.policy(&loaded.session);
            let events = decide(&loaded.session, now, policy, command).map_err(ActError::Refused)?;
            let operator = Some((operator.to_owned(), reason.to_owned()));
            match self
                .record_events(
                    loaded,
                    now,
                    events,
                    Beside {
                        operator,
                        ..Beside::default()
                    },
                )
                .await
            {
                Ok(after) => return Ok(waits(&after.session, now)),
                Err(LogError::Overtaken) => {}
                Err(error @ (LogError::Unavailable(_) | LogError::Rejected(_))) => return Err(error.into()),
            }
        }
    }
}
