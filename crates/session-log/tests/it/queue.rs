//! Which sessions are due, listed and counted.

use std::collections::BTreeSet;
use std::time::Duration;

use checkout::{AlertKind, Event, StateName};
use reconciler::Version;
use reconciler::ports::{SessionLog, Share};
use session_log::{Filter, Which};

use crate::support::{
    Backend, Story, account, alert, alert_of, append, at, completed, completed_for, confirmed, heard, id,
    on_both, policy,
};

on_both!(
    a_replica_gets_its_share_and_what_is_overdue,
    every_account_has_a_window_of_its_own,
    the_earliest_deadline_that_can_be_met_is_due_first,
    sessions_are_listed_by_state_account_and_deadline,
    the_counts_add_up,
    what_needs_no_call_does_not_wait_behind_what_does,
    what_was_to_be_done_before_a_past_deadline_brings_nothing_up,
    firing_alerts_are_counted_by_kind,
    the_versions_of_many_are_told_at_once,
    pages_of_a_list_follow_each_other_without_a_gap,
    a_session_is_found_by_its_order_number,
    sessions_with_alerts_that_fire_are_listed,
    outcomes_are_counted_by_the_hour,
);

async fn names_of_due(
    backend: &Backend,
    share: Share,
    until: u64,
    overdue_since: u64,
    limit: u32,
) -> Vec<String> {
    let due = backend
        .log
        .due(&share, at(until), at(overdue_since), &[], limit)
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

    let due = log.due(&Share::All, at(60), at(0), &[], 2).await.unwrap();
    let names: Vec<&str> = due.iter().map(|due| due.id.as_str()).collect();
    assert_eq!(names, ["busy-0", "busy-1", "nameless", "only-b", "only-c"]);
    assert_eq!(due[0].account, Some(account("a_shop")));
    assert_eq!((due[0].due_at, due[0].deadline), (at(0), at(24 * 3600)));
    assert_eq!(due[2].account, None);
}

