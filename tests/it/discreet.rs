//! Nobody's personal data and no secret are told anywhere but where they are kept. A word that occurs nowhere else stands in
//! every personal field of events, of sessions at Amazon, of what it answers; then everything is searched for it.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;

use futures::future::join_all;
use serde_json::{Value, json};

use crate::world::{Collector, Daemon, Finished, World};

/// Stands in every personal field, with the field's name behind it.
const CANARY: &str = "kanarie";
/// Stands where a secret would, in a configuration.
const PASSWORD: &str = "correct-horse-battery-staple";

/// The tables in which personal data are kept, whatever is in them; everything else in the database is facts.
const KEEPERS: [&str; 4] = ["personal", "bodies", "permission_details", "dead_letters"];
/// So large that the dead-letter topic does not take it here.
const LARGE: usize = 30_000;

fn canary(of: &str, field: &str) -> String {
    format!("{CANARY}-{of}-{field}")
}

/// Every field of an address but the country, which has no room for a canary.
fn address(of: &str) -> Value {
    let fields = [
        "name",
        "addressLine1",
        "addressLine2",
        "addressLine3",
        "city",
        "county",
        "district",
        "stateOrRegion",
        "postalCode",
        "phoneNumber",
    ];
    let mut address: serde_json::Map<String, Value> = fields
        .into_iter()
        .map(|field| (field.to_owned(), canary(of, field).into()))
        .collect();
    address.insert("countryCode".to_owned(), "DE".into());
    address.into()
}

/// A session as Amazon has it. The shop's event says the same of the addresses and the shop's text.
fn checkout() -> Value {
    json!({
        "buyer": {
            "buyerId": canary("buyer", "id"), "name": canary("buyer", "name"),
            "email": format!("{}@shop.example", canary("buyer", "email")), "phoneNumber": canary("buyer", "phone"),
        },
        "shippingAddress": address("shipping"),
        "billingAddress": address("billing"),
        "paymentPreferences": [{"paymentDescriptor": canary("buyer", "card")}],
        "supplementaryData": format!("{{\"leave it at\": \"{}\"}}", canary("shop", "text")),
        "merchantMetadata": {"noteToBuyer": canary("shop", "note"), "customInformation": canary("shop", "custom")},
    })
}

/// A sentence of Amazon's that quotes all of it.
fn echo() -> String {
    format!(
        "this does not fit: {}, {}",
        checkout(),
        canary("amazon", "sentence")
    )
}

/// What was found where.
#[derive(Default)]
struct Told {
    searched: BTreeMap<&'static str, usize>,
    found: BTreeMap<&'static str, String>,
    words: Vec<String>,
}

impl Told {
    fn search(&mut self, place: &'static str, text: &str) {
        *self.searched.entry(place).or_default() += text.len();
        for word in &self.words {
            if let Some(at) = text.find(word.as_str()) {
                let from = text.floor_char_boundary(at.saturating_sub(300));
                let to = text.ceil_char_boundary(at + 200);
                let quoted = format!("{word:?}: …{}…", &text[from..to]);
                self.found.entry(place).or_insert(quoted);
            }
        }
    }

    fn search_output(&mut self, place: &'static str, finished: &Finished) {
        self.search(place, &finished.stdout);
        self.search(place, &finished.stderr);
    }
}

/// A session whose call of this kind is answered so; said an hour ago where it is to be looked up first.
async fn with_fault(
    world: &World,
    operation: &str,
    fault: Value,
    event: Value,
    is_old: bool,
) -> (String, u64) {
    let session = world.session(checkout());
    let id = session["checkoutSessionId"].as_str().unwrap().to_owned();
    let mut whole = json!({"operation": operation, "session": id, "times": 1});
    for (field, value) in fault.as_object().unwrap() {
        whole[field] = value.clone();
    }
    let fault = world.fault(whole);
    if is_old {
        world.say_an_hour_ago(&session, event).await;
    } else {
        world.say(&session, event).await;
    }
    (id, fault)
}

