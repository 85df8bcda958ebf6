//! What commands and console ask, in one place, so that both say the same.

use std::collections::{BTreeMap, BTreeSet};

use checkout::{AccountName, Currency, Mode, NotAName, NotATime, SessionId, StateName, Timestamp};
use provider::Accounts;
use reconciler::ports::{Call, Clock, LogError, SessionLog};
use reconciler::turns::{Forecast, Plan};
use reconciler::{AccountConditions, Condition, Policies};
use serde_json::{Value, json};
use session_log::{Filter, Listed, Log, Which};

use crate::config::parse_duration;
use crate::view::Shown;

/// No answer lists more sessions than this.
const MOST: u32 = 1_000;
/// Sessions that are looked through for those at risk.
const SEARCHED: u32 = 10_000;

/// What is planned for each account.
pub(crate) type Plans = BTreeMap<AccountName, Plan>;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAQuery {
    #[error("`{0}` is no duration: it must be like 2h or 30m")]
    Duration(String),
    #[error("`{0}` is no state: {states}, or all", states = all_states())]
    State(String),
    #[error("no account `{name}` is configured: {configured}")]
    Account { name: AccountName, configured: String },
    #[error(transparent)]
    Name(#[from] NotAName),
    #[error(transparent)]
    Time(#[from] NotATime),
    #[error(transparent)]
    Log(#[from] LogError),
}

impl NotAQuery {
    /// Enough of it to be found again.
    pub(crate) fn duration(text: &str) -> Self {
        Self::Duration(text.chars().take(40).collect())
    }
}

/// The mode's name in the configuration.
pub(crate) fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Confirm => "confirm",
        Mode::Watch => "watch",
    }
}

fn all_states() -> String {
    StateName::ALL.map(StateName::as_str).join(", ")
}

/// Which sessions are listed.
pub(crate) struct ListOf {
    pub(crate) state: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) due_within: Option<String>,
    pub(crate) at_risk: bool,
    pub(crate) limit: u32,
}

/// Sessions without their histories. At risk is, among others, who will not make it by the `plans` of the accounts.
pub(crate) async fn list(
    log: &Log,
    policies: &Policies,
    plans: &Plans,
    asked: &ListOf,
    now: Timestamp,
) -> Result<Vec<Shown>, NotAQuery> {
    let which = match asked.state.as_deref() {
        None => Which::Unsettled,
        Some("all") => Which::All,
        Some(name) => Which::In(vec![
            StateName::parse(name).ok_or_else(|| NotAQuery::State(name.to_owned()))?,
        ]),
    };
    let within = match asked.due_within.as_deref() {
        None => None,
        Some(text) => Some(now.plus(parse_duration(text).ok_or_else(|| NotAQuery::duration(text))?)),
    };
    let account = asked.account.as_deref().map(AccountName::parse).transpose()?;
    if let Some(name) = &account
        && !policies.of_account.contains_key(name)
    {
        let configured: Vec<&str> = policies.of_account.keys().map(AccountName::as_str).collect();
        return Err(NotAQuery::Account {
            name: name.clone(),
            configured: configured.join(", "),
        });
    }
    let filter = Filter {
        which,
        account,
        deadline_before: within,
        // What is at risk is found among all, or calm sessions in front would hide it.
        limit: if asked.at_risk {
            SEARCHED
        } else {
            asked.limit.min(MOST)
        },
    };
    let mut shown = Vec::new();
    let found = log.list(&filter).await?;
    let lost = if asked.at_risk {
        lost_of(plans, &found)
    } else {
        BTreeSet::new()
    };
    for listed in found {
        let policy = policies.of(listed.row.account.as_ref());
        // At risk: may be lost as things stand, because it cannot be confirmed or because its time is short.
        let short =
            listed.row.deadline.at <= now.plus(policy.alert_before.iter().max().copied().unwrap_or_default());
        let stuck = matches!(
            listed.row.state,
            StateName::NeedsRepair | StateName::Forsworn | StateName::InDoubt
        );
        let lost = lost.contains(&listed.id);
        if asked.at_risk && (listed.row.settled || !(short || stuck || lost)) {
            continue;
        }
        if shown.len() >= asked.limit.min(MOST) as usize {
            break;
        }
        let history = log.load(&listed.id).await?;
        shown.extend(Shown::of(&listed.id, &history, now, policy, false));
    }
    Ok(shown)
}

