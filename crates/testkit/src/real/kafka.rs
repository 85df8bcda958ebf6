//! Apache Kafka itself: one broker that is its own controller (KRaft, combined roles), in a Java process of its own.

use std::env;
use std::fs::{self, Permissions};
use std::io;
use std::mem;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;

use super::folder::Folder;
use super::kafka_jars::{Compiled, Installation, NoJars, java};
use super::missing;
use super::port::Port;
use super::server::Running;
use super::text;
use super::tls::ServerIdentity;

const INSTALL_JAVA: &str = "install Java 17 or newer (java on PATH), which runs Kafka, or set KAFKA_BROKERS";

/// One broker is all there is: nothing can be replicated, and the first group need not wait for others to join. Clients
/// and dead brokers may be noticed sooner than Kafka allows by default: what waits for it is a test. The message limit
/// is Kafka's own default, written down because events come close to it.
const SETTINGS: &str = "
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
auto.create.topics.enable=false
message.max.bytes=1048588
default.replication.factor=1
min.insync.replicas=1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
group.consumer.min.session.timeout.ms=500
group.consumer.min.heartbeat.interval.ms=100
group.consumer.session.timeout.ms=6000
group.consumer.heartbeat.interval.ms=1000
";

/// The controller takes no broker for new while it may think the killed one alive: for nine seconds by default. Not for
/// every run, because it also means that a broker which stalls for so long is taken for dead.
const AFTER_A_KILL: [&str; 4] = [
    "--override",
    "broker.session.timeout.ms=2000",
    "--override",
    "broker.heartbeat.interval.ms=200",
];

/// Twenty-two characters of base64, which is what Kafka takes for an id.
const CLUSTER: &str = "confirmd-tests-cluster";

/// The broker that the tests of this process share: started with the first call, or those that `KAFKA_BROKERS` names.
/// `None` where something is missing that it takes: Java 17, and for the first time on a machine Maven and a network.
///
/// # Panics
/// If it does not start, or if something is missing and `CI=true`.
pub fn kafka() -> Option<&'static Kafka> {
    static SHARED: OnceLock<Option<Kafka>> = OnceLock::new();
    SHARED.get_or_init(Kafka::find_or_start).as_ref()
}

/// What it takes to run a Java program that uses Kafka's own client.
pub struct JavaWithKafka {
    /// The program `java`.
    pub java: PathBuf,
    /// What `-cp` takes: Kafka and everything that it needs, Jackson and a logger among it.
    pub class_path: String,
}

/// Kafka's own command-line tools, by the names that they have in its archive.
const TOOLS: [(&str, &str); 4] = [
    ("kafka-console-consumer.sh", "consumer.ConsoleConsumer"),
    ("kafka-console-producer.sh", "ConsoleProducer"),
    ("kafka-consumer-groups.sh", "consumer.group.ConsumerGroupCommand"),
    ("kafka-topics.sh", "TopicCommand"),
];

impl JavaWithKafka {
    /// Writes Kafka's command-line tools into `folder`, to be found on `PATH` there.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write_tools(&self, folder: &Path) -> io::Result<()> {
        for (name, class) in TOOLS {
            let file = folder.join(name);
            let [java, class_path] = [text(&self.java), &self.class_path];
            let script = format!(
                "#!/bin/sh\nexec '{java}' -XX:+UseSerialGC -XX:-UsePerfData -XX:TieredStopAtLevel=1 \
                 -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp '{class_path}' org.apache.kafka.tools.{class} \"$@\"\n"
            );
            fs::write(&file, script)?;
            fs::set_permissions(&file, Permissions::from_mode(0o755))?;
        }
        Ok(())
    }
}

/// The Java and the jars that [`KafkaServer`] runs with. `None` where something is missing.
///
/// # Panics
/// If something is missing and `CI=true`.
pub fn java_with_kafka() -> Option<JavaWithKafka> {
    KafkaServer::installation().map(|installation| JavaWithKafka {
        class_path: installation.class_path(),
        java: installation.java,
    })
}

/// A running Kafka that other tests use too: topics and groups take [`unique`](super::unique) names. No topic exists
/// unless a test, or the program under test, creates it.
pub struct Kafka(Whose);

enum Whose {
    Ours(Box<KafkaServer>),
    Theirs { bootstrap: String },
}

