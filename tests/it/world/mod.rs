//! One scenario's world: Apache Kafka and PostgreSQL as they are, the sandbox over TLS, and confirmd as a
//! process of its own whose clock is the sandbox's.

mod books;
mod collector;
mod console;
mod daemon;
mod events;
mod machine;
mod proof;
mod recovery;
mod shop;
mod watching;
mod witness;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kafka_topics::clients::{ShopProducer, TopicReader, TopicRecord};
use sandbox::{ClockSource, NewSession, Options, Profile, Sandbox, SandboxClock, SettableClock};
use serde_json::{Value, json};
use testkit::real;

pub(crate) use collector::{Collector, Span};
pub(crate) use console::get;
pub(crate) use daemon::{Daemon, Finished};
pub(crate) use events::address;
pub(crate) use machine::MachinesClock;
pub(crate) use proof::UNREADABLE;
pub(crate) use recovery::Recovery;
pub(crate) use shop::{client_of, example, sandbox_by_the_machines_clock};
pub(crate) use watching::time_of;
pub(crate) use witness::{confirmations, operations, repeats};

/// How fast time passes here: retries and look-ups come quickly, and two seconds are still long enough to
/// send a request in.
const SPEED: f64 = 10.0;
/// A scenario that has not come to its end by now never will.
const PATIENCE: Duration = Duration::from_secs(120);
/// Partitions of every topic.
pub(crate) const PARTITIONS: u32 = 3;

pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: SettableClock,
    pub(crate) shop: ShopProducer,
    pub(crate) kafka: kafka_topics::Settings,
    pub(crate) database_url: String,
    outcomes: TopicReader,
    alerts: TopicReader,
    settings: BTreeMap<String, toml::Value>,
    dir: tempfile::TempDir,
}

impl World {
    /// None where a real part is missing; the test's output says which.
    pub(crate) async fn new(name: &str) -> Option<Self> {
        Self::with_quotas_of(name, Profile::Unlimited).await
    }

    /// The same, with Amazon's quotas.
    pub(crate) async fn with_quotas_of(name: &str, profile: Profile) -> Option<Self> {
        let (bootstrap, database_url) = {
            let name = name.to_owned();
            let parts = tokio::task::spawn_blocking(move || {
                let kafka = real::kafka()?;
                let postgres = real::postgres()?;
                Some((kafka.bootstrap().to_owned(), postgres.database(&name)))
            });
            parts.await.unwrap()?
        };
        Some(Self::made(name, &bootstrap, database_url, profile).await)
    }

    /// The same over parts that the scenario has to itself.
    pub(crate) async fn over(name: &str, bootstrap: &str, database_url: String) -> Self {
        Self::made(name, bootstrap, database_url, Profile::Unlimited).await
    }

    async fn made(name: &str, bootstrap: &str, database_url: String, profile: Profile) -> Self {
        let prefix = real::unique(name);
        let topic = |of: &str| format!("{prefix}.{of}");
        let kafka = kafka_topics::Settings {
            bootstrap_servers: bootstrap.to_owned(),
            group_id: prefix.clone(),
            completed_topic: topic("checkout.completed"),
            outcomes_topic: topic("checkout.outcomes"),
            alerts_topic: topic("checkout.alerts"),
            dead_letter_topic: topic("checkout.completed.dlq"),
            properties: BTreeMap::new(),
        };
        kafka_topics::create_topics(&kafka, PARTITIONS).await.unwrap();
        let clock = SettableClock::starting_at(SettableClock::real().now(), SPEED);
        let options = Options {
            profile,
            clock: ClockSource::Settable(clock.clone()),
            seed: Some(1),
            ..Options::default()
        };
        let world = Self {
            sandbox: Sandbox::start(options).await.unwrap(),
            clock,
            shop: ShopProducer::new(bootstrap, &kafka.completed_topic).unwrap(),
            outcomes: reader(bootstrap, &kafka.outcomes_topic).await,
            alerts: reader(bootstrap, &kafka.alerts_topic).await,
            kafka,
            database_url,
            settings: BTreeMap::new(),
            dir: tempfile::tempdir().unwrap(),
        };
        world.write_config();
        let migrated = world.command(&["migrate"]).await;
        assert!(migrated.status.success(), "{migrated:?}");
        world
    }