/// All that Amazon and the shop can do to a session.
async fn everything_happens(world: &mut World) -> Vec<String> {
    let mut ids = Vec::new();
    // It goes well.
    let well = world.completed(checkout(), json!({})).await;
    world.outcome(&well).await;
    ids.push(well);
    // Amazon quotes what was sent, or what it has, and somebody is to repair it.
    let refusal = |status: u16, code: &str| {
        json!({"when": "before", "kind": "status", "status": status, "times": null,
               "body": {"reasonCode": code, "message": echo()}})
    };
    for (status, code) in [
        (409, "AmountMismatch"),
        (400, "InvalidParameterValue"),
        (400, "BornYesterday"),
    ] {
        let (id, fault) = with_fault(world, "finalize", refusal(status, code), json!({}), false).await;
        world.alert(&id, "needs-repair", "firing").await;
        assert_eq!(world.struck(fault), 1);
        ids.push(id);
    }
    // The answer is lost, or is no JSON, or quotes more than was asked; of look-ups and of charges, too.
    let complete = json!({"operation": "Complete", "paymentIntent": null, "productType": null});
    let page = || json!({"when": "after", "kind": "html", "status": 502, "body": format!("<html>{}</html>", echo())});
    let cut = || json!({"when": "after", "kind": "truncate"});
    let quoting = || {
        json!({"when": "before", "kind": "status", "status": 503,
               "body": {"reasonCode": "ServiceUnavailable", "message": echo()}})
    };
    let rough = [
        ("finalize", page(), json!({}), false),
        ("finalize", cut(), json!({}), false),
        ("finalize", quoting(), json!({}), false),
        ("get", page(), json!({}), true),
        ("get", cut(), json!({}), true),
        ("get", quoting(), json!({}), true),
        ("charge", page(), complete.clone(), false),
        ("charge", cut(), complete.clone(), false),
        ("charge", quoting(), complete, false),
        ("permission", page(), json!({}), false),
        ("permission", cut(), json!({}), false),
        ("permission", quoting(), json!({}), false),
        ("permission", refusal(400, "InvalidRequest"), json!({}), false),
        ("permission", refusal(403, "UnauthorizedAccess"), json!({}), false),
    ];
    for (operation, fault, event, is_old) in rough {
        let (id, fault) = with_fault(world, operation, fault, event, is_old).await;
        world.outcome(&id).await;
        world.until_struck(fault, 1).await;
        ids.push(id);
    }
    // The event is wrong, and what stands in it is no address and no text.
    for changes in [
        json!({"chargeAmount": null}),
        json!({"shippingAddress": canary("shipping", "whole")}),
        json!({"billingAddress": [canary("billing", "list")]}),
        json!({"shippingAddress": {"name": {"first": canary("shipping", "first")}}}),
        json!({"supplementaryData": {"text": canary("shop", "object")}}),
    ] {
        let session = world.session(checkout());
        let id = world.say(&session, changes).await;
        world.alert(&id, "needs-repair", "firing").await;
        ids.push(id);
    }
    // It contradicts itself.
    let session = world.session(checkout());
    let contradicted = world.say(&session, json!({})).await;
    world.outcome(&contradicted).await;
    let elsewhere = json!({"name": canary("elsewhere", "name"), "addressLine1": canary("elsewhere", "line"), "countryCode": "DE"});
    world.say(&session, json!({"shippingAddress": elsewhere})).await;
    world.alert(&contradicted, "conflict", "firing").await;
    ids.push(contradicted);
    // It has no session id: set aside by the topic, or, since it is too large, here.
    let no_json = canary("letter", "text");
    let no_id = json!({"shippingAddress": address("letter"), "checkoutSessionId": canary("letter", "no id")})
        .to_string();
    let large = format!("{}{}", canary("letter", "large"), "x".repeat(LARGE));
    for letter in [no_json, no_id, large] {
        let headers: [(&str, &[u8]); 1] = [("ce_subject", b"no id \xff kanarie-letter-subject")];
        let key = canary("letter", "key");
        let sent = world
            .shop
            .send(Some(key.as_bytes()), &headers, Some(letter.as_bytes()));
        let (partition, offset) = sent.await.unwrap();
        let source = format!("{}/{partition}/{offset}", world.kafka.completed_topic);
        world.alert(&source, "dead-letter", "firing").await;
    }
    ids
}

