//! Writers that meet.

use reconciler::ports::{LogError, SessionLog};
use session_log::{Log, Options};
use tokio::task::JoinSet;

use crate::support::{Backend, Story, alert, append, at, completed, heard, in_time, on_both};

on_both!(
    of_two_writers_of_one_version_exactly_one_wins,
    two_hundred_appends_at_once_are_all_recorded,
    groups_that_have_sessions_in_common_do_not_wait_for_each_other,
);

/// Another replica.
async fn replica(backend: &Backend) -> Log {
    Log::open(&backend.url, Options::default()).await.unwrap()
}

/// Another replica, for which a deadlock is not resolved before its patience ends.
async fn replica_that_deadlocks(backend: &Backend) -> Log {
    let mut url = backend.url.clone();
    if url.starts_with("postgres") {
        url += "&options[deadlock_timeout]=60s";
    }
    Log::open(&url, Options::default()).await.unwrap()
}

async fn of_two_writers_of_one_version_exactly_one_wins(backend: &Backend) {
    let rival = replica(backend).await;
    let mut story = heard(&backend.log, "s-1").await;
    for round in 1..=20 {
        let (mut ours, mut theirs) = (story.clone(), story.clone());
        let (one, other) = in_time(async {
            tokio::join!(
                append(&backend.log, ours.then(at(round), [alert(1), alert(2)])),
                append(&rival, theirs.then(at(round), [alert(3)])),
            )
        })
        .await;
        story = match (one, other) {
            (Ok(_), Err(LogError::Overtaken)) => ours,
            (Err(LogError::Overtaken), Ok(_)) => theirs,
            both => panic!("round {round}: {both:?}"),
        };
        assert_eq!(backend.log.load(&story.id).await.unwrap(), story.history);
    }
}

async fn two_hundred_appends_at_once_are_all_recorded(backend: &Backend) {
    let mut tasks = JoinSet::new();
    for n in 0..200 {
        let log = backend.log.clone();
        tasks.spawn(async move {
            let mut story = Story::of(&format!("s-{n}"));
            append(&log, story.then(at(0), [completed(at(0)), alert(1)]))
                .await
                .unwrap();
            story
        });
    }
    for story in in_time(tasks.join_all()).await {
        assert_eq!(backend.log.load(&story.id).await.unwrap(), story.history);
    }
    assert_eq!(backend.log.outbox_pending().await.unwrap(), 200);
    let rows = "SELECT count(*) FROM sessions s WHERE version = (SELECT max(e.version) FROM events e WHERE e.session_id = s.session_id)";
    assert_eq!(backend.sql(rows).await, [200]);
}

async fn groups_that_have_sessions_in_common_do_not_wait_for_each_other(backend: &Backend) {
    let (one, other) = (
        replica_that_deadlocks(backend).await,
        replica_that_deadlocks(backend).await,
    );
    for round in 0..8 {
        let group = |log: Log, backwards: bool| async move {
            let mut names: Vec<String> = (0..200).map(|n| format!("s-{round}-{n}")).collect();
            if backwards {
                names.reverse();
            }
            let appends = names
                .iter()
                .map(|name| Story::of(name).then(at(0), [completed(at(0))]));
            let mut won: Vec<bool> = log
                .append_all(appends.collect())
                .await
                .iter()
                .map(|result| match result {
                    Ok(_) => true,
                    Err(LogError::Overtaken) => false,
                    Err(other) => panic!("{other:?}"),
                })
                .collect();
            if backwards {
                won.reverse();
            }
            won
        };
        let ours = tokio::spawn(group(one.clone(), false));
        let theirs = tokio::spawn(group(other.clone(), true));
        let (ours, theirs) = in_time(async { (ours.await.unwrap(), theirs.await.unwrap()) }).await;
        for (one, other) in ours.into_iter().zip(theirs) {
            assert!(one != other, "each session has one winner");
        }
    }
}
