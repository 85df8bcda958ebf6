//! Amazon's answers on their way into a log that others write to as well, and that may be away.

use reconciler::ports::{Call, LogError};
use reconciler::{Act, Advanced};
use testkit::fake_amazon::Fault;
use testkit::model::secs;

use crate::given::{World, completed, second_worker, session, world};

/// The attempt leaves, and before its answer can be recorded somebody else has acted.
fn overtaken_by(world: &World, act: Act) {
    let observed = world.observe(vec![completed()]);
    let other = second_worker(world);
    let clock = world.clock.clone();
    world.log.is_overtaken_by(move |_| {
        let acted = testkit::tasks::run(&clock, other.operate(&session("S-1"), act, "ann", "to see"));
        acted.expect("it is not refused");
    });
    for begun in observed.begun {
        world.run(world.worker.send(begun)).expect("the log is there");
    }
}

#[test]
fn an_answer_is_recorded_behind_what_overtook_it() {
    let world = world();
    overtaken_by(&world, Act::Retry);
    assert_eq!(
        world.story(),
        [
            "checkout-completed",
            "confirmation-started",
            "retry-requested",
            "confirmed"
        ]
    );
}

#[test]
fn an_unclear_answer_is_recorded_behind_what_overtook_it() {
    let world = world();
    world.amazon.script(Call::Confirm, &[Some(Fault::ErrorAfter)]);
    overtaken_by(&world, Act::Retry);
    assert_eq!(world.story()[2..], ["retry-requested", "confirmation-unclear"]);
    world.advance_to_the_end(&session("S-1"));
    assert_eq!(world.amazon.requests().len(), 1);
}

#[test]
fn an_answer_waits_for_a_log_that_is_away_for_a_moment() {
    let world = world();
    let log = world.log.clone();
    world.amazon.on_leaving(move |_| log.goes_away_for(5));
    assert_eq!(world.takes_in(completed()), [Advanced::Rests]);
    assert_eq!(world.story()[2..], ["confirmed"]);
}

#[test]
fn an_answer_that_could_not_be_recorded_is_found_by_looking_up() {
    let world = world();
    let log = world.log.clone();
    world.amazon.on_leaving(move |_| log.goes_away_for(u32::MAX));
    let observed = world.observe(vec![completed()]);
    for begun in observed.begun {
        let failed = world.run(world.worker.send(begun));
        assert!(matches!(failed, Err(LogError::Unavailable(_))));
    }
    world.log.goes_away_for(0);
    world.advance_to_the_end(&session("S-1"));
    let story = world.story();
    assert!(
        story.contains(&"looked-up") && story.contains(&"confirmed"),
        "{story:?}"
    );
    assert_eq!(world.amazon.requests().len(), 1);
}

#[test]
fn an_answer_that_the_log_refuses_is_not_offered_again_and_again() {
    let world = world();
    let observed = world.observe(vec![completed()]);
    let before = world.story();
    world.log.refuses(|append| append.row.settled);
    for begun in observed.begun {
        let failed = world.run(world.worker.send(begun));
        assert!(matches!(failed, Err(LogError::Rejected(_))));
    }
    assert_eq!(world.story(), before);
}

#[test]
fn a_log_that_is_away_at_the_intent_keeps_the_attempt_from_leaving() {
    let world = world();
    world.clock.advance(secs(90));
    world.observe(vec![completed()]);
    world.amazon.script(Call::LookUp, &[None]);
    let log = world.log.clone();
    // The look-up is recorded; then the log is gone.
    world
        .log
        .is_overtaken_by(move |_| log.is_overtaken_by(|log| log.goes_away_for(1)));
    let failed = world.try_to_advance(&session("S-1"));
    assert!(matches!(failed, Err(LogError::Unavailable(_))));
    assert_eq!(world.story(), ["checkout-completed", "looked-up"]);
    assert!(world.amazon.requests().is_empty());
}

#[test]
fn a_look_up_that_brings_nothing_is_repeated_and_the_session_not_given_up() {
    let world = world();
    world.clock.advance(secs(90));
    world.observe(vec![completed()]);
    world.amazon.script(
        Call::LookUp,
        &[
            Some(Fault::ErrorBefore),
            Some(Fault::LostBefore),
            Some(Fault::Throttled),
        ],
    );
    world.advance_to_the_end(&session("S-1"));
    let story = world.story();
    assert_eq!(
        story.iter().filter(|name| **name == "look-up-deferred").count(),
        3
    );
    assert!(story.contains(&"confirmed"), "{story:?}");
}
