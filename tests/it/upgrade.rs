//! Another version is rolled out, and back, one replica at a time, while checkouts go on.

use std::time::Duration;

use sandbox::SandboxClock as _;
use serde_json::json;
use tokio::sync::watch;

use crate::world::{Daemon, World};

/// What makes a program the version after this one: it knows a further step of the schema.
const NEXT: (&str, &str) = ("CONFIRMD_TEST_NEXT_VERSION", "1");

/// On the world's clock.
const BETWEEN_CHECKOUTS: Duration = Duration::from_millis(300);

/// Replaces a replica: the new one works before the old one goes.
async fn replaced(world: &World, old: Daemon, environment: &[(&str, &str)]) -> Daemon {
    let new = world.daemon_in(environment).await;
    new.line("this replica works the partitions").await;
    let finished = old.terminate().await;
    assert!(finished.status.success(), "{finished:?}");
    new
}

async fn is_ready(daemon: &Daemon) {
    let (status, body) = daemon.get("/readyz").await;
    assert_eq!(status, 200, "{body}");
}

/// Whatever this version is asked on a database that the next one has added to.
async fn works_on_what_was_added(world: &World) {
    for arguments in [
        &["check", "--online"][..],
        &["migrate", "--check"],
        &["migrate"],
        &["sessions", "list", "--state", "all"],
        &["accounts", "list"],
    ] {
        let finished = world.command(arguments).await;
        assert_eq!(finished.code(), 0, "{arguments:?}: {finished:?}");
    }
    let checked = world.json(&["migrate", "--check"]).await;
    assert_eq!(
        (&checked["usable"], &checked["current"]),
        (&json!(true), &json!(false))
    );
    // It would leave out what it does not know.
    let rebuilt = world.command(&["migrate", "--rebuild"]).await;
    assert_eq!(rebuilt.code(), 1, "{rebuilt:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_rolled_out_and_back_under_load_and_every_checkout_is_confirmed_once() {
    let Some(mut world) = World::new("upgrade").await else {
        return;
    };
    world.dead_members_are_noticed_soon();
    let mut one = world.daemon_at_work().await;
    let mut two = world.daemon_in(&[]).await;
    two.line("this replica works the partitions").await;

    let (stop, stopped) = watch::channel(false);
    let rolled = async {
        let migrated = world.command_in(&["migrate"], &[NEXT]).await;
        assert_eq!(migrated.code(), 0, "{migrated:?}");
        is_ready(&one).await;
        works_on_what_was_added(&world).await;
        one = replaced(&world, one, &[NEXT]).await;
        is_ready(&two).await;
        two = replaced(&world, two, &[NEXT]).await;
        // It was a mistake.
        one = replaced(&world, one, &[]).await;
        is_ready(&two).await;
        two = replaced(&world, two, &[]).await;
        is_ready(&one).await;
        stop.send_replace(true);
        (one, two)
    };
    let load = async {
        let mut ids = Vec::new();
        while !*stopped.borrow() {
            ids.push(world.completed(json!({}), json!({})).await);
            world.clock.sleep(BETWEEN_CHECKOUTS).await;
        }
        ids
    };
    let ((one, two), ids) = tokio::join!(rolled, load);
    for told in world.outcomes(&ids).await {
        assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    }
    for daemon in [one, two] {
        let finished = daemon.terminate().await;
        assert!(finished.status.success(), "{finished:?}");
    }
    world.check_each(&ids, "checkout.confirmed.v1").await;
}
