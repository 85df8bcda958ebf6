//! The configuration: a TOML file with the environment laid over it. Every problem is reported at once, each
//! with its key and where it came from.

mod duration;
mod problem;
mod reader;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use checkout::{AccountName, Backoff, Mode, Near, Policy};
use figment::Figment;
use figment::providers::{Env, Format, Toml};
use provider::{Environment, PrivateKey, PublicKeyId, Quotas, Region};
use reconciler::turns::WhenNotAll;
use secrecy::SecretString;

pub(crate) use duration::parse as parse_duration;
pub(crate) use problem::{Problem, Problems};
use reader::Reader;

/// Everything that confirmd is told from outside.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) shutdown_grace: Duration,
    pub(crate) kafka: Kafka,
    pub(crate) store_url: SecretString,
    pub(crate) accounts: BTreeMap<AccountName, Account>,
    pub(crate) deadline: Deadline,
    pub(crate) retry: Backoff,
    pub(crate) attempt_timeout: Duration,
    /// Whether buyers' details are asked for after the outcome.
    pub(crate) permission_details: bool,
    pub(crate) permission_details_for: Duration,
    pub(crate) personal_data_for: Duration,
    pub(crate) console: Console,
    pub(crate) telemetry: Telemetry,
    /// The files that it was read from.
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Clone)]
pub(crate) struct Kafka {
    pub(crate) bootstrap_servers: String,
    pub(crate) group_id: String,
    pub(crate) completed_topic: String,
    pub(crate) outcomes_topic: String,
    pub(crate) alerts_topic: String,
    pub(crate) dead_letter_topic: String,
    pub(crate) create_topics: bool,
    /// May hold passwords: never printed.
    pub(crate) properties: Properties,
}

/// Settings for librdkafka. They may hold passwords, so that only their names are ever printed.
#[derive(Clone, Default)]
pub(crate) struct Properties(pub(crate) BTreeMap<String, String>);

impl std::fmt::Debug for Properties {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Kafka {
    /// The same in the words of the crate that talks to it.
    pub(crate) fn settings(&self) -> kafka_topics::Settings {
        kafka_topics::Settings {
            bootstrap_servers: self.bootstrap_servers.clone(),
            group_id: self.group_id.clone(),
            completed_topic: self.completed_topic.clone(),
            outcomes_topic: self.outcomes_topic.clone(),
            alerts_topic: self.alerts_topic.clone(),
            dead_letter_topic: self.dead_letter_topic.clone(),
            properties: self.properties.0.clone(),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) region: Region,
    pub(crate) public_key_id: PublicKeyId,
    pub(crate) environment: Option<Environment>,
    pub(crate) private_key: PrivateKey,
    pub(crate) mode: Mode,
    pub(crate) endpoint: Option<String>,
    pub(crate) ca_pem: Option<Vec<u8>>,
    pub(crate) quotas: Quotas,
    pub(crate) shop_front_share: f64,
    pub(crate) fresh_share: f64,
}

#[derive(Debug, Clone)]
pub(crate) struct Deadline {
    pub(crate) near: Near,
    pub(crate) cancel_before: Duration,
    pub(crate) alert_before: Vec<Duration>,
    pub(crate) last_attempt_before: Duration,
    pub(crate) when_not_all: WhenNotAll,
}

#[derive(Debug, Clone)]
pub(crate) struct Console {
    pub(crate) listen: SocketAddr,
    pub(crate) access: console::Access,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone)]
pub(crate) struct Telemetry {
    pub(crate) log: String,
    pub(crate) format: LogFormat,
    /// Where traces are told.
    pub(crate) otlp_endpoint: Option<String>,
}

impl Config {
    /// Reads `file` and lays the environment over it. `file` may be missing only where it was not asked for.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, Problems> {
        let default = Path::new("confirmd.toml");
        let path = file.unwrap_or(default);
        if let Err(error) = readable(path)
            && (file.is_some() || error.kind() != ErrorKind::NotFound)
        {
            let text = format!("this file cannot be read: {error}");
            return Err(Problems::one(
                "--config",
                &absolute(path).display().to_string(),
                &text,
            ));
        }
        let env = Env::prefixed("CONFIRMD_")
            .filter(|key| !is_for_tests(key.as_str()))
            .split("__");
        Self::read(
            &Figment::from(Toml::file_exact(path)).merge(env),
            &path.display().to_string(),
        )
    }