    /// A setting that differs from the scenarios' usual ones, such as `deadline.near`.
    pub(crate) fn set(&mut self, key: &str, value: impl Into<toml::Value>) {
        self.settings.insert(key.to_owned(), value.into());
        self.write_config();
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        self.dir.path().join("confirmd.toml")
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Makes the topics that are not there (any more), and reads those that were told on from their beginning.
    pub(crate) async fn topics_are_made_again(&mut self) {
        let made = async {
            // One that is just being deleted may stand in its own way.
            while kafka_topics::create_topics(&self.kafka, PARTITIONS)
                .await
                .is_err()
                || kafka_topics::check(&self.kafka)
                    .await
                    .is_ok_and(|missing| !missing.is_empty())
            {}
        };
        in_time("the topics to be there again", made).await;
        self.outcomes = reader(&self.kafka.bootstrap_servers, &self.kafka.outcomes_topic).await;
        self.alerts = reader(&self.kafka.bootstrap_servers, &self.kafka.alerts_topic).await;
    }

    fn write_config(&self) {
        let info = self.sandbox.info();
        let mut config = toml::Table::new();
        let mut put = |key: &str, value: toml::Value| put_at(&mut config, key, value);
        put(
            "kafka.bootstrap_servers",
            self.kafka.bootstrap_servers.clone().into(),
        );
        put("kafka.group_id", self.kafka.group_id.clone().into());
        put("kafka.completed_topic", self.kafka.completed_topic.clone().into());
        put("kafka.outcomes_topic", self.kafka.outcomes_topic.clone().into());
        put("kafka.alerts_topic", self.kafka.alerts_topic.clone().into());
        put(
            "kafka.dead_letter_topic",
            self.kafka.dead_letter_topic.clone().into(),
        );
        put("store.url", self.database_url.clone().into());
        put("console.listen", "127.0.0.1:0".into());
        put("telemetry.log", "info".into());
        put("shutdown_grace", "20s".into());
        for merchant in &info.merchants {
            let account = format!("accounts.{}", merchant.account);
            let region = serde_json::to_value(merchant.region).unwrap();
            put(&format!("{account}.region"), region.as_str().unwrap().into());
            put(
                &format!("{account}.public_key_id"),
                merchant.public_key_id.clone().into(),
            );
            put(
                &format!("{account}.private_key_file"),
                merchant.private_key_file.display().to_string().into(),
            );
            put(&format!("{account}.endpoint"), info.url.clone().into());
            put(
                &format!("{account}.ca_file"),
                info.ca_file.display().to_string().into(),
            );
            for call in ["confirm", "look_up", "charge", "permission"] {
                put(&format!("{account}.quota.{call}.burst"), 1000.into());
                put(&format!("{account}.quota.{call}.per_second"), 1000.into());
            }
        }
        for (key, value) in &self.settings {
            put(key, value.clone());
        }
        std::fs::write(self.config_file(), config.to_string()).unwrap();
    }

    /// Starts confirmd and waits until it says that it runs.
    pub(crate) async fn daemon(&self) -> Daemon {
        Daemon::start(&self.config_file(), &self.sandbox.info().control_url, &[]).await
    }

    /// The same; a file that may not grow is an error to it, as on a disk that is full, and not its end.
    pub(crate) async fn daemon_that_hears_of_full_disks(&self) -> Daemon {
        let control = &self.sandbox.info().control_url;
        let mut daemon = Daemon::begin_hearing_of_full_disks(&self.config_file(), control);
        daemon.serving().await;
        daemon
    }

    /// Starts confirmd and waits for nothing.
    pub(crate) fn begin_daemon(&self) -> Daemon {
        Daemon::begin(&self.config_file(), &self.sandbox.info().control_url, &[])
    }

    /// The same, ending itself at the first boundary of this label, as by a power cut.
    pub(crate) async fn daemon_that_dies_at(&self, label: &str) -> Daemon {
        self.daemon_in(&[("CONFIRMD_TEST_CRASH_AT", label)]).await
    }

    /// Starts confirmd with this in its environment and waits until its console can be asked.
    pub(crate) async fn daemon_in(&self, environment: &[(&str, &str)]) -> Daemon {
        Daemon::start(&self.config_file(), &self.sandbox.info().control_url, environment).await
    }

    /// Runs one command to its end.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Finished {
        self.command_in(arguments, &[]).await
    }

