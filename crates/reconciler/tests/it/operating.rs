//! What people do to a session, and what they are refused.

use checkout::{Refused, Timestamp};
use reconciler::ports::{Call, NoTurn};
use reconciler::{Act, ActError, Actor, Advanced};
use testkit::fake_amazon::Fault;
use testkit::model::{hours, mins, order, secs, t};

use crate::given::{World, arrival, completed, second_worker, session, world};

fn operate(world: &World, act: Act) -> Result<Advanced, ActError> {
    let id = session("S-1");
    world.run(world.worker.operate(&id, act, "ann", "a customer has called"))
}

#[track_caller]
fn refused(world: &World, act: Act) -> Refused {
    let before = world.story();
    let why = match operate(world, act) {
        Err(ActError::Refused(why)) => why,
        other => panic!("it is not refused: {other:?}"),
    };
    assert_eq!(world.story(), before, "a refused act is no fact");
    why
}

fn is_due_at(advanced: &Advanced, at: Timestamp) -> bool {
    matches!(advanced, Advanced::Waits { until, .. } if *until == at)
}

#[test]
fn a_retry_makes_the_next_step_due_and_says_who_wanted_it() {
    let world = world();
    world.amazon.script(Call::Confirm, &[Some(Fault::Throttled)]);
    world.takes_in(completed());
    let advanced = operate(&world, Act::Retry).expect("it is not refused");
    assert!(is_due_at(&advanced, t(secs(0))));
    let kept = world.log.kept(&session("S-1")).expect("it was heard of");
    let last = kept.facts.last().expect("it has facts");
    assert_eq!(last.event.name(), "retry-requested");
    assert_eq!(last.actor, Actor::Operator("ann".to_owned()));
    assert_eq!(last.reason.as_deref(), Some("a customer has called"));
    assert_eq!(world.advance(&session("S-1")), Advanced::Rests);
    assert_eq!(world.amazon.requests().len(), 2);
}

#[test]
fn nothing_can_be_done_to_a_session_that_was_never_heard_of() {
    let world = world();
    for act in [Act::Retry, Act::Release, Act::Forswear] {
        assert_eq!(refused(&world, act), Refused::Unseen);
    }
}

#[test]
fn nothing_can_be_done_to_a_session_that_is_over() {
    let world = world();
    world.takes_in(completed());
    assert_eq!(refused(&world, Act::Retry), Refused::Over("confirmed"));
    assert_eq!(refused(&world, Act::Forswear), Refused::Over("confirmed"));
    assert_eq!(refused(&world, Act::Release), Refused::NothingToRelease);
}

#[test]
fn what_may_have_landed_is_not_forsworn() {
    let world = world();
    world.amazon.script(Call::Confirm, &[Some(Fault::LostAfter)]);
    let observed = world.observe(vec![completed()]);
    assert_eq!(refused(&world, Act::Forswear), Refused::InDoubt, "in flight");
    for begun in observed.begun {
        world.run(world.worker.send(begun)).expect("the log is there");
    }
    assert_eq!(refused(&world, Act::Forswear), Refused::InDoubt, "lost");
}

#[test]
fn what_an_operator_forswore_is_not_confirmed_until_it_is_released() {
    let world = world();
    world.amazon.no_turns(Call::Confirm, Some(NoTurn::Halted));
    world.observe(vec![completed()]);
    world.amazon.no_turns(Call::Confirm, None);
    operate(&world, Act::Forswear).expect("it is not refused");
    assert_eq!(refused(&world, Act::Forswear), Refused::Forsworn);
    assert!(matches!(world.advance(&session("S-1")), Advanced::Waits { .. }));
    assert!(world.amazon.requests().is_empty());
    operate(&world, Act::Release).expect("it is not refused");
    assert_eq!(world.advance(&session("S-1")), Advanced::Rests);
    assert_eq!(world.amazon.requests().len(), 1);
}

#[test]
fn what_was_repaired_elsewhere_is_released() {
    let world = world();
    world.takes_in(arrival(order().amount("99.00")));
    let released = operate(&world, Act::Release).expect("it is not refused");
    assert!(is_due_at(&released, t(secs(0))));
    world.advance(&session("S-1"));
    assert_eq!(world.amazon.requests().len(), 2);
}

#[test]
fn an_event_that_lacks_something_is_not_released_but_amended() {
    let world = world();
    world.observe(vec![arrival(order().flawed())]);
    assert!(matches!(refused(&world, Act::Release), Refused::Incomplete(_)));
}

#[test]
fn nothing_is_released_when_it_is_too_late_to_confirm_it() {
    let world = world();
    world.takes_in(arrival(order().amount("99.00")));
    world.clock.move_to(t(hours(24) - secs(60)));
    assert_eq!(refused(&world, Act::Release), Refused::TooLate);
}

#[test]
fn a_release_acknowledges_a_conflict() {
    let world = world();
    world.takes_in(completed());
    world.observe(vec![arrival(order().amount("99.00"))]);
    assert_eq!(world.story()[3..], ["conflict-found", "alert-raised"]);
    operate(&world, Act::Release).expect("it is not refused");
    assert_eq!(world.story()[5..], ["alert-resolved"]);
    let kept = world.log.kept(&session("S-1")).expect("it was heard of");
    let last = kept.facts.last().expect("it has facts");
    assert_eq!(last.actor, Actor::Operator("ann".to_owned()));
    assert_eq!(refused(&world, Act::Release), Refused::NothingToRelease);
}

#[test]
fn an_act_that_was_overtaken_is_judged_by_what_overtook_it() {
    let world = world();
    world.amazon.no_turns(Call::Confirm, Some(NoTurn::Halted));
    world.observe(vec![completed()]);
    world.amazon.no_turns(Call::Confirm, None);
    let other = second_worker(&world);
    let clock = world.clock.clone();
    world.log.is_overtaken_by(move |_| {
        let advanced = testkit::tasks::run(&clock, other.advance(&session("S-1"), None));
        assert_eq!(advanced.expect("the log is there"), Advanced::Rests);
    });
    assert!(matches!(
        operate(&world, Act::Forswear),
        Err(ActError::Refused(Refused::Over("confirmed")))
    ));
}

#[test]
fn an_act_is_not_done_while_the_log_is_away() {
    let world = world();
    world.takes_in(arrival(order().amount("99.00")));
    world.clock.advance(mins(1));
    world.log.goes_away_for(1);
    assert!(matches!(operate(&world, Act::Release), Err(ActError::Log(_))));
}
