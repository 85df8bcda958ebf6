//! Accounts that are stopped, probed, resumed and paused.

use checkout::{Class, ConfirmAnswer};
use provider::Probed;
use reconciler::Condition::{self, Paused, Running, Stopped};
use reconciler::ports::{Call, Clock, ConfirmCheckout, LookUp, NoTurn, Turns};

use crate::fixtures::{COMPLETED, SESSION, World, account, session, start};
use crate::server::{Act, Answer};

const OTHER: &str = "00000000-0000-4000-8000-000000000002";

fn refused() -> Answer {
    Answer::refusal(403, "InvalidRequestSignature", "the signature does not verify")
}

fn not_found() -> Answer {
    Answer::refusal(404, "ResourceNotFound", "no such session")
}

fn success_of(id: &str) -> Answer {
    Answer::json(200, &COMPLETED.replace(SESSION, id))
}

fn class(answer: &ConfirmAnswer) -> Option<Class> {
    match answer {
        ConfirmAnswer::Failed { class, .. } => Some(*class),
        ConfirmAnswer::Accepted { .. } | ConfirmAnswer::NotSent(_) => None,
    }
}

async fn probe(world: &World, answer: Answer) -> Probed {
    world.server.then(answer);
    world.accounts.probe(&account()).await.unwrap().probed
}

/// Stopped by the usual session, and probed.
async fn stopped_and_probed(world: &World) {
    let answer = world.confirmed_with(refused()).await;
    assert_eq!(class(&answer), Some(Class::Lane));
    world.advance(30);
    assert_eq!(probe(world, not_found()).await, Probed::Passed);
    assert_eq!(world.condition(), Stopped);
}

fn halted(world: &World, call: Call) -> bool {
    match world.accounts.turn(&account(), call) {
        Ok(_) => false,
        Err(no) => {
            assert_eq!(no, NoTurn::Halted);
            true
        }
    }
}

#[tokio::test]
async fn a_refused_account_stops_tells_why_and_gives_no_turns() {
    let world = World::start().await;
    let answer = world.confirmed_with(refused()).await;
    assert!(
        matches!(
            answer,
            ConfirmAnswer::Failed {
                class: Class::Lane,
                may_have_landed: false,
                ..
            }
        ),
        "{answer:?}"
    );
    assert_eq!(world.heard.conditions(), [Stopped]);
    assert_eq!(
        world.heard.last_reason(),
        "Amazon Pay refuses its requests: 403 InvalidRequestSignature the signature does not verify"
    );
    for call in [Call::Confirm, Call::LookUp, Call::Charge] {
        assert_eq!(world.accounts.turn(&account(), call).err(), Some(NoTurn::Halted));
    }
    let state = &world.accounts.conditions()[0];
    assert_eq!(
        (state.condition, state.since, &state.reason),
        (Stopped, start(), &world.heard.last_reason())
    );
}

#[tokio::test]
async fn a_stopped_account_is_probed_with_an_id_of_nobody_until_that_is_not_found() {
    let world = World::start().await;
    assert_eq!(world.accounts.next_probe_at(), None);
    world.confirmed_with(refused()).await;
    let due = world.accounts.next_probe_at().unwrap();
    assert_eq!(due.since(start()).as_secs(), 30);
    assert!(world.accounts.probes_due(world.clock.now()).is_empty());
    world.clock.set(due);
    assert_eq!(world.accounts.probes_due(due), [account()]);

    assert_eq!(probe(&world, refused()).await, Probed::Refused);
    assert_eq!(world.accounts.next_probe_at().unwrap().since(due).as_secs(), 60);
    assert!(world.accounts.probes_due(world.clock.now()).is_empty());
    for unclear in [Answer::html(503), Answer::html(404), success_of(SESSION)] {
        assert_eq!(probe(&world, unclear).await, Probed::Unclear);
        assert_eq!(world.condition(), Stopped);
    }
    assert_eq!(probe(&world, not_found()).await, Probed::Passed);
    assert!(!halted(&world, Call::LookUp));
    world.server.then(success_of(SESSION));
    world.confirm().await;
    assert_eq!(world.heard.conditions(), [Stopped, Running]);
    assert_eq!(world.heard.last_reason(), "Amazon Pay accepts its requests again");
    assert_eq!(world.accounts.next_probe_at(), None);
    assert!(!halted(&world, Call::Confirm));

    let probed = &world.server.received()[1].line;
    assert_eq!(
        probed,
        "GET /v2/checkoutSessions/01234567-89ab-cdef-0123-456789abcdef HTTP/1.1"
    );
}

