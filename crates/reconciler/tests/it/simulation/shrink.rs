//! A failing run, made as small as it can be while it still fails, and told so that a person can follow it.

use std::collections::BTreeSet;

use checkout::{SessionId, Timestamp};
use testkit::model::t0;

use super::check::{Violation, check};
use super::driver::{Ended, run_at_most};
use super::mutant::Without;
use super::scenario::Scenario;

/// More runs than this are not made to shrink one.
const RUNS: u32 = 400;

/// The smallest that breaks the same promise.
pub(crate) fn shrunk(scenario: &Scenario, without: Without, polls: u32, of: &'static str) -> Scenario {
    let mut smallest = scenario.clone();
    let mut runs = 0;
    loop {
        let next = smallest.smaller().into_iter().find(|smaller| {
            runs += 1;
            runs <= RUNS && violations(smaller, without, polls).iter().any(|one| one.of == of)
        });
        match next {
            Some(smaller) => smallest = smaller,
            None => return smallest,
        }
    }
}

fn violations(scenario: &Scenario, without: Without, polls: u32) -> Vec<Violation> {
    check(scenario, &run_at_most(scenario, without, polls))
}

/// What the run was made of, what it broke, and all that happened to the sessions that it broke it for.
pub(crate) fn story(scenario: &Scenario, without: Without, polls: u32) -> String {
    let ended = run_at_most(scenario, without, polls);
    let broken = check(scenario, &ended);
    let mut told = format!(
        "seed {}, with {} of its sessions, {} workers, {:?}, {:?}, {:?}\n",
        scenario.seed,
        scenario.sessions.len(),
        scenario.workers,
        scenario.disturbances,
        scenario.weather,
        scenario.quotas,
    );
    for violation in &broken {
        let of = violation.session.as_ref().map_or("", SessionId::as_str);
        told += &format!("! {of} {}: {}\n", violation.of, violation.detail);
    }
    let about: BTreeSet<&SessionId> = broken.iter().filter_map(|one| one.session.as_ref()).collect();
    for (at, line) in lines(&ended, &about) {
        let since = at.since(t0());
        let (hours, seconds) = (since.as_secs() / 3600, since.as_secs() % 3600);
        told += &format!(
            "  {hours:3}:{:02}:{:02}.{:03}  {line}\n",
            seconds / 60,
            seconds % 60,
            since.subsec_millis()
        );
    }
    told
}

fn lines(ended: &Ended, about: &BTreeSet<&SessionId>) -> Vec<(Timestamp, String)> {
    let mut lines: Vec<(Timestamp, String)> = ended.tale.clone();
    for id in about {
        let name = id.as_str();
        if let Some(kept) = ended.memory.kept(id) {
            lines.extend(kept.facts.iter().map(|fact| {
                let line = format!("{name}: on record {}: {:?}", fact.version.0, fact.event);
                (fact.at, line)
            }));
        }
        for request in ended.amazon.requests().iter().filter(|one| one.id == **id) {
            let key = request.key.as_str();
            lines.push((request.left_at, format!("{name}: a request leaves under {key}")));
            if let Some(at) = request.told_at {
                lines.push((at, format!("{name}: it is told {:?} (under {key})", request.told)));
            }
        }
        for (_, at) in ended.amazon.look_ups().iter().filter(|(of, _)| of == *id) {
            lines.push((*at, format!("{name}: is looked up")));
        }
        let book = ended.amazon.book(id);
        for completion in book.iter().flat_map(|book| &book.completions) {
            lines.push((
                completion.at,
                format!("{name}: is completed at Amazon: {completion:?}"),
            ));
        }
        for one in ended.delivered.iter().filter(|one| one.id == **id) {
            let line = format!("{name}: {} is told: {:?}", one.version.0, one.content);
            lines.push((one.recorded_at, line));
        }
    }
    lines.sort_by_key(|(at, _)| *at);
    lines
}
