//! What operators take from `deploy`: the alert rules, tried by Prometheus' own tool, and a runbook for each alert.
//! And what the program is deployed with.

mod chart;
mod compose;
mod container;
mod dashboards;
mod systemd;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testkit::real;

use crate::tidy::root;

fn prometheus() -> PathBuf {
    root().join("deploy/prometheus")
}

/// The files of a folder whose names end so, in order.
fn files(folder: &str, end: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(end));
    files.sort();
    files
}

/// What stands in a YAML file.
fn yaml(file: &Path) -> Value {
    let text = std::fs::read_to_string(file).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Seconds that the program takes for its end, unless it is configured otherwise.
fn shutdown_grace() -> u64 {
    let example = std::fs::read_to_string(root().join("deploy/confirmd.example.toml")).unwrap();
    let grace = example.split("#shutdown_grace = \"").nth(1).unwrap();
    grace.split_once("s\"").unwrap().0.parse().unwrap()
}

/// One rule: its name, and its lines. A name may have several rules.
struct Alert {
    name: String,
    text: String,
}

impl Alert {
    fn all() -> Vec<Self> {
        let rules = std::fs::read_to_string(prometheus().join("alerts.yaml")).unwrap();
        let rules = rules.split("\n      - alert: ").skip(1);
        let alerts = rules.map(|text| Self {
            name: text.lines().next().unwrap().to_owned(),
            text: text.to_owned(),
        });
        alerts.collect()
    }

    /// What stands behind this key of a rule's labels or annotations.
    fn value(&self, key: &str) -> Option<&str> {
        let key = format!("          {key}: ");
        self.text.lines().find_map(|line| line.strip_prefix(key.as_str()))
    }
}

#[test]
fn the_alert_rules_do_what_their_tests_say() {
    let Some(promtool) = real::promtool() else {
        return;
    };
    let run = |arguments: &[&str], files: Vec<PathBuf>| {
        let output = Command::new(&promtool)
            .args(arguments)
            .args(files)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "promtool {}: {said}",
            arguments.join(" ")
        );
    };
    run(&["check", "rules"], files("deploy/prometheus", ".yaml"));
    run(&["test", "rules"], files("deploy/prometheus/tests", ".yaml"));
}

/// How often each alert is expected to fire, and how often not to, by the tests for promtool.
fn expectations() -> BTreeMap<String, (u32, u32)> {
    let mut expected: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for file in files("deploy/prometheus/tests", ".yaml") {
        let text = std::fs::read_to_string(&file).unwrap();
        for case in text.split("- expr: ALERTS{alertname=\"").skip(1) {
            let (name, rest) = case.split_once('"').unwrap();
            let samples = rest.split("exp_samples:").nth(1).unwrap();
            let (fires, rests) = expected.entry(name.to_owned()).or_default();
            *(if samples.starts_with(" []") { rests } else { fires }) += 1;
        }
        for case in text.split("- alertname: ").skip(1) {
            let name = case.lines().next().unwrap();
            assert!(case.contains("exp_labels:"), "{}: {name}", file.display());
            expected.entry(name.to_owned()).or_default().0 += 1;
        }
    }
    expected
}

#[test]
fn every_alert_is_seen_to_fire_and_not_to_fire() {
    let expectations = expectations();
    for Alert { name, .. } in Alert::all() {
        let (fires, rests) = expectations.get(&name).copied().unwrap_or_default();
        assert!(0 < fires, "no test sees {name} fire");
        let fires_always = name == "ConfirmdWatchdog";
        assert!(
            0 < rests || fires_always,
            "no test sees that {name} does not fire"
        );
    }
}

#[test]
fn every_alert_says_how_urgent_it_is_what_is_lost_and_where_its_runbook_is() {
    let alerts = Alert::all();
    assert!(!alerts.is_empty());
    for alert in &alerts {
        let name = &alert.name;
        assert!(
            matches!(alert.value("severity"), Some("page" | "ticket")),
            "{name}: a severity is `page` or `ticket`"
        );
        assert!(alert.value("summary").is_some(), "{name} has no summary");
        let description = alert.value("description").unwrap_or_default();
        let names_the_loss = ["lost", "loses", "losing", "shipped", "charged"];
        assert!(
            names_the_loss.iter().any(|word| description.contains(word)),
            "{name} does not say what is lost: {description}"
        );
        let runbook = format!("deploy/runbook/{name}.md");
        assert_eq!(alert.value("runbook_url"), Some(runbook.as_str()), "{name}");
    }
}

#[test]
fn every_alert_has_its_runbook_and_every_runbook_its_alert() {
    let alerts: BTreeSet<String> = Alert::all().into_iter().map(|alert| alert.name).collect();
    let runbooks = files("deploy/runbook", "");
    let named: BTreeSet<String> = runbooks
        .iter()
        .map(|file| file.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(alerts, named, "left: alerts; right: runbooks");
    let sections = [
        "What it means",
        "What is at stake",
        "Look",
        "Do",
        "It is over when",
    ];
    for file in runbooks {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.file_stem().unwrap().to_string_lossy();
        assert!(
            text.starts_with(&format!("# {name}\n")),
            "{name}: its title is another"
        );
        let found: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(found, sections, "{name}");
        // Another alert that it sends to is one.
        let words = text.split(|character: char| !character.is_ascii_alphanumeric());
        let unknown: Vec<&str> = words
            .filter(|word| word.starts_with("Confirmd") && !alerts.contains(*word))
            .collect();
        assert!(unknown.is_empty(), "{name} names {unknown:?}");
    }
}