#[tokio::test]
async fn an_account_that_runs_can_be_probed_too_and_is_stopped_if_that_is_refused() {
    let world = World::start().await;
    assert_eq!(probe(&world, not_found()).await, Probed::Passed);
    assert_eq!(world.heard.conditions(), []);
    assert_eq!(probe(&world, refused()).await, Probed::Refused);
    assert_eq!(world.heard.conditions(), [Stopped]);
}

#[tokio::test]
async fn a_turn_from_before_the_stop_sends_nothing() {
    let world = World::start().await;
    world.server.answers(success_of(SESSION));
    let (confirm, look_up) = (world.turn(Call::Confirm), world.turn(Call::LookUp));
    world.accounts.set_paused(&account(), true).unwrap();
    let answer = world.accounts.confirm(confirm, world.attempt()).await;
    assert!(matches!(answer, ConfirmAnswer::NotSent(_)), "{answer:?}");
    world
        .accounts
        .look_up(look_up, &account(), &session(), None)
        .await;
    assert_eq!(world.server.received().len(), 0);
}

#[tokio::test]
async fn a_paused_account_is_neither_used_nor_probed_until_it_is_resumed() {
    let world = World::start().await;
    world.accounts.set_paused(&account(), true).unwrap();
    world.accounts.set_paused(&account(), true).unwrap();
    assert_eq!(
        world.accounts.turn(&account(), Call::LookUp).err(),
        Some(NoTurn::Halted)
    );
    assert_eq!(world.heard.conditions(), [Paused]);
    world.accounts.set_paused(&account(), false).unwrap();
    assert_eq!(world.heard.conditions(), [Paused, Running]);
    assert!(world.accounts.turn(&account(), Call::LookUp).is_ok());

    world.confirmed_with(refused()).await;
    world.accounts.set_paused(&account(), true).unwrap();
    world.advance(3600);
    assert_eq!(world.accounts.next_probe_at(), None);
    assert!(world.accounts.probes_due(world.clock.now()).is_empty());
    world.accounts.set_paused(&account(), false).unwrap();
    assert_eq!(
        world.heard.conditions(),
        [Paused, Running, Stopped, Paused, Stopped]
    );
    assert_eq!(world.accounts.probes_due(world.clock.now()), [account()]);

    assert_eq!(probe(&world, refused()).await, Probed::Refused);
    world.accounts.set_paused(&account(), false).unwrap();
    assert!(
        world.accounts.probes_due(world.clock.now()).is_empty(),
        "it was not paused"
    );
    world.accounts.set_paused(&account(), true).unwrap();
    world.accounts.set_paused(&account(), false).unwrap();
    assert_eq!(
        world.accounts.probes_due(world.clock.now()),
        [account()],
        "its pause has ended"
    );
}

#[tokio::test]
async fn what_was_recorded_is_restored_without_telling_it_again() {
    let world = World::start().await;
    let restore = |condition: Condition| {
        world.accounts.restore(&account(), condition).unwrap();
        assert_eq!(world.condition(), condition);
    };
    restore(Stopped);
    let due = world.accounts.next_probe_at().unwrap();
    world.advance(10);
    restore(Stopped);
    assert_eq!(world.accounts.next_probe_at(), Some(due), "as it was");
    restore(Paused);
    restore(Running);
    assert_eq!(world.heard.conditions(), []);
    assert!(world.accounts.turn(&account(), Call::LookUp).is_ok());
}

#[tokio::test]
async fn one_session_that_brings_the_refusal_while_others_pass_does_not_stop_them_again() {
    let world = World::start().await;
    stopped_and_probed(&world).await;
    world.advance(1);
    world.server.answers(success_of(OTHER));
    world.confirm_session(OTHER).await;
    world.advance(1);
    let answer = world.confirmed_with(refused()).await;
    assert_eq!(class(&answer), Some(Class::Fix { content: false }));
    assert_eq!(world.condition(), Running);
    assert_eq!(
        world.heard.calls.lock().unwrap().last().unwrap(),
        "eu_shop finalize fix 0"
    );
}

