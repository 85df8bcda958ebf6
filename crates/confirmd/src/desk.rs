//! What the console asks, answered by the daemon.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use checkout::{AccountName, Refused, SessionId, StateName, Timestamp};
use console::shown::{
    Account, DeadLetter, Line, Money, OutcomesOf, Overview, Page, Readiness, Session, Told,
};
use console::{Act, ActRefused, Asked, Awaited, Desk, On, Trouble};
use metrics_exporter_prometheus::PrometheusHandle;
use reconciler::ports::{Clock, LogError, SessionLog, Share};
use reconciler::{ActError, Condition, KeepDeadLetters, Version};
use serde_json::Value;
use session_log::{Filter, Log, Which};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::act::{NotSet, set_condition};
use crate::clock::real_sleep;
use crate::config::parse_duration;
use crate::daemon::Confirmd;
use crate::daemon::schedule::Tick;
use crate::daemon::sweep::Assignment;
use crate::daemon::waiters::Waiters;
use crate::lately::Lately;
use crate::query::{self, ListOf, NotAQuery, Plans};
use crate::view;

/// An overview is counted anew after this; however many look at it, and however often.
pub(crate) const OVERVIEW_FOR: Duration = Duration::from_secs(5);
/// The same of whether the database can be written.
pub(crate) const WRITTEN_FOR: Duration = Duration::from_secs(1);
/// Hours ahead and hours back.
const HOURS: usize = 24;
const HOUR: Duration = Duration::from_secs(3_600);
/// Lines of each of its lists.
const LINES: u32 = 10;
/// Dead letters that are shown.
const DEAD_LETTERS: u32 = 200;

/// What the daemon has for the console.
pub(crate) struct Office {
    pub(crate) log: Log,
    pub(crate) reconciler: Arc<Confirmd>,
    pub(crate) broker: watch::Receiver<bool>,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) tick: Tick,
    pub(crate) waiters: Arc<Waiters>,
    pub(crate) assignment: watch::Receiver<Assignment>,
    pub(crate) last_overview: Lately<Overview>,
    /// Whether the database can be written, or why not.
    pub(crate) last_written: Lately<Result<(), String>>,
}

/// Binds where the console is to listen, so that a port that is taken is known before anything starts.
pub(crate) async fn listen(on: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(on)
        .await
        .with_context(|| format!("console.listen: {on} cannot be listened on"))?;
    tracing::info!("console listens on {}", listener.local_addr()?);
    Ok(listener)
}

impl From<NotAQuery> for Trouble {
    fn from(error: NotAQuery) -> Self {
        match error {
            NotAQuery::Log(error) => Self::Away(error.to_string()),
            error => Self::Asked(error.to_string()),
        }
    }
}

fn away(error: LogError) -> Trouble {
    NotAQuery::Log(error).into()
}

impl Office {
    fn plans(&self) -> Plans {
        let window = self.reconciler.line.window();
        let conditions = self.reconciler.amazon.conditions().into_iter();
        conditions
            .filter_map(|state| Some((state.account.clone(), window.plan(&state.account)?.clone())))
            .collect()
    }

    fn foretold(&self) -> Option<f64> {
        let plans = self.plans();
        let accounts = self.reconciler.amazon.conditions();
        let is_counted = accounts.iter().all(|state| plans.contains_key(&state.account));
        is_counted.then(|| self.assignment.borrow().share_of_quota())
    }

