//! The real parts: Apache Kafka and PostgreSQL of our own, the sandbox, and confirmd as a process on them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use kafka_topics::Settings;
use kafka_topics::clients::{ShopProducer, TopicReader};
use serde_json::Value;
use testkit::real::{self, KafkaServer, PostgresServer};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;

use crate::apart::{AS, Apart};
use crate::drive::count;
use crate::stopwatch::pause;

/// More than any machine gets through, so that no token is waited for.
const UNLIMITED: i64 = 1_000_000;
const PARTITIONS: u32 = 6;
/// PostgreSQL's processes tell what they have counted when they have had nothing to do for so long.
const UNTIL_COUNTED: Duration = Duration::from_secs(11);

pub(crate) struct Parts {
    pub(crate) kafka: KafkaServer,
    pub(crate) postgres: PostgresServer,
    pub(crate) amazon: Apart,
    dir: tempfile::TempDir,
}

/// What the session log lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Store {
    Postgres,
    Sqlite,
}

impl Store {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Sqlite => "SQLite",
        }
    }
}

impl Parts {
    /// None where a part is missing; the output says which.
    pub(crate) fn start(answer_time: Duration) -> Option<Self> {
        let mut amazon = Apart::start();
        amazon.answer_after(answer_time);
        Some(Self {
            kafka: KafkaServer::start_new_at_full_speed()?,
            postgres: PostgresServer::start_new()?,
            amazon,
            dir: tempfile::tempdir().expect("a temporary folder"),
        })
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A log and topics of its own, both empty.
    pub(crate) async fn place(&self, store: Store) -> Place {
        let name = real::unique("load");
        let store_url = match store {
            Store::Postgres => self.postgres.database(&name),
            Store::Sqlite => format!("sqlite://{}", self.dir().join(format!("{name}.db")).display()),
        };
        let topic = |of: &str| format!("{name}.{of}");
        let kafka = Settings {
            bootstrap_servers: self.kafka.bootstrap().to_owned(),
            group_id: name.clone(),
            completed_topic: topic("completed"),
            outcomes_topic: topic("outcomes"),
            alerts_topic: topic("alerts"),
            dead_letter_topic: topic("dlq"),
            properties: std::collections::BTreeMap::new(),
        };
        kafka_topics::create_topics(&kafka, PARTITIONS)
            .await
            .expect("topics");
        let config = self.dir().join(format!("{name}.toml"));
        let text = configuration(&self.amazon.info, &kafka, &store_url);
        std::fs::write(&config, text).expect("a file");
        let place = Place {
            store,
            store_url,
            kafka,
            config,
        };
        let migrated = place.command(&["migrate"]).output().await.expect("confirmd");
        assert!(migrated.status.success(), "{migrated:?}");
        place
    }
}

fn configuration(amazon: &Value, kafka: &Settings, store_url: &str) -> String {
    let mut config = toml::toml! {
        [console]
        listen = "127.0.0.1:0"
        [telemetry]
        log = "info"
    };
    let text = |value: &Value| toml::Value::from(value.as_str().expect("text"));
    let mut put = |key: &str, value: toml::Value| {
        let (tables, key) = key.rsplit_once('.').expect("no setting is at the top");
        let table = tables.split('.').fold(&mut config, |table, name| {
            let inner = table.entry(name).or_insert_with(|| toml::Table::new().into());
            inner.as_table_mut().expect("a table")
        });
        table.insert(key.to_owned(), value);
    };
    put("kafka.bootstrap_servers", kafka.bootstrap_servers.clone().into());
    put("kafka.group_id", kafka.group_id.clone().into());
    put("kafka.completed_topic", kafka.completed_topic.clone().into());
    put("kafka.outcomes_topic", kafka.outcomes_topic.clone().into());
    put("kafka.alerts_topic", kafka.alerts_topic.clone().into());
    put("kafka.dead_letter_topic", kafka.dead_letter_topic.clone().into());
    put("store.url", store_url.into());
    for (place, merchant) in amazon["merchants"]
        .as_array()
        .expect("merchants")
        .iter()
        .enumerate()
    {
        let account = format!("accounts.{}", merchant["account"].as_str().expect("a name"));
        put(&format!("{account}.region"), text(&merchant["region"]));
        put(
            &format!("{account}.public_key_id"),
            text(&merchant["publicKeyId"]),
        );
        put(
            &format!("{account}.private_key_file"),
            text(&merchant["privateKeyFile"]),
        );
        put(&format!("{account}.endpoint"), text(&amazon["url"]));
        put(&format!("{account}.ca_file"), text(&amazon["ca_file"]));
        // The first is what is measured; the others keep Amazon's quotas.
        if place == 0 {
            put(&format!("{account}.quota.shop_front_share"), 0.into());
            for call in ["confirm", "look_up", "charge"] {
                put(&format!("{account}.quota.{call}.burst"), UNLIMITED.into());
                put(&format!("{account}.quota.{call}.per_second"), UNLIMITED.into());
            }
        }
    }
    config.to_string()
}

/// Where a confirmd works.
pub(crate) struct Place {
    pub(crate) store: Store,
    pub(crate) store_url: String,
    pub(crate) kafka: Settings,
    config: PathBuf,
}

impl Place {
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let this = std::env::current_exe().expect("this program's path");
        let mut command = Command::new(this);
        command
            .env(AS, "confirmd")
            .arg("--config")
            .arg(&self.config)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(crate) fn start(&self) -> Confirmd {
        let mut child = self.command(&["run"]).spawn().expect("confirmd");
        let stderr = child.stderr.take().expect("piped");
        let (told, lines) = watch::channel(Vec::new());
        tokio::spawn(async move {
            let mut read = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = read.next_line().await {
                told.send_modify(|lines: &mut Vec<String>| lines.push(line));
            }
        });
        Confirmd { child, lines }
    }

