//! A stopped account with more sessions than its window holds: what needs no call happens in time all the same.

use checkout::SessionId;
use reconciler::Advanced;
use reconciler::ports::{Call, Clock, NoTurn, SessionLog, Share};
use reconciler::turns::Window;
use testkit::model::{OrderBuilder, hours, mins, order, secs, t};

use crate::given::{World, arrival_of, world};

const LIMIT: u32 = 2;

/// Six checkouts of an account that may send nothing, a minute between two.
fn halted_with(order_of: impl Fn(u32) -> OrderBuilder) -> (World, Vec<SessionId>) {
    halted_for(&[Call::Confirm, Call::LookUp], order_of)
}

fn halted_for(calls: &[Call], order_of: impl Fn(u32) -> OrderBuilder) -> (World, Vec<SessionId>) {
    let world = world();
    for call in calls {
        world.amazon.no_turns(*call, Some(NoTurn::Halted));
    }
    let ids: Vec<SessionId> = (1..=6)
        .map(|n| {
            let id = world.opens(&format!("S-{n}"));
            let mut arrival = arrival_of(&id, order_of(n).build(), world.clock.now());
            // What needs repair is then to be looked up for its true deadline.
            arrival.session_created_at = None;
            world.observe(vec![arrival]);
            world.clock.move_to(world.clock.now().plus(mins(1)));
            id
        })
        .collect();
    (world, ids)
}

/// Sweeps every five seconds until 25 hours have passed, and works whatever is due. How often a session was looked at.
fn work_for_a_day(world: &World) -> usize {
    let mut window = Window::new(LIMIT as usize);
    let mut looks = 0;
    while world.clock.now() < t(hours(25)) {
        let now = world.clock.now();
        let due = world
            .log
            .due(&Share::All, now.plus(secs(5)), now.minus(mins(2)), &[], LIMIT);
        for due in world.run(due).expect("the log is there") {
            window.note_due(&due);
        }
        while let Some(id) = window.wake(now) {
            looks += 1;
            match world.advance(&id) {
                Advanced::NeedsTurn {
                    account,
                    call,
                    claim,
                    look_at,
                    ..
                } => window.want(&id, &account, claim, call, look_at),
                Advanced::Waits {
                    until,
                    account,
                    deadline,
                } => window.sleep(&id, account.as_ref(), deadline, until),
                Advanced::Rests => window.remove(&id),
            }
        }
        world.clock.move_to(now.plus(secs(5)));
    }
    looks
}

#[test]
fn people_are_told_of_every_session_at_every_threshold() {
    let (world, ids) = halted_with(|_| order());
    let looks = work_for_a_day(&world);
    for id in &ids {
        let kept = world.log.kept(id).expect("it was heard of");
        let told: Vec<_> = kept.facts[1..]
            .iter()
            .map(|fact| (fact.event.name(), kept.row.deadline.at.since(fact.at)))
            .collect();
        let thresholds = [hours(6), hours(2), mins(45)].map(|before| ("alert-raised", before));
        assert_eq!(told, thresholds, "{id}");
    }
    // Once for each alert, and besides when it is first seen, when one before it leaves it room because its deadline
    // has passed, and when its own has.
    assert!(looks <= 6 * ids.len(), "{looks} looks");
}

#[test]
fn what_nobody_did_in_time_is_not_looked_at_again_and_again() {
    let (world, ids) = halted_with(|_| order());
    world.clock.move_to(t(hours(24) + mins(10)));
    let looks = work_for_a_day(&world);
    assert!(looks <= 2 * ids.len(), "{looks} looks");
    assert!(ids.iter().all(|id| world.log.story(id) == ["checkout-completed"]));
}

#[test]
fn what_cannot_be_asked_about_is_not_forsworn() {
    let (world, ids) = halted_with(|_| order().flawed());
    let looks = work_for_a_day(&world);
    for id in &ids {
        let story = world.log.story(id);
        assert!(!story.contains(&"confirmation-forsworn"), "{id}: {story:?}");
    }
    assert!(looks <= 6 * ids.len(), "{looks} looks");
}

#[test]
fn what_cannot_be_confirmed_is_forsworn_in_time() {
    let (world, ids) = halted_for(&[Call::Confirm], |_| order().flawed());
    let looks = work_for_a_day(&world);
    for id in &ids {
        let kept = world.log.kept(id).expect("it was heard of");
        let forsworn = kept
            .facts
            .iter()
            .find(|fact| fact.event.name() == "confirmation-forsworn");
        let before = forsworn.map(|fact| kept.row.deadline.at.since(fact.at));
        assert_eq!(before, Some(mins(30)), "{id}: {:?}", world.log.story(id));
    }
    assert!(looks <= 6 * ids.len(), "{looks} looks");
}
