mod arbitrary;
mod drive;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use checkout::{AccountName, Mode, Near};
use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use reconciler::turns::WhenNotAll;
use secrecy::ExposeSecret;

use super::{Config, Problems};

static KEY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let key = openssl::rsa::Rsa::generate(2048).unwrap();
    openssl::pkey::PKey::from_rsa(key)
        .unwrap()
        .private_key_to_pem_pkcs8()
        .unwrap()
});

/// A folder with a key file in it.
pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("key.pem", &KEY);
        folder
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn account(&self, more: &str) -> String {
        account(&self.path("key.pem"), more)
    }
}

fn account(key: &Path, more: &str) -> String {
    format!(
        "[accounts.eu_shop]\nregion = \"eu\"\npublic_key_id = \"SANDBOX-ABC\"\nprivate_key_file = {key:?}\n{more}\n"
    )
}

const STORE: &str = "[store]\nurl = \"postgres://confirmd:hunter22@localhost/confirmd\"\n";

fn read(toml: &str) -> Result<Config, Problems> {
    Config::read(&Figment::from(Toml::string(toml)), "confirmd.toml")
}

/// Every problem as `key: text`.
fn problems(toml: &str) -> Vec<String> {
    match read(toml) {
        Ok(_) => Vec::new(),
        Err(problems) => problems
            .0
            .into_iter()
            .map(|problem| format!("{}: {}", problem.key, problem.text))
            .collect(),
    }
}

#[test]
fn the_smallest_configuration_has_the_defaults_of_the_contract() {
    let folder = Folder::new();
    let config = read(&format!("{STORE}{}", folder.account(""))).unwrap();
    assert_eq!(config.shutdown_grace, Duration::from_secs(25));
    assert_eq!(config.kafka.bootstrap_servers, "localhost:9092");
    assert_eq!(config.kafka.dead_letter_topic, "checkout.completed.dlq");
    assert!(!config.kafka.create_topics);
    assert_eq!(config.deadline.near, Near::Cancel);
    assert_eq!(config.deadline.cancel_before, Duration::from_secs(30 * 60));
    assert_eq!(
        config.deadline.alert_before,
        [6 * 3600, 2 * 3600, 45 * 60].map(Duration::from_secs)
    );
    assert_eq!(config.deadline.last_attempt_before, Duration::from_secs(60));
    assert_eq!(config.retry.first, Duration::from_secs(1));
    assert_eq!(config.attempt_timeout, Duration::from_secs(30));
    assert_eq!(config.console.listen.to_string(), "127.0.0.1:9464");
    let shop = &config.accounts[&AccountName::parse("eu_shop").unwrap()];
    assert_eq!(shop.mode, Mode::Confirm);
    assert!((shop.shop_front_share - 0.25).abs() < f64::EPSILON);
    assert!(config.store_url.expose_secret().starts_with("postgres://"));
}

#[test]
fn every_problem_is_told_at_once_with_its_key() {
    let folder = Folder::new();
    let broken = folder.write("broken.pem", b"not a key");
    let told = problems(&format!(
        "shutdown_grace = \"soon\"\ntypo = 1\n[kafka]\nboostrap_servers = \"x\"\n[deadline]\nnear = \"maybe\"\nalert_before = \"6h\"\n\
         [retry]\nfirst = \"10s\"\nmax = \"1s\"\n[console]\nlisten = \"somewhere\"\n[telemetry]\nlog_format = \"xml\"\n\
         [accounts.Wrong-Name]\nregion = \"eu\"\npublic_key_id = \"OLD-KEY\"\nprivate_key_file = {broken:?}\n\
         [accounts.gone]\nregion = \"mars\"\npublic_key_id = \"LIVE-X\"\nprivate_key_file = \"/nowhere/key.pem\"\n"
    ));
    let expected = [
        "shutdown_grace: must be a duration",
        "store.url: is required",
        "accounts.Wrong-Name: an account name must be",
        "accounts.Wrong-Name.environment: is required",
        "accounts.Wrong-Name.private_key_file: ",
        "accounts.gone.region: must be",
        "accounts.gone.private_key_file: the file `/nowhere/key.pem` cannot be read",
        "deadline.near: must be \"cancel\" or \"alert\"",
        "deadline.alert_before: must be a list of durations",
        "retry.max: must not be less than retry.first",
        "console.listen: must be an address and a port",
        "telemetry.log_format: must be \"text\" or \"json\"",
        "typo: is not a key of confirmd",
        "kafka.boostrap_servers: is not a key of confirmd",
    ];
    for wanted in expected {
        assert!(
            told.iter().any(|problem| problem.starts_with(wanted)),
            "{wanted:?} is not among {told:#?}"
        );
    }
    assert_eq!(told.len(), expected.len(), "{told:#?}");
}

