//! Attempts: what is on record before they leave, when they do not leave, and what is repeated.

use std::sync::{Arc, Mutex};

use checkout::{Event, Outcome};
use reconciler::Advanced;
use reconciler::ports::{Call, NoTurn};
use testkit::fake_amazon::{Card, Checkout, Fault, Manners, Request, Weather};
use testkit::model::{hours, mins, money, order, secs, t, t0};

use crate::given::{World, account, arrival, completed, second_worker, session, world};

fn outcome(world: &World) -> Outcome {
    let kept = world.log.kept(&session("S-1")).expect("it was heard of");
    let settled = kept.facts.into_iter().find_map(|fact| match fact.event {
        Event::Settled { outcome, .. } => Some(outcome),
        _ => None,
    });
    settled.unwrap_or_else(|| panic!("it is not settled: {:?}", world.story()))
}

fn keys(requests: &[Request]) -> Vec<&str> {
    requests.iter().map(|request| request.key.as_str()).collect()
}

/// Takes the one checkout in and to its end, with these faults first.
fn confirmed_through(faults: &[Fault]) -> World {
    let world = world();
    let faults: Vec<_> = faults.iter().copied().map(Some).collect();
    world.amazon.script(Call::Confirm, &faults);
    world.takes_in(completed());
    world.advance_to_the_end(&session("S-1"));
    assert!(
        matches!(outcome(&world), Outcome::Confirmed { .. }),
        "{:?}",
        world.story()
    );
    let book = world.amazon.book(&session("S-1")).expect("Amazon knows it");
    assert_eq!(book.completions.len(), 1);
    world
}

#[test]
fn the_intent_is_on_record_before_anything_leaves() {
    let world = world();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (log, noted) = (world.log.clone(), seen.clone());
    world.amazon.on_leaving(move |attempt| {
        noted.lock().unwrap().push(log.story(&attempt.id));
    });
    world.takes_in(completed());
    assert_eq!(
        *seen.lock().unwrap(),
        [["checkout-completed", "confirmation-started"]]
    );
}

#[test]
fn what_could_not_leave_in_time_is_not_sent() {
    let world = world();
    let observed = world.observe(vec![completed()]);
    world.clock.advance(secs(3));
    for begun in observed.begun {
        world.run(world.worker.send(begun)).expect("the log is there");
    }
    assert!(world.amazon.requests().is_empty());
    assert_eq!(world.story()[2..], ["confirmation-not-sent"]);
    world.advance_to_the_end(&session("S-1"));
    assert!(matches!(outcome(&world), Outcome::Confirmed { .. }));
}

#[test]
fn what_would_leave_too_near_to_the_deadline_is_not_sent() {
    let mut world = world();
    // People would be told first, and that is another append.
    world.worker.policies.otherwise.alert_before.clear();
    let mut late = completed();
    late.session_created_at = Some(t0().minus(hours(24)).plus(secs(61)));
    let observed = world.observe(vec![late]);
    assert_eq!(observed.begun.len(), 1, "there is still a second");
    world.clock.advance(secs(1));
    for begun in observed.begun {
        world.run(world.worker.send(begun)).expect("the log is there");
    }
    assert!(world.amazon.requests().is_empty());
    assert!(world.story().contains(&"confirmation-not-sent"));
}

#[test]
fn in_doubt_the_same_key_and_bytes_are_repeated() {
    let world = confirmed_through(&[Fault::LostBefore, Fault::Silence]);
    let requests = world.amazon.requests();
    assert_eq!(requests.len(), 3);
    assert!(
        requests
            .iter()
            .all(|one| one.key == requests[0].key && one.body == requests[0].body)
    );
}

#[test]
fn in_doubt_a_look_up_comes_before_every_further_attempt() {
    let world = confirmed_through(&[
        Fault::LostBefore,
        Fault::Throttled,
        Fault::NotSent,
        Fault::ErrorBefore,
    ]);
    let story = world.story();
    let mut asked = true;
    for name in story {
        match name {
            "confirmation-started" => assert!(std::mem::take(&mut asked), "{:?}", world.story()),
            "looked-up" => asked = true,
            _ => {}
        }
    }
}

#[test]
fn an_answer_that_was_lost_after_the_effect_is_found_by_looking_up() {
    let world = confirmed_through(&[Fault::LostAfter]);
    assert_eq!(world.amazon.requests().len(), 1);
    assert!(matches!(
        outcome(&world),
        Outcome::Confirmed {
            evidence: checkout::Evidence::LookUp,
            ..
        }
    ));
}

