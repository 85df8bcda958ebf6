//! Wrong configurations, servers that are not there, events that nobody would send: nothing panics, nothing
//! is lost, and each message names what to do, without a secret.

use serde_json::{Value, json};
use testkit::real::{self, KafkaServer, PostgresServer};

use crate::world::{Finished, World, in_a_thread};

/// Stands where a secret would, in a configuration.
const PASSWORD: &str = "correct-horse-battery-staple";

fn says(finished: &Finished, parts: &[&str]) {
    let all = format!("{}{}", finished.stdout, finished.stderr);
    assert!(!all.contains("panicked"), "{all}");
    assert!(!all.contains(PASSWORD), "a secret is printed: {all}");
    for part in parts {
        assert!(all.contains(part), "{part:?} is not said: {all}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_of_a_configuration_is_told_at_once_and_no_secret() {
    let Some(mut world) = World::new("wrong-config").await else {
        return;
    };
    let not_a_key = world.dir().join("order.txt");
    std::fs::write(&not_a_key, format!("dear shop, our password is {PASSWORD}")).unwrap();
    world.set("store.url", format!("mysql://confirmd:{PASSWORD}@localhost/log"));
    world.set("kafka.bootstrap_server", "localhost:9092");
    world.set("kafka.properties.sasl.password", PASSWORD);
    world.set("deadline.near", "panic");
    world.set("deadline.cancel_before", "25h");
    world.set("retry.first", 1);
    world.set("console.listen", "0.0.0.0:9464");
    world.set("accounts.eu_shop.private_key_file", not_a_key.to_str().unwrap());
    world.set("accounts.us_shop.region", "mars");
    world.set("accounts.us_shop.private_key_file", "/nowhere/key.pem");
    world.set("accounts.jp_shop.quota.confirm.burst", 0);
    let file = world.config_file().display().to_string();
    let environment = [
        ("CONFIRMD_SHUTDOWN_GRACE", "soon"),
        ("CONFIRMD_RETRY__MAX", "never"),
    ];
    let expected = [
        "store.url",
        "kafka.bootstrap_server",
        "deadline.near",
        "deadline.cancel_before",
        "retry.first",
        "console.read_token_file",
        "console.operator_token_file",
        "accounts.eu_shop.private_key_file",
        "accounts.us_shop.region",
        "accounts.us_shop.private_key_file",
        "accounts.jp_shop.quota.confirm",
    ];
    for command in [&["check"][..], &["run"], &["sessions", "list"], &["migrate"]] {
        let finished = world.command_in(command, &environment).await;
        assert_eq!(finished.code(), 2, "{command:?}: {finished:?}");
        says(&finished, &expected);
        says(
            &finished,
            &["shutdown_grace", "retry.max", &file, "/nowhere/key.pem"],
        );
        let all = format!("{}{}", finished.stdout, finished.stderr);
        let of = |key: &str| {
            all.lines()
                .find(|line| line.trim_start().starts_with(key))
                .unwrap()
        };
        assert!(
            of("retry.max").to_lowercase().contains("environment"),
            "{}",
            of("retry.max")
        );
        assert!(of("store.url").contains(&file), "{}", of("store.url"));
    }
    let listed = world.command_in(&["check", "--json"], &environment).await;
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    let problems = listed["problems"].as_array().unwrap();
    assert!(problems.len() >= expected.len() + 2, "{listed:#}");
    assert!(problems.iter().all(|one| {
        ["key", "source", "problem"]
            .iter()
            .all(|field| one[field].as_str().is_some_and(|text| !text.is_empty()))
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_of_librdkafka_that_would_break_a_promise_is_refused() {
    let Some(mut world) = World::new("wrong-kafka").await else {
        return;
    };
    world.set("kafka.properties.enable.auto.commit", "true");
    world.set("kafka.properties.no.such.setting", PASSWORD);
    for command in ["check", "run"] {
        let finished = world.command(&[command]).await;
        assert_eq!(finished.code(), 2, "{finished:?}");
        says(&finished, &["enable.auto.commit"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_that_holds_no_key_is_named_and_its_text_is_not() {
    let Some(mut world) = World::new("no-key").await else {
        return;
    };
    let public = "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQ\n-----END PUBLIC KEY-----\n";
    for (name, text) in [("empty", ""), ("words", PASSWORD), ("public", public)] {
        let file = world.dir().join(name);
        std::fs::write(&file, text).unwrap();
        world.set("accounts.eu_shop.private_key_file", file.to_str().unwrap());
        let finished = world.command(&["run"]).await;
        assert_eq!(finished.code(), 2, "{finished:?}");
        says(
            &finished,
            &["accounts.eu_shop.private_key_file", file.to_str().unwrap()],
        );
        assert!(!finished.stderr.contains("MIIB"), "{finished:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_yet_is_waited_for() {
    let Some(kafka) = in_a_thread(|| real::kafka().map(|kafka| kafka.bootstrap().to_owned())).await else {
        return;
    };
    let Some(mut postgres) = in_a_thread(PostgresServer::start_new).await else {
        return;
    };
    let url = postgres.database("log");
    let url = url.replace("confirmd@", &format!("confirmd:{PASSWORD}@"));
    let mut world = World::over("no-database", &kafka, url).await;
    let postgres = in_a_thread(move || {
        postgres.kill();
        postgres
    })
    .await;
    let checked = world.command(&["check", "--online"]).await;
    assert_eq!(checked.code(), 3, "{checked:?}");
    says(&checked, &["store.url (database)", "refused"]);
    let mut daemon = world.begin_daemon();
    let line = daemon
        .line("store.url: the database does not answer; trying again")
        .await;
    assert!(line.contains("WARN"), "{line}");
    let id = world.completed(json!({}), json!({})).await;
    let postgres = in_a_thread(move || {
        let mut postgres = postgres;
        postgres.start();
        postgres
    })
    .await;
    daemon.serving().await;
    world.outcome(&id).await;
    world.check_each(&[id], "checkout.confirmed.v1").await;
    assert!(!daemon.said().contains(PASSWORD));
    world.end(daemon).await;
    drop(postgres);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_not_there_yet_is_waited_for() {
    let Some(mut kafka) = in_a_thread(KafkaServer::start_new).await else {
        return;
    };
    let Some(postgres) = real::postgres() else { return };
    let mut world = World::over("no-broker", kafka.bootstrap(), postgres.database("no-broker")).await;
    world.set("kafka.properties.sasl.password", PASSWORD);
    // One of its topics is not there either: it is made as soon as there is a broker.
    let dead_letters = format!("{}.later", world.kafka.dead_letter_topic);
    world.set("kafka.dead_letter_topic", dead_letters.clone());
    world.set("kafka.create_topics", true);
    let id = world.completed(json!({}), json!({})).await;
    kafka = in_a_thread(move || {
        kafka.stop();
        kafka
    })
    .await;
    let checked = world.command(&["check", "--online"]).await;
    assert_eq!(checked.code(), 3, "{checked:?}");
    says(&checked, &["kafka.bootstrap_servers (broker)"]);
    let daemon = world.daemon().await;
    let line = daemon
        .line("kafka.bootstrap_servers: the broker cannot be reached")
        .await;
    assert!(line.contains("WARN"), "{line}");
    let (status, body) = daemon.get("/readyz").await;
    assert_eq!(status, 200, "{body}");
    kafka = in_a_thread(move || {
        kafka.start();
        kafka
    })
    .await;
    daemon.line("the broker answers again").await;
    world.outcome(&id).await;
    world.kafka.dead_letter_topic = dead_letters;
    assert_eq!(
        kafka_topics::check(&world.kafka).await.unwrap(),
        Vec::<String>::new()
    );
    world.check_each(&[id], "checkout.confirmed.v1").await;
    assert!(!daemon.said().contains(PASSWORD));
    world.end(daemon).await;
    drop(kafka);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_schema_is_refused_with_both_versions() {
    let Some(world) = World::new("other-schema").await else {
        return;
    };
    let ours: u32 = world
        .sql("SELECT max(version) FROM confirmd_schema")
        .trim()
        .parse()
        .unwrap();
    world.sql("INSERT INTO confirmd_schema (version, name) VALUES (4711, 'of the future')");
    for command in [&["run"][..], &["migrate"], &["sessions", "list"]] {
        let finished = world.command(command).await;
        assert_eq!(finished.code(), 1, "{command:?}: {finished:?}");
        says(&finished, &["4711", &format!("knows {ours}"), "at least as new"]);
    }
    let checked = world.command(&["migrate", "--check"]).await;
    assert_eq!(checked.code(), 3, "{checked:?}");
    says(&checked, &["4711"]);
    world.sql("DELETE FROM confirmd_schema");
    let finished = world.command(&["run"]).await;
    assert_eq!(finished.code(), 1, "{finished:?}");
    says(&finished, &["schema 0", "confirmd migrate"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_nobody_would_send_keep_their_clock_and_hold_up_nobody() {
    let Some(mut world) = World::new("odd-events").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let price = |amount: Value, currency: &str| json!({"amount": amount, "currencyCode": currency});
    let address = json!({"name": "Robin\u{0}Example", "addressLine1": "1", "countryCode": "DE"});
    let odd = [
        (
            "chargeAmount.amount",
            json!({"chargeAmount": price(json!(23.45), "EUR")}),
        ),
        (
            "chargeAmount.amount",
            json!({"chargeAmount": price(json!("23.45"), "JPY"), "account": "jp_shop"}),
        ),
        (
            "chargeAmount.amount",
            json!({"chargeAmount": price(json!("1e400"), "EUR")}),
        ),
        (
            "chargeAmount.amount",
            json!({"chargeAmount": price(json!("-1.00"), "EUR")}),
        ),
        (
            "chargeAmount.currencyCode",
            json!({"chargeAmount": price(json!("23.45"), "DOGE")}),
        ),
        ("chargeAmount", json!({"chargeAmount": "23.45 EUR"})),
        ("account", json!({"account": "moon_shop"})),
        ("account", json!({"account": "../etc"})),
        ("account", json!({"account": null})),
        (
            "merchantReferenceId",
            json!({"merchantReferenceId": "ORDER\u{0}1"}),
        ),
        (
            "merchantReferenceId",
            json!({"merchantReferenceId": "x".repeat(100_000)}),
        ),
        ("shippingAddress.name", json!({"shippingAddress": address})),
        (
            "supplementaryData",
            json!({"supplementaryData": {"not": "a string"}}),
        ),
        ("operation", json!({"operation": "Finalise"})),
        ("sessionCreatedAt", json!({"sessionCreatedAt": "yesterday"})),
    ];
    let mut broken = Vec::new();
    for (field, changes) in odd {
        let id = world.completed(json!({}), changes).await;
        let alert = world.alert(&id, "needs-repair", "firing").await;
        let summary = alert.body["summary"].as_str().unwrap().to_owned();
        assert!(summary.contains(&format!("`{field}`")), "{field}: {summary}");
        assert!(summary.len() < 500, "{summary}");
        broken.push(id);
    }
    // As large as Kafka takes: what is unknown is ignored, what cannot be read is set aside.
    let filling = "x".repeat(900_000);
    let session = world.session(json!({}));
    let large = world.say(&session, json!({"unknownField": filling})).await;
    assert_eq!(world.outcome(&large).await.event_type, "checkout.confirmed.v1");
    let (partition, offset) = world
        .shop
        .send(None, &[], Some(filling.as_bytes()))
        .await
        .unwrap();
    let source = format!("{}/{partition}/{offset}", world.kafka.completed_topic);
    world.alert(&source, "dead-letter", "firing").await;
    let letters = world.everything_on(&world.kafka.dead_letter_topic).await;
    assert!(
        letters
            .iter()
            .any(|letter| letter.payload.as_deref() == Some(filling.as_bytes()))
    );

    for id in &broken {
        let shown = daemon.session(id).await;
        assert_eq!(shown["state"], "needs-repair");
        assert!(
            shown["deadline"].is_string() && shown["dueAt"].is_string(),
            "{shown}"
        );
        assert!(
            world.calls(id).iter().all(|call| *call == "get"),
            "nothing is confirmed"
        );
    }
    world.check_each(&[large], "checkout.confirmed.v1").await;
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_was_forgotten_is_configured_and_what_waited_for_it_is_confirmed_by_nobodys_act() {
    let Some(mut world) = World::new("forgotten-account").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let of_new = json!({"account": "new_shop"});
    let id = world.completed(json!({}), of_new.clone()).await;
    let flawed = json!({"account": "new_shop", "operation": "Finalise"});
    let flawed = world.completed(json!({}), flawed).await;
    world.alert(&flawed, "needs-repair", "firing").await;
    let fired = world.alert(&id, "needs-repair", "firing").await;
    let summary = fired.body["summary"].as_str().unwrap();
    assert!(
        summary.contains("no account `new_shop` is configured"),
        "{summary}"
    );
    for act in ["release", "retry"] {
        let refused = world.command(&["sessions", act, &id, "--reason", "to see"]).await;
        assert_eq!(refused.code(), 3, "{refused:?}");
        says(&refused, &["no account `new_shop` is configured"]);
    }
    let refused = world
        .command(&["sessions", "retry", &flawed, "--reason", "to see"])
        .await;
    assert_eq!(refused.code(), 3, "{refused:?}");
    says(
        &refused,
        &["it needs repair: `operation`", "publish a corrected event"],
    );
    let explained = world.json(&["sessions", "explain", &id]).await;
    assert_eq!(explained["step"], "wait", "{explained}");
    assert_eq!(
        explained["account"],
        json!({"name": "new_shop", "condition": null})
    );
    let finished = daemon.terminate().await;
    assert!(finished.status.success(), "{finished:?}");

    let (url, ca_file, merchant) = {
        let info = world.sandbox.info();
        (
            info.url.clone(),
            info.ca_file.display().to_string(),
            info.merchants[0].clone(),
        )
    };
    let region = serde_json::to_value(merchant.region).unwrap();
    let key_file = merchant.private_key_file.display().to_string();
    for (key, value) in [
        ("region", region.as_str().unwrap()),
        ("public_key_id", &merchant.public_key_id),
        ("private_key_file", &key_file),
        ("endpoint", &url),
        ("ca_file", &ca_file),
    ] {
        world.set(&format!("accounts.new_shop.{key}"), value);
    }
    let daemon = world.daemon_at_work().await;
    let told = world.outcome(&id).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    assert_eq!(told.body["account"], "new_shop");
    let resolved = world.alert(&id, "needs-repair", "resolved").await;
    assert_eq!(resolved.body["alertId"], fired.body["alertId"]);
    let shown = daemon.session(&id).await;
    let facts = shown["history"].as_array().unwrap();
    assert!(
        facts.iter().all(|fact| fact["actor"].is_null()),
        "nobody acted: {shown:#}"
    );
    assert_eq!(daemon.session(&flawed).await["state"], "needs-repair");
    world.check_each(&[id], "checkout.confirmed.v1").await;
    world.end(daemon).await;
}