    /// The same, with more in its environment.
    pub(crate) async fn command_in(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Finished {
        let control = &self.sandbox.info().control_url;
        daemon::command(&self.config_file(), control, arguments, environment).await
    }

    /// The same, reading its standard output as JSON.
    pub(crate) async fn json(&self, arguments: &[&str]) -> Value {
        let arguments: Vec<&str> = arguments.iter().copied().chain(["--json"]).collect();
        let finished = self.command(&arguments).await;
        serde_json::from_str(&finished.stdout).unwrap_or_else(|error| panic!("{error}: {finished:?}"))
    }

    /// A checkout session whose buyer has finished; fields of the control API's `POST /sessions` override.
    pub(crate) fn session(&self, overrides: Value) -> Value {
        let new: NewSession = serde_json::from_value(overrides).unwrap();
        self.sandbox.make_session(new).unwrap()
    }

    /// Makes a session and says that it was completed: the usual beginning. Its id comes back.
    pub(crate) async fn completed(&self, overrides: Value, event: Value) -> String {
        let session = self.session(overrides);
        self.say(&session, event).await
    }

    /// What the shop says of a session, with `changes` laid over it (null removes).
    pub(crate) fn event(&self, session: &Value, changes: Value) -> Value {
        events::of_session(session, changes)
    }

    /// Publishes the event of a session as the shop would, with `changes` laid over it (null removes).
    pub(crate) async fn say(&self, session: &Value, changes: Value) -> String {
        let event = self.event(session, changes);
        let id = session["checkoutSessionId"].as_str().unwrap().to_owned();
        self.publish(&id, &event).await;
        id
    }

    /// Publishes an event as CloudEvents in binary mode, said now.
    pub(crate) async fn publish(&self, key: &str, event: &Value) {
        self.publish_bytes(key, event.to_string().as_bytes()).await;
    }

    pub(crate) async fn publish_bytes(&self, key: &str, bytes: &[u8]) {
        self.publish_as_of(self.clock.now(), key, bytes, None).await;
    }

    /// Says of a session what was true an hour ago: confirmd has to ask before it confirms.
    pub(crate) async fn say_an_hour_ago(&self, session: &Value, changes: Value) -> String {
        let event = self.event(session, changes).to_string();
        let id = session["checkoutSessionId"].as_str().unwrap().to_owned();
        let then = self.clock.now() - jiff::SignedDuration::from_hours(1);
        self.publish_as_of(then, &id, event.as_bytes(), None).await;
        id
    }

    /// Publishes the event of a session within a trace.
    pub(crate) async fn say_in_trace(&self, session: &Value, traceparent: &str) -> String {
        let event = self.event(session, json!({})).to_string();
        let id = session["checkoutSessionId"].as_str().unwrap().to_owned();
        let (now, bytes) = (self.clock.now(), event.as_bytes());
        self.publish_as_of(now, &id, bytes, Some(traceparent)).await;
        id
    }

    async fn publish_as_of(&self, time: jiff::Timestamp, key: &str, bytes: &[u8], traceparent: Option<&str>) {
        let time = time.to_string();
        let mut headers: Vec<(&str, &[u8])> = vec![
            ("ce_specversion", b"1.0"),
            ("ce_type", b"checkout.completed.v1"),
            ("ce_source", b"/shop"),
            ("ce_id", key.as_bytes()),
            ("ce_time", time.as_bytes()),
            ("content-type", b"application/json"),
        ];
        headers.extend(traceparent.map(|traceparent| ("traceparent", traceparent.as_bytes())));
        self.shop
            .send(Some(key.as_bytes()), &headers, Some(bytes))
            .await
            .unwrap();
    }

    /// The outcome of a session, as soon as it is told.
    pub(crate) async fn outcome(&mut self, id: &str) -> Told {
        self.told(id, Told::is_outcome).await
    }

    /// The first fact about a session on the outcomes topic that `wanted` likes.
    pub(crate) async fn told(&mut self, id: &str, wanted: impl Fn(&Told) -> bool) -> Told {
        let found = self
            .outcomes
            .until(|record| record.key.as_deref() == Some(id.as_bytes()) && wanted(&Told::of(record)));
        Told::of(&in_time(&format!("what is told of {id}"), found).await)
    }

    /// The first alert with this key (session, account or source), kind and status.
    pub(crate) async fn alert(&mut self, key: &str, kind: &str, status: &str) -> Told {
        let found = self.alerts.until(|record| {
            let told = Told::of(record);
            record.key.as_deref() == Some(key.as_bytes())
                && told.body["kind"] == kind
                && told.body["status"] == status
        });
        Told::of(&in_time(&format!("the alert {kind} {status} of {key}"), found).await)
    }

    /// Everything that stands on a topic now.
    pub(crate) async fn everything_on(&self, topic: &str) -> Vec<TopicRecord> {
        let end = ShopProducer::new(&self.kafka.bootstrap_servers, topic).unwrap();
        let here = real::unique("here");
        for partition in 0..PARTITIONS {
            let headers: [(&str, &[u8]); 1] = [("end", here.as_bytes())];
            end.send_to(i32::try_from(partition).unwrap(), None, &headers, None)
                .await
                .unwrap();
        }
        let mut reader = TopicReader::open(&self.kafka.bootstrap_servers, topic)
            .await
            .unwrap();
        let mut ends = BTreeMap::new();
        let mut records = Vec::new();
        while ends.len() < PARTITIONS as usize {
            let record = in_time(topic, reader.next()).await;
            match record.header("end") {
                Some(end) if end == here => {
                    ends.insert(record.partition, record.offset);
                }
                // An end that an earlier call has set is none.
                Some(_) => {}
                None => records.push(record),
            }
        }
        records
    }

    /// Ends the daemon in order, then holds what was told against the sandbox's books.
    pub(crate) async fn end(self, daemon: Daemon) {
        let finished = daemon.terminate().await;
        assert!(finished.status.success(), "{finished:?}");
        self.check_books().await;
    }

    /// Every session that the shop has told of has exactly one outcome, and the sandbox's books agree with it.
    pub(crate) async fn check_books(&self) {
        let told = self.everything_on(&self.kafka.outcomes_topic).await;
        books::check(
            &self.sandbox.books(),
            &told.iter().map(Told::of).collect::<Vec<_>>(),
        );
    }

    /// How often a fault of this number has struck.
    pub(crate) fn struck(&self, fault: u64) -> u64 {
        self.sandbox
            .books()
            .faults
            .iter()
            .find(|known| known.id == fault)
            .unwrap()
            .struck
    }
}

/// Starting and stopping a server blocks.
pub(crate) async fn in_a_thread<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(act).await.unwrap()
}

