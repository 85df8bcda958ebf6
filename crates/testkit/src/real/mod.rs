//! Real parts for tests: Apache Kafka and PostgreSQL, private to the test process, and Amazon's own SDK for Node.js.
//! And what tries the rest: a browser the console, Prometheus the rules and what dashboards ask, systemd's systemd-analyze the unit, Helm and
//! Kubernetes' schemas the chart.
//!
//! ```text
//!   postgres() ─┐ once per process, shared          ┌─ postgres, java
//!   kafka()    ─┤                     ──► Server ───┤    guarded: they end with the test process,
//!   PostgresServer::start_new() ─┐ one test's own   │    however it dies, and so does their folder
//!   KafkaServer::start_new()    ─┴─ stop/kill/start └─
//! ```
//!
//! Everything here blocks (a start takes a second or two, the very first one of Kafka as long as the download of its
//! jars), and may be called from inside a `#[tokio::test]`: nothing in it needs the runtime to go on meanwhile.
//!
//! Where a part is missing on a machine, the fixture says so on stderr (`SKIPPED: …`) and returns `None`, for the test
//! to return early; with `CI=true` that is a panic with the same words. A part that is there and does not start is
//! always a panic. `DATABASE_URL` and `KAFKA_BROKERS` name servers to use in place of the shared ones.

use std::env;
use std::fmt::Display;
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

mod browser;
mod folder;
mod helm;
mod kafka;
mod kafka_jars;
mod kept;
mod kubernetes;
mod node;
mod port;
mod postgres;
mod prometheus;
mod server;
mod systemd;
mod tls;

pub use browser::{BrowserDriver, browser_driver};
pub use helm::helm;
pub use kafka::{JavaWithKafka, Kafka, KafkaServer, java_with_kafka, kafka};
pub use kubernetes::{KubernetesValidate, kubernetes_validate};
pub use node::{NodeWithSdk, node_with_sdk};
pub use port::Port;
pub use postgres::{Postgres, PostgresServer, copy_database, postgres, psql};
pub use prometheus::{PrometheusServer, promtool};
pub use systemd::systemd_analyze;
pub use tls::ServerIdentity;

/// A name that no other call has returned, in this process or in another: for topics, groups and databases, which may
/// live in a server that outlasts the test. Twenty-odd characters longer than `prefix`, and made of the same ones plus
/// digits, `a` to `f` and `-`.
pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    // Process ids come again, in containers with every run. `RandomState` is the standard library's only source of chance.
    static CHANCE: LazyLock<u32> = LazyLock::new(|| RandomState::new().build_hasher().finish() as u32);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{:08x}-{number}", process::id(), *CHANCE)
}

/// Says that a real part is missing. Written past the test harness, which would keep the words of a passing test.
///
/// # Panics
/// If `CI=true`.
pub fn missing<T>(what: impl Display) -> Option<T> {
    let words = format!("SKIPPED: {what}");
    assert!(env::var("CI").as_deref() != Ok("true"), "{words}");
    // A closed stderr leaves nobody to tell.
    let _ = writeln!(io::stderr(), "{words}");
    None
}

/// The program `name` on `PATH`, or else in one of `folders`.
fn program(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = env::split_paths(&path).collect();
    on_path
        .iter()
        .chain(folders)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Where what is worth keeping between test runs lies.
fn cache_folder() -> io::Result<PathBuf> {
    let set = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let folder = set("CARGO_TARGET_DIR")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("confirmd")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/confirmd")))
        .unwrap_or_else(|| env::temp_dir().join("confirmd-cache"));
    fs::create_dir_all(&folder)?;
    // Tests run in the folder of their own crate, and Java in yet another one.
    fs::canonicalize(folder)
}

/// `path` as text, for command lines and properties files.
fn text(path: &Path) -> &str {
    path.to_str()
        .expect("temporary and cache folders have names in UTF-8")
}
