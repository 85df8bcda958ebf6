//! Upkeep: gauges for the metrics, dead letters that the topic had refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use checkout::{AccountName, Currency, StateName, Timestamp};
use kafka_topics::{DeadLetters, Publisher};
use metrics_exporter_prometheus::PrometheusHandle;
use reconciler::ports::{Call, Clock, LogError};
use reconciler::{Condition, NoticeKind};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use session_log::{Counts, Filter, InState, Log, Which};
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
    metrics: PrometheusHandle,
    mut tick: Tick,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let broker = publisher.broker();
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
        metrics::gauge!("confirmd_broker_connected").set(f64::from(u8::from(*broker.borrow())));
        show_database(&log).await;
        told(
            "settled sessions",
            seen.count_settled(&log, &reconciler.clock).await,
        );
        told("sessions", seen.show_sessions(&log, reconciler.clock.now()).await);
        told("alerts", seen.show_alerts_of(&log, &reconciler).await);
        told("the outbox", show_outbox(&log).await);
        told("dead letters", drain_dead_letters(&log, &publisher).await);
        // What histograms were told is kept one by one until somebody asks, and maybe nobody does.
        metrics.run_upkeep();
    }
}

fn told(what: &str, done: Result<(), LogError>) {
    if let Err(error) = done {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "upkeep of {what} has to wait for the database");
    }
}

