//! Whether accounts are paused or stopped, for every replica.

use checkout::AccountName;
use reconciler::ports::LogError;
use reconciler::{AccountCondition, AccountConditions, Condition, Notice, NoticeKind};

use crate::columns::{Columns, unreadable};
use crate::notices::notice;
use crate::open::Log;
use crate::statement::{Statement, params, statement};
use crate::trouble::Trouble;

const SET: Statement = statement!("set_account_condition");
const SET_AFTER: Statement = statement!("set_account_condition_after");
const NEWEST: Statement = statement!("account_conditions");
const FIRING: Statement = statement!("account_alerts_firing");

impl AccountConditions for Log {
    async fn conditions(&self) -> Result<Vec<AccountCondition>, LogError> {
        Ok(self.database.rows(&NEWEST, &[], condition).await?)
    }

    async fn set(&self, condition: &AccountCondition) -> Result<(), LogError> {
        let params = params![
            condition.account.as_str(),
            condition.condition.name(),
            condition.since,
            condition.by.as_str(),
            condition.reason.as_str(),
        ];
        self.database.change(&SET, &params).await?;
        Ok(())
    }

    async fn set_after(
        &self,
        seen: Option<&AccountCondition>,
        condition: &AccountCondition,
    ) -> Result<bool, LogError> {
        let params = params![
            condition.account.as_str(),
            condition.condition.name(),
            condition.since,
            condition.by.as_str(),
            condition.reason.as_str(),
            seen.map(|seen| seen.condition.name()),
            seen.map(|seen| seen.since),
            seen.map(|seen| seen.by.as_str()),
        ];
        Ok(self.database.change(&SET_AFTER, &params).await? > 0)
    }

    async fn firing(&self, account: &AccountName, kind: NoticeKind) -> Result<Vec<Notice>, LogError> {
        let params = params![account.as_str(), kind.name()];
        Ok(self.database.rows(&FIRING, &params, notice).await?)
    }
}

fn condition(row: &dyn Columns) -> Result<AccountCondition, Trouble> {
    let name = row.text("condition")?;
    Ok(AccountCondition {
        account: AccountName::parse(&row.text("account")?).map_err(|_| unreadable("account"))?,
        condition: [Condition::Running, Condition::Paused, Condition::Stopped]
            .into_iter()
            .find(|known| known.name() == name)
            .ok_or_else(|| unreadable("condition"))?,
        since: row.time("since")?,
        by: row.text("said_by")?,
        reason: row.text("reason")?,
    })
}
