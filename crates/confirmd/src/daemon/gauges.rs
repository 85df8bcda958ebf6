//! Upkeep: gauges for the metrics, dead letters that the topic had refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use checkout::{AccountName, Currency, StateName, Timestamp};
use kafka_topics::{DeadLetters, Publisher};
use reconciler::ports::{Call, Clock, LogError};
use reconciler::{Condition, NoticeKind};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use session_log::{InState, Log};
use tokio_util::sync::CancellationToken;

use super::Confirmd;
use super::schedule::Tick;

/// Ticks between two looks.
const EVERY: u64 = 5;
const DEAD_LETTERS_AT_ONCE: u32 = 100;
/// How many times as long as the last count of the settled sessions took the next one waits: there may be millions.
const COUNTING: u32 = 100;

/// Keeps things up until it is to stop.
pub(crate) async fn run(
    log: Log,
    reconciler: Arc<Confirmd>,
    publisher: Arc<Publisher>,
    mut tick: Tick,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut seen = Seen::default();
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            changed = tick.changed() => if changed.is_err() { return Ok(()) },
        }
        let ticks = *tick.borrow_and_update();
        if !ticks.is_multiple_of(EVERY) {
            continue;
        }
        // Each by itself: one that the database does not answer must not keep the others waiting.
        show_accounts(&reconciler);
        told(
            "settled sessions",
            seen.count_settled(&log, &reconciler.clock).await,
        );
        told("sessions", seen.show_sessions(&log, reconciler.clock.now()).await);
        told("alerts", seen.show_alerts_of(&log, &reconciler).await);
        told("the outbox", show_outbox(&log).await);
        told("dead letters", drain_dead_letters(&log, &publisher).await);
    }
}

fn told(what: &str, done: Result<(), LogError>) {
    if let Err(error) = done {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "upkeep of {what} has to wait for the database");
    }
}

async fn show_outbox(log: &Log) -> Result<(), LogError> {
    metrics::gauge!("confirmd_outbox_pending").set(f64::from(log.outbox_pending().await?));
    Ok(())
}

async fn drain_dead_letters(log: &Log, publisher: &Publisher) -> Result<(), LogError> {
    let dead_letters = DeadLetters {
        publisher,
        keep: log,
        notices: log,
    };
    dead_letters.drain_kept(DEAD_LETTERS_AT_ONCE).await.map(|_| ())
}

fn stopped(reconciler: &Confirmd) -> u32 {
    let conditions = reconciler.amazon.conditions();
    let stopped = conditions
        .iter()
        .filter(|state| state.condition == Condition::Stopped);
    u32::try_from(stopped.count()).unwrap_or(u32::MAX)
}

fn show_accounts(reconciler: &Confirmd) {
    for state in reconciler.amazon.conditions() {
        let account = state.account.as_str().to_owned();
        let stopped = f64::from(u8::from(state.condition == Condition::Stopped));
        metrics::gauge!("confirmd_account_stopped", "account" => account.clone()).set(stopped);
        for (call, name) in [
            (Call::Confirm, "confirm"),
            (Call::LookUp, "look-up"),
            (Call::Charge, "charge"),
            (Call::Permission, "permission"),
        ] {
            if let Some(rate) = reconciler.amazon.quota_per_second(&state.account, call) {
                metrics::gauge!("confirmd_quota_per_second", "account" => account.clone(), "operation" => name).set(rate);
            }
        }
        if let Some(skew) = reconciler.amazon.skew(&state.account) {
            metrics::gauge!("confirmd_clock_skew_seconds", "account" => account).set(skew.as_secs_f64());
        }
    }
}

/// Labels that were shown before: a number that is gone is shown as zero, not left standing.
#[derive(Default)]
struct Seen {
    states: BTreeSet<(String, StateName)>,
    values: BTreeSet<(String, Currency)>,
    accounts: BTreeSet<String>,
    alerts: BTreeSet<String>,
    settled: Vec<InState>,
    count_settled_at: Option<Timestamp>,
}

fn label(account: Option<&AccountName>) -> String {
    account.map_or("-", AccountName::as_str).to_owned()
}

impl Seen {
    async fn count_settled(&mut self, log: &Log, clock: &impl Clock) -> Result<(), LogError> {
        let begun_at = clock.now();
        if self.count_settled_at.is_none_or(|at| at <= begun_at) {
            self.settled = log.settled_counts().await?;
            let now = clock.now();
            self.count_settled_at = Some(now.plus(now.since(begun_at) * COUNTING));
        }
        Ok(())
    }