    /// `file` is named where a problem does not say where it was found.
    pub(crate) fn read(figment: &Figment, file: &str) -> Result<Self, Problems> {
        let mut reader = Reader::new(figment, file)?;
        let read = Self::read_all(&mut reader);
        reader.refuse_unknown();
        let (problems, mut files) = reader.finish();
        files.push(PathBuf::from(file));
        match (read, problems.is_empty()) {
            (Some(config), true) => Ok(Self { files, ..config }),
            _ => Err(problems),
        }
    }

    fn read_all(r: &mut Reader<'_>) -> Option<Self> {
        let shutdown_grace = r.duration("shutdown_grace", Duration::from_secs(25));
        let kafka = read_kafka(r);
        let store_url = read_store(r);
        let accounts = read_accounts(r);
        let deadline = read_deadline(r);
        let retry = Backoff {
            first: r.duration("retry.first", Duration::from_secs(1)),
            max: r.duration("retry.max", Duration::from_secs(5 * 60)),
        };
        if retry.max < retry.first {
            r.problem("retry.max", "must not be less than retry.first");
        }
        let attempt_timeout = r.duration("retry.attempt_timeout", Duration::from_secs(30));
        let permission_details = r.bool("keep.permission_details", false);
        let permission_details_for =
            r.duration("keep.permission_details_for", Duration::from_secs(400 * 86_400));
        let personal_data_for = r.duration("keep.personal_data_for", Duration::from_secs(30 * 86_400));
        let console = read_console(r);
        let telemetry = read_telemetry(r);
        Some(Self {
            shutdown_grace,
            kafka,
            store_url: store_url?,
            accounts: accounts?,
            deadline,
            retry,
            attempt_timeout,
            permission_details,
            permission_details_for,
            personal_data_for,
            console: console?,
            telemetry,
            files: Vec::new(),
        })
    }

    /// The rules for one account, or for accounts that are not configured.
    pub(crate) fn policy(&self, mode: Mode) -> Policy {
        Policy {
            mode,
            near: self.deadline.near,
            cancel_before: self.deadline.cancel_before,
            alert_before: self.deadline.alert_before.clone(),
            last_attempt_before: self.deadline.last_attempt_before,
            retry: self.retry,
            attempt_timeout: self.attempt_timeout,
            personal_data_for: self.personal_data_for,
        }
    }

    /// The rules for every account.
    pub(crate) fn policies(&self) -> reconciler::Policies {
        reconciler::Policies {
            otherwise: self.policy(Mode::Confirm),
            of_account: self
                .accounts
                .iter()
                .map(|(name, account)| (name.clone(), self.policy(account.mode)))
                .collect(),
        }
    }
}

/// Whether there is a file that can be opened; if not, why.
fn readable(path: &Path) -> std::io::Result<()> {
    if std::fs::File::open(path)?.metadata()?.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    Ok(())
}

/// For people, who may be elsewhere than the program.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Variables that tests use to steer a program are no configuration.
fn is_for_tests(key: &str) -> bool {
    key.to_ascii_lowercase().starts_with("test_")
}

fn read_kafka(r: &mut Reader<'_>) -> Kafka {
    let properties = r.table("kafka.properties");
    let kafka = Kafka {
        bootstrap_servers: r.string("kafka.bootstrap_servers", "localhost:9092"),
        group_id: r.string("kafka.group_id", "confirmd"),
        completed_topic: r.string("kafka.completed_topic", "checkout.completed"),
        outcomes_topic: r.string("kafka.outcomes_topic", "checkout.outcomes"),
        alerts_topic: r.string("kafka.alerts_topic", "checkout.alerts"),
        dead_letter_topic: r.string("kafka.dead_letter_topic", "checkout.completed.dlq"),
        create_topics: r.bool("kafka.create_topics", false),
        properties: Properties(properties),
    };
    for problem in kafka.settings().problems() {
        r.problem(&problem.key, &problem.problem);
    }
    kafka
}

fn read_store(r: &mut Reader<'_>) -> Option<SecretString> {
    let url = r.optional_string("store.url");
    let file = r.optional_string("store.url_file");
    let (key, url) = match (url, file) {
        (Some(_), Some(_)) => {
            r.problem(
                "store.url_file",
                "give either store.url or store.url_file, not both",
            );
            return None;
        }
        (Some(url), None) => ("store.url", url),
        (None, Some(file)) => {
            let path = r.path("store.url_file", &file);
            (
                "store.url_file",
                r.read_file("store.url_file", &path)?.trim().to_owned(),
            )
        }
        (None, None) => {
            let text =
                "is required: postgres://user@host/database, or sqlite:///path/to/log.db for one worker";
            r.problem("store.url", text);
            return None;
        }
    };
    let known = ["postgres://", "postgresql://", "sqlite:"];
    if !known.iter().any(|scheme| url.starts_with(scheme)) {
        r.problem(key, "must begin with postgres:// or sqlite://");
        return None;
    }
    Some(SecretString::from(with_whole_path(url, |file| r.path(key, file))))
}

