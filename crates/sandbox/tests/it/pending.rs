//! Payments that are decided later.

use sandbox::PendingState;
use serde_json::{Value, json};

use crate::world::{World, order_with};

fn waiting_session(card: &str) -> Value {
    let details = json!({"paymentIntent": "Authorize", "canHandlePendingAuthorization": true});
    json!({"card": card, "paymentDetails": details})
}

fn waiting_order() -> Value {
    order_with(json!({"paymentIntent": "Authorize", "canHandlePendingAuthorization": true}))
}

#[tokio::test]
async fn a_pending_payment_is_answered_202_and_decided_after_thirty_seconds() {
    let world = World::start().await;
    for (card, state, reason) in [
        ("0701", "Authorized", Value::Null),
        ("4354", "Declined", json!("HardDeclined")),
    ] {
        let session = world.session(waiting_session(card));
        let answer = world.finalize(&session, &waiting_order()).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        let body = answer.json();
        assert_eq!(body["statusDetails"]["state"], "Completed");
        let charge = body["chargeId"].as_str().unwrap();
        let state_of = |charge: Value| charge["statusDetails"]["state"].clone();
        assert_eq!(
            state_of(world.get_charge(charge).await.json()),
            "AuthorizationInitiated"
        );
        world.advance(29);
        assert_eq!(
            state_of(world.get_charge(charge).await.json()),
            "AuthorizationInitiated"
        );
        world.advance(1);
        let decided = world.get_charge(charge).await.json();
        assert_eq!(
            (
                &decided["statusDetails"]["state"],
                &decided["statusDetails"]["reasonCode"]
            ),
            (&json!(state), &reason)
        );
    }
}

#[tokio::test]
async fn how_long_a_payment_stays_pending_is_set_per_session() {
    let world = World::start().await;
    let mut new = waiting_session("0701");
    new["pendingFor"] = json!("5h");
    let session = world.session(new);
    world.finalize(&session, &waiting_order()).await;
    world.advance(5 * 3600 - 1);
    assert_eq!(
        world.book(&session)["charges"][0]["state"],
        "AuthorizationInitiated"
    );
    world.advance(1);
    assert_eq!(world.book(&session)["charges"][0]["state"], "Authorized");
}

#[tokio::test]
async fn a_pending_session_can_be_shown_open_with_both_ids() {
    let world = World::start().await;
    world.switch(|unknowns| unknowns.pending_session_state = PendingState::Open);
    for (card, state) in [("0701", "Completed"), ("4354", "Canceled")] {
        let session = world.session(waiting_session(card));
        let answer = world.finalize(&session, &waiting_order()).await;
        let body = answer.json();
        assert_eq!(
            (answer.status, &body["statusDetails"]["state"]),
            (202, &json!("Open"))
        );
        assert!(body["chargePermissionId"].is_string() && body["chargeId"].is_string());
        let again = world.finalize(&session, &waiting_order()).await;
        assert_eq!(again.verdict(), (422, "InvalidCheckoutSessionStatus".to_owned()));
        world.advance(30);
        assert_eq!(world.get(&session).await.json()["statusDetails"]["state"], state);
    }
}

#[tokio::test]
async fn a_pending_card_needs_authorize_and_a_shop_that_can_wait() {
    let world = World::start().await;
    let impossible = (400, "InvalidSandboxSimulationSpecified".to_owned());
    let session = world.session(waiting_session("0701"));
    let impatient =
        order_with(json!({"paymentIntent": "Authorize", "canHandlePendingAuthorization": "false"}));
    assert_eq!(world.finalize(&session, &impatient).await.verdict(), impossible);
    let captured = world.session(json!({"card": "0701"}));
    assert_eq!(
        world.finalize(&captured, &order_with(json!({}))).await.verdict(),
        impossible
    );
}

#[tokio::test]
async fn the_pending_simulation_code_works_for_complete() {
    let world = World::start().await;
    let session = world.session(waiting_session("1111"));
    let body = json!({"chargeAmount": {"amount": "23.45", "currencyCode": "EUR"}});
    let call = world
        .completing(&session, &body)
        .simulating("AuthorizationInitiated");
    assert_eq!(world.eu.send(&call).await.status, 202);
}