async fn search_http(world: &World, daemon: &Daemon, ids: &[String], told: &mut Told) {
    world
        .until("the gauges", async || {
            daemon.get("/metrics").await.1.contains("confirmd_sessions{")
        })
        .await;
    told.search("metrics", &daemon.get("/metrics").await.1);
    for path in [
        "/",
        "/livez",
        "/readyz",
        "/api/sessions?state=all",
        "/api/accounts",
        "/api/dead-letters",
        "/api/overview",
        "/sessions",
        "/accounts/eu_shop",
        "/dead-letters",
        "/api/sessions/kanarie",
    ] {
        // What was asked for may be repeated.
        told.search("http", &daemon.get(path).await.1.replace("`kanarie`", ""));
    }
    for id in ids {
        // The last is for operators, and none is known here.
        for end in ["", "/outcome", "/explain", "/personal"] {
            told.search("http", &daemon.get(&format!("/api/sessions/{id}{end}")).await.1);
        }
        told.search("http", &daemon.get(&format!("/sessions/{id}")).await.1);
    }
}

async fn search_commands(world: &World, ids: &[String], told: &mut Told) {
    let said = ids
        .iter()
        .flat_map(|id| ["show", "explain"].map(|command| (command, id)));
    let said = said.map(async |(command, id)| world.command(&["sessions", command, id]).await);
    for finished in join_all(said).await {
        told.search_output("commands", &finished);
    }
    let file = world.dir().join("import.jsonl");
    let good = world.event(&world.session(checkout()), json!({}));
    let lines = [
        good.to_string(),
        good.to_string().replace("DE\"}", "DE\""),
        canary("import", "text"),
        json!({"checkoutSessionId": "x y", "shippingAddress": address("import")}).to_string(),
    ];
    std::fs::write(&file, lines.join("\n")).unwrap();
    let file = file.display().to_string();
    for arguments in [
        &["sessions", "show", &ids[0], "--json"][..],
        &["sessions", "list", "--state", "all"],
        &["sessions", "list", "--state", "all", "--json"],
        &["sessions", "import", &file],
        &["sessions", "import", &file, "--json"],
        &["accounts", "list"],
        &["check", "--online"],
        &["migrate", "--rebuild"],
    ] {
        told.search_output("commands", &world.command(arguments).await);
    }
}

async fn search_topics(world: &World, told: &mut Told) {
    for topic in [&world.kafka.outcomes_topic, &world.kafka.alerts_topic] {
        for record in world.everything_on(topic).await {
            let headers = record.headers.iter().map(|(_, value)| value.as_deref());
            for bytes in headers.chain([record.key.as_deref(), record.payload.as_deref()]) {
                told.search("topics", std::str::from_utf8(bytes.unwrap_or_default()).unwrap());
            }
        }
    }
    // What it was given, it keeps; what is said of it, is ours.
    for record in world.everything_on(&world.kafka.dead_letter_topic).await {
        let ours = ["confirmd_reason", "confirmd_field", "confirmd_source"];
        for header in ours {
            told.search("dead letters' headers", record.header(header).unwrap());
        }
    }
}