#[tokio::test]
async fn without_another_sessions_success_the_refusal_is_the_accounts_again() {
    for other in [
        None,
        Some(Answer::html(503)),
        Some(Answer::html(422)),
        Some(Answer::html(429)),
    ] {
        let world = World::start().await;
        stopped_and_probed(&world).await;
        world.advance(1);
        if let Some(other) = other {
            world.server.answers(other);
            world.confirm_session(OTHER).await;
        }
        world.advance(60);
        let answer = world.confirmed_with(refused()).await;
        assert_eq!(class(&answer), Some(Class::Lane));
        assert_eq!(world.condition(), Stopped);
    }
}

#[tokio::test]
async fn a_refusal_of_another_session_with_amazons_code_proves_the_account_too() {
    let world = World::start().await;
    stopped_and_probed(&world).await;
    world.advance(1);
    world
        .server
        .answers(Answer::refusal(422, "InvalidCheckoutSessionStatus", "no"));
    world.confirm_session(OTHER).await;
    world.advance(1);
    let answer = world.confirmed_with(refused()).await;
    assert_eq!(class(&answer), Some(Class::Fix { content: false }));
}

#[tokio::test]
async fn after_a_probe_one_confirmation_at_a_time_is_tried_and_look_ups_are_free() {
    let world = World::start().await;
    let from_before = world.turn(Call::Confirm);
    stopped_and_probed(&world).await;
    let before = world.server.received().len();
    let unsent = world.accounts.confirm(from_before, world.attempt()).await;
    assert!(matches!(unsent, ConfirmAnswer::NotSent(_)), "{unsent:?}");

    let trial = world.turn(Call::Confirm);
    assert!(halted(&world, Call::Confirm));
    assert!(!halted(&world, Call::LookUp) && !halted(&world, Call::Charge));
    drop(trial);

    // Whatever does not prove the account makes room for the next, and no more.
    world.server.does(Act::Hang);
    let ((), ()) = tokio::join!(
        async {
            world.confirm().await;
        },
        async {
            world.server.has_received(before + 1).await;
            assert!(halted(&world, Call::Confirm));
            world.advance(30);
        }
    );
    for unclear in [Answer::html(503), Answer::html(422), Answer::html(429)] {
        world.advance(60);
        world.confirmed_with(unclear).await;
        assert_eq!(world.condition(), Stopped);
    }
    world.advance(60);
    world.confirmed_with(success_of(SESSION)).await;
    assert_eq!(world.heard.conditions(), [Stopped, Running]);
    let together = [world.turn(Call::Confirm), world.turn(Call::Confirm)];
    assert_eq!(together.len(), 2);
}

#[tokio::test]
async fn an_account_whose_confirmations_alone_are_refused_is_told_once_and_tried_ever_less() {
    let world = World::start().await;
    let mut waits = Vec::new();
    for session in 0..6 {
        let stopped_at = world.clock.now();
        world.server.answers(refused());
        let id = format!("00000000-0000-4000-8000-00000000000{session}");
        let answer = world.confirm_session(&id).await;
        assert_eq!(class(&answer), Some(Class::Lane));
        let due = world.accounts.next_probe_at().unwrap();
        waits.push(due.since(stopped_at).as_secs());
        world.clock.set(due);
        assert_eq!(probe(&world, not_found()).await, Probed::Passed);
    }
    assert_eq!(waits, [30, 60, 120, 240, 300, 300]);
    assert_eq!(world.heard.conditions(), [Stopped]);
}

#[tokio::test]
async fn a_session_that_is_always_refused_keeps_no_other_from_its_trial() {
    let world = World::start().await;
    stopped_and_probed(&world).await;
    world.advance(1);
    let answer = world.confirmed_with(refused()).await;
    assert_eq!(class(&answer), Some(Class::Lane));
    world.server.answers(success_of(OTHER));
    world.advance(1);
    world.confirm_session(OTHER).await;
    assert_eq!(world.heard.conditions(), [Stopped, Running]);
    world.advance(1);
    let answer = world.confirmed_with(refused()).await;
    assert_eq!(class(&answer), Some(Class::Fix { content: false }));
}

#[tokio::test]
async fn an_account_that_nobody_wants_to_confirm_with_resumes_after_a_second_probe() {
    let world = World::start().await;
    stopped_and_probed(&world).await;
    for wanted in [true, false] {
        if wanted {
            drop(world.turn(Call::Confirm));
        }
        assert_eq!(world.condition(), Stopped);
        let due = world.accounts.next_probe_at().unwrap();
        assert_eq!(due.since(world.clock.now()).as_secs(), 600);
        world.clock.set(due);
        assert_eq!(probe(&world, not_found()).await, Probed::Passed);
    }
    assert_eq!(world.heard.conditions(), [Stopped, Running]);
}
