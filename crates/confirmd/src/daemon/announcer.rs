//! Tells the world: from memory right after the append, and from the outbox whatever memory has lost.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use reconciler::ports::{Clock, LogError, Outbox, Outlet, Publish, SessionLog};
use reconciler::{
    Announcement, Content, NoticeLog, PublishNotice, announcement_at, boundary, mark_told, publish,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::schedule::Tick;
use super::waiters::Waiters;

/// Appends in memory whose announcements are to be told; what does not fit goes by the outbox.
const IN_MEMORY: usize = 4_096;
/// Of these, as many are told in one go.
const AT_ONCE: usize = 512;
/// Such goes at the same time, so that none waits until the one before it has been marked. A session's facts keep their
/// order: those of one append are told in one go, and those of a later one come by memory only if the earlier were marked.
const GOES: usize = 4;
/// The names of the outcomes in metrics.
pub(crate) const OUTCOMES: [&str; 5] = [CONFIRMED, DECLINED, CANCELLED, EXPIRED, UNRESOLVED];
const CONFIRMED: &str = "confirmed";
const DECLINED: &str = "declined";
const CANCELLED: &str = "cancelled";
const EXPIRED: &str = "expired";
const UNRESOLVED: &str = "unresolved";
/// What is younger than this may still be on its way from memory.
const LEFT_TO_MEMORY: Duration = Duration::from_secs(5);

/// Where the use cases put what is to be told.
#[derive(Clone)]
pub(crate) struct Memory {
    to_tell: mpsc::Sender<Vec<Announcement>>,
    waiters: Arc<Waiters>,
}

impl Outlet for Memory {
    fn offer(&self, announcements: Vec<Announcement>) {
        self.waiters.heard(&announcements);
        // A later fact of the session must not overtake one that was dropped, and does not: the append of the later one
        // finds the earlier one untold and leaves both to the outbox.
        let _ = self.to_tell.try_send(announcements);
    }
}

/// The memory and its other end; `waiters` hear at once.
pub(crate) fn memory(waiters: Arc<Waiters>) -> (Memory, mpsc::Receiver<Vec<Announcement>>) {
    let (to_tell, receiver) = mpsc::channel(IN_MEMORY);
    (Memory { to_tell, waiters }, receiver)
}

pub(crate) struct Announcer<L, P, C> {
    pub(crate) log: L,
    pub(crate) publisher: Arc<P>,
    pub(crate) clock: C,
    pub(crate) tick: Tick,
}

impl<L, P, C> Announcer<L, P, C>
where
    L: SessionLog + Outbox + NoticeLog,
    P: Publish + PublishNotice,
    C: Clock,
{
    /// Tells until it is to stop, and then what is left in memory.
    pub(crate) async fn run(
        self,
        mut memory: mpsc::Receiver<Vec<Announcement>>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        // What a crash has left is nobody's to tell from memory.
        self.drain(Duration::ZERO).await;
        let mut tick = self.tick.clone();
        let mut goes = FuturesUnordered::new();
        let mut is_to_stop = false;
        let mut batch = Vec::with_capacity(AT_ONCE);
        loop {
            tokio::select! {
                biased;
                Some(()) = goes.next() => {}
                // It ends with the last of the work in flight, which still has something to tell after the stop.
                count = memory.recv_many(&mut batch, AT_ONCE), if goes.len() < GOES => {
                    if count == 0 {
                        break;
                    }
                    goes.push(self.tell_all(mem::take(&mut batch)));
                }
                () = stop.cancelled(), if !is_to_stop => is_to_stop = true,
                changed = tick.changed(), if !is_to_stop => match changed {
                    Ok(()) => self.drain(LEFT_TO_MEMORY).await,
                    Err(_) => is_to_stop = true,
                },
            }
        }
        while goes.next().await.is_some() {}
        Ok(())
    }

    async fn tell_all(&self, appends: Vec<Vec<Announcement>>) {
        let announcements: Vec<Announcement> = appends.into_iter().flatten().collect();
        self.tell(&announcements).await;
    }

    async fn tell(&self, announcements: &[Announcement]) -> bool {
        if announcements.is_empty() {
            return false;
        }
        match publish(self.publisher.as_ref(), &self.log, announcements).await {
            Ok(taken) => {
                let now = self.clock.now();
                for (announcement, _) in announcements.iter().zip(&taken).filter(|(_, taken)| **taken) {
                    count(announcement, now);
                }
                let left = taken.iter().filter(|taken| !**taken).count();
                if left > 0 {
                    tracing::warn!(
                        left,
                        "the broker did not take {left} announcements: the outbox keeps them"
                    );
                }
                left == 0
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "announcements were told and could not be marked: they will be told again"
                );
                false
            }
        }
    }

    /// Tells what is recorded and untold, as long as that goes on.
    async fn drain(&self, younger_is_left: Duration) {
        loop {
            let until = self.clock.now().minus(younger_is_left);
            match self.drain_once(until).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the outbox cannot be read"
                    );
                    break;
                }
            }
        }
        if let Err(error) = self.drain_notices().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "notices cannot be told");
        }
    }

    async fn drain_once(&self, recorded_until: checkout::Timestamp) -> Result<bool, LogError> {
        let untold = Outbox::untold(
            &self.log,
            recorded_until,
            u32::try_from(AT_ONCE).unwrap_or(u32::MAX),
        )
        .await?;
        let mut announcements = Vec::with_capacity(untold.len());
        let mut silent = Vec::new();
        for (id, version) in untold {
            let history = match self.log.load(&id).await {
                Ok(history) => history,
                // One history that cannot be read must not keep every other session's outcome.
                Err(LogError::Rejected(cause)) => {
                    tracing::error!(session.id = %id, "what `{id}` has to tell cannot be read: {cause}");
                    continue;
                }
                Err(error @ (LogError::Unavailable(_) | LogError::Overtaken)) => return Err(error),
            };
            match announcement_at(&id, &history, version) {
                Some(announcement) => announcements.push(announcement),
                None => silent.push((id, version)),
            }
        }
        if !silent.is_empty() {
            mark_told(&self.log, &silent).await?;
        }
        if announcements.is_empty() {
            return Ok(!silent.is_empty());
        }
        Ok(self.tell(&announcements).await)
    }

    async fn drain_notices(&self) -> Result<(), LogError> {
        let notices = NoticeLog::untold(&self.log, 100).await?;
        for notice in notices {
            boundary("publish-notice");
            let published = self.publisher.publish_notice(&notice).await;
            boundary("notice-published");
            if let Err(error) = published {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a notice could not be told"
                );
                break;
            }
            boundary("mark-notice-told");
            NoticeLog::told(&self.log, std::slice::from_ref(&notice)).await?;
            boundary("notice-told");
        }
        Ok(())
    }
}

fn count(announcement: &Announcement, now: checkout::Timestamp) {
    let account = announcement
        .account
        .as_ref()
        .map_or("-", |account| account.as_str())
        .to_owned();
    let kind = match &announcement.content {
        Content::Confirmed { .. } => CONFIRMED,
        Content::Declined { .. } => DECLINED,
        Content::Cancelled { .. } => CANCELLED,
        Content::Expired { .. } => EXPIRED,
        Content::Unresolved { .. } => UNRESOLVED,
        Content::PaymentPending { .. } | Content::AttemptDeclined { .. } | Content::Alert { .. } => return,
    };
    metrics::counter!("confirmd_outcomes_total", "account" => account, "type" => kind).increment(1);
    metrics::histogram!("confirmd_outcome_latency_seconds")
        .record(now.since(announcement.said_at).as_secs_f64());
}

#[cfg(test)]
pub(crate) mod tests;
