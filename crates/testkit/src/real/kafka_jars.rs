//! Apache Kafka's jars, fetched once with Maven and kept, and how Java runs them.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use super::folder::Folder;
use super::{cache_folder, program, text};

const KEPT_AS: &str = "kafka-4.3.0-with-tools";

/// A short life: quick to start matters.
const JVM: [&str; 5] = [
    "-XX:+UseSerialGC",
    "-Xmx512m",
    // No performance file in /tmp, which would stay there after a kill.
    "-XX:-UsePerfData",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
];

/// What a program is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compiled {
    /// Quickly: peak speed does not matter.
    Quickly,
    /// As in production: where it has run for a while, it is as fast as it gets.
    Well,
}

impl Compiled {
    fn argument(self) -> &'static str {
        match self {
            Self::Quickly => "-XX:TieredStopAtLevel=1",
            Self::Well => "-XX:TieredStopAtLevel=4",
        }
    }
}

/// The broker, its command-line tools (less those of Kafka Connect), and something that prints its log (in Kafka's own archive log4j does; this needs no configuration file).
const PROJECT: &str = r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>confirmd</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.3.0</version></dependency>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>4.3.0</version>
      <exclusions>
        <exclusion><groupId>org.apache.kafka</groupId><artifactId>connect-api</artifactId></exclusion>
        <exclusion><groupId>org.apache.kafka</groupId><artifactId>connect-json</artifactId></exclusion>
        <exclusion><groupId>org.apache.kafka</groupId><artifactId>connect-runtime</artifactId></exclusion>
      </exclusions>
    </dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"#;

/// Why there are no jars, in words for the person at the machine.
pub(super) struct NoJars(pub(super) String);

/// What it takes to run Kafka's programs.
#[derive(Clone)]
pub(super) struct Installation {
    pub(super) java: PathBuf,
    jars: PathBuf,
    /// The Java option that reads an archive of the classes as they are once loaded, or writes one.
    class_archive: String,
}

impl Installation {
    /// Downloads Kafka (45 MB) if it is not there. What is done once on a machine ends with one run of `first_run`, to be
    /// told from its end: it leaves an archive that halves the time of every start after it. Other test processes wait
    /// meanwhile.
    pub(super) fn find_or_make(java: PathBuf, first_run: impl FnOnce(Self)) -> Result<Self, NoJars> {
        let cache = cache_folder().map_err(|error| unwritable(&error))?;
        let jars = cache.join(KEPT_AS);
        let archive = cache.join(format!("{KEPT_AS}.jsa"));
        // Released when the file is closed, and so at the latest by our death.
        let lock = File::create(cache.join(format!("{KEPT_AS}.lock"))).map_err(|error| unwritable(&error))?;
        lock.lock().map_err(|error| unwritable(&error))?;
        // Both get their names when they are complete, so that being there is enough.
        if !jars.is_dir() {
            download(&cache, &jars)?;
        }
        let reading = format!("-XX:SharedArchiveFile={}", text(&archive));
        if !archive.is_file() {
            let partial = Folder::create(&cache, "kafka-archive").map_err(|error| unwritable(&error))?;
            let written = partial.path().join("classes.jsa");
            let class_archive = format!("-XX:ArchiveClassesAtExit={}", text(&written));
            first_run(Self {
                java: java.clone(),
                jars: jars.clone(),
                class_archive,
            });
            // A Java that wrote none starts without one, only slower.
            let _ = fs::rename(written, archive);
        }
        Ok(Self {
            java,
            jars,
            class_archive: reading,
        })
    }

    /// The arguments with which Java runs Kafka's program `class` in `folder`.
    pub(super) fn arguments(&self, folder: &Folder, compiled: Compiled, class: &str) -> Vec<String> {
        let mut arguments = JVM.map(str::to_owned).to_vec();
        arguments.push(compiled.argument().to_owned());
        arguments.push(self.class_archive.clone());
        // Native parts of the compression libraries are unpacked there, and stay after a kill.
        arguments.push(format!("-Djava.io.tmpdir={}", text(folder.path())));
        arguments.extend(["-cp".to_owned(), self.class_path(), class.to_owned()]);
        arguments
    }

    /// Every jar.
    pub(super) fn class_path(&self) -> String {
        format!("{}/*", text(&self.jars))
    }
}

fn unwritable(error: &io::Error) -> NoJars {
    NoJars(format!("make the cache folder of the tests writable ({error})"))
}

fn download(cache: &Path, jars: &Path) -> Result<(), NoJars> {
    let Some(maven) = program("mvn", &[]) else {
        return Err(NoJars(
            "install Maven (mvn on PATH), which fetches Kafka, or set KAFKA_BROKERS".to_owned(),
        ));
    };
    let partial = Folder::create(cache, "kafka-download").map_err(|error| unwritable(&error))?;
    let libraries = partial.path().join("libraries");
    let ran = run_maven(&maven, &partial, &libraries)
        .map_err(|error| NoJars(format!("let Maven run, which fetches Kafka ({error})")))?;
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stdout);
        let first = said.lines().find_map(|line| line.split_once("ERROR] "));
        let first = first.map_or("it does not say why", |(_, error)| error);
        return Err(NoJars(format!(
            "let Maven fetch Kafka, or set KAFKA_BROKERS ({first})"
        )));
    }
    fs::rename(&libraries, jars).map_err(|error| unwritable(&error))
}

fn run_maven(maven: &Path, partial: &Folder, libraries: &Path) -> io::Result<Output> {
    fs::write(partial.path().join("pom.xml"), PROJECT)?;
    // Strict checksums: what arrives damaged is not kept.
    partial
        .command(maven)?
        .args([
            "-q",
            "-B",
            "-C",
            "dependency:copy-dependencies",
            "-DincludeScope=runtime",
        ])
        .arg(format!("-DoutputDirectory={}", text(libraries)))
        .stderr(Stdio::null())
        .output()
}

/// The Java to run Kafka with.
pub(super) fn java() -> Option<PathBuf> {
    let home = env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/java"));
    home.filter(|java| java.is_file())
        .or_else(|| program("java", &[]))
}
