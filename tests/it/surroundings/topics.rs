//! Topics are deleted and made again, and the broker takes only small messages for a while.

use kafka_topics::clients::operator::Operator;

use crate::world::{Recovery, World};

#[tokio::test(flavor = "multi_thread")]
async fn an_outcomes_topic_that_takes_only_small_messages_gets_everything_once_it_takes_more() {
    let Some(mut world) = World::new("too-large").await else {
        return;
    };
    let operator = Operator::new(&world.kafka.bootstrap_servers).unwrap();
    let topic = world.kafka.outcomes_topic.clone();
    operator.limit_messages(&topic, 200).await.unwrap();
    let daemon = world.daemon_at_work().await;
    let ids = world.completed_many(10).await;
    daemon.line("the broker did not take").await;
    world
        .until("all to be confirmed", async || {
            let books = world.sandbox.books();
            books.sessions.iter().all(|session| session.state == "Completed")
        })
        .await;
    assert!(
        world.everything_on(&topic).await.is_empty(),
        "nothing is as small as that"
    );
    operator.limit_messages(&topic, 1_048_588).await.unwrap();
    let recovery = Recovery::of(&world, "the outcomes topic takes what it took before");
    let mut all = ids;
    world.outcome(&all[0]).await;
    recovery.print_told(&world);
    all.extend(world.completed_many(5).await);
    world.outcomes(&all[1..]).await;
    world.check_each(&all, "checkout.confirmed.v1").await;
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcomes_topic_that_was_deleted_is_told_what_it_missed_once_it_is_there_again() {
    let Some(mut world) = World::new("outcomes-deleted").await else {
        return;
    };
    let operator = Operator::new(&world.kafka.bootstrap_servers).unwrap();
    let topic = world.kafka.outcomes_topic.clone();
    let daemon = world.daemon_at_work().await;
    let before = world.completed_many(3).await;
    world.outcomes(&before).await;
    operator.delete_topic(&topic).await.unwrap();
    let ids = world.completed_many(10).await;
    daemon.line("the broker did not take").await;
    world.topics_are_made_again().await;
    let recovery = Recovery::of(&world, "the outcomes topic made again");
    world.outcome(&ids[0]).await;
    recovery.print_told(&world);
    world.outcomes(&ids[1..]).await;
    world.check_each(&ids, "checkout.confirmed.v1").await;
    let books = world.sandbox.books();
    for id in &before {
        assert_eq!(books.session(id).unwrap().times_completed(), 1);
    }
    world.end(daemon).await;
}
