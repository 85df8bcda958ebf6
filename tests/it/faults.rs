//! What breaks between Amazon and us, and that nobody is charged twice or told wrongly for it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sandbox::{Effect, Unknowns};
use serde_json::{Value, json};

use crate::world::{World, confirmations, operations, repeats};

/// The fault, for one session only.
fn of(session: &Value, mut fault: Value) -> Value {
    fault["session"] = session["checkoutSessionId"].clone();
    fault
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_after_its_effect_is_found_by_a_look_up() {
    let Some(mut world) = World::new("lost_answer").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    for how in [
        json!({"kind": "reset"}),
        json!({"kind": "truncate"}),
        json!({"kind": "status", "status": 500}),
        json!({"kind": "html", "status": 504}),
    ] {
        let session = world.session(json!({}));
        let mut fault = json!({"operation": "finalize", "when": "after", "times": 1});
        fault
            .as_object_mut()
            .unwrap()
            .extend(how.as_object().unwrap().clone());
        let fault = world.fault(of(&session, fault));
        let id = world.say(&session, json!({})).await;
        let told = world.told(&id, |_| true).await;
        assert_eq!(told.event_type, "checkout.confirmed.v1", "{how}: {told:?}");
        assert_eq!(told.body["evidence"], "look-up", "{how}");
        assert_eq!(told.body["payment"], "Captured", "{how}");
        assert_eq!(world.struck(fault), 1);
        let book = world.book(&id);
        assert_eq!(operations(&book), ["finalize", "get", "charge"], "{how}");
        let lost = &book.calls[0];
        assert_eq!(
            (lost.fault.unwrap().id, lost.effect),
            (fault, Some(Effect::Completed)),
            "{how}"
        );
        assert_eq!(told.body["chargeId"], book.charges[0].charge_id);
    }
    let totals = world.sandbox.books().totals["EUR"].clone();
    assert_eq!((totals.charges, totals.captured), (4, "93.80".parse().unwrap()));
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_may_have_landed_the_same_request_is_repeated_and_a_look_up_comes_first() {
    let Some(mut world) = World::new("in_doubt").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let before = |how: Value| {
        let mut fault = json!({"operation": "finalize", "when": "before", "times": 1});
        fault
            .as_object_mut()
            .unwrap()
            .extend(how.as_object().unwrap().clone());
        fault
    };
    let timed_out = json!({"status": 422, "reasonCode": "TransactionTimedOut", "times": 1});
    for (refuse, faults) in [
        (json!(null), vec![before(json!({"kind": "reset"}))]),
        (json!(null), vec![before(json!({"kind": "html"}))]),
        (
            json!(null),
            vec![before(json!({"kind": "status", "status": 408}))],
        ),
        (
            json!(null),
            vec![before(json!({"kind": "status", "status": 500, "times": 2}))],
        ),
        // That it is throttled later says nothing of what came before.
        (
            json!(null),
            vec![
                before(json!({"kind": "reset"})),
                before(json!({"kind": "status", "status": 429})),
            ],
        ),
        (timed_out, vec![]),
    ] {
        let session = world.session(json!({"refuse": refuse}));
        let posted: Vec<u64> = faults
            .iter()
            .map(|fault| world.fault(of(&session, fault.clone())))
            .collect();
        let id = world.say(&session, json!({})).await;
        let told = world.told(&id, |_| true).await;
        assert_eq!(told.event_type, "checkout.confirmed.v1", "{faults:?}: {told:?}");
        assert_eq!(told.body["evidence"], "answer", "{faults:?}");
        assert_eq!(told.body["payment"], "Captured", "{faults:?}");
        let mut strikes = u64::from(!refuse.is_null());
        for (fault, posted) in faults.iter().zip(posted) {
            let struck = world.struck(posted);
            assert_eq!(json!(struck), fault["times"]);
            strikes += struck;
        }
        let book = world.book(&id);
        let tries = confirmations(&book);
        assert_eq!(tries.len() as u64, strikes + 1, "{book:#?}");
        assert!(tries.iter().all(|again| repeats(tries[0], again)), "{book:#?}");
        let one_after_the_other = operations(&book).windows(2).any(|calls| calls == ["finalize"; 2]);
        assert!(!one_after_the_other, "nobody looked in between: {book:#?}");
    }
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_amazon_may_only_repeat_from_memory_is_met_with_a_new_key() {
    let Some(mut world) = World::new("stored_error").await else {
        return;
    };
    world.sandbox.set_unknowns(Unknowns {
        replay_errors: true,
        ..Unknowns::default()
    });
    let daemon = world.daemon_at_work().await;
    let session = world.session(json!({}));
    let once = json!({"operation": "finalize", "when": "before", "kind": "status", "times": 1});
    let fault = world.fault(of(&session, once));
    let id = world.say(&session, json!({})).await;
    let told = world.told(&id, |_| true).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    assert_eq!(world.struck(fault), 1);
    let book = world.book(&id);
    let tries = confirmations(&book);
    let replayed: Vec<bool> = tries.iter().map(|call| call.replayed).collect();
    assert_eq!(replayed, [false, true, true, false], "{book:#?}");
    assert!(
        tries[..3].iter().all(|again| repeats(tries[0], again)),
        "{book:#?}"
    );
    assert_ne!(tries[0].idempotency_key, tries[3].idempotency_key);
    assert_eq!(tries[0].body_sha256, tries[3].body_sha256);
    // An attempt whose turn came too late was never sent: Amazon is asked again before the next.
    let mut asked = operations(&book);
    asked.dedup();
    assert_eq!(
        asked,
        [
            "finalize", "get", "finalize", "get", "finalize", "get", "finalize"
        ]
    );
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_attempt_is_no_doubt_and_is_tried_again_under_a_new_key() {
    let Some(mut world) = World::new("throttled").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let session = world.session(json!({}));
    let throttle =
        json!({"operation": "finalize", "when": "before", "kind": "status", "status": 429, "times": 3});
    let fault = world.fault(of(&session, throttle));
    let id = world.say(&session, json!({})).await;
    let told = world.told(&id, |_| true).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    assert_eq!(told.body["evidence"], "answer");
    assert_eq!(world.struck(fault), 3);
    let book = world.book(&id);
    let tries = confirmations(&book);
    let answers: Vec<Option<u16>> = tries.iter().map(|call| call.status).collect();
    assert_eq!(answers, [Some(429), Some(429), Some(429), Some(200)], "{book:#?}");
    for (one, next) in tries.iter().zip(&tries[1..]) {
        assert_ne!(one.idempotency_key, next.idempotency_key);
        assert_eq!(one.body_sha256, next.body_sha256);
    }
    let shown = world.shown(&daemon, &id, "its history", |_| true).await;
    let facts: Vec<&str> = shown["history"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|fact| fact["type"].as_str())
        .collect();
    assert!(!facts.contains(&"confirmation-unclear"), "{facts:?}");
    world.end(daemon).await;
}

/// From the record of the attempt to the record that its answer never came.
fn until_unclear(shown: &Value) -> SignedDuration {
    let history = shown["history"].as_array().unwrap();
    let unclear = history
        .iter()
        .position(|fact| fact["type"] == "confirmation-unclear")
        .unwrap_or_else(|| panic!("never unclear: {shown:#}"));
    let started = history[..unclear]
        .iter()
        .rfind(|fact| fact["type"] == "confirmation-started")
        .unwrap_or_else(|| panic!("never started: {shown:#}"));
    let at = |fact: &Value| fact["at"].as_str().unwrap().parse::<Timestamp>().unwrap();
    at(&history[unclear]).duration_since(at(started))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_hangs_is_given_up_and_in_doubt_until_a_look_up_tells() {
    let Some(mut world) = World::new("hang").await else {
        return;
    };
    world.set("retry.attempt_timeout", "10s");
    let daemon = world.daemon_at_work().await;
    for (when, evidence, tries) in [("before", "answer", 2), ("after", "look-up", 1)] {
        let session = world.session(json!({}));
        let hang = json!({"operation": "finalize", "when": when, "kind": "hang", "times": 1});
        let fault = world.fault(of(&session, hang));
        let id = world.say(&session, json!({})).await;
        let told = world.told(&id, |_| true).await;
        assert_eq!(told.event_type, "checkout.confirmed.v1", "{when}: {told:?}");
        assert_eq!(told.body["evidence"], evidence, "{when}");
        assert_eq!(told.body["payment"], "Captured");
        assert_eq!(world.struck(fault), 1);
        let book = world.book(&id);
        let calls = confirmations(&book);
        assert_eq!(calls.len(), tries, "{when}: {book:#?}");
        assert!(
            calls.iter().all(|again| repeats(calls[0], again)),
            "{when}: {book:#?}"
        );
        assert_eq!((calls[0].status, calls[0].fault.unwrap().id), (None, fault));
        let shown = world.shown(&daemon, &id, "its history", |_| true).await;
        assert!(
            SignedDuration::from_secs(10) <= until_unclear(&shown),
            "{when}: it was not given its time: {shown:#}"
        );
    }
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doubt_that_lasts_is_told_to_people_and_over_when_amazon_can_be_asked_again() {
    let Some(mut world) = World::new("lasting_doubt").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let session = world.session(json!({}));
    let post = |fault: Value| world.fault(of(&session, fault));
    let lost = post(json!({"operation": "finalize", "when": "after", "kind": "reset", "times": 1}));
    let blind = post(json!({"operation": "get", "when": "before", "kind": "html"}));
    let id = world.say(&session, json!({})).await;
    let failed = |shown: &Value| shown["history"].to_string().contains("look-up-deferred");
    let shown = world.shown(&daemon, &id, "a look-up that fails", failed).await;
    assert_eq!(
        (&shown["state"], &shown["mayHaveLanded"]),
        (&json!("in-doubt"), &json!(true))
    );

    world.clock.advance(Duration::from_secs(5 * 60)).unwrap();
    let fired = world.alert(&id, "in-doubt", "firing").await;
    assert_eq!(fired.body["severity"], "page");
    assert_eq!(fired.body["action"], format!("confirmd sessions show {id}"));
    world
        .until("another look-up", async || 1 < world.struck(blind))
        .await;
    assert_eq!(
        confirmations(&world.book(&id)).len(),
        1,
        "nothing is repeated blindly"
    );

    world.sandbox.clear_faults();
    // Get Charge, which has to tell what became of the money, fails at first.
    let failing = json!({"operation": "charge", "when": "before", "kind": "status", "times": 2});
    let failing = world.fault(of(&session, failing));
    let told = world.outcome_when_due(&daemon, &id).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    assert_eq!(told.body["evidence"], "look-up");
    assert_eq!(told.body["payment"], "Captured");
    let resolved = world.alert(&id, "in-doubt", "resolved").await;
    assert_eq!(resolved.body["alertId"], fired.body["alertId"]);
    assert_eq!((world.struck(lost), world.struck(failing)), (1, 2));
    world.end(daemon).await;
}
