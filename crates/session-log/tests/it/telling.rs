//! What is to be told, and what every replica must know.

use reconciler::ports::{Outbox, SessionLog};
use reconciler::{
    AccountCondition, AccountConditions, Condition, DeadLetter, KeepDeadLetters, Notice, NoticeKind,
    NoticeLog, Version,
};

use crate::support::{Backend, account, alert, append, at, confirmed, heard, id, on_both};

on_both!(
    only_the_oldest_untold_fact_of_a_session_may_go_out,
    an_append_learns_of_older_untold_facts,
    what_was_told_is_told_no_more,
    a_dead_letter_is_kept_once_until_it_is_taken,
    a_dead_letter_that_is_not_taken_goes_when_its_keep_is_over,
    a_notice_is_recorded_once_and_told_once,
    the_newest_condition_of_an_account_holds,
    a_condition_is_not_set_over_one_that_was_not_seen,
    an_alert_that_an_account_is_stopped_fires_until_it_is_over,
);

async fn only_the_oldest_untold_fact_of_a_session_may_go_out(backend: &Backend) {
    let log = &backend.log;
    let mut one = heard(log, "s-1").await;
    append(log, one.then(at(10), [alert(1), alert(2)])).await.unwrap();
    append(log, one.then(at(20), [confirmed()])).await.unwrap();
    let mut two = heard(log, "s-2").await;
    append(log, two.then(at(5), [alert(1)])).await.unwrap();

    let untold = async |until, limit| Outbox::untold(log, at(until), limit).await.unwrap();
    assert_eq!(untold(4, 9).await, []);
    assert_eq!(untold(5, 9).await, [(two.id.clone(), Version(2))]);
    let both = [(two.id.clone(), Version(2)), (one.id.clone(), Version(2))];
    assert_eq!(untold(30, 9).await, both);
    assert_eq!(untold(30, 1).await, both[..1]);
    Outbox::told(log, &[(one.id.clone(), Version(2)), (two.id.clone(), Version(2))])
        .await
        .unwrap();
    assert_eq!(untold(30, 9).await, [(one.id.clone(), Version(3))]);
}

async fn an_append_learns_of_older_untold_facts(backend: &Backend) {
    let log = &backend.log;
    let mut story = heard(log, "s-1").await;
    let first = append(log, story.then(at(1), [alert(1)])).await.unwrap();
    assert!(!first.older_unpublished, "its own facts are not older");
    let second = append(log, story.then(at(2), [alert(2)])).await.unwrap();
    assert!(second.older_unpublished);
    Outbox::told(
        log,
        &[(story.id.clone(), Version(2)), (story.id.clone(), Version(3))],
    )
    .await
    .unwrap();
    let third = append(log, story.then(at(3), [confirmed()])).await.unwrap();
    assert!(!third.older_unpublished);
}

async fn what_was_told_is_told_no_more(backend: &Backend) {
    let log = &backend.log;
    let mut story = heard(log, "s-1").await;
    append(log, story.then(at(1), [alert(1)])).await.unwrap();
    assert_eq!(log.outbox_pending().await.unwrap(), 1);
    let facts = [(story.id.clone(), Version(2)), (id("stranger"), Version(7))];
    Outbox::told(log, &facts).await.unwrap();
    Outbox::told(log, &facts).await.unwrap();
    Outbox::told(log, &[]).await.unwrap();
    assert_eq!(log.outbox_pending().await.unwrap(), 0);
    assert_eq!(log.load(&story.id).await.unwrap(), story.history);
}

fn letter(source: &str, seconds: u64) -> DeadLetter {
    DeadLetter {
        source: source.to_owned(),
        key: None,
        payload: Some(vec![0, 255, 10]),
        headers: vec![
            ("b".to_owned(), Some(vec![0, 200])),
            ("a".to_owned(), None),
            ("b".to_owned(), Some(Vec::new())),
        ],
        reason: "not JSON".to_owned(),
        field: "checkoutSessionId".to_owned(),
        at: at(seconds),
    }
}

async fn a_dead_letter_that_is_not_taken_goes_when_its_keep_is_over(backend: &Backend) {
    let log = &backend.log;
    for (source, seconds) in [("t/0/1", 1), ("t/0/2", 2), ("t/0/3", 3)] {
        log.keep(&letter(source, seconds)).await.unwrap();
    }
    assert_eq!(log.erase_dead_letters(at(0), 10).await.unwrap(), 0);
    assert_eq!(log.erase_dead_letters(at(2), 1).await.unwrap(), 1);
    assert_eq!(log.erase_dead_letters(at(2), 10).await.unwrap(), 1);
    assert!(log.kept(9).await.unwrap() == [letter("t/0/3", 3)]);
}

async fn a_dead_letter_is_kept_once_until_it_is_taken(backend: &Backend) {
    let log = &backend.log;
    for (source, seconds) in [("t/0/2", 2), ("t/0/1", 1), ("t/0/2", 3)] {
        log.keep(&letter(source, seconds)).await.unwrap();
    }
    let kept = log.kept(9).await.unwrap();
    assert!(kept == [letter("t/0/1", 1), letter("t/0/2", 2)]);
    assert!(log.kept(1).await.unwrap() == kept[..1]);
    log.taken("t/0/1").await.unwrap();
    log.taken("t/0/1").await.unwrap();
    assert!(log.kept(9).await.unwrap() == kept[1..]);
}