/// The URL of a SQLite file whose path is relative, with the whole path; any other URL as it is.
fn with_whole_path(url: String, whole: impl Fn(&str) -> PathBuf) -> String {
    let Some(rest) = url.strip_prefix("sqlite:") else {
        return url;
    };
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (file, options) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
    // The names of databases in memory are refused by the log itself.
    if file.is_empty() || file.starts_with([':', '/']) {
        return url;
    }
    // In a URL the name stands with these escaped; what was written in the configuration is so already.
    let folder = whole("").display().to_string();
    let folder = folder.replace('%', "%25").replace('?', "%3F");
    format!("sqlite://{}/{file}{options}", folder.trim_end_matches('/'))
}

fn read_accounts(r: &mut Reader<'_>) -> Option<BTreeMap<AccountName, Account>> {
    let mut accounts = BTreeMap::new();
    let mut complete = true;
    let names = r.keys("accounts");
    if names.is_empty() {
        r.problem(
            "accounts",
            "at least one merchant account is required: [accounts.NAME]",
        );
        return None;
    }
    for name in names {
        let key = format!("accounts.{name}");
        let parsed = match AccountName::parse(&name) {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                r.problem(&key, &error.to_string());
                None
            }
        };
        match (parsed, read_account(r, &key)) {
            (Some(name), Some(account)) => {
                accounts.insert(name, account);
            }
            _ => complete = false,
        }
    }
    complete.then_some(accounts)
}

fn read_account(r: &mut Reader<'_>, at: &str) -> Option<Account> {
    let key = |name: &str| format!("{at}.{name}");
    let region = r.choice(
        &key("region"),
        None,
        &[("na", Region::Na), ("eu", Region::Eu), ("jp", Region::Jp)],
    );
    let public_key_id = r.required_string(&key("public_key_id")).and_then(|text| {
        let parsed = PublicKeyId::parse(&text);
        parsed
            .map_err(|error| r.problem(&key("public_key_id"), &error.to_string()))
            .ok()
    });
    let environment = r.optional_choice(
        &key("environment"),
        &[("live", Environment::Live), ("sandbox", Environment::Sandbox)],
    );
    let told_by_key = public_key_id.as_ref().and_then(PublicKeyId::environment);
    if public_key_id.is_some() && told_by_key.is_none() && environment.is_none() {
        let text =
            "is required (\"live\" or \"sandbox\"): this public_key_id does not begin with LIVE or SANDBOX";
        r.problem(&key("environment"), text);
    }
    let private_key = r.required_string(&key("private_key_file")).and_then(|file| {
        let path = r.path(&key("private_key_file"), &file);
        let pem = r.read_file(&key("private_key_file"), &path)?;
        let parsed = PrivateKey::from_pem(&pem);
        parsed
            .map_err(|error| {
                r.problem(
                    &key("private_key_file"),
                    &format!("`{}`: {error}", path.display()),
                );
            })
            .ok()
    });
    let mode = r.choice(
        &key("mode"),
        Some(Mode::Confirm),
        &[("confirm", Mode::Confirm), ("watch", Mode::Watch)],
    );
    r.optional_choice(&key("algorithm"), &[("AMZN-PAY-RSASSA-PSS-V2", ())]);
    let endpoint = r.optional_string(&key("endpoint"));
    let ca_file = r.optional_string(&key("ca_file"));
    let ca_pem = ca_file.and_then(|file| {
        let path = r.path(&key("ca_file"), &file);
        r.read_file(&key("ca_file"), &path)
    });
    let published = Quotas::published(told_by_key.or(environment).unwrap_or(Environment::Live));
    let quotas = Quotas {
        confirm: r.bucket(&key("quota.confirm"), published.confirm),
        look_up: r.bucket(&key("quota.look_up"), published.look_up),
        charge: r.bucket(&key("quota.charge"), published.charge),
        permission: r.bucket(&key("quota.permission"), published.permission),
    };
    let shop_front_share = r.share(&key("quota.shop_front_share"), 0.25);
    let fresh_share = r.share(&key("quota.fresh_share"), 0.25);
    Some(Account {
        region: region?,
        public_key_id: public_key_id?,
        environment,
        private_key: private_key?,
        mode: mode?,
        endpoint,
        ca_pem: ca_pem.map(String::into_bytes),
        quotas,
        shop_front_share,
        fresh_share,
    })
}

