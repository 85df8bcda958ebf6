//! Makes the topics where the configuration says so. Intake and publishing wait for that as they wait for a broker
//! that is away; everything else goes on.

use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::real_sleep;

/// Partitions of topics that `kafka.create_topics` makes.
const PARTITIONS: u32 = 3;
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Whether there are topics to read from and write to.
#[derive(Clone)]
pub(super) struct Topics(watch::Receiver<bool>);

/// Topics that are there, unless they are made first.
pub(super) fn unless_made(first: bool) -> (watch::Sender<bool>, Topics) {
    let (made, topics) = watch::channel(!first);
    (made, Topics(topics))
}

impl Topics {
    /// Does `work` as soon as there are topics; nothing if it is to stop before.
    pub(super) async fn before(
        mut self,
        work: impl Future<Output = anyhow::Result<()>>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        tokio::select! {
            // Whether they are there is asked first: work that is to stop ends in its own way.
            biased;
            there = self.0.wait_for(|there| *there) => if there.is_err() { return Ok(()) },
            () = stop.cancelled() => return Ok(()),
        }
        work.await
    }
}

/// Makes the topics, however long the broker is away, and then waits for the end.
pub(super) async fn make(
    kafka: kafka_topics::Settings,
    made: watch::Sender<bool>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    loop {
        let making = async { kafka_topics::create_topics(&kafka, PARTITIONS).await };
        let failed = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            done = making => done.err(),
        };
        let Some(error) = failed else { break };
        // Whoever may not make topics may still use those that somebody else has made.
        if is_refusal(&error)
            && kafka_topics::check(&kafka)
                .await
                .is_ok_and(|missing| missing.is_empty())
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "kafka.create_topics: the broker makes no topics for us, and has them all"
            );
            break;
        }
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "kafka.create_topics: the topics cannot be made yet; trying again in {} s",
            TRY_AGAIN_AFTER.as_secs()
        );
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = real_sleep(TRY_AGAIN_AFTER) => {}
        }
    }
    made.send_replace(true);
    stop.cancelled().await;
    Ok(())
}

fn is_refusal(error: &kafka_topics::CheckFailed) -> bool {
    matches!(error, kafka_topics::CheckFailed::NotCreated { .. })
}
