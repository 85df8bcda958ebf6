//! What the world is told, from memory and from the outbox.

use checkout::SessionId;
use reconciler::ports::{Call, Outbox, SessionLog};
use reconciler::{Announcement, Content, Version, announcement_at, publish};
use testkit::broker::{Delivery, RecordingBroker, is_outcome};
use testkit::fake_amazon::Fault;
use testkit::model::{hours, order, secs, t, t0};

use crate::given::{World, arrival, arrival_of, completed, session, world};

fn from_the_outbox(world: &World, id: &SessionId, version: Version) -> Option<Announcement> {
    let history = world.run(world.log.load(id)).expect("the log is there");
    announcement_at(id, &history, version)
}

fn untold(world: &World) -> Vec<(SessionId, Version)> {
    let now = t(hours(48));
    world.run(world.log.untold(now, 100)).expect("the log is there")
}

#[test]
fn an_outcome_is_offered_from_memory_right_after_its_append() {
    let world = world();
    world.takes_in(completed());
    let offered = world.offered();
    assert_eq!(offered.len(), 1);
    assert!(matches!(offered[0].content, Content::Confirmed { .. }));
    assert_eq!(offered[0].version, Version(3));
    assert_eq!(
        untold(&world),
        [(session("S-1"), Version(3))],
        "and stays in the outbox"
    );
}

#[test]
fn what_stands_behind_an_untold_fact_is_left_to_the_outbox() {
    let world = world();
    world.observe(vec![arrival(order().flawed())]);
    assert_eq!(world.offered().len(), 1, "the alert");
    world.observe(vec![completed()]);
    world.advance(&session("S-1"));
    assert!(world.story().contains(&"confirmed"));
    assert_eq!(
        world.offered(),
        [],
        "the alert's end and the outcome would overtake the alert"
    );
    assert_eq!(untold(&world), [(session("S-1"), Version(2))]);
}

#[test]
fn memory_and_outbox_say_the_same_under_the_same_id() {
    let world = world();
    world.amazon.script(Call::Confirm, &[Some(Fault::LostAfter)]);
    world.amazon.script(Call::LookUp, &[Some(Fault::ErrorBefore); 12]);
    let ids = ["S-1", "S-2", "S-3"].map(|name| world.opens(name));
    let events = [
        completed(),
        arrival(order().flawed()),
        arrival(order().amount("99.00")),
    ];
    for (id, event) in ids.iter().zip(events) {
        world.takes_in(arrival_of(id, event.statement, t0()));
    }
    let mut from_memory = Vec::new();
    for _ in 0..40 {
        let offered = world.offered();
        // Told at once, so that the next fact goes from memory as well.
        let broker = RecordingBroker::default();
        world
            .run(publish(&broker, &world.log, &offered))
            .expect("the log is there");
        from_memory.extend(offered);
        for id in &ids {
            world.advance(id);
        }
        world.clock.advance(hours(1));
    }
    let outcomes = from_memory.iter().filter(|told| is_outcome(told)).count();
    assert!(outcomes > 0 && from_memory.len() > outcomes, "{from_memory:#?}");
    for told in &from_memory {
        assert_eq!(
            from_the_outbox(&world, &told.id, told.version).as_ref(),
            Some(told)
        );
    }
}

#[test]
fn a_fact_that_is_not_told_has_no_announcement() {
    let world = world();
    world.takes_in(completed());
    assert_eq!(from_the_outbox(&world, &session("S-1"), Version(1)), None);
    assert_eq!(from_the_outbox(&world, &session("S-1"), Version(9)), None);
}

#[test]
fn what_the_broker_took_leaves_the_outbox_and_the_rest_stays() {
    let world = world();
    world.takes_in(completed());
    let other = world.opens("S-2");
    world.takes_in(arrival_of(&other, order().build(), t0()));
    let broker = RecordingBroker::default();
    broker.next(&[Delivery::Refused, Delivery::Acknowledged]);
    let told = world.run(publish(&broker, &world.log, &world.offered()));
    assert_eq!(told.expect("the log is there"), [false, true]);
    assert_eq!(untold(&world), [(session("S-1"), Version(3))]);
}

#[test]
fn what_was_taken_without_an_acknowledgement_is_told_again_under_the_same_id() {
    let world = world();
    world.takes_in(completed());
    let broker = RecordingBroker::default();
    broker.next(&[Delivery::AckLost]);
    world
        .run(publish(&broker, &world.log, &world.offered()))
        .expect("the log is there");
    let again: Vec<Announcement> = untold(&world)
        .iter()
        .filter_map(|(id, version)| from_the_outbox(&world, id, *version))
        .collect();
    world
        .run(publish(&broker, &world.log, &again))
        .expect("the log is there");
    let delivered = broker.delivered();
    assert_eq!(delivered.len(), 2);
    assert_eq!(delivered[0], delivered[1]);
    assert!(untold(&world).is_empty());
}

#[test]
fn an_outcome_tells_when_it_was_recorded_and_when_the_shop_spoke() {
    let world = world();
    world.clock.advance(secs(9));
    world.takes_in(completed());
    let offered = world.offered();
    assert_eq!(offered[0].recorded_at, t(secs(9)));
    assert_eq!(offered[0].said_at, t0());
    assert_eq!(offered[0].merchant_reference_id.as_deref(), Some("ORDER-1001"));
}
