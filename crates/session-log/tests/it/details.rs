//! Who the buyers of confirmed sessions are: wanted once, kept for a time of their own.

use std::collections::BTreeSet;

use checkout::Timestamp;
use reconciler::ports::{KeepDetails, Share};
use reconciler::{Address, BuyerDetails};
use session_log::OpenError;
use sqlx::{AssertSqlSafe, Connection, Row as _, SqliteConnection};

use crate::open::refusal;
use crate::support::{
    Backend, Story, account, alert, append, at, completed, completed_for, confirmed, heard, id, on_both,
    policy,
};

on_both!(
    confirmed_sessions_want_details_until_these_are_kept_or_given_up,
    only_ones_own_and_recent_ones_are_wanted_the_oldest_first,
    details_are_kept_for_a_time_of_their_own_and_wanted_no_more,
    the_first_details_that_were_kept_stay,
    sessions_that_were_confirmed_before_there_was_room_for_details_want_them,
);

fn details(name: &str) -> BuyerDetails {
    BuyerDetails {
        name: Some(name.to_owned()),
        email: Some(format!("{name}@example.com")),
        shipping_address: Some(Address {
            city: Some("Turin".to_owned()),
            ..Address::default()
        }),
        payment_descriptors: vec!["Visa ****1111".to_owned()],
        ..BuyerDetails::default()
    }
}

async fn settled(backend: &Backend, name: &str, shop: &str, partition: u32, then: Timestamp) -> Story {
    let mut story = Story::of(name);
    let mut first = story.then(at(0), [completed_for(shop, at(0))]);
    first.partition = partition;
    append(&backend.log, first).await.unwrap();
    append(&backend.log, story.then(then, [confirmed()]))
        .await
        .unwrap();
    story
}

async fn wanting(backend: &Backend) -> Vec<String> {
    let log = &backend.log;
    let found = log
        .wanting_details(&account("eu_shop"), &Share::All, at(0), 10)
        .await;
    found.unwrap().iter().map(|id| id.as_str().to_owned()).collect()
}

async fn confirmed_sessions_want_details_until_these_are_kept_or_given_up(backend: &Backend) {
    let log = &backend.log;
    let mut story = Story::of("s-1");
    append(log, story.then(at(0), [completed(at(0))])).await.unwrap();
    assert!(
        wanting(backend).await.is_empty(),
        "nobody knows yet what becomes of it"
    );
    append(log, story.then(at(1), [confirmed()])).await.unwrap();
    settled(backend, "s-2", "eu_shop", 0, at(2)).await;
    settled(backend, "s-3", "eu_shop", 0, at(3)).await;
    assert_eq!(wanting(backend).await, ["s-1", "s-2", "s-3"]);

    log.keep_details(&id("s-1"), at(5), &details("Ada"), at(60))
        .await
        .unwrap();
    log.give_details_up(&id("s-2"), at(5)).await.unwrap();
    assert_eq!(wanting(backend).await, ["s-3"]);
    // Personal data do not print themselves, so no `assert_eq!`.
    assert!(log.details(&id("s-1")).await.unwrap() == Some(details("Ada")));
    assert!(log.details(&id("s-2")).await.unwrap().is_none());
    assert!(log.details(&id("nobody")).await.unwrap().is_none());
    // Facts that come later, and a fold made anew, ask for nothing again.
    append(log, story.then(at(6), [alert(1)])).await.unwrap();
    backend
        .sql("UPDATE sessions SET merchant_reference_id = 'wrong' WHERE session_id = 's-1'")
        .await;
    assert_eq!(log.rebuild(|_| policy()).await.unwrap().corrected.len(), 1);
    assert_eq!(wanting(backend).await, ["s-3"]);
}

async fn only_ones_own_and_recent_ones_are_wanted_the_oldest_first(backend: &Backend) {
    let log = &backend.log;
    settled(backend, "s-late", "eu_shop", 2, at(30)).await;
    settled(backend, "s-early", "eu_shop", 1, at(10)).await;
    settled(backend, "s-other", "us_shop", 1, at(20)).await;
    let account = account("eu_shop");
    let asked = async |partitions: Option<&[u32]>, since, limit| -> Vec<String> {
        let share = partitions.map_or(Share::All, |ours| {
            Share::Partitions(ours.iter().copied().collect::<BTreeSet<_>>())
        });
        let found = log.wanting_details(&account, &share, since, limit).await.unwrap();
        found.iter().map(|id| id.as_str().to_owned()).collect()
    };
    assert_eq!(asked(None, at(0), 10).await, ["s-early", "s-late"]);
    assert_eq!(asked(None, at(0), 1).await, ["s-early"]);
    assert_eq!(asked(None, at(10), 10).await, ["s-late"]);
    assert_eq!(asked(Some(&[0, 2]), at(0), 10).await, ["s-late"]);
    assert!(asked(Some(&[]), at(0), 10).await.is_empty());
}

