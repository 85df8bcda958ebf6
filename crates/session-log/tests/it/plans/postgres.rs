//! PostgreSQL tells each plan of the program's own connections (by its module `auto_explain`), with the pages that each
//! node has touched.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use session_log::{Log, Options};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use testkit::real::{PostgresServer, missing};
use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

use super::{are_all_placed, asking, history, settled_sessions, statements};
use crate::support::{Backend, migrated};

/// What the program asks as long as it runs.
const OFTEN: &[&str] = &[
    "account_alerts_firing",
    "account_conditions",
    "alerts_firing",
    "append",
    "backlog",
    "body_of",
    "check_writable",
    "counts",
    "details_of",
    "due",
    "erase",
    "erase_dead_letters",
    "erase_details",
    "keep_dead_letter",
    "keep_details",
    "kept_dead_letters",
    "list_any",
    "list_by_reference",
    "list_firing",
    "list_unsettled",
    "load",
    "outbox_pending",
    "outcomes_since",
    "outlook",
    "personal_of",
    "recognise_own_append",
    "record_notice",
    "reschedule",
    "row_of",
    "schema_table",
    "schema_understood_from",
    "schema_version",
    "set_account_condition",
    "set_account_condition_after",
    "settle_details",
    "taken_dead_letter",
    "told",
    "told_notices",
    "unsettled",
    "untold",
    "untold_notices",
    "values",
    "versions_of",
    "wanting_details",
];

/// Beside what is asked seldom of either database.
const SELDOM: &[(&str, &str)] = &[("lock_schema", "migrating"), ("prepare_writer", "has no plan")];

/// Those that grow with the history.
const LONG_TABLES: [&str; 5] = ["events", "sessions", "personal", "bodies", "permission_details"];

/// One statement as it was carried out.
struct Plan(Value);

impl Plan {
    fn text(&self) -> &str {
        self.0["Query Text"].as_str().unwrap()
    }

    fn nodes(&self) -> Vec<&Value> {
        fn walk<'a>(node: &'a Value, found: &mut Vec<&'a Value>) {
            found.push(node);
            for inner in node["Plans"].as_array().into_iter().flatten() {
                walk(inner, found);
            }
        }
        let mut found = Vec::new();
        walk(&self.0["Plan"], &mut found);
        found
    }

    /// What each node has touched itself: a part that writes is nobody's child in time.
    fn pages(&self) -> u64 {
        let with_children = |node: &Value| {
            let number = |name: &str| node[name].as_u64().unwrap_or(0);
            number("Shared Hit Blocks") + number("Shared Read Blocks")
        };
        let own = |node: &&Value| {
            let children = node["Plans"].as_array().into_iter().flatten();
            with_children(node).saturating_sub(children.map(with_children).sum())
        };
        self.nodes().iter().map(own).sum()
    }

    fn scans_a_long_table(&self) -> bool {
        let is_long = |node: &&Value| {
            let table = node["Relation Name"].as_str().unwrap_or_default();
            node["Node Type"] == "Seq Scan" && LONG_TABLES.contains(&table)
        };
        self.nodes().iter().any(is_long)
    }
}

/// Hears the plans that the server tells.
#[derive(Clone, Default)]
struct Plans(Arc<Mutex<Vec<Plan>>>);

impl Plans {
    /// Those since the last time, by the name of the statement; without one, checks of foreign keys.
    fn take(&self) -> BTreeMap<String, Vec<Plan>> {
        let names: BTreeMap<String, String> = statements("postgres")
            .into_iter()
            .map(|(name, text)| (text.trim_end().to_owned(), name))
            .collect();
        let mut told: BTreeMap<String, Vec<Plan>> = BTreeMap::new();
        for plan in self.0.lock().unwrap().drain(..) {
            let name = names.get(plan.text().trim_end());
            told.entry(name.cloned().unwrap_or_default())
                .or_default()
                .push(plan);
        }
        told
    }
}

impl<S: Subscriber> Layer<S> for Plans {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        struct Message(String);
        impl Visit for Message {
            fn record_str(&mut self, field: &Field, value: &str) {
                if field.name() == "message" {
                    value.clone_into(&mut self.0);
                }
            }

            fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
        }
        if event.metadata().target() != "sqlx::postgres::notice" {
            return;
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        if let Some((_, plan)) = message.0.split_once("plan:\n") {
            let plan = serde_json::from_str(plan).unwrap();
            self.0.lock().unwrap().push(Plan(plan));
        }
    }
}

/// A server of its own, since only its administrator may have plans told; and the URL of a log there whose connections
/// do.
async fn server_that_tells_its_plans() -> Option<(PostgresServer, Backend, String)> {
    let server = PostgresServer::start_new()?;
    let url = server.database("plans");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let there = sqlx::query("LOAD 'auto_explain'").execute(&mut connection).await;
    connection.close().await.unwrap();
    if there.is_err() {
        return missing("install PostgreSQL's contributed modules: auto_explain tells the plans");
    }
    let telling = [
        ("session_preload_libraries", "auto_explain"),
        ("auto_explain.log_min_duration", "0"),
        ("auto_explain.log_analyze", "on"),
        ("auto_explain.log_buffers", "on"),
        ("auto_explain.log_timing", "off"),
        ("auto_explain.log_nested_statements", "on"),
        ("auto_explain.log_format", "json"),
        ("auto_explain.log_level", "notice"),
        // What is read is asked here, not what is kept.
        ("synchronous_commit", "off"),
    ]
    .map(|(name, value)| format!("options[{name}]={value}"));
    let telling = format!("{url}?{}", telling.join("&"));
    let log = migrated(&url).await;
    let backend = Backend::at(log, url);
    Some((server, backend, telling))
}