async fn a_notice_is_recorded_once_and_told_once(backend: &Backend) {
    let log = &backend.log;
    let stopped = Notice {
        alert_id: "account-stopped-1".to_owned(),
        kind: NoticeKind::AccountStopped,
        firing: true,
        summary: "Amazon Pay accepts nothing".to_owned(),
        account: Some(account("eu_shop")),
        key: "eu_shop".to_owned(),
        at: at(1),
    };
    let over = Notice {
        firing: false,
        at: at(2),
        ..stopped.clone()
    };
    let letter = Notice {
        alert_id: "t/0/1".to_owned(),
        kind: NoticeKind::DeadLetter,
        account: None,
        key: "t/0/1".to_owned(),
        ..stopped.clone()
    };
    for notice in [&stopped, &over, &letter, &stopped] {
        log.record(notice).await.unwrap();
    }
    let untold = async |limit| NoticeLog::untold(log, limit).await.unwrap();
    assert_eq!(untold(9).await, [stopped.clone(), over.clone(), letter.clone()]);
    assert_eq!(untold(1).await, std::slice::from_ref(&stopped));
    NoticeLog::told(log, &[stopped.clone(), letter]).await.unwrap();
    log.record(&stopped).await.unwrap();
    assert_eq!(untold(9).await, [over]);
}

async fn the_newest_condition_of_an_account_holds(backend: &Backend) {
    let log = &backend.log;
    assert_eq!(log.conditions().await.unwrap(), []);
    let set = |shop: &str, condition, seconds| AccountCondition {
        account: account(shop),
        condition,
        since: at(seconds),
        by: "ada".to_owned(),
        reason: "because".to_owned(),
    };
    let paused = set("eu_shop", Condition::Paused, 5);
    // Another replica's clock may be behind: what was said last holds.
    let running = set("eu_shop", Condition::Running, 4);
    let stopped = set("us_shop", Condition::Stopped, 1);
    for condition in [&paused, &stopped, &running, &running] {
        log.set(condition).await.unwrap();
    }
    assert_eq!(log.conditions().await.unwrap(), [running, stopped]);
    assert_eq!(backend.sql("SELECT count(*) FROM account_conditions").await, [3]);
}

async fn a_condition_is_not_set_over_one_that_was_not_seen(backend: &Backend) {
    let log = &backend.log;
    let set = |condition, seconds, by: &str| AccountCondition {
        account: account("eu_shop"),
        condition,
        since: at(seconds),
        by: by.to_owned(),
        reason: "because".to_owned(),
    };
    let stopped = set(Condition::Stopped, 1, "confirmd");
    let paused = set(Condition::Paused, 2, "ada");
    let running = set(Condition::Running, 3, "confirmd");
    assert!(log.set_after(None, &stopped).await.unwrap());
    assert!(!log.set_after(None, &running).await.unwrap());
    log.set(&paused).await.unwrap();
    assert!(!log.set_after(Some(&stopped), &running).await.unwrap());
    assert_eq!(log.conditions().await.unwrap(), std::slice::from_ref(&paused));
    assert!(log.set_after(Some(&paused), &running).await.unwrap());
    assert_eq!(log.conditions().await.unwrap(), [running]);
    let elsewhere = AccountCondition {
        account: account("us_shop"),
        ..stopped
    };
    assert!(log.set_after(None, &elsewhere).await.unwrap());
}

async fn an_alert_that_an_account_is_stopped_fires_until_it_is_over(backend: &Backend) {
    let log = &backend.log;
    let notice = |name: &str, seconds| Notice {
        alert_id: format!("account-stopped/{name}/{seconds}"),
        kind: NoticeKind::AccountStopped,
        firing: true,
        summary: "Amazon Pay accepts nothing".to_owned(),
        account: Some(account(name)),
        key: name.to_owned(),
        at: at(seconds),
    };
    let (first, second, third) = (notice("eu_shop", 1), notice("eu_shop", 2), notice("eu_shop", 3));
    let letter = Notice {
        alert_id: "t/0/1".to_owned(),
        kind: NoticeKind::DeadLetter,
        ..notice("eu_shop", 4)
    };
    let over = Notice {
        firing: false,
        at: at(9),
        ..second.clone()
    };
    for recorded in [&first, &second, &third, &letter, &notice("us_shop", 5), &over] {
        log.record(recorded).await.unwrap();
    }
    NoticeLog::told(log, std::slice::from_ref(&first)).await.unwrap();
    assert_eq!(
        log.firing(&account("eu_shop"), NoticeKind::AccountStopped)
            .await
            .unwrap(),
        [first, third]
    );
    assert_eq!(
        log.firing(&account("de_shop"), NoticeKind::AccountStopped)
            .await
            .unwrap(),
        []
    );
}
