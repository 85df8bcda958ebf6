//! The group shares out its partitions anew, again and again, while sessions are said, sent and answered.
//!
//! `CONFIRMD_TEST_REBALANCES=200` forces so many under each protocol; 20 where it is not set.

use kafka_topics::clients::operator::IdleMember;
use serde_json::json;

use crate::replicas::partitions;
use crate::world::{Daemon, Recovery, World, in_time};

/// Sessions said at every turn of events.
const SAID_AT_ONCE: usize = 3;

/// What makes the group share out anew. Each does so twice: when it begins, and when it is over.
#[derive(Debug, Clone, Copy)]
enum Disturbance {
    /// A third member joins and leaves.
    Third,
    /// One of ours stands still until the group takes it for dead, then goes on as if nothing had been.
    Stall,
    /// One of ours is killed, and started again.
    Death,
}

/// How many rebalances to force.
fn wanted() -> usize {
    let set = std::env::var("CONFIRMD_TEST_REBALANCES").ok();
    set.map_or(20, |number| {
        number.parse().expect("CONFIRMD_TEST_REBALANCES is a number")
    })
}

fn disturbances() -> impl Iterator<Item = Disturbance> {
    let of_round = |round: usize| match round % 10 {
        3 => Disturbance::Stall,
        7 => Disturbance::Death,
        _ => Disturbance::Third,
    };
    (0..wanted().div_ceil(2)).map(of_round)
}

/// The partitions of these, if no two have one in common.
fn apart(daemons: &[&Daemon]) -> Option<usize> {
    let mut all: Vec<u32> = daemons.iter().flat_map(|daemon| partitions(daemon)).collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    (all.len() == count).then_some(count)
}

/// The two of them have everything between them, and each has something.
async fn two_share_it(world: &World, one: &Daemon, other: &Daemon) {
    world
        .until("two to share the partitions", async || {
            let each = [one, other].iter().all(|daemon| !partitions(daemon).is_empty());
            each && apart(&[one, other]) == Some(3)
        })
        .await;
}

async fn one_has_it_all(world: &World, one: &Daemon) {
    world
        .until("one to have all partitions", async || {
            partitions(one) == [0, 1, 2]
        })
        .await;
}

async fn under(name: &str, protocol: &str) {
    let Some(mut world) = World::new(name).await else {
        return;
    };
    match protocol {
        // The broker has the timeouts, and no client may.
        "consumer" => {
            world.set("kafka.properties.group.protocol", protocol);
            let properties = &mut world.kafka.properties;
            properties.insert("group.protocol".to_owned(), protocol.to_owned());
        }
        _ => world.dead_members_are_noticed_soon(),
    }
    // Calls are under way and answers get lost whenever it happens.
    world.fault(json!({"operation": "finalize", "when": "before", "delay": "4s", "probability": 0.5}));
    world.fault(json!({"operation": "finalize", "when": "after", "kind": "reset", "probability": 0.1}));
    let one = world.daemon_at_work().await;
    let mut other = world.daemon().await;
    two_share_it(&world, &one, &other).await;

    let mut ids = Vec::new();
    let mut recoveries = Vec::new();
    let mut again = |world: &World, of: String| recoveries.push(Recovery::of(world, of));
    for (round, disturbance) in disturbances().enumerate() {
        let what = format!("{protocol} {round}, {disturbance:?}");
        ids.extend(world.completed_many(SAID_AT_ONCE).await);
        match disturbance {
            Disturbance::Third => {
                let mut third = IdleMember::join(&world.kafka).unwrap();
                ids.extend(world.completed_many(SAID_AT_ONCE).await);
                in_time("a share for the third", third.has_its_share()).await;
                ids.extend(world.completed_many(SAID_AT_ONCE).await);
                in_time("the third to leave", third.leave()).await;
                again(&world, what);
            }
            Disturbance::Stall => {
                other.stall();
                ids.extend(world.completed_many(SAID_AT_ONCE).await);
                one_has_it_all(&world, &one).await;
                again(&world, format!("{what}, taken over"));
                ids.extend(world.completed_many(SAID_AT_ONCE).await);
                other.go_on();
                again(&world, what);
            }
            Disturbance::Death => {
                let killed = other.kill().await;
                assert!(!killed.status.success());
                ids.extend(world.completed_many(SAID_AT_ONCE).await);
                one_has_it_all(&world, &one).await;
                again(&world, format!("{what}, taken over"));
                ids.extend(world.completed_many(SAID_AT_ONCE).await);
                other = world.daemon().await;
                again(&world, what);
            }
        }
        ids.extend(world.completed_many(SAID_AT_ONCE).await);
        two_share_it(&world, &one, &other).await;
    }
    let told = world.outcomes(&ids).await;
    for recovery in &recoveries {
        recovery.print(&world, &told);
    }
    world.check_each(&ids, "checkout.confirmed.v1").await;
    let asked = told
        .iter()
        .filter(|told| told.body["evidence"] == "look-up")
        .count();
    println!(
        "{protocol}: {} sessions, {asked} of which were in doubt",
        ids.len()
    );
    let finished = other.terminate().await;
    assert!(finished.status.success(), "{finished:?}");
    world.end(one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_rebalances_of_the_classic_protocol_under_load_lose_nothing() {
    under("rebalances-classic", "classic").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_rebalances_that_the_broker_decides_under_load_lose_nothing() {
    under("rebalances-consumer", "consumer").await;
}
