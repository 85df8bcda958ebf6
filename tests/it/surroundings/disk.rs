//! The disk under SQLite is full, and then it is not.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::json;

use super::kafka;
use crate::world::{Daemon, Recovery, World};

/// No file of this process may grow beyond so many bytes.
fn limit_files(daemon: &Daemon, bytes: Option<u64>) {
    let pid = Pid::from_raw(i32::try_from(daemon.id()).unwrap());
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    prlimit(pid, Resource::Fsize, limit).unwrap();
}

/// The size of the largest file.
fn largest(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).unwrap();
    files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .max()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_for_a_while_loses_nothing() {
    let Some(kafka) = kafka().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("log.db").display());
    let mut world = World::over("disk-full", &kafka, url).await;
    let slow = world.fault(json!({"operation": "finalize", "when": "before", "delay": "20s"}));
    let daemon = world.daemon_that_hears_of_full_disks().await;
    daemon.line("working partitions {0, 1, 2}").await;
    let mut ids = world.completed_many(20).await;
    world.until_struck(slow, 5).await;
    limit_files(&daemon, Some(largest(folder.path())));
    // What is said meanwhile waits in the topic.
    ids.extend(world.completed_many(20).await);
    daemon.line("appending to the session log is tried again").await;
    daemon.line("events wait, because they cannot be recorded").await;
    world.until_nothing_can_be_recorded(&daemon).await;
    limit_files(&daemon, None);
    let recovery = Recovery::of(&world, "room on the disk again");
    let told = world.outcomes(&ids).await;
    recovery.print(&world, &told);
    world
        .until("it to be ready again", async || {
            daemon.get("/readyz").await.0 == 200
        })
        .await;
    world.check_each(&ids, "checkout.confirmed.v1").await;
    world.end(daemon).await;
}
