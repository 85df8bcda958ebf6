//! The unit of the service, tried by systemd's own tool.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use testkit::real;

use crate::tidy::root;

/// Tenths of what `systemd-analyze security` calls the exposure, from 0 to 100. What is left of it is the network, which
/// the service is for.
const EXPOSURE: &str = "11";

const INSTALLED: &str = "/usr/local/bin/confirmd";

fn unit() -> String {
    std::fs::read_to_string(root().join("deploy/systemd/confirmd.service")).unwrap()
}

/// A folder with the unit in it, which runs the program under test: systemd looks whether the file can be run.
fn tried() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let unit = unit().replace(INSTALLED, env!("CARGO_BIN_EXE_confirmd-under-test"));
    std::fs::write(folder.path().join("confirmd.service"), unit).unwrap();
    folder
}

/// What systemd-analyze says about the unit, and whether it is content.
fn analyze(systemd_analyze: &Path, arguments: &[&str]) -> (bool, String) {
    let folder = tried();
    let output = Command::new(systemd_analyze)
        .args(arguments)
        .arg(folder.path().join("confirmd.service"))
        .env("SYSTEMD_PAGER", "")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.success(), said.into_owned())
}

#[test]
fn systemd_understands_every_line_of_the_unit() {
    let Some(systemd_analyze) = real::systemd_analyze() else {
        return;
    };
    let (content, said) = analyze(&systemd_analyze, &["verify", "--man=no"]);
    // What it does not know it passes over with a word, and is content.
    assert!(content && !said.contains("confirmd"), "{said}");
}

#[test]
fn little_of_the_machine_is_exposed_to_the_service() {
    let Some(systemd_analyze) = real::systemd_analyze() else {
        return;
    };
    let threshold = format!("--threshold={EXPOSURE}");
    let (content, said) = analyze(&systemd_analyze, &["security", "--offline=true", &threshold]);
    let exposed: Vec<&str> = said.lines().filter(|line| !line.starts_with('✓')).collect();
    assert!(content, "{}", exposed.join("\n"));
}

/// Each setting, with its value; of one that is there several times, the last.
fn settings(unit: &str) -> BTreeMap<&str, &str> {
    unit.lines()
        .filter(|line| !line.starts_with(['#', '[']))
        .filter_map(|line| line.split_once('='))
        .collect()
}

fn seconds(value: &str) -> u64 {
    value.trim_end_matches('s').parse().unwrap()
}

#[test]
fn systemd_waits_for_the_end_and_repeats_no_start_that_cannot_succeed() {
    let unit = unit();
    let settings = settings(&unit);
    assert!(super::shutdown_grace() < seconds(settings["TimeoutStopSec"]));
    // 2 is a configuration that cannot be used, in every command.
    assert_eq!(settings["RestartPreventExitStatus"], "2");
    assert_eq!(settings["Restart"], "on-failure");
    assert_eq!(settings["Type"], "notify");
    assert!(0 < seconds(settings["WatchdogSec"]));
}

#[test]
fn a_configuration_that_lies_beside_its_secrets_is_found_by_the_service_and_by_hand() {
    let unit = unit();
    let credentials: BTreeMap<&str, &str> = unit
        .lines()
        .filter_map(|line| line.strip_prefix("LoadCredential=")?.split_once(':'))
        .collect();
    // Relative paths hold in both places because each file has one name.
    for (name, file) in &credentials {
        assert_eq!(*file, format!("/etc/confirmd/{name}"));
    }
    let run = settings(&unit)["ExecStart"];
    assert_eq!(run, format!("{INSTALLED} --config %d/confirmd.toml run"));
    assert!(credentials.contains_key("confirmd.toml"));
}