    async fn count(&self, now: Timestamp) -> Result<Overview, Trouble> {
        let filter = Filter {
            which: Which::Unsettled,
            account: None,
            deadline_before: None,
            after: None,
            limit: LINES,
        };
        let next = self.log.list(&filter).await.map_err(away)?;
        let firing = self.log.list_firing(LINES).await.map_err(away)?;
        let mut deadlines_by_hour = vec![0; HOURS];
        let mut deadlines_of_account = BTreeMap::new();
        for (account, cells) in self.log.backlog(&Share::All, now).await.map_err(away)? {
            let of_account = deadlines_of_account
                .entry(account.to_string())
                .or_insert_with(|| vec![0; HOURS]);
            for cell in cells {
                let hour = cell.from.since(now).as_secs() / HOUR.as_secs();
                let hour = usize::try_from(hour).map_or(HOURS - 1, |hour| hour.min(HOURS - 1));
                deadlines_by_hour[hour] += cell.count;
                of_account[hour] += cell.count;
            }
        }
        let since = now.minus(Duration::from_secs(HOURS as u64 * HOUR.as_secs()));
        let mut outcomes: BTreeMap<&'static str, Vec<u32>> = BTreeMap::new();
        for (state, hours_ago, sessions) in self.log.outcomes_since(since, now).await.map_err(away)? {
            let by_hour = outcomes.entry(state.as_str()).or_insert_with(|| vec![0; HOURS]);
            if let Some(hour) = HOURS.checked_sub(1 + hours_ago as usize) {
                by_hour[hour] += sessions;
            }
        }
        Ok(Overview {
            at: now,
            readiness: self.readiness().await,
            accounts: self.accounts().await?,
            foretold: self.foretold(),
            at_risk: self.at_risk(now).await?,
            deadlines_by_hour,
            deadlines_of_account,
            next: next.iter().map(view::line).collect(),
            alerts: firing.iter().map(view::line).collect(),
            outcomes: outcomes
                .into_iter()
                .map(|(state, by_hour)| OutcomesOf { state, by_hour })
                .collect(),
        })
    }

    /// What would be lost if nothing more happened: all that is not confirmed yet and may still be.
    async fn at_risk(&self, now: Timestamp) -> Result<Vec<Money>, Trouble> {
        let counts = self.log.counts(now).await.map_err(away)?;
        let mut sums = BTreeMap::new();
        for value in counts.values {
            if value.state != StateName::PaymentPending {
                *sums.entry(value.currency).or_insert(rust_decimal::Decimal::ZERO) += value.amount;
            }
        }
        let money = sums.into_iter().map(|(currency, amount)| Money {
            amount: amount.to_string(),
            currency_code: currency.code().to_owned(),
        });
        Ok(money.collect())
    }
}

impl Desk for Office {
    fn now(&self) -> Timestamp {
        self.reconciler.clock.now()
    }

    fn sleep(&self, wait: Duration) -> impl Future<Output = ()> + Send {
        real_sleep(wait)
    }

    fn ticks(&self) -> watch::Receiver<u64> {
        self.tick.clone()
    }

    fn metrics(&self) -> String {
        self.metrics.render()
    }

    async fn readiness(&self) -> Readiness {
        let broker = if *self.broker.borrow() {
            "connected"
        } else {
            "away: confirmations go on, outcomes wait"
        };
        // Whoever may ask without a token may not make work for the database.
        let ask = async || Ok::<_, Infallible>(self.log.ready().await.map_err(|error| error.to_string()));
        let Ok(database) = self.last_written.or_ask(&self.reconciler.clock, ask).await;
        Readiness {
            ready: database.is_ok(),
            database: database.map_or_else(|why| why, |()| "writable".to_owned()),
            broker,
        }
    }

    async fn overview(&self) -> Result<Overview, Trouble> {
        let count = async || self.count(self.now()).await;
        self.last_overview.or_ask(&self.reconciler.clock, count).await
    }

    async fn sessions(&self, asked: &Asked) -> Result<Vec<Session>, Trouble> {
        let policies = &self.reconciler.policies;
        let list = ListOf::from(asked);
        Ok(query::list(&self.log, policies, &Plans::new(), &list, self.now()).await?)
    }

    async fn page(&self, asked: &Asked) -> Result<Page<Line>, Trouble> {
        let policies = &self.reconciler.policies;
        let after = asked.after.as_deref();
        Ok(query::page(&self.log, policies, &ListOf::from(asked), after, self.now()).await?)
    }

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, Trouble> {
        Ok(query::session(&self.log, &self.reconciler.policies, id, self.now()).await?)
    }

    async fn explain(&self, id: &SessionId) -> Result<Option<Told>, Trouble> {
        Ok(query::tell(&self.log, &self.reconciler.policies, id, self.now()).await?)
    }