#[test]
fn what_lands_after_its_caller_has_given_up_is_one_charge_with_what_is_repeated_meanwhile() {
    let world = confirmed_through(&[Fault::Slow(secs(40))]);
    let requests = world.amazon.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].key, requests[1].key);
    let book = world.amazon.book(&session("S-1")).expect("Amazon knows it");
    assert_eq!(book.charges.len(), 1);
}

#[test]
fn after_a_crash_the_attempt_on_record_is_repeated() {
    let world = world();
    drop(world.observe(vec![completed()]).begun);
    let id = session("S-1");
    assert!(
        matches!(world.advance(&id), Advanced::Waits { until, .. } if until == t(secs(32))),
        "until then its worker may be at it"
    );
    world.advance_to_the_end(&id);
    let kept = world.log.kept(&id).expect("it was heard of");
    let started: Vec<_> = kept
        .facts
        .iter()
        .filter_map(|fact| match &fact.event {
            Event::ConfirmationStarted { key, body, .. } => Some((key.clone(), *body)),
            _ => None,
        })
        .collect();
    assert_eq!(started.len(), 2);
    assert_eq!(started[0], started[1]);
    assert_eq!(world.amazon.requests().len(), 1);
}

#[test]
fn after_the_same_error_three_times_comes_a_new_key_with_the_same_bytes() {
    let world = world();
    world.amazon.weather(Weather {
        manners: Manners {
            replays_errors: true,
            ..Manners::default()
        },
        ..Weather::default()
    });
    world.amazon.script(Call::Confirm, &[Some(Fault::ErrorBefore)]);
    world.takes_in(completed());
    world.advance_to_the_end(&session("S-1"));
    let requests = world.amazon.requests();
    let keys = keys(&requests);
    assert_eq!(keys.len(), 4);
    assert!(keys[0] == keys[1] && keys[1] == keys[2] && keys[2] != keys[3]);
    assert!(requests.iter().all(|one| one.body == requests[0].body));
    assert!(matches!(outcome(&world), Outcome::Confirmed { .. }));
}

#[test]
fn with_nothing_in_doubt_the_next_attempt_has_a_new_key() {
    let world = confirmed_through(&[Fault::Throttled]);
    let requests = world.amazon.requests();
    assert_eq!(requests.len(), 2);
    assert_ne!(requests[0].key, requests[1].key);
}

#[test]
fn a_second_worker_loses_in_the_log_and_sends_nothing() {
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
    assert_eq!(world.advance(&session("S-1")), Advanced::Rests);
    assert_eq!(world.amazon.requests().len(), 1);
    assert_eq!(
        world.story(),
        ["checkout-completed", "confirmation-started", "confirmed"]
    );
}

#[test]
fn a_turn_that_was_not_used_goes_back() {
    let world = world();
    let quota = testkit::fake_amazon::Quota {
        burst: 1,
        every: hours(1),
    };
    world.amazon.quota(Call::Confirm, quota);
    world.takes_in(completed());
    let id = world.opens("S-2");
    world.observe(vec![crate::given::arrival_of(&id, order().build(), t0())]);
    assert!(matches!(
        world.advance(&id),
        Advanced::NeedsTurn {
            because: NoTurn::Until(_),
            ..
        }
    ));
    world.clock.advance(hours(1));
    // The redelivered event takes the new token and gives it back.
    world.observe(vec![completed()]);
    assert_eq!(world.advance(&id), Advanced::Rests);
}

#[test]
fn refused_bytes_stop_the_session_until_they_are_amended_and_then_leave_under_a_new_key() {
    let world = world();
    world.takes_in(arrival(order().amount("99.00")));
    assert_eq!(world.story()[2..], ["repair-needed", "alert-raised"]);
    world.observe(vec![completed()]);
    assert_eq!(world.advance(&session("S-1")), Advanced::Rests);
    let requests = world.amazon.requests();
    assert_eq!(requests.len(), 2);
    assert_ne!(requests[0].key, requests[1].key);
    assert!(matches!(outcome(&world), Outcome::Confirmed { .. }));
}

#[test]
fn a_pending_payment_is_told_at_once_and_watched_until_it_is_decided() {
    let world = world();
    let card = Card::Pending {
        after: hours(3),
        declined: true,
    };
    let checkout = Checkout {
        card,
        ..Checkout::new(&account(), t0(), money("23.45", "EUR"))
    };
    world.amazon.open(&session("S-1"), checkout);
    world.takes_in(completed());
    assert!(world.story().contains(&"payment-pending"), "{:?}", world.story());
    world.advance_to_the_end(&session("S-1"));
    assert!(matches!(outcome(&world), Outcome::Declined { .. }));
    assert!(world.clock_stands_within(hours(3), hours(3) + mins(31)));
}