    pub(crate) fn shop(&self) -> ShopProducer {
        ShopProducer::new(&self.kafka.bootstrap_servers, &self.kafka.completed_topic).expect("a producer")
    }

    pub(crate) async fn outcomes(&self) -> TopicReader {
        TopicReader::open_patiently(&self.kafka.bootstrap_servers, &self.kafka.outcomes_topic)
            .await
            .expect("the topic is there")
    }

    /// How large the log is, in bytes, with its indexes.
    pub(crate) fn size(&self) -> f64 {
        match self.store {
            Store::Postgres => {
                let size = real::psql(&self.store_url, "SELECT pg_database_size(current_database())");
                size.trim().parse().expect("a number")
            }
            Store::Sqlite => {
                let file = self.store_url.trim_start_matches("sqlite://");
                std::fs::metadata(file).map_or(0.0, |file| count(usize::try_from(file.len()).unwrap_or(0)))
            }
        }
    }

    /// What PostgreSQL has counted since it started, of all its databases together.
    pub(crate) async fn counted(&self) -> Counted {
        pause(UNTIL_COUNTED).await;
        let answer = real::psql(
            &self.store_url,
            "SELECT wal_sync, wal_bytes, (SELECT sum(xact_commit) FROM pg_stat_database) FROM pg_stat_wal",
        );
        let mut fields = answer
            .trim()
            .split('|')
            .map(|field| field.parse().expect("a number"));
        let mut next = || fields.next().expect("three columns");
        Counted {
            flushes: next(),
            wal_bytes: next(),
            commits: next(),
        }
    }
}

pub(crate) struct Counted {
    pub(crate) flushes: f64,
    pub(crate) wal_bytes: f64,
    pub(crate) commits: f64,
}

/// A running confirmd; it ends with this.
pub(crate) struct Confirmd {
    child: Child,
    lines: watch::Receiver<Vec<String>>,
}

impl Confirmd {
    pub(crate) fn process_id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Waits until it has said this.
    pub(crate) async fn says(&self, part: &str) {
        let mut lines = self.lines.clone();
        let said = lines.wait_for(|lines| lines.iter().any(|line| line.contains(part)));
        let said = said.await.is_ok();
        assert!(said, "confirmd ended: {:#?}", self.lines.borrow());
    }

    /// SIGKILL.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("it runs");
    }

    /// SIGTERM, and waits until it has ended.
    pub(crate) async fn stop(mut self) {
        let id = self.process_id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(sent.expect("kill is on PATH").success());
        let status = self.child.wait().await.expect("it ends");
        assert!(status.success(), "{:#?}", self.lines.borrow());
    }
}
