//! Keeps the conditions of merchant accounts on record, tells people when one is stopped, probes it, and
//! heeds what operators have paused.

use std::collections::BTreeSet;
use std::sync::Arc;

use checkout::{AccountName, Timestamp};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use provider::{Accounts, CallReport, Observer, Probed};
use reconciler::ports::{Clock, LogError};
use reconciler::{AccountCondition, AccountConditions, Condition, Notice, NoticeKind, NoticeLog, boundary};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Confirmd;
use super::schedule::Tick;
use crate::clock::ProgramClock;
use crate::metered::tell_of_notice;
use crate::telemetry::traces::{Span, Traces};

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
pub(crate) struct Listener {
    changes: mpsc::Sender<Change>,
    traces: Traces,
}

impl Observer for Listener {
    fn called(&self, report: &CallReport<'_>) {
        let account = report.account.as_str().to_owned();
        let operation = report.operation.name();
        let result = report.result.name();
        metrics::counter!("confirmd_attempts_total", "account" => account.clone(), "operation" => operation, "result" => result)
            .increment(1);
        metrics::histogram!("confirmd_provider_request_seconds", "account" => account, "operation" => operation)
            .record(report.seconds);
        if let Some(place) = self.traces.place_in(report.traceparent) {
            self.traces.tell(place, Span::of_call(report));
        }
    }

    fn condition(&self, account: &AccountName, condition: Condition, reason: &str) {
        let change = Change {
            account: account.clone(),
            condition,
            reason: reason.to_owned(),
        };
        if self.changes.try_send(change).is_err() {
            tracing::error!(account = %account, "a change of condition could not be recorded");
        }
    }
}

/// A listener, and what it hears.
pub(crate) fn listener(traces: Traces) -> (Arc<Listener>, mpsc::Receiver<Change>) {
    let (changes, receiver) = mpsc::channel(CHANGES);
    (Arc::new(Listener { changes, traces }), receiver)
}

/// What the log says of accounts at start: a stopped one is probed before it is trusted, and so is one that was
/// paused while it was stopped, whatever has become of its pause. The alert that fires tells.
pub(crate) async fn restore<L: AccountConditions, C: Clock>(
    log: &L,
    accounts: &Accounts<C>,
) -> Result<(), LogError> {
    for AccountCondition {
        account,
        condition,
        by,
        ..
    } in log.conditions().await?
    {
        // An account that is no longer configured has nothing to restore.
        let is_stopped = condition == Condition::Stopped
            || !log.firing(&account, NoticeKind::AccountStopped).await?.is_empty();
        if is_stopped {
            let _ = accounts.restore(&account, Condition::Stopped);
        }
        if condition == Condition::Paused && accounts.restore(&account, Condition::Paused).is_ok() {
            tracing::info!(account = %account, "account `{account}` is paused by `{by}`");
        }
    }
    Ok(())
}

/// Records, tells, probes and heeds until it is to stop. `resumed` is told when an account may call again, if only
/// on trial.
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
    let mut stopped = accounts
        .conditions()
        .into_iter()
        .filter(|state| state.condition == Condition::Stopped)
        .map(|state| state.account)
        .collect();
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
                        probes.push(async move {
                            boundary("probe");
                            let outcome = accounts.probe(&account).await;
                            boundary("probed");
                            (outcome, account)
                        });
                    }
                }
            }
            Some((outcome, account)) = probes.next() => {
                probed.remove(&account);
                let outcome = outcome?;
                tracing::info!(account = %account, probed = ?outcome.probed, "account `{account}` was probed");
                if outcome.probed == Probed::Passed {
                    resumed();
                }
            }
            changed = tick.changed() => {
                if changed.is_err() {
                    return Ok(());
                }
                heed_operators(&log, accounts).await;
            }
        }
        while let Some(change) = unrecorded.first() {
            if let Err(error) = record(&log, &mut stopped, change, clock.now()).await {
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
    let before = accounts.conditions();
    for AccountCondition {
        account,
        condition,
        by,
        ..
    } in &known
    {
        let is_paused = *condition == Condition::Paused;
        let Some(before) = before.iter().find(|before| before.account == *account) else {
            continue;
        };
        match (before.condition == Condition::Paused, is_paused) {
            (false, true) => tracing::info!(account = %account, "account `{account}` is paused by `{by}`"),
            (true, false) => tracing::info!(account = %account, "account `{account}` is resumed by `{by}`"),
            (false, false) | (true, true) => {}
        }
        let _ = accounts.set_paused(account, is_paused);
    }
}

/// Puts changes on record. `stopped` are the accounts that this process has found stopped: only whoever found
/// that may say that it is over.
async fn record<L>(
    log: &L,
    stopped: &mut BTreeSet<AccountName>,
    change: &Change,
    now: Timestamp,
) -> Result<(), LogError>
where
    L: AccountConditions + NoticeLog,
{
    let account = &change.account;
    match change.condition {
        // What an operator has set was recorded when it was set.
        Condition::Paused => return Ok(()),
        Condition::Stopped => _ = stopped.insert(account.clone()),
        Condition::Running if !stopped.contains(account) => return Ok(()),
        Condition::Running => {}
    }
    let seen = log
        .conditions()
        .await?
        .into_iter()
        .find(|known| known.account == *account);
    let recorded = seen.as_ref().map_or(Condition::Running, |seen| seen.condition);
    // What an operator has paused stays paused, whatever Amazon Pay says of it; and it is said again when the
    // pause ends.
    if recorded == Condition::Paused {
        return Ok(());
    }
    // The alert outlives pauses, so its id is that of the alert that fires, not of the last setting.
    let firing = log.firing(account, NoticeKind::AccountStopped).await?;
    let notices = match change.condition {
        Condition::Stopped if firing.is_empty() => vec![notice(change, now)],
        Condition::Stopped | Condition::Paused => Vec::new(),
        Condition::Running => firing.into_iter().map(|fired| over(fired, now)).collect(),
    };
    // Told before it is set: were it the other way round, a crash in between would keep it untold.
    for notice in &notices {
        put_on_record(log, notice).await?;
    }
    if recorded != change.condition {
        let setting = AccountCondition {
            account: account.clone(),
            condition: change.condition,
            since: now,
            by: OURSELVES.to_owned(),
            reason: change.reason.clone(),
        };
        // An operator may have paused it in between.
        boundary("set-condition");
        let is_set = log.set_after(seen.as_ref(), &setting).await?;
        boundary("condition-set");
        if !is_set {
            return Err(LogError::Overtaken);
        }
    }
    if change.condition == Condition::Running {
        stopped.remove(account);
    }
    Ok(())
}

/// From then on it is told until the broker has it.
pub(super) async fn put_on_record<L: NoticeLog>(log: &L, notice: &Notice) -> Result<(), LogError> {
    boundary("record-notice");
    log.record(notice).await?;
    boundary("notice-recorded");
    tell_of_notice(notice);
    Ok(())
}

fn notice(change: &Change, now: Timestamp) -> Notice {
    Notice {
        alert_id: format!("account-stopped/{}/{}", change.account, now.as_micros()),
        kind: NoticeKind::AccountStopped,
        firing: true,
        summary: format!(
            "Amazon Pay accepts nothing from account `{}`: {}",
            change.account, change.reason
        ),
        account: Some(change.account.clone()),
        key: change.account.as_str().to_owned(),
        at: now,
    }
}

fn over(fired: Notice, now: Timestamp) -> Notice {
    Notice {
        firing: false,
        summary: format!("Amazon Pay accepts the requests of account `{}` again", fired.key),
        at: now,
        ..fired
    }
}

#[cfg(test)]
mod tests;
