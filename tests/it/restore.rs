//! The database is lost, and that of an hour ago is restored: what it has not heard of, it hears again from Kafka.

use std::collections::BTreeSet;
use std::time::Duration;

use kafka_topics::clients::operator::read_again_from;
use sandbox::{BuyerAction, SandboxClock as _, SettableClock};
use serde_json::Value;

use crate::world::{PARTITIONS, Told, World, confirmations};

const AN_HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_an_hour_ago_is_made_whole_from_kafka_and_nothing_is_confirmed_twice() {
    let Some(mut world) = World::new("restore").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let before = world.completed_many(5).await;
    world.outcomes(&before).await;
    // Open in the backup: it waits for its buyer.
    let open = world.unfinished(&daemon).await;
    assert!(daemon.terminate().await.status.success());
    let backup = world.copy_of_the_database().await;
    let at_backup = SettableClock::real().now().as_millisecond();

    world.pass(AN_HOUR);
    let daemon = world.daemon_at_work().await;
    world.sandbox.buyer(&open, BuyerAction::Finish).unwrap();
    let told = world.outcome_when_due(&daemon, &open).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    let since = world.completed_many(20).await;
    world.outcomes(&since).await;
    // Nobody of the group may be at work when it is set back.
    assert!(daemon.terminate().await.status.success());
    let told_before = world.outcomes_so_far().await;
    let all: Vec<&String> = before.iter().chain(&since).chain([&open]).collect();
    let tries = |id: &str| confirmations(&world.book(id)).len();
    let tried_before: Vec<usize> = all.iter().map(|id| tries(id)).collect();

    // As docs/operations.md has it.
    world.pass(AN_HOUR);
    world.set("store.url", backup);
    read_again_from(&world.kafka, PARTITIONS, at_backup)
        .await
        .unwrap();
    let checked = world.command(&["migrate", "--check"]).await;
    assert_eq!(checked.code(), 0, "{checked:?}");
    let daemon = world.daemon_at_work().await;
    for id in since.iter().chain([&open]) {
        let known = |shown: &Value| shown["state"] == "confirmed";
        world.shown(&daemon, id, "what was forgotten", known).await;
    }
    assert!(daemon.terminate().await.status.success());

    let tries = |id: &str| confirmations(&world.book(id)).len();
    let tried_after: Vec<usize> = all.iter().map(|id| tries(id)).collect();
    assert_eq!(tried_after, tried_before, "nothing is sent that was sent already");
    let told_after = world.outcomes_so_far().await;
    for id in all {
        assert_eq!(world.book(id).times_completed(), 1, "{id}");
        // Whoever has shipped the order is told nothing else of it.
        let of = |told: &[Told]| -> Vec<String> {
            let mine = told.iter().filter(|one| one.session.as_ref() == Some(id));
            mine.map(|one| format!("{} {}", one.event_type, one.body["chargeId"]))
                .collect()
        };
        let (then, now) = (of(&told_before), of(&told_after));
        assert_eq!(now.iter().collect::<BTreeSet<_>>().len(), 1, "{now:?}");
        let again = usize::from(!before.contains(id));
        assert_eq!(now.len(), then.len() + again, "{then:?}, {now:?}");
    }
}
