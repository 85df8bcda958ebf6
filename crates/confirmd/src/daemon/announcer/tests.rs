//! Nobody waits for what is still being told, and what one append says is told in one go.

use std::future::pending;

use checkout::{SessionId, Timestamp};
use reconciler::ports::PublishError;
use reconciler::{Notice, Version};
use session_log::{Log, Options};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::yield_now;

use super::*;
use crate::clock::ProgramClock;
use crate::daemon::schedule::ticks;

/// Says what it is asked to tell, and is never done with it.
struct Slow(UnboundedSender<Vec<String>>);

impl Publish for Slow {
    async fn publish(&self, announcements: &[Announcement]) -> Vec<Result<(), PublishError>> {
        let asked = announcements
            .iter()
            .map(|one| format!("{}/{}", one.id, one.version.0));
        self.0.send(asked.collect()).unwrap();
        pending().await
    }
}

impl PublishNotice for Slow {
    async fn publish_notice(&self, _: &Notice) -> Result<(), PublishError> {
        pending().await
    }
}

pub(crate) fn expired(id: &str, version: u32) -> Announcement {
    let at = Timestamp::from_micros(1);
    Announcement {
        id: SessionId::parse(id).unwrap(),
        version: Version(version),
        recorded_at: at,
        account: None,
        merchant_reference_id: None,
        said_at: at,
        traceparent: None,
        content: Content::Expired { deadline: at },
    }
}

#[tokio::test]
async fn what_is_still_being_told_holds_up_nobody_and_an_append_is_told_in_one_go() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", dir.path().join("log.db").display());
    let options = Options {
        usable_schema_only: false,
        ..Options::default()
    };
    let log = Log::open(&url, options).await.unwrap();
    log.migrate().await.unwrap();
    let (asks, mut asked) = unbounded_channel();
    let (_ticker, tick) = ticks();
    let announcer = Announcer {
        log,
        publisher: Arc::new(Slow(asks)),
        clock: ProgramClock::System,
        tick,
    };
    let (memory, to_announce) = memory(Arc::default());
    let running = tokio::spawn(announcer.run(to_announce, CancellationToken::new()));

    memory.offer(vec![expired("a", 1)]);
    assert_eq!(asked.recv().await.unwrap(), ["a/1"]);
    for nth in 2..=GOES {
        memory.offer(vec![expired("b", 2), expired("b", 3)]);
        settled().await;
        assert_eq!(asked.try_recv().unwrap(), ["b/2", "b/3"], "the {nth}th go");
    }
    // Not for ever: what comes now is told with what comes later.
    memory.offer(vec![expired("c", 1)]);
    settled().await;
    assert!(asked.try_recv().is_err());
    running.abort();
}

/// Until the others, on this one thread, wait for something.
async fn settled() {
    for _ in 0..100 {
        yield_now().await;
    }
}
