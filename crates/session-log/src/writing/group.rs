//! One writer: forms groups, writes them, and does not give up while somebody waits.

use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::mem;
use std::sync::PoisonError;
use std::time::Duration;

use reconciler::ports::{Appended, LogError};
use tokio::sync::mpsc;

use super::{Job, LastTrouble};
use crate::patience::pause;
use crate::trouble::Trouble;

/// The most appends that one statement carries.
const GROUP: usize = 128;

/// Between tries to reach the database: at first hardly any, because most often only the connection was lost.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What became of one append of a group.
#[derive(Clone, Copy)]
pub(super) enum Written {
    Added {
        /// See [`Appended::older_unpublished`].
        older_unpublished: bool,
    },
    Overtaken,
}

/// Writes a group all or none, but for those of its sessions that were overtaken.
pub(super) trait Store: Send + 'static {
    /// In the order of the group, which is sorted by session and has each once.
    fn write(&mut self, group: &[Job]) -> impl Future<Output = Result<Vec<Written>, Trouble>> + Send;
}

/// Runs until every sender of `jobs` is gone and all is written.
pub(super) async fn write_all(mut store: impl Store, mut jobs: mpsc::Receiver<Job>, trouble: LastTrouble) {
    let mut waiting = VecDeque::new();
    let mut arrived = Vec::new();
    loop {
        if waiting.is_empty() && jobs.recv_many(&mut arrived, GROUP).await == 0 {
            return;
        }
        waiting.extend(arrived.drain(..));
        while waiting.len() < GROUP
            && let Ok(job) = jobs.try_recv()
        {
            waiting.push_back(job);
        }
        let group = next_group(&mut waiting);
        settle(&mut store, group, &trouble).await;
    }
}

/// Takes one append of each session, the first that came; the others wait for the next group.
fn next_group(waiting: &mut VecDeque<Job>) -> Vec<Job> {
    let mut sessions = HashSet::new();
    let mut group = Vec::new();
    for job in mem::take(waiting) {
        if sessions.insert(job.prepared.id.clone()) {
            group.push(job);
        } else {
            waiting.push_back(job);
        }
    }
    // Writers that have sessions in common meet them in the same order, so that none waits for one that waits for it.
    group.sort_by(|one, other| one.prepared.id.cmp(&other.prepared.id));
    group
}

/// Writes and answers, whatever it takes: a group that holds data which the database refuses is halved until they
/// stand alone, and a database that is away is tried again as long as anybody waits.
async fn settle(store: &mut impl Store, group: Vec<Job>, trouble: &LastTrouble) {
    let mut parts = vec![group];
    let mut wait = FIRST_PAUSE;
    while let Some(mut part) = parts.pop() {
        part.retain(|job| !job.reply.is_closed());
        if part.is_empty() {
            continue;
        }
        match store.write(&part).await {
            Ok(written) => {
                wait = FIRST_PAUSE;
                note(trouble, None);
                for (job, written) in part.into_iter().zip(written) {
                    answer(job, written);
                }
            }
            Err(Trouble::Refused(cause)) if part.len() == 1 => {
                part.pop()
                    .map(|culprit| culprit.reply.send(Err(Trouble::Refused(cause).into())));
            }
            Err(Trouble::Refused(_)) => {
                let second = part.split_off(part.len() / 2);
                parts.push(second);
                parts.push(part);
            }
            Err(Trouble::Away(cause) | Trouble::Broken(cause)) => {
                tracing::warn!("appending to the session log is tried again: {cause}");
                note(trouble, Some(cause.to_string()));
                for job in &mut part {
                    job.sent_before = true;
                }
                parts.push(part);
                pause(wait).await;
                wait = (wait * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn note(trouble: &LastTrouble, words: Option<String>) {
    *trouble.lock().unwrap_or_else(PoisonError::into_inner) = words;
}

fn answer(job: Job, written: Written) {
    let result = match written {
        Written::Added { older_unpublished } => Ok(Appended {
            version: job.prepared.reached,
            older_unpublished,
        }),
        Written::Overtaken => Err(LogError::Overtaken),
    };
    // Who no longer waits will read it.
    let _ = job.reply.send(result);
}
