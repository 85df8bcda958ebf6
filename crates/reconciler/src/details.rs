//! Who the buyer of a confirmed session is, asked of Amazon afterwards and kept beside the log.
//!
//! ```text
//!   confirmed, neither kept nor given up ─► a turn of its own quota ─► Get Charge Permission ─► kept
//!            ▲                                                            │          └────────► given up
//!            └───────────────── later, and ever later ◄───────────────────┘
//! ```
//!
//! No fact comes of it, and nothing waits for it: whoever confirms, looks up or tells is not held up. Everything
//! before the answer is kept may run twice.

use std::collections::HashMap;
use std::time::Duration;

use checkout::{AccountName, Backoff, Outcome, Session, SessionId, Timestamp};

use crate::announce::PERMISSION_DETAILS_FOR;
use crate::boundary;
use crate::ports::{
    Call, Chance, Clock, KeepDetails, LogError, PermissionAnswer, PermissionDetails, SessionLog, Share,
};
use crate::record::replay;

/// Sessions that a pass takes up.
const PORTION: u32 = 50;
/// Sessions whose waits are remembered. While there are so many, Amazon is in trouble and nobody new is asked about.
const MOST_WAITING: usize = 1_000;
/// There is a month's time, and nobody waits for it.
const AGAIN: Backoff = Backoff {
    first: Duration::from_secs(60),
    max: Duration::from_secs(6 * 60 * 60),
};

/// Asks for the details of one account's buyers.
#[derive(Debug)]
pub struct AskForDetails {
    account: AccountName,
    /// From the outcome on.
    keep_for: Duration,
    waiting: HashMap<SessionId, Wait>,
}

/// What Amazon did not tell is asked for again.
#[derive(Debug, Clone, Copy)]
struct Wait {
    failures: u32,
    until: Timestamp,
}

/// What became of one session.
enum Asked {
    /// It is kept or given up.
    Settled,
    /// Amazon has not told.
    NotNow { retry_after: Option<Duration> },
    /// Amazon was not asked: the log does not say about what.
    Unclear,
}

impl AskForDetails {
    /// For the sessions of this account; what is told is kept so long after the outcome.
    pub fn new(account: AccountName, keep_for: Duration) -> Self {
        Self {
            account,
            keep_for,
            waiting: HashMap::new(),
        }
    }

    /// Takes up a portion of the sessions of `share`, as far as there are turns for it now. Ends at the first that
    /// Amazon does not tell: the next pass goes on with another.
    ///
    /// # Errors
    /// [`LogError`]: what was asked for and could not be kept is asked for again.
    pub async fn pass<A: PermissionDetails>(
        &mut self,
        log: &(impl SessionLog + KeepDetails),
        amazon: &A,
        clock: &impl Clock,
        chance: &impl Chance,
        share: &Share,
    ) -> Result<(), LogError> {
        // First of all, so that an account that may not call costs the log nothing.
        let Ok(turn) = amazon.turn(&self.account, Call::Permission) else {
            return Ok(());
        };
        let mut in_hand = Some(turn);
        let now = clock.now();
        let limit = PORTION.saturating_add(u32::try_from(self.waiting.len()).unwrap_or(u32::MAX));
        let since = now.minus(PERMISSION_DETAILS_FOR);
        let wanting = log.wanting_details(&self.account, share, since, limit).await?;
        // Of what somebody else has settled nothing is to be remembered.
        self.waiting
            .retain(|id, wait| now < wait.until || wanting.contains(id));
        for id in wanting {
            let wait = self.waiting.get(&id);
            if wait.is_some_and(|wait| now < wait.until) || wait.is_none() && self.is_full() {
                continue;
            }
            let turn = match in_hand.take() {
                Some(turn) => turn,
                None => match amazon.turn(&self.account, Call::Permission) {
                    Ok(turn) => turn,
                    Err(_) => return Ok(()),
                },
            };
            match self.ask(log, amazon, clock, turn, &id).await {
                Ok(Asked::Settled) => _ = self.waiting.remove(&id),
                // This one alone: the others are not to wait for it.
                Ok(Asked::Unclear) | Err(LogError::Rejected(_)) => self.wait(id, clock, chance, None),
                Ok(Asked::NotNow { retry_after }) => {
                    self.wait(id, clock, chance, retry_after);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        MOST_WAITING <= self.waiting.len()
    }

    fn wait(
        &mut self,
        id: SessionId,
        clock: &impl Clock,
        chance: &impl Chance,
        retry_after: Option<Duration>,
    ) {
        let failures = self.waiting.get(&id).map_or(0, |wait| wait.failures) + 1;
        let delay = AGAIN
            .delay(failures, chance.spread())
            .max(retry_after.unwrap_or_default());
        let until = clock.now().plus(delay);
        self.waiting.insert(id, Wait { failures, until });
    }

    async fn ask<A: PermissionDetails>(
        &self,
        log: &(impl SessionLog + KeepDetails),
        amazon: &A,
        clock: &impl Clock,
        turn: A::Turn,
        id: &SessionId,
    ) -> Result<Asked, LogError> {
        let history = log.load(id).await?;
        let (session, _) = replay(&history);
        let Session::Settled(settled) = session else {
            return Ok(Asked::Unclear);
        };
        let Outcome::Confirmed { ids, .. } = settled.outcome else {
            return Ok(Asked::Unclear);
        };
        let now = clock.now();
        let erase_after = settled.at.plus(self.keep_for);
        if settled.at.plus(PERMISSION_DETAILS_FOR) <= now || erase_after <= now {
            return give_up(log, id, now).await;
        }
        boundary("ask-for-details");
        let answer = amazon
            .permission_details(turn, &self.account, &ids.charge_permission_id)
            .await;
        boundary("asked-for-details");
        match answer {
            PermissionAnswer::Told(details) if !details.is_empty() => {
                boundary("keep-details");
                log.keep_details(id, clock.now(), &details, erase_after).await?;
                boundary("details-kept");
                Ok(Asked::Settled)
            }
            PermissionAnswer::Told(_) | PermissionAnswer::Gone => give_up(log, id, clock.now()).await,
            PermissionAnswer::NotNow { retry_after } => Ok(Asked::NotNow { retry_after }),
        }
    }
}

async fn give_up(log: &impl KeepDetails, id: &SessionId, at: Timestamp) -> Result<Asked, LogError> {
    boundary("give-details-up");
    log.give_details_up(id, at).await?;
    boundary("details-given-up");
    Ok(Asked::Settled)
}