async fn run(backend: &Backend, sql: impl IntoIterator<Item = String>) {
    let mut connection = PgConnection::connect(&backend.url).await.unwrap();
    for sql in sql {
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await
            .unwrap();
    }
    connection.close().await.unwrap();
}

/// As autovacuum would.
async fn vacuum(backend: &Backend) {
    let tables = format!("VACUUM ANALYZE {}, outbox", LONG_TABLES.join(", "));
    run(backend, [tables]).await;
}

/// Asks everything, by a connection of its own for each that reads and each that writes.
async fn asked(url: &str, plans: &Plans, round: u64) -> BTreeMap<String, Vec<Plan>> {
    let one_of_each = Options {
        readers: 1,
        writers: 1,
        ..Options::default()
    };
    let log = Log::open(url, one_of_each).await.unwrap();
    asking::everything(&log, round).await;
    recognise(url).await;
    plans.take()
}

/// What a writer asks when an answer was lost: told here, since the server would tell the plan before it has committed
/// what is to be lost.
async fn recognise(url: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let prepare = include_str!("../../../sql/postgres/prepare_writer.sql");
    sqlx::raw_sql(prepare).execute(&mut connection).await.unwrap();
    let ids: Vec<String> = (0..16).map(|n| history::open(n).to_string()).collect();
    let (after, append_ids) = (vec![0_i32; ids.len()], vec![0_i64; ids.len()]);
    sqlx::query(include_str!("../../../sql/postgres/recognise_own_append.sql"))
        .bind(ids)
        .bind(after)
        .bind(append_ids)
        .fetch_all(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// The sizes in bytes of the indexes that leave settled sessions out.
async fn sizes_of_the_queue(backend: &Backend) -> Vec<i64> {
    let sizes = "SELECT pg_relation_size(indexrelid) FROM pg_index
        WHERE indrelid = 'sessions'::regclass AND pg_get_expr(indpred, indrelid) LIKE '%NOT settled%'
        ORDER BY indexrelid";
    backend.sql(sizes).await
}

#[tokio::test]
async fn a_long_history_slows_nothing() {
    let plans = Plans::default();
    let _heard = tracing::subscriber::set_default(tracing_subscriber::registry().with(plans.clone()));
    let Some((_server, backend, telling)) = server_that_tells_its_plans().await else {
        return;
    };
    history::open_sessions(&backend).await;
    // From about so many on, the planner takes those that are due for one.
    let portion = settled_sessions(200_000) / 10;
    let settle = |n: u64| history::settle(&backend.url, n * portion + 1, (n + 1) * portion);

    run(&backend, settle(0)).await;
    vacuum(&backend).await;
    let few = asked(&telling, &plans, 0).await;

    let mut sizes = Vec::new();
    for n in 1..10 {
        run(&backend, settle(n)).await;
        run(&backend, ["VACUUM sessions".to_owned()]).await;
        sizes.push(sizes_of_the_queue(&backend).await);
    }
    vacuum(&backend).await;
    let many = asked(&telling, &plans, 1).await;

    let names: Vec<&str> = many.keys().map(String::as_str).collect();
    let without_foreign_keys: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
    assert_eq!(
        without_foreign_keys, OFTEN,
        "what was asked, and what is asked often"
    );
    for plan in many.values().flatten() {
        assert!(!plan.scans_a_long_table(), "{:#}", plan.0);
    }
    let pages = |plans: &[Plan]| plans.iter().map(Plan::pages).max().unwrap();
    for name in OFTEN {
        let (before, after) = (pages(&few[*name]), pages(&many[*name]));
        // An index that is ten times as long may be one page higher.
        assert!(
            after <= before * 2 + 10,
            "{name} touched {before} pages, and now {after}: {:#}",
            many[*name][0].0
        );
    }
    // A plan that is good for one question is bad for another: each is planned for, however often others were asked.
    let due = &many["due"];
    for (n, plan) in due.iter().enumerate() {
        let (first, again) = (due[n % asking::QUESTIONS_OF_DUE].pages(), plan.pages());
        assert!(
            again <= first * 2 + 10,
            "touched {first} pages the first time, and then {again}: {:#}",
            plan.0
        );
    }
    // From when on a portion was vacuumed away, the next one takes its place.
    let (first, last) = (&sizes[0], &sizes[sizes.len() - 1]);
    assert_eq!(first.len(), 3, "the queue by due time, by deadline and by look");
    for (first, last) in first.iter().zip(last) {
        assert!(*last <= first + first / 5, "the queue grows: {sizes:?}");
    }
}

#[test]
fn every_statement_for_postgresql_is_placed() {
    are_all_placed("postgres", OFTEN, SELDOM);
}
