//! Alerts that belong to no session, until they are told.

use checkout::AccountName;
use reconciler::ports::LogError;
use reconciler::{Notice, NoticeKind, NoticeLog};
use serde_json::{Value, json};

use crate::columns::{Columns, unreadable};
use crate::open::Log;
use crate::statement::{Statement, params, statement};
use crate::trouble::Trouble;

const RECORD: Statement = statement!("record_notice");
const UNTOLD: Statement = statement!("untold_notices");
const TOLD: Statement = statement!("told_notices");

impl NoticeLog for Log {
    async fn record(&self, notice: &Notice) -> Result<(), LogError> {
        let params = params![
            notice.alert_id.as_str(),
            notice.firing,
            notice.kind.name(),
            notice.summary.as_str(),
            notice.account.as_ref().map(AccountName::as_str),
            notice.key.as_str(),
            notice.at,
        ];
        self.database.change(&RECORD, &params).await?;
        Ok(())
    }

    async fn untold(&self, limit: u32) -> Result<Vec<Notice>, LogError> {
        Ok(self.database.rows(&UNTOLD, &params![limit], notice).await?)
    }

    async fn told(&self, notices: &[Notice]) -> Result<(), LogError> {
        let told: Vec<Value> = notices
            .iter()
            .map(|notice| json!([notice.alert_id, notice.firing]))
            .collect();
        let told = Value::from(told).to_string();
        self.database.change(&TOLD, &params![told]).await?;
        Ok(())
    }
}

pub(crate) fn notice(row: &dyn Columns) -> Result<Notice, Trouble> {
    let kind = row.text("kind")?;
    let account = row.maybe_text("account")?;
    Ok(Notice {
        alert_id: row.text("alert_id")?,
        kind: NoticeKind::ALL
            .into_iter()
            .find(|known| known.name() == kind)
            .ok_or_else(|| unreadable("kind"))?,
        firing: row.flag("firing")?,
        summary: row.text("summary")?,
        account: account
            .map(|name| AccountName::parse(&name).map_err(|_| unreadable("account")))
            .transpose()?,
        key: row.text("key")?,
        at: row.time("at")?,
    })
}
