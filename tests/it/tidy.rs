//! What ARCHITECTURE.md promises and a test can hold: the arrows between crates, one house for each outside
//! library, lints everywhere, migrations that are never edited, and documents that name what exists.

mod boundaries;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .unwrap()
}

/// What each crate may depend on, of ours, outside its tests.
fn allowed() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    BTreeMap::from([
        ("checkout", BTreeSet::new()),
        ("reconciler", BTreeSet::from(["checkout"])),
        ("amazon-pay", BTreeSet::new()),
        ("sandbox", BTreeSet::new()),
        (
            "provider",
            BTreeSet::from(["amazon-pay", "reconciler", "checkout"]),
        ),
        ("kafka-topics", BTreeSet::from(["reconciler", "checkout"])),
        ("session-log", BTreeSet::from(["reconciler", "checkout"])),
        ("confirmd-console", BTreeSet::from(["checkout"])),
        (
            "confirmd",
            BTreeSet::from([
                "provider",
                "kafka-topics",
                "session-log",
                "sandbox",
                "confirmd-console",
                "reconciler",
                "checkout",
            ]),
        ),
        ("testkit", BTreeSet::from(["reconciler", "checkout"])),
        // The load harness drives the whole, and fills the log as confirmd would.
        (
            "scenarios",
            BTreeSet::from([
                "confirmd",
                "amazon-pay",
                "kafka-topics",
                "session-log",
                "sandbox",
                "testkit",
                "reconciler",
                "checkout",
            ]),
        ),
    ])
}

#[test]
fn the_arrows_between_crates_are_those_of_the_architecture() {
    let metadata = metadata();
    let ours: BTreeSet<String> = metadata
        .workspace_packages()
        .iter()
        .map(|p| p.name.to_string())
        .collect();
    let allowed = allowed();
    let known: BTreeSet<String> = allowed.keys().map(ToString::to_string).collect();
    assert_eq!(ours, known, "a crate came or went: say what it may depend on");
    for package in metadata.workspace_packages() {
        let arrows: BTreeSet<&str> = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development)
            .map(|dependency| dependency.name.as_str())
            .filter(|name| ours.contains(*name))
            .collect();
        let wrong: Vec<&&str> = arrows.difference(&allowed[package.name.as_str()]).collect();
        assert!(wrong.is_empty(), "{} must not depend on {wrong:?}", package.name);
    }
}

#[test]
fn each_outside_library_lives_in_one_crate() {
    let houses = BTreeMap::from([
        ("sqlx", BTreeSet::from(["session-log"])),
        ("rdkafka", BTreeSet::from(["kafka-topics"])),
        ("reqwest", BTreeSet::from(["amazon-pay"])),
        ("tokio-cron-scheduler", BTreeSet::from(["confirmd"])),
        (
            "serde",
            BTreeSet::from([
                "amazon-pay",
                "kafka-topics",
                "session-log",
                "sandbox",
                "confirmd-console",
                "confirmd",
            ]),
        ),
        ("maud", BTreeSet::from(["confirmd-console"])),
        ("axum", BTreeSet::from(["confirmd-console"])),
    ]);
    for package in metadata().workspace_packages() {
        for dependency in package
            .dependencies
            .iter()
            .filter(|d| d.kind != DependencyKind::Development)
        {
            if let Some(houses) = houses.get(dependency.name.as_str()) {
                let name = package.name.as_str();
                assert!(
                    houses.contains(name),
                    "{} does not live in {name}",
                    dependency.name
                );
            }
        }
    }
}

#[test]
fn the_model_and_the_use_cases_know_no_runtime_and_no_format() {
    let pure = BTreeMap::from([
        ("checkout", BTreeSet::from(["jiff", "rust_decimal", "thiserror"])),
        ("reconciler", BTreeSet::from(["checkout", "thiserror"])),
    ]);
    for package in metadata().workspace_packages() {
        let Some(allowed) = pure.get(package.name.as_str()) else {
            continue;
        };
        for dependency in package
            .dependencies
            .iter()
            .filter(|d| d.kind == DependencyKind::Normal)
        {
            let name = dependency.name.as_str();
            assert!(allowed.contains(name), "{} must not know {name}", package.name);
        }
    }
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    for package in metadata().workspace_packages() {
        let manifest: toml::Table = std::fs::read_to_string(&package.manifest_path)
            .unwrap()
            .parse()
            .unwrap();
        let inherited = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(
            inherited,
            Some(&toml::Value::Boolean(true)),
            "{} has its own lints",
            package.name
        );
    }
}

#[test]
fn a_committed_migration_is_never_edited() {
    let root = root();
    let history = git(&root, &["log", "--format=", "--name-status", "--", "migrations"]);
    let edited: Vec<&str> = history
        .lines()
        .filter(|line| line.ends_with(".sql") && !line.starts_with('A'))
        .collect();
    assert!(edited.is_empty(), "migrations only ever come: {edited:?}");
    let pending = git(&root, &["status", "--porcelain", "--", "migrations"]);
    let edited: Vec<&str> = pending
        .lines()
        .filter(|line| line.ends_with(".sql") && !line.starts_with("??") && !line.starts_with("A "))
        .collect();
    assert!(edited.is_empty(), "migrations only ever come: {edited:?}");
}

fn git(root: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(root)
        .args(arguments)
        .output()
        .expect("git is on PATH");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_path_that_a_document_names_exists() {
    let root = root();
    let mut missing = Vec::new();
    for document in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "deploy/README.md",
        "docs/logging.md",
        "docs/operations.md",
        "migrations/README.md",
    ] {
        let text =
            std::fs::read_to_string(root.join(document)).unwrap_or_else(|_| panic!("{document} is missing"));
        for path in paths_in(&text) {
            if !root.join(path).exists() {
                missing.push(format!("{document} names {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Whatever stands in backticks and begins like a path of this repository.
fn paths_in(text: &str) -> impl Iterator<Item = &str> {
    let homes = ["crates/", "tests/", "migrations/", "deploy/", ".ci/"];
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter(move |quoted| homes.iter().any(|home| quoted.starts_with(home)))
        .filter(|quoted| !quoted.contains(['*', '<', ' ', '{', '…']))
        .map(|path| path.split_once("::").map_or(path, |(path, _)| path))
}
