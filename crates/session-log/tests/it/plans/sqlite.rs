//! SQLite tells how it would carry out a statement, and calls back at each turn of a loop while it does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Connection, Row as _, Sqlite, SqliteConnection};

use super::history::{self, open, settled};
use super::{are_all_placed, settled_sessions, statements};
use crate::support::{Backend, at};

/// A parameter, of the type that the program gives it.
enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(&'static [u8]),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// `[…]` of anything that is a parameter.
macro_rules! with {
    ($($value:expr),* $(,)?) => { vec![$(Value::from($value)),*] };
}

/// What the program asks as long as it runs, with parameters for which there is something to do.
fn often() -> BTreeMap<&'static str, Vec<Value>> {
    let now = history::present().as_micros();
    let later = at(90 * 86_400).as_micros();
    let none = || Value::Null;
    let (over, waiting) = (settled(5), open(10));
    let (over, waiting) = (over.as_str(), waiting.as_str());
    let told = format!(r#"[["{waiting}", 3], ["{over}", 3]]"#);
    let given_up =
        format!(r#"[{{"account": "eu_shop", "currency": "EUR", "until": [{later}], "below": [20.0]}}]"#);
    let waited_for = format!(r#"["{waiting}", "{over}", "S-unheard"]"#);
    BTreeMap::from([
        ("account_alerts_firing", with!["eu_shop", "account-stopped"]),
        ("account_conditions", with![]),
        ("alerts_firing", with![]),
        ("append_body", with![waiting, 2, Value::Bytes(b"{}")]),
        (
            "append_fact",
            with![waiting, 4, now, "confirmed", 1, "{}", none(), none(), none(), 1],
        ),
        (
            "append_fold",
            with![
                waiting,
                4,
                "confirmed",
                "eu_shop",
                3,
                later,
                "event",
                none(),
                "23.40",
                "EUR",
                none(),
                1,
                now,
                later,
                none(),
                "[]"
            ],
        ),
        ("append_personal", with![waiting, 1, 1, "{}"]),
        ("append_to_outbox", with![waiting, 2, now]),
        ("backlog", with![none(), now, now]),
        ("body_of", with![waiting, 1]),
        ("check_writable", with![]),
        ("counts", with![]),
        ("details_of", with![over]),
        ("due", with!["[3, 7, 11]", now, 0, 10, given_up.as_str()]),
        ("erase_bodies", with![now, 5]),
        ("erase_dead_letters", with![now, 5]),
        ("erase_details", with![now, 5]),
        ("erase_mark", with![now, 5]),
        ("erase_personal", with![now, 5]),
        (
            "keep_dead_letter",
            with![
                "completed/0/1",
                none(),
                none(),
                "[]",
                "is missing",
                "checkoutSessionId",
                now
            ],
        ),
        ("keep_details", with![settled(7).as_str(), 1, "{}", later]),
        ("kept_dead_letters", with![100]),
        ("list_by_reference", with!["ORDER-1001", 50]),
        ("list_firing", with![20]),
        ("list_unsettled", with![none(), "eu_shop", none(), 50, 0, ""]),
        ("load", with![over]),
        ("older_unpublished", with![waiting, 3]),
        ("outbox_pending", with![]),
        ("outcomes_since", with![now, now - 86_400_000_000]),
        ("outlook", with![now]),
        ("personal_of", with![over]),
        ("recognise_own_append", with![waiting, 1, 1]),
        (
            "record_notice",
            with![
                "stopped-1",
                1,
                "account-stopped",
                "look at it",
                "eu_shop",
                "eu_shop",
                now
            ],
        ),
        ("reschedule", with![waiting, 3, later, later]),
        ("row_of", with![over]),
        ("schema_table", with![]),
        ("schema_understood_from", with![]),
        ("schema_version", with![]),
        (
            "set_account_condition",
            with!["eu_shop", "stopped", now, "confirmd", "it says so"],
        ),
        (
            "set_account_condition_after",
            with![
                "eu_shop",
                "stopped",
                now,
                "confirmd",
                "it says so",
                none(),
                none(),
                none()
            ],
        ),
        ("settle_details", with![settled(7).as_str(), now]),
        ("taken_dead_letter", with!["completed/0/1"]),
        ("told", with![told.as_str()]),
        ("told_notices", with![r#"[["stopped-1", 1]]"#]),
        ("unsettled", with!["eu_shop", now, "", 200]),
        ("untold", with![now, 500]),
        ("untold_notices", with![100]),
        ("values", with![]),
        ("version_of", with![over]),
        ("versions_of", with![waited_for.as_str()]),
        ("wanting_details", with!["eu_shop", none(), 0, 20]),
    ])
}

/// A plan may go through these from their beginning to their end: indexes without settled sessions,
const SHORT_INDEXES: [&str; 4] = [
    "sessions_due",
    "sessions_deadline",
    "sessions_look_at",
    "sessions_firing",
];

/// facts that are to be told, what belongs to no session, and what the statement has made itself.
const SHORT_TABLES: &[&str] = &[
    "outbox",
    "o",
    "notices",
    "n",
    "dead_letters",
    "account_conditions",
    "c",
    "readiness",
    "confirmd_schema",
    "sqlite_master",
    "accounts",
    "a",
    "given_up",
    "g",
    "urgent",
    "u",
    "to_look_at",
    "both_parts",
    // The five outcomes.
    "5",
    "v",
    "CONSTANT",
];

fn is_long(step: &str) -> bool {
    let words: Vec<&str> = step.split(' ').collect();
    let index = words
        .iter()
        .position(|word| *word == "INDEX")
        .map(|place| words[place + 1]);
    words[0] == "SCAN"
        && !words[1].starts_with("(subquery")
        && !step.contains("VIRTUAL TABLE")
        && !SHORT_TABLES.contains(&words[1])
        && !index.is_some_and(|index| SHORT_INDEXES.contains(&index))
}

fn bound(sql: &str, values: &[Value]) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
    let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    values.iter().fold(query, |query, value| match value {
        Value::Null => query.bind(None::<String>),
        Value::Int(number) => query.bind(*number),
        Value::Text(text) => query.bind(text.clone()),
        Value::Bytes(bytes) => query.bind(*bytes),
    })
}

async fn run(connection: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// How many turns each statement takes, one after the other in a transaction that is taken back.
async fn turns(connection: &mut SqliteConnection) -> BTreeMap<&'static str, u64> {
    let texts: BTreeMap<String, String> = statements("sqlite").into_iter().collect();
    let mut turns = BTreeMap::new();
    for (name, values) in often() {
        run(connection, "BEGIN").await;
        let counted = Arc::new(AtomicU64::new(0));
        let counter = counted.clone();
        let count = move || {
            counter.fetch_add(1, Ordering::Relaxed);
            true
        };
        connection
            .lock_handle()
            .await
            .unwrap()
            .set_progress_handler(1, count);
        let asked = bound(&texts[name], &values).fetch_all(&mut *connection).await;
        connection.lock_handle().await.unwrap().remove_progress_handler();
        asked.unwrap_or_else(|error| panic!("{name}: {error}"));
        turns.insert(name, counted.load(Ordering::Relaxed));
        run(connection, "ROLLBACK").await;
    }
    turns
}

/// Each statement that is asked often, with the steps of its plan that go through something long.
async fn long_steps(connection: &mut SqliteConnection) -> Vec<(String, String)> {
    let often = often();
    let mut long = Vec::new();
    for (name, text) in statements("sqlite") {
        if !often.contains_key(name.as_str()) {
            continue;
        }
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
        let rows = sqlx::query(explain).fetch_all(&mut *connection).await.unwrap();
        let steps = rows.iter().map(|row| row.get::<String, _>("detail"));
        long.extend(
            steps
                .filter(|step| is_long(step))
                .map(|step| (name.clone(), step)),
        );
    }
    long
}

#[tokio::test]
async fn a_long_history_slows_nothing() {
    let backend = Backend::sqlite().await;
    history::open_sessions(&backend).await;
    let mut connection = SqliteConnection::connect(&backend.url).await.unwrap();
    let portion = settled_sessions(10_000) / 10;
    let settle = |from: u64, to: u64| {
        let sql = history::settle(&backend.url, from * portion + 1, to * portion);
        format!("BEGIN; {}; COMMIT", sql.join(";\n"))
    };

    run(&mut connection, &settle(0, 1)).await;
    let few = turns(&mut connection).await;
    run(&mut connection, &settle(1, 10)).await;
    let many = turns(&mut connection).await;
    for (name, before) in few {
        let after = many[name];
        assert!(
            after <= before + before / 10 + 10,
            "{name} took {before} turns, and now {after}"
        );
    }

    // Whether the tables have ever been analyzed or not: nobody asks for it.
    assert_eq!(long_steps(&mut connection).await, []);
    run(&mut connection, "ANALYZE").await;
    assert_eq!(long_steps(&mut connection).await, []);
    connection.close().await.unwrap();
}

#[test]
fn every_statement_for_sqlite_is_placed() {
    let often: Vec<&str> = often().into_keys().collect();
    let people = "people who ask one worker's file for settled sessions";
    are_all_placed("sqlite", &often, &[("list_any", people)]);
}
