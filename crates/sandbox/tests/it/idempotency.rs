//! Idempotency keys: what is replayed, and what is refused.

use sandbox::{Fault, Kind, When};
use serde_json::json;

use crate::client::{Call, Client};
use crate::world::{World, order, order_with};

#[tokio::test]
async fn the_same_key_with_the_same_values_replays_the_first_answer() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let call = world.finalizing(&session, &order()).with_key("a-key_1");
    let first = world.eu.send(&call).await;
    world.advance(3 * 24 * 3600);
    let mut later = world.finalizing(&session, &order()).with_key("a-key_1");
    later.path.push('/');
    let second = world.eu.send(&later).await;
    assert_eq!((second.status, second.json()), (first.status, first.json()));
    assert_ne!(
        second.header("x-amz-pay-request-id"),
        first.header("x-amz-pay-request-id")
    );
    let book = world.book(&session);
    assert_eq!(
        (&book["calls"][0]["effect"], &book["calls"][0]["replayed"]),
        (&json!("completed"), &json!(false))
    );
    assert_eq!(
        (&book["calls"][1]["effect"], &book["calls"][1]["replayed"]),
        (&json!(null), &json!(true))
    );
    assert_eq!(book["charges"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_same_key_with_other_values_is_a_duplicate() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let duplicate = (400, "DuplicateIdempotencyKey".to_owned());
    assert_eq!(
        world
            .eu
            .send(&world.finalizing(&session, &order()).with_key("k"))
            .await
            .status,
        200
    );
    let other_body = order_with(json!({"billingAddress": null}));
    assert_eq!(
        world
            .eu
            .send(&world.finalizing(&session, &other_body).with_key("k"))
            .await
            .verdict(),
        duplicate
    );
    let other = world.session(json!({}));
    assert_eq!(
        world
            .eu
            .send(&world.finalizing(&other, &order()).with_key("k"))
            .await
            .verdict(),
        duplicate
    );
    let body = json!({"chargeAmount": order()["chargeAmount"]});
    assert_eq!(
        world
            .eu
            .send(&world.completing(&session, &body).with_key("k"))
            .await
            .verdict(),
        duplicate
    );
}

#[tokio::test]
async fn keys_belong_to_one_account_and_mean_nothing_to_a_look_up() {
    let world = World::start().await;
    let us = Client::new(&world.sandbox, "us_shop");
    let ours = world.session(json!({}));
    let theirs = world.session(json!({"account": "us_shop"}));
    assert_eq!(
        world
            .eu
            .send(&world.finalizing(&ours, &order()).with_key("k"))
            .await
            .status,
        200
    );
    let body = json!({"chargeAmount": {"amount": "23.45", "currencyCode": "USD"}});
    assert_eq!(
        us.send(&world.completing(&theirs, &body).with_key("k"))
            .await
            .status,
        200
    );
    let look_up = Call::get(format!("/v2/checkoutSessions/{ours}"), world.now()).with_key("k");
    assert_eq!(world.eu.send(&look_up).await.status, 200);
}

#[tokio::test]
async fn a_key_that_is_too_long_or_has_other_characters_is_refused() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let invalid = (400, "InvalidHeaderValue".to_owned());
    let uuid = "7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11";
    for key in [uuid, "a.b", "a b", "a/b"] {
        let answer = world
            .eu
            .send(&world.finalizing(&session, &order()).with_key(key))
            .await;
        assert_eq!(answer.verdict(), invalid, "{key}");
    }
    world.switch(|unknowns| unknowns.enforce_key_format = false);
    assert_eq!(
        world
            .eu
            .send(&world.finalizing(&session, &order()).with_key(uuid))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn refusals_are_not_replayed_unless_the_switch_says_so() {
    let world = World::start().await;
    let session = world.session(json!({"buyerFinished": false}));
    let call = world.finalizing(&session, &order()).with_key("one");
    assert_eq!(world.eu.send(&call).await.status, 422);
    world
        .sandbox
        .buyer(&session, sandbox::BuyerAction::Finish)
        .unwrap();
    assert_eq!(world.eu.send(&call).await.status, 200);

    world.switch(|unknowns| unknowns.replay_errors = true);
    let session = world.session(json!({"buyerFinished": false}));
    let call = world.finalizing(&session, &order()).with_key("two");
    assert_eq!(world.eu.send(&call).await.status, 422);
    world
        .sandbox
        .buyer(&session, sandbox::BuyerAction::Finish)
        .unwrap();
    assert_eq!(world.eu.send(&call).await.status, 422);
    assert_eq!(
        world
            .eu
            .send(&world.finalizing(&session, &order()).with_key("three"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn with_replayed_errors_a_fault_sticks_to_its_key() {
    let world = World::start().await;
    world.switch(|unknowns| unknowns.replay_errors = true);
    for (when, state) in [(When::Before, "Open"), (When::After, "Completed")] {
        let session = world.session(json!({}));
        let fault = Fault {
            times: Some(1),
            ..Fault::new("finalize", when, Some(Kind::Status))
        };
        world.sandbox.fault(fault).unwrap();
        let call = world
            .finalizing(&session, &order())
            .with_key(&format!("key-{state}"));
        for _ in 0..3 {
            assert_eq!(
                world.eu.send(&call).await.verdict(),
                (500, "InternalServerError".to_owned())
            );
            assert_eq!(world.book(&session)["state"], state);
        }
    }
}

#[tokio::test]
async fn a_later_fault_does_not_replace_the_first_answer_of_a_key() {
    let world = World::start().await;
    world.switch(|unknowns| unknowns.replay_errors = true);
    let session = world.session(json!({}));
    let call = world.finalizing(&session, &order()).with_key("k");
    assert_eq!(world.eu.send(&call).await.status, 200);
    let fault = Fault {
        times: Some(1),
        ..Fault::new("finalize", When::Before, Some(Kind::Status))
    };
    world.sandbox.fault(fault).unwrap();
    assert_eq!(world.eu.send(&call).await.status, 500);
    assert_eq!(world.eu.send(&call).await.status, 200);

    // Nor does one that strikes the refusal of other values under that key.
    let fault = Fault {
        times: Some(1),
        ..Fault::new("finalize", When::After, Some(Kind::Status))
    };
    world.sandbox.fault(fault).unwrap();
    let other = world.finalizing(&session, &json!({})).with_key("k");
    assert_eq!(world.eu.send(&other).await.status, 500);
    assert_eq!(world.eu.send(&call).await.status, 200);
}

#[tokio::test]
async fn whether_confirmations_are_replayed_at_all_is_a_switch() {
    let world = World::start().await;
    world.switch(|unknowns| unknowns.replay_confirmations = false);
    let session = world.session(json!({}));
    let call = world.finalizing(&session, &order()).with_key("k");
    assert_eq!(world.eu.send(&call).await.status, 200);
    assert_eq!(
        world.eu.send(&call).await.verdict(),
        (422, "InvalidCheckoutSessionStatus".to_owned())
    );
}

#[tokio::test]
async fn calls_at_the_same_time_complete_a_session_once() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let calls: Vec<Call> = (0..8)
        .map(|n| world.finalizing(&session, &order()).with_key(&format!("k{n}")))
        .collect();
    let answers = futures::future::join_all(calls.iter().map(|call| world.eu.send(call))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(
        world.sandbox.books().session(&session).unwrap().times_completed(),
        1
    );
}
