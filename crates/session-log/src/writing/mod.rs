//! Appending: who waits for whom, and what a group is.
//!
//! A session always goes to the same writer, so that two of its appends never meet in two groups at once. A writer
//! waits for nothing but its connection: whatever arrived meanwhile is the next group.

mod group;
mod postgres;
mod prepared;
mod sqlite;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use checkout::SessionId;
use reconciler::Append;
use reconciler::ports::{Appended, LogError};
use tokio::sync::{mpsc, oneshot};

use crate::database::{Database, Kind};
use crate::open::{Options, Place};
use crate::patience::within;
use crate::trouble::Cause;
use prepared::Prepared;
pub(crate) use prepared::{Fold, deadline_from_of};

/// Appends that wait for a writer; more than that wait with their callers.
const QUEUE: usize = 1024;

/// An append on its way, and where its answer goes.
pub(crate) struct Job {
    prepared: Prepared,
    /// It was sent before and nobody knows what became of it.
    sent_before: bool,
    reply: oneshot::Sender<Result<Appended, LogError>>,
}

/// What last kept a writer from writing: told to those whose time is up.
pub(crate) type LastTrouble = Arc<Mutex<Option<String>>>;

/// The tasks that append.
#[derive(Clone)]
pub(crate) struct Writers {
    queues: Vec<mpsc::Sender<Job>>,
    last_trouble: LastTrouble,
    patience: Duration,
}

impl Writers {
    /// They end when the last clone of this is dropped.
    pub(crate) fn start(database: &Database, place: &Place, options: &Options) -> Self {
        let last_trouble = LastTrouble::default();
        let queues = match (&database.kind, place) {
            (Kind::Sqlite { writer, .. }, _) => {
                let store = sqlite::SqliteStore::new(writer.clone());
                vec![spawn(store, &last_trouble)]
            }
            (Kind::Postgres(_), Place::Postgres(connect)) => (0..options.writers.max(1))
                .map(|_| {
                    let store = postgres::PostgresStore::new((**connect).clone(), options.patience);
                    spawn(store, &last_trouble)
                })
                .collect(),
            (Kind::Postgres(_), Place::Sqlite(_)) => Vec::new(),
        };
        Self {
            queues,
            last_trouble,
            patience: options.patience,
        }
    }

    fn queue_of(&self, id: &SessionId) -> &mpsc::Sender<Job> {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        &self.queues[(hasher.finish() % self.queues.len() as u64) as usize]
    }

    /// The results in the order of the requests, within the patience of the log.
    pub(crate) async fn append_all(&self, appends: Vec<Append>) -> Vec<Result<Appended, LogError>> {
        let mut results: Vec<Option<Result<Appended, LogError>>> = Vec::new();
        results.resize_with(appends.len(), || None);
        // Dropping this tells the writers that nobody waits any more.
        let answered = within(self.patience, self.hand_over(appends, &mut results)).await;
        let silence = match answered {
            Ok(()) => "its writer has ended".to_owned(),
            Err(up) => {
                let last = self.last_trouble.lock().unwrap_or_else(PoisonError::into_inner);
                match last.as_ref() {
                    Some(trouble) => format!("{up}: {trouble}"),
                    None => up.to_string(),
                }
            }
        };
        let unanswered = || Err(LogError::Unavailable(Box::new(Cause::new(silence.clone()))));
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(unanswered))
            .collect()
    }

    async fn hand_over(&self, appends: Vec<Append>, results: &mut [Option<Result<Appended, LogError>>]) {
        let mut replies = Vec::with_capacity(appends.len());
        for (place, append) in appends.into_iter().enumerate() {
            let prepared = match Prepared::of(append) {
                Ok(prepared) => prepared,
                Err(trouble) => {
                    results[place] = Some(Err(trouble.into()));
                    continue;
                }
            };
            let (reply, answer) = oneshot::channel();
            let queue = self.queue_of(&prepared.id);
            let job = Job {
                prepared,
                sent_before: false,
                reply,
            };
            // A writer that has ended drops the reply, and so answers below.
            let _ = queue.send(job).await;
            replies.push((place, answer));
        }
        for (place, answer) in replies {
            results[place] = answer.await.ok();
        }
    }
}

fn spawn(store: impl group::Store, last_trouble: &LastTrouble) -> mpsc::Sender<Job> {
    let (queue, jobs) = mpsc::channel(QUEUE);
    tokio::spawn(group::write_all(store, jobs, last_trouble.clone()));
    queue
}
