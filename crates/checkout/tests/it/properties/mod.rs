//! What holds of every history, however it came about.

mod any;
mod life;
mod moves;

use checkout::{
    ChargeFound, Command, Mode, Outcome, Policy, Session, Statement, Step, next_step, turnless_at,
};
use proptest::prelude::*;
use testkit::model::*;

use any::{any_event, any_policy, any_time, statement};
use life::Life;
use moves::{Answers, Move, any_move};

proptest! {
    #[test]
    fn evolving_never_fails_and_every_question_has_an_answer(
        history in prop::collection::vec((any_time(), any_event()), 0..40),
        now in any_time(),
        policy in any_policy(),
    ) {
        let mut session = Session::Unseen;
        let mut outcome: Option<Outcome> = None;
        for (at, event) in history {
            session = session.evolve(at, &event);
            if let (Some(before), Session::Settled(settled)) = (&outcome, &session) {
                prop_assert_eq!(before, &settled.outcome, "no history yields two outcomes");
            }
            if let Session::Settled(settled) = &session {
                outcome = Some(settled.outcome.clone());
            }
            prop_assert!(outcome.is_none() || matches!(session, Session::Settled(_)));
            let step = next_step(&session, now, &policy);
            prop_assert_eq!(step, next_step(&session.clone(), now, &policy));
            if let Step::WaitUntil(until) = step {
                prop_assert!(now < until, "a wait that is over: {:?}", session);
            }
            prop_assert!(policy.mode == Mode::Confirm || !matches!(step, Step::Confirm | Step::Forswear));
            prop_assert_eq!(session.state(now, &policy).is_none(), session == Session::Unseen);
        }
    }

    #[test]
    fn what_needs_no_call_is_to_be_done_at_the_instant_said_and_not_before(
        policy in any_policy(),
        first in statement(),
        moves in prop::collection::vec(any_move(), 0..40),
        later in prop::collection::vec(0..200_000_u64, 20),
    ) {
        let life = live(policy.clone(), first, moves)?;
        let turnless = |at| matches!(next_step(&life.session, at, &policy), Step::Alert(_) | Step::Forswear);
        let said = turnless_at(&life.session, life.now, &policy);
        prop_assert!(said.is_none_or(|at| life.now <= at && turnless(at)), "not to be done at {:?}", said);
        for at in later.into_iter().map(|after| life.now.plus(secs(after))) {
            let sooner = said.is_none_or(|said| at < said);
            prop_assert!(!(sooner && turnless(at)), "at {} already, not at {:?}: {:?}", at, said, life.session);
        }
    }
}

fn live(policy: Policy, first: Statement, moves: Vec<Move>) -> Result<Life, TestCaseError> {
    let mut life = Life::new(policy);
    life.ask(&Command::Observe {
        statement: first,
        said_at: t0(),
        session_created_at: None,
    })?;
    for one in moves {
        life.make(one)?;
    }
    Ok(life)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_life_keeps_the_rules(
        policy in any_policy(),
        first in prop_oneof![3 => Just(order().build()), 2 => statement()],
        moves in prop::collection::vec(any_move(), 0..60),
    ) {
        let life = live(policy, first, moves)?;
        // Replayed from its facts, it is the same session.
        let replayed = life
            .history
            .iter()
            .fold(Session::Unseen, |session, (at, event)| session.evolve(*at, event));
        prop_assert_eq!(replayed, life.session);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_session_that_is_worked_on_ends(
        policy in any_policy(),
        first in statement(),
        moves in prop::collection::vec(any_move(), 0..40),
    ) {
        let mut life = live(policy, first, moves)?;
        life.listen();
        // From here on Amazon answers truly: the session has lapsed, its charge was made.
        let truth = Answers {
            confirm: Some(throttled()),
            look_up: None,
            charge: Some(ChargeFound::Captured),
        };
        let mut steps = 0;
        while !matches!(life.session, Session::Settled(_)) {
            steps += 1;
            prop_assert!(steps < 2_000, "no end: {:?}", life.session);
            if let Step::WaitUntil(until) = life.step() {
                life.now = until;
            }
            let found = if t(hours(24)) <= life.now { canceled("Expired") } else { open() };
            let answers = Answers { look_up: Some(found), ..truth.clone() };
            life.take_step(answers, secs(0))?;
        }
    }
}

#[test]
fn lives_reach_what_they_are_to_reach() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, TestRunner};
    // A walk that never meets a rule says nothing of it.
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let moves = prop::collection::vec(any_move(), 0..60);
    let mut met = std::collections::BTreeMap::new();
    for _ in 0..1_000 {
        let moves = moves.new_tree(&mut runner).unwrap().current();
        let life = live(policy(), order().build(), moves).unwrap();
        for (_, event) in &life.history {
            *met.entry(event.name()).or_insert(0_u32) += 1;
        }
    }
    for name in [
        "confirmed",
        "declined",
        "cancelled",
        "expired",
        "unresolved",
        "payment-pending",
        "attempt-declined",
        "amendment-kept",
        "checkout-amended",
        "conflict-found",
        "confirmation-forsworn",
        "confirmation-unclear",
        "released",
    ] {
        assert!(met.get(name).is_some_and(|times| *times >= 5), "{name}: {met:?}");
    }
}