impl Kafka {
    fn find_or_start() -> Option<Self> {
        match env::var("KAFKA_BROKERS") {
            Ok(bootstrap) => Some(Self(Whose::Theirs { bootstrap })),
            Err(_) => KafkaServer::start_new().map(|server| Self(Whose::Ours(Box::new(server)))),
        }
    }

    /// What `bootstrap.servers` takes.
    pub fn bootstrap(&self) -> &str {
        match &self.0 {
            Whose::Ours(server) => server.bootstrap(),
            Whose::Theirs { bootstrap } => bootstrap,
        }
    }
}

/// A Kafka of one test's own, which the test may stop, kill and start again. Dropping it ends it.
pub struct KafkaServer {
    running: Option<Running>,
    /// The last run ended without a farewell.
    killed: bool,
    installation: Installation,
    compiled: Compiled,
    bootstrap: String,
    // The folder goes last: it waits for all who work in it.
    ports: [Port; 2],
    guard: Option<Guard>,
    folder: Folder,
}

/// The ways in for those who have to say who they are.
struct Guard {
    password_port: Port,
    certificate_port: Port,
    /// What the broker is told of it.
    settings: String,
    /// Who has a password.
    user: String,
}

impl KafkaServer {
    /// Starts a new, empty broker, whatever `KAFKA_BROKERS` says. Takes about three seconds. `None` where something is
    /// missing that it takes.
    ///
    /// # Panics
    /// If it does not start, or if something is missing and `CI=true`.
    pub fn start_new() -> Option<Self> {
        Self::started(Compiled::Quickly)
    }

    /// The same, with two more ways in over TLS: one for whoever knows this user's password (`SASL_SSL` with SCRAM-SHA-512), one
    /// for whoever has a certificate of the identity's authority (`SSL`).
    ///
    /// # Panics
    /// As [`start_new`](Self::start_new) does.
    pub fn start_new_guarded(identity: &ServerIdentity, user: &str, password: &str) -> Option<Self> {
        let guard = |folder: &Folder| Guard::new(folder, identity, user, password);
        Self::started_with(Compiled::Quickly, Some(&guard))
    }

    /// The same, compiled as in production: for benchmarks.
    ///
    /// # Panics
    /// As [`start_new`](Self::start_new) does.
    pub fn start_new_at_full_speed() -> Option<Self> {
        Self::started(Compiled::Well)
    }

    fn started(compiled: Compiled) -> Option<Self> {
        Self::started_with(compiled, None)
    }

    fn started_with(compiled: Compiled, guard: Option<&dyn Fn(&Folder) -> Guard>) -> Option<Self> {
        let Some(mut server) = Self::formatted(Self::installation()?, guard) else {
            return missing(INSTALL_JAVA);
        };
        server.compiled = compiled;
        server.start();
        Some(server)
    }

    fn installation() -> Option<Installation> {
        let Some(java) = java() else {
            return missing(INSTALL_JAVA);
        };
        let installation = Installation::find_or_make(java, |installation| {
            if let Some(mut server) = Self::formatted(installation, None) {
                server.start();
                server.stop();
            }
        });
        match installation {
            Ok(installation) => Some(installation),
            Err(NoJars(why)) => missing(why),
        }
    }

    /// A broker that has not run yet, with its settings and an empty log. `None` if this Java cannot run Kafka.
    fn formatted(installation: Installation, guard: Option<&dyn Fn(&Folder) -> Guard>) -> Option<Self> {
        let folder = Folder::create(&env::temp_dir(), "confirmd-kafka")
            .unwrap_or_else(|error| panic!("no folder for Kafka: {error}"));
        let ports = [Port::reserve(), Port::reserve()];
        let bootstrap = format!("127.0.0.1:{}", ports[0].number());
        let server = Self {
            running: None,
            killed: false,
            installation,
            compiled: Compiled::Quickly,
            bootstrap,
            ports,
            guard: guard.map(|guard| guard(&folder)),
            folder,
        };
        let formatted = server
            .format()
            .unwrap_or_else(|error| panic!("Kafka's folder was not written: {error}"));
        let errors = String::from_utf8_lossy(&formatted.stderr);
        // Too old, or only the place-holder that macOS has for Java.
        if errors.contains("UnsupportedClassVersionError")
            || errors.contains("Unable to locate a Java Runtime")
        {
            return None;
        }
        assert!(formatted.status.success(), "Kafka's StorageTool: {errors}");
        Some(server)
    }

