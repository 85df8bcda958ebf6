//! What a user sets, and what of librdkafka's settings a user may not.

use std::collections::BTreeMap;
use std::fmt;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

/// The `[kafka]` table of the configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// `host:port`, comma-separated.
    pub bootstrap_servers: String,
    /// The consumer group that shares out the work.
    pub group_id: String,
    /// Where shops say that a buyer is done.
    pub completed_topic: String,
    /// Where outcomes are told.
    pub outcomes_topic: String,
    /// Where alerts are told.
    pub alerts_topic: String,
    /// Where events without a readable session id go.
    pub dead_letter_topic: String,
    /// Any of librdkafka's settings, by its name there. May hold secrets.
    pub properties: BTreeMap<String, String>,
}

impl Settings {
    /// The contract's defaults, at these brokers.
    pub fn new(bootstrap_servers: impl Into<String>) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.into(),
            group_id: "confirmd".to_owned(),
            completed_topic: "checkout.completed".to_owned(),
            outcomes_topic: "checkout.outcomes".to_owned(),
            alerts_topic: "checkout.alerts".to_owned(),
            dead_letter_topic: "checkout.completed.dlq".to_owned(),
            properties: BTreeMap::new(),
        }
    }

    /// The topics, the one that is read first.
    pub fn topics(&self) -> [&str; 4] {
        [
            &self.completed_topic,
            &self.outcomes_topic,
            &self.alerts_topic,
            &self.dead_letter_topic,
        ]
    }

    /// Every problem that can be found without a broker.
    pub fn problems(&self) -> Vec<NotUsable> {
        let refused = self
            .properties
            .iter()
            .filter_map(|(key, value)| refusal(key, value))
            .chain(self.topics_told_apart());
        let mut problems: Vec<NotUsable> = refused.collect();
        for (key, value) in &self.properties {
            let mut one = ClientConfig::new();
            one.set(key, value);
            // librdkafka's own words may quote the value, which may be a secret.
            if let Err(KafkaError::ClientConfig(..)) = one.create_native_config() {
                problems.push(NotUsable::new(
                    key,
                    "librdkafka knows no such setting, or not this value of it",
                ));
            }
        }
        problems
    }

    fn topics_told_apart(&self) -> Option<NotUsable> {
        let others = [&self.outcomes_topic, &self.alerts_topic, &self.dead_letter_topic];
        others.contains(&&self.completed_topic).then(|| NotUsable {
            key: "kafka.completed_topic".to_owned(),
            problem: "must not be a topic that confirmd writes to, or it would read itself".to_owned(),
        })
    }

    fn usable(&self) -> Result<(), NotUsable> {
        self.problems().into_iter().next().map_or(Ok(()), Err)
    }

    fn is(&self, key: &str, value: &str) -> bool {
        self.properties
            .get(key)
            .is_some_and(|set| set.eq_ignore_ascii_case(value))
    }

    /// Sets ours under theirs, where theirs are not refused.
    fn client(&self, ours: &[(&str, &str)]) -> Result<ClientConfig, NotUsable> {
        self.usable()?;
        let mut config = ClientConfig::new();
        config.set_log_level(RDKafkaLogLevel::Info);
        config.set("client.id", "confirmd");
        // The default of ten seconds would be ten more after the broker is back, with buyers waiting.
        config.set("reconnect.backoff.max.ms", "1000");
        for (key, value) in ours {
            config.set(*key, *value);
        }
        for (key, value) in &self.properties {
            config.set(key, value);
        }
        config.set("bootstrap.servers", &self.bootstrap_servers);
        Ok(config)
    }

    pub(crate) fn consumer(&self) -> Result<ClientConfig, NotUsable> {
        let mut ours = vec![
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "earliest"),
            // The default of a second makes intake eight times slower once the queue has been full.
            ("fetch.queue.backoff.ms", "5"),
            // A topic that is made anew, and partitions that are added, are read this soon, and not after five minutes.
            ("topic.metadata.refresh.interval.ms", "10000"),
            // What waits in librdkafka waits in our memory too.
            ("queued.min.messages", "10000"),
            ("queued.max.messages.kbytes", "16384"),
        ];
        // Under the new group protocol (KIP-848) the broker assigns, and refuses to be told how.
        if !self.is("group.protocol", "consumer") {
            ours.push(("partition.assignment.strategy", "cooperative-sticky"));
            // For so long, by default 45 seconds, the group waits for a member that was killed before it gives its
            // partitions to another, the same one started again included: new checkouts would not be read meanwhile.
            ours.push(("session.timeout.ms", "10000"));
        }
        let mut config = self.client(&ours)?;
        config.set("group.id", &self.group_id);
        Ok(config)
    }

    pub(crate) fn producer(&self) -> Result<ClientConfig, NotUsable> {
        let mut ours = vec![
            ("enable.idempotence", "true"),
            ("acks", "all"),
            // The default of 5 ms is more than the whole latency we allow ourselves.
            ("linger.ms", "0"),
            // Where the shop's producers put a key, so do we.
            ("partitioner", "murmur2_random"),
            // A dead letter is as large as the event was, and gets three headers more.
            ("message.max.bytes", "4000000"),
        ];
        let waits = ["message.timeout.ms", "delivery.timeout.ms"];
        if !waits.iter().any(|key| self.properties.contains_key(*key)) {
            // A broker that is away becomes an error, and the outbox's business, this soon.
            ours.push(("message.timeout.ms", "5000"));
        }
        self.client(&ours)
    }

    pub(crate) fn admin(&self) -> Result<ClientConfig, NotUsable> {
        self.client(&[])
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("group_id", &self.group_id)
            .field("topics", &self.topics())
            .field("properties", &self.properties.keys())
            .finish()
    }
}

/// A setting that cannot be used, and why. Never quotes a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: {problem}")]
pub struct NotUsable {
    /// Where it stands in the configuration.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
}

impl NotUsable {
    fn new(property: &str, problem: &str) -> Self {
        Self {
            key: format!("kafka.properties.\"{property}\""),
            problem: problem.to_owned(),
        }
    }

    pub(crate) fn client(error: &KafkaError) -> Self {
        Self {
            key: "kafka.properties".to_owned(),
            problem: match error {
                // Its words may quote a value, which may be a secret.
                KafkaError::ClientConfig(_, _, key, _) => format!("`{key}` is not usable"),
                other => format!("librdkafka cannot be started with these: {other}"),
            },
        }
    }
}

/// Settings that would break what confirmd promises, or that have a place of their own.
fn refusal(key: &str, value: &str) -> Option<NotUsable> {
    let value = value.trim().to_ascii_lowercase();
    let problem = match key {
        "enable.auto.commit" | "enable.auto.offset.store" if value != "false" => {
            "must be false: an offset is committed only after its event is on record"
        }
        "enable.idempotence" if value != "true" => {
            "must be true: without it a session's facts may overtake one another"
        }
        "acks" | "request.required.acks" if value != "all" && value != "-1" => {
            "must be all: what one broker alone has taken may be lost"
        }
        "auto.offset.reset" if !["earliest", "smallest", "beginning"].contains(&value.as_str()) => {
            "must be earliest: anything else would skip checkouts"
        }
        "delivery.report.only.error" if value != "false" => {
            "must be false: what is not acknowledged is told again"
        }
        "transactional.id" => "confirmd uses no transactions: its facts have deterministic ids instead",
        "bootstrap.servers" | "metadata.broker.list" => "use kafka.bootstrap_servers",
        "group.id" => "use kafka.group_id",
        _ => return None,
    };
    Some(NotUsable::new(key, problem))
}
