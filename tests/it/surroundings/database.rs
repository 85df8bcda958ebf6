//! The database drops every connection again and again; and the disk under SQLite is full for a while.

use std::time::Duration;

use sandbox::SandboxClock as _;
use serde_json::json;

use crate::world::{Recovery, World};

/// How long connections are dropped, and how often, on the machine's clock.
const DROPPED_FOR: Duration = Duration::from_secs(10);
const DROPPED_EVERY: Duration = Duration::from_millis(200);

const DROP_ALL: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
     WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_drops_every_connection_again_and_again_loses_nothing() {
    let Some(mut world) = World::new("connections-dropped").await else {
        return;
    };
    world.fault(json!({"operation": "finalize", "when": "before", "delay": "2s", "probability": 0.5}));
    world.fault(json!({"operation": "finalize", "when": "after", "kind": "reset", "probability": 0.1}));
    let daemon = world.daemon_at_work().await;
    let mut ids = world.completed_many(5).await;
    // By the world's clock, so that nothing waits by any other.
    let outside = |time: Duration| time.mul_f64(world.clock.speed());
    let end = world.clock.now() + outside(DROPPED_FOR);
    let mut dropped = 0;
    while world.clock.now() < end {
        let next = world.clock.now() + outside(DROPPED_EVERY);
        let gone = world.sql(DROP_ALL);
        dropped += gone.trim().parse::<u32>().unwrap();
        ids.extend(world.completed_many(2).await);
        let left = next.duration_since(world.clock.now());
        world.clock.sleep(left.try_into().unwrap_or_default()).await;
    }
    let recovery = Recovery::of(&world, "connections dropped for 10 s");
    ids.extend(world.completed_many(5).await);
    let told = world.outcomes(&ids).await;
    println!(
        "{dropped} connections were dropped while {} sessions were said",
        ids.len()
    );
    recovery.print(&world, &told);
    assert!(0 < dropped, "nothing was dropped");
    world.check_each(&ids, "checkout.confirmed.v1").await;
    let recorded = world.sql("SELECT count(*) FROM sessions WHERE settled");
    assert_eq!(recorded.trim(), ids.len().to_string());
    world.end(daemon).await;
}
