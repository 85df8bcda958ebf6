//! What comes in: again, in contradiction, incomplete, unreadable, from a file, and watched only.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn five_redeliveries_make_one_attempt_and_one_outcome() {
    let Some(mut world) = World::new("redelivered").await else {
        return;
    };
    // On a busy machine two hurried seconds may be too short to send in, which would be an attempt more.
    world.clock.set_speed(1.0);
    let daemon = world.daemon().await;
    let slow = world.fault(json!({"operation": "finalize", "when": "before", "delay": "1s"}));
    let session = world.session(json!({}));
    let id = world.say(&session, json!({})).await;
    // Three while the attempt is under way, two when all is over.
    world.until_struck(slow, 1).await;
    for _ in 0..3 {
        world.say(&session, json!({})).await;
    }
    let told = world.outcome(&id).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1");
    for _ in 0..2 {
        world.say(&session, json!({})).await;
    }
    world
        .until("all six events to be heard", async || {
            daemon.metric("confirmd_observed_total", "").await >= 6.0
        })
        .await;
    assert_eq!(daemon.session(&id).await["attempts"], 1);
    assert_eq!(world.calls(&id), ["finalize"]);
    assert!(
        world.alerts_so_far().await.is_empty(),
        "to say the same again is no conflict"
    );
    world.check_each(&[id], "checkout.confirmed.v1").await;
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_contradicts_the_first_raises_a_conflict_until_somebody_acknowledges_it() {
    let Some(mut world) = World::new("conflict").await else {
        return;
    };
    let daemon = world.daemon().await;
    let session = world.session(json!({}));
    let id = world.say(&session, json!({})).await;
    let told = world.outcome(&id).await;
    let other = json!({"chargeAmount": {"amount": "99.99", "currencyCode": "EUR"}});
    world.say(&session, other).await;
    let alert = world.alert(&id, "conflict", "firing").await;
    let action = alert.body["action"].as_str().unwrap();
    assert_eq!(action, format!("confirmd sessions release {id} --reason TEXT"));
    assert_eq!(
        told.body["chargeAmount"]["amount"], "23.45",
        "the first one holds"
    );

    let released = world
        .command(&[
            "sessions",
            "release",
            &id,
            "--reason",
            "the shop had sent a draft",
        ])
        .await;
    assert_eq!(released.code(), 0, "{released:?}");
    let resolved = world.alert(&id, "conflict", "resolved").await;
    assert_eq!(resolved.body["alertId"], alert.body["alertId"]);
    let again = world
        .command(&["sessions", "release", &id, "--reason", "twice"])
        .await;
    assert_eq!(again.code(), 3, "there is nothing left to acknowledge: {again:?}");

    assert_eq!(world.calls(&id), ["finalize"]);
    world.check_each(&[id], "checkout.confirmed.v1").await;
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_event_makes_a_session_that_needs_repair_ready() {
    let Some(mut world) = World::new("amended").await else {
        return;
    };
    let daemon = world.daemon().await;
    let session = world.session(json!({}));
    let id = world.say(&session, json!({"chargeAmount": null})).await;
    let alert = world.alert(&id, "needs-repair", "firing").await;
    assert!(
        alert.body["summary"].as_str().unwrap().contains("chargeAmount"),
        "{alert:?}"
    );
    world.until_state(&daemon, &id, "needs-repair").await;
    assert!(
        !world.calls(&id).contains(&"finalize"),
        "nothing is confirmed without its amount"
    );
    // The very same mistake again is no news.
    world.say(&session, json!({"chargeAmount": null})).await;
    world.say(&session, json!({})).await;
    let told = world.outcome(&id).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    let resolved = world.alert(&id, "needs-repair", "resolved").await;
    assert_eq!(resolved.body["alertId"], alert.body["alertId"]);
    world.check_each(&[id], "checkout.confirmed.v1").await;
    world.end(daemon).await;
}

/// A message without a readable session id: its name here, the field that is to be blamed, headers and bytes.
struct Unreadable {
    field: &'static str,
    headers: Vec<(&'static str, Vec<u8>)>,
    payload: Option<Vec<u8>>,
}

fn unreadable_in_every_way() -> Vec<Unreadable> {
    let bare = |field, payload: &[u8]| Unreadable {
        field,
        headers: vec![("shop-trace", b"7".to_vec())],
        payload: Some(payload.to_vec()),
    };
    let id = "checkoutSessionId";
    vec![
        Unreadable {
            field: "body",
            headers: vec![],
            payload: None,
        },
        bare("body", b""),
        bare("body", b"an order, please"),
        bare("body", b"{\"checkoutSessionId\": \"cut-o"),
        bare("body", b"\xff\xfe{}"),
        bare(id, b"{}"),
        bare(id, b"[1, 2, 3]"),
        bare(id, b"\"7c0a6d1e\""),
        bare(id, br#"{"checkoutSessionId": 4711, "account": "eu_shop"}"#),
        bare(id, br#"{"checkoutSessionId": "", "account": "eu_shop"}"#),
        bare(
            id,
            br#"{"checkoutSessionId": "../../charges/1", "account": "eu_shop"}"#,
        ),
        bare(id, br#"{"checkoutSessionId": "a\u0000b", "account": "eu_shop"}"#),
        bare(
            id,
            format!(r#"{{"checkoutSessionId": "{}"}}"#, "a".repeat(65)).as_bytes(),
        ),
        Unreadable {
            field: "ce_type",
            headers: vec![
                ("ce_type", b"checkout.abandoned.v1".to_vec()),
                ("binary", vec![0, 159, 146, 150]),
            ],
            payload: Some(br#"{"checkoutSessionId": "abandoned-1", "account": "eu_shop"}"#.to_vec()),
        },
        Unreadable {
            field: "type",
            headers: vec![("content-type", b"application/cloudevents+json".to_vec())],
            payload: Some(br#"{"type": "other", "data": {"checkoutSessionId": "other-1"}}"#.to_vec()),
        },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_no_readable_session_id_is_set_aside_unchanged_and_holds_up_nobody() {
    let Some(mut world) = World::new("unreadable").await else {
        return;
    };
    let daemon = world.daemon().await;
    let mut good = Vec::new();
    let mut sent = Vec::new();
    for (number, unreadable) in unreadable_in_every_way().into_iter().enumerate() {
        let key = (number % 2 == 0).then_some(b"a key".as_slice());
        let headers: Vec<(&str, &[u8])> = unreadable
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_slice()))
            .collect();
        let payload = unreadable.payload.as_deref();
        let (partition, offset) = world.shop.send_to(1, key, &headers, payload).await.unwrap();
        let source = format!("{}/{partition}/{offset}", world.kafka.completed_topic);
        sent.push((source, key, unreadable));
        // A good one behind it, in the same partition.
        let session = world.session(json!({}));
        let event = world.event(&session, json!({})).to_string();
        let (behind, _) = world
            .shop
            .send_to(1, None, &[], Some(event.as_bytes()))
            .await
            .unwrap();
        assert_eq!(behind, partition);
        good.push(session["checkoutSessionId"].as_str().unwrap().to_owned());
    }
    world.outcomes(&good).await;
    for (source, _, _) in &sent {
        let alert = world.alert(source, "dead-letter", "firing").await;
        assert_eq!(alert.body["checkoutSessionId"], Value::Null);
        assert!(alert.body["summary"].as_str().unwrap().contains(source.as_str()));
    }
    let letters = world.everything_on(&world.kafka.dead_letter_topic).await;
    assert_eq!(letters.len(), sent.len());
    for (source, key, unreadable) in &sent {
        let letter = letters
            .iter()
            .find(|letter| letter.header("confirmd_source") == Some(source));
        let letter = letter.unwrap_or_else(|| panic!("{source} is lost"));
        assert_eq!(
            letter.header("confirmd_field"),
            Some(unreadable.field),
            "{source}"
        );
        assert!(
            letter
                .header("confirmd_reason")
                .is_some_and(|reason| !reason.is_empty())
        );
        let as_it_was: Vec<(String, Option<Vec<u8>>)> = unreadable
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some(value.clone())))
            .collect();
        assert_eq!(letter.headers[..letter.headers.len() - 3], as_it_was);
        assert_eq!(letter.key.as_deref(), *key);
        assert_eq!(letter.payload, unreadable.payload);
    }
    assert!(daemon.metric("confirmd_dead_letters_total", "").await >= 1.0);
    world.check_each(&good, "checkout.confirmed.v1").await;
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_account_is_told_of_and_never_confirmed() {
    let Some(mut world) = World::new("watched").await else {
        return;
    };
    world.set("accounts.eu_shop.mode", "watch");
    let daemon = world.daemon().await;
    let session = world.session(json!({}));
    let confirmed = world.say(&session, json!({})).await;
    let forgotten = world.completed(json!({}), json!({})).await;
    for id in [&confirmed, &forgotten] {
        let looked = |shown: &Value| shown["deadlineFrom"] == "look-up";
        world.shown(&daemon, id, "the first look", looked).await;
        assert_eq!(world.calls(id), ["get"]);
    }
    world.shop_front_completes(&session).await.unwrap();
    // The first threshold is six hours before the deadline.
    world.pass(Duration::from_secs(18 * 3600 + 60));
    let told = world.outcome(&confirmed).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1");
    assert_eq!(told.body["evidence"], "look-up");
    world.alert(&forgotten, "deadline-near", "firing").await;
    world.at_rest(&daemon, std::slice::from_ref(&forgotten)).await;
    world.pass(Duration::from_secs(6 * 3600));
    let told = world.outcome(&forgotten).await;
    assert_eq!(told.event_type, "checkout.expired.v1");
    world.alert(&forgotten, "deadline-near", "resolved").await;

    assert_eq!(world.calls(&confirmed), ["get", "complete", "get", "charge"]);
    assert!(world.calls(&forgotten).iter().all(|call| *call == "get"));
    let alerts = world.alerts_so_far().await;
    assert!(
        alerts
            .iter()
            .all(|alert| alert.session.as_ref() != Some(&confirmed)),
        "what was confirmed elsewhere needs nobody: {alerts:?}"
    );
    world.check_each(&[confirmed], "checkout.confirmed.v1").await;
    world.check_each(&[forgotten], "checkout.expired.v1").await;
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_takes_the_good_lines_and_names_the_bad() {
    let Some(mut world) = World::new("imported").await else {
        return;
    };
    let daemon = world.daemon().await;
    let sessions: Vec<Value> = (0..3).map(|_| world.session(json!({}))).collect();
    let ids: Vec<String> = sessions
        .iter()
        .map(|session| session["checkoutSessionId"].as_str().unwrap().to_owned())
        .collect();
    let line = |at: usize, changes: Value| world.event(&sessions[at], changes).to_string();
    let file = world.dir().join("orders.jsonl");
    let text = [
        line(0, json!({})),
        "an order, please".to_owned(),
        String::new(),
        line(1, json!({})),
        line(1, json!({"checkoutSessionId": "no/path"})),
        line(2, json!({"chargeAmount": null})),
        line(0, json!({})),
    ]
    .join("\n");
    std::fs::write(&file, text).unwrap();
    let path = file.to_str().unwrap();
    let imported = world.command(&["sessions", "import", path, "--json"]).await;
    assert_eq!(imported.code(), 3, "{imported:?}");
    let said: Value = serde_json::from_str(&imported.stdout).unwrap();
    assert_eq!(said["taken"], 4);
    let bad: Vec<(&Value, &Value)> = said["bad"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bad| (&bad["line"], &bad["field"]))
        .collect();
    assert_eq!(
        bad,
        [
            (&json!(2), &json!("body")),
            (&json!(5), &json!("checkoutSessionId"))
        ]
    );

    // The daemon takes them up from the log, and looks each up before it confirms it.
    for id in &ids[..2] {
        let told = world.outcome(id).await;
        assert_eq!(told.event_type, "checkout.confirmed.v1");
        assert_eq!(world.calls(id), ["get", "finalize"]);
    }
    world.alert(&ids[2], "needs-repair", "firing").await;
    let listed = world.json(&["sessions", "list", "--state", "needs-repair"]).await;
    assert_eq!(listed[0]["checkoutSessionId"], ids[2]);

    // For people: the file and the line, and what to do about it.
    let again = world.command(&["sessions", "import", path]).await;
    assert_eq!(again.code(), 3);
    assert!(again.stderr.contains(&format!("{path}:2: `body`")), "{again:?}");
    assert!(again.stdout.contains("4 taken, 2 bad"), "{again:?}");
    world.check_each(&ids[..2], "checkout.confirmed.v1").await;
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_good_lines_needs_no_kafka_and_no_daemon() {
    let Some(mut world) = World::new("imported-ahead").await else {
        return;
    };
    let session = world.session(json!({}));
    let id = session["checkoutSessionId"].as_str().unwrap().to_owned();
    let file = world.dir().join("orders.jsonl");
    std::fs::write(&file, world.event(&session, json!({})).to_string()).unwrap();
    let imported = world
        .command(&["sessions", "import", file.to_str().unwrap()])
        .await;
    assert_eq!(imported.code(), 0, "{imported:?}");
    // Something is in its way at first, so that it is seen to be kept at.
    let refused =
        json!({"operation": "finalize", "when": "before", "kind": "status", "status": 503, "times": 1});
    let refused = world.fault(refused);
    let daemon = world.daemon().await;
    world.outcome(&id).await;
    assert_eq!(world.struck(refused), 1);
    world.check_each(&[id], "checkout.confirmed.v1").await;
    world.end(daemon).await;
}
