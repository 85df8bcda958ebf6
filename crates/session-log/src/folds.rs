//! The index of sessions made anew from their facts, or compared with them.

use checkout::{AccountName, Policy, Session, SessionId, Timestamp};
use reconciler::ports::LogError;
use reconciler::{Recorded, Row, Schedule, Version, replay};
use serde_json::{Value, json};

use crate::columns::session_id;
use crate::console::Listed;
use crate::open::Log;
use crate::portions::{History, Portion, portions};
use crate::statement::{Statement, params, statement};
use crate::trouble::{Cause, Trouble};
use crate::writing::Fold;

const WITHOUT_FACTS: Statement = statement!("session_rows_without_facts");
const REBUILD_ROWS: Statement = statement!("rebuild_rows");

/// Rows without facts that are told of at most.
const ORPHANS: u32 = 500;

/// A session whose row is not what its facts say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which.
    pub id: SessionId,
    /// What is different: names of columns, or why the facts cannot be read.
    pub what: String,
}

/// What making the index anew did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RebuildReport {
    /// Sessions looked at.
    pub sessions: u32,
    /// Rows that were not what the facts say, and now are.
    pub corrected: Vec<Difference>,
    /// Sessions whose facts cannot be read; their rows are as before.
    pub failed: Vec<Difference>,
}

impl Log {
    /// Makes the row of every session anew from its facts, as of its last fact. What no fact says (partition, erasure)
    /// stays. Appends may go on meanwhile.
    ///
    /// # Errors
    /// [`LogError::Unavailable`]; what was done stays done.
    pub async fn rebuild(
        &self,
        policy_of: impl Fn(Option<&AccountName>) -> Policy + Send + Sync,
    ) -> Result<RebuildReport, LogError> {
        let mut report = RebuildReport::default();
        let mut portions = portions(self.clone());
        while let Some(portion) = portions.recv().await {
            let mut corrected = Vec::new();
            for (id, compared) in self.compare_all(portion?, &policy_of).await? {
                report.sessions += 1;
                match compared {
                    Compared::Same => {}
                    Compared::Unreadable(what) => report.failed.push(Difference { id, what }),
                    Compared::Different { what, fold } => {
                        corrected.push(row_of(&id, &fold));
                        report.corrected.push(Difference { id, what });
                    }
                }
            }
            self.correct(corrected).await?;
        }
        Ok(report)
    }

    /// What [`Log::rebuild`] would correct, and rows of sessions without facts. Changes nothing.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn verify_folds(
        &self,
        policy_of: impl Fn(Option<&AccountName>) -> Policy + Send + Sync,
    ) -> Result<Vec<Difference>, LogError> {
        let orphans = self
            .database
            .rows(&WITHOUT_FACTS, &params![ORPHANS], session_id)
            .await?;
        let mut differences: Vec<Difference> = orphans
            .into_iter()
            .map(|id| Difference {
                id,
                what: "it has a row and no facts".to_owned(),
            })
            .collect();
        let mut portions = portions(self.clone());
        while let Some(portion) = portions.recv().await {
            for (id, compared) in self.compare_all(portion?, &policy_of).await? {
                match compared {
                    Compared::Same => {}
                    Compared::Unreadable(what) | Compared::Different { what, .. } => {
                        differences.push(Difference { id, what });
                    }
                }
            }
        }
        Ok(differences)
    }

    async fn compare_all(
        &self,
        portion: Portion,
        policy_of: &(impl Fn(Option<&AccountName>) -> Policy + Sync),
    ) -> Result<Vec<(SessionId, Compared)>, LogError> {
        let mut all = Vec::with_capacity(portion.histories.len());
        for History { id, facts } in portion.histories {
            let fold = facts.and_then(|facts| TrueFold::of(&facts, policy_of));
            let row = portion.rows.get(&id);
            let compared = match (fold, row) {
                (Some(fold), None) => missing(fold),
                (Some(fold), Some(row)) if row.version <= fold.version => fold.compared_with(row),
                // Facts have been added since, or the row is wrong: that takes a closer look, as does what cannot be
                // told from a portion.
                (Some(_), Some(_)) | (None, _) => self.compare(&id, policy_of).await?,
            };
            all.push((id, compared));
        }
        Ok(all)
    }

    async fn compare(
        &self,
        id: &SessionId,
        policy_of: &(impl Fn(Option<&AccountName>) -> Policy + Sync),
    ) -> Result<Compared, LogError> {
        // The row first: one that is newer than the facts read here would look wrong, one that is older is.
        let stored = self.find(id).await?;
        let history = match self.history(id).await {
            Ok(history) => history,
            Err(Trouble::Refused(cause)) => return Ok(Compared::Unreadable(cause.to_string())),
            Err(other) => return Err(other.into()),
        };
        let Some(fold) = TrueFold::of(&history, policy_of) else {
            let cause = Cause::new("its facts do not begin with a checkout");
            return Ok(Compared::Unreadable(cause.to_string()));
        };
        let Some(stored) = stored else {
            return Ok(missing(fold));
        };
        // Facts were added between the two statements, and the row with them.
        if stored.version < fold.version
            && self
                .find(id)
                .await?
                .is_some_and(|row| row.version >= fold.version)
        {
            return Ok(Compared::Same);
        }
        Ok(fold.compared_with(&stored))
    }

    async fn correct(&self, rows: Vec<Value>) -> Result<(), LogError> {
        if !rows.is_empty() {
            let rows = Value::from(rows).to_string();
            self.database.change(&REBUILD_ROWS, &params![rows]).await?;
        }
        Ok(())
    }
}

