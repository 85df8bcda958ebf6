//! What an append does, and what it does not.

use checkout::{BodyRef, StateName};
use reconciler::ports::{LogError, Outbox, SessionLog};
use reconciler::{Actor, Version};

use crate::support::{
    Backend, Story, address, alert, append, at, completed, confirmed, heard, id, on_both, started,
};

on_both!(
    what_was_appended_is_what_is_loaded,
    a_session_never_heard_of_is_empty,
    an_append_behind_the_log_is_overtaken,
    an_append_ahead_of_the_log_leaves_no_gap,
    an_overtaken_append_leaves_nothing_and_does_not_hinder_the_others,
    results_stand_in_the_order_of_the_requests,
    one_session_may_stand_twice_in_a_request,
    data_that_the_database_refuses_are_rejected_and_the_others_recorded,
    a_second_outcome_is_rejected,
    an_append_without_facts_is_rejected,
    a_fact_in_an_unknown_format_stops_its_own_session_only,
);

async fn what_was_appended_is_what_is_loaded(backend: &Backend) {
    let log = &backend.log;
    let mut story = Story::of("s-1");
    let mut first = story.then(at(1), [completed(at(0)), started(1, at(1))]);
    first.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    let mut second = story.then(at(2), [confirmed()]);
    second.actor = Actor::Operator("ada".to_owned());
    second.reason = Some("repaired".to_owned());
    for fact in &mut story.history[..2] {
        fact.traceparent.clone_from(&first.traceparent);
    }
    story.history[2].actor = second.actor.clone();
    story.history[2].reason.clone_from(&second.reason);

    assert_eq!(append(log, first).await.unwrap().version, Version(2));
    assert_eq!(append(log, second).await.unwrap().version, Version(3));

    assert_eq!(log.load(&story.id).await.unwrap(), story.history);
    let found = "SELECT count(*) FROM events WHERE request_id = 'req-1'";
    assert_eq!(backend.sql(found).await, [1]);
}

async fn a_session_never_heard_of_is_empty(backend: &Backend) {
    let stranger = id("stranger");
    assert_eq!(backend.log.load(&stranger).await.unwrap(), []);
    assert_eq!(backend.log.partition_of(&stranger).await.unwrap(), None);
    assert_eq!(backend.log.body(&stranger, BodyRef(1)).await.unwrap(), None);
    assert!(!backend.log.personal(&stranger).await.unwrap().erased);
}

async fn an_append_behind_the_log_is_overtaken(backend: &Backend) {
    let mut story = heard(&backend.log, "s-1").await;
    let mut late = story.clone();
    append(&backend.log, story.then(at(1), [started(1, at(1))]))
        .await
        .unwrap();
    let overtaken = append(&backend.log, late.then(at(1), [alert(1), alert(2)])).await;
    assert!(matches!(overtaken, Err(LogError::Overtaken)));
    assert_eq!(backend.log.load(&story.id).await.unwrap(), story.history);
}

async fn an_append_ahead_of_the_log_leaves_no_gap(backend: &Backend) {
    let mut story = heard(&backend.log, "s-1").await;
    let recorded = story.history.clone();
    let _never_sent = story.then(at(1), [alert(1)]);
    let ahead = append(&backend.log, story.then(at(2), [alert(2)])).await;
    assert!(matches!(ahead, Err(LogError::Overtaken)));
    let mut unheard = Story::of("s-2");
    let _never_sent = unheard.then(at(0), [completed(at(0))]);
    let ahead = append(&backend.log, unheard.then(at(2), [alert(1)])).await;
    assert!(matches!(ahead, Err(LogError::Overtaken)));
    assert_eq!(backend.log.load(&story.id).await.unwrap(), recorded);
    assert_eq!(backend.log.load(&unheard.id).await.unwrap(), []);
}

