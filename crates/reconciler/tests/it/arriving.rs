//! What happens when the shop says that a buyer is done.

use checkout::{Event, PrivateRef, Statement};
use reconciler::ports::{Call, LogError, NoTurn, SessionLog};
use reconciler::turns::Claim;
use reconciler::{Act, Actor, Advanced, Personal};
use testkit::fake_amazon::Fault;
use testkit::model::{hours, mins, money, order, secs, t, t0};

use crate::given::{
    World, account, address_in, arrival, arrival_of, completed, second_worker, session, world,
};

fn statements(world: &World) -> Vec<Statement> {
    let kept = world.log.kept(&session("S-1")).expect("it was heard of");
    let statements = kept.facts.into_iter().filter_map(|fact| match fact.event {
        Event::CheckoutCompleted { statement, .. }
        | Event::CheckoutAmended { statement }
        | Event::AmendmentKept { statement }
        | Event::ConflictFound { statement } => Some(statement),
        _ => None,
    });
    statements.collect()
}

#[test]
fn a_fresh_checkout_and_its_intent_are_one_append_when_a_turn_is_there() {
    let world = world();
    let observed = world.observe(vec![completed()]);
    assert_eq!(
        world.log.appends(&session("S-1")),
        [["checkout-completed", "confirmation-started"]]
    );
    assert_eq!(observed.begun.len(), 1);
    assert!(observed.to_advance.is_empty());
    assert!(world.amazon.requests().is_empty(), "sending is another step");
}

#[test]
fn the_bytes_are_on_record_with_the_intent_and_are_the_ones_that_leave() {
    let world = world();
    world.takes_in(completed());
    let kept = world.log.kept(&session("S-1")).expect("it was heard of");
    let sent: Vec<Vec<u8>> = world.amazon.requests().into_iter().map(|one| one.body).collect();
    assert_eq!(kept.bodies.into_values().collect::<Vec<_>>(), sent);
    assert_eq!(sent, [b"finalize;amount=23.45 EUR;to=Utrecht;".to_vec()]);
}

#[test]
fn without_a_turn_the_checkout_alone_is_recorded_and_asks_for_one() {
    let world = world();
    let later = NoTurn::Until(t(secs(5)));
    world.amazon.no_turns(Call::Confirm, Some(later));
    let observed = world.observe(vec![completed()]);
    let id = session("S-1");
    assert_eq!(world.log.appends(&id), [["checkout-completed"]]);
    assert!(observed.begun.is_empty());
    assert_eq!(observed.to_advance.len(), 1);
    let Advanced::NeedsTurn {
        account: of,
        call,
        because,
        claim,
        look_at,
    } = world.advance(&id)
    else {
        panic!("it waits for its turn");
    };
    assert_eq!((of, call, because), (account(), Call::Confirm, later));
    assert_eq!(
        claim,
        Claim {
            deadline: t(hours(24)),
            amount: Some(money("23.45", "EUR")),
            fresh_until: t(mins(1)),
        }
    );
    assert_eq!(look_at, Some(t(hours(18))), "people are told meanwhile");
}

#[test]
fn a_turn_that_the_caller_has_is_used_where_no_other_is_there() {
    let world = world();
    let turn = world.turn(Call::Confirm);
    world.amazon.no_turns(Call::Confirm, Some(NoTurn::Halted));
    world.observe(vec![completed()]);
    let id = session("S-1");
    let advanced = world.run(world.worker.advance(&id, Some((Call::Confirm, turn))));
    assert_eq!(advanced.expect("the log is there"), Advanced::Rests);
    assert_eq!(world.amazon.requests().len(), 1);
}

#[test]
fn a_redelivered_checkout_is_recorded_once() {
    let world = world();
    world.takes_in(completed());
    let before = world.story();
    let observed = world.observe(vec![completed()]);
    assert_eq!(world.story(), before);
    assert!(observed.begun.is_empty() && observed.to_advance.is_empty());
    assert_eq!(world.amazon.requests().len(), 1);
}