    async fn personal(&self, id: &SessionId) -> Result<Option<Value>, Trouble> {
        query::personal(&self.log, id).await.map_err(away)
    }

    async fn outcome(&self, id: &SessionId, wait: Duration) -> Result<Awaited, Trouble> {
        let Some(mut waiting) = self.waiters.enter(id) else {
            return Ok(Awaited::TooMany);
        };
        let mut tick = self.tick.clone();
        let over = real_sleep(wait);
        tokio::pin!(over);
        loop {
            let history = self.log.load(id).await.map_err(away)?;
            if let Some(told) = view::result_for_the_buyer(id, &history) {
                return Ok(Awaited::Told(told));
            }
            // The shop may ask before its event has come.
            let version = history.last().map_or(Version(0), |last| last.version);
            tokio::select! {
                biased;
                () = waiting.newer_than(version) => {}
                () = &mut over => {
                    return Ok(if history.is_empty() { Awaited::Unknown } else { Awaited::Open });
                }
                // Its other end goes when the program ends.
                Err(_) = tick.wait_for(|_| false) => return Ok(Awaited::Ending),
            }
        }
    }

    async fn accounts(&self) -> Result<Vec<Account>, Trouble> {
        let Confirmd { amazon, policies, .. } = &*self.reconciler;
        Ok(query::accounts(&self.log, amazon, policies, &self.plans(), self.now()).await?)
    }

    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, Trouble> {
        let kept = self.log.kept(DEAD_LETTERS).await.map_err(away)?;
        let shown = kept.into_iter().map(|letter| DeadLetter {
            bytes: letter.payload.map_or(0, |payload| payload.len()),
            source: letter.source,
            field: letter.field,
            reason: letter.reason,
            at: letter.at,
        });
        Ok(shown.collect())
    }

    fn duration(&self, text: &str) -> Option<Duration> {
        parse_duration(text)
    }

    async fn act(&self, act: Act, on: &On, operator: &str, reason: &str) -> Result<(), ActRefused> {
        match (act, on) {
            (Act::Retry | Act::Release | Act::Forswear, On::Session(id)) => {
                self.on_session(act, id, operator, reason).await
            }
            (Act::Pause, On::Account(name)) => {
                self.on_account(Condition::Paused, name, operator, reason).await
            }
            (Act::Resume, On::Account(name)) => {
                self.on_account(Condition::Running, name, operator, reason).await
            }
            (_, On::Session(_) | On::Account(_)) => {
                Err(ActRefused::Refused("this is not done to such a thing".to_owned()))
            }
        }
    }
}

impl Office {
    async fn on_session(
        &self,
        act: Act,
        id: &SessionId,
        operator: &str,
        reason: &str,
    ) -> Result<(), ActRefused> {
        let act = match act {
            Act::Release => reconciler::Act::Release,
            Act::Forswear => reconciler::Act::Forswear,
            Act::Retry | Act::Pause | Act::Resume => reconciler::Act::Retry,
        };
        match self.reconciler.operate(id, act, operator, reason).await {
            // The sweep takes it up within a second, in whichever replica works it.
            Ok(_) => Ok(()),
            Err(ActError::Refused(Refused::Unseen)) => Err(ActRefused::Unknown),
            Err(ActError::Refused(refused)) => Err(ActRefused::Refused(refused.to_string())),
            Err(ActError::Log(error)) => Err(ActRefused::Away(error.to_string())),
        }
    }

    async fn on_account(
        &self,
        condition: Condition,
        name: &AccountName,
        operator: &str,
        reason: &str,
    ) -> Result<(), ActRefused> {
        if !self.reconciler.policies.of_account.contains_key(name) {
            return Err(ActRefused::Unknown);
        }
        match set_condition(&self.log, name, condition, self.now(), operator, reason).await {
            Ok(()) => Ok(()),
            Err(NotSet::Refused(why)) => Err(ActRefused::Refused(why.to_owned())),
            Err(NotSet::Log(error)) => Err(ActRefused::Away(error.to_string())),
        }
    }
}