async fn the_earliest_deadline_that_can_be_met_is_due_first(backend: &Backend) {
    for (name, said, recorded) in [("young", 500, 500), ("old", 0, 510), ("middle", 250, 505)] {
        let mut story = Story::of(name);
        append(&backend.log, story.then(at(recorded), [completed(at(said))]))
            .await
            .unwrap();
    }
    let names = names_of_due(backend, Share::All, 600, 0, 10).await;
    assert_eq!(names, ["old", "middle", "young"]);
    assert_eq!(names_of_due(backend, Share::All, 600, 0, 1).await, ["old"]);
    // Past its deadline it has nothing to lose any more.
    let past_the_first = hour(24) + 100;
    let names = names_of_due(backend, Share::All, past_the_first, 0, 10).await;
    assert_eq!(names, ["middle", "young", "old"]);
    let names = names_of_due(backend, Share::All, past_the_first, 0, 2).await;
    assert_eq!(names, ["middle", "young"]);
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
        after: None,
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
            (us.clone(), StateName::Ready, 1),
        ]
    );
    assert_eq!(
        log.settled_counts().await.unwrap(),
        [(eu.clone(), StateName::Confirmed, 1)]
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

/// `at` this many hours of the day.
fn hour(hours: u64) -> u64 {
    hours * 3600
}

async fn what_needs_no_call_does_not_wait_behind_what_does(backend: &Backend) {
    let log = &backend.log;
    // Said at these seconds, so that people are to be told at 22 hours and as many seconds.
    for (name, partition, said) in [
        ("a", 3, 0),
        ("b", 3, 10),
        ("c", 4, 20),
        ("d", 3, 30),
        ("later", 3, 500),
    ] {
        let mut story = Story::of(name);
        let mut first = story.then(at(said), [completed(at(said))]);
        first.partition = partition;
        append(log, first).await.unwrap();
    }
    let now = hour(22) + 60;
    assert_eq!(names_of_due(backend, Share::All, 600, 0, 2).await, ["a", "b"]);
    assert_eq!(
        names_of_due(backend, Share::All, now, 0, 2).await,
        ["a", "b", "c", "d"]
    );
    assert_eq!(
        names_of_due(backend, Share::All, now, 0, 1).await,
        ["a", "b"],
        "no more than the limit"
    );
    assert_eq!(
        names_of_due(backend, Share::All, now, 0, 9).await,
        ["a", "b", "c", "d", "later"],
        "nobody twice"
    );
    let share = Share::Partitions(BTreeSet::from([3]));
    assert_eq!(names_of_due(backend, share.clone(), now, 0, 1).await, ["a", "b"]);
    assert_eq!(
        names_of_due(backend, share, now, hour(22) + 25, 2).await,
        ["a", "b", "c", "d"],
        "anybody's, once it is overdue"
    );
    let due = log.due(&Share::All, at(now), at(0), &[], 2).await.unwrap();
    assert_eq!((due[1].due_at, due[2].due_at), (at(10), at(hour(22) + 20)));
    assert_eq!(due[2].deadline, at(hour(24) + 20));
    assert_eq!(due[2].account, Some(account("eu_shop")));

    // Told, it has nothing to be looked at for.
    let mut told = Story::of("c");
    told.then(at(20), [completed(at(20))]);
    let near = AlertKind::DeadlineNear {
        before: policy().alert_before[0],
    };
    append(log, told.then(at(now), [alert_of(near, 1)]))
        .await
        .unwrap();
    assert_eq!(
        names_of_due(backend, Share::All, now, 0, 2).await,
        ["a", "b", "d"]
    );
    assert_eq!(log.find(&id("c")).await.unwrap().unwrap().row.look_at, None);
}

async fn what_was_to_be_done_before_a_past_deadline_brings_nothing_up(backend: &Backend) {
    for said in 0..3 {
        let mut story = Story::of(&format!("s-{said}"));
        append(&backend.log, story.then(at(said), [completed(at(said))]))
            .await
            .unwrap();
    }
    let names = async |until| names_of_due(backend, Share::All, until, 0, 1).await;
    assert_eq!(names(hour(24) - 1).await, ["s-0", "s-1"]);
    assert_eq!(names(hour(24) + 1).await, ["s-2"]);
    assert_eq!(names(hour(24) + 2).await, ["s-0"]);
}

async fn firing_alerts_are_counted_by_kind(backend: &Backend) {
    let log = &backend.log;
    assert!(log.alerts_firing().await.unwrap().is_empty());
    let near = |hours| AlertKind::DeadlineNear {
        before: Duration::from_secs(hour(hours)),
    };
    let mut one = heard(log, "one").await;
    let facts = [
        alert(1),
        alert_of(near(6), 2),
        alert_of(near(2), 3),
        alert_of(AlertKind::Conflict, 4),
    ];
    append(log, one.then(at(1), facts)).await.unwrap();
    let mut over = heard(log, "over").await;
    let facts = [alert_of(AlertKind::Conflict, 1), confirmed()];
    append(log, over.then(at(1), facts)).await.unwrap();
    heard(log, "quiet").await;
    let firing = async || {
        let firing = log.alerts_firing().await.unwrap();
        firing
            .iter()
            .map(|(kind, sessions)| format!("{kind} {sessions}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(firing().await, ["conflict 2", "deadline-near 1", "in-doubt 1"]);
    let row = log.find(&id("one")).await.unwrap().unwrap().row;
    assert_eq!(row.firing, ["conflict", "deadline-near", "in-doubt"]);

    let resolved = [1, 4].map(|ordinal| Event::AlertResolved { ordinal });
    append(log, one.then(at(2), resolved)).await.unwrap();
    assert_eq!(firing().await, ["conflict 1", "deadline-near 1"]);
}

async fn the_versions_of_many_are_told_at_once(backend: &Backend) {
    let log = &backend.log;
    heard(log, "open").await;
    let mut over = heard(log, "over").await;
    append(log, over.then(at(1), [confirmed()])).await.unwrap();
    let asked = ["over", "unheard", "open"].map(id);
    let mut versions = log.versions_of(&asked).await.unwrap();
    versions.sort();
    assert_eq!(versions, [(id("open"), Version(1)), (id("over"), Version(2))]);
    assert_eq!(log.versions_of(&[]).await.unwrap(), []);
}

async fn pages_of_a_list_follow_each_other_without_a_gap(backend: &Backend) {
    let log = &backend.log;
    // Of two accounts, several with the same deadline and the same last change.
    for n in 0..7_u64 {
        let shop = if n % 2 == 0 { "eu_shop" } else { "uk_shop" };
        let mut story = Story::of(&format!("s-{n}"));
        let mut first = story.then(at(n / 3), [completed_for(shop, at(0))]);
        first.row.deadline.at = at(1_000 + n / 3);
        append(log, first).await.unwrap();
        if n < 3 {
            append(log, story.then(at(50), [confirmed()])).await.unwrap();
        }
    }
    for (which, in_order) in [
        (Which::Unsettled, vec!["s-3", "s-4", "s-5", "s-6"]),
        (Which::All, vec!["s-0", "s-1", "s-2", "s-6", "s-3", "s-4", "s-5"]),
        (Which::In(vec![StateName::Confirmed]), vec!["s-0", "s-1", "s-2"]),
    ] {
        let mut filter = Filter {
            which,
            account: None,
            deadline_before: None,
            after: None,
            limit: 2,
        };
        let mut listed = Vec::new();
        loop {
            let page = log.list(&filter).await.unwrap();
            let Some(last) = page.last() else {
                break;
            };
            filter.after = Some(filter.place_of(last));
            listed.extend(page.into_iter().map(|one| one.id.to_string()));
        }
        assert_eq!(listed, in_order, "{:?}", filter.which);
    }
}

async fn a_session_is_found_by_its_order_number(backend: &Backend) {
    let log = &backend.log;
    for (name, order) in [
        ("one", Some("ORDER-1")),
        ("again", Some("ORDER-1")),
        ("other", Some("ORDER-2")),
        ("none", None),
    ] {
        let mut first = Story::of(name).then(at(0), [completed(at(0))]);
        first.row.merchant_reference_id = order.map(str::to_owned);
        append(log, first).await.unwrap();
    }
    let names = async |order: &str, limit| {
        let found = log.list_by_reference(order, limit).await.unwrap();
        found.iter().map(|one| one.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(names("ORDER-1", 10).await, ["again", "one"]);
    assert_eq!(names("ORDER-1", 1).await, ["again"]);
    assert!(names("ORDER-3", 10).await.is_empty());
}

async fn sessions_with_alerts_that_fire_are_listed(backend: &Backend) {
    let log = &backend.log;
    heard(log, "calm").await;
    for (name, deadline) in [("later", 2_000), ("sooner", 1_000)] {
        let mut first = Story::of(name).then(at(0), [completed(at(0)), alert(1)]);
        first.row.deadline.at = at(deadline);
        append(log, first).await.unwrap();
    }
    let mut over = heard(log, "over").await;
    let mut last = over.then(at(1), [alert(1), confirmed()]);
    last.row.deadline.at = at(500);
    append(log, last).await.unwrap();
    let listed = log.list_firing(10).await.unwrap();
    let names: Vec<&str> = listed.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(names, ["sooner", "later", "over"]);
    assert_eq!(log.list_firing(1).await.unwrap().len(), 1);
}

async fn outcomes_are_counted_by_the_hour(backend: &Backend) {
    let log = &backend.log;
    heard(log, "open").await;
    for (name, seconds) in [
        ("now", 10_000),
        ("then", 9_999),
        ("before", 6_000),
        ("long-ago", 1),
    ] {
        let mut story = heard(log, name).await;
        append(log, story.then(at(seconds), [confirmed()])).await.unwrap();
    }
    let mut counted = log.outcomes_since(at(5_000), at(10_000)).await.unwrap();
    counted.sort_by_key(|(_, hours_ago, _)| *hours_ago);
    assert_eq!(
        counted,
        [(StateName::Confirmed, 0, 2), (StateName::Confirmed, 1, 1)]
    );
}
