//! Every touch of the database, the broker or Amazon that changes something, or that something is decided by, stands
//! between two labels, each of which stands at one place; and somebody dies at each (`tests/it/deaths`).
//!
//! The rule is one of the text: the statement before such a call is a `boundary("…");`, and so is the statement after it.
//! What such calls are is read off the ports, so that a new one has to be said to be one or not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::deaths::labels;

/// Where calls through ports are made.
const SOURCES: [&str; 3] = [
    "crates/reconciler/src",
    "crates/kafka-topics/src",
    "crates/confirmd/src",
];

/// Where the ports of the use cases are declared.
const PORTS: [&str; 3] = [
    "crates/reconciler/src/ports.rs",
    "crates/reconciler/src/notice.rs",
    "crates/reconciler/src/arrival.rs",
];

/// Ports that touch nothing outside, or that are the use cases themselves.
const NO_TOUCH: [&str; 5] = ["Clock", "Chance", "Outlet", "Turns", "TakeIn"];

/// What changes nothing where it is asked, and whose answer is on record only by one of the others.
const READS: [&str; 11] = [
    "load",
    "personal",
    "body",
    "due",
    "unsettled",
    "untold",
    "conditions",
    "firing",
    "kept",
    // Makes bytes, and touches nothing.
    "request_body",
    "wanting_details",
];

const WRITES: [&str; 16] = [
    "append_all",
    "reschedule",
    "told",
    "publish",
    "confirm",
    "look_up",
    "look_up_charge",
    "record",
    "publish_notice",
    "set",
    "set_after",
    "keep",
    "taken",
    "permission_details",
    "keep_details",
    "give_details_up",
];

/// The same of what is no port: rdkafka's consumer, what the adapters offer besides their ports. What makes the database's
/// tables (`migrate`) and the topics (`create_topics`) is not among them: the one is a command of its own, without which
/// nothing starts; nothing is read from the topics or written to them until the other is done; and either, begun again,
/// goes on where it was.
const OTHER_WRITES: [&str; 4] = ["commit", "set_aside", "erase", "probe"];

/// Files that are not on a write path, or that pass on what their callers have labelled.
const OTHER_FILES: [(&str, &str); 10] = [
    ("/demo/", "the demo's shop and broker"),
    (
        "/clients/operator.rs",
        "what others do to the broker while we work, or do not",
    ),
    ("/metered.rs", "a log that tells the metrics of what it passes on"),
    (
        "/traces/sending.rs",
        "a publisher that tells a collector of what it passes on",
    ),
    (
        "/check.rs",
        "asks whether an account's key is taken, and records nothing",
    ),
    (
        "/reload.rs",
        "asks the same about a new key, before it is taken over, and records nothing",
    ),
    ("/settings.rs", "what librdkafka is told before it runs"),
    ("/fields.rs", "reading an event: it touches nothing"),
    ("/boundary.rs", "the boundaries themselves"),
    ("/test_crash.rs", "what is done at them"),
];

/// Calls of such a name that are something else: where, as they stand there, and what they are.
const OTHER_CALLS: [(&str, &str, &str); 10] = [
    ("", "self.record(", "ends in `append_all`"),
    ("/advance.rs", "self.confirm(", "ends in `amazon.confirm`"),
    ("/advance.rs", "self.look_up(", "ends in `amazon.look_up`"),
    (
        "/advance.rs",
        "self.look_up_charge(",
        "ends in `amazon.look_up_charge`",
    ),
    ("/sweep.rs", "reconciler.reschedule(", "ends in `log.reschedule`"),
    (
        "/lane.rs",
        "dead_letters.set_aside(",
        "ends in `publisher.set_aside`",
    ),
    ("/membership.rs", "self.commit(", "ends in `consumer.commit`"),
    ("/view.rs", "kafka_topics::told(", "shows what would be told"),
    ("/story.rs", "kafka_topics::told(", "shows what was told"),
    ("", ").record(", "a histogram"),
];

/// Ends what comes before `.set(` on a gauge.
const GAUGE: &str = ")";

#[derive(Debug)]
struct Source {
    name: String,
    /// Without comments, and without white space where a line was broken.
    text: String,
}

fn sources() -> Vec<Source> {
    let root = super::root();
    let mut files = Vec::new();
    for folder in SOURCES {
        collect(&root.join(folder), &mut files);
    }
    files.sort();
    let read = files.iter().map(|file| Source {
        name: file.strip_prefix(&root).unwrap().display().to_string(),
        text: flat(&std::fs::read_to_string(file).unwrap()),
    });
    read.collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
}

