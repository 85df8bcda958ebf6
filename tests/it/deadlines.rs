//! The deadline comes near and passes; and what operators do meanwhile.

use std::time::Duration;

use jiff::Timestamp;
use sandbox::SandboxClock as _;
use serde_json::{Value, json};

use crate::world::{Daemon, Told, World, time_of};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

/// Amazon's own deadline of a session.
fn deadline(world: &World, id: &str) -> Timestamp {
    world.book(id).expiration_timestamp
}

/// Moves the clock to so long before the deadline of the first, as soon as all of them rest.
async fn until_before_deadline(world: &World, daemon: &Daemon, ids: &[String], before: Duration) {
    world.at_rest(daemon, ids).await;
    let id = &ids[0];
    let at = deadline(world, id) - jiff::SignedDuration::try_from(before).unwrap();
    assert!(world.clock.now() < at, "that moment has passed");
    world.clock.set(at);
}

/// Its event says no amount, and its true deadline is known.
async fn broken(world: &World, daemon: &Daemon) -> String {
    let id = world.completed(json!({}), json!({"chargeAmount": null})).await;
    let waits = |shown: &Value| shown["state"] == "needs-repair" && shown["deadlineFrom"] == "look-up";
    world.shown(daemon, &id, "its true deadline", waits).await;
    id
}

