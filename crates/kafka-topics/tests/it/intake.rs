//! Intake: nothing is skipped, and nothing is committed too early.

use std::sync::Arc;
use std::time::Duration;

use kafka_topics::Limits;
use kafka_topics::clients::{ShopProducer, TopicReader};

use crate::fixture::{Committed, Letters, Log, Running, broker, cluster, event, limits, shop, soon};

async fn send(shop: &ShopProducer, partition: i32, ids: impl IntoIterator<Item = String>) {
    for id in ids {
        let key = id.as_bytes();
        shop.send_to(partition, Some(key), &[], Some(&event(&id)))
            .await
            .unwrap();
    }
}

fn ids(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}-{number}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_taken_in_in_the_order_of_their_partition_and_then_committed() {
    let (_broker, settings) = broker(2);
    let (log, letters) = (Arc::new(Log::new()), Arc::new(Letters::default()));
    let mut running = Running::start(&settings, limits(), &log, &letters);
    let shop = shop(&settings);
    send(&shop, 0, ids("a", 40)).await;
    send(&shop, 1, ids("b", 30)).await;
    running.works(&[0, 1]).await;
    log.has_recorded(70).await;
    assert_eq!(log.of_partition(0), ids("a", 40));
    assert_eq!(log.of_partition(1), ids("b", 30));
    let committed = Committed::of(&settings);
    committed.reaches(0, 40).await;
    committed.reaches(1, 30).await;
    let count = soon("the count", running.partition_count.wait_for(Option::is_some)).await;
    assert_eq!(*count.unwrap(), Some(2));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_on_record_is_not_committed_and_comes_again() {
    let (_broker, settings) = cluster(1).await;
    let (log, letters) = (Arc::new(Log::new()), Arc::new(Letters::default()));
    log.stall(&[0]);
    let shop = shop(&settings);
    send(&shop, 0, ids("a", 10)).await;
    let quick = Limits {
        drain_within: Duration::from_millis(50),
        ..limits()
    };
    let running = Running::start(&settings, quick, &log, &letters);
    log.called(1).await;
    running.stop().await;
    assert_eq!(Committed::of(&settings).at(0), None);

    log.stall(&[]);
    let running = Running::start(&settings, limits(), &log, &letters);
    log.has_recorded(10).await;
    // What was recorded before the end is committed at the end.
    running.stop().await;
    assert_eq!(log.of_partition(0), ids("a", 10));
    assert_eq!(Committed::of(&settings).at(0), Some(10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_delays_events_and_loses_none() {
    let (_broker, settings) = cluster(1).await;
    let (log, letters) = (Arc::new(Log::new()), Arc::new(Letters::default()));
    log.fail(4);
    let running = Running::start(&settings, limits(), &log, &letters);
    send(&shop(&settings), 0, ids("a", 5)).await;
    log.has_recorded(5).await;
    running.stop().await;
    assert_eq!(log.of_partition(0), ids("a", 5));
    assert_eq!(Committed::of(&settings).at(0), Some(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_the_log_refuses_keeps_nobody_else_waiting() {
    let (_broker, settings) = cluster(1).await;
    let (log, letters) = (Arc::new(Log::new()), Arc::new(Letters::default()));
    log.refuse(&["a-3"]);
    send(&shop(&settings), 0, ids("a", 10)).await;
    let running = Running::start(&settings, limits(), &log, &letters);
    log.has_recorded(9).await;
    let committed = Committed::of(&settings);
    committed.reaches(0, 3).await;
    log.refuse(&[]);
    log.has_recorded(10).await;
    committed.reaches(0, 10).await;
    running.stop().await;
    assert_eq!(log.all(), ids("a", 10).into_iter().collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_cannot_be_recorded_is_held_back_and_the_others_flow() {
    let (_broker, settings) = cluster(2).await;
    let (log, letters) = (Arc::new(Log::new()), Arc::new(Letters::default()));
    log.stall(&[0]);
    let shop = shop(&settings);
    send(&shop, 0, ids("a", 600)).await;
    send(&shop, 1, ids("b", 200)).await;
    let few = Limits {
        batch_events: 10,
        partition_events: 40,
        ..limits()
    };
    let most = few.partition_events + few.batch_events + 1;
    let running = Running::start(&settings, few, &log, &letters);
    log.has_recorded(200).await;
    assert_eq!(log.of_partition(1), ids("b", 200));
    // All of the stalled partition would have been read by now.
    send(&shop, 1, ids("c", 50)).await;
    log.has_recorded(250).await;
    let held = *running.held.borrow();
    assert!(held <= most, "{held} events held");
    log.stall(&[]);
    log.has_recorded(850).await;
    assert_eq!(log.of_partition(0), ids("a", 600));
    assert!(log.largest_batch() <= 10);
    running.stop().await;
    assert_eq!(Committed::of(&settings).at(0), Some(600));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreadable_event_is_set_aside_unchanged_and_the_ones_behind_it_are_taken_in() {
    let (_broker, settings) = cluster(1).await;
    let (log, letters) = (Arc::new(Log::new()), Arc::new(Letters::default()));
    let running = Running::start(&settings, limits(), &log, &letters);
    let shop = shop(&settings);
    send(&shop, 0, ids("a", 1)).await;
    let headers: [(&str, &[u8]); 2] = [("ce_subject", b"not an id"), ("x-shop", b"\xff\x00")];
    shop.send_to(0, Some(b"key"), &headers, Some(b"{\"checkoutSessionId\": 7}"))
        .await
        .unwrap();
    send(&shop, 0, ids("b", 1)).await;

    log.has_recorded(2).await;
    let notices = letters.notices(1).await;
    let mut reader = TopicReader::open(&settings.bootstrap_servers, &settings.dead_letter_topic)
        .await
        .unwrap();
    let letter = soon("the dead letter", reader.next()).await;
    assert_eq!(letter.key.as_deref(), Some(b"key".as_slice()));
    assert_eq!(
        letter.payload.as_deref(),
        Some(b"{\"checkoutSessionId\": 7}".as_slice())
    );
    let source = format!("{}/0/1", settings.completed_topic);
    let kept = |name: &str, value: &[u8]| (name.to_owned(), Some(value.to_vec()));
    assert_eq!(
        letter.headers,
        [
            kept("ce_subject", b"not an id"),
            kept("x-shop", b"\xff\x00"),
            kept("confirmd_reason", b"must be a string"),
            kept("confirmd_field", b"checkoutSessionId"),
            kept("confirmd_source", source.as_bytes()),
        ]
    );
    assert_eq!(notices[0].alert_id, format!("dead-letter/{source}"));
    assert_eq!(notices[0].key, source);
    assert!(letters.all_kept().is_empty());
    Committed::of(&settings).reaches(0, 3).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_broker_is_away_the_last_known_partitions_stay() {
    let (broker, settings) = broker(1);
    let (log, letters) = (Arc::new(Log::new()), Arc::new(Letters::default()));
    let mut running = Running::start(&settings, limits(), &log, &letters);
    let shop = shop(&settings);
    assert_eq!(*running.assignment.borrow(), None);
    send(&shop, 0, ids("a", 1)).await;
    log.has_recorded(1).await;
    broker.go_away().unwrap();
    soon("trouble is seen", running.broker.wait_for(|answers| !answers))
        .await
        .unwrap();
    running.works(&[0]).await;
    broker.come_back().unwrap();
    send(&shop, 0, ids("b", 1)).await;
    log.has_recorded(2).await;
    assert!(*running.broker.borrow());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_that_the_topic_refuses_is_kept_and_the_partition_moves_on() {
    let (mock, mut settings) = cluster(1).await;
    if mock.is_some() {
        // A mock cluster makes every topic that is asked for.
        return;
    }
    settings.dead_letter_topic = "there-is-no-such-topic".to_owned();
    settings
        .properties
        .insert("message.timeout.ms".to_owned(), "500".to_owned());
    let (log, letters) = (Arc::new(Log::new()), Arc::new(Letters::default()));
    let running = Running::start(&settings, limits(), &log, &letters);
    shop(&settings)
        .send_to(0, None, &[], Some(b"nonsense"))
        .await
        .unwrap();
    letters.notices(1).await;
    let kept = letters.all_kept();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].payload.as_deref(), Some(b"nonsense".as_slice()));
    assert_eq!(kept[0].field, "body");
    Committed::of(&settings).reaches(0, 1).await;
    running.stop().await;
}
