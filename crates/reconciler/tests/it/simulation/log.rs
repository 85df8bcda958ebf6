//! The log as a simulated worker meets it: others go first, it is away now and then, an answer of it is
//! lost. And with one of its promises taken out, where a test shows what the promise is for.

use std::future::Future;

use checkout::{BodyRef, Event, SessionId, Timestamp};
use reconciler::ports::{
    Appended, Clock, Due, LogError, Outbox, PersonalRecord, Scheduled, SessionLog, Share,
};
use reconciler::{Append, Recorded, Schedule, Version};
use testkit::chance::Seeded;
use testkit::clock::SimClock;
use testkit::memory_log::{MemoryLog, away};
use testkit::tasks::pause;

/// Which guarantee is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Without {
    Nothing,
    /// `ConfirmationStarted` is not kept, and said to be.
    TheIntentRecord,
    /// Whoever comes second at a version is let through.
    TheExpectedVersion,
}

#[derive(Clone)]
pub(crate) struct SimLog {
    pub(crate) memory: MemoryLog,
    pub(crate) clock: SimClock,
    pub(crate) chance: Seeded,
    pub(crate) rough: u64,
    pub(crate) calm_from: Timestamp,
    pub(crate) without: Without,
}

impl SimLog {
    fn is_away(&self) -> bool {
        self.clock.now() < self.calm_from && self.chance.percent(self.rough)
    }

    async fn answered<T>(
        &self,
        read: impl Future<Output = Result<T, LogError>> + Send,
    ) -> Result<T, LogError> {
        pause().await;
        if self.is_away() {
            return Err(away());
        }
        let answer = read.await;
        pause().await;
        if self.is_away() { Err(away()) } else { answer }
    }

    fn append(&self, mut append: Append) -> Result<Appended, LogError> {
        let claimed = Version(append.after.0 + u32::try_from(append.events.len()).unwrap_or(u32::MAX));
        match self.without {
            Without::Nothing => self.memory.append(append, true),
            Without::TheExpectedVersion => self.memory.append(append, false),
            Without::TheIntentRecord => {
                let all = append.events.len();
                append
                    .events
                    .retain(|event| !matches!(event, Event::ConfirmationStarted { .. }));
                if append.events.len() == all {
                    return self.memory.append(append, true);
                }
                let older_unpublished = !self.memory.untold_of(&append.id).is_empty();
                if !append.events.is_empty() {
                    self.memory.append(append, true)?;
                }
                Ok(Appended {
                    version: claimed,
                    older_unpublished,
                })
            }
        }
    }
}

impl SessionLog for SimLog {
    fn append_all(
        &self,
        appends: Vec<Append>,
    ) -> impl Future<Output = Vec<Result<Appended, LogError>>> + Send {
        let this = self.clone();
        async move {
            pause().await;
            if this.is_away() {
                return appends.iter().map(|_| Err(away())).collect();
            }
            let answers: Vec<_> = appends.into_iter().map(|append| this.append(append)).collect();
            pause().await;
            if this.is_away() {
                return answers.iter().map(|_| Err(away())).collect();
            }
            answers
        }
    }

    async fn load(&self, id: &SessionId) -> Result<Vec<Recorded>, LogError> {
        self.answered(async { self.memory.load(id).await }).await
    }

    async fn personal(&self, id: &SessionId) -> Result<PersonalRecord, LogError> {
        self.answered(async { self.memory.personal(id).await }).await
    }

    async fn body(&self, id: &SessionId, body: BodyRef) -> Result<Option<Vec<u8>>, LogError> {
        self.answered(async { self.memory.body(id, body).await }).await
    }

    async fn due(
        &self,
        share: &Share,
        until: Timestamp,
        overdue_since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Due>, LogError> {
        self.answered(async { self.memory.due(share, until, overdue_since, limit).await })
            .await
    }

    async fn reschedule(&self, id: &SessionId, version: Version, schedule: Schedule) -> Result<(), LogError> {
        self.answered(async { self.memory.reschedule(id, version, schedule).await })
            .await
    }

    async fn unsettled(&self, after: Option<&Scheduled>, limit: u32) -> Result<Vec<Scheduled>, LogError> {
        self.answered(async { self.memory.unsettled(after, limit).await })
            .await
    }
}

impl Outbox for SimLog {
    async fn untold(
        &self,
        recorded_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(SessionId, Version)>, LogError> {
        self.answered(async { self.memory.untold(recorded_until, limit).await })
            .await
    }

    async fn told(&self, facts: &[(SessionId, Version)]) -> Result<(), LogError> {
        self.answered(async { self.memory.told(facts).await }).await
    }
}
