//! Everything on one machine: what the compose file names is there, nothing secret is in it, and its parts fit each other.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use testkit::real;

use super::yaml;
use crate::tidy::root;

const PROGRAM: &str = env!("CARGO_BIN_EXE_confirmd-under-test");

fn deploy() -> PathBuf {
    root().join("deploy")
}

fn compose() -> Value {
    yaml(&deploy().join("compose.yaml"))
}

/// The services by name.
fn services(compose: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let services = compose["services"].as_object().unwrap();
    services.iter().map(|(name, service)| (name.as_str(), service))
}

/// Each text in a list; nothing where there is none.
fn texts<'a>(value: &'a Value, key: &str) -> Vec<&'a str> {
    let list = value.get(key).and_then(Value::as_array);
    let texts = list.into_iter().flatten().map(|text| text.as_str().unwrap());
    texts.collect()
}

/// The names in a list, or those that a table begins its lines with.
fn names<'a>(value: &'a Value, key: &str) -> Vec<&'a str> {
    match value.get(key) {
        Some(Value::Object(table)) => table.keys().map(String::as_str).collect(),
        _ => texts(value, key),
    }
}

/// What `prepare` makes, in a folder of the test's own.
pub(super) struct Prepared(TempDir);

impl Prepared {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ran = Command::new(deploy().join("compose/prepare"))
            .arg(folder.path().join("state"))
            .arg(folder.path().join("environment"))
            .status()
            .unwrap();
        assert!(ran.success());
        Self(folder)
    }

    /// What the compose file calls `./compose/state/…`.
    pub(super) fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }

    fn environment(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.0.path().join("environment")).unwrap();
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("{name}: {text}")).to_owned()
    }
}

#[test]
fn every_image_is_pinned_by_its_version() {
    let compose = compose();
    for (name, service) in services(&compose) {
        let image = service["image"].as_str().unwrap();
        let (_, tag) = image.split_once(':').unwrap_or_else(|| panic!("{name}: {image}"));
        let numbers = tag.trim_start_matches('v').split(['.', '-']).take(3);
        let pinned = numbers
            .clone()
            .take(2)
            .all(|number| number.parse::<u32>().is_ok());
        assert!(pinned && numbers.count() > 1, "{name}: {image}");
        if let Some(build) = service.get("build") {
            let version = env!("CARGO_PKG_VERSION");
            assert_eq!(image, format!("confirmd:{version}"), "{name}");
            let context = deploy().join(build["context"].as_str().unwrap());
            assert!(context.join(build["dockerfile"].as_str().unwrap()).is_file());
        }
    }
}

#[test]
fn every_file_that_is_mounted_is_there_or_made_by_prepare() {
    let (compose, prepared) = (compose(), Prepared::new());
    let exists = |path: &str| match path.strip_prefix("./compose/state/") {
        Some(made) => prepared.state().join(made).exists(),
        None => deploy().join(path).exists(),
    };
    for (name, service) in services(&compose) {
        for volume in texts(service, "volumes") {
            let (source, _) = volume.split_once(':').unwrap();
            let is_there = if source.starts_with("./") {
                exists(source)
            } else {
                compose["volumes"].get(source).is_some()
            };
            assert!(is_there, "{name}: {volume}");
        }
        for secret in texts(service, "secrets") {
            let file = compose["secrets"][secret]["file"].as_str();
            assert!(file.is_some_and(exists), "{name}: {secret}");
        }
    }
}

#[test]
fn whoever_is_waited_for_is_a_service() {
    let compose = compose();
    for (name, service) in services(&compose) {
        let network = service.get("network_mode").and_then(Value::as_str);
        let shared = network.and_then(|mode| mode.strip_prefix("service:"));
        for other in names(service, "depends_on").into_iter().chain(shared) {
            let other_service = compose["services"].get(other);
            assert!(other_service.is_some(), "{name} waits for {other}");
            let how = service["depends_on"].get(other).map(|how| &how["condition"]);
            if how.is_some_and(|how| how == "service_healthy") {
                assert!(
                    other_service.unwrap().get("healthcheck").is_some(),
                    "{name}: {other}"
                );
            }
        }
    }
}

