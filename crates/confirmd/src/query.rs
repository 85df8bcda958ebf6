//! What commands and console ask, in one place, so that both say the same.

use std::collections::{BTreeMap, BTreeSet};

use checkout::{AccountName, Currency, Mode, NotAName, NotATime, SessionId, StateName, Timestamp};
use console::Asked;
use console::shown::{Account, Explained, ExplainedAccount, Line, Money, Page, Quota, Session, Told};
use provider::Accounts;
use reconciler::ports::{Call, Clock, LogError, SessionLog};
use reconciler::turns::{Forecast, Plan};
use reconciler::{AccountConditions, Condition, Policies};
use session_log::{Filter, Listed, Log, Place, Which};

use crate::config::parse_duration;
use crate::view::story::story;
use crate::view::{self, OfAccount};

mod personal;

pub(crate) use personal::personal;

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
    #[error("`after` is no place that a page has told")]
    Place,
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
    pub(crate) reference: Option<String>,
    pub(crate) at_risk: bool,
    pub(crate) limit: u32,
}

impl From<&Asked> for ListOf {
    fn from(asked: &Asked) -> Self {
        Self {
            state: asked.state.clone(),
            account: asked.account.clone(),
            due_within: asked.due_within.clone(),
            reference: asked.reference.clone(),
            at_risk: false,
            limit: asked.limit,
        }
    }
}