/// The code up to its unit tests, in one line.
fn flat(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = code.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    let mut flat = String::new();
    for line in lines {
        // A chain of calls that was broken is one again.
        if !line.starts_with(['.', '?']) && !flat.is_empty() {
            flat.push(' ');
        }
        flat.push_str(line);
    }
    flat
}

fn labels_in(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("boundary(\"").map(move |(at, found)| {
        let rest = &text[at + found.len()..];
        &rest[..rest.find('"').unwrap()]
    })
}

#[test]
fn every_boundary_has_one_place_and_somebody_dies_at_it() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources() {
        for label in labels_in(&source.text) {
            places
                .entry(label.to_owned())
                .or_default()
                .push(source.name.clone());
        }
    }
    let twice: Vec<_> = places.iter().filter(|(_, files)| files.len() > 1).collect();
    assert!(twice.is_empty(), "a label tells one place: {twice:?}");
    let in_the_sources: BTreeSet<&str> = places.keys().map(String::as_str).collect();
    let died_at: BTreeSet<&str> = labels::all().map(|(label, ..)| *label).collect();
    assert_eq!(
        in_the_sources, died_at,
        "the sources' labels, and those of tests/it/deaths/labels.rs"
    );
}

#[test]
fn every_way_through_a_port_is_known_to_write_or_not_to() {
    let known: BTreeSet<&str> = READS.iter().chain(&WRITES).copied().collect();
    let mut unknown = Vec::new();
    let mut there = BTreeSet::new();
    for file in PORTS {
        let text = std::fs::read_to_string(super::root().join(file)).unwrap();
        for declared in text.split("\npub trait ").skip(1) {
            let port = declared.split([':', ' ']).next().unwrap();
            if NO_TOUCH.contains(&port) {
                continue;
            }
            let body = &declared[..declared.find("\n}").unwrap()];
            for function in body.split("    fn ").skip(1) {
                let name = function.split(['(', '<']).next().unwrap();
                there.insert(name.to_owned());
                if !known.contains(name) {
                    unknown.push(format!("{port}::{name}"));
                }
            }
        }
    }
    assert!(unknown.is_empty(), "say whether these write: {unknown:?}");
    let gone: Vec<_> = WRITES.iter().filter(|name| !there.contains(**name)).collect();
    assert!(gone.is_empty(), "no port has these any more: {gone:?}");
}

#[test]
fn every_touch_on_a_write_path_stands_between_two_boundaries() {
    let mut bare = Vec::new();
    let mut touches = 0;
    let in_question = |source: &Source| OTHER_FILES.iter().all(|(file, _)| !source.name.contains(file));
    for source in sources().into_iter().filter(in_question) {
        for name in WRITES.iter().chain(&OTHER_WRITES) {
            for at in calls_of(name, &source.text) {
                if is_something_else(&source, at, name) {
                    continue;
                }
                touches += 1;
                if let Err(side) = stands_between(&source.text, at) {
                    let from = source.text[..at].rfind([';', '{']).map_or(0, |found| found + 1);
                    let call = &source.text[from..at + name.len() + 2];
                    bare.push(format!("{}: no label {side} `{}…`", source.name, call.trim()));
                }
            }
        }
    }
    assert!(bare.is_empty(), "{bare:#?}");
    assert!(20 <= touches, "the rule finds what it is about: {touches}");
}

/// Where `.name(` or `::name(` begins.
fn calls_of(name: &str, text: &str) -> Vec<usize> {
    let found = [format!(".{name}("), format!("::{name}(")].map(|call| {
        let found: Vec<usize> = text.match_indices(&call).map(|(at, _)| at).collect();
        found
    });
    found.concat()
}

fn is_something_else(source: &Source, at: usize, name: &str) -> bool {
    let call_ends = at + source.text[at..].find('(').unwrap() + 1;
    let call = &source.text[..call_ends];
    let is_gauge = name == "set" && source.text[..at].ends_with(GAUGE);
    is_gauge
        || OTHER_CALLS
            .iter()
            .any(|(file, words, _)| source.name.contains(file) && call.ends_with(words))
}

/// The statement before the one that begins the call, and the one after it, are labels.
fn stands_between(text: &str, at: usize) -> Result<(), &'static str> {
    let before = &text[..at];
    // What the call stands in begins after the last statement, whatever it opens.
    let label = before.rfind("boundary(\"").ok_or("before")?;
    let label_ends = label + text[label..].find(");").unwrap() + 2;
    if label_ends > at || text[label_ends..at].contains(';') {
        return Err("before");
    }
    let after = &text[at..];
    let ends = after.find(';').ok_or("after")?;
    if after[ends + 1..].trim_start().starts_with("boundary(\"") {
        Ok(())
    } else {
        Err("after")
    }
}
