//! What Amazon may answer, and what is told of it: pending payments, refusals, sessions in another state, ids
//! that nobody knows, amounts that differ, and an account that is not accepted.

use std::time::Duration;

use sandbox::{Buyer, BuyerAction, ChargeState, MerchantStatus, PendingState, Unknowns};
use serde_json::{Value, json};

use crate::world::{World, confirmations, operations};

const PAYMENT_DECLINED: &str = "Your payment was not successful. Please try another payment method.";
const SETUP_DECLINED: &str =
    "Your request to save Amazon Pay as a payment method was not successful. Please try again.";

/// The overrides of a session whose payment Amazon decides later.
fn pending(card: &str) -> Value {
    json!({
        "card": card,
        "pendingFor": "5m",
        "paymentDetails": {"paymentIntent": "Authorize", "canHandlePendingAuthorization": true},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_payment_is_told_as_pending_and_then_as_amazon_decides_it() {
    let Some(mut world) = World::new("pending").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    for (card, outcome, state) in [
        ("0701", "checkout.confirmed.v1", ChargeState::Authorized),
        ("4354", "checkout.declined.v1", ChargeState::Declined),
    ] {
        let id = world.completed(pending(card), json!({})).await;
        let told = world.told(&id, |_| true).await;
        assert_eq!(
            told.event_type, "checkout.payment-pending.v1",
            "nothing ships on it: {told:?}"
        );
        assert_eq!(told.body["evidence"], "answer");
        let book = world.book(&id);
        assert_eq!(book.charges[0].state, ChargeState::AuthorizationInitiated);
        assert_eq!(told.body["chargeId"], book.charges[0].charge_id);
        assert_eq!(told.body["chargePermissionId"], json!(book.charge_permission_id));

        let decided = world.outcome_when_due(&daemon, &id).await;
        assert_eq!(decided.event_type, outcome, "{decided:?}");
        assert!(told.sequence < decided.sequence);
        let book = world.book(&id);
        assert_eq!(book.charges[0].state, state);
        assert_eq!(confirmations(&book).len(), 1, "{book:#?}");
        assert!(
            2 < book.calls.len(),
            "its charge was asked about until it was decided: {book:#?}"
        );
        if state == ChargeState::Authorized {
            assert_eq!(decided.body["payment"], "Authorized");
            assert_eq!(decided.body["evidence"], "answer");
        } else {
            assert_eq!(decided.body["reasonCode"], "HardDeclined");
            assert_eq!(decided.body["buyerAction"], "RestartCheckout");
            assert_eq!(decided.body["buyerMessage"], PAYMENT_DECLINED);
        }
    }
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_202_that_was_lost_is_pending_whatever_state_the_session_shows() {
    let Some(mut world) = World::new("lost_202").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    for shown in [PendingState::Completed, PendingState::Open] {
        world.sandbox.set_unknowns(Unknowns {
            pending_session_state: shown,
            ..Unknowns::default()
        });
        let session = world.session(pending("0701"));
        let lost = json!({"operation": "finalize", "when": "after", "kind": "reset", "times": 1});
        let fault = world.fault(lost);
        let id = world.say(&session, json!({})).await;
        let told = world.told(&id, |_| true).await;
        assert_eq!(
            told.event_type, "checkout.payment-pending.v1",
            "{shown:?}: {told:?}"
        );
        assert_eq!(told.body["evidence"], "look-up");
        let decided = world.outcome_when_due(&daemon, &id).await;
        assert_eq!(
            decided.event_type, "checkout.confirmed.v1",
            "{shown:?}: {decided:?}"
        );
        assert_eq!(decided.body["payment"], "Authorized");
        assert_eq!(decided.body["evidence"], "look-up");
        assert_eq!(world.struck(fault), 1);
        assert_eq!(confirmations(&world.book(&id)).len(), 1, "{shown:?}");
    }
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_ends_the_session_is_told_with_amazons_words_for_the_buyer() {
    let Some(mut world) = World::new("declined").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let setup = json!({"chargePermissionType": "PaymentMethodOnFile", "card": "3434"});
    let set_up = json!({"operation": "Complete", "chargeAmount": null, "paymentIntent": null});
    for (session, event, reason, message) in [
        (json!({"card": "3434"}), json!({}), "Declined", PAYMENT_DECLINED),
        (
            json!({"card": "3064"}),
            json!({}),
            "BuyerCanceled",
            PAYMENT_DECLINED,
        ),
        (setup, set_up, "Declined", SETUP_DECLINED),
    ] {
        let id = world.completed(session, event).await;
        let told = world.told(&id, |_| true).await;
        assert_eq!(told.event_type, "checkout.declined.v1", "{told:?}");
        assert_eq!(told.body["reasonCode"], reason);
        assert_eq!(told.body["buyerAction"], "RestartCheckout");
        assert_eq!(told.body["buyerMessage"], message);
        assert_eq!(told.body["evidence"], "look-up", "a refusal alone is no outcome");
        let book = world.book(&id);
        let answered: Vec<Option<u16>> = book.calls.iter().map(|call| call.status).collect();
        assert_eq!(answered, [Some(422), Some(200)], "{book:#?}");
        assert_eq!(
            (book.state, book.reason_code.as_deref()),
            ("Canceled", Some(reason))
        );
        assert!(book.charges.is_empty());
    }
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_declined_with_the_session_still_open_is_the_buyers_to_mend_and_never_ours() {
    let Some(mut world) = World::new("attempt_declined").await else {
        return;
    };
    // Otherwise it is forsworn half an hour before its deadline, and its end is "cancelled".
    world.set("deadline.near", "alert");
    let daemon = world.daemon_at_work().await;
    let refuse = json!({"refuse": {"status": 422, "reasonCode": "SoftDeclined"}});
    let mended = world.session(refuse.clone());
    let left = world.session(refuse);
    let (mended_id, left_id) = (
        world.say(&mended, json!({})).await,
        world.say(&left, json!({})).await,
    );
    for id in [&mended_id, &left_id] {
        let told = world.told(id, |_| true).await;
        assert_eq!(told.event_type, "checkout.attempt-declined.v1", "{told:?}");
        assert_eq!(told.body["reasonCode"], "SoftDeclined");
        assert_eq!(told.body["buyerAction"], "RestartCheckout");
        assert_eq!(told.body["buyerMessage"], PAYMENT_DECLINED);
    }

    // The buyer chooses another instrument, and the shop front confirms what the buyer has just agreed to.
    world
        .sandbox
        .buyer(
            &mended_id,
            Buyer {
                action: BuyerAction::Finish,
                card: Some("1111".to_owned()),
            },
        )
        .unwrap();
    world.shop_front_completes(&mended).await.unwrap();
    let told = world.outcome_when_due(&daemon, &mended_id).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    assert_eq!(told.body["payment"], "Captured");
    assert_eq!(told.body["evidence"], "look-up");

    // The other buyer never comes back.
    world.clock.advance(Duration::from_secs(24 * 60 * 60)).unwrap();
    let told = world.outcome_when_due(&daemon, &left_id).await;
    assert_eq!(told.event_type, "checkout.expired.v1", "{told:?}");
    assert_eq!(told.body["buyerAction"], "RestartCheckout");
    for (id, calls) in [(&mended_id, 2), (&left_id, 1)] {
        let book = world.book(id);
        assert_eq!(
            confirmations(&book).len(),
            calls,
            "ours is the first alone: {book:#?}"
        );
    }
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_in_no_state_to_be_confirmed_is_looked_up_and_told_as_it_is() {
    let Some(mut world) = World::new("another_state").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;

    // The shop front was quicker.
    let session = world.session(json!({}));
    world.shop_front_completes(&session).await.unwrap();
    let id = world.say(&session, json!({})).await;
    let told = world.outcome(&id).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    assert_eq!(told.body["evidence"], "look-up");
    assert_eq!(told.body["payment"], "Captured");
    let book = world.book(&id);
    assert_eq!(operations(&book), ["complete", "finalize", "get", "charge"]);
    assert_eq!(
        book.calls[1].reason_code.as_deref(),
        Some("InvalidCheckoutSessionStatus")
    );
    assert_eq!(told.body["chargeId"], book.charges[0].charge_id);

    // The buyer went back to Amazon's page and cancelled.
    let session = world.session(json!({}));
    let id = session["checkoutSessionId"].as_str().unwrap();
    world.sandbox.buyer(id, BuyerAction::Cancel).unwrap();
    let id = world.say(&session, json!({})).await;
    let told = world.outcome(&id).await;
    assert_eq!(told.event_type, "checkout.declined.v1", "{told:?}");
    assert_eq!(told.body["reasonCode"], "BuyerCanceled");
    let book = world.book(&id);
    assert_eq!(operations(&book), ["finalize", "get"]);
    assert_eq!(
        book.calls[0].reason_code.as_deref(),
        Some("InvalidCheckoutSessionStatus")
    );
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_who_is_not_done_is_waited_for_and_confirmed_under_a_new_key() {
    let Some(mut world) = World::new("not_done").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let session = world.session(json!({}));
    let id = session["checkoutSessionId"].as_str().unwrap();
    world.sandbox.buyer(id, BuyerAction::Leave).unwrap();
    let id = world.say(&session, json!({})).await;
    let looked_up = |shown: &Value| history(shown).contains(&"looked-up");
    let shown = world.shown(&daemon, &id, "the look-up", looked_up).await;
    assert_eq!(
        (&shown["state"], &shown["mayHaveLanded"]),
        (&json!("waiting"), &json!(false))
    );
    assert!(world.when_due(&daemon, &id).await);
    world
        .until("a second try", async || {
            let book = world.book(&id);
            // Until it is answered, what the buyer does meanwhile may count.
            let second = confirmations(&book).get(1).and_then(|call| call.status);
            second.is_some()
        })
        .await;
    world.sandbox.buyer(&id, BuyerAction::Finish).unwrap();
    let told = world.outcome_when_due(&daemon, &id).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    assert_eq!(told.body["evidence"], "answer");
    let book = world.book(&id);
    let tries = confirmations(&book);
    let answers: Vec<Option<u16>> = tries.iter().map(|call| call.status).collect();
    assert_eq!(answers, [Some(422), Some(422), Some(200)], "{book:#?}");
    assert_ne!(tries[0].idempotency_key, tries[1].idempotency_key);
    assert_ne!(tries[1].idempotency_key, tries[2].idempotency_key);
    assert_eq!(tries[0].body_sha256, tries[2].body_sha256);
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_amazon_does_not_know_needs_repair_and_is_unresolved_if_nobody_repairs_it() {
    let Some(mut world) = World::new("unknown_id").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    // Told with the account of another region, which does not have it; and one that nobody has.
    let misplaced = world.session(json!({"account": "us_shop"}));
    let mut nobodys = world.session(json!({}));
    nobodys["checkoutSessionId"] = json!("00000000-0000-4000-8000-000000000000");
    let misplaced_id = world.say(&misplaced, json!({})).await;
    let nobodys_id = world.say(&nobodys, json!({})).await;
    for id in [&misplaced_id, &nobodys_id] {
        let alert = world.alert(id, "needs-repair", "firing").await;
        let summary = alert.body["summary"].as_str().unwrap();
        assert!(summary.contains("Amazon Pay knows no such session"), "{summary}");
        assert_eq!(
            alert.body["action"],
            format!("confirmd sessions release {id} --reason TEXT")
        );
    }

    world.say(&misplaced, json!({"account": "us_shop"})).await;
    let told = world.outcome(&misplaced_id).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    assert_eq!(told.body["account"], "us_shop");
    world.alert(&misplaced_id, "needs-repair", "resolved").await;

    let told = world.outcome_when_due(&daemon, &nobodys_id).await;
    assert_eq!(told.event_type, "checkout.unresolved.v1", "{told:?}");
    assert_eq!(told.body["evidence"], "none");
    let shown = world.shown(&daemon, &nobodys_id, "its end", |_| true).await;
    let past_the_deadline = shown["history"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|fact| fact["type"] == "looked-up" && shown["deadline"].as_str() < fact["at"].as_str())
        .count();
    assert!(3 <= past_the_deadline, "{shown:#}");
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_that_differs_is_told_to_people_and_confirmed_once_the_shop_has_amended_it() {
    let Some(mut world) = World::new("amount").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let session = world.session(json!({}));
    let wrong = json!({"chargeAmount": {"amount": "99.99", "currencyCode": "EUR"}});
    let id = world.say(&session, wrong).await;
    let alert = world.alert(&id, "needs-repair", "firing").await;
    let summary = alert.body["summary"].as_str().unwrap();
    assert!(
        summary.contains("409 AmountMismatch chargeAmount: '99.99 EUR' differs from the session's"),
        "{summary}"
    );
    assert_eq!(alert.body["chargeAmount"]["amount"], "99.99");
    assert_eq!(alert.body["severity"], "ticket");

    world.say(&session, json!({})).await;
    let told = world.outcome(&id).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    assert_eq!(told.body["evidence"], "answer");
    assert_eq!(told.body["chargeAmount"]["amount"], "23.45");
    let resolved = world.alert(&id, "needs-repair", "resolved").await;
    assert_eq!(resolved.body["alertId"], alert.body["alertId"]);
    let book = world.book(&id);
    let [refused, confirmed] = confirmations(&book)[..] else {
        panic!("two tries: {book:#?}");
    };
    assert_eq!((refused.status, confirmed.status), (Some(409), Some(200)));
    assert_ne!(refused.idempotency_key, confirmed.idempotency_key);
    assert_ne!(refused.body_sha256, confirmed.body_sha256);
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_amazon_refuses_stops_alone_and_loses_nothing() {
    let Some(mut world) = World::new("account_stopped").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    world
        .sandbox
        .set_merchant("eu_shop", MerchantStatus::Refused)
        .unwrap();
    let first = world.completed(json!({}), json!({})).await;
    let fired = world.alert("eu_shop", "account-stopped", "firing").await;
    assert_eq!(fired.body["account"], "eu_shop");
    assert_eq!(fired.body["severity"], "page");
    let summary = fired.body["summary"].as_str().unwrap();
    assert!(summary.contains("403 InvalidAuthentication"), "{summary}");

    // What comes meanwhile waits, without a call; another account's go on.
    let second = world.completed(json!({}), json!({})).await;
    let others = world
        .completed(json!({"account": "us_shop"}), json!({"account": "us_shop"}))
        .await;
    let told = world.outcome(&others).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    world.shown(&daemon, &second, "its first event", |_| true).await;
    assert!(world.book(&second).calls.is_empty());
    let (_, accounts) = daemon.get("/api/accounts").await;
    let accounts: Value = serde_json::from_str(&accounts).unwrap();
    let condition = |name: &str| {
        let found = accounts
            .as_array()
            .unwrap()
            .iter()
            .find(|account| account["account"] == name);
        found.unwrap()["condition"].clone()
    };
    assert_eq!(
        (condition("eu_shop"), condition("us_shop")),
        (json!("stopped"), json!("running"))
    );

    // A probe is a look-up of an id that nobody has.
    let probed = async || {
        world
            .sandbox
            .books()
            .answers
            .get("get")
            .is_some_and(|got| got.contains_key("403"))
    };
    world.until("a probe that is refused", probed).await;
    world
        .sandbox
        .set_merchant("eu_shop", MerchantStatus::Active)
        .unwrap();
    let resolved = world.alert("eu_shop", "account-stopped", "resolved").await;
    assert_eq!(resolved.body["alertId"], fired.body["alertId"]);
    for id in [&first, &second] {
        let told = world.outcome(id).await;
        assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
        assert_eq!(told.body["payment"], "Captured");
    }
    let calls = world.book(&first).calls;
    assert_eq!(calls[0].status, Some(403));
    assert!(
        calls[1..].iter().all(|call| call.status == Some(200)),
        "{calls:#?}"
    );
    let firing = world.everything_on(&world.kafka.alerts_topic).await;
    assert!(
        firing
            .iter()
            .all(|alert| alert.key.as_deref() == Some(b"eu_shop")),
        "no session is to blame"
    );
    world.end(daemon).await;
}

fn history(shown: &Value) -> Vec<&str> {
    let facts = shown["history"].as_array().unwrap();
    facts.iter().filter_map(|fact| fact["type"].as_str()).collect()
}