/// What was told on a topic out.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) event_type: String,
    pub(crate) id: String,
    pub(crate) session: Option<String>,
    pub(crate) sequence: u64,
    pub(crate) body: Value,
}

impl Told {
    pub(crate) fn of(record: &TopicRecord) -> Self {
        let header = |name: &str| record.header(name).unwrap_or_default().to_owned();
        Self {
            event_type: header("ce_type"),
            id: header("ce_id"),
            session: record.header("ce_subject").map(ToOwned::to_owned),
            sequence: header("ce_sequence").parse().unwrap_or_default(),
            body: record
                .payload
                .as_deref()
                .map_or(json!(null), |bytes| serde_json::from_slice(bytes).unwrap()),
        }
    }

    pub(crate) fn is_outcome(&self) -> bool {
        let outcomes = ["confirmed", "declined", "cancelled", "expired", "unresolved"];
        outcomes
            .iter()
            .any(|outcome| self.event_type == format!("checkout.{outcome}.v1"))
    }
}

/// A topic that was made a moment ago is not known everywhere at once.
async fn reader(bootstrap: &str, topic: &str) -> TopicReader {
    let opened = async {
        loop {
            if let Ok(reader) = TopicReader::open(bootstrap, topic).await {
                return reader;
            }
        }
    };
    in_time(topic, opened).await
}

fn put_at(table: &mut toml::Table, key: &str, value: toml::Value) {
    match key.split_once('.') {
        Some((first, rest)) => {
            let inner = table.entry(first).or_insert_with(|| toml::Table::new().into());
            put_at(inner.as_table_mut().unwrap(), rest, value);
        }
        None => {
            table.insert(key.to_owned(), value);
        }
    }
}

/// None where it would hang for ever.
#[expect(
    clippy::disallowed_methods,
    reason = "the last resort of a test is the machine's time"
)]
pub(crate) async fn within_patience<T>(future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(PATIENCE, future).await.ok()
}

/// Turns what would hang for ever into a failure that says what was waited for.
pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    within_patience(future)
        .await
        .unwrap_or_else(|| panic!("waited in vain for {what}"))
}
