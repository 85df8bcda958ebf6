//! What lies before each account.

use std::collections::BTreeMap;
use std::time::Duration;

use checkout::{AccountName, Currency, Timestamp};
use reconciler::ports::{LogError, Share};
use reconciler::turns::{Cell, class_of};

use crate::columns::{Columns, account, count, parsed, unreadable};
use crate::log::partitions;
use crate::open::Log;
use crate::statement::{Statement, params, statement};
use crate::trouble::Trouble;

const BACKLOG: Statement = statement!("backlog");

/// Deadlines that are near are told apart by this,
const MINUTE: Duration = Duration::from_secs(60);
/// the others by this.
const TEN_MINUTES: Duration = Duration::from_secs(600);
/// So near.
const NEAR: Duration = Duration::from_secs(2 * 60 * 60);

impl Log {
    /// The sessions of `share` that are still to be confirmed (ready, waiting or in doubt) with a deadline after `now`,
    /// counted for each account: by the minute of the deadline, by ten minutes where these begin two hours from `now` or
    /// later, by currency, and by about the amount. In the order of the deadlines; accounts without such sessions are
    /// left out.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn backlog(
        &self,
        share: &Share,
        now: Timestamp,
    ) -> Result<Vec<(AccountName, Vec<Cell>)>, LogError> {
        let partitions = partitions(share);
        // No cell may span the border between the two.
        let far_from = next_ten_minutes(now.plus(NEAR));
        let params = params![partitions.as_deref(), now, far_from];
        let parts = self.database.rows(&BACKLOG, &params, part).await?;
        let mut accounts: BTreeMap<AccountName, BTreeMap<Place, Cell>> = BTreeMap::new();
        for part in parts {
            let (begins_at, currency) = (part.begins_at, part.currency);
            let length = if begins_at < far_from { MINUTE } else { TEN_MINUTES };
            let cells = accounts.entry(part.account).or_default();
            // As in `sql/postgres/backlog.sql`: what that has put together stays so.
            let class = class_of(part.money / f64::from(part.count));
            let cell = cells.entry((begins_at, currency, class)).or_insert(Cell {
                from: begins_at,
                until: begins_at.plus(length),
                currency,
                money: 0.0,
                count: 0,
            });
            cell.money += part.money;
            cell.count = cell.count.saturating_add(part.count);
        }
        let in_order = |cells: BTreeMap<Place, Cell>| cells.into_values().collect();
        let accounts = accounts.into_iter();
        Ok(accounts
            .map(|(account, cells)| (account, in_order(cells)))
            .collect())
    }
}

/// What sessions of one cell have in common: where it begins, their currency, the class of their amounts.
type Place = (Timestamp, Option<Currency>, i32);

/// Sessions of one cell, all or some of them.
struct Part {
    account: AccountName,
    begins_at: Timestamp,
    currency: Option<Currency>,
    money: f64,
    count: u32,
}

fn part(row: &dyn Columns) -> Result<Part, Trouble> {
    let currency = row.maybe_text("currency")?;
    Ok(Part {
        account: account(row)?.ok_or_else(|| unreadable("account"))?,
        begins_at: row.time("begins_at")?,
        currency: currency
            .map(|currency| parsed("currency", &currency))
            .transpose()?,
        money: row.maybe_real("money")?.unwrap_or(0.0),
        count: count(row, "sessions")?,
    })
}

/// The end of a ten minutes: this instant, or the next one.
fn next_ten_minutes(at: Timestamp) -> Timestamp {
    let length = TEN_MINUTES.as_micros() as i64;
    let since_the_last = at.as_micros().rem_euclid(length);
    Timestamp::from_micros(at.as_micros() + (length - since_the_last) % length)
}
