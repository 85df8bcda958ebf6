//! What people and metrics ask of the log.

use std::collections::BTreeMap;

use checkout::{AccountName, Amount, Currency, Deadline, SessionId, StateName, Timestamp};
use reconciler::ports::LogError;
use reconciler::{Row, Version};
use rust_decimal::Decimal;

use crate::columns::{Columns, account, count, parsed, session_id, unreadable};
use crate::open::Log;
use crate::statement::{Statement, params, statement};
use crate::trouble::Trouble;
use crate::writing::deadline_from_of;

const LIST_UNSETTLED: Statement = statement!("list_unsettled");
const LIST_ANY: Statement = statement!("list_any");
const LIST_BY_REFERENCE: Statement = statement!("list_by_reference");
const LIST_FIRING: Statement = statement!("list_firing");
const OUTCOMES_SINCE: Statement = statement!("outcomes_since");
const ROW_OF: Statement = statement!("row_of");
const VERSIONS_OF: Statement = statement!("versions_of");
const COUNTS: Statement = statement!("counts");
const SETTLED_COUNTS: Statement = statement!("settled_counts");
const VALUES: Statement = statement!("values");
const OUTLOOK: Statement = statement!("outlook");
const ALERTS_FIRING: Statement = statement!("alerts_firing");

/// Which sessions are listed, by their state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Those without an outcome, the earliest deadline first.
    Unsettled,
    /// All, the latest change first.
    All,
    /// Those in one of these states; in the order of [`Which::Unsettled`] if no outcome is among them.
    In(Vec<StateName>),
}

/// What is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// By state.
    pub which: Which,
    /// Of this account only.
    pub account: Option<AccountName>,
    /// With a deadline before this only.
    pub deadline_before: Option<Timestamp>,
    /// Behind this place only.
    pub after: Option<Place>,
    /// At most so many.
    pub limit: u32,
}

/// A place in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The deadline of the session there; in a list by the latest change, when it was changed.
    pub at: Timestamp,
    /// Which.
    pub id: SessionId,
}

/// A session as the index knows it: its state is as of `updated_at`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Which.
    pub id: SessionId,
    /// How many facts it has.
    pub version: Version,
    /// The fold.
    pub row: Row,
    /// The topic partition whose replica works it.
    pub partition: u32,
    /// When the last fact was recorded.
    pub updated_at: Timestamp,
    /// From when on its personal data may be erased.
    pub erase_after: Option<Timestamp>,
    /// When they were.
    pub erased_at: Option<Timestamp>,
}

/// What sessions are worth together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Of which account.
    pub account: Option<AccountName>,
    /// In which state.
    pub state: StateName,
    /// Amounts are never added across currencies.
    pub currency: Currency,
    /// In units of the currency.
    pub amount: Decimal,
}

/// What lies before an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// Which.
    pub account: Option<AccountName>,
    /// The next deadline of a session that is still to be confirmed.
    pub next_deadline: Option<Timestamp>,
    /// How many of its sessions are due.
    pub backlog: u32,
}

/// So many sessions of an account are in a state.
pub type InState = (Option<AccountName>, StateName, u32);

/// Everything that metrics ask of the sessions without an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// How many are in each state, where there are any.
    pub sessions: Vec<InState>,
    /// What they are worth.
    pub values: Vec<Value>,
    /// Each account with unsettled sessions.
    pub outlooks: Vec<Outlook>,
}

impl Filter {
    /// Whether the latest change comes first, and not the earliest deadline.
    pub fn is_by_change(&self) -> bool {
        match &self.which {
            Which::Unsettled => false,
            Which::All => true,
            Which::In(states) => states.iter().any(|state| state.is_settled()),
        }
    }

    /// Where a session stands that this lists.
    pub fn place_of(&self, listed: &Listed) -> Place {
        let at = if self.is_by_change() {
            listed.updated_at
        } else {
            listed.row.deadline.at
        };
        Place {
            at,
            id: listed.id.clone(),
        }
    }
}

