//! An account that is configured, is not, and is again: no session of it is silent, and none waits for a person.

use checkout::{AccountName, Refused, SessionId};
use reconciler::ports::{Call, Clock, NoTurn, SessionLog, Share};
use reconciler::{Act, ActError, Actor, Advanced, Content};
use testkit::fake_amazon::{Card, Checkout};
use testkit::model::{hours, mins, money, order, t0};

use crate::given::{World, account, arrival, completed, session, world};

fn id() -> SessionId {
    session("S-1")
}

/// What a daemon does with every unsettled session after its start.
fn starts_anew(world: &World) {
    let gone_over = world.run(world.worker.reschedule(None, 100));
    assert_eq!(gone_over.expect("the log is there"), None);
}

fn is_due(world: &World) -> bool {
    let now = world.clock.now();
    let due = world.log.due(&Share::All, now, now, &[], 100);
    !world.run(due).expect("the log is there").is_empty()
}

fn operate(world: &World, act: Act) -> Result<Advanced, ActError> {
    world.run(world.worker.operate(&id(), act, "ann", "it is there now"))
}

/// A world that does not know the account of a session that it has heard of.
fn without_the_account() -> World {
    let world = world();
    let unknown = order().of_an_unknown_account();
    let name = unknown.clone().build().account.expect("it has a name");
    let checkout = Checkout::new(&name, t0(), money("23.45", "EUR"));
    world.amazon.open(&id(), checkout);
    world.amazon.does_not_know(&name);
    world.observe(vec![arrival(unknown)]);
    world.advance(&id());
    assert_eq!(world.story(), ["checkout-completed", "alert-raised"]);
    world
}

fn nobody() -> AccountName {
    AccountName::parse("nobody").expect("a literal name")
}

fn told(world: &World) -> Vec<(bool, String)> {
    let alerts = world.offered().into_iter();
    alerts
        .filter_map(|told| match told.content {
            Content::Alert {
                kind,
                firing,
                summary,
                ..
            } if kind.name() == "needs-repair" => Some((firing, summary)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_session_is_confirmed_after_the_start_that_brings_its_account_without_anybodys_act() {
    let world = without_the_account();
    world.clock.advance(hours(2));
    starts_anew(&world);
    assert_eq!(world.story().len(), 2, "it is still not there");
    world.amazon.knows_again(&nobody());
    starts_anew(&world);
    assert_eq!(world.story()[2..], ["released", "alert-resolved"]);
    let kept = world.log.kept(&id()).expect("it was heard of");
    assert!(kept.facts.iter().all(|fact| fact.actor == Actor::Worker));
    assert!(is_due(&world));
    assert_eq!(world.advance(&id()), Advanced::Rests);
    assert_eq!(world.story().last(), Some(&"confirmed"));
}

#[test]
fn whatever_else_an_event_lacks_it_lacks_when_its_account_is_there() {
    let world = world();
    world.amazon.does_not_know(&account());
    world.observe(vec![arrival(order().flawed())]);
    world.amazon.knows_again(&account());
    starts_anew(&world);
    assert_eq!(world.story(), ["checkout-completed", "alert-raised"]);
}

#[test]
fn an_account_that_was_removed_is_told_at_the_next_start_and_missed_until_it_is_back() {
    let world = world();
    world.amazon.no_turns(Call::Confirm, Some(NoTurn::Halted));
    world.observe(vec![completed()]);
    world.amazon.does_not_know(&account());
    world.clock.advance(mins(10));
    starts_anew(&world);
    assert_eq!(world.story()[1..], ["repair-needed", "alert-raised"]);
    let [(true, summary)] = &told(&world)[..] else {
        panic!("one alert fires")
    };
    assert!(
        summary.contains("no account `eu_shop` is configured"),
        "{summary}"
    );
    starts_anew(&world);
    assert!(matches!(world.advance(&id()), Advanced::Waits { .. }));
    assert!(!is_due(&world));
    assert_eq!(world.story().len(), 3, "told once, and nothing is tried");

    world.amazon.no_turns(Call::Confirm, None);
    world.amazon.knows_again(&account());
    starts_anew(&world);
    assert_eq!(world.advance(&id()), Advanced::Rests);
    assert_eq!(world.story().last(), Some(&"confirmed"));
}

#[test]
fn whoever_meets_a_session_without_its_account_tells_before_any_start() {
    let world = world();
    world.amazon.no_turns(Call::Confirm, Some(NoTurn::Halted));
    world.observe(vec![completed()]);
    world.amazon.does_not_know(&account());
    assert!(matches!(world.advance(&id()), Advanced::Waits { .. }));
    assert_eq!(world.story()[1..], ["repair-needed", "alert-raised"]);
}

#[test]
fn a_pending_payment_is_watched_on_when_its_account_is_back() {
    let world = world();
    let card = Card::Pending {
        after: hours(3),
        declined: false,
    };
    let checkout = Checkout {
        card,
        ..Checkout::new(&account(), t0(), money("23.45", "EUR"))
    };
    world.amazon.open(&id(), checkout);
    world.takes_in(completed());
    world.amazon.does_not_know(&account());
    starts_anew(&world);
    let told = world.story();
    assert_eq!(told[told.len() - 2..], ["repair-needed", "alert-raised"]);
    world.clock.advance(hours(4));
    assert!(matches!(world.advance(&id()), Advanced::Waits { .. }));
    world.amazon.knows_again(&account());
    starts_anew(&world);
    assert_eq!(world.advance(&id()), Advanced::Rests);
    assert_eq!(world.story().last(), Some(&"confirmed"));
}

#[test]
fn an_operator_releases_and_retries_nothing_whose_account_is_missing() {
    let world = without_the_account();
    for act in [Act::Release, Act::Retry] {
        let refused = operate(&world, act);
        assert!(
            matches!(&refused, Err(ActError::Refused(Refused::NoAccount(name))) if *name == nobody()),
            "{refused:?}"
        );
    }
    assert_eq!(world.story().len(), 2);
    world.amazon.knows_again(&nobody());
    operate(&world, Act::Retry).expect("it is there");
    assert_eq!(world.story()[2..], ["released", "alert-resolved"]);
    assert_eq!(world.advance(&id()), Advanced::Rests);
}

#[test]
fn what_overtakes_the_pass_after_the_start_does_not_make_it_silent() {
    let world = world();
    world.amazon.no_turns(Call::Confirm, Some(NoTurn::Halted));
    world.observe(vec![completed()]);
    world.amazon.does_not_know(&account());
    let other = crate::given::second_worker(&world);
    let clock = world.clock.clone();
    world.log.is_overtaken_by(move |_| {
        let conflict = other.record_only(vec![arrival(order().amount("99.00"))]);
        testkit::tasks::run(&clock, conflict).expect("the log is there");
    });
    starts_anew(&world);
    assert_eq!(
        world.story()[1..],
        ["conflict-found", "alert-raised", "repair-needed", "alert-raised"]
    );
}
