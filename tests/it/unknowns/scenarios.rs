//! Scenarios that need a world of their own. Each takes the positions that it plays from [`SCENARIOS`], where
//! the list of all switches looks for them.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use sandbox::{Profile, SandboxClock as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::case::standing;
use crate::world::{Daemon, World, confirmations, time_of};

const SKEWED: &str = "a clock that is far off";
const ELSEWHERE: &str = "the other environment";
const LATE: &str = "booked after the deadline";
const THROTTLED: &str = "quotas";

/// How the switches stand in each of them, one run after the other.
fn played() -> [(&'static str, Vec<Value>); 4] {
    let refusal = |status: u16, code: &str| json!({"status": status, "reasonCode": code});
    [
        (
            SKEWED,
            vec![
                json!({"allowedClockSkew": "15m", "clockSkewRefusal": refusal(403, "InvalidRequestSignature")}),
                json!({"allowedClockSkew": "15m", "clockSkewRefusal": refusal(400, "InvalidHeaderValue")}),
                json!({"allowedClockSkew": null}),
            ],
        ),
        (
            ELSEWHERE,
            vec![
                json!({"wrongEnvironment": refusal(404, "ResourceNotFound")}),
                json!({"wrongEnvironment": refusal(403, "InvalidAuthentication")}),
            ],
        ),
        (
            LATE,
            vec![json!({"arrivalCounts": true}), json!({"arrivalCounts": false})],
        ),
        (
            THROTTLED,
            vec![
                json!({"unlistedOperationsThrottled": true, "finalizeSharesCompleteQuota": false, "retryAfter": null}),
                json!({"unlistedOperationsThrottled": true, "finalizeSharesCompleteQuota": true, "retryAfter": null}),
                json!({"unlistedOperationsThrottled": true, "finalizeSharesCompleteQuota": true, "retryAfter": 20}),
                json!({"unlistedOperationsThrottled": false, "finalizeSharesCompleteQuota": false, "retryAfter": 20}),
            ],
        ),
    ]
}

fn positions(scenario: &str) -> Vec<Value> {
    let (_, stands) = played().into_iter().find(|(name, _)| *name == scenario).unwrap();
    stands
}

/// Every stand that is played here.
pub(super) fn stands() -> impl Iterator<Item = Value> {
    played().into_iter().flat_map(|(_, stands)| stands)
}

/// The control URL of a clock that is behind the world's by so much, as a daemon of the test follows it.
async fn a_clock_behind(world: &World, by: SignedDuration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let clock = Arc::new(world.clock.clone());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let clock = clock.clone();
            tokio::spawn(async move {
                // One request a connection, and all of them are GET /clock.
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let body = json!({"now": (clock.now() - by).to_string()}).to_string();
                let length = body.len();
                let head =
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all((head + &body).as_bytes()).await;
            });
        }
    });
    format!("http://{address}")
}

