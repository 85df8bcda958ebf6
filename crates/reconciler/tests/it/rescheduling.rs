//! What the log's index says of a session's time is put right where no fact does it.

use checkout::{Mode, Policy, SessionId};
use reconciler::ports::{Call, Clock, Due, NoTurn, Scheduled, SessionLog, Share};
use reconciler::{Act, Advanced, Row};
use testkit::model::{alerting, hours, mins, order, policy, secs, t, watching};

use crate::given::{Worker, World, arrival_of, completed, second_worker, session, world};

fn worker_under(world: &World, policy: Policy) -> Worker {
    let mut worker = second_worker(world);
    worker.policies.otherwise = policy;
    worker
}

/// What a sweep finds now.
fn due(world: &World) -> Vec<Due> {
    let now = world.clock.now();
    let due = world
        .log
        .due(&Share::All, now.plus(secs(5)), now.minus(mins(2)), &[], 100);
    world.run(due).expect("the log is there")
}

fn row(world: &World, id: &SessionId) -> Row {
    world.log.kept(id).expect("it was heard of").row
}

#[test]
fn what_waits_for_its_turn_is_asked_about_once_when_its_last_minute_has_come() {
    let world = world();
    let id = session("S-1");
    for call in [Call::Confirm, Call::LookUp] {
        world.amazon.no_turns(call, Some(NoTurn::Halted));
    }
    world.observe(vec![completed()]);
    world.clock.move_to(t(hours(23) + mins(50)));
    assert!(matches!(world.advance(&id), Advanced::NeedsTurn { .. }));
    world.clock.move_to(t(hours(24)).minus(secs(50)));
    assert_eq!(due(&world).len(), 1);
    assert!(matches!(
        world.advance(&id),
        Advanced::NeedsTurn {
            call: Call::LookUp,
            ..
        }
    ));
    world.amazon.no_turns(Call::LookUp, None);
    let proof = t(hours(24) + secs(10));
    assert!(matches!(world.advance(&id), Advanced::Waits { until, .. } if until == proof));
    assert_eq!(due(&world), []);
    assert_eq!(row(&world, &id).due_at, Some(proof));
    assert_eq!(world.amazon.calls(Call::LookUp), 1);
}

#[test]
fn a_session_that_is_only_watched_from_now_on_is_looked_at_once() {
    let world = world();
    let id = session("S-1");
    world.clock.advance(mins(5));
    world.amazon.no_turns(Call::Confirm, Some(NoTurn::Halted));
    world.observe(vec![completed()]);
    assert!(matches!(world.advance(&id), Advanced::NeedsTurn { .. }));
    world.clock.advance(mins(5));
    assert_eq!(due(&world).len(), 1, "it waits for its turn");
    let watches = worker_under(&world, watching());
    let advanced = world.run(watches.advance(&id, None)).expect("the log is there");
    assert!(matches!(advanced, Advanced::Waits { until, .. } if until == t(hours(18))));
    assert_eq!(due(&world), []);
}

#[test]
fn a_session_that_was_added_to_meanwhile_keeps_the_row_of_that() {
    let world = world();
    let id = session("S-1");
    world.observe(vec![crate::given::arrival(order().flawed())]);
    let stale = world.log.kept(&id).expect("it was heard of");
    world
        .run(world.worker.operate(&id, Act::Forswear, "ann", "to see"))
        .expect("it is not refused");
    let after = row(&world, &id);
    let version = stale.facts.last().expect("it has facts").version;
    let schedule = reconciler::Schedule {
        due_at: t(hours(99)),
        look_at: None,
    };
    world
        .run(world.log.reschedule(&id, version, schedule))
        .expect("the log is there");
    assert_eq!(row(&world, &id), after);
}

// ---- the rules have changed