/// Those of these sessions that will not make it.
fn lost_of(plans: &Plans, found: &[Listed]) -> BTreeSet<SessionId> {
    let waiting = |listed: &&Listed| {
        use StateName::{InDoubt, Ready, Waiting};
        matches!(listed.row.state, Ready | Waiting | InDoubt)
    };
    let mut lost = BTreeSet::new();
    for (account, plan) in plans {
        let of_account = |listed: &&Listed| listed.row.account.as_ref() == Some(account);
        let sessions: Vec<&Listed> = found.iter().filter(waiting).filter(of_account).collect();
        let claims: Vec<_> = sessions
            .iter()
            .map(|listed| (listed.row.deadline.at, listed.row.charge_amount))
            .collect();
        let marked = sessions.iter().zip(plan.lost_of(&claims));
        lost.extend(
            marked
                .filter(|(_, lost)| *lost)
                .map(|(listed, _)| listed.id.clone()),
        );
    }
    lost
}

/// One session with its history; none if it was never heard of.
pub(crate) async fn session(
    log: &Log,
    policies: &Policies,
    id: &SessionId,
    now: Timestamp,
) -> Result<Option<Shown>, NotAQuery> {
    let history = log.load(id).await?;
    let (session, _) = reconciler::replay(&history);
    let account = session.subject().and_then(|subject| subject.account().cloned());
    Ok(Shown::of(id, &history, now, policies.of(account.as_ref()), true))
}

/// Each account with its mode, its condition, its quota, what lies before it and what of that will not make it.
pub(crate) async fn accounts<C: Clock>(
    log: &Log,
    amazon: &Accounts<C>,
    policies: &Policies,
    plans: &Plans,
    now: Timestamp,
) -> Result<Vec<Value>, NotAQuery> {
    let counts = log.counts(now).await?;
    let recorded = log.conditions().await?;
    let listed = amazon.conditions().into_iter().map(|state| {
        let name = &state.account;
        let outlook = counts
            .outlooks
            .iter()
            .find(|outlook| outlook.account.as_ref() == Some(name));
        // Who set it and when is on record; what has just been found out is not yet.
        let setting = recorded
            .iter()
            .find(|known| known.account == *name && known.condition == state.condition);
        let since = setting.map_or(state.since, |setting| setting.since);
        let reason = setting.map_or(state.reason.as_str(), |setting| setting.reason.as_str());
        let is_slowed = state.slowed && state.condition == Condition::Running;
        let forecast = plans.get(name).map(Plan::forecast);
        let rate = |call| amazon.quota_per_second(name, call);
        json!({
            "account": name.as_str(),
            "mode": mode_name(policies.of(Some(name)).mode),
            "condition": if is_slowed { "slowed" } else { state.condition.name() },
            "since": since.to_string(),
            "by": setting.map(|setting| setting.by.as_str()),
            "reason": reason,
            "quotaPerSecond": {
                "confirm": rate(Call::Confirm),
                "lookUp": rate(Call::LookUp),
                "charge": rate(Call::Charge),
                "permission": rate(Call::Permission),
            },
            "backlog": outlook.map_or(0, |outlook| outlook.backlog),
            "predictedMisses": forecast.as_ref().map_or(0, misses),
            "predictedLoss": forecast.as_ref().map_or_else(Vec::new, money),
            "predictedBy": forecast.and_then(|forecast| forecast.by).map(|at| at.to_string()),
            "nextDeadline": outlook.and_then(|outlook| outlook.next_deadline).map(|at| at.to_string()),
        })
    });
    Ok(listed.collect())
}

/// To the decimals that the currency has, as everywhere.
fn money(forecast: &Forecast) -> Vec<Value> {
    let amount = |(currency, amount): (&Currency, &f64)| {
        let decimals = currency.decimals() as usize;
        json!({"amount": format!("{amount:.decimals$}"), "currencyCode": currency.code()})
    };
    forecast.money.iter().map(amount).collect()
}

/// Sessions come whole.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of sessions, never negative"
)]
fn misses(forecast: &Forecast) -> u64 {
    forecast.misses.round() as u64
}