#[test]
fn nothing_secret_is_written_down_and_nothing_is_published_beyond_this_machine() {
    let compose = compose();
    for (name, service) in services(&compose) {
        let environment = service.get("environment").and_then(Value::as_object);
        for (variable, value) in environment.into_iter().flatten() {
            let sounds_secret = ["PASSWORD", "TOKEN", "SECRET"]
                .iter()
                .any(|word| variable.contains(word));
            let value = value.as_str().map(str::to_owned).unwrap_or(value.to_string());
            if sounds_secret {
                assert!(variable.ends_with("_FILE"), "{name}: {variable}");
                assert!(value.starts_with("/run/secrets/"), "{name}: {variable}");
            }
            let authority = value.split_once("://").map_or("", |(_, rest)| rest);
            assert!(!authority.contains('@'), "{name}: {variable}");
        }
        for port in texts(service, "ports") {
            assert!(port.starts_with("127.0.0.1:"), "{name}: {port}");
        }
    }
    for (name, secret) in compose["secrets"].as_object().unwrap() {
        let file = secret["file"].as_str().unwrap();
        assert!(file.starts_with("./compose/state/"), "{name}: {file}");
    }
    // And what is made is not committed by mistake.
    for made in ["deploy/.env", "deploy/compose/state/secrets/read-token"] {
        let ignored = Command::new("git")
            .args(["check-ignore", "--quiet", made])
            .current_dir(root())
            .status()
            .unwrap();
        assert!(ignored.success(), "{made}");
    }
}

#[test]
fn every_command_is_one_that_the_program_has() {
    let compose = compose();
    let mut commands = 0;
    for (name, service) in services(&compose) {
        if service.get("build").is_some() {
            let output = Command::new(PROGRAM)
                .args(texts(service, "command"))
                .arg("--help")
                .output()
                .unwrap();
            assert!(output.status.success(), "{name}: {output:?}");
            commands += 1;
        }
    }
    assert_eq!(commands, 3);
}

/// Starts the sandbox as the compose file does, on ports of its own, and ends it once it has written its files.
fn first_line_of_the_sandbox(folder: &Path) -> Value {
    let compose = compose();
    let arguments = texts(&compose["services"]["sandbox"], "command");
    let arguments = arguments.into_iter().map(|argument| match argument {
        "0.0.0.0:8443" | "127.0.0.1:8444" => "127.0.0.1:0",
        "/sandbox" => folder.to_str().unwrap(),
        other => other,
    });
    let mut sandbox = Command::new(PROGRAM)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let read = BufReader::new(sandbox.stdout.take().unwrap()).read_line(&mut line);
    sandbox.kill().unwrap();
    sandbox.wait().unwrap();
    read.unwrap();
    serde_json::from_str(&line).unwrap()
}

/// `confirmd check` of the configuration with the files that `prepare` and the sandbox have made.
fn checked(prepared: &Prepared, key_id: &str) -> Output {
    let state = prepared.state().display().to_string();
    let config = std::fs::read_to_string(deploy().join("compose/confirmd.toml")).unwrap();
    let config = config
        .replace("/run/secrets/", &format!("{state}/secrets/"))
        .replace("/sandbox/", &format!("{state}/sandbox/"));
    let file = prepared.0.path().join("confirmd.toml");
    std::fs::write(&file, config).unwrap();
    Command::new(PROGRAM)
        .arg("--config")
        .arg(file)
        .arg("check")
        .env("CONFIRMD_ACCOUNTS__EU_SHOP__PUBLIC_KEY_ID", key_id)
        .output()
        .unwrap()
}

