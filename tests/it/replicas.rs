//! Two of them share the work by partitions; one dies, and the other finishes it.

use serde_json::json;

use crate::world::{Daemon, World, confirmations};

/// Partitions that a replica has said last to be working.
pub(crate) fn partitions(daemon: &Daemon) -> Vec<u32> {
    let said = daemon.said();
    let last = said.lines().rev().find_map(|line| {
        let (_, set) = line.split_once("working partitions {")?;
        set.split_once('}').map(|(set, _)| set.to_owned())
    });
    let last = last.unwrap_or_default();
    last.split(", ")
        .filter_map(|number| number.parse().ok())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_share_the_work_and_the_survivor_of_one_finishes_it() {
    let Some(mut world) = World::new("replicas").await else {
        return;
    };
    world.dead_members_are_noticed_soon();
    let survivor = world.daemon_at_work().await;
    let other = world.daemon().await;
    world
        .until("the partitions to be shared", async || {
            let (ours, theirs) = (partitions(&survivor), partitions(&other));
            !theirs.is_empty()
                && ours.len() + theirs.len() == 3
                && ours.iter().all(|one| !theirs.contains(one))
        })
        .await;

    let mut ids = world.completed_many(24).await;
    world.outcomes(&ids).await;
    let attempts = async |daemon: &Daemon| {
        daemon
            .metric("confirmd_attempts_total", "operation=\"finalize\"")
            .await
    };
    let (ours, theirs) = (attempts(&survivor).await, attempts(&other).await);
    assert!(
        ours > 0.0 && theirs > 0.0,
        "each has its part: {ours} and {theirs}"
    );
    let twice = ids.iter().filter(|id| confirmations(&world.book(id)).len() != 1);
    assert_eq!(twice.count(), 0, "nobody does another's");

    let slow = world.fault(json!({"operation": "finalize", "when": "before", "delay": "8s"}));
    let more = world.completed_many(24).await;
    world.until_struck(slow, 20).await;
    let killed = other.kill().await;
    assert!(!killed.status.success());
    let told = world.outcomes(&more).await;
    let asked = told
        .iter()
        .filter(|told| told.body["evidence"] == "look-up")
        .count();
    assert!(asked > 0, "the dead one had nothing under way");
    assert_eq!(partitions(&survivor), [0, 1, 2]);

    ids.extend(more);
    world.check_each(&ids, "checkout.confirmed.v1").await;
    world.end(survivor).await;
}
