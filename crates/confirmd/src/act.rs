//! What operators do to an account, by a command or by the console.

use checkout::{AccountName, Timestamp};
use reconciler::ports::LogError;
use reconciler::{AccountCondition, AccountConditions, Condition, boundary};

/// Why a condition was not set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotSet {
    #[error("{0}")]
    Refused(&'static str),
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Pauses an account, or resumes it. A running daemon heeds it within five seconds.
pub(crate) async fn set_condition(
    log: &impl AccountConditions,
    account: &AccountName,
    condition: Condition,
    now: Timestamp,
    operator: &str,
    reason: &str,
) -> Result<(), NotSet> {
    let known = log.conditions().await?;
    let now_is = known
        .iter()
        .find(|known| known.account == *account)
        .map_or(Condition::Running, |known| known.condition);
    match (now_is, condition) {
        (Condition::Paused, Condition::Paused) => return Err(NotSet::Refused("it is paused already")),
        (Condition::Running, Condition::Running) => return Err(NotSet::Refused("it is running already")),
        (Condition::Stopped, Condition::Running) => {
            return Err(NotSet::Refused(
                "Amazon Pay refuses it: it resumes by itself when a probe passes; see `confirmd check --online`",
            ));
        }
        _ => {}
    }
    let set = AccountCondition {
        account: account.clone(),
        condition,
        since: now,
        by: operator.to_owned(),
        reason: reason.to_owned(),
    };
    boundary("set-by-operator");
    log.set(&set).await?;
    boundary("condition-set-by-operator");
    Ok(())
}
