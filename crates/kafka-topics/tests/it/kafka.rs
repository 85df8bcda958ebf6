//! What only Apache Kafka itself can show: members that come, go and die.

use std::collections::BTreeSet;
use std::sync::Arc;

use kafka_topics::{Settings, check, create_topics, partition_of};
use testkit::real::{KafkaServer, kafka};

use crate::fixture::{Committed, Letters, Log, Running, event, limits, on_kafka, shop, soon};

async fn send(settings: &Settings, ids: impl IntoIterator<Item = String>) {
    let shop = shop(settings);
    for id in ids {
        shop.send(Some(id.as_bytes()), &[], Some(&event(&id)))
            .await
            .unwrap();
    }
}

fn ids(prefix: &str, count: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |number| format!("{prefix}-{number}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_are_made_once_and_found() {
    let Some(kafka) = kafka() else { return };
    let settings = on_kafka(kafka.bootstrap(), 4).await;
    create_topics(&settings, 4).await.unwrap();
    assert_eq!(check(&settings).await.unwrap(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_goes_where_we_say_it_goes() {
    let Some(kafka) = kafka() else { return };
    let settings = on_kafka(kafka.bootstrap(), 4).await;
    let shop = shop(&settings);
    for id in ids("key", 20) {
        let (partition, _) = shop.send(Some(id.as_bytes()), &[], Some(b"{}")).await.unwrap();
        assert_eq!(u32::try_from(partition).unwrap(), partition_of(id.as_bytes(), 4));
    }
}

/// Cooperative, eager, and the protocol in which the broker assigns.
async fn members_share_the_work_and_take_over(properties: &[(&str, &str)], without: &[&str]) {
    let Some(kafka) = kafka() else { return };
    let mut settings = on_kafka(kafka.bootstrap(), 4).await;
    for key in without {
        settings.properties.remove(*key);
    }
    for (key, value) in properties {
        settings.properties.insert((*key).to_owned(), (*value).to_owned());
    }
    // A member that does not poll for this long is taken for dead.
    settings
        .properties
        .insert("max.poll.interval.ms".to_owned(), "2000".to_owned());
    let (first_log, second_log) = (Arc::new(Log::new()), Arc::new(Log::new()));
    let letters = Arc::new(Letters::default());
    let mut first = Running::start(&settings, limits(), &first_log, &letters);
    first.works(&[0, 1, 2, 3]).await;
    send(&settings, ids("a", 20)).await;
    first_log.has_recorded(20).await;

    let (mut second, alive) = Running::start_apart(&settings, limits(), &second_log, &letters);
    let two =
        |assigned: &Option<BTreeSet<u32>>| assigned.as_ref().is_some_and(|partitions| partitions.len() == 2);
    soon("a share for the second", second.assignment.wait_for(two))
        .await
        .unwrap();
    soon("a share for the first", first.assignment.wait_for(two))
        .await
        .unwrap();

    // The second reads its share, records none of it and dies. Then the first has all of it.
    second_log.stall(&[0, 1, 2, 3]);
    send(&settings, ids("b", 40)).await;
    second_log.called(1).await;
    drop(alive);
    first.works(&[0, 1, 2, 3]).await;
    first_log.has_recorded(60).await;
    assert_eq!(first_log.all(), ids("a", 20).chain(ids("b", 40)).collect());
    first.stop().await;
    let committed = Committed::of(&settings);
    let total: i64 = (0..4).filter_map(|partition| committed.at(partition)).sum();
    assert_eq!(total, 60);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cooperative_members_share_the_work_and_take_over() {
    members_share_the_work_and_take_over(&[], &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eager_members_share_the_work_and_take_over() {
    members_share_the_work_and_take_over(&[("partition.assignment.strategy", "range")], &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_that_the_broker_assigns_share_the_work_and_take_over() {
    members_share_the_work_and_take_over(
        &[("group.protocol", "consumer")],
        &["session.timeout.ms", "heartbeat.interval.ms"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_leaves_hands_over_at_once_what_it_has_done() {
    let Some(kafka) = kafka() else { return };
    let settings = on_kafka(kafka.bootstrap(), 4).await;
    let (log, letters) = (Arc::new(Log::new()), Arc::new(Letters::default()));
    let first = Running::start(&settings, limits(), &log, &letters);
    send(&settings, ids("a", 50)).await;
    log.has_recorded(50).await;
    first.stop().await;
    let next = Arc::new(Log::new());
    let mut second = Running::start(&settings, limits(), &next, &letters);
    second.works(&[0, 1, 2, 3]).await;
    send(&settings, ids("b", 10)).await;
    next.has_recorded(10).await;
    assert_eq!(next.all(), ids("b", 10).collect());
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_dies_and_comes_back_finds_us_at_work() {
    let Some(mut server) = KafkaServer::start_new() else {
        return;
    };
    let settings = on_kafka(server.bootstrap(), 4).await;
    let (log, letters) = (Arc::new(Log::new()), Arc::new(Letters::default()));
    let mut running = Running::start(&settings, limits(), &log, &letters);
    running.works(&[0, 1, 2, 3]).await;
    send(&settings, ids("a", 5)).await;
    log.has_recorded(5).await;
    running.assignment.mark_unchanged();
    server.kill();
    soon("trouble is seen", running.broker.wait_for(|answers| !answers))
        .await
        .unwrap();
    // It takes longer than the session: librdkafka takes the assignment for lost, and we go on with it.
    server.start();
    send(&settings, ids("b", 5)).await;
    log.has_recorded(10).await;
    assert!(!running.assignment.has_changed().unwrap());
    running.works(&[0, 1, 2, 3]).await;
    running.stop().await;
}