/// What the log is asked for.
fn filter(policies: &Policies, asked: &ListOf, now: Timestamp) -> Result<Filter, NotAQuery> {
    let which = match asked.state.as_deref() {
        // An order is asked for whatever became of it.
        None if asked.reference.is_some() => Which::All,
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
    Ok(Filter {
        which,
        account,
        deadline_before: within,
        after: None,
        // What is at risk is found among all, or calm sessions in front would hide it.
        limit: if asked.at_risk {
            SEARCHED
        } else {
            asked.limit.min(MOST)
        },
    })
}

/// Those that the filter lets through; by their order number where one is asked for.
async fn found(log: &Log, filter: &Filter, reference: Option<&str>) -> Result<Vec<Listed>, LogError> {
    let Some(reference) = reference else {
        return log.list(filter).await;
    };
    let mut found = log.list_by_reference(reference, MOST).await?;
    found.retain(|listed| {
        let row = &listed.row;
        let is_wanted = match &filter.which {
            Which::Unsettled => !row.settled,
            Which::All => true,
            Which::In(states) => states.contains(&row.state),
        };
        let of_account = filter.account.is_none() || row.account == filter.account;
        let in_time = filter
            .deadline_before
            .is_none_or(|before| row.deadline.at < before);
        is_wanted && of_account && in_time
    });
    found.truncate(filter.limit as usize);
    Ok(found)
}

/// A page of sessions in a line each, behind the place that the page before has told.
pub(crate) async fn page(
    log: &Log,
    policies: &Policies,
    asked: &ListOf,
    after: Option<&str>,
    now: Timestamp,
) -> Result<Page<Line>, NotAQuery> {
    let mut filter = filter(policies, asked, now)?;
    filter.after = after.map(place).transpose()?;
    if asked.reference.is_some() {
        filter.limit = MOST;
    }
    let found = found(log, &filter, asked.reference.as_deref()).await?;
    // With an order number all there are have come.
    let is_full = asked.reference.is_none() && found.len() >= filter.limit as usize;
    let last = found.last().filter(|_| is_full);
    Ok(Page {
        next: last.map(|last| {
            let place = filter.place_of(last);
            format!("{} {}", place.at.as_micros(), place.id)
        }),
        lines: found.iter().map(view::line).collect(),
    })
}

/// As [`page`] writes it.
fn place(text: &str) -> Result<Place, NotAQuery> {
    let parts = text.split_once(' ');
    let parsed = parts.and_then(|(at, id)| Some((at.parse().ok()?, SessionId::parse(id).ok()?)));
    let (at, id) = parsed.ok_or(NotAQuery::Place)?;
    Ok(Place {
        at: Timestamp::from_micros(at),
        id,
    })
}

/// Sessions without their histories. At risk is, among others, who will not make it by the `plans` of the accounts.
pub(crate) async fn list(
    log: &Log,
    policies: &Policies,
    plans: &Plans,
    asked: &ListOf,
    now: Timestamp,
) -> Result<Vec<Session>, NotAQuery> {
    let filter = filter(policies, asked, now)?;
    let mut shown = Vec::new();
    let found = found(log, &filter, asked.reference.as_deref()).await?;
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
        shown.extend(view::session(&listed.id, &history, now, policy, false));
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
) -> Result<Option<Session>, NotAQuery> {
    let history = log.load(id).await?;
    let (session, _) = reconciler::replay(&history);
    let account = session.subject().and_then(|subject| subject.account().cloned());
    Ok(view::session(
        id,
        &history,
        now,
        policies.of(account.as_ref()),
        true,
    ))
}

/// Everything that somebody has to know about a session at `at`; none if it was never heard of.
pub(crate) async fn tell(
    log: &Log,
    policies: &Policies,
    id: &SessionId,
    at: Timestamp,
) -> Result<Option<Told>, NotAQuery> {
    let history = log.load(id).await?;
    let (session, _) = reconciler::replay(&history);
    let Some(subject) = session.subject() else {
        return Ok(None);
    };
    let account = subject.account().cloned();
    let policy = policies.of(account.as_ref());
    let conditions = log.conditions().await?;
    let of_account = match &account {
        Some(name) if policies.of_account.contains_key(name) => {
            OfAccount::Configured(conditions.iter().find(|known| known.account == *name))
        }
        Some(_) | None => OfAccount::Missing,
    };
    let (shown, story) = (
        view::session(id, &history, at, policy, false),
        story(id, &history, at, policy, of_account),
    );
    let (Some(session), Some(story)) = (shown, story) else {
        return Ok(None);
    };
    let explained = view::explain(&history, at, policy, of_account);
    let explained = Explained {
        checkout_session_id: id.to_string(),
        at,
        step: explained.step,
        because: explained.because,
        not_before: explained.not_before,
        place: match session.due_at {
            Some(due_at) if due_at <= at => place_of(log, &session, account.clone(), at).await?,
            Some(_) | None => None,
        },
        account: ExplainedAccount {
            name: account.as_ref().map(ToString::to_string),
            condition: of_account.condition().map(Condition::name),
        },
    };
    Ok(Some(Told {
        session,
        explained,
        story,
    }))
}

/// The due sessions of one account take their turn by deadline, those that can still be saved first.
async fn place_of(
    log: &Log,
    session: &Session,
    account: Option<AccountName>,
    at: Timestamp,
) -> Result<Option<usize>, LogError> {
    /// Nobody needs to know a place beyond this.
    const SEARCHED: u32 = 10_000;
    let can_be_saved = at < session.deadline;
    let filter = Filter {
        which: Which::Unsettled,
        account,
        // Behind whom nobody is looked for that can be saved.
        deadline_before: can_be_saved.then_some(session.deadline),
        after: None,
        limit: SEARCHED,
    };
    let others = log.list(&filter).await?;
    if others.len() >= SEARCHED as usize {
        return Ok(None);
    }
    let turn = |deadline: Timestamp| (deadline <= at, deadline);
    let is_before = |listed: &&Listed| {
        let row = &listed.row;
        row.due_at.is_some_and(|due_at| due_at <= at) && turn(row.deadline.at) < turn(session.deadline)
    };
    Ok(Some(1 + others.iter().filter(is_before).count()))
}

/// Each account with its mode, its condition, its quota, what lies before it and what of that will not make it.
pub(crate) async fn accounts<C: Clock>(
    log: &Log,
    amazon: &Accounts<C>,
    policies: &Policies,
    plans: &Plans,
    now: Timestamp,
) -> Result<Vec<Account>, NotAQuery> {
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
        Account {
            account: name.to_string(),
            mode: mode_name(policies.of(Some(name)).mode),
            condition: if is_slowed {
                "slowed"
            } else {
                state.condition.name()
            },
            since,
            by: setting.map(|setting| setting.by.clone()),
            reason: reason.to_owned(),
            quota_per_second: of_each_call(|call| amazon.quota_per_second(name, call)),
            used_per_second: of_each_call(|call| amazon.used_per_second(name, call)),
            backlog: outlook.map_or(0, |outlook| outlook.backlog),
            predicted_misses: forecast.as_ref().map_or(0, misses),
            predicted_loss: forecast.as_ref().map_or_else(Vec::new, money),
            predicted_by: forecast.and_then(|forecast| forecast.by),
            next_deadline: outlook.and_then(|outlook| outlook.next_deadline),
        }
    });
    Ok(listed.collect())
}

fn of_each_call(rate: impl Fn(Call) -> Option<f64>) -> Quota {
    Quota {
        confirm: rate(Call::Confirm),
        look_up: rate(Call::LookUp),
        charge: rate(Call::Charge),
        permission: rate(Call::Permission),
    }
}

/// To the decimals that the currency has, as everywhere.
fn money(forecast: &Forecast) -> Vec<Money> {
    let amount = |(currency, amount): (&Currency, &f64)| {
        let decimals = currency.decimals() as usize;
        Money {
            amount: format!("{amount:.decimals$}"),
            currency_code: currency.code().to_owned(),
        }
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