/// As `/readyz` has it.
async fn show_database(log: &Log) {
    let is_writable = log.ready().await.is_ok();
    metrics::gauge!("confirmd_database_writable").set(f64::from(u8::from(is_writable)));
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

fn show_condition(account: &str, condition: Condition) {
    let is = |one| f64::from(u8::from(condition == one));
    metrics::gauge!("confirmd_account_stopped", "account" => account.to_owned()).set(is(Condition::Stopped));
    metrics::gauge!("confirmd_account_paused", "account" => account.to_owned()).set(is(Condition::Paused));
}

fn show_accounts(reconciler: &Confirmd) {
    for state in reconciler.amazon.conditions() {
        let account = state.account.as_str().to_owned();
        show_condition(&account, state.condition);
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

/// Seconds to the nearest deadline of a session in doubt, by account. Whoever has none is not asked for.
async fn nearest_in_doubt(
    log: &Log,
    counts: &Counts,
    now: Timestamp,
) -> Result<BTreeMap<String, f64>, LogError> {
    let in_doubt = counts.sessions.iter().filter_map(|(account, state, _)| {
        let account = account.as_ref()?;
        (*state == StateName::InDoubt).then_some(account)
    });
    let mut nearest = BTreeMap::new();
    for account in in_doubt {
        let filter = Filter {
            which: Which::In(vec![StateName::InDoubt]),
            account: Some(account.clone()),
            deadline_before: None,
            after: None,
            limit: 1,
        };
        for first in log.list(&filter).await? {
            let left = first.row.deadline.at.since(now).as_secs_f64();
            nearest.insert(label(Some(account)), left);
        }
    }
    Ok(nearest)
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
        let nearest = nearest_in_doubt(log, &counts, now).await?;
        for (account, count) in in_doubt {
            let left = nearest.get(&account).copied().unwrap_or(f64::INFINITY);
            metrics::gauge!("confirmd_in_doubt", "account" => account.clone()).set(count);
            metrics::gauge!("confirmd_in_doubt_deadline_seconds", "account" => account).set(left);
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
    use std::time::Duration;

    use checkout::{Deadline, DeadlineFrom, Event, PrivateRef, SessionId, Statement};
    use metrics_exporter_prometheus::PrometheusRecorder;
    use reconciler::ports::SessionLog;
    use reconciler::{Actor, Append, Row, Version};

    use super::*;

    /// What is served of one metric, in the order of its labels.
    fn served(recorder: &PrometheusRecorder, name: &str) -> Vec<String> {
        let text = recorder.handle().render();
        let with_labels = text.lines().filter_map(|line| line.strip_prefix(name));
        let mut lines: Vec<String> = with_labels
            .filter(|rest| rest.starts_with(['{', ' ']))
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines
    }

    async fn a_log(folder: &tempfile::TempDir) -> Log {
        let url = format!("sqlite://{}/log.db", folder.path().display());
        let options = session_log::Options {
            usable_schema_only: false,
            ..session_log::Options::default()
        };
        Log::open(&url, options).await.unwrap()
    }

    /// A session of this account, as the index knows it.
    async fn session(log: &Log, name: &str, account: &str, state: StateName, deadline: Timestamp) {
        let account = Some(AccountName::parse(account).unwrap());
        let completed = Event::CheckoutCompleted {
            statement: Statement {
                account: account.clone(),
                merchant_reference_id: None,
                order: None,
                flaw: None,
                private: PrivateRef(0),
            },
            said_at: deadline,
            session_created_at: None,
        };
        let append = Append {
            id: SessionId::parse(name).unwrap(),
            after: Version(0),
            at: deadline,
            actor: Actor::Worker,
            reason: None,
            traceparent: None,
            events: vec![completed],
            row: Row {
                state,
                account,
                deadline: Deadline {
                    at: deadline,
                    from: DeadlineFrom::LookUp,
                },
                due_at: Some(deadline),
                look_at: None,
                charge_amount: None,
                merchant_reference_id: None,
                settled: false,
                firing: Vec::new(),
            },
            partition: 0,
            personal: Vec::new(),
            found: None,
            body: None,
            erase_after: None,
        };
        log.append_all(vec![append]).await.remove(0).unwrap();
    }

    #[tokio::test]
    async fn the_nearest_deadline_in_doubt_is_shown_for_each_account() {
        let folder = tempfile::tempdir().unwrap();
        let log = a_log(&folder).await;
        log.migrate().await.unwrap();
        let now = Timestamp::parse("2026-01-05T10:00:00Z").unwrap();
        let hours = |hours: u64| now.plus(Duration::from_secs(hours * 3600));
        for (name, account, state, deadline) in [
            ("S-1", "eu_shop", StateName::InDoubt, hours(3)),
            ("S-2", "eu_shop", StateName::InDoubt, hours(2)),
            ("S-3", "eu_shop", StateName::Ready, hours(1)),
            ("S-4", "us_shop", StateName::Ready, hours(1)),
        ] {
            session(&log, name, account, state, deadline).await;
        }
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let _local = metrics::set_default_local_recorder(&recorder);
        let mut seen = Seen::default();
        let mut shown = Vec::new();
        for at in [now, hours(4)] {
            seen.show_sessions(&log, at).await.unwrap();
            shown.extend(served(&recorder, "confirmd_in_doubt_deadline_seconds"));
        }
        assert_eq!(
            shown,
            [
                r#"{account="eu_shop"} 7200"#,
                r#"{account="us_shop"} inf"#,
                r#"{account="eu_shop"} 0"#,
                r#"{account="us_shop"} inf"#,
            ]
        );
    }

    #[test]
    fn an_account_is_shown_as_stopped_or_paused_until_it_runs() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        for (condition, stopped, paused) in [
            (Condition::Stopped, 1, 0),
            (Condition::Paused, 0, 1),
            (Condition::Running, 0, 0),
        ] {
            metrics::with_local_recorder(&recorder, || show_condition("eu_shop", condition));
            for (name, is) in [
                ("confirmd_account_stopped", stopped),
                ("confirmd_account_paused", paused),
            ] {
                let line = format!(r#"{{account="eu_shop"}} {is}"#);
                assert_eq!(served(&recorder, name), [line], "{name}: {condition:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_database_that_takes_no_writes_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let log = a_log(&folder).await;
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let _local = metrics::set_default_local_recorder(&recorder);
        show_database(&log).await;
        assert_eq!(served(&recorder, "confirmd_database_writable"), [" 0"]);
        log.migrate().await.unwrap();
        show_database(&log).await;
        assert_eq!(served(&recorder, "confirmd_database_writable"), [" 1"]);
    }

    #[test]
    fn alerts_that_are_over_are_shown_as_none() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let mut seen = Seen::default();
        let shown = |seen: &mut Seen, of_sessions: &[(&str, u32)], stopped| {
            let of_sessions = of_sessions
                .iter()
                .map(|(kind, count)| ((*kind).to_owned(), *count));
            metrics::with_local_recorder(&recorder, || seen.show_alerts(of_sessions.collect(), stopped));
            served(&recorder, "confirmd_alerts_firing")
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
