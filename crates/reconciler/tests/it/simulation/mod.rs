//! A seeded simulation: two workers, their log, Amazon Pay and a broker, with everything going wrong that
//! may. Single-threaded; the same seed runs the same.
//!
//! `CONFIRMD_SIM_SEEDS=20000` runs more seeds, `CONFIRMD_SIM_SEED=7` runs one.

mod check;
mod driver;
mod log;
mod plan;
mod worker;

use std::collections::BTreeMap;

use check::Violation;
use driver::run_at_most;
use log::Without;

/// Seeds in a plain `cargo test`, over all parts.
const SEEDS: u64 = 500;
/// The parts run side by side.
const PARTS: u64 = 4;
/// More polls than any run takes.
const POLLS: u32 = 100_000;

fn told(violations: &[Violation]) -> String {
    let lines = violations
        .iter()
        .map(|violation| format!("{}: {}\n", violation.of, violation.detail));
    lines.collect()
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is to be a number")),
    )
}

fn run_part(part: u64) {
    let seeds = match number("CONFIRMD_SIM_SEED") {
        Some(one) => one..one + 1,
        None => 0..number("CONFIRMD_SIM_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds.filter(|seed| seed % PARTS == part) {
        let violations = run_at_most(seed, Without::Nothing, POLLS);
        assert!(
            violations.is_empty(),
            "seed {seed} (CONFIRMD_SIM_SEED={seed} runs it alone):\n{}",
            told(&violations)
        );
    }
}

#[test]
fn whatever_goes_wrong_no_buyer_is_charged_twice_and_no_session_is_lost_1_of_4() {
    run_part(0);
}

#[test]
fn whatever_goes_wrong_no_buyer_is_charged_twice_and_no_session_is_lost_2_of_4() {
    run_part(1);
}

#[test]
fn whatever_goes_wrong_no_buyer_is_charged_twice_and_no_session_is_lost_3_of_4() {
    run_part(2);
}

#[test]
fn whatever_goes_wrong_no_buyer_is_charged_twice_and_no_session_is_lost_4_of_4() {
    run_part(3);
}

/// Runs seeds without a guarantee until all of these are violated.
fn is_violated(without: Without, all: &[&'static str]) {
    let mut violated = BTreeMap::new();
    for seed in 0..100 {
        for violation in run_at_most(seed, without, 4_000) {
            *violated.entry(violation.of).or_insert(0) += 1;
        }
        if all.iter().all(|of| violated.contains_key(of)) {
            return;
        }
    }
    panic!("{all:#?} are not all among {violated:#?}");
}

#[test]
fn the_simulation_fails_without_the_intent_record() {
    is_violated(
        Without::TheIntentRecord,
        &[
            "a request left without its intent on record",
            "another key left while an earlier request may have landed",
            "a session was completed twice",
        ],
    );
}

#[test]
fn the_simulation_fails_without_the_expected_version() {
    is_violated(
        Without::TheExpectedVersion,
        &[
            "another key left while an earlier request may have landed",
            "a session was completed twice",
            "a session has more than one outcome",
        ],
    );
}