fn read_deadline(r: &mut Reader<'_>) -> Deadline {
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    let deadline = Deadline {
        near: r
            .choice(
                "deadline.near",
                Some(Near::Cancel),
                &[("cancel", Near::Cancel), ("alert", Near::Alert)],
            )
            .unwrap_or(Near::Cancel),
        cancel_before: r.duration("deadline.cancel_before", minutes(30)),
        alert_before: r.durations(
            "deadline.alert_before",
            &[minutes(360), minutes(120), minutes(45)],
        ),
        last_attempt_before: r.duration("deadline.last_attempt_before", Duration::from_secs(60)),
        when_not_all: r
            .choice(
                "deadline.when_not_all",
                Some(WhenNotAll::MostSessions),
                &[
                    ("most-sessions", WhenNotAll::MostSessions),
                    ("most-value", WhenNotAll::MostValue),
                ],
            )
            .unwrap_or(WhenNotAll::MostSessions),
    };
    for (key, value) in [
        ("deadline.cancel_before", deadline.cancel_before),
        ("deadline.last_attempt_before", deadline.last_attempt_before),
    ] {
        if value >= Policy::LIFETIME {
            r.problem(key, "must be less than 24h, a session's whole life");
        }
    }
    for before in &deadline.alert_before {
        if before.is_zero() || *before >= Policy::LIFETIME {
            r.problem(
                "deadline.alert_before",
                "each of these must be more than 0s and less than 24h, a session's whole life",
            );
            break;
        }
    }
    if deadline.cancel_before < deadline.last_attempt_before {
        r.problem(
            "deadline.cancel_before",
            "must not be less than deadline.last_attempt_before",
        );
    }
    deadline
}

fn read_console(r: &mut Reader<'_>) -> Option<Console> {
    let listen = r.string("console.listen", "127.0.0.1:9464");
    let token = |r: &mut Reader<'_>, key: &str| {
        let file = r.optional_string(key)?;
        let path = r.path(key, &file);
        let token = r.read_file(key, &path)?;
        let token = token.trim();
        if token.len() < 16 {
            r.problem(key, "the token in this file must have at least 16 characters");
            return None;
        }
        Some(SecretString::from(token.to_owned()))
    };
    let read_token = token(r, "console.read_token_file");
    let operator_token = token(r, "console.operator_token_file");
    let Ok(listen) = listen.parse::<SocketAddr>() else {
        r.problem(
            "console.listen",
            "must be an address and a port, such as 127.0.0.1:9464",
        );
        return None;
    };
    if !listen.ip().is_loopback() {
        for (key, token) in [
            ("console.read_token_file", &read_token),
            ("console.operator_token_file", &operator_token),
        ] {
            if token.is_none() && r.optional_string(key).is_none() {
                r.problem(key, "is required where console.listen is not a loopback address");
            }
        }
    }
    Some(Console {
        listen,
        access: console::Access {
            read_token,
            operator_token,
        },
    })
}

fn read_telemetry(r: &mut Reader<'_>) -> Telemetry {
    let log = r.string("telemetry.log", "info");
    if let Err(error) = log.parse::<tracing_subscriber::filter::EnvFilter>() {
        r.problem("telemetry.log", &format!("is no tracing filter: {error}"));
    }
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    Telemetry {
        log,
        format: r
            .choice("telemetry.log_format", Some(LogFormat::Text), &formats)
            .unwrap_or(LogFormat::Text),
        otlp_endpoint: read_collector(r),
    }
}

fn read_collector(r: &mut Reader<'_>) -> Option<String> {
    const KEY: &str = "telemetry.otlp_endpoint";
    let text = r.optional_string(KEY)?;
    let problem = match url::Url::parse(&text) {
        Err(error) => format!("is no URL: {error}"),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            "must begin with http:// or https://".to_owned()
        }
        // What is secret goes into a header, which no error quotes.
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            "must hold neither user nor password: headers are set by OTEL_EXPORTER_OTLP_HEADERS".to_owned()
        }
        Ok(_) => return Some(text),
    };
    r.problem(KEY, &problem);
    None
}

#[cfg(test)]
mod example;
#[cfg(test)]
mod tests;