/// Probes, and whatever else asked.
fn refused_look_ups(world: &World) -> u64 {
    let books = world.sandbox.books();
    let answers = books.answers.get("get").into_iter().flatten();
    let refusals = answers.filter(|(status, _)| !["200", "404"].contains(&status.as_str()));
    refusals.map(|(_, times)| times).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_far_off_is_corrected_by_amazons_own_and_loses_nothing() {
    let Some(mut world) = World::new("skewed").await else {
        return;
    };
    let url = a_clock_behind(&world, SignedDuration::from_mins(20)).await;
    for stand in positions(SKEWED) {
        world.sandbox.set_unknowns(standing(&stand));
        let daemon = Daemon::start(&world.config_file(), &url, &[]).await;
        daemon.line("working partitions {0, 1, 2}").await;
        let before = refused_look_ups(&world);
        let id = world.completed(json!({}), json!({})).await;
        if !stand["allowedClockSkew"].is_null() {
            world.alert("eu_shop", "account-stopped", "firing").await;
            // The second answer, to a probe, is believed; the next probe is signed with the corrected time.
            world.pass(Duration::from_secs(30));
            world
                .until("a refused probe", async || before < refused_look_ups(&world))
                .await;
            world.pass(Duration::from_secs(60));
        }
        let told = world.outcome(&id).await;
        assert_eq!(told.event_type, "checkout.confirmed.v1", "{stand}: {told:?}");
        if !stand["allowedClockSkew"].is_null() {
            world.alert("eu_shop", "account-stopped", "resolved").await;
        }
        let finished = daemon.terminate().await;
        assert!(finished.status.success(), "{finished:?}");
    }
    world.check_books().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_at_the_other_environments_path_loses_nothing_however_it_is_refused() {
    let Some(mut world) = World::new("environment").await else {
        return;
    };
    let key = world.sandbox.info().merchants[0].older_public_key_id.clone();
    world.set("accounts.eu_shop.public_key_id", key);
    world.set("accounts.eu_shop.environment", "live");
    let daemon = world.daemon_at_work().await;
    let mut ids = Vec::new();
    for stand in positions(ELSEWHERE) {
        world.sandbox.set_unknowns(standing(&stand));
        let id = world.completed(json!({}), json!({})).await;
        let (key, kind) = if stand["wrongEnvironment"]["status"] == 404 {
            (id.as_str(), "needs-repair")
        } else {
            ("eu_shop", "account-stopped")
        };
        world.alert(key, kind, "firing").await;
        ids.push((id, kind));
    }
    let finished = daemon.terminate().await;
    assert!(finished.status.success(), "{finished:?}");

    world.set("accounts.eu_shop.environment", "sandbox");
    let daemon = world.daemon_at_work().await;
    for (id, kind) in &ids {
        if *kind == "needs-repair" {
            let because = [
                "sessions",
                "release",
                id,
                "--reason",
                "the environment is right now",
            ];
            let released = world.command(&because).await;
            assert_eq!(released.code(), 0, "{released:?}");
        }
        let told = world.outcome(id).await;
        assert_eq!(told.event_type, "checkout.confirmed.v1", "{kind}: {told:?}");
        let key = if *kind == "needs-repair" { id } else { "eu_shop" };
        world.alert(key, kind, "resolved").await;
    }
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_that_is_booked_after_the_deadline_is_told_as_amazon_judges_it() {
    let Some(mut world) = World::new("booked_late").await else {
        return;
    };
    world.set("retry.attempt_timeout", "15m");
    let daemon = world.daemon_at_work().await;
    for stand in positions(LATE) {
        world.sandbox.set_unknowns(standing(&stand));
        let made = world.clock.now() - SignedDuration::from_hours(24) + SignedDuration::from_mins(5);
        let session = world.session(json!({"creationTimestamp": made.to_string()}));
        let id = session["checkoutSessionId"].as_str().unwrap().to_owned();
        let held_up = json!({"operation": "finalize", "when": "before", "delay": "6m", "session": id});
        world.fault(held_up);
        world.say(&session, json!({})).await;
        world
            .until("its arrival", async || !world.book(&id).calls.is_empty())
            .await;
        world.pass(Duration::from_secs(7 * 60));
        let outcome = if stand["arrivalCounts"] == true {
            "confirmed"
        } else {
            "expired"
        };
        let told = world.outcome_when_due(&daemon, &id).await;
        assert_eq!(
            told.event_type,
            format!("checkout.{outcome}.v1"),
            "{stand}: {told:?}"
        );
        let book = world.book(&id);
        assert_eq!(confirmations(&book).len(), 1, "{stand}: {book:#?}");
    }
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quotas_that_nobody_has_published_are_kept_as_they_are_met() {
    let Some(mut world) = World::with_quotas_of("quotas", Profile::Sandbox).await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    for stand in positions(THROTTLED) {
        world.sandbox.set_unknowns(standing(&stand));
        // Every bucket is full again.
        world.pass(Duration::from_secs(30));
        // Nothing fills up while the calls come in.
        let speed = world.clock.speed();
        world.clock.set_speed(1.0);
        let mut ids = Vec::new();
        for number in 0..8 {
            let operation = if number % 2 == 0 { "Finalize" } else { "Complete" };
            ids.push(world.completed(json!({}), json!({"operation": operation})).await);
        }
        let is_throttled = |id: &String| {
            let book = world.book(id);
            confirmations(&book).iter().any(|call| call.status == Some(429))
        };
        let first = async || ids.iter().any(is_throttled);
        world.until("a call that is throttled", first).await;
        world.clock.set_speed(speed);
        for told in world.outcomes(&ids).await {
            assert_eq!(told.event_type, "checkout.confirmed.v1", "{stand}: {told:?}");
        }
        // Its own wait would be a second or two.
        let asked = SignedDuration::from_secs(stand["retryAfter"].as_i64().unwrap_or_default());
        let mut throttled = Vec::new();
        for id in &ids {
            let book = world.book(id);
            let tries = confirmations(&book);
            assert_eq!(tries.last().unwrap().status, Some(200), "{stand}: {book:#?}");
            for (refused, next) in tries.iter().zip(&tries[1..]) {
                assert_eq!(refused.status, Some(429), "{stand}: {book:#?}");
                assert_ne!(refused.idempotency_key, next.idempotency_key, "{stand}");
                throttled.push(refused.operation);
            }
            // By the daemon's own record: it reads the world's clock a moment late.
            let shown = daemon.session(id).await;
            let history = shown["history"].as_array().unwrap();
            let mut not_before = None;
            for fact in history {
                let at = time_of(&fact["at"]);
                match fact["type"].as_str() {
                    Some("confirmation-deferred") => {
                        let retry_at = time_of(&fact["retryAt"]);
                        assert!(at + asked <= retry_at, "it was asked to wait: {stand}: {shown:#}");
                        not_before = Some(retry_at);
                    }
                    Some("confirmation-started") => {
                        assert!(not_before <= Some(at), "it was to wait: {stand}: {shown:#}");
                    }
                    _ => {}
                }
            }
            let deferred = history
                .iter()
                .filter(|fact| fact["type"] == "confirmation-deferred");
            assert_eq!(deferred.count() + 1, tries.len(), "{stand}: {shown:#}");
        }
        if stand["unlistedOperationsThrottled"] == false {
            assert!(!throttled.contains(&"finalize"), "{stand}: {throttled:?}");
        }
    }
    world.end(daemon).await;
}
