//! The session log, with what passes told to the metrics.

use std::time::Instant;

use checkout::{BodyRef, SessionId, Timestamp};
use reconciler::ports::{Appended, Due, LogError, PersonalRecord, Scheduled, SessionLog, Share};
use reconciler::{Append, Notice, NoticeKind, NoticeLog, Recorded, Schedule, Version};
use session_log::Log;

/// Times appends; everything else is the log's own.
#[derive(Clone)]
pub(crate) struct TimedLog(pub(crate) Log);

impl SessionLog for TimedLog {
    async fn append_all(&self, appends: Vec<Append>) -> Vec<Result<Appended, LogError>> {
        let begun = now();
        let results = self.0.append_all(appends).await;
        metrics::histogram!("confirmd_append_seconds").record(begun.elapsed().as_secs_f64());
        results
    }

    async fn load(&self, id: &SessionId) -> Result<Vec<Recorded>, LogError> {
        self.0.load(id).await
    }

    async fn personal(&self, id: &SessionId) -> Result<PersonalRecord, LogError> {
        self.0.personal(id).await
    }

    async fn body(&self, id: &SessionId, body: BodyRef) -> Result<Option<Vec<u8>>, LogError> {
        self.0.body(id, body).await
    }

    async fn due(
        &self,
        share: &Share,
        until: Timestamp,
        overdue_since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Due>, LogError> {
        self.0.due(share, until, overdue_since, limit).await
    }

    async fn reschedule(&self, id: &SessionId, version: Version, schedule: Schedule) -> Result<(), LogError> {
        self.0.reschedule(id, version, schedule).await
    }

    async fn unsettled(&self, after: Option<&Scheduled>, limit: u32) -> Result<Vec<Scheduled>, LogError> {
        self.0.unsettled(after, limit).await
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a database's speed is measured in the machine's time"
)]
fn now() -> Instant {
    Instant::now()
}

/// Counts dead letters by the notices of them.
pub(crate) struct CountedNotices(pub(crate) Log);

impl NoticeLog for CountedNotices {
    async fn record(&self, notice: &Notice) -> Result<(), LogError> {
        NoticeLog::record(&self.0, notice).await?;
        if notice.kind == NoticeKind::DeadLetter {
            metrics::counter!("confirmd_dead_letters_total").increment(1);
        }
        Ok(())
    }

    async fn untold(&self, limit: u32) -> Result<Vec<Notice>, LogError> {
        NoticeLog::untold(&self.0, limit).await
    }

    async fn told(&self, notices: &[Notice]) -> Result<(), LogError> {
        NoticeLog::told(&self.0, notices).await
    }
}