#[test]
fn the_configuration_can_be_used_and_the_sandbox_knows_the_key_that_prepare_made() {
    let prepared = Prepared::new();
    let key_id = prepared.environment("SANDBOX_PUBLIC_KEY_ID");
    let said = first_line_of_the_sandbox(&prepared.state().join("sandbox"));
    assert_eq!(said["merchants"][0]["account"], "eu_shop");
    assert_eq!(said["merchants"][0]["publicKeyId"], key_id.as_str());
    let checked = checked(&prepared, &key_id);
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn prepare_keeps_what_is_there() {
    let prepared = Prepared::new();
    let file = prepared.state().join("secrets/database-url");
    let before = std::fs::read(&file).unwrap();
    let ran = Command::new(deploy().join("compose/prepare"))
        .arg(prepared.state())
        .arg(prepared.0.path().join("again"))
        .status()
        .unwrap();
    assert!(ran.success());
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let environment = |name| std::fs::read(prepared.0.path().join(name)).unwrap();
    assert_eq!(environment("again"), environment("environment"));
}

#[test]
fn prometheus_takes_its_configuration_with_the_alert_rules() {
    let Some(promtool) = real::promtool() else {
        return;
    };
    let prepared = Prepared::new();
    let config = std::fs::read_to_string(deploy().join("compose/prometheus.yaml")).unwrap();
    let rules = format!("{}/", deploy().join("prometheus").display());
    let secrets = format!("{}/", prepared.state().join("secrets").display());
    let config = config
        .replace("/etc/prometheus/rules/", &rules)
        .replace("/run/secrets/", &secrets);
    let file = prepared.0.path().join("prometheus.yaml");
    std::fs::write(&file, config).unwrap();
    let output = Command::new(promtool)
        .args(["check", "config"])
        .arg(file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("2 rule files found"), "{said}");
}

#[test]
fn each_part_finds_the_other_where_it_is_and_confirmd_has_time_to_end() {
    let compose = compose();
    let mounts = |service: &str| -> Vec<String> {
        let volumes = texts(&compose["services"][service], "volumes").into_iter();
        volumes
            .map(|volume| volume.split(':').nth(1).unwrap().to_owned())
            .collect()
    };
    // confirmd lives at the sandbox's address, under a name of its own.
    let config: toml::Table = std::fs::read_to_string(deploy().join("compose/confirmd.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let listen = config["console"]["listen"].as_str().unwrap();
    let (_, port) = listen.split_once(':').unwrap();
    let aliases = texts(&compose["services"]["sandbox"]["networks"]["default"], "aliases");
    let scraped = yaml(&deploy().join("compose/prometheus.yaml"));
    let job = &scraped["scrape_configs"][0];
    assert_eq!(job["job_name"], "confirmd");
    assert_eq!(
        job["static_configs"][0]["targets"][0],
        format!("{}:{port}", aliases[0])
    );
    let published = texts(&compose["services"]["sandbox"], "ports");
    assert!(published.contains(&format!("127.0.0.1:{port}:{port}").as_str()));
    let grace = compose["services"]["confirmd"]["stop_grace_period"]
        .as_str()
        .unwrap();
    assert!(super::shutdown_grace() < grace.trim_end_matches('s').parse().unwrap());
    // Kafka by the name that it tells the other containers.
    let bootstrap = config["kafka"]["bootstrap_servers"].as_str().unwrap();
    let advertised = compose["services"]["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
        .as_str()
        .unwrap();
    assert!(
        advertised.contains(&format!("INSIDE://{bootstrap},")),
        "{advertised}"
    );
    // Grafana asks Prometheus, and looks for dashboards where they are mounted.
    let provisioning = deploy().join("grafana/provisioning");
    let source = yaml(&provisioning.join("datasources/prometheus.yaml"));
    assert_eq!(source["datasources"][0]["url"], "http://prometheus:9090");
    let dashboards = yaml(&provisioning.join("dashboards/confirmd.yaml"));
    let path = dashboards["providers"][0]["options"]["path"].as_str().unwrap();
    assert!(mounts("grafana").contains(&path.to_owned()), "{path}");
}