#[test]
fn a_problem_names_where_its_value_came_from() {
    let folder = Folder::new();
    let file = folder.write(
        "confirmd.toml",
        format!("{STORE}{}", folder.account("mode = \"sleep\"")).as_bytes(),
    );
    let environment = Serialized::default("console.listen", "nowhere");
    let figment = Figment::from(Toml::file(&file)).merge(environment);
    let Err(problems) = Config::read(&figment, "confirmd.toml") else {
        panic!("it has two problems")
    };
    let source_of = |key: &str| {
        problems
            .0
            .iter()
            .find(|problem| problem.key == key)
            .unwrap()
            .source
            .clone()
    };
    assert!(
        source_of("accounts.eu_shop.mode").ends_with("confirmd.toml"),
        "{problems}"
    );
    assert!(
        !source_of("console.listen").ends_with("confirmd.toml"),
        "{problems}"
    );
}

#[test]
fn what_is_no_toml_is_one_problem_with_its_file() {
    let folder = Folder::new();
    let file = folder.write("confirmd.toml", b"[kafka\n");
    let Err(problems) = Config::load(Some(&file)) else {
        panic!("it is no TOML")
    };
    assert_eq!(problems.0.len(), 1);
    assert!(problems.0[0].source.ends_with("confirmd.toml"), "{problems}");
}

#[test]
fn a_file_that_was_asked_for_must_be_there() {
    let Err(problems) = Config::load(Some(Path::new("/nowhere/confirmd.toml"))) else {
        panic!("it is not there")
    };
    assert_eq!(problems.0[0].key, "--config");
    assert_eq!(problems.0[0].source, "/nowhere/confirmd.toml");
    assert!(problems.0[0].text.contains("No such file"), "{problems}");
    let folder = Folder::new();
    let Err(problems) = Config::load(Some(folder.0.path())) else {
        panic!("it is a folder")
    };
    assert!(problems.0[0].text.contains("is a directory"), "{problems}");
}

#[test]
fn a_relative_path_of_the_file_is_taken_from_the_files_folder() {
    let folder = Folder::new();
    folder.write("url", b"postgres://confirmd@localhost/confirmd\n");
    folder.write("token", b"0123456789abcdef\n");
    std::fs::create_dir(folder.path("keys")).unwrap();
    folder.write("keys/other.pem", &KEY);
    let toml = "[store]\nurl_file = \"url\"\n[console]\nread_token_file = \"./token\"\n\
                [accounts.eu_shop]\nregion = \"eu\"\npublic_key_id = \"SANDBOX-ABC\"\n\
                private_key_file = \"keys/other.pem\"\nca_file = \"key.pem\"\n";
    let file = folder.write("confirmd.toml", toml.as_bytes());
    let config = Config::load(Some(&file)).unwrap();
    assert!(config.store_url.expose_secret().starts_with("postgres://"));
    assert!(config.console.access.read_token.is_some());

    // What cannot be read is told with its whole path.
    let file = folder.write("confirmd.toml", toml.replace("other.pem", "none.pem").as_bytes());
    let Err(problems) = Config::load(Some(&file)) else {
        panic!("there is no such key")
    };
    let whole = folder.path("keys/none.pem").display().to_string();
    assert!(problems.0[0].text.contains(&whole), "{problems}");
}

