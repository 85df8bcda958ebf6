//! The example of fulfilment reads what confirmd tells, and ships each confirmed order once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::real::{self, JavaWithKafka};

use crate::world::{Finished, World, in_time};

async fn fulfil(java: &JavaWithKafka, world: &World, group: &str, ledger: &Path) -> Finished {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/examples/fulfilment/Fulfilment.java");
    let ran = tokio::process::Command::new(&java.java)
        .args([
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            &java.class_path,
        ])
        .arg(source)
        .args(["--bootstrap", &world.kafka.bootstrap_servers])
        .args(["--topic", &world.kafka.outcomes_topic])
        .args(["--group", &format!("{}-{group}", world.kafka.group_id)])
        .arg("--ledger")
        .arg(ledger)
        .args(["--idle-exit-seconds", "1"])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ran = in_time("fulfilment", ran).await.unwrap();
    Finished {
        status: ran.status,
        stdout: String::from_utf8(ran.stdout).unwrap(),
        stderr: String::from_utf8(ran.stderr).unwrap(),
    }
}

fn lines_of(ledger: &PathBuf) -> Vec<Value> {
    let text = std::fs::read_to_string(ledger).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn fulfilment_ships_each_confirmed_order_once_and_no_other() {
    let java = tokio::task::spawn_blocking(real::java_with_kafka).await.unwrap();
    let (Some(java), Some(mut world)) = (java, World::new("fulfilment").await) else {
        return;
    };
    world.dead_members_are_noticed_soon();
    // It dies after the broker has taken an outcome and before that is noted: the outcome is told twice.
    let mut dying = world.daemon_that_dies_at("mark-told").await;
    let mut paid = world.completed_many(3).await;
    let finished = dying.finish().await;
    assert!(!finished.status.success());
    let daemon = world.daemon_at_work().await;
    paid.extend(world.completed_many(2).await);
    let authorized = json!({"paymentIntent": "Authorize", "canHandlePendingAuthorization": true});
    let late = json!({"card": "0701", "pendingFor": "20s", "paymentDetails": authorized});
    paid.push(world.completed(late, json!({})).await);
    let wallet = json!({"paymentDetails": {"paymentIntent": "Confirm"}});
    let unpaid = world.completed(wallet, json!({})).await;
    let declined = world.completed(json!({"card": "3434"}), json!({})).await;
    let unfinished = world.unfinished(&daemon).await;
    world.outcomes(&paid).await;
    world.outcome(&unpaid).await;
    world.outcome(&declined).await;
    let ids = [unfinished];
    world.at_rest(&daemon, &ids).await;
    world.pass(Duration::from_secs(23 * 3600 + 40 * 60));
    world.alert(&ids[0], "forsworn", "firing").await;
    world.at_rest(&daemon, &ids).await;
    world.pass(Duration::from_secs(3600));
    world.outcome(&ids[0]).await;

    let ledger = world.dir().join("ledger.jsonl");
    let first = fulfil(&java, &world, "first", &ledger).await;
    assert!(first.status.success(), "{first:?}");
    assert!(
        first.stderr.contains("seen before: "),
        "nothing was told twice: {first:?}"
    );
    // A new group reads it all again, and has nothing to do.
    let again = fulfil(&java, &world, "again", &ledger).await;
    assert!(again.status.success(), "{again:?}");
    assert_eq!(again.stdout, "");

    let mut decisions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines_of(&ledger) {
        let text = |field: &str| line[field].as_str().unwrap().to_owned();
        decisions
            .entry(text("checkoutSessionId"))
            .or_default()
            .push(text("decision"));
    }
    let last = paid.last().unwrap();
    for id in &paid[..paid.len() - 1] {
        assert_eq!(decisions[id], ["ship"], "{id}");
    }
    assert_eq!(
        decisions[last],
        ["wait", "ship"],
        "nothing ships on a pending payment"
    );
    assert_eq!(decisions[&unpaid], ["charge-first"]);
    assert_eq!(decisions[&declined], ["cancel"]);
    assert_eq!(decisions[&ids[0]], ["cancel"]);
    assert_eq!(decisions.len(), paid.len() + 3);

    world.check_each(&paid, "checkout.confirmed.v1").await;
    world.end(daemon).await;
}
