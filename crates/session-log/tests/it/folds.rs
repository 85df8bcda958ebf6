//! The index of sessions against its facts.

use checkout::StateName;
use reconciler::Append;
use reconciler::ports::{SessionLog, Share};
use session_log::Difference;

use crate::support::{Backend, Story, alert, append, at, completed, confirmed, heard, id, on_both, policy};

on_both!(
    what_appends_write_is_what_the_facts_say,
    a_wrong_row_is_told_and_made_anew,
    a_lost_row_is_made_anew,
    a_row_that_is_ahead_of_its_facts_is_made_anew,
    more_than_a_portion_is_made_anew_and_each_once,
    a_history_longer_than_a_portion_is_made_anew,
    facts_that_cannot_be_read_leave_their_row_as_it_is,
    a_row_without_facts_is_told,
);

async fn differences(backend: &Backend) -> Vec<Difference> {
    backend.log.verify_folds(|_| policy()).await.unwrap()
}

async fn what_appends_write_is_what_the_facts_say(backend: &Backend) {
    let mut story = heard(&backend.log, "s-1").await;
    append(&backend.log, story.then(at(1), [alert(1)])).await.unwrap();
    append(&backend.log, story.then(at(2), [confirmed()]))
        .await
        .unwrap();
    heard(&backend.log, "s-2").await;
    assert_eq!(differences(backend).await, []);
    let report = backend.log.rebuild(|_| policy()).await.unwrap();
    assert_eq!(
        (report.sessions, report.corrected, report.failed),
        (2, vec![], vec![])
    );
}

async fn a_wrong_row_is_told_and_made_anew(backend: &Backend) {
    let mut story = Story::of("s-1");
    let mut first = story.then(at(0), [completed(at(0))]);
    first.partition = 7;
    append(&backend.log, first).await.unwrap();
    let mut last = story.then(at(1), [confirmed()]);
    last.erase_after = Some(at(60));
    append(&backend.log, last).await.unwrap();
    heard(&backend.log, "s-2").await;
    let right = backend.log.find(&story.id).await.unwrap();
    backend
        .sql("UPDATE sessions SET state = 'expired', merchant_reference_id = NULL WHERE session_id = 's-1'")
        .await;

    let wrong = [Difference {
        id: id("s-1"),
        what: "state, merchant_reference_id".to_owned(),
    }];
    assert_eq!(differences(backend).await, wrong);
    let found = backend.log.find(&story.id).await.unwrap().unwrap();
    assert_eq!(found.row.state, StateName::Expired, "looking changes nothing");

    let report = backend.log.rebuild(|_| policy()).await.unwrap();
    assert_eq!(report.corrected, wrong);
    assert_eq!(differences(backend).await, []);
    assert_eq!(backend.log.find(&story.id).await.unwrap(), right);
}

async fn a_lost_row_is_made_anew(backend: &Backend) {
    let story = heard(&backend.log, "s-1").await;
    backend.sql("DELETE FROM sessions").await;
    assert_eq!(differences(backend).await[0].what, "it has no row");
    backend.log.rebuild(|_| policy()).await.unwrap();
    assert_eq!(differences(backend).await, []);
    let due = backend
        .log
        .due(&Share::All, at(60), at(0), &[], 10)
        .await
        .unwrap();
    assert_eq!(due[0].id, story.id);
}

async fn a_row_that_is_ahead_of_its_facts_is_made_anew(backend: &Backend) {
    heard(&backend.log, "s-1").await;
    backend.sql("UPDATE sessions SET version = 9").await;
    assert_eq!(differences(backend).await[0].what, "version");
    backend.log.rebuild(|_| policy()).await.unwrap();
    assert_eq!(differences(backend).await, []);
}

/// Portions are of three thousand facts, and these sessions have two each but for the first: one is cut in two.
async fn more_than_a_portion_is_made_anew_and_each_once(backend: &Backend) {
    heard(&backend.log, "s").await;
    let sessions = 1_600;
    let appends: Vec<Append> = (0..sessions)
        .map(|nth| {
            let mut story = Story::of(&format!("s-{nth:04}"));
            story.then(at(0), [completed(at(0)), alert(1)])
        })
        .collect();
    for appended in backend.log.append_all(appends).await {
        appended.unwrap();
    }
    backend.sql("DELETE FROM sessions").await;
    let report = backend.log.rebuild(|_| policy()).await.unwrap();
    assert_eq!(
        (report.sessions, report.corrected.len(), report.failed),
        (sessions + 1, sessions as usize + 1, vec![])
    );
    assert_eq!(differences(backend).await, []);
}

async fn a_history_longer_than_a_portion_is_made_anew(backend: &Backend) {
    heard(&backend.log, "before").await;
    let mut story = heard(&backend.log, "long").await;
    for _ in 0..31 {
        let alerts = (0..100).map(alert);
        append(&backend.log, story.then(at(1), alerts)).await.unwrap();
    }
    heard(&backend.log, "then").await;
    backend.sql("DELETE FROM sessions").await;
    let report = backend.log.rebuild(|_| policy()).await.unwrap();
    assert_eq!((report.sessions, report.corrected.len()), (3, 3));
    assert_eq!(differences(backend).await, []);
}

async fn facts_that_cannot_be_read_leave_their_row_as_it_is(backend: &Backend) {
    heard(&backend.log, "s-1").await;
    heard(&backend.log, "s-2").await;
    backend
        .sql("UPDATE events SET format = 99 WHERE session_id = 's-1'")
        .await;
    backend.sql("UPDATE sessions SET state = 'waiting'").await;
    let report = backend.log.rebuild(|_| policy()).await.unwrap();
    assert_eq!((report.sessions, report.corrected.len()), (2, 1));
    assert_eq!(report.failed[0].id, id("s-1"));
    assert!(report.failed[0].what.contains("format 99"));
    let untouched = backend.log.find(&id("s-1")).await.unwrap().unwrap();
    assert_eq!(untouched.row.state, StateName::Waiting);
}

async fn a_row_without_facts_is_told(backend: &Backend) {
    heard(&backend.log, "s-1").await;
    backend.sql("DELETE FROM events").await;
    let told = differences(backend).await;
    assert_eq!(
        (told.len(), told[0].what.as_str()),
        (1, "it has a row and no facts")
    );
}