/// It was told after the deadline, on the evidence of a look-up that came after it too.
fn proved_after_its_deadline(world: &World, id: &str, told: &Told) {
    let deadline = deadline(world, id);
    assert!(deadline <= time_of(&told.body["recordedAt"]), "{told:?}");
    assert_eq!(told.body["evidence"], "look-up");
    let asked = world.book(id);
    let last = asked.calls.last().unwrap();
    assert_eq!(last.operation, "get");
    assert!(deadline <= last.at, "{last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_confirmed_near_its_deadline_is_cancelled_once_amazon_says_that_it_lapsed() {
    let Some(mut world) = World::new("near-cancel").await else {
        return;
    };
    world.set("deadline.near", "cancel");
    let daemon = world.daemon_at_work().await;
    let ids = [world.unfinished(&daemon).await, broken(&world, &daemon).await];
    until_before_deadline(&world, &daemon, &ids, 32 * MINUTE).await;
    for id in &ids {
        world.alert(id, "deadline-near", "firing").await;
    }
    until_before_deadline(&world, &daemon, &ids, 29 * MINUTE).await;
    for id in &ids {
        let alert = world.alert(id, "forsworn", "firing").await;
        // The clocks' difference, as far as it is known, only ever shortens it.
        let early = deadline(&world, id).duration_since(time_of(&alert.body["deadline"]));
        assert!((0..60).contains(&early.as_secs()), "{alert:?}");
        world.alert(id, "deadline-near", "resolved").await;
        world.until_state(&daemon, id, "forsworn").await;
    }
    // Nothing is told before Amazon says so.
    until_before_deadline(&world, &daemon, &ids, MINUTE).await;
    for id in &ids {
        assert_eq!(daemon.session(id).await["outcome"], Value::Null);
    }
    world.at_rest(&daemon, &ids).await;
    world.pass(3 * MINUTE);
    for id in &ids {
        let told = world.outcome(id).await;
        assert_eq!(told.event_type, "checkout.cancelled.v1", "{told:?}");
        assert!(time_of(&told.body["decidedAt"]) < deadline(&world, id));
        proved_after_its_deadline(&world, id, &told);
        world.alert(id, "forsworn", "resolved").await;
    }
    world.check_each(&ids, "checkout.cancelled.v1").await;
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_only_alerts_are_wanted_it_expires() {
    let Some(mut world) = World::new("near-alert").await else {
        return;
    };
    world.set("deadline.near", "alert");
    let daemon = world.daemon_at_work().await;
    let ids = [world.unfinished(&daemon).await, broken(&world, &daemon).await];
    // One alert a threshold.
    for (before, severity) in [(6 * HOUR, "ticket"), (2 * HOUR, "ticket"), (45 * MINUTE, "page")] {
        until_before_deadline(&world, &daemon, &ids, before - MINUTE).await;
        for id in &ids {
            let alert = world.alert(id, "deadline-near", "firing").await;
            assert_eq!(alert.body["severity"], severity);
        }
    }
    until_before_deadline(&world, &daemon, &ids, 10 * MINUTE).await;
    world.at_rest(&daemon, &ids).await;
    world.pass(11 * MINUTE);
    for id in &ids {
        let told = world.outcome(id).await;
        assert_eq!(told.event_type, "checkout.expired.v1", "{told:?}");
        proved_after_its_deadline(&world, id, &told);
    }
    let alerts = world.alerts_so_far().await;
    for id in &ids {
        let count = |status: &str| {
            let mine = alerts.iter().filter(|alert| alert.session.as_ref() == Some(id));
            let near = mine.filter(|alert| alert.body["kind"] == "deadline-near");
            near.filter(|alert| alert.body["status"] == status).count()
        };
        assert_eq!((count("firing"), count("resolved")), (3, 3), "{alerts:#?}");
        assert!(alerts.iter().all(|alert| alert.body["kind"] != "forsworn"));
    }
    world.check_each(&ids, "checkout.expired.v1").await;
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thresholds_that_are_changed_hold_for_sessions_of_before() {
    let Some(mut world) = World::new("thresholds").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    // Nobody does anything for it, and Amazon need not be asked: only its thresholds wake it.
    let id = broken(&world, &daemon).await;
    assert_eq!(daemon.terminate().await.code(), 0);

    world.set("deadline.alert_before", vec!["20h"]);
    let daemon = world.daemon_at_work().await;
    until_before_deadline(&world, &daemon, std::slice::from_ref(&id), 20 * HOUR - MINUTE).await;
    world.alert(&id, "deadline-near", "firing").await;
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_who_finishes_late_but_in_time_is_confirmed() {
    let Some(mut world) = World::new("late-buyer").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let id = world.unfinished(&daemon).await;
    let ids = [id.clone()];
    until_before_deadline(&world, &daemon, &ids, 3 * HOUR).await;
    world.alert(&id, "deadline-near", "firing").await;
    world.sandbox.buyer(&id, sandbox::BuyerAction::Finish).unwrap();
    world.at_rest(&daemon, &ids).await;
    world.pass(31 * MINUTE);
    let told = world.outcome_when_due(&daemon, &id).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    assert!(time_of(&told.body["recordedAt"]) < deadline(&world, &id));
    world.alert(&id, "deadline-near", "resolved").await;
    world.check_each(&[id], "checkout.confirmed.v1").await;
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_retry_release_and_forswear_and_are_refused_where_it_would_be_wrong() {
    let Some(mut world) = World::new("operators").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;

    // Retry: what waits half an hour for its buyer is looked at at once.
    let patient = world.unfinished(&daemon).await;
    world
        .sandbox
        .buyer(&patient, sandbox::BuyerAction::Finish)
        .unwrap();
    let explained = world.json(&["sessions", "explain", &patient]).await;
    assert_eq!(explained["step"], "wait", "{explained}");
    assert!(
        explained["because"].as_str().unwrap().contains("buyer"),
        "{explained}"
    );
    assert_eq!(
        explained["account"],
        json!({"name": "eu_shop", "condition": "running"})
    );
    assert_eq!(explained["place"], Value::Null, "it is not due");
    let late = deadline(&world, &patient) + jiff::SignedDuration::from_mins(1);
    let then = world
        .json(&["sessions", "explain", &patient, "--at", &late.to_string()])
        .await;
    assert_eq!(then["step"], "look-up", "{then}");
    assert_eq!(then["place"], 1);
    let retried = act(&world, "retry", &patient).await;
    assert_eq!(retried, 0);
    assert_eq!(world.outcome(&patient).await.event_type, "checkout.confirmed.v1");
    assert_eq!(act(&world, "retry", &patient).await, 3, "it is over");

    // Forswear: ours to decide, and to take back.
    let unwanted = world.unfinished(&daemon).await;
    assert_eq!(act(&world, "forswear", &unwanted).await, 0);
    world.alert(&unwanted, "forsworn", "firing").await;
    assert_eq!(act(&world, "forswear", &unwanted).await, 3, "once is enough");
    let listed = world.json(&["sessions", "list", "--state", "forsworn"]).await;
    assert_eq!(listed[0]["checkoutSessionId"], unwanted);
    world
        .sandbox
        .buyer(&unwanted, sandbox::BuyerAction::Finish)
        .unwrap();
    assert_eq!(act(&world, "release", &unwanted).await, 0);
    world.alert(&unwanted, "forsworn", "resolved").await;
    assert_eq!(world.outcome(&unwanted).await.event_type, "checkout.confirmed.v1");

    // In doubt nothing is closed.
    let lost = world.fault(json!({"operation": "finalize", "when": "after", "kind": "reset", "times": 1}));
    let blind = world.fault(json!({"operation": "get", "when": "before", "kind": "status", "status": 500}));
    let doubtful = world.completed(json!({}), json!({})).await;
    world.until_struck(lost, 1).await;
    world.until_struck(blind, 1).await;
    world.until_state(&daemon, &doubtful, "in-doubt").await;
    let refused = world
        .command(&["sessions", "forswear", &doubtful, "--reason", "the buyer rang"])
        .await;
    assert_eq!(refused.code(), 3);
    assert!(refused.stderr.contains("may have landed"), "{refused:?}");
    world.sandbox.clear_faults();
    assert_eq!(world.outcome(&doubtful).await.event_type, "checkout.confirmed.v1");

    // Acts have their actor and reason on record; unknown sessions and missing reasons are told apart.
    let shown = world.json(&["sessions", "show", &unwanted]).await;
    let history = shown["history"].as_array().unwrap();
    let acts = history.iter().filter(|fact| fact["reason"] == "a test says so");
    assert!(
        acts.clone().count() >= 2 && acts.clone().all(|fact| fact["actor"].is_string()),
        "{shown:#}"
    );
    assert_eq!(act(&world, "retry", "never-heard-of").await, 1);
    assert_eq!(world.command(&["sessions", "retry", &unwanted]).await.code(), 2);
    let all = world.json(&["sessions", "list", "--state", "all"]).await;
    assert_eq!(all.as_array().unwrap().len(), 3);
    assert_eq!(
        world.json(&["sessions", "list"]).await,
        json!([]),
        "nothing is unsettled"
    );

    world
        .check_each(&[patient, unwanted, doubtful], "checkout.confirmed.v1")
        .await;
    world.end(daemon).await;
}

async fn act(world: &World, what: &str, id: &str) -> i32 {
    world
        .command(&["sessions", what, id, "--reason", "a test says so"])
        .await
        .code()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_account_sends_nothing_until_it_is_resumed() {
    let Some(mut world) = World::new("paused").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let on_account = async |world: &World, what: &str| {
        let reason = [
            "accounts",
            what,
            "eu_shop",
            "--reason",
            "a deployment of the shop",
        ];
        world.command(&reason).await.code()
    };
    assert_eq!(on_account(&world, "resume").await, 3, "it runs");
    assert_eq!(on_account(&world, "pause").await, 0);
    assert_eq!(on_account(&world, "pause").await, 3, "it is paused already");
    world
        .until("the daemon to heed it", async || {
            let (_, body) = daemon.get("/api/accounts").await;
            let accounts: Value = serde_json::from_str(&body).unwrap();
            let mine = accounts
                .as_array()
                .unwrap()
                .iter()
                .find(|one| one["account"] == "eu_shop");
            mine.unwrap()["condition"] == "paused"
        })
        .await;
    let held = world.completed(json!({}), json!({})).await;
    let other = world.session(json!({"account": "us_shop"}));
    let other = world.say(&other, json!({"account": "us_shop"})).await;
    // The other account goes on; by then this one has had its chance.
    assert_eq!(world.outcome(&other).await.event_type, "checkout.confirmed.v1");
    world.until_heard(&daemon, std::slice::from_ref(&held)).await;
    assert!(world.calls(&held).is_empty(), "{:?}", world.calls(&held));
    let explained = world.json(&["sessions", "explain", &held]).await;
    assert_eq!(explained["account"]["condition"], "paused");
    let listed = world.json(&["accounts", "list"]).await;
    let mine = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["account"] == "eu_shop");
    assert_eq!(mine.unwrap()["condition"], "paused");
    assert_eq!(on_account(&world, "resume").await, 0);
    assert_eq!(world.outcome(&held).await.event_type, "checkout.confirmed.v1");
    world.check_each(&[held, other], "checkout.confirmed.v1").await;
    world.end(daemon).await;
}
