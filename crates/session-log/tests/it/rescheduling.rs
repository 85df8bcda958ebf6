//! Rows whose time is put right without a fact.

use checkout::SessionId;
use reconciler::ports::{Scheduled, SessionLog, Share};
use reconciler::{Schedule, Version};
use session_log::Log;

use crate::support::{
    Backend, Story, account, append, at, completed, completed_for, confirmed, heard, id, on_both, policy,
};

on_both!(
    a_row_says_what_it_is_told_until_the_next_fact,
    a_row_of_later_facts_is_left_alone,
    unsettled_sessions_come_in_portions_and_nobody_twice,
    a_row_that_was_put_off_is_not_called_wrong,
);

fn schedule(due_at: u64, look_at: Option<u64>) -> Schedule {
    Schedule {
        due_at: at(due_at),
        look_at: look_at.map(at),
    }
}

async fn schedule_of(
    log: &Log,
    id: &SessionId,
) -> (Option<checkout::Timestamp>, Option<checkout::Timestamp>) {
    let row = log.find(id).await.unwrap().unwrap().row;
    (row.due_at, row.look_at)
}

async fn due(log: &Log, until: u64) -> usize {
    log.due(&Share::All, at(until), at(0), &[], 10)
        .await
        .unwrap()
        .len()
}

async fn a_row_says_what_it_is_told_until_the_next_fact(backend: &Backend) {
    let log = &backend.log;
    let mut story = heard(log, "s-1").await;
    let before = log.find(&story.id).await.unwrap().unwrap();
    assert_eq!(due(log, 60).await, 1);
    log.reschedule(&story.id, Version(1), schedule(90, Some(500)))
        .await
        .unwrap();
    assert_eq!(due(log, 60).await, 0);
    assert_eq!(due(log, 90).await, 1);
    assert_eq!(schedule_of(log, &story.id).await, (Some(at(90)), Some(at(500))));
    log.reschedule(&story.id, Version(1), schedule(90, None))
        .await
        .unwrap();
    assert_eq!(schedule_of(log, &story.id).await, (Some(at(90)), None));

    let mut after = log.find(&story.id).await.unwrap().unwrap();
    after.row.due_at = before.row.due_at;
    after.row.look_at = before.row.look_at;
    assert_eq!(after, before, "nothing else of it");
    let next = story.then(at(91), [crate::support::alert(1)]);
    let row = next.row.clone();
    append(log, next).await.unwrap();
    assert_eq!(log.find(&story.id).await.unwrap().unwrap().row, row);
}

async fn a_row_of_later_facts_is_left_alone(backend: &Backend) {
    let log = &backend.log;
    let mut story = heard(log, "s-1").await;
    append(log, story.then(at(1), [crate::support::alert(1)]))
        .await
        .unwrap();
    let before = log.find(&story.id).await.unwrap();
    for version in [1, 3] {
        log.reschedule(&story.id, Version(version), schedule(900, None))
            .await
            .unwrap();
    }
    assert_eq!(log.find(&story.id).await.unwrap(), before);
    append(log, story.then(at(2), [confirmed()])).await.unwrap();
    let settled = log.find(&story.id).await.unwrap();
    log.reschedule(&story.id, Version(3), schedule(900, None))
        .await
        .unwrap();
    assert_eq!(log.find(&story.id).await.unwrap(), settled);
    log.reschedule(&id("never-heard-of"), Version(1), schedule(900, None))
        .await
        .unwrap();
}

async fn unsettled_sessions_come_in_portions_and_nobody_twice(backend: &Backend) {
    let log = &backend.log;
    for (name, shop, said) in [
        ("b-late", "b_shop", 9),
        ("a-late", "a_shop", 8),
        ("a-early", "a_shop", 1),
        ("b-early", "b_shop", 2),
        ("a-same", "a_shop", 8),
    ] {
        let mut story = Story::of(name);
        append(log, story.then(at(said), [completed_for(shop, at(said))]))
            .await
            .unwrap();
    }
    let mut over = Story::of("over");
    let facts = [completed(at(0)), confirmed()];
    append(log, over.then(at(0), facts)).await.unwrap();
    let mut nameless = completed(at(5));
    if let checkout::Event::CheckoutCompleted { statement, .. } = &mut nameless {
        statement.account = None;
    }
    append(log, Story::of("nameless").then(at(5), [nameless]))
        .await
        .unwrap();

    let mut portions = Vec::new();
    let mut after: Option<Scheduled> = None;
    loop {
        let portion = log.unsettled(after.as_ref(), 2).await.unwrap();
        let Some(last) = portion.last() else { break };
        after = Some(last.clone());
        portions.push(portion.iter().map(|one| one.id.to_string()).collect::<Vec<_>>());
    }
    assert_eq!(
        portions,
        [
            vec!["nameless", "a-early"],
            vec!["a-late", "a-same"],
            vec!["b-early", "b-late"]
        ]
    );
    let first = log.unsettled(None, 2).await.unwrap().remove(1);
    let row = log.find(&id("a-early")).await.unwrap().unwrap().row;
    assert_eq!(first.account, Some(account("a_shop")));
    assert_eq!(first.deadline, row.deadline.at);
    assert_eq!(
        (Some(first.schedule.due_at), first.schedule.look_at),
        (row.due_at, row.look_at)
    );
}

async fn a_row_that_was_put_off_is_not_called_wrong(backend: &Backend) {
    let log = &backend.log;
    let story = heard(log, "s-1").await;
    let day = 24 * 60 * 60;
    // Too late to send anything: it waits for the look-up after its deadline.
    log.reschedule(&story.id, Version(1), schedule(day + 10, None))
        .await
        .unwrap();
    assert_eq!(log.verify_folds(|_| policy()).await.unwrap(), []);
    let report = log.rebuild(|_| policy()).await.unwrap();
    assert_eq!(report.corrected, []);
    // An instant at which nothing of it begins is not its own.
    log.reschedule(&story.id, Version(1), schedule(day + 11, None))
        .await
        .unwrap();
    let wrong = log.verify_folds(|_| policy()).await.unwrap();
    assert_eq!(wrong[0].what, "due_at, look_at");
}
