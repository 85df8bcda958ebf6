//! A seeded simulation: workers, their log, Amazon Pay and a broker, with everything going wrong that may.
//! Single-threaded; the same seed runs the same.
//!
//! ```text
//!   seed ─► scenario ─► driver (workers, log, Amazon, broker) ─► check ─► the promises that were broken
//!              ▲                                                   │
//!              └───────────── shrink: less of it, while it fails ◄─┘
//! ```
//!
//! `SIM_SEEDS=20000` runs more seeds, `SIM_SEED=7` runs one and tells what happened in it.

mod amazon;
mod check;
mod coverage;
mod driver;
mod log;
mod mutant;
mod plan;
mod scenario;
mod shrink;
mod worker;

use std::collections::BTreeMap;

use check::check;
use coverage::{RARE_PATHS, Reached};
use driver::run_at_most;
use mutant::Without;
use scenario::Scenario;

/// Seeds in a plain `cargo test`, over all parts.
const SEEDS: u64 = 2_000;
/// The parts run side by side.
const PARTS: u64 = 4;
/// More polls than any run takes.
const POLLS: u32 = 400_000;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is to be a number")),
    )
}

fn run_part(part: u64) {
    let one = number("SIM_SEED");
    let seeds = match one {
        Some(one) => one..one + 1,
        None => 0..number("SIM_SEEDS").unwrap_or(SEEDS),
    };
    let reached = Reached::default();
    for seed in seeds.filter(|seed| seed % PARTS == part) {
        let scenario = Scenario::of(seed);
        assert!(scenario.sessions.len() >= 20 && scenario.kinds() >= 3 && scenario.workers >= 2);
        let ended = run_at_most(&scenario, Without::Nothing, POLLS);
        reached.all_of(&ended.reached);
        if let Some(first) = check(&scenario, &ended).first() {
            let small = shrink::shrunk(&scenario, Without::Nothing, POLLS, first.of);
            panic!(
                "{}\nSIM_SEED={seed} runs it whole, alone",
                shrink::story(&small, Without::Nothing, POLLS)
            );
        }
    }
    if one.is_none() {
        let all = reached.all();
        let missed: Vec<_> = RARE_PATHS
            .iter()
            .filter(|path| !all.contains_key(**path))
            .collect();
        assert!(missed.is_empty(), "no run has reached {missed:?}, only {all:#?}");
    }
}

#[test]
fn whatever_goes_wrong_every_guarantee_holds_1_of_4() {
    run_part(0);
}

#[test]
fn whatever_goes_wrong_every_guarantee_holds_2_of_4() {
    run_part(1);
}

#[test]
fn whatever_goes_wrong_every_guarantee_holds_3_of_4() {
    run_part(2);
}

#[test]
fn whatever_goes_wrong_every_guarantee_holds_4_of_4() {
    run_part(3);
}

/// Runs seeds without what a guarantee rests on until each of these is violated.
fn is_noticed(without: Without, all: &[&'static str]) {
    let mut violated = BTreeMap::new();
    for seed in 0..200 {
        let scenario = Scenario::of(seed);
        for violation in check(&scenario, &run_at_most(&scenario, without, 40_000)) {
            violated.entry(violation.of).or_insert(seed);
        }
        if all.iter().all(|of| violated.contains_key(of)) {
            println!("{without:?}: {violated:?}");
            return;
        }
    }
    panic!("{all:#?} are not all among {violated:#?}");
}

#[test]
fn it_is_noticed_when_the_intent_is_not_on_record() {
    is_noticed(
        Without::TheIntentRecord,
        &[
            "a request left without its intent on record",
            "another key left while an earlier request may have landed",
            "a session was completed twice",
        ],
    );
}

#[test]
fn it_is_noticed_when_two_workers_can_write_at_one_version() {
    is_noticed(
        Without::TheExpectedVersion,
        &[
            "another key left while an earlier request may have landed",
            "a session was completed twice",
            "a session has more than one outcome",
        ],
    );
}

#[test]
fn it_is_noticed_when_nobody_looks_up_before_trying_again() {
    is_noticed(
        Without::TheLookUpBeforeARetry,
        &["a second request left and nobody had asked what became of the first"],
    );
}

#[test]
fn it_is_noticed_when_a_look_up_that_says_open_ends_the_doubt() {
    is_noticed(
        Without::StickyDoubt,
        &["another key left while an earlier request may have landed"],
    );
}

#[test]
fn it_is_noticed_when_a_request_leaves_however_late() {
    is_noticed(
        Without::TheRecheckOfSendBy,
        &["a second request left and nobody had asked what became of the first"],
    );
}

#[test]
fn it_is_noticed_when_cancelling_is_told_when_it_is_decided() {
    is_noticed(
        Without::TheProofOfCancelling,
        &["an outcome is not what Amazon's books say"],
    );
}

#[test]
fn it_is_noticed_when_a_charge_that_is_named_is_taken_for_captured() {
    is_noticed(
        Without::TheLookUpOfTheCharge,
        &["an outcome is not what Amazon's books say"],
    );
}

#[test]
fn it_is_noticed_when_an_offset_is_committed_before_its_event_is_on_record() {
    is_noticed(Without::AppendBeforeCommit, &["an event of the shop was lost"]);
}

#[test]
fn it_is_noticed_when_the_outbox_is_read_by_position() {
    is_noticed(
        Without::TheFlagOfTheOutbox,
        &["what was told is not what is on record"],
    );
}

#[test]
fn it_is_noticed_when_alerts_are_skipped_after_a_restart() {
    is_noticed(
        Without::AlertsAfterARestart,
        &["nobody was told of a deadline in time"],
    );
}

#[test]
fn a_run_that_fails_is_shrunk_to_a_story_that_a_person_can_read() {
    let of = "a session was completed twice";
    let without = Without::TheExpectedVersion;
    let failing = (0..200).map(Scenario::of).find(|scenario| {
        let violations = check(scenario, &run_at_most(scenario, without, 20_000));
        violations.iter().any(|violation| violation.of == of)
    });
    let small = shrink::shrunk(&failing.unwrap(), without, 20_000, of);
    let story = shrink::story(&small, without, 20_000);
    assert!(small.sessions.len() <= 3, "{story}");
    assert!(story.contains("is completed at Amazon"), "{story}");
}
