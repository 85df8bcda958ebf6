//! What every log does, whatever database it lies in.

use std::collections::BTreeSet;

use checkout::{BodyRef, Event, PrivateRef, StateName};
use reconciler::ports::{LogError, Outbox, SessionLog, Share};
use reconciler::{
    AccountCondition, AccountConditions, Actor, Address, Condition, DeadLetter, KeepDeadLetters, Notice,
    NoticeKind, NoticeLog, Personal, Version,
};
use session_log::{Filter, Which};

use crate::support::{
    Backend, Story, account, alert, append, at, completed, completed_for, confirmed, heard, id, on_both,
    started,
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
    personal_data_and_bodies_are_kept_beside_the_facts,
    erasing_leaves_the_facts_alone,
    what_is_erased_stays_erased,
    a_replica_gets_its_share_and_what_is_overdue,
    every_account_has_a_window_of_its_own,
    the_earliest_deadline_is_due_first,
    only_the_oldest_untold_fact_of_a_session_may_go_out,
    an_append_learns_of_older_untold_facts,
    what_was_told_is_told_no_more,
    a_dead_letter_is_kept_once_until_it_is_taken,
    a_notice_is_recorded_once_and_told_once,
    the_newest_condition_of_an_account_holds,
    a_fact_in_an_unknown_format_stops_its_own_session_only,
    sessions_are_listed_by_state_account_and_deadline,
    the_counts_add_up,
    a_log_that_can_be_written_is_ready,
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
        story.then(at(1), [alert(1)]),
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

fn address(name: &str) -> Personal {
    Personal {
        shipping_address: Some(Address {
            name: Some(name.to_owned()),
            ..Address::default()
        }),
        ..Personal::default()
    }
}

async fn personal_data_and_bodies_are_kept_beside_the_facts(backend: &Backend) {
    let log = &backend.log;
    let mut story = Story::of("s-1");
    let mut first = story.then(at(0), [completed(at(0)), started(1, at(0))]);
    first.personal = vec![(PrivateRef(0), address("Ada")), (PrivateRef(1), address("Eve"))];
    first.found = Some(address("looked up"));
    first.body = Some((BodyRef(1), vec![0, 159, 146, 150]));
    append(log, first).await.unwrap();
    let mut second = story.then(at(1), [alert(1)]);
    second.found = Some(address("looked up again"));
    append(log, second).await.unwrap();

    let record = log.personal(&story.id).await.unwrap();
    // Personal data do not print themselves, so no `assert_eq!`.
    assert!(record.statements == [(PrivateRef(0), address("Ada")), (PrivateRef(1), address("Eve"))]);
    assert!(record.found == Some(address("looked up again")));
    assert!(!record.erased);
    let bytes = log.body(&story.id, BodyRef(1)).await.unwrap();
    assert_eq!(bytes, Some(vec![0, 159, 146, 150]));
}

/// A settled session whose personal data may be erased from `at(60)` on.
async fn settled_with_personal_data(backend: &Backend, name: &str) -> Story {
    let mut story = Story::of(name);
    let mut first = story.then(at(0), [completed(at(0))]);
    first.personal = vec![(PrivateRef(0), address("Ada"))];
    first.body = Some((BodyRef(1), b"{}".to_vec()));
    append(&backend.log, first).await.unwrap();
    let mut last = story.then(at(1), [confirmed()]);
    last.erase_after = Some(at(60));
    append(&backend.log, last).await.unwrap();
    story
}

async fn erasing_leaves_the_facts_alone(backend: &Backend) {
    let log = &backend.log;
    let one = settled_with_personal_data(backend, "s-1").await;
    let two = settled_with_personal_data(backend, "s-2").await;
    let open = heard(log, "s-3").await;

    assert_eq!(log.erase(at(59), 10).await.unwrap(), 0);
    assert!(!log.personal(&one.id).await.unwrap().statements.is_empty());
    assert_eq!(log.erase(at(60), 1).await.unwrap(), 1);
    assert_eq!(log.erase(at(60), 10).await.unwrap(), 1);
    assert_eq!(log.erase(at(60), 10).await.unwrap(), 0);

    for story in [&one, &two] {
        let record = log.personal(&story.id).await.unwrap();
        assert!(record.erased && record.statements.is_empty());
        assert_eq!(log.body(&story.id, BodyRef(1)).await.unwrap(), None);
        assert_eq!(log.load(&story.id).await.unwrap(), story.history);
        assert_eq!(
            log.find(&story.id).await.unwrap().unwrap().erased_at,
            Some(at(60))
        );
    }
    assert!(!log.personal(&open.id).await.unwrap().erased);
}

async fn what_is_erased_stays_erased(backend: &Backend) {
    let log = &backend.log;
    let mut story = settled_with_personal_data(backend, "s-1").await;
    log.erase(at(60), 10).await.unwrap();
    let mut late = story.then(at(61), [alert(1)]);
    late.personal = vec![(PrivateRef(1), address("Eve"))];
    late.found = Some(address("Eve"));
    late.body = Some((BodyRef(2), b"{}".to_vec()));
    append(log, late).await.unwrap();
    let record = log.personal(&story.id).await.unwrap();
    assert!(record.erased && record.statements.is_empty() && record.found.is_none());
    assert_eq!(log.body(&story.id, BodyRef(2)).await.unwrap(), None);
}

async fn names_of_due(
    backend: &Backend,
    share: Share,
    until: u64,
    overdue_since: u64,
    limit: u32,
) -> Vec<String> {
    let due = backend
        .log
        .due(&share, at(until), at(overdue_since), limit)
        .await
        .unwrap();
    due.iter().map(|due| due.id.to_string()).collect()
}

async fn a_replica_gets_its_share_and_what_is_overdue(backend: &Backend) {
    let log = &backend.log;
    for (name, partition, seconds) in [
        ("mine", 3, 10),
        ("theirs", 4, 20),
        ("forgotten", 5, 0),
        ("later", 3, 90),
    ] {
        let mut story = Story::of(name);
        let mut first = story.then(at(seconds), [completed(at(seconds))]);
        first.partition = partition;
        append(log, first).await.unwrap();
    }
    let mut over = heard(log, "over").await;
    append(log, over.then(at(1), [confirmed()])).await.unwrap();

    let all = names_of_due(backend, Share::All, 30, 0, 10).await;
    assert_eq!(all, ["forgotten", "mine", "theirs"]);
    let share = Share::Partitions(BTreeSet::from([3, 7]));
    assert_eq!(
        names_of_due(backend, share.clone(), 30, 0, 10).await,
        ["forgotten", "mine"]
    );
    assert_eq!(
        names_of_due(backend, share.clone(), 99, 0, 10).await,
        ["forgotten", "mine", "later"]
    );
    assert_eq!(names_of_due(backend, share, 9, 0, 10).await, ["forgotten"]);
    let nothing = Share::Partitions(BTreeSet::new());
    assert_eq!(names_of_due(backend, nothing, 30, 0, 10).await, ["forgotten"]);
    assert_eq!(log.partition_of(&id("mine")).await.unwrap(), Some(3));
}

async fn every_account_has_a_window_of_its_own(backend: &Backend) {
    let log = &backend.log;
    for n in 0..5 {
        let mut story = Story::of(&format!("busy-{n}"));
        append(log, story.then(at(n), [completed_for("a_shop", at(n))]))
            .await
            .unwrap();
    }
    for shop in ["b_shop", "c_shop"] {
        let mut story = Story::of(&format!("only-{}", &shop[..1]));
        append(log, story.then(at(9), [completed_for(shop, at(9))]))
            .await
            .unwrap();
    }
    let mut nameless = Story::of("nameless");
    let Event::CheckoutCompleted {
        mut statement,
        said_at,
        session_created_at,
    } = completed(at(8))
    else {
        unreachable!()
    };
    statement.account = None;
    let facts = [Event::CheckoutCompleted {
        statement,
        said_at,
        session_created_at,
    }];
    append(log, nameless.then(at(8), facts)).await.unwrap();

    let due = log.due(&Share::All, at(60), at(0), 2).await.unwrap();
    let names: Vec<&str> = due.iter().map(|due| due.id.as_str()).collect();
    assert_eq!(names, ["busy-0", "busy-1", "nameless", "only-b", "only-c"]);
    assert_eq!(due[0].account, Some(account("a_shop")));
    assert_eq!((due[0].due_at, due[0].deadline), (at(0), at(24 * 3600)));
    assert_eq!(due[2].account, None);
}

async fn the_earliest_deadline_is_due_first(backend: &Backend) {
    for (name, said, recorded) in [("young", 500, 500), ("old", 0, 510), ("middle", 250, 505)] {
        let mut story = Story::of(name);
        append(&backend.log, story.then(at(recorded), [completed(at(said))]))
            .await
            .unwrap();
    }
    let names = names_of_due(backend, Share::All, 600, 0, 10).await;
    assert_eq!(names, ["old", "middle", "young"]);
    assert_eq!(names_of_due(backend, Share::All, 600, 0, 1).await, ["old"]);
}

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

async fn a_dead_letter_is_kept_once_until_it_is_taken(backend: &Backend) {
    let log = &backend.log;
    let letter = |source: &str, seconds| DeadLetter {
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
    };
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
    assert_eq!(untold(1).await, [stopped.clone()]);
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

async fn sessions_are_listed_by_state_account_and_deadline(backend: &Backend) {
    let log = &backend.log;
    for (name, shop, said) in [("b", "eu_shop", 20), ("a", "us_shop", 10), ("c", "eu_shop", 0)] {
        let mut story = Story::of(name);
        append(log, story.then(at(20), [completed_for(shop, at(said))]))
            .await
            .unwrap();
        if name == "c" {
            append(log, story.then(at(30), [confirmed()])).await.unwrap();
        }
    }
    let any = Filter {
        which: Which::Unsettled,
        account: None,
        deadline_before: None,
        limit: 10,
    };
    let names = async |filter: Filter| {
        let listed = log.list(&filter).await.unwrap();
        listed
            .iter()
            .map(|session| session.id.to_string())
            .collect::<String>()
    };
    assert_eq!(names(any.clone()).await, "ab");
    let of = |which| Filter { which, ..any.clone() };
    assert_eq!(names(of(Which::All)).await, "cab");
    assert_eq!(names(of(Which::In(vec![StateName::Confirmed]))).await, "c");
    assert_eq!(names(of(Which::In(vec![StateName::Ready]))).await, "ab");
    assert_eq!(names(of(Which::In(vec![StateName::Waiting]))).await, "");
    let eu = Filter {
        account: Some(account("eu_shop")),
        ..any.clone()
    };
    assert_eq!(names(eu).await, "b");
    let soon = Filter {
        deadline_before: Some(at(24 * 3600 + 20)),
        ..any.clone()
    };
    assert_eq!(names(soon).await, "a");
    assert_eq!(names(Filter { limit: 1, ..any }).await, "a");

    let mut story = Story::of("c");
    story.then(at(20), [completed(at(0))]);
    let last = story.then(at(30), [confirmed()]);
    let session = log.find(&id("c")).await.unwrap().unwrap();
    assert_eq!(
        (session.version, session.row, session.updated_at),
        (Version(2), last.row, at(30))
    );
}

async fn the_counts_add_up(backend: &Backend) {
    let log = &backend.log;
    for (name, shop, said) in [("a", "eu_shop", 0), ("b", "eu_shop", 50), ("c", "us_shop", 90)] {
        let mut story = Story::of(name);
        append(log, story.then(at(said), [completed_for(shop, at(said))]))
            .await
            .unwrap();
    }
    let mut over = heard(log, "over").await;
    append(log, over.then(at(1), [confirmed()])).await.unwrap();

    let mut counts = log.counts(at(60)).await.unwrap();
    counts.sessions.sort();
    let (eu, us) = (Some(account("eu_shop")), Some(account("us_shop")));
    assert_eq!(
        counts.sessions,
        [
            (eu.clone(), StateName::Ready, 2),
            (eu.clone(), StateName::Confirmed, 1),
            (us.clone(), StateName::Ready, 1),
        ]
    );
    let values: Vec<_> = counts
        .values
        .iter()
        .map(|value| (value.account.clone(), value.state, value.amount.to_string()))
        .collect();
    assert_eq!(
        values,
        [
            (eu.clone(), StateName::Ready, "46.80".to_owned()),
            (us.clone(), StateName::Ready, "23.40".to_owned()),
        ]
    );
    let outlooks: Vec<_> = counts
        .outlooks
        .iter()
        .map(|outlook| (outlook.account.clone(), outlook.next_deadline, outlook.backlog))
        .collect();
    assert_eq!(
        outlooks,
        [(eu, Some(at(24 * 3600)), 2), (us, Some(at(24 * 3600 + 90)), 0)]
    );
}

async fn a_log_that_can_be_written_is_ready(backend: &Backend) {
    backend.log.ready().await.unwrap();
    assert_eq!(backend.sql("SELECT checks FROM readiness").await, [1]);
}