async fn details_are_kept_for_a_time_of_their_own_and_wanted_no_more(backend: &Backend) {
    let log = &backend.log;
    for (name, until) in [("s-1", 60), ("s-2", 60), ("s-3", 61)] {
        settled(backend, name, "eu_shop", 0, at(1)).await;
        log.keep_details(&id(name), at(2), &details("Ada"), at(until))
            .await
            .unwrap();
    }
    backend.sql("UPDATE sessions SET erase_after = updated_at").await;
    assert_eq!(log.erase(at(59), 10).await.unwrap(), 3);
    assert_eq!(log.erase_details(at(59), 10).await.unwrap(), 0);
    assert!(
        log.details(&id("s-1")).await.unwrap().is_some(),
        "what the shop said has another keep"
    );

    assert_eq!(log.erase_details(at(60), 1).await.unwrap(), 1);
    assert_eq!(log.erase_details(at(60), 10).await.unwrap(), 1);
    assert_eq!(log.erase_details(at(60), 10).await.unwrap(), 0);
    for name in ["s-1", "s-2"] {
        assert!(log.details(&id(name)).await.unwrap().is_none());
    }
    assert!(log.details(&id("s-3")).await.unwrap().is_some());
    assert!(wanting(backend).await.is_empty(), "what is erased stays erased");
    log.keep_details(&id("s-1"), at(70), &details("Ada"), at(90))
        .await
        .unwrap();
    assert!(
        log.details(&id("s-1")).await.unwrap().is_none(),
        "nor does a straggler bring it back"
    );
}

async fn the_first_details_that_were_kept_stay(backend: &Backend) {
    let log = &backend.log;
    settled(backend, "s-1", "eu_shop", 0, at(1)).await;
    log.keep_details(&id("s-1"), at(2), &details("Ada"), at(60))
        .await
        .unwrap();
    log.keep_details(&id("s-1"), at(3), &details("Eve"), at(90))
        .await
        .unwrap();
    log.give_details_up(&id("s-1"), at(4)).await.unwrap();
    assert!(log.details(&id("s-1")).await.unwrap() == Some(details("Ada")));
    assert_eq!(log.erase_details(at(60), 10).await.unwrap(), 1);
}

async fn sessions_that_were_confirmed_before_there_was_room_for_details_want_them(backend: &Backend) {
    let log = &backend.log;
    settled(backend, "s-1", "eu_shop", 0, at(1)).await;
    heard(log, "s-2").await;
    // Back to schema 2.
    for back in [
        "DROP INDEX sessions_reference",
        "DROP INDEX sessions_without_details",
        "DROP INDEX dead_letters_at",
        "ALTER TABLE sessions DROP COLUMN details_at",
        "DROP TABLE permission_details",
        "ALTER TABLE confirmd_schema DROP COLUMN understood_from",
        "DELETE FROM confirmd_schema WHERE version > 2",
    ] {
        backend.sql(back).await;
    }
    let refused = refusal(&backend.url).await;
    assert!(matches!(refused, OpenError::Older { found: 2, .. }));
    assert!(log.migrate().await.unwrap().is_current());
    assert_eq!(wanting(backend).await, ["s-1"]);
    log.keep_details(&id("s-1"), at(5), &details("Ada"), at(60))
        .await
        .unwrap();
    assert!(log.details(&id("s-1")).await.unwrap() == Some(details("Ada")));
    assert!(log.verify_folds(|_| policy()).await.unwrap().is_empty());
}

#[tokio::test]
async fn whose_details_are_wanted_is_found_however_long_the_history_is() {
    let backend = Backend::sqlite().await;
    let mut connection = SqliteConnection::connect(&backend.url).await.unwrap();
    let statement = include_str!("../../sql/sqlite/wanting_details.sql");
    let rows = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")))
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
    let by_index = "SEARCH sessions USING INDEX sessions_without_details (account=? AND updated_at>?)";
    assert!(plan.iter().any(|step| step == by_index), "{plan:?}");
    assert!(
        !plan.iter().any(|step| step.contains("TEMP B-TREE")),
        "it is sorted: {plan:?}"
    );
}