    async fn show_sessions(&mut self, log: &Log, now: Timestamp) -> Result<(), LogError> {
        let counts = log.counts(now).await?;
        let mut states: BTreeMap<(String, StateName), f64> =
            self.states.iter().map(|known| (known.clone(), 0.0)).collect();
        let mut in_doubt: BTreeMap<String, f64> = BTreeMap::new();
        for (account, state, count) in counts.sessions.iter().chain(&self.settled) {
            states.insert((label(account.as_ref()), *state), f64::from(*count));
        }
        for ((account, state), count) in states {
            if state == StateName::InDoubt {
                in_doubt.insert(account.clone(), count);
            } else {
                in_doubt.entry(account.clone()).or_insert(0.0);
            }
            metrics::gauge!("confirmd_sessions", "account" => account.clone(), "state" => state.as_str())
                .set(count);
            self.states.insert((account, state));
        }
        for (account, count) in in_doubt {
            metrics::gauge!("confirmd_in_doubt", "account" => account).set(count);
        }
        let mut values: BTreeMap<(String, Currency), Decimal> = self
            .values
            .iter()
            .map(|known| (known.clone(), Decimal::ZERO))
            .collect();
        for value in counts.values.iter().filter(|value| !value.state.is_settled()) {
            *values
                .entry((label(value.account.as_ref()), value.currency))
                .or_default() += value.amount;
        }
        for ((account, currency), amount) in values {
            metrics::gauge!("confirmd_value_at_risk", "account" => account.clone(), "currency" => currency.code())
                .set(amount.to_f64().unwrap_or(f64::MAX));
            self.values.insert((account, currency));
        }
        let mut without: BTreeSet<String> = self.accounts.clone();
        for outlook in &counts.outlooks {
            let account = label(outlook.account.as_ref());
            without.remove(&account);
            metrics::gauge!("confirmd_backlog", "account" => account.clone()).set(f64::from(outlook.backlog));
            let left = outlook
                .next_deadline
                .map_or(f64::INFINITY, |at| at.since(now).as_secs_f64());
            metrics::gauge!("confirmd_next_deadline_seconds", "account" => account.clone()).set(left);
            self.accounts.insert(account);
        }
        for account in without {
            metrics::gauge!("confirmd_backlog", "account" => account.clone()).set(0.0);
            metrics::gauge!("confirmd_next_deadline_seconds", "account" => account).set(f64::INFINITY);
        }
        Ok(())
    }

    /// Sessions by what people are told of them, and stopped accounts. Dead letters, which are told once and
    /// never resolved, are counted in `confirmd_dead_letters_total`.
    async fn show_alerts_of(&mut self, log: &Log, reconciler: &Confirmd) -> Result<(), LogError> {
        self.show_alerts(log.alerts_firing().await?, stopped(reconciler));
        Ok(())
    }

    fn show_alerts(&mut self, of_sessions: BTreeMap<String, u32>, accounts_stopped: u32) {
        let mut firing: BTreeMap<String, u32> = self.alerts.iter().map(|known| (known.clone(), 0)).collect();
        firing.extend(of_sessions);
        firing.insert(NoticeKind::AccountStopped.name().to_owned(), accounts_stopped);
        for (kind, count) in firing {
            metrics::gauge!("confirmd_alerts_firing", "kind" => kind.clone()).set(f64::from(count));
            self.alerts.insert(kind);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alerts_that_are_over_are_shown_as_none() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let mut seen = Seen::default();
        let shown = |seen: &mut Seen, of_sessions: &[(&str, u32)], stopped| {
            let of_sessions = of_sessions
                .iter()
                .map(|(kind, count)| ((*kind).to_owned(), *count));
            metrics::with_local_recorder(&recorder, || seen.show_alerts(of_sessions.collect(), stopped));
            let text = recorder.handle().render();
            let mut lines: Vec<String> = text
                .lines()
                .filter_map(|line| line.strip_prefix("confirmd_alerts_firing"))
                .map(str::to_owned)
                .collect();
            lines.sort();
            lines
        };
        assert_eq!(
            shown(&mut seen, &[("in-doubt", 3)], 1),
            [r#"{kind="account-stopped"} 1"#, r#"{kind="in-doubt"} 3"#]
        );
        assert_eq!(
            shown(&mut seen, &[("conflict", 2)], 0),
            [
                r#"{kind="account-stopped"} 0"#,
                r#"{kind="conflict"} 2"#,
                r#"{kind="in-doubt"} 0"#
            ]
        );
    }
}