    /// What `bootstrap.servers` takes.
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// What `bootstrap.servers` takes of whoever has a password.
    ///
    /// # Panics
    /// If it was not started guarded.
    pub fn bootstrap_by_password(&self) -> String {
        format!("127.0.0.1:{}", self.guard().password_port.number())
    }

    /// What `bootstrap.servers` takes of whoever has a certificate.
    ///
    /// # Panics
    /// If it was not started guarded.
    pub fn bootstrap_by_certificate(&self) -> String {
        format!("127.0.0.1:{}", self.guard().certificate_port.number())
    }

    fn guard(&self) -> &Guard {
        self.guard.as_ref().expect("it was started guarded")
    }

    /// Shuts down in an orderly way, and blocks until it is done.
    pub fn stop(&mut self) {
        self.end("TERM");
    }

    /// Kills it, as a crash would. Topics, records and committed offsets are there after the next start.
    pub fn kill(&mut self) {
        self.end("KILL");
        self.killed = true;
    }

    fn end(&mut self, signal: &str) {
        if let Some(running) = self.running.take() {
            running.end(signal);
        }
    }

    /// Starts it again, on the same port and with the same data. Does nothing while it runs.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(&mut self) {
        let mut command = vec![text(&self.installation.java).to_owned()];
        command.extend(
            self.installation
                .arguments(&self.folder, self.compiled, "kafka.Kafka"),
        );
        command.push(text(&properties(&self.folder)).to_owned());
        if mem::take(&mut self.killed) {
            command.extend(AFTER_A_KILL.map(str::to_owned));
        }
        self.running
            .get_or_insert_with(|| Running::start("Kafka", &self.folder, command, "Kafka Server started"));
    }

    fn format(&self) -> io::Result<Output> {
        let [broker, controller] = self.ports.each_ref().map(Port::number);
        let properties = properties(&self.folder);
        let guarded = self.guard.as_ref().map(Guard::listeners).unwrap_or_default();
        let places = format!(
            "listeners=PLAINTEXT://127.0.0.1:{broker}{guarded},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=PLAINTEXT://127.0.0.1:{broker}{guarded}\n\
             controller.quorum.voters=1@127.0.0.1:{controller}\n\
             log.dirs={}\n",
            text(&self.folder.path().join("log"))
        );
        let guard = self.guard.as_ref().map(|guard| guard.settings.as_str());
        fs::write(
            &properties,
            format!("{SETTINGS}{places}{}", guard.unwrap_or_default()),
        )?;
        let mut command = self.folder.command(&self.installation.java)?;
        command
            .args(
                self.installation
                    .arguments(&self.folder, Compiled::Quickly, "kafka.tools.StorageTool"),
            )
            .args(["format", "--cluster-id", CLUSTER, "--config", text(&properties)]);
        if let Some(guard) = &self.guard {
            command.args(["--add-scram", &guard.user]);
        }
        command.output()
    }
}

impl Guard {
    fn new(folder: &Folder, identity: &ServerIdentity, user: &str, password: &str) -> Self {
        let [_, _, both, authority] = identity.write(folder);
        let settings = format!(
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL\n\
             sasl.enabled.mechanisms=SCRAM-SHA-512\n\
             listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\
             org.apache.kafka.common.security.scram.ScramLoginModule required;\n\
             ssl.keystore.type=PEM\nssl.keystore.location={}\n\
             ssl.truststore.type=PEM\nssl.truststore.location={}\n\
             listener.name.ssl.ssl.client.auth=required\n",
            text(&both),
            text(&authority)
        );
        Self {
            password_port: Port::reserve(),
            certificate_port: Port::reserve(),
            settings,
            user: format!("SCRAM-SHA-512=[name={user},password={password}]"),
        }
    }

    fn listeners(&self) -> String {
        let [password, certificate] = [&self.password_port, &self.certificate_port].map(Port::number);
        format!(",SASL_SSL://127.0.0.1:{password},SSL://127.0.0.1:{certificate}")
    }
}

fn properties(folder: &Folder) -> PathBuf {
    folder.path().join("server.properties")
}
