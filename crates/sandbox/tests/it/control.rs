//! The control API, the clock, the books, and what a start writes to disk.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use openssl::pkey::PKey;
use openssl::x509::X509;
use sandbox::{
    ClockSource, Environment, MerchantSpec, Options, Profile, Region, Sandbox, SandboxClock, SettableClock,
};
use serde_json::{Value, json};

use crate::client::{Answer, Call, Client, control};
use crate::world::{START, World, order};

async fn post(world: &World, path: &str, body: Value) -> Answer {
    control(world.sandbox.info(), "POST", path, &body.to_string()).await
}

async fn get(world: &World, path: &str) -> Value {
    control(world.sandbox.info(), "GET", path, "").await.json()
}

#[tokio::test]
async fn a_session_is_made_with_any_field_overridden_and_shown_as_get_shows_it() {
    let world = World::start().await;
    let made = post(
        &world,
        "/sessions",
        json!({
            "account": "eu_shop",
            "checkoutSessionId": "my-session",
            "creationTimestamp": "2026-01-05T09:30:00Z",
            "paymentDetails": {"chargeAmount": {"amount": "99.90", "currencyCode": "GBP"}},
            "shippingAddress": {"name": "Kim Muster", "city": "Leeds", "countryCode": "GB"},
        }),
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let body = made.json();
    assert_eq!(body, world.get("my-session").await.json());
    assert_eq!(body["expirationTimestamp"], "20260106T093000Z");
    assert_eq!(body["paymentDetails"]["presentmentCurrency"], "GBP");
    assert_eq!(
        body["paymentDetails"]["paymentIntent"], "AuthorizeWithCapture",
        "the rest is the template's"
    );
    assert_eq!(
        (
            &body["shippingAddress"]["city"],
            &body["shippingAddress"]["phoneNumber"]
        ),
        (&json!("Leeds"), &Value::Null)
    );
    let first = post(&world, "/sessions", json!({})).await.json();
    assert_eq!(
        world.book(first["checkoutSessionId"].as_str().unwrap())["account"],
        "eu_shop",
        "the first account"
    );
    for (wrong, status) in [
        (json!({"checkoutSessionId": "my-session"}), 409),
        (json!({"account": "nobody"}), 404),
        (json!({"colour": "red"}), 400),
        (json!({"productType": "Gift"}), 400),
        (json!({"creationTimestamp": "yesterday"}), 400),
        (
            json!({"paymentDetails": {"chargeAmount": {"amount": "1.234", "currencyCode": "EUR"}}}),
            400,
        ),
        (json!({"statusDetails": {"state": "Completed"}}), 400),
    ] {
        let answer = post(&world, "/sessions", wrong.clone()).await;
        assert_eq!(answer.status, status, "{wrong}: {}", answer.text);
        assert!(answer.json()["error"].is_string());
    }
    let canceled = json!({"statusDetails": {"state": "Canceled", "reasonCode": "AmazonCanceled"}});
    assert_eq!(
        post(&world, "/sessions", canceled).await.json()["statusDetails"]["reasonCode"],
        "AmazonCanceled"
    );
}

#[tokio::test]
async fn the_buyer_acts_through_the_control_api() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let path = format!("/sessions/{session}/buyer");
    let act = |action: &str| post(&world, &path, json!({"action": action})).map(|answer| answer.status);
    assert_eq!(act("leave").await, 200);
    assert_eq!(world.finalize(&session, &order()).await.status, 422);
    assert_eq!(act("finish").await, 200);
    assert_eq!(act("sleep").await, 400);
    assert_eq!(act("cancel").await, 200);
    assert_eq!(act("finish").await, 409);
    assert_eq!(
        post(&world, "/sessions/unknown/buyer", json!({"action": "finish"}))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn the_clock_is_set_advanced_and_sped_up() {
    let world = World::start().await;
    assert_eq!(get(&world, "/clock").await, json!({"now": START, "speed": 0.0}));
    let advanced = post(&world, "/clock", json!({"advance": "23h"})).await.json();
    assert_eq!(advanced["now"], "2026-01-06T09:00:00Z");
    let set = post(&world, "/clock", json!({"set": "2026-02-01T00:00:00Z"}))
        .await
        .json();
    assert_eq!(set["now"], "2026-02-01T00:00:00Z");
    assert_eq!(
        post(&world, "/clock", json!({"speed": 1440})).await.json()["speed"],
        1440.0
    );
    for wrong in [
        json!({"speed": -1}),
        json!({"set": "noon"}),
        json!({"advance": "soon"}),
        json!({"stop": true}),
    ] {
        assert_eq!(post(&world, "/clock", wrong.clone()).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn sleepers_wake_when_the_clock_is_moved_past_them_and_not_before() {
    let clock = SettableClock::stopped_at(START.parse().unwrap());
    let mut sleeper = tokio::spawn(clock.sleep(Duration::from_secs(3600)));
    clock.advance(Duration::from_secs(3599)).unwrap();
    tokio::task::yield_now().await;
    assert!((&mut sleeper).now_or_never().is_none());
    clock.advance(Duration::from_secs(1)).unwrap();
    sleeper.await.unwrap();
    let quick = SettableClock::starting_at(START.parse().unwrap(), 1_000_000.0);
    quick.sleep(Duration::from_secs(3600)).await;
    assert!(quick.now() >= "2026-01-05T11:00:00Z".parse().unwrap());
}

struct Noon;

impl SandboxClock for Noon {
    fn now(&self) -> Timestamp {
        "2026-01-05T12:00:00Z".parse().unwrap()
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        std::future::ready(()).boxed()
    }
}

#[tokio::test]
async fn a_clock_of_the_embedding_program_is_followed_and_not_moved() {
    let merchants = vec![MerchantSpec {
        account: "one".to_owned(),
        region: Region::Jp,
        environment: Environment::Live,
    }];
    let options = Options {
        clock: ClockSource::Embedded(Arc::new(Noon)),
        merchants,
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await.unwrap();
    let clock = control(sandbox.info(), "GET", "/clock", "").await.json();
    assert_eq!(clock, json!({"now": "2026-01-05T12:00:00Z", "speed": null}));
    assert_eq!(
        control(sandbox.info(), "POST", "/clock", r#"{"advance": "1h"}"#)
            .await
            .status,
        409
    );
    let made = control(sandbox.info(), "POST", "/sessions", "").await.json();
    assert_eq!(made["creationTimestamp"], "20260105T120000Z");
    assert_eq!(
        (
            &made["releaseEnvironment"],
            &made["paymentDetails"]["chargeAmount"]["amount"]
        ),
        (&json!("Live"), &json!("2345"))
    );
    sandbox.shutdown().await;
}

#[tokio::test]
async fn faults_switches_and_accounts_are_set_through_the_control_api() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let fault = json!({"operation": "get", "when": "before", "kind": "status", "status": 502, "times": 5});
    assert_eq!(post(&world, "/faults", fault).await.json(), json!({"id": 1}));
    assert_eq!(world.get(&session).await.status, 502);
    assert_eq!(
        control(world.sandbox.info(), "DELETE", "/faults", "")
            .await
            .status,
        204
    );
    assert_eq!(world.get(&session).await.status, 200);
    assert_eq!(
        post(&world, "/faults", json!({"operation": "get"})).await.status,
        400
    );

    let before = get(&world, "/unknowns").await;
    assert_eq!(
        (
            &before["replayErrors"]["value"],
            &before["allowedClockSkew"]["value"]
        ),
        (&json!(false), &json!("15m"))
    );
    let after = post(
        &world,
        "/unknowns",
        json!({"replayErrors": true, "expiryLag": "1m"}),
    )
    .await
    .json();
    assert_eq!(
        (&after["replayErrors"], &after["expiryLag"]),
        (&json!(true), &json!("1m"))
    );
    let listed = get(&world, "/unknowns").await;
    assert_eq!(
        (
            &listed["replayErrors"]["value"],
            &listed["replayErrors"]["default"]
        ),
        (&json!(true), &json!(false))
    );
    for (name, value) in after.as_object().unwrap() {
        assert_eq!(listed[name]["value"], *value, "{name}");
    }
    assert_eq!(
        post(&world, "/unknowns", json!({"replayError": true}))
            .await
            .status,
        400
    );

    assert_eq!(
        post(&world, "/merchants/eu_shop", json!({"status": "refused"}))
            .await
            .status,
        200
    );
    assert_eq!(world.get(&session).await.status, 403);
    assert_eq!(
        post(&world, "/merchants/eu_shop", json!({"status": "active"}))
            .await
            .status,
        200
    );
    assert_eq!(world.get(&session).await.status, 200);
    assert_eq!(
        post(&world, "/merchants/nobody", json!({"status": "active"}))
            .await
            .status,
        404
    );
    assert_eq!(
        control(world.sandbox.info(), "GET", "/nothing", "").await.status,
        404
    );
}

#[tokio::test]
async fn the_books_tell_every_call_and_every_charge_and_nothing_personal() {
    let world = World::start().await;
    let paid = world.session(json!({}));
    let kept = world.session(json!({"paymentDetails": {"paymentIntent": "Authorize", "chargeAmount": {"amount": "1.05", "currencyCode": "EUR"}}}));
    world.get(&paid).await;
    world.advance(5);
    let call = world.finalizing(&paid, &order()).with_key("k-1");
    let answer = world.eu.send(&call).await;
    let complete = json!({"chargeAmount": {"amount": "1.05", "currencyCode": "EUR"}});
    world.complete(&kept, &complete).await;
    world.finalize(&paid, &order()).await;

    let text = control(world.sandbox.info(), "GET", "/books", "").await.text;
    for personal in ["Robin", "Berlin", "Beispielweg", "10115"] {
        assert!(!text.contains(personal), "{personal} is in the books");
    }
    let books: Value = serde_json::from_str(&text).unwrap();
    let session = &books["sessions"][0];
    assert_eq!(session["checkoutSessionId"], paid.as_str());
    assert_eq!(
        (&session["account"], &session["creationTimestamp"]),
        (&json!("eu_shop"), &json!(START))
    );
    assert_eq!(
        (&session["state"], &session["reasonCode"]),
        (&json!("Completed"), &Value::Null)
    );
    let amount = json!({"amount": "23.45", "currencyCode": "EUR"});
    let charge = json!({
        "chargeId": answer.json()["chargeId"], "chargeAmount": amount, "state": "Captured", "reasonCode": null,
    });
    assert_eq!(session["charges"], json!([charge]));
    let calls = session["calls"].as_array().unwrap();
    let operations: Vec<&str> = calls
        .iter()
        .map(|call| call["operation"].as_str().unwrap())
        .collect();
    assert_eq!(operations, ["get", "finalize", "finalize"]);
    assert_eq!(
        calls[1],
        json!({
            "at": "2026-01-05T10:00:05Z", "operation": "finalize", "idempotencyKey": "k-1",
            "bodySha256": crate::client::hex_sha256(call.body.as_bytes()), "status": 200, "reasonCode": null,
            "fault": null, "effect": "completed", "replayed": false,
            "requestId": answer.header("x-amz-pay-request-id"),
        })
    );
    assert_eq!(
        (&calls[2]["status"], &calls[2]["effect"]),
        (&json!(422), &Value::Null)
    );
    assert_eq!(calls[2]["reasonCode"], "InvalidCheckoutSessionStatus");
    let totals = &books["totals"]["EUR"];
    assert_eq!(
        (&totals["charges"], &totals["captured"], &totals["authorized"]),
        (&json!(2), &json!("23.45"), &json!("1.05"))
    );
    assert_eq!(books["answers"]["finalize"], json!({"200": 1, "422": 1}));
}

#[tokio::test]
async fn a_start_writes_keys_for_their_owner_alone_and_a_restart_keeps_them() {
    let world = World::start().await;
    let info = serde_json::to_value(world.sandbox.info()).unwrap();
    let mut names: Vec<&String> = info.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["ca_file", "control_url", "merchants", "url"]);
    for (merchant, (account, region)) in info["merchants"].as_array().unwrap().iter().zip([
        ("eu_shop", "eu"),
        ("us_shop", "na"),
        ("jp_shop", "jp"),
    ]) {
        assert_eq!(
            (&merchant["account"], &merchant["region"]),
            (&json!(account), &json!(region))
        );
        assert_eq!(merchant["environment"], "sandbox");
        let name = merchant["publicKeyId"]
            .as_str()
            .unwrap()
            .strip_prefix("SANDBOX-")
            .unwrap();
        assert!(
            name.len() == 24 && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()),
            "{name}"
        );
        let file = merchant["privateKeyFile"].as_str().unwrap();
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        let pem = fs::read(file).unwrap();
        assert!(pem.starts_with(b"-----BEGIN PRIVATE KEY-----"));
        assert_eq!(
            PKey::private_key_from_pem(&pem).unwrap().rsa().unwrap().size(),
            2048 / 8
        );
    }
    let options = Options {
        tls_dir: Some(world.folder()),
        profile: Profile::Unlimited,
        clock: ClockSource::Settable(world.clock.clone()),
        ..Options::default()
    };
    let again = Sandbox::start(options).await.unwrap();
    assert_eq!(
        serde_json::to_value(again.info()).unwrap()["merchants"],
        info["merchants"]
    );
    let client = Client::new(&again, "eu_shop");
    assert_eq!(
        client
            .send(&Call::get("/v2/charges/none", world.now()))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn a_key_made_at_a_start_is_its_owner_s_alone_from_the_beginning() {
    let one = MerchantSpec {
        account: "one".to_owned(),
        region: Region::Eu,
        environment: Environment::Live,
    };
    let sandbox = Sandbox::start(Options {
        merchants: vec![one],
        ..Options::default()
    })
    .await
    .unwrap();
    let merchant = &sandbox.info().merchants[0];
    assert!(
        merchant.public_key_id.starts_with("LIVE-"),
        "{}",
        merchant.public_key_id
    );
    let mode = fs::metadata(&merchant.private_key_file)
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn the_certificate_names_the_address_and_localhost_and_nothing_else() {
    let world = World::start().await;
    assert!(world.eu.connect("127.0.0.1").await.is_ok());
    assert!(world.eu.connect("localhost").await.is_ok());
    assert!(world.eu.connect("pay-api.amazon.com").await.is_err());
    let ca = X509::from_pem(&fs::read(&world.sandbox.info().ca_file).unwrap()).unwrap();
    assert!(ca.verify(&ca.public_key().unwrap()).unwrap());
}

#[tokio::test]
async fn what_cannot_be_started_says_so() {
    let merchant = |account: &str| MerchantSpec {
        account: account.to_owned(),
        region: Region::Eu,
        environment: Environment::Sandbox,
    };
    for merchants in [vec![merchant("ca")], vec![merchant("../eu")], vec![merchant("")]] {
        assert!(
            Sandbox::start(Options {
                merchants,
                ..Options::default()
            })
            .await
            .is_err()
        );
    }
    let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
    assert!(
        Sandbox::start(Options {
            control_listen: everywhere,
            ..Options::default()
        })
        .await
        .is_err()
    );
}
