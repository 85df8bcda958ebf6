//! The port through which sessions are recorded and read.

use std::collections::BTreeMap;

use checkout::{AccountName, BodyRef, Currency, PrivateRef, SessionId, Timestamp};
use reconciler::ports::{Appended, Due, LogError, PassedOver, PersonalRecord, Scheduled, SessionLog, Share};
use reconciler::{Actor, Append, Personal, Recorded, Schedule, Version};

use crate::columns::{Columns, account, count, session_id};
use crate::format;
use crate::open::Log;
use crate::statement::{Statement, params, statement};
use crate::trouble::Trouble;

const LOAD: Statement = statement!("load");
const PERSONAL_OF: Statement = statement!("personal_of");
const BODY_OF: Statement = statement!("body_of");
// A plan for any limit would be one for a tenth of all sessions, and sort them all.
const DUE: Statement = statement!("due").planned_each_time();
const RESCHEDULE: Statement = statement!("reschedule");
const UNSETTLED: Statement = statement!("unsettled");

impl SessionLog for Log {
    async fn append_all(&self, appends: Vec<Append>) -> Vec<Result<Appended, LogError>> {
        self.writers.append_all(appends).await
    }

    async fn load(&self, id: &SessionId) -> Result<Vec<Recorded>, LogError> {
        Ok(self.history(id).await?)
    }

    async fn personal(&self, id: &SessionId) -> Result<PersonalRecord, LogError> {
        let slots = self
            .database
            .rows(&PERSONAL_OF, &params![id.as_str()], slot)
            .await?;
        let mut record = PersonalRecord::default();
        for (erased, slot) in slots {
            record.erased = erased;
            let Some((slot, personal)) = slot else {
                continue;
            };
            // Negative: what the last look-up brought.
            match u32::try_from(slot) {
                Ok(statement) => record.statements.push((PrivateRef(statement), personal)),
                Err(_) => record.found = Some(personal),
            }
        }
        Ok(record)
    }

    async fn body(&self, id: &SessionId, body: BodyRef) -> Result<Option<Vec<u8>>, LogError> {
        let bytes = self
            .database
            .row(&BODY_OF, &params![id.as_str(), body.0], |row| {
                row.maybe_bytes("bytes")
            })
            .await?;
        Ok(bytes.flatten())
    }

    async fn due(
        &self,
        share: &Share,
        until: Timestamp,
        overdue_since: Timestamp,
        passed_over: &[PassedOver],
        limit: u32,
    ) -> Result<Vec<Due>, LogError> {
        let partitions = partitions(share);
        let params = params![
            partitions.as_deref(),
            until,
            overdue_since,
            limit,
            staircases(passed_over)
        ];
        Ok(self.database.rows(&DUE, &params, due).await?)
    }

    async fn reschedule(&self, id: &SessionId, version: Version, schedule: Schedule) -> Result<(), LogError> {
        let params = params![id.as_str(), version.0, schedule.due_at, schedule.look_at];
        self.database.change(&RESCHEDULE, &params).await?;
        Ok(())
    }

    async fn unsettled(&self, after: Option<&Scheduled>, limit: u32) -> Result<Vec<Scheduled>, LogError> {
        // Before every account, deadline and id there is.
        let beginning = ("", Timestamp::from_micros(0), "");
        let (account, deadline, id) = after.map_or(beginning, |last| {
            let account = last.account.as_ref().map_or("", AccountName::as_str);
            (account, last.deadline, last.id.as_str())
        });
        let params = params![account, deadline, id, limit];
        Ok(self.database.rows(&UNSETTLED, &params, scheduled).await?)
    }
}

impl Log {
    pub(crate) async fn history(&self, id: &SessionId) -> Result<Vec<Recorded>, Trouble> {
        self.database.rows(&LOAD, &params![id.as_str()], recorded).await
    }
}

/// As a JSON array; null for all of them.
pub(crate) fn partitions(share: &Share) -> Option<String> {
    match share {
        Share::All => None,
        Share::Partitions(partitions) => Some(serde_json::json!(partitions).to_string()),
    }
}

/// As a JSON array: for each currency of an account the instants in their order, and for each of them the worth in units
/// of the currency below which those are given up whose deadline is before it and not before the last one.
fn staircases(passed_over: &[PassedOver]) -> String {
    let mut staircases: BTreeMap<(&str, Option<Currency>), BTreeMap<Timestamp, f64>> = BTreeMap::new();
    for PassedOver { account, given_up } in passed_over {
        let steps = staircases
            .entry((account.as_str(), given_up.currency))
            .or_default();
        let step = steps.entry(given_up.until).or_default();
        // JSON knows no infinity.
        *step = step.max(given_up.below.min(f64::MAX));
    }
    let staircase =
        |((account, currency), mut steps): ((&str, Option<Currency>), BTreeMap<Timestamp, f64>)| {
            // Whoever is given up with the deadlines before a later instant is so with those before an earlier one.
            let mut highest: f64 = 0.0;
            for step in steps.values_mut().rev() {
                highest = highest.max(*step);
                *step = highest;
            }
            serde_json::json!({
                "account": account,
                "currency": currency.map(Currency::code),
                "until": steps.keys().map(|until| until.as_micros()).collect::<Vec<_>>(),
                "below": steps.values().collect::<Vec<_>>(),
            })
        };
    staircases
        .into_iter()
        .map(staircase)
        .collect::<serde_json::Value>()
        .to_string()
}

pub(crate) fn recorded(row: &dyn Columns) -> Result<Recorded, Trouble> {
    Ok(Recorded {
        version: Version(count(row, "version")?),
        at: row.time("at")?,
        actor: row.maybe_text("actor")?.map_or(Actor::Worker, Actor::Operator),
        reason: row.maybe_text("reason")?,
        traceparent: row.maybe_text("traceparent")?,
        event: format::read_event(&row.text("type")?, row.int("format")?, &row.text("body")?)?,
    })
}

/// Whether the session's personal data are erased, and one slot of them.
fn slot(row: &dyn Columns) -> Result<(bool, Option<(i64, Personal)>), Trouble> {
    let slot = match row.maybe_int("slot")? {
        Some(slot) => {
            let personal = format::read_personal(row.int("format")?, &row.text("content")?)?;
            Some((slot, personal))
        }
        None => None,
    };
    Ok((row.flag("erased")?, slot))
}

fn scheduled(row: &dyn Columns) -> Result<Scheduled, Trouble> {
    Ok(Scheduled {
        id: session_id(row)?,
        account: account(row)?,
        deadline: row.time("deadline")?,
        schedule: Schedule {
            due_at: row.time("due_at")?,
            look_at: row.maybe_time("look_at")?,
        },
    })
}

fn due(row: &dyn Columns) -> Result<Due, Trouble> {
    Ok(Due {
        id: session_id(row)?,
        account: account(row)?,
        due_at: row.time("due_at")?,
        deadline: row.time("deadline")?,
    })
}
