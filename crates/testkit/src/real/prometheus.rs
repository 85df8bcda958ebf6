//! Prometheus: its own tool for rules, and a server that scrapes one process.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::folder::Folder;
use super::port::Port;
use super::server::Running;
use super::{missing, program, text};

/// The program `promtool`; `None` where it is missing.
///
/// # Panics
/// If it is missing and `CI=true`.
pub fn promtool() -> Option<PathBuf> {
    program("promtool", &[]).or_else(|| {
        missing("install Prometheus' promtool (Debian: package `prometheus`), which tries the alert rules")
    })
}

/// A Prometheus of one test's own. Dropping it ends it.
pub struct PrometheusServer {
    _running: Running,
    port: Port,
    // The folder goes last: it waits for all who work in it.
    _folder: Folder,
}

impl PrometheusServer {
    /// Starts one that scrapes `target` (address and port) every second as the job `confirmd`, and evaluates these files
    /// of rules as often. `None` where Prometheus is missing.
    ///
    /// # Panics
    /// If it does not start, or if it is missing and `CI=true`.
    pub fn start_new(target: &str, rules: &[PathBuf]) -> Option<Self> {
        let Some(prometheus) = program("prometheus", &[]) else {
            return missing(
                "install Prometheus (Debian: package `prometheus`), which is asked what dashboards ask",
            );
        };
        let folder = Folder::create(&std::env::temp_dir(), "confirmd-prometheus")
            .and_then(Folder::not_as_root)
            .unwrap_or_else(|error| panic!("no folder for Prometheus: {error}"));
        let port = Port::reserve();
        // The rules are copied: whoever it runs as may not be allowed to read them where they are.
        let mut files = String::new();
        for (number, file) in rules.iter().enumerate() {
            let copy = format!("rules-{number}.yaml");
            fs::copy(file, folder.path().join(&copy)).expect("the rules can be read");
            let _ = writeln!(files, "  - {copy}");
        }
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files:\n{files}scrape_configs:\n  \
             - job_name: confirmd\n    static_configs: [{{targets: ['{target}']}}]\n"
        );
        let file = folder.path().join("prometheus.yaml");
        fs::write(&file, config).expect("the folder is ours");
        let command = [
            text(&prometheus).to_owned(),
            argument("config.file", &file),
            argument("storage.tsdb.path", &folder.path().join("data")),
            format!("--web.listen-address=127.0.0.1:{}", port.number()),
        ];
        let running = Running::start(
            "Prometheus",
            &folder,
            command,
            "Server is ready to receive web requests",
        );
        Some(Self {
            _running: running,
            port,
            _folder: folder,
        })
    }

    /// Where its HTTP API listens: address and port.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port.number())
    }
}

fn argument(name: &str, path: &Path) -> String {
    format!("--{name}={}", text(path))
}