async fn an_overtaken_append_leaves_nothing_and_does_not_hinder_the_others(backend: &Backend) {
    let log = &backend.log;
    let mut one = heard(log, "s-1").await;
    let mut late = one.clone();
    let mut other = heard(log, "s-2").await;
    append(log, one.then(at(1), [started(1, at(1))])).await.unwrap();

    let mut overtaken = late.then(at(2), [confirmed()]);
    overtaken.body = Some((BodyRef(9), b"lost".to_vec()));
    overtaken.found = Some(address("Ada"));
    let results = log
        .append_all(vec![overtaken, other.then(at(2), [alert(1)])])
        .await;

    assert!(matches!(results[0], Err(LogError::Overtaken)));
    assert!(results[1].is_ok());
    assert_eq!(log.load(&one.id).await.unwrap(), one.history);
    assert_eq!(log.load(&other.id).await.unwrap(), other.history);
    assert_eq!(log.body(&one.id, BodyRef(9)).await.unwrap(), None);
    assert!(log.personal(&one.id).await.unwrap().found.is_none());
    assert_eq!(
        Outbox::untold(log, at(9), 9).await.unwrap(),
        [(other.id.clone(), Version(2))]
    );
    assert_eq!(
        log.find(&one.id).await.unwrap().unwrap().row.state,
        StateName::Ready
    );
}

async fn results_stand_in_the_order_of_the_requests(backend: &Backend) {
    // Neither the order of the keys nor that of the writers.
    let names = ["s-5", "s-1", "s-9", "s-3", "s-7", "s-2"];
    let appends = names.iter().enumerate().map(|(place, name)| {
        let facts = (0..place as u32).map(alert);
        Story::of(name).then(at(0), [completed(at(0))].into_iter().chain(facts))
    });
    let versions: Vec<u32> = backend
        .log
        .append_all(appends.collect())
        .await
        .into_iter()
        .map(|result| result.unwrap().version.0)
        .collect();
    assert_eq!(versions, [1, 2, 3, 4, 5, 6]);
}

async fn one_session_may_stand_twice_in_a_request(backend: &Backend) {
    let mut story = Story::of("s-1");
    let appends = vec![
        story.then(at(0), [completed(at(0))]),
        story.then(at(1), [started(1, at(1))]),
    ];
    let results = backend.log.append_all(appends).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(backend.log.load(&story.id).await.unwrap(), story.history);
}

async fn data_that_the_database_refuses_are_rejected_and_the_others_recorded(backend: &Backend) {
    let log = &backend.log;
    let mut stories: Vec<Story> = (0..20).map(|n| Story::of(&format!("s-{n}"))).collect();
    let mut appends: Vec<_> = stories
        .iter_mut()
        .map(|story| story.then(at(0), [completed(at(0))]))
        .collect();
    for culprit in [3, 11] {
        appends[culprit].row.merchant_reference_id = Some("ORDER\0SECRET".to_owned());
    }
    let results = log.append_all(appends).await;
    for (place, result) in results.into_iter().enumerate() {
        let recorded = log.load(&stories[place].id).await.unwrap();
        if [3, 11].contains(&place) {
            assert!(recorded.is_empty());
            let Err(LogError::Rejected(why)) = result else {
                panic!("{place}: {result:?}");
            };
            assert!(!format!("{why:?} {why}").contains("SECRET"));
        } else {
            assert!(result.is_ok(), "{place}: {result:?}");
            assert_eq!(recorded, stories[place].history);
        }
    }
}

async fn a_second_outcome_is_rejected(backend: &Backend) {
    let mut story = heard(&backend.log, "s-1").await;
    append(&backend.log, story.then(at(1), [confirmed()]))
        .await
        .unwrap();
    let once = story.history.clone();
    let again = append(&backend.log, story.then(at(2), [confirmed()])).await;
    assert!(matches!(again, Err(LogError::Rejected(_))), "{again:?}");
    assert_eq!(backend.log.load(&story.id).await.unwrap(), once);
}

async fn an_append_without_facts_is_rejected(backend: &Backend) {
    let mut story = heard(&backend.log, "s-1").await;
    let nothing = append(&backend.log, story.then(at(1), [])).await;
    assert!(matches!(nothing, Err(LogError::Rejected(_))));
}

async fn a_fact_in_an_unknown_format_stops_its_own_session_only(backend: &Backend) {
    let strange = heard(&backend.log, "s-1").await;
    let other = heard(&backend.log, "s-2").await;
    backend
        .sql("UPDATE events SET format = 99 WHERE session_id = 's-1'")
        .await;
    let Err(LogError::Rejected(why)) = backend.log.load(&strange.id).await else {
        panic!("it was loaded");
    };
    assert!(why.to_string().contains("format 99"), "{why}");
    assert_eq!(backend.log.load(&other.id).await.unwrap(), other.history);
}
