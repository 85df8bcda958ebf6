//! What is kept of people, for how long, and that everything else still works when it is gone.

use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{Daemon, World};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const BUYER: &str = "quintessa@vollmondschein.example";

impl World {
    /// What `sessions show --personal` adds.
    async fn personal(&self, id: &str) -> Value {
        self.json(&["sessions", "show", id, "--personal"]).await["personal"].clone()
    }

    async fn until_personal(&self, id: &str, what: &str, holds: impl Fn(&Value) -> bool) {
        self.until(what, async || holds(&self.personal(id).await)).await;
    }

    fn asked_for_details(&self, id: &str) -> usize {
        let calls = self.calls(id);
        calls.iter().filter(|call| **call == "permission").count()
    }

    /// Everything that is told of a session without asking for personal data.
    async fn told_of(&self, daemon: &Daemon, id: &str) -> String {
        let mut told = daemon.get("/metrics").await.1 + &daemon.said();
        for path in ["", "/outcome"] {
            told += &daemon.get(&format!("/api/sessions/{id}{path}")).await.1;
        }
        for arguments in [&["sessions", "show", id][..], &["sessions", "show", id, "--json"]] {
            let said = self.command(arguments).await;
            told += &(said.stdout + &said.stderr);
        }
        for topic in [&self.kafka.outcomes_topic, &self.kafka.alerts_topic] {
            for record in self.everything_on(topic).await {
                for (_, value) in record.headers {
                    told += &String::from_utf8(value.unwrap_or_default()).unwrap();
                }
                told += &String::from_utf8(record.payload.unwrap_or_default()).unwrap();
            }
        }
        told
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_the_buyer_is_is_kept_for_its_time_and_what_remains_is_as_good_as_before() {
    let Some(mut world) = World::new("keeping").await else {
        return;
    };
    world.set("keep.permission_details", true);
    world.set("keep.permission_details_for", "60d");
    let daemon = world.daemon_at_work().await;
    let session = world.session(json!({"buyer": {"email": BUYER}}));
    // Not at the first time: it is asked for again.
    let id = session["checkoutSessionId"].as_str().unwrap().to_owned();
    let fault = world.fault(json!({
        "operation": "permission", "when": "before", "kind": "status", "status": 503, "session": id, "times": 1,
    }));
    world.say(&session, json!({})).await;
    world.outcome(&id).await;
    world
        .until_personal(&id, "the buyer's details", |kept| {
            kept["permissionDetails"].is_object()
        })
        .await;
    assert_eq!((world.struck(fault), world.asked_for_details(&id)), (1, 2));
    let kept = world.personal(&id).await;
    let details = &kept["permissionDetails"];
    assert_eq!(details["buyer"]["email"], BUYER);
    assert_eq!(details["buyer"]["name"], session["buyer"]["name"]);
    assert_eq!(
        details["shippingAddress"]["city"],
        session["shippingAddress"]["city"]
    );
    assert_eq!(
        details["paymentDescriptors"],
        json!(["Visa ****1111 (Amazon Pay)"])
    );
    let shown = world.command(&["sessions", "show", &id, "--personal"]).await;
    assert!(shown.stdout.contains(BUYER), "{shown:?}");
    assert!(!world.told_of(&daemon, &id).await.contains(BUYER));
    let before = daemon.session(&id).await;

    // What the shop said has another keep.
    world.at_rest(&daemon, std::slice::from_ref(&id)).await;
    world.pass(31 * DAY);
    world
        .until_personal(&id, "the end of one keep", |kept| kept["erased"] == true)
        .await;
    let kept = world.personal(&id).await;
    assert_eq!((&kept["statements"], &kept["found"]), (&json!([]), &Value::Null));
    assert_eq!(kept["permissionDetails"]["buyer"]["email"], BUYER);
    world.pass(30 * DAY);
    world
        .until_personal(&id, "the end of the other", |kept| {
            kept["permissionDetails"].is_null()
        })
        .await;
    for table in ["personal", "bodies", "permission_details"] {
        assert_eq!(
            world.sql(&format!("SELECT count(*) FROM {table}")).trim(),
            "0",
            "{table}"
        );
    }
    for what in ["personal-data", "permission-details"] {
        let erased = daemon
            .metric("confirmd_erased_total", &format!("what=\"{what}\""))
            .await;
        assert!((erased - 1.0).abs() < f64::EPSILON, "{what}: {erased}");
    }

    // An event that comes now, the same or another, is none of a session that is known.
    let observed = daemon.metric("confirmd_observed_total", "").await;
    world.say(&session, json!({})).await;
    world
        .say(
            &session,
            json!({"shippingAddress": {"name": "Somebody Else", "countryCode": "DE"}}),
        )
        .await;
    let next = world.completed(json!({}), json!({})).await;
    world.outcome(&next).await;
    world
        .until("the late events", async || {
            observed + 3.0 <= daemon.metric("confirmd_observed_total", "").await
        })
        .await;
    assert_eq!(daemon.session(&id).await, before);
    assert!(
        world
            .alerts_so_far()
            .await
            .iter()
            .all(|alert| alert.session.as_ref() != Some(&id))
    );
    assert_eq!(
        world.sql(&format!("SELECT * FROM personal WHERE session_id = '{id}'")),
        ""
    );
    world
        .until_personal(&next, "the next buyer's details", |kept| {
            kept["permissionDetails"].is_object()
        })
        .await;
    assert_eq!(world.asked_for_details(&id), 2, "it is not asked for again");
    world.check_each(&[id, next], "checkout.confirmed.v1").await;
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_asks_who_the_buyer_is_unless_that_is_wanted() {
    let Some(mut world) = World::new("not-keeping").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let early = world
        .completed(json!({"buyer": {"email": BUYER}}), json!({}))
        .await;
    world.outcome(&early).await;
    world.pass(DAY);
    world
        .until("an erasure's count", async || {
            daemon.get("/metrics").await.1.contains("confirmd_erased_total")
        })
        .await;
    assert_eq!(world.asked_for_details(&early), 0);
    let finished = daemon.terminate().await;
    assert!(finished.status.success(), "{finished:?}");
    // Once it is, those are wanted too of whom Amazon still tells.
    world.set("keep.permission_details", true);
    let daemon = world.daemon_at_work().await;
    world
        .until_personal(&early, "the details", |kept| {
            kept["permissionDetails"]["buyer"]["email"] == BUYER
        })
        .await;
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_that_its_topic_does_not_take_is_kept_no_longer_than_personal_data() {
    let Some(mut world) = World::new("keeping-letters").await else {
        return;
    };
    // A letter that the topic takes stays there, whatever is in it.
    world.set("kafka.properties.message.max.bytes", "20000");
    let daemon = world.daemon_at_work().await;
    let large = format!("{BUYER} {}", "x".repeat(30_000));
    for letter in [large.as_str(), BUYER] {
        let sent = world.shop.send(None, &[], Some(letter.as_bytes())).await;
        let (partition, offset) = sent.unwrap();
        let source = format!("{}/{partition}/{offset}", world.kafka.completed_topic);
        world.alert(&source, "dead-letter", "firing").await;
    }
    let kept = || world.sql("SELECT length(payload) FROM dead_letters");
    assert_eq!(kept().trim(), large.len().to_string());
    world.pass(31 * DAY);
    world
        .until("the end of its keep", async || kept().is_empty())
        .await;
    daemon
        .line("1 dead letters that their topic has not taken were erased")
        .await;
    let letters = world.everything_on(&world.kafka.dead_letter_topic).await;
    let payloads: Vec<_> = letters.iter().map(|letter| letter.payload.as_deref()).collect();
    assert_eq!(payloads, [Some(BUYER.as_bytes())]);
    world.end(daemon).await;
}