#[test]
fn a_relative_path_of_the_environment_is_taken_from_the_working_directory() {
    let folder = Folder::new();
    let file = folder.write(
        "confirmd.toml",
        format!("{STORE}{}", folder.account("")).as_bytes(),
    );
    let environment = Serialized::default("accounts.eu_shop.private_key_file", "key.pem");
    let figment = Figment::from(Toml::file(&file)).merge(environment);
    let Err(problems) = Config::read(&figment, "confirmd.toml") else {
        panic!("there is no such file where the tests run")
    };
    let here = std::env::current_dir().unwrap().join("key.pem");
    assert!(
        problems.0[0].text.contains(&here.display().to_string()),
        "{problems}"
    );
}

#[test]
fn a_relative_sqlite_file_lies_beside_the_configuration_too() {
    let folder = Folder::new();
    let url_of = |url: &str| {
        let toml = format!("[store]\nurl = {url:?}\n{}", folder.account(""));
        let file = folder.write("confirmd.toml", toml.as_bytes());
        let config = Config::load(Some(&file)).unwrap();
        config.store_url.expose_secret().to_owned()
    };
    let whole = format!("sqlite://{}", folder.path("log.db").display());
    assert_eq!(url_of("sqlite://log.db"), whole);
    assert_eq!(url_of("sqlite:log.db?mode=rw"), format!("{whole}?mode=rw"));
    assert_eq!(url_of(&whole), whole);
    assert_eq!(url_of("sqlite::memory:"), "sqlite::memory:");
}

#[test]
fn what_is_no_duration_is_quoted() {
    let folder = Folder::new();
    let told = problems(&format!(
        "shutdown_grace = \"soon\"\n{STORE}[deadline]\nalert_before = [\"6h\", \"early\"]\n{}",
        folder.account("")
    ));
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(
        told[0].contains("`soon`") && told[1].contains("`early`"),
        "{told:#?}"
    );
}

#[test]
fn an_alert_comes_within_a_sessions_life() {
    let folder = Folder::new();
    for wrong in ["0s", "24h"] {
        let told = problems(&format!(
            "{STORE}[deadline]\nalert_before = [\"6h\", \"{wrong}\"]\n{}",
            folder.account("")
        ));
        assert_eq!(told.len(), 1, "{told:#?}");
        assert!(
            told[0].starts_with("deadline.alert_before: each of these"),
            "{told:#?}"
        );
    }
}

#[test]
fn nothing_that_prints_a_configuration_prints_a_secret() {
    let folder = Folder::new();
    let config = read(&format!(
        "{STORE}[kafka.properties]\n\"sasl.password\" = \"hunter22\"\nsasl.username = \"me\"\n{}",
        folder.account("")
    ))
    .unwrap();
    assert_eq!(config.kafka.properties.0["sasl.password"], "hunter22");
    assert_eq!(config.kafka.properties.0["sasl.username"], "me");
    let printed = format!("{config:?}");
    assert!(
        !printed.contains("hunter22") && !printed.contains("PRIVATE"),
        "{printed}"
    );
    let url = "[store]\nurl = \"mysql://me:hunter22@host/db\"\n";
    assert!(!problems(url).join("\n").contains("hunter22"));
}

#[test]
fn a_console_on_the_network_needs_both_tokens() {
    let folder = Folder::new();
    let told = problems(&format!(
        "{STORE}[console]\nlisten = \"0.0.0.0:9464\"\n{}",
        folder.account("")
    ));
    assert_eq!(told.len(), 2, "{told:#?}");
    let token = folder.write("token", b"0123456789abcdef\n");
    let with = format!(
        "{STORE}[console]\nlisten = \"0.0.0.0:9464\"\nread_token_file = {token:?}\noperator_token_file = {token:?}\n{}",
        folder.account("")
    );
    assert_eq!(
        read(&with)
            .unwrap()
            .console
            .access
            .read_token
            .unwrap()
            .expose_secret(),
        "0123456789abcdef"
    );
}

