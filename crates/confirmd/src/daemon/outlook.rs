//! What lies before every account: planned again and again, shown, told where money will be lost, and heeded by whoever
//! gives out turns.

mod alarm;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use checkout::{AccountName, Currency, Mode, Timestamp};
use provider::{AccountState, Accounts};
use reconciler::ports::{Call, Clock, LogError, Share};
use reconciler::turns::{Capacity, Cell, Plan, WhenNotAll};
use reconciler::{Condition, NoticeKind, Policies};
use session_log::Log;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Confirmd;
use super::schedule::Tick;
use super::sweep::Assignment;
use crate::query::Plans;
use alarm::Alarm;

/// Ticks between two plans: many times what it takes to count some hundred thousand sessions.
const EVERY: u64 = 10;

/// What an account may spend from `now` on; nothing while it is stopped or paused. None where it confirms nothing anyway.
fn capacity<C: Clock>(
    amazon: &Accounts<C>,
    policies: &Policies,
    state: &AccountState,
    now: Timestamp,
) -> Option<Capacity> {
    let policy = policies.of(Some(&state.account));
    if policy.mode == Mode::Watch {
        return None;
    }
    let per_second = match state.condition {
        Condition::Running => amazon.average_rate(&state.account, Call::Confirm)?,
        Condition::Paused | Condition::Stopped => 0.0,
    };
    Some(Capacity {
        now,
        per_second,
        effective: amazon.effective(&state.account)?,
        repeated_after: policy.retry.max,
        closing: policy.last_attempt_before,
    })
}

/// Whom the quota of each account can save, of this share of the sessions.
pub(crate) async fn plans<C: Clock>(
    log: &Log,
    amazon: &Accounts<C>,
    policies: &Policies,
    when_not_all: WhenNotAll,
    share: &Share,
    now: Timestamp,
) -> Result<Plans, LogError> {
    let mut cells: BTreeMap<AccountName, Vec<Cell>> = log.backlog(share, now).await?.into_iter().collect();
    let plan_of = |state: AccountState| {
        let capacity = capacity(amazon, policies, &state, now);
        let plan = match (capacity, cells.remove(&state.account)) {
            (Some(capacity), Some(cells)) => Plan::of(cells, &capacity, when_not_all),
            (None, _) | (_, None) => Plan::idle(),
        };
        (state.account, plan)
    };
    Ok(amazon.conditions().into_iter().map(plan_of).collect())
}

/// Plans until it is to stop.
pub(crate) async fn run(
    log: Log,
    reconciler: Arc<Confirmd>,
    when_not_all: WhenNotAll,
    assignment: watch::Receiver<Assignment>,
    mut tick: Tick,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let Confirmd { amazon, policies, .. } = &*reconciler;
    let started_at = reconciler.clock.now();
    let mut shown = Shown::default();
    let mut alarms: BTreeMap<AccountName, Alarm> = BTreeMap::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            changed = tick.changed() => if changed.is_err() { return Ok(()) },
        }
        let ticks = *tick.borrow_and_update();
        let now = reconciler.clock.now();
        let share = assignment.borrow().share_since(started_at, now);
        let (true, Some(share)) = (ticks.is_multiple_of(EVERY), share) else {
            continue;
        };
        let planned = match plans(&log, amazon, policies, when_not_all, &share, now).await {
            Ok(planned) => planned,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "what lies before the accounts cannot be counted; the last plans hold"
                );
                continue;
            }
        };
        let conditions = amazon.conditions().into_iter();
        let running: BTreeSet<AccountName> = conditions
            .filter(|state| state.condition == Condition::Running)
            .map(|state| state.account)
            .collect();
        for (account, plan) in planned {
            shown.show(&account, &plan);
            let rate = amazon.average_rate(&account, Call::Confirm).unwrap_or(0.0);
            let forecast = plan.forecast();
            reconciler.line.window().set_plan(&account, plan);
            // Of one that is stopped people have been told, and one that is paused was paused by them.
            if !running.contains(&account) {
                continue;
            }
            let alarm = alarms.entry(account.clone()).or_default();
            if let Err(error) = alarm.heed(&log, &account, &forecast, rate, now).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "what is foretold waits to be recorded");
            }
        }
        let firing = alarms.values().filter(|alarm| alarm.is_firing()).count();
        #[expect(clippy::cast_precision_loss, reason = "accounts are counted in thousands")]
        metrics::gauge!("confirmd_alerts_firing", "kind" => NoticeKind::PredictedLoss.name())
            .set(firing as f64);
    }
}

/// Currencies that were shown before: a loss that is averted is shown as zero, not left standing.
#[derive(Default)]
struct Shown {
    currencies: BTreeSet<(AccountName, Currency)>,
}

impl Shown {
    fn show(&mut self, account: &AccountName, plan: &Plan) {
        let forecast = plan.forecast();
        let label = account.as_str().to_owned();
        metrics::gauge!("confirmd_predicted_misses", "account" => label.clone()).set(forecast.misses);
        let known = self.currencies.iter().filter(|(of, _)| of == account);
        let mut money: BTreeMap<Currency, f64> = known.map(|(_, currency)| (*currency, 0.0)).collect();
        money.extend(forecast.money);
        for (currency, lost) in money {
            metrics::gauge!("confirmd_predicted_loss", "account" => label.clone(), "currency" => currency.code())
                .set(lost);
            self.currencies.insert((account.clone(), currency));
        }
    }
}
