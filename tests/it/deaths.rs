//! The daemon ends, in order or not; the broker and the database come and go. Nothing is lost, nothing twice.

mod boundaries;
pub(crate) mod labels;
mod load;

use std::os::unix::process::ExitStatusExt as _;

use serde_json::json;
use testkit::real::{self, KafkaServer, PostgresServer};

use crate::world::{World, in_a_thread};

const SIGKILL: i32 = 9;

/// Answers come after so long that many calls are under way at any time.
fn slow_answers(world: &World, delay: &str) -> u64 {
    world.fault(json!({"operation": "finalize", "when": "before", "delay": delay}))
}

/// A quota at which so many sessions queue: some are under way, some have not had their turn.
fn a_queue(world: &mut World) {
    world.set("accounts.eu_shop.quota.confirm.burst", 15);
    world.set("accounts.eu_shop.quota.confirm.per_second", 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_under_load_ends_in_order_and_the_next_run_goes_on() {
    let Some(mut world) = World::new("sigterm").await else {
        return;
    };
    a_queue(&mut world);
    let slow = slow_answers(&world, "8s");
    let daemon = world.daemon_at_work().await;
    let ids = world.completed_many(40).await;
    world.until_struck(slow, 5).await;
    let finished = daemon.terminate().await;
    assert_eq!(finished.code(), 0, "{finished:?}");
    assert!(finished.stderr.contains("stopping"), "{finished:?}");
    assert!(
        !finished.stderr.contains("shutdown_grace is over"),
        "{finished:?}"
    );
    let confirmed = || {
        let books = world.sandbox.books();
        books
            .sessions
            .iter()
            .filter(|session| session.state == "Completed")
            .count()
    };
    assert!(
        (1..ids.len()).contains(&confirmed()),
        "it was ended in the middle: {}",
        confirmed()
    );

    let daemon = world.daemon().await;
    world.outcomes(&ids).await;
    world.check_each(&ids, "checkout.confirmed.v1").await;
    let books = world.sandbox.books();
    let repeated = books.sessions.iter().filter(|session| session.calls.len() > 2);
    assert_eq!(
        repeated.count(),
        0,
        "what was under way had its answer: nothing was left in doubt"
    );
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_under_load_leaves_doubt_that_the_next_run_clears() {
    let Some(mut world) = World::new("killed").await else {
        return;
    };
    a_queue(&mut world);
    world.dead_members_are_noticed_soon();
    let slow = slow_answers(&world, "8s");
    let daemon = world.daemon_at_work().await;
    let ids = world.completed_many(40).await;
    world.until_struck(slow, 5).await;
    let finished = daemon.kill().await;
    assert_eq!(finished.status.signal(), Some(SIGKILL));
    // What had arrived lands all the same, and nobody hears of it.
    world
        .until("a confirmation to land unheard", async || {
            let books = world.sandbox.books();
            books.sessions.iter().any(|session| session.state == "Completed")
        })
        .await;

    let daemon = world.daemon().await;
    let told = world.outcomes(&ids).await;
    let asked = told
        .iter()
        .filter(|told| told.body["evidence"] == "look-up")
        .count();
    assert!(asked > 0, "the kill came while nothing was under way");
    world.check_each(&ids, "checkout.confirmed.v1").await;
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_crashes_under_load_and_comes_back_loses_nothing() {
    let Some(kafka) = in_a_thread(KafkaServer::start_new).await else {
        return;
    };
    let Some(postgres) = real::postgres() else { return };
    let mut world = World::over("broker-back", kafka.bootstrap(), postgres.database("broker-back")).await;
    let slow = slow_answers(&world, "20s");
    let daemon = world.daemon_at_work().await;
    let mut ids = world.completed_many(20).await;
    world.until_struck(slow, 5).await;
    let kafka = with(kafka, KafkaServer::kill).await;
    daemon.line("the broker did not take").await;
    let kafka = with(kafka, KafkaServer::start).await;
    ids.extend(world.completed_many(10).await);
    world.outcomes(&ids).await;
    world.check_each(&ids, "checkout.confirmed.v1").await;
    world.end(daemon).await;
    drop(kafka);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_broker_away_confirmations_go_on_and_outcomes_follow() {
    let Some(kafka) = in_a_thread(KafkaServer::start_new).await else {
        return;
    };
    let Some(postgres) = real::postgres() else { return };
    let mut world = World::over("broker-away", kafka.bootstrap(), postgres.database("broker-away")).await;
    // Each batch is offered to the broker for so long before it is left to the outbox, at the end too.
    world.set("kafka.properties.message.timeout.ms", "1500");
    let away = world.fault(json!({
        "operation": "finalize", "when": "before", "kind": "status", "status": 503,
    }));
    let daemon = world.daemon_at_work().await;
    let ids = world.completed_many(10).await;
    world.until_heard(&daemon, &ids).await;
    world.until_struck(away, 10).await;
    let kafka = with(kafka, KafkaServer::stop).await;
    world.sandbox.clear_faults();
    let completed = |world: &World| {
        let books = world.sandbox.books();
        books
            .sessions
            .iter()
            .filter(|session| session.state == "Completed")
            .count()
    };
    // Half of the way under the partitions last known, the rest after a restart that knows none.
    world
        .until("a first confirmation", async || completed(&world) > 0)
        .await;
    let finished = daemon.terminate().await;
    assert_eq!(finished.code(), 0, "{finished:?}");
    let daemon = world.daemon().await;
    world
        .until("all to be confirmed without a broker", async || {
            completed(&world) == ids.len()
        })
        .await;
    let (ready, body) = daemon.get("/readyz").await;
    assert_eq!(ready, 200, "broker trouble is told, not fatal: {body}");
    assert!(body.contains("away"), "{body}");
    let kafka = with(kafka, KafkaServer::start).await;
    world.outcomes(&ids).await;
    world.check_each(&ids, "checkout.confirmed.v1").await;
    world.end(daemon).await;
    drop(kafka);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_crashes_under_load_and_comes_back_loses_nothing() {
    let Some(kafka) = in_a_thread(|| real::kafka().map(|kafka| kafka.bootstrap().to_owned())).await else {
        return;
    };
    let Some(postgres) = in_a_thread(PostgresServer::start_new).await else {
        return;
    };
    let mut world = World::over("database-back", &kafka, postgres.database("log")).await;
    let slow = slow_answers(&world, "20s");
    let daemon = world.daemon_at_work().await;
    let mut ids = world.completed_many(20).await;
    world.until_struck(slow, 5).await;
    let postgres = with(postgres, PostgresServer::kill).await;
    // What is said meanwhile waits in the topic.
    ids.extend(world.completed_many(10).await);
    daemon.line("events wait, because they cannot be recorded").await;
    world.until_nothing_can_be_recorded(&daemon).await;
    let postgres = with(postgres, PostgresServer::start).await;
    world.outcomes(&ids).await;
    world.check_each(&ids, "checkout.confirmed.v1").await;
    let recorded = world.sql("SELECT count(*) FROM sessions WHERE settled");
    assert_eq!(recorded.trim(), ids.len().to_string());
    world.end(daemon).await;
    drop(postgres);
}

/// The server, after something was done to it.
async fn with<T: Send + 'static>(mut server: T, act: fn(&mut T)) -> T {
    in_a_thread(move || {
        act(&mut server);
        server
    })
    .await
}
