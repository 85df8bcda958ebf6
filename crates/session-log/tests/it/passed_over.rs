//! In which order due sessions come where a plan gives some of them up, and what it costs to find the first of them.

use std::time::Duration;

use checkout::{Amount, Currency};
use reconciler::Append;
use reconciler::ports::{PassedOver, SessionLog, Share};
use reconciler::turns::GivenUp;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row as _, SqliteConnection};
use testkit::memory_log::MemoryLog;

use crate::support::{Backend, Story, account, at, completed_for, on_both};

on_both!(
    those_given_up_come_after_all_others_that_can_be_saved,
    whoever_is_given_up_with_a_later_time_is_so_with_an_earlier_one,
    a_replica_passes_over_those_of_its_share,
);

/// The present.
const NOW: u64 = 1000;

/// A due session with this deadline, and worth so much.
fn due_of(shop: &str, name: &str, deadline: u64, worth: Option<(&str, &str)>) -> Append {
    let mut first = Story::of(name).then(at(0), [completed_for(shop, at(0))]);
    first.row.deadline.at = at(deadline);
    first.row.charge_amount = worth.map(|(amount, currency)| Amount::parse(amount, currency).unwrap());
    first.row.look_at = None;
    first
}

/// Sessions of each kind: named for their worth in euros, unless they say otherwise.
async fn sessions(log: &impl SessionLog) {
    let eur = |amount| Some((amount, "EUR"));
    let appends = [
        due_of("eu_shop", "late-10", 500, eur("10")),
        due_of("eu_shop", "late-99", 800, eur("99.00")),
        due_of("eu_shop", "5-at-2000", 2000, eur("5")),
        due_of("eu_shop", "krona-15", 2500, Some(("15", "SEK"))),
        due_of("eu_shop", "50", 3000, eur("50.00")),
        due_of("eu_shop", "20", 4000, eur("20.00")),
        due_of("eu_shop", "nothing", 4500, None),
        due_of("eu_shop", "5-at-5000", 5000, eur("5.00")),
        due_of("eu_shop", "4-99", 6000, eur("4.99")),
        due_of("eu_shop", "1", 9000, eur("1.00")),
        due_of("uk_shop", "of-others-1", 2100, eur("1.00")),
    ];
    for added in log.append_all(appends.into()).await {
        added.unwrap();
    }
}

fn given_up(until: u64, currency: Option<Currency>, below: f64) -> PassedOver {
    PassedOver {
        account: account("eu_shop"),
        given_up: GivenUp {
            until: at(until),
            currency,
            below,
        },
    }
}

async fn names(log: &impl SessionLog, passed_over: &[PassedOver], limit: u32) -> Vec<String> {
    let due = log.due(&Share::All, at(NOW), at(0), passed_over, limit).await;
    due.unwrap().iter().map(|due| due.id.to_string()).collect()
}

async fn are_told_apart(log: &impl SessionLog) {
    sessions(log).await;
    let passed_over = [
        given_up(5000, Some(Currency::EUR), 20.0),
        given_up(5000, None, f64::INFINITY),
        given_up(9000, Some(Currency::EUR), 5.0),
    ];
    let kept = ["of-others-1", "krona-15", "50", "20", "5-at-5000", "1"];
    let after_them = ["5-at-2000", "nothing", "4-99", "late-10", "late-99"];
    let all = [&kept[..], &after_them[..]].concat();
    assert_eq!(names(log, &passed_over, 10).await, all);
    // At most so many of each account.
    assert_eq!(names(log, &passed_over, 3).await, all[..4]);
    assert_eq!(names(log, &passed_over, 6).await, all[..7]);
    assert_eq!(names(log, &passed_over, 9).await, all[..10]);
    let by_deadline = [
        "5-at-2000",
        "of-others-1",
        "krona-15",
        "50",
        "20",
        "nothing",
        "5-at-5000",
        "4-99",
        "1",
        "late-10",
        "late-99",
    ];
    assert_eq!(names(log, &[], 10).await, by_deadline);
}

async fn steps_are_a_union(log: &impl SessionLog) {
    sessions(log).await;
    let passed_over = [
        given_up(9000, Some(Currency::EUR), 20.0),
        given_up(3500, Some(Currency::EUR), 1.0),
    ];
    let kept = ["of-others-1", "krona-15", "50", "20", "nothing", "1"];
    let after_them = ["5-at-2000", "5-at-5000", "4-99", "late-10", "late-99"];
    let all = [&kept[..], &after_them[..]].concat();
    assert_eq!(names(log, &passed_over, 10).await, all);
}

async fn those_given_up_come_after_all_others_that_can_be_saved(backend: &Backend) {
    are_told_apart(&backend.log).await;
}

async fn whoever_is_given_up_with_a_later_time_is_so_with_an_earlier_one(backend: &Backend) {
    steps_are_a_union(&backend.log).await;
}

#[tokio::test]
async fn the_log_of_tests_has_the_same_order() {
    are_told_apart(&MemoryLog::default()).await;
    steps_are_a_union(&MemoryLog::default()).await;
}

