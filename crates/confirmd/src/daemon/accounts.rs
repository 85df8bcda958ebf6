//! Keeps the conditions of merchant accounts on record, tells people when one is stopped, probes it, and
//! heeds what operators have paused.

use std::collections::BTreeSet;
use std::sync::Arc;

use checkout::AccountName;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use provider::{Accounts, CallReport, Observer};
use reconciler::ports::{Clock, LogError};
use reconciler::{AccountCondition, AccountConditions, Condition, Notice, NoticeKind, NoticeLog};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Confirmd;
use super::schedule::Tick;
use crate::clock::ProgramClock;

/// Changes that may wait to be recorded; an account has one at a time, seldom.
const CHANGES: usize = 1_024;
/// Who sets a condition that no operator has set.
const OURSELVES: &str = "confirmd";

/// An account is in another condition now.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    account: AccountName,
    condition: Condition,
    reason: String,
}

/// Hears of calls and conditions while they happen.
pub(crate) struct Listener(mpsc::Sender<Change>);

impl Observer for Listener {
    fn called(&self, report: &CallReport<'_>) {
        let account = report.account.as_str().to_owned();
        let operation = report.operation.name();
        let result = report.result.name();
        metrics::counter!("confirmd_attempts_total", "account" => account.clone(), "operation" => operation, "result" => result)
            .increment(1);
        metrics::histogram!("confirmd_provider_request_seconds", "account" => account, "operation" => operation)
            .record(report.seconds);
    }

    fn condition(&self, account: &AccountName, condition: Condition, reason: &str) {
        let change = Change {
            account: account.clone(),
            condition,
            reason: reason.to_owned(),
        };
        if self.0.try_send(change).is_err() {
            tracing::error!(account = %account, "a change of condition could not be recorded");
        }
    }
}

/// A listener, and what it hears.
pub(crate) fn listener() -> (Arc<Listener>, mpsc::Receiver<Change>) {
    let (sender, receiver) = mpsc::channel(CHANGES);
    (Arc::new(Listener(sender)), receiver)
}

/// What the log says of accounts at start: a stopped one is probed before it is trusted.
pub(crate) async fn restore<L: AccountConditions>(
    log: &L,
    accounts: &Accounts<ProgramClock>,
) -> Result<(), LogError> {
    for known in log.conditions().await? {
        // An account that is no longer configured has nothing to restore.
        let _ = accounts.restore(&known.account, known.condition);
    }
    Ok(())
}

/// Records, tells, probes and heeds until it is to stop. `resumed` is told when an account runs again.
pub(crate) async fn run<L>(
    log: L,
    reconciler: Arc<Confirmd>,
    clock: ProgramClock,
    mut changes: mpsc::Receiver<Change>,
    resumed: impl Fn() + Send,
    mut tick: Tick,
    stop: CancellationToken,
) -> anyhow::Result<()>
where
    L: AccountConditions + NoticeLog,
{
    let accounts = &reconciler.amazon;
    let mut unrecorded: Vec<Change> = Vec::new();
    // A probe may take as long as a call: neither a pause nor the end waits for it.
    let mut probes = FuturesUnordered::new();
    let mut probed = BTreeSet::new();
    loop {
        // One that is being probed is not due, or this would not wait.
        let probe_at = if probed.is_empty() {
            accounts.next_probe_at()
        } else {
            None
        };
        let probe = async {
            match probe_at {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            Some(change) = changes.recv() => {
                if change.condition == Condition::Running {
                    resumed();
                }
                unrecorded.push(change);
            }
            () = probe => {
                for account in accounts.probes_due(clock.now()) {
                    if probed.insert(account.clone()) {
                        probes.push(async move { (accounts.probe(&account).await, account) });
                    }
                }
            }
            Some((outcome, account)) = probes.next() => {
                probed.remove(&account);
                let outcome = outcome?;
                tracing::info!(account = %account, probed = ?outcome.probed, "account `{account}` was probed");
            }
            changed = tick.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                heed_operators(&log, accounts).await;
            }
        }
        while let Some(change) = unrecorded.first() {
            if let Err(error) = record(&log, change, clock.now()).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a condition waits to be recorded"
                );
                break;
            }
            unrecorded.remove(0);
        }
    }
}

async fn heed_operators<L: AccountConditions>(log: &L, accounts: &Accounts<ProgramClock>) {
    let known = match log.conditions().await {
        Ok(known) => known,
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "account conditions cannot be read"
            );
            return;
        }
    };
    for condition in &known {
        let _ = accounts.set_paused(&condition.account, condition.condition == Condition::Paused);
    }
}

async fn record<L>(log: &L, change: &Change, now: checkout::Timestamp) -> Result<(), LogError>
where
    L: AccountConditions + NoticeLog,
{
    let before = log
        .conditions()
        .await?
        .into_iter()
        .find(|known| known.account == change.account);
    // What an operator has paused stays paused, whatever Amazon Pay says of it.
    if before
        .as_ref()
        .is_some_and(|known| known.condition == Condition::Paused)
    {
        return Ok(());
    }
    let stopped_since = before
        .filter(|known| known.condition == Condition::Stopped)
        .map(|known| known.since);
    // What an operator has set was recorded when it was set.
    let (firing, since) = match (change.condition, stopped_since) {
        (Condition::Paused, _) | (Condition::Stopped, Some(_)) | (Condition::Running, None) => return Ok(()),
        (Condition::Stopped, None) => (true, now),
        (Condition::Running, Some(since)) => (false, since),
    };
    let notice = Notice {
        alert_id: format!("account-stopped/{}/{}", change.account, since.as_micros()),
        kind: NoticeKind::AccountStopped,
        firing,
        summary: format!(
            "Amazon Pay accepts nothing from account `{}`: {}",
            change.account, change.reason
        ),
        account: Some(change.account.clone()),
        key: change.account.as_str().to_owned(),
        at: now,
    };
    // Told before it is set: were it the other way round, a crash in between would keep it untold.
    log.record(&notice).await?;
    log.set(&AccountCondition {
        account: change.account.clone(),
        condition: change.condition,
        since: now,
        by: OURSELVES.to_owned(),
        reason: change.reason.clone(),
    })
    .await
}
