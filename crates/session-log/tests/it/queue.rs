//! Which sessions are due, listed and counted.

use std::collections::BTreeSet;

use checkout::{Event, StateName};
use reconciler::Version;
use reconciler::ports::{SessionLog, Share};
use session_log::{Filter, Which};

use crate::support::{
    Backend, Story, account, append, at, completed, completed_for, confirmed, heard, id, on_both,
};

on_both!(
    a_replica_gets_its_share_and_what_is_overdue,
    every_account_has_a_window_of_its_own,
    the_earliest_deadline_is_due_first,
    sessions_are_listed_by_state_account_and_deadline,
    the_counts_add_up,
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