/// As `rebuild_rows.sql` takes it; times in microseconds since 1970.
fn row_of(id: &SessionId, fold: &TrueFold) -> Value {
    let TrueFold {
        version, at, fold, ..
    } = fold;
    let micros = |at: Option<Timestamp>| at.map(Timestamp::as_micros);
    json!({
        "session_id": id.as_str(),
        "version": version.0,
        "state": fold.state.as_str(),
        "account": fold.account.as_str(),
        "deadline": fold.deadline.as_micros(),
        "deadline_from": fold.deadline_from,
        "due_at": micros(fold.due_at),
        "amount": fold.amount,
        "currency": fold.currency,
        "merchant_reference_id": fold.merchant_reference_id,
        "settled": fold.settled,
        "updated_at": at.as_micros(),
        "look_at": micros(fold.look_at),
        "firing": fold.firing.as_str(),
    })
}

fn missing(fold: TrueFold) -> Compared {
    Compared::Different {
        what: "it has no row".to_owned(),
        fold: Box::new(fold),
    }
}

enum Compared {
    Same,
    Unreadable(String),
    Different { what: String, fold: Box<TrueFold> },
}

/// What a session's facts say, as of the last of them.
struct TrueFold {
    session: Session,
    policy: Policy,
    version: Version,
    at: Timestamp,
    fold: Fold,
}

impl TrueFold {
    fn of(history: &[Recorded], policy_of: &impl Fn(Option<&AccountName>) -> Policy) -> Option<Self> {
        let (session, version) = replay(history);
        let at = history.last()?.at;
        let policy = policy_of(session.subject().and_then(checkout::Subject::account));
        Row::of(&session, at, &policy).map(|row| Self {
            session,
            policy,
            version,
            at,
            fold: row.into(),
        })
    }

    fn compared_with(self, stored: &Listed) -> Compared {
        let what = self.differences(stored.version, &Fold::from(stored.row.clone()));
        if what.is_empty() {
            return Compared::Same;
        }
        Compared::Different {
            what: what.join(", "),
            fold: Box::new(self),
        }
    }

    /// Whether the row was put off since the last fact, to when its session next wants to be looked at.
    fn was_put_off(&self, row: &Fold) -> bool {
        row.due_at.is_some_and(|due_at| {
            let look_at = row.look_at;
            self.fold.due_at < Some(due_at)
                && Schedule { due_at, look_at }.ends_waits_of(&self.session, &self.policy)
        })
    }

    /// The columns in which a row differs.
    fn differences(&self, version: Version, row: &Fold) -> Vec<&'static str> {
        let mine = &self.fold;
        let put_off = self.was_put_off(row);
        [
            ("version", self.version == version),
            ("state", mine.state == row.state),
            ("account", mine.account == row.account),
            ("deadline", mine.deadline == row.deadline),
            ("deadline_from", mine.deadline_from == row.deadline_from),
            ("due_at", put_off || mine.due_at == row.due_at),
            ("look_at", put_off || mine.look_at == row.look_at),
            (
                "amount",
                mine.amount == row.amount && mine.currency == row.currency,
            ),
            (
                "merchant_reference_id",
                mine.merchant_reference_id == row.merchant_reference_id,
            ),
            ("settled", mine.settled == row.settled),
            ("firing", mine.firing == row.firing),
        ]
        .into_iter()
        .filter_map(|(column, same)| (!same).then_some(column))
        .collect()
    }
}