/// Every column of every table but those that keep personal data, also of tables that come one day.
fn search_database(world: &World, told: &mut Told) {
    let tables = world.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'");
    let tables: Vec<&str> = tables.lines().collect();
    assert!(KEEPERS.iter().all(|keeper| tables.contains(keeper)), "{tables:?}");
    for table in tables.iter().filter(|table| !KEEPERS.contains(table)) {
        told.search("facts", &world.sql(&format!("SELECT * FROM {table}")));
    }
    told.search(
        "facts",
        &world.sql("SELECT source, reason, field, at FROM dead_letters"),
    );
    // It does keep them where they belong, or this test would see nothing.
    let kept = |columns: &str, table: &str| world.sql(&format!("SELECT {columns} FROM {table}"));
    for (kept, words) in [
        (
            kept("content", "personal"),
            &["shipping-district", "billing-phoneNumber", "shop-text"][..],
        ),
        (
            kept("encode(bytes, 'escape')", "bodies"),
            &["shipping-county", "shop-text"],
        ),
        (
            kept("content", "permission_details"),
            &["buyer-email", "buyer-card", "shipping-city", "billing-name"],
        ),
        (
            kept("encode(payload, 'escape')", "dead_letters"),
            &["letter-large"],
        ),
    ] {
        for word in words {
            assert!(kept.contains(&format!("{CANARY}-{word}")), "{word} is not kept");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobodys_data_and_no_secret_are_told_anywhere() {
    let Some(mut world) = World::new("discreet").await else {
        return;
    };
    let url = world
        .database_url
        .replace("confirmd@", &format!("confirmd:{PASSWORD}@"));
    world.set("store.url", url);
    world.set("kafka.properties.sasl.password", PASSWORD);
    world.set("kafka.properties.message.max.bytes", "20000");
    world.set("telemetry.log", "debug");
    let collector = Collector::start().await;
    world.set("telemetry.otlp_endpoint", collector.url.clone());
    world.set("keep.permission_details", true);
    let keys = world.sandbox.info().merchants.iter().map(|merchant| {
        let pem = std::fs::read_to_string(&merchant.private_key_file).unwrap();
        pem.lines().nth(1).unwrap().to_owned()
    });
    let mut told = Told {
        words: keys.chain([CANARY.to_owned(), PASSWORD.to_owned()]).collect(),
        ..Told::default()
    };

    let daemon = world.daemon_at_work().await;
    let ids = everything_happens(&mut world).await;
    let kept = "SELECT count(*) FROM permission_details";
    world
        .until("buyers' details", async || {
            10 <= world.sql(kept).trim().parse().unwrap()
        })
        .await;
    search_http(&world, &daemon, &ids, &mut told).await;
    search_commands(&world, &ids, &mut told).await;
    search_topics(&world, &mut told).await;
    search_database(&world, &mut told);
    let shown = world.command(&["sessions", "show", &ids[0], "--personal"]).await;
    for word in ["shipping-name", "buyer-email"] {
        assert!(
            shown.stdout.contains(&format!("{CANARY}-{word}")),
            "whoever asks by name is told: {word}"
        );
    }
    let finished = daemon.terminate().await;
    assert!(finished.status.success(), "{finished:?}");
    told.search_output("logs", &finished);

    // It dies with a buyer's data in hand, before and after Amazon has answered, and says all it has to say as JSON.
    world.set("telemetry.log_format", "json");
    for label in ["send", "answered", "append"] {
        let mut daemon = world.daemon_that_dies_at(label).await;
        world.completed(checkout(), json!({})).await;
        let finished = daemon.finish().await;
        assert!(finished.status.signal().is_some(), "{label}: {finished:?}");
        told.search_output("a crash's last words", &finished);
    }
    // It panics with the same in hand, and tells where, all the way up.
    for label in [
        "observe",
        "send",
        "answered",
        "looked-up",
        "append",
        "keep-details",
    ] {
        let mut daemon = world
            .daemon_in(&[("CONFIRMD_TEST_PANIC_AT", label), ("RUST_BACKTRACE", "full")])
            .await;
        let session = world.session(checkout());
        if label == "looked-up" {
            world.say_an_hour_ago(&session, json!({})).await;
        } else {
            world.say(&session, json!({})).await;
        }
        let finished = daemon.finish_panicking().await;
        told.search_output("a panic's last words", &finished);
    }
    let daemon = world.daemon_at_work().await;
    world
        .until("an end of all that is under way", async || {
            world
                .sql("SELECT count(*) FROM sessions WHERE NOT settled AND state <> 'needs-repair'")
                .trim()
                == "0"
        })
        .await;
    search_topics(&world, &mut told).await;
    search_database(&world, &mut told);
    told.search_output("logs", &daemon.terminate().await);

    told.search("traces", &collector.text());
    assert!(told.found.is_empty(), "{:#?}", told.found);
    for place in [
        "metrics",
        "traces",
        "http",
        "commands",
        "topics",
        "dead letters' headers",
        "facts",
        "logs",
        "a crash's last words",
        "a panic's last words",
    ] {
        assert!(
            told.searched.get(place).is_some_and(|bytes| 100 < *bytes),
            "{place}: {:?}",
            told.searched
        );
    }
    world.check_books().await;
}
