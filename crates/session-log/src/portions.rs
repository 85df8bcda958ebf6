//! All histories, some thousand facts at a time, and the rows that stand for them.

use std::collections::HashMap;

use checkout::SessionId;
use reconciler::Recorded;
use reconciler::ports::LogError;
use tokio::sync::mpsc;

use crate::columns::{Columns, session_id};
use crate::console::{Listed, listed};
use crate::log::recorded;
use crate::open::Log;
use crate::statement::{Statement, params, statement};
use crate::trouble::Trouble;

const FACTS_AFTER: Statement = statement!("facts_after");
const ROWS_BETWEEN: Statement = statement!("rows_between");

/// Facts that are read at a time.
const PORTION: u32 = 3_000;

/// Some sessions, in the order of their ids.
pub(crate) struct Portion {
    pub(crate) histories: Vec<History>,
    /// Read after the facts, so that none of them is older than they are.
    pub(crate) rows: HashMap<SessionId, Listed>,
}

pub(crate) struct History {
    pub(crate) id: SessionId,
    /// None where the facts are too many for a portion, or one of them cannot be read.
    pub(crate) facts: Option<Vec<Recorded>>,
}

/// Reads on while the last portion is worked on; ends when nobody listens any more.
pub(crate) fn portions(log: Log) -> mpsc::Receiver<Result<Portion, LogError>> {
    let (found, portions) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut after = String::new();
        loop {
            let portion = portion(&log, &after).await;
            let last = match &portion {
                Ok(portion) => portion
                    .histories
                    .last()
                    .map(|history| history.id.as_str().to_owned()),
                Err(_) => None,
            };
            let is_end = matches!(&portion, Ok(portion) if portion.histories.is_empty());
            if is_end || found.send(portion.map_err(LogError::from)).await.is_err() {
                return;
            }
            match last {
                Some(last) => after = last,
                None => return,
            }
        }
    });
    portions
}

async fn portion(log: &Log, after: &str) -> Result<Portion, Trouble> {
    let facts = log
        .database
        .rows(&FACTS_AFTER, &params![after, PORTION], fact)
        .await?;
    let is_full = facts.len() == PORTION as usize;
    let mut histories: Vec<History> = Vec::new();
    for (id, fact) in facts {
        match histories.last_mut().filter(|last| last.id == id) {
            Some(last) => match (&mut last.facts, fact) {
                (Some(facts), Some(fact)) => facts.push(fact),
                (unreadable, _) => *unreadable = None,
            },
            None => histories.push(History {
                id,
                facts: fact.map(|fact| vec![fact]),
            }),
        }
    }
    if is_full {
        // The last one may go on beyond the portion: it begins the next, unless it is one by itself.
        match &mut histories[..] {
            [alone] => alone.facts = None,
            _ => {
                histories.pop();
            }
        }
    }
    let rows = match histories.last() {
        Some(last) => {
            let params = params![after, last.id.as_str()];
            log.database.rows(&ROWS_BETWEEN, &params, listed).await?
        }
        None => Vec::new(),
    };
    Ok(Portion {
        histories,
        rows: rows.into_iter().map(|row| (row.id.clone(), row)).collect(),
    })
}

fn fact(row: &dyn Columns) -> Result<(SessionId, Option<Recorded>), Trouble> {
    Ok((session_id(row)?, recorded(row).ok()))
}