#[test]
fn the_same_checkout_twice_in_a_batch_is_recorded_once() {
    let world = world();
    let observed = world.observe(vec![completed(), completed()]);
    assert_eq!(observed.begun.len(), 1);
    assert_eq!(world.story(), ["checkout-completed", "confirmation-started"]);
}

#[test]
fn two_different_events_of_a_session_in_a_batch_are_heard_one_after_the_other() {
    let world = world();
    let observed = world.observe(vec![completed(), arrival(order().amount("99.00"))]);
    assert_eq!(observed.begun.len(), 1);
    assert_eq!(
        world.story(),
        ["checkout-completed", "confirmation-started", "amendment-kept"]
    );
}

#[test]
fn every_session_of_a_batch_is_taken_in_whatever_stands_between_them() {
    let world = world();
    world.observe(vec![completed()]);
    let fresh = ["S-2", "S-3"].map(|name| {
        let id = world.opens(name);
        arrival_of(&id, order().build(), t0())
    });
    let [second, third] = fresh;
    let observed = world.observe(vec![second, completed(), third]);
    let begun: Vec<&str> = observed.begun.iter().map(|begun| begun.id().as_str()).collect();
    assert_eq!(begun, ["S-2", "S-3"]);
}

#[test]
fn an_event_that_contradicts_a_ready_session_changes_nothing_and_is_told() {
    let world = world();
    world.amazon.no_turns(Call::Confirm, Some(NoTurn::Halted));
    world.observe(vec![completed()]);
    world.observe(vec![arrival(order().amount("99.00"))]);
    assert_eq!(
        world.story(),
        ["checkout-completed", "conflict-found", "alert-raised"]
    );
    world.amazon.no_turns(Call::Confirm, None);
    world.advance(&session("S-1"));
    let sent = world.amazon.requests();
    assert_eq!(sent.len(), 1);
    assert!(String::from_utf8_lossy(&sent[0].body).contains("amount=23.45 EUR;"));
}

#[test]
fn a_corrected_event_makes_a_session_that_needs_repair_ready_at_once() {
    let world = world();
    assert!(world.observe(vec![arrival(order().flawed())]).begun.is_empty());
    assert_eq!(world.story(), ["checkout-completed", "alert-raised"]);
    let observed = world.observe(vec![completed()]);
    assert_eq!(observed.to_advance.len(), 1);
    assert_eq!(world.advance(&session("S-1")), Advanced::Rests);
    assert_eq!(
        world.story()[2..],
        [
            "checkout-amended",
            "alert-resolved",
            "confirmation-started",
            "confirmed"
        ]
    );
}

#[test]
fn an_event_that_was_overtaken_on_its_way_into_the_log_is_heard_again() {
    let world = world();
    world.observe(vec![arrival(order().flawed())]);
    let other = second_worker(&world);
    let clock = world.clock.clone();
    // The first append finds the session known; the second is the one that is overtaken.
    world.log.is_overtaken_by(move |log| {
        log.is_overtaken_by(move |_| {
            let id = session("S-1");
            let forsworn = other.operate(&id, Act::Forswear, "ann", "to see");
            testkit::tasks::run(&clock, forsworn).expect("it is not refused");
        });
    });
    world.observe(vec![completed()]);
    assert_eq!(
        world.story()[2..],
        [
            "confirmation-forsworn",
            "alert-raised",
            "alert-resolved",
            "conflict-found",
            "alert-raised"
        ]
    );
}

#[test]
fn a_correction_that_comes_in_doubt_is_judged_when_the_doubt_is_over() {
    let world = world();
    world.amazon.script(Call::Confirm, &[Some(Fault::LostAfter)]);
    world.takes_in(completed());
    world.observe(vec![arrival(order().amount("99.00"))]);
    assert_eq!(world.story().last(), Some(&"amendment-kept"));
    world.advance_to_the_end(&session("S-1"));
    let story = world.story();
    assert!(story.contains(&"conflict-found"), "{story:?}");
    assert!(story.contains(&"confirmed"), "{story:?}");
    assert_eq!(world.amazon.requests().len(), 1);
}

