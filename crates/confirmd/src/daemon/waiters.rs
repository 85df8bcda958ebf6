//! Requests that wait for news of a session.
//!
//! ```text
//!   this replica's append ─► Memory::offer ─► heard ─┐
//!   another's: every second, all that are waited for ┴─► the newest version ─► whoever waits for a newer one
//! ```
//!
//! Who waits costs an entry here and a row of one statement a second, however many there are.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use checkout::SessionId;
use reconciler::{Announcement, Version};
use session_log::Log;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::schedule::Tick;

/// So many wait at a time; who comes then has to come again.
const MOST: usize = 8_192;

/// Of each session that is waited for, the newest version that is known of.
#[derive(Default)]
pub(crate) struct Waiters {
    newest: Mutex<HashMap<SessionId, watch::Sender<Version>>>,
    waiting: AtomicUsize,
}

/// A request's place among those that wait; it ends with it.
pub(crate) struct Waiting {
    id: SessionId,
    news: watch::Receiver<Version>,
    waiters: Arc<Waiters>,
}

impl Waiters {
    /// Begins to wait for news of a session. Whoever reads the session after this misses nothing. None where too many wait.
    pub(crate) fn enter(self: &Arc<Self>, id: &SessionId) -> Option<Waiting> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        if MOST <= before {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let mut newest = self.newest();
        let sender = newest
            .entry(id.clone())
            .or_insert_with(|| watch::channel(Version(0)).0);
        Some(Waiting {
            id: id.clone(),
            news: sender.subscribe(),
            waiters: self.clone(),
        })
    }

    /// An append of this replica that is told to the world.
    pub(crate) fn heard(&self, announcements: &[Announcement]) {
        let newest = self.newest();
        for announcement in announcements {
            if let Some(known) = newest.get(&announcement.id) {
                learn(known, announcement.version);
            }
        }
    }

    /// Asks every second what other replicas have recorded, until it is to stop.
    pub(crate) async fn ask(
        self: Arc<Self>,
        log: Log,
        mut tick: Tick,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                changed = tick.changed() => if changed.is_err() { return Ok(()) },
            }
            let ids: Vec<SessionId> = {
                let mut newest = self.newest();
                // Two of one session that leave at the same moment may each take the other to be still there.
                newest.retain(|_, known| known.receiver_count() > 0);
                newest.keys().cloned().collect()
            };
            if ids.is_empty() {
                continue;
            }
            match log.versions_of(&ids).await {
                Ok(versions) => {
                    let newest = self.newest();
                    for (id, version) in versions {
                        if let Some(known) = newest.get(&id) {
                            learn(known, version);
                        }
                    }
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::debug!(error, "whoever waits for an outcome waits a second longer");
                }
            }
        }
    }

    fn newest(&self) -> MutexGuard<'_, HashMap<SessionId, watch::Sender<Version>>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn learn(known: &watch::Sender<Version>, version: Version) {
    known.send_if_modified(|known| {
        let is_newer = *known < version;
        if is_newer {
            *known = version;
        }
        is_newer
    });
}

impl Waiting {
    /// Ends when the session has more facts than this.
    pub(crate) async fn newer_than(&mut self, version: Version) {
        // The other end stays as long as this one.
        let _ = self.news.wait_for(|newest| version < *newest).await;
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut newest = self.waiters.newest();
        // This one is still among them.
        if newest
            .get(&self.id)
            .is_some_and(|known| known.receiver_count() <= 1)
        {
            newest.remove(&self.id);
        }
        self.waiters.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