/// Five sessions that need repair, a minute between two, under `near = "alert"`.
fn five_waiting() -> (World, Vec<SessionId>) {
    let mut world = world();
    world.worker.policies.otherwise = alerting();
    let ids: Vec<SessionId> = (1..=5)
        .map(|n| {
            let id = world.opens(&format!("S-{n}"));
            let arrival = arrival_of(&id, order().flawed().build(), world.clock.now());
            world.observe(vec![arrival]);
            world.advance(&id);
            world.clock.advance(mins(1));
            id
        })
        .collect();
    (world, ids)
}

/// Goes over everybody, two at a time. How many portions it took.
fn go_over(world: &World, worker: &Worker) -> u32 {
    let mut after: Option<Scheduled> = None;
    let mut portions = 0;
    loop {
        portions += 1;
        assert!(portions < 100, "no end");
        let done = world.run(worker.reschedule(after.as_ref(), 2));
        after = done.expect("the log is there");
        if after.is_none() {
            return portions;
        }
    }
}

#[test]
fn changed_thresholds_reach_every_unsettled_session_a_portion_at_a_time() {
    let (world, ids) = five_waiting();
    let stories: Vec<_> = ids.iter().map(|id| world.log.story(id)).collect();
    let earlier = Policy {
        alert_before: vec![hours(20)],
        ..alerting()
    };
    let changed = worker_under(&world, earlier);
    world.clock.move_to(t(hours(4) + mins(2)));
    assert_eq!(
        due(&world),
        [],
        "by the old rules there is nothing to do for hours"
    );
    assert_eq!(go_over(&world, &changed), 3);
    let brought_up: Vec<SessionId> = due(&world).into_iter().map(|due| due.id).collect();
    assert_eq!(brought_up, ids[..3], "their threshold has come");
    for (id, n) in ids.iter().zip(0..) {
        let threshold = t(hours(4) + mins(n));
        assert_eq!(row(&world, id).look_at, Some(threshold), "{id}");
        assert_eq!(row(&world, id).due_at, Some(threshold), "{id}");
    }
    let after: Vec<_> = ids.iter().map(|id| world.log.story(id)).collect();
    assert_eq!(after, stories, "no fact tells it");
}

#[test]
fn a_session_is_forsworn_in_time_after_the_policy_has_come_to_want_it() {
    let (world, ids) = five_waiting();
    let cancels = worker_under(
        &world,
        Policy {
            alert_before: Vec::new(),
            cancel_before: hours(10),
            ..policy()
        },
    );
    go_over(&world, &cancels);
    for (id, n) in ids.iter().zip(0..) {
        // Amazon is asked first how long it has.
        assert_eq!(row(&world, id).due_at, Some(t(hours(14) + mins(n))), "{id}");
    }
}

#[test]
fn rules_that_have_not_changed_move_nothing_not_even_what_is_overdue() {
    let (world, ids) = five_waiting();
    world.amazon.no_turns(Call::Confirm, Some(NoTurn::Halted));
    let ready = world.opens("S-9");
    let arrival = arrival_of(&ready, order().build(), world.clock.now());
    world.observe(vec![arrival]);
    world.clock.move_to(t(hours(19)));
    let all = || ids.iter().chain([&ready]).map(|id| row(&world, id));
    let before: Vec<Row> = all().collect();
    assert_eq!(go_over(&world, &world.worker), 4);
    assert_eq!(all().collect::<Vec<_>>(), before);
    assert_eq!(due(&world).len(), 6);
}

#[test]
fn going_over_everybody_goes_on_where_the_log_was_away() {
    let (world, ids) = five_waiting();
    let watched = Policy {
        mode: Mode::Watch,
        alert_before: vec![hours(20)],
        ..alerting()
    };
    let changed = worker_under(&world, watched);
    let first = world.run(changed.reschedule(None, 2)).expect("the log is there");
    world.log.goes_away_for(2);
    assert!(world.run(changed.reschedule(first.as_ref(), 2)).is_err());
    assert!(world.run(changed.reschedule(first.as_ref(), 2)).is_err());
    let second = world
        .run(changed.reschedule(first.as_ref(), 2))
        .expect("it is back");
    assert_eq!(second.map(|last| last.id), Some(ids[3].clone()));
}