#[test]
fn equal_personal_data_has_one_number_and_other_data_the_next() {
    let world = world();
    world.amazon.no_turns(Call::Confirm, Some(NoTurn::Halted));
    world.observe(vec![completed()]);
    let mut moved = completed();
    moved.personal = address_in("Delft");
    let mut moved_and_dearer = arrival(order().amount("99.00"));
    moved_and_dearer.personal = address_in("Delft");
    world.observe(vec![moved.clone(), moved_and_dearer, moved]);
    let numbers: Vec<PrivateRef> = statements(&world).iter().map(|said| said.private).collect();
    assert_eq!(numbers, [PrivateRef(0), PrivateRef(1), PrivateRef(1)]);
    let kept = world.log.kept(&session("S-1")).expect("it was heard of");
    let stored: Vec<PrivateRef> = kept
        .personal
        .statements
        .iter()
        .map(|(number, _)| *number)
        .collect();
    assert_eq!(stored, [PrivateRef(0), PrivateRef(1)]);
}

#[test]
fn an_amended_session_is_confirmed_with_the_address_of_its_amendment() {
    let world = world();
    world.observe(vec![arrival(order().flawed())]);
    let mut moved = completed();
    moved.personal = address_in("Delft");
    world.observe(vec![moved]);
    world.advance(&session("S-1"));
    let sent = world.amazon.requests();
    assert_eq!(sent[0].body, b"finalize;amount=23.45 EUR;to=Delft;");
}

#[test]
fn an_address_that_the_event_lacks_comes_from_a_look_up() {
    let world = world();
    let mut bare = arrival(order().without_address());
    bare.personal = Personal::default();
    assert!(world.takes_in(bare).is_empty(), "not before it was looked up");
    assert_eq!(world.advance(&session("S-1")), Advanced::Rests);
    let sent = world.amazon.requests();
    assert_eq!(sent[0].body, b"finalize;amount=23.45 EUR;to=Amsterdam;");
}

#[test]
fn an_event_from_a_minute_ago_is_looked_up_before_it_is_confirmed() {
    let world = world();
    world.clock.advance(secs(60));
    assert!(world.observe(vec![completed()]).begun.is_empty());
    assert_eq!(world.advance(&session("S-1")), Advanced::Rests);
    assert_eq!(
        world.story(),
        [
            "checkout-completed",
            "looked-up",
            "confirmation-started",
            "confirmed"
        ]
    );
}

#[test]
fn a_session_keeps_its_clock_when_the_log_refuses_what_else_its_event_says() {
    let world = world();
    world
        .log
        .refuses(|append| append.row.merchant_reference_id.is_some());
    let observed = world.observe(vec![completed()]);
    assert!(observed.begun.is_empty());
    assert_eq!(world.story(), ["checkout-completed", "alert-raised"]);
    let kept = world.log.kept(&session("S-1")).expect("it is on record");
    assert_eq!(kept.row.deadline.at, t(hours(24)));
    assert!(matches!(
        world.advance(&session("S-1")),
        Advanced::Waits { until, .. } if until == t(hours(18))
    ));
}

#[test]
fn events_that_come_after_erasure_are_ignored() {
    let world = world();
    world.takes_in(completed());
    let before = world.story();
    world.log.erase(t(hours(24 * 31)));
    let observed = world.observe(vec![arrival(order().amount("99.00"))]);
    assert!(observed.to_advance.is_empty());
    assert_eq!(world.story(), before);
}

#[test]
fn while_the_log_is_away_nothing_is_lost_that_is_brought_again() {
    let world = world();
    world.log.goes_away_for(1);
    let observed = world.run(world.worker.observe(vec![completed()]));
    assert!(matches!(observed.failed, Some(LogError::Unavailable(_))));
    assert!(observed.begun.is_empty());
    assert!(world.story().is_empty());
    assert_eq!(world.takes_in(completed()), [Advanced::Rests]);
}

