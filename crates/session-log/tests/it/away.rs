//! Connections that are lost, servers that hang, and callers that leave.

use std::time::Duration;

use checkout::StateName;
use reconciler::Version;
use reconciler::ports::{LogError, Outbox, SessionLog};
use session_log::{Log, OpenError, Options};
use testkit::real::PostgresServer;

use crate::proxy::{Proxy, Weather};
use crate::support::{Backend, Story, alert, append, at, completed, heard, in_time, migrated, on_both};

on_both!(appends_whose_callers_leave_are_written_whole_or_not_at_all);

fn impatient() -> Options {
    Options {
        patience: Duration::from_millis(500),
        ..Options::default()
    }
}

/// A log by way of a proxy, and the same log without it.
async fn behind_a_proxy(options: Options) -> Option<(Log, Proxy, Backend)> {
    let backend = Backend::postgres().await?;
    let proxy = Proxy::before(&backend.url).await;
    let log = Log::open(&proxy.url, options).await.unwrap();
    Some((log, proxy, backend))
}

#[tokio::test]
async fn an_append_whose_answer_was_lost_is_recognised_as_ones_own() {
    let Some((log, proxy, backend)) = behind_a_proxy(Options::default()).await else {
        return;
    };
    let mut story = heard(&log, "s-1").await;
    append(&log, story.then(at(1), [alert(1)])).await.unwrap();

    proxy.becomes(Weather::LosesTheNextAnswer);
    let added = in_time(append(&log, story.then(at(2), [alert(2), alert(3)]))).await;
    assert_eq!(proxy.weather(), Weather::Fair, "no answer was lost");

    let added = added.unwrap();
    assert_eq!(added.version, Version(4));
    assert!(added.older_unpublished);
    assert_eq!(backend.log.load(&story.id).await.unwrap(), story.history);
    append(&log, story.then(at(3), [alert(4)])).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_does_not_make_anothers_append_ones_own() {
    let Some((log, proxy, backend)) = behind_a_proxy(Options::default()).await else {
        return;
    };
    let mut story = heard(&log, "s-1").await;
    let mut rival = story.clone();
    append(&backend.log, rival.then(at(1), [alert(1)])).await.unwrap();
    proxy.becomes(Weather::LosesTheNextAnswer);
    let overtaken = in_time(append(&log, story.then(at(1), [alert(1)]))).await;
    assert_eq!(proxy.weather(), Weather::Fair, "no answer was lost");
    assert!(matches!(overtaken, Err(LogError::Overtaken)));
    assert_eq!(backend.log.load(&story.id).await.unwrap(), rival.history);
}

#[tokio::test]
async fn a_server_that_hangs_is_unavailable_and_then_comes_back() {
    let Some((log, proxy, _backend)) = behind_a_proxy(impatient()).await else {
        return;
    };
    let mut story = heard(&log, "s-1").await;
    let mut tried = story.clone();

    proxy.becomes(Weather::Silent);
    let appended = in_time(append(&log, tried.then(at(1), [alert(1)]))).await;
    let Err(LogError::Unavailable(why)) = appended else {
        panic!("{appended:?}");
    };
    assert!(why.to_string().contains("no answer within"), "{why}");
    assert!(matches!(
        in_time(log.load(&story.id)).await,
        Err(LogError::Unavailable(_))
    ));
    let told = in_time(Outbox::told(&log, &[(story.id.clone(), Version(1))])).await;
    assert!(matches!(told, Err(LogError::Unavailable(_))));
    let ready = in_time(log.ready()).await.unwrap_err();
    assert!(matches!(ready, OpenError::Unreachable(_)) && ready.is_retryable());

    proxy.becomes(Weather::Fair);
    // Whether the append that nobody waited for was written is not promised.
    let history = in_time(load_at_last(&log, &story)).await;
    assert!(history == story.history || history == tried.history);
    if history == tried.history {
        story = tried;
    }
    let mut again = append(&log, story.clone().then(at(2), [alert(2)])).await;
    while let Err(LogError::Unavailable(_)) = again {
        again = append(&log, story.clone().then(at(2), [alert(2)])).await;
    }
    assert!(
        again.is_ok() || matches!(again, Err(LogError::Overtaken)),
        "{again:?}"
    );
}

/// Asks until the log answers; each time it waits for as long as its patience.
async fn load_at_last(log: &Log, story: &Story) -> Vec<reconciler::Recorded> {
    loop {
        if let Ok(history) = log.load(&story.id).await {
            return history;
        }
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_restarts_and_crashes_of_the_server() {
    let Some(mut server) = PostgresServer::start_new() else {
        return;
    };
    let url = server.database("session-log");
    let patient = migrated(&url).await;
    let log = Log::open(&url, impatient()).await.unwrap();
    let mut story = heard(&patient, "s-1").await;
    heard(&log, "s-2").await;
    // Several readers, whose connections are all lost.
    let load = || patient.load(&story.id);
    let (one, two, three) = tokio::join!(load(), load(), load());
    assert!(one.is_ok() && two.is_ok() && three.is_ok());

    server.stop();
    server.start();
    // Nobody has to know of it.
    in_time(append(&patient, story.then(at(1), [alert(1)])))
        .await
        .unwrap();
    assert_eq!(in_time(patient.load(&story.id)).await.unwrap(), story.history);

    server.kill();
    let mut tried = story.clone();
    let away = in_time(append(&log, tried.then(at(2), [alert(2)]))).await;
    assert!(matches!(away, Err(LogError::Unavailable(_))), "{away:?}");
    assert!(matches!(
        in_time(log.load(&story.id)).await,
        Err(LogError::Unavailable(_))
    ));

    server.start();
    assert_eq!(in_time(load_at_last(&log, &story)).await, story.history);
    in_time(append(&patient, story.then(at(3), [alert(2)])))
        .await
        .unwrap();
    assert_eq!(in_time(load_at_last(&log, &story)).await, story.history);
}

/// Trap 1: what is dropped half-way must leave no transaction open, in which later appends would be lost.
async fn appends_whose_callers_leave_are_written_whole_or_not_at_all(backend: &Backend) {
    let log = &backend.log;
    let mut left = Vec::new();
    for patience in 0..40 {
        let mut story = Story::of(&format!("left-{patience}"));
        let abandoned = append(log, story.then(at(0), [completed(at(0)), alert(1)]));
        tokio::select! {
            biased;
            _ = abandoned => {}
            () = some_turns(patience) => {}
        }
        left.push(story);
    }
    let mut stayed = heard(log, "stayed").await;
    append(log, stayed.then(at(1), [alert(1)])).await.unwrap();

    // As somebody else sees it: nothing is still open.
    let other = Log::open(&backend.url, Options::default()).await.unwrap();
    assert_eq!(other.load(&stayed.id).await.unwrap(), stayed.history);
    for story in left {
        let history = other.load(&story.id).await.unwrap();
        assert!(history.is_empty() || history == story.history);
        let found = other.find(&story.id).await.unwrap();
        assert_eq!(
            found.map(|found| found.row.state),
            history.last().map(|_| StateName::Ready)
        );
    }
}

/// Lets the writers get a little further each time.
async fn some_turns(turns: u32) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}
