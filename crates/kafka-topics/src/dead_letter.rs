//! Events without a readable session id: set aside, told, and never lost.

use futures::future::join_all;
use reconciler::ports::LogError;
use reconciler::{DeadLetter, KeepDeadLetters, Notice, NoticeKind, NoticeLog, boundary};

use crate::publish::Publisher;

/// Puts dead letters into their topic; what the topic does not take is kept in the database until it does.
pub struct DeadLetters<'a, K, N> {
    /// To the topic.
    pub publisher: &'a Publisher,
    /// In the database.
    pub keep: &'a K,
    /// For people.
    pub notices: &'a N,
}

impl<K: KeepDeadLetters, N: NoticeLog> DeadLetters<'_, K, N> {
    /// When this returns `Ok`, the letter is in the topic or in the database, and a notice of it is recorded. It may
    /// be set aside again: the topic then has it twice, under the same `confirmd_source`.
    pub(crate) async fn set_aside(&self, letter: &DeadLetter) -> Result<(), LogError> {
        boundary("dead-letter");
        let set_aside = self.publisher.set_aside(letter).await;
        boundary("dead-lettered");
        if let Err(error) = set_aside {
            tracing::warn!(
                "the dead-letter topic did not take {}, which is kept instead: {}",
                letter.source,
                error.0
            );
            boundary("keep-dead-letter");
            self.keep.keep(letter).await?;
            boundary("dead-letter-kept");
        }
        boundary("record-dead-letter");
        let recorded = self.notices.record(&notice(letter)).await;
        boundary("dead-letter-recorded");
        recorded
    }

    /// Offers the oldest `limit` of those kept to the topic again; the number that it took comes back.
    pub async fn drain_kept(&self, limit: u32) -> Result<usize, LogError> {
        let letters = self.keep.kept(limit).await?;
        let offered = letters.iter().map(|letter| async move {
            boundary("offer-dead-letter");
            let set_aside = self.publisher.set_aside(letter).await;
            boundary("dead-letter-offered");
            if set_aside.is_err() {
                return Ok(0);
            }
            boundary("forget-dead-letter");
            let forgotten = self.keep.taken(&letter.source).await;
            boundary("dead-letter-forgotten");
            forgotten.map(|()| 1)
        });
        // One that the topic will never take does not hold up the others.
        let taken: Result<Vec<usize>, LogError> = join_all(offered).await.into_iter().collect();
        Ok(taken?.into_iter().sum())
    }
}

fn notice(letter: &DeadLetter) -> Notice {
    Notice {
        alert_id: format!("dead-letter/{}", letter.source),
        kind: NoticeKind::DeadLetter,
        firing: true,
        summary: format!(
            "An event without a readable session id was set aside ({}): `{}`: {}.",
            letter.source,
            letter.field,
            letter.reason.trim_end_matches('.')
        ),
        account: None,
        key: letter.source.clone(),
        at: letter.at,
    }
}