#[test]
fn what_a_batch_has_begun_is_sent_although_an_arrival_beside_it_fails() {
    let world = world();
    let fresh = |name: &str| arrival_of(&world.opens(name), order().build(), t0());
    let (before, after) = (fresh("S-2"), fresh("S-3"));
    world.log.refuses(|append| append.id == session("S-1"));
    let observed = world.run(world.worker.observe(vec![before, completed(), after]));
    assert!(matches!(observed.failed, Some(LogError::Rejected(_))));
    let begun: Vec<&str> = observed.begun.iter().map(|begun| begun.id().as_str()).collect();
    assert_eq!(begun, ["S-2", "S-3"]);
    for begun in observed.begun {
        let sent = world.run(world.worker.send(begun)).expect("the log is there");
        assert_eq!(sent, Advanced::Rests);
    }
    for name in ["S-2", "S-3"] {
        let appends = world.log.appends(&session(name));
        assert_eq!(appends[0], ["checkout-completed", "confirmation-started"]);
        assert_eq!(appends[1], ["confirmed"]);
    }
    assert!(world.story().is_empty(), "it is to be brought again");
}

#[test]
fn a_batch_that_fails_is_brought_again_and_what_it_had_begun_is_not_begun_twice() {
    let world = world();
    let other = arrival_of(&world.opens("S-2"), order().build(), t0());
    let batch = vec![other, completed()];
    world.log.refuses(|append| append.id == session("S-1"));
    let first = world.run(world.worker.observe(batch.clone()));
    assert!(first.failed.is_some());
    world.log.refuses(|_| false);
    let second = world.observe(batch);
    let begun: Vec<&str> = second.begun.iter().map(|begun| begun.id().as_str()).collect();
    assert_eq!(begun, ["S-1"]);
}

#[test]
fn what_is_only_recorded_begins_nothing() {
    let world = world();
    world
        .run(world.worker.record_only(vec![completed()]))
        .expect("the log is there");
    assert_eq!(world.story(), ["checkout-completed"]);
}

#[test]
fn a_session_of_an_unknown_account_is_asked_about_until_amazon_has_deleted_it() {
    let world = world();
    let unknown = order().of_an_unknown_account();
    let name = unknown.clone().build().account.expect("it has a name");
    world.amazon.does_not_know(&name);
    world.observe(vec![arrival(unknown)]);
    let id = session("S-1");
    world.advance_to_the_end(&id);
    let story = world.story();
    assert_eq!(world.amazon.calls(Call::LookUp), 0);
    assert!(story.contains(&"look-up-deferred"), "{story:?}");
    assert!(story.contains(&"unresolved"), "{story:?}");
    let kept = world.log.kept(&id).expect("it was heard of");
    let settled_at = kept.facts.last().map(|fact| fact.at);
    assert!(settled_at.is_some_and(|at| t(hours(24 * 30)) <= at && at < t(hours(24 * 30 + 2))));
}

#[test]
fn what_is_recorded_says_when_by_whom_and_under_which_trace() {
    let world = world();
    let mut traced = completed();
    traced.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    world.clock.advance(secs(7));
    world.takes_in(traced.clone());
    let history = world
        .run(world.log.load(&session("S-1")))
        .expect("the log is there");
    assert_eq!(history.len(), 3);
    for fact in &history {
        assert_eq!(fact.at, t(secs(7)));
        assert_eq!(fact.actor, Actor::Worker);
        assert_eq!(fact.traceparent, traced.traceparent);
    }
    let kept = world.log.kept(&session("S-1")).expect("it was heard of");
    assert_eq!(kept.partition, 3);
    assert_eq!(kept.erase_after, Some(t(secs(7)).plus(hours(24 * 30))));
}

#[test]
fn an_amendment_waits_no_longer_than_its_first_look() {
    let world = world();
    world.observe(vec![arrival(order().flawed())]);
    world.clock.advance(mins(30));
    let observed = world.observe(vec![completed()]);
    let (_, advanced) = &observed.to_advance[0];
    assert!(matches!(advanced, Advanced::Waits { until, .. } if *until == t(mins(30))));
}