#[test]
fn a_store_is_named_once_by_url_or_by_file() {
    let folder = Folder::new();
    let url = folder.write("url", b"sqlite:///var/lib/confirmd/log.db\n");
    let from_file = read(&format!("[store]\nurl_file = {url:?}\n{}", folder.account(""))).unwrap();
    assert_eq!(
        from_file.store_url.expose_secret(),
        "sqlite:///var/lib/confirmd/log.db"
    );
    let both = problems(&format!(
        "[store]\nurl = \"sqlite:///a\"\nurl_file = {url:?}\n{}",
        folder.account("")
    ));
    assert_eq!(
        both,
        ["store.url_file: give either store.url or store.url_file, not both"]
    );
}

#[test]
fn quotas_are_the_published_ones_unless_they_are_set() {
    let folder = Folder::new();
    let of = |more: &str| {
        let config = read(&format!("{STORE}{}", folder.account(more))).unwrap();
        config.accounts[&AccountName::parse("eu_shop").unwrap()].quotas
    };
    assert_eq!(
        of(""),
        provider::Quotas::published(provider::Environment::Sandbox)
    );
    let set = of("quota.confirm = { burst = 7, per_second = 2.5 }");
    assert!(
        (set.confirm.burst - 7.0).abs() < f64::EPSILON && (set.confirm.per_second - 2.5).abs() < f64::EPSILON
    );
    let told = problems(&format!(
        "{STORE}{}",
        folder.account("quota.look_up = { burst = 0, per_second = 1 }")
    ));
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn buyers_details_are_kept_only_where_that_is_asked_for() {
    let folder = Folder::new();
    let of = |keep: &str| {
        let config = read(&format!("{STORE}[keep]\n{keep}\n{}", folder.account(""))).unwrap();
        (
            config.permission_details,
            config.permission_details_for.as_secs() / 86_400,
        )
    };
    assert_eq!(of(""), (false, 400));
    assert_eq!(
        of("permission_details = true\npermission_details_for = \"7d\""),
        (true, 7)
    );
}

#[test]
fn a_collector_is_named_by_an_url_that_holds_no_secret() {
    let folder = Folder::new();
    let with = |url: &str| {
        let account = folder.account("");
        format!("{STORE}[telemetry]\notlp_endpoint = {url:?}\n{account}")
    };
    let config = read(&with("http://localhost:4318")).unwrap();
    assert_eq!(
        config.telemetry.otlp_endpoint.as_deref(),
        Some("http://localhost:4318")
    );
    for (url, told) in [
        ("localhost", "is no URL"),
        ("grpc://localhost:4317", "must begin with http"),
        ("https://ada:s3cret@collector", "OTEL_EXPORTER_OTLP_HEADERS"),
    ] {
        let [text] = <[String; 1]>::try_from(problems(&with(url))).unwrap();
        assert!(text.starts_with("telemetry.otlp_endpoint: "), "{text}");
        assert!(text.contains(told) && !text.contains("s3cret"), "{text}");
    }
}

#[test]
fn whom_to_save_and_who_goes_first_are_read() {
    let folder = Folder::new();
    let of = |deadline: &str, account: &str| {
        let toml = format!("{STORE}[deadline]\n{deadline}\n{}", folder.account(account));
        let config = read(&toml).unwrap();
        let shop = config.accounts.values().next().unwrap();
        (config.deadline.when_not_all, shop.fresh_share)
    };
    assert_eq!(of("", ""), (WhenNotAll::MostSessions, 0.25));
    assert_eq!(
        of("when_not_all = \"most-value\"", "quota.fresh_share = 0.5"),
        (WhenNotAll::MostValue, 0.5)
    );
}

#[test]
fn a_line_that_is_no_toml_is_not_quoted() {
    let folder = Folder::new();
    let file = folder.write(
        "confirmd.toml",
        b"[store]\nurl = \"postgres://confirmd:hunter22@db/x\n",
    );
    let Err(problems) = Config::load(Some(&file)) else {
        panic!("it is no TOML")
    };
    let told = problems.to_string();
    assert!(!told.contains("hunter22"), "{told}");
    assert!(told.contains("line 2"), "{told}");
}