impl Log {
    /// The sessions that `filter` names.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn list(&self, filter: &Filter) -> Result<Vec<Listed>, LogError> {
        // Before every session there is.
        let (statement, beginning) = if filter.is_by_change() {
            (&LIST_ANY, Timestamp::from_micros(i64::MAX))
        } else {
            (&LIST_UNSETTLED, Timestamp::from_micros(0))
        };
        let states = match &filter.which {
            Which::Unsettled | Which::All => None,
            Which::In(states) => Some(states),
        };
        let (after_at, after_id) = filter
            .after
            .as_ref()
            .map_or((beginning, ""), |place| (place.at, place.id.as_str()));
        let states = states.map(|states| {
            let names: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
            serde_json::json!(names).to_string()
        });
        let params = params![
            states.as_deref(),
            filter.account.as_ref().map(AccountName::as_str),
            filter.deadline_before,
            filter.limit,
            after_at,
            after_id,
        ];
        Ok(self.database.rows(statement, &params, listed).await?)
    }

    /// The sessions with this order number of the shop's, the latest change first, at most so many.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn list_by_reference(&self, reference: &str, limit: u32) -> Result<Vec<Listed>, LogError> {
        let params = params![reference, limit];
        Ok(self.database.rows(&LIST_BY_REFERENCE, &params, listed).await?)
    }

    /// The sessions with an alert that fires, the earliest deadline first and settled ones last, at most so many.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn list_firing(&self, limit: u32) -> Result<Vec<Listed>, LogError> {
        Ok(self.database.rows(&LIST_FIRING, &params![limit], listed).await?)
    }

    /// How many sessions were settled in each state since `since`, by how many whole hours before `now` that was. What
    /// was recorded of one after its outcome counts as its end.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn outcomes_since(
        &self,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<(StateName, u32, u32)>, LogError> {
        let outcomes =
            |row: &dyn Columns| Ok((state(row)?, count(row, "hours_ago")?, count(row, "sessions")?));
        Ok(self
            .database
            .rows(&OUTCOMES_SINCE, &params![now, since], outcomes)
            .await?)
    }

    /// One session; none if it was never heard of.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn find(&self, id: &SessionId) -> Result<Option<Listed>, LogError> {
        Ok(self.database.row(&ROW_OF, &params![id.as_str()], listed).await?)
    }

    /// How many facts each of these sessions has; whoever was never heard of is left out.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn versions_of(&self, ids: &[SessionId]) -> Result<Vec<(SessionId, Version)>, LogError> {
        let ids: Vec<&str> = ids.iter().map(SessionId::as_str).collect();
        let ids = serde_json::json!(ids).to_string();
        let version = |row: &dyn Columns| Ok((session_id(row)?, Version(count(row, "version")?)));
        Ok(self.database.rows(&VERSIONS_OF, &params![ids], version).await?)
    }

    /// The partition whose replica works the session; none if it was never heard of.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn partition_of(&self, id: &SessionId) -> Result<Option<u32>, LogError> {
        Ok(self.find(id).await?.map(|session| session.partition))
    }

    /// What metrics tell of the sessions at `now`.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn counts(&self, now: Timestamp) -> Result<Counts, LogError> {
        let sessions = self.database.rows(&COUNTS, &[], in_state).await?;
        let parts = self.database.rows(&VALUES, &[], value).await?;
        let mut sums: BTreeMap<(Option<AccountName>, StateName, Currency), Decimal> = BTreeMap::new();
        for part in parts {
            *sums.entry((part.account, part.state, part.currency)).or_default() += part.amount;
        }
        let values = sums
            .into_iter()
            .map(|((account, state, currency), amount)| Value {
                account,
                state,
                currency,
                amount,
            });
        Ok(Counts {
            sessions,
            values: values.collect(),
            outlooks: self.database.rows(&OUTLOOK, &params![now], outlook).await?,
        })
    }

    /// How many sessions ended in each state. Takes a fifth of a second for a million of them.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn settled_counts(&self) -> Result<Vec<InState>, LogError> {
        Ok(self.database.rows(&SETTLED_COUNTS, &[], in_state).await?)
    }

    /// How many sessions have an alert of each kind that fires, settled ones among them; kinds of which none
    /// fires are left out.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn alerts_firing(&self) -> Result<BTreeMap<String, u32>, LogError> {
        let kinds = self
            .database
            .rows(&ALERTS_FIRING, &[], |row| {
                Ok((row.text("kind")?, count(row, "sessions")?))
            })
            .await?;
        Ok(kinds.into_iter().collect())
    }
}

fn in_state(row: &dyn Columns) -> Result<InState, Trouble> {
    Ok((account(row)?, state(row)?, count(row, "sessions")?))
}

fn state(row: &dyn Columns) -> Result<StateName, Trouble> {
    StateName::parse(&row.text("state")?).ok_or_else(|| unreadable("state"))
}

pub(crate) fn listed(row: &dyn Columns) -> Result<Listed, Trouble> {
    let amount = match (row.maybe_text("amount")?, row.maybe_text("currency")?) {
        (Some(amount), Some(currency)) => {
            Some(Amount::parse(&amount, &currency).map_err(|_| unreadable("amount"))?)
        }
        _ => None,
    };
    let from = row.text("deadline_from")?;
    Ok(Listed {
        id: session_id(row)?,
        version: Version(count(row, "version")?),
        row: Row {
            state: state(row)?,
            account: account(row)?,
            deadline: Deadline {
                at: row.time("deadline")?,
                from: deadline_from_of(&from).ok_or_else(|| unreadable("deadline_from"))?,
            },
            due_at: row.maybe_time("due_at")?,
            look_at: row.maybe_time("look_at")?,
            charge_amount: amount,
            merchant_reference_id: row.maybe_text("merchant_reference_id")?,
            settled: row.flag("settled")?,
            firing: serde_json::from_str(&row.text("firing")?).map_err(|_| unreadable("firing"))?,
        },
        partition: count(row, "partition")?,
        updated_at: row.time("updated_at")?,
        erase_after: row.maybe_time("erase_after")?,
        erased_at: row.maybe_time("erased_at")?,
    })
}

fn value(row: &dyn Columns) -> Result<Value, Trouble> {
    Ok(Value {
        account: account(row)?,
        state: state(row)?,
        currency: parsed("currency", &row.text("currency")?)?,
        amount: parsed("amount", &row.text("amount")?)?,
    })
}

fn outlook(row: &dyn Columns) -> Result<Outlook, Trouble> {
    Ok(Outlook {
        account: account(row)?,
        next_deadline: row.maybe_time("next_deadline")?,
        backlog: count(row, "backlog")?,
    })
}