async fn a_replica_passes_over_those_of_its_share(backend: &Backend) {
    for (name, partition, amount) in [("mine", 3, "1"), ("my-dear", 3, "9"), ("theirs", 4, "9")] {
        let mut first = due_of("eu_shop", name, 2000, Some((amount, "EUR")));
        first.partition = partition;
        backend.log.append_all(vec![first]).await.remove(0).unwrap();
    }
    let share = Share::Partitions([3].into());
    let passed_over = [given_up(5000, Some(Currency::EUR), 5.0)];
    let due = backend
        .log
        .due(
            &share,
            at(NOW),
            at(0).minus(Duration::from_secs(1)),
            &passed_over,
            10,
        )
        .await
        .unwrap();
    let names: Vec<&str> = due.iter().map(|due| due.id.as_str()).collect();
    assert_eq!(names, ["my-dear", "mine"]);
}

const MANY: u64 = 6000;
const FEW: u64 = 10;

/// Many open sessions of one account, half of them worth 5 and half worth 50. Few are due in the first minute, and all
/// in the second.
fn many_sessions() -> String {
    let (start, deadlines) = (at(0), at(90_000));
    format!(
        "INSERT INTO sessions (session_id, version, state, account, partition, deadline, deadline_from, due_at,
             amount, currency, settled, updated_at)
         SELECT 's-' || n, 1, 'ready', 'eu_shop', n % 12, '{deadlines}'::timestamptz + n * interval '1 second', 'event',
             '{start}'::timestamptz + CASE WHEN n % ({MANY} / {FEW}) = 0 THEN 0 ELSE 60 END * interval '1 second',
             CASE WHEN n % 2 = 0 THEN '5' ELSE '50.00' END, 'EUR', false, '{start}'
         FROM generate_series(1, {MANY}) AS n"
    )
}

/// How many rows the busiest node of a plan has brought or thrown away.
fn most_rows(node: &Value) -> f64 {
    let number = |name: &str| node[name].as_f64().unwrap_or(0.0);
    let rows = (number("Actual Rows") + number("Rows Removed by Filter")) * number("Actual Loops");
    let inner = node["Plans"].as_array().into_iter().flatten();
    inner.map(most_rows).fold(rows, f64::max)
}

#[tokio::test]
async fn postgresql_reads_hardly_more_than_it_brings() {
    let Some(backend) = Backend::postgres().await else {
        return;
    };
    let mut connection = PgConnection::connect(&backend.url).await.unwrap();
    let fill = many_sessions();
    let statement = include_str!("../../sql/postgres/due.sql");
    let prepare = format!("PREPARE due (text, timestamptz, timestamptz, bigint, text) AS {statement}");
    for sql in [fill, "ANALYZE sessions".to_owned(), prepare] {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap();
    }
    let steps = format!(
        r#"[{{"account": "eu_shop", "currency": "EUR", "until": [{}], "below": [20.0]}}]"#,
        at(200_000).as_micros()
    );
    for (case, share, until, given_up) in [
        ("all are due", "NULL", 120, "[]"),
        ("of some partitions", "'[3, 7]'", 120, "[]"),
        ("half are given up", "NULL", 120, steps.as_str()),
        ("few are due", "NULL", 30, "[]"),
        ("all are late", "NULL", 200_000, steps.as_str()),
    ] {
        let explain = format!(
            "EXPLAIN (ANALYZE, FORMAT JSON) \
             EXECUTE due ({share}, '{}', '{}', {FEW}, '{given_up}')",
            at(until),
            at(0).minus(Duration::from_secs(1)),
        );
        let row = sqlx::raw_sql(AssertSqlSafe(explain))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        let plan = row.try_get_raw(0).unwrap().as_str().unwrap().to_owned();
        let plans: Value = serde_json::from_str(&plan).unwrap();
        let top = &plans[0]["Plan"];
        assert_eq!(top["Actual Rows"].as_f64(), Some(FEW as f64), "{case}: {plan}");
        // Some times as many are looked at before they are too many to be put in order; one in six is of those partitions.
        assert!(most_rows(top) <= 60.0 * FEW as f64, "{case}: {plan}");
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn sqlite_walks_along_the_deadlines() {
    let backend = Backend::sqlite().await;
    let mut connection = SqliteConnection::connect(&backend.url).await.unwrap();
    let statement = include_str!("../../sql/sqlite/due.sql");
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
    let rows = sqlx::query(explain).fetch_all(&mut connection).await.unwrap();
    let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
    let is_scan =
        |step: &String| step.starts_with("SCAN s ") || step == "SCAN s" || step.contains("SCAN sessions");
    assert!(!plan.iter().any(is_scan), "{plan:#?}");
    let walks = plan
        .iter()
        .filter(|step| step.contains("sessions_deadline (account=? AND deadline"));
    assert_eq!(walks.count(), 3, "{plan:#?}");
    let sorts = plan.iter().filter(|step| step.contains("TEMP B-TREE"));
    assert_eq!(sorts.count(), 1, "only what is brought: {plan:#?}");
    connection.close().await.unwrap();
}
