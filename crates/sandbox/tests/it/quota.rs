//! Quotas, on the sandbox's clock.

use sandbox::Profile;
use serde_json::json;

use crate::client::{Call, Client};
use crate::world::{World, order};

/// How many calls in a row are let through.
async fn let_through(world: &World, client: &Client, call: &Call) -> usize {
    for n in 0..100 {
        let call = Call {
            date: Call::get("", world.now()).date,
            ..call.clone()
        };
        let answer = client.send(&call).await;
        if answer.status == 429 {
            assert_eq!(answer.reason(), "TooManyRequests");
            return n;
        }
    }
    panic!("never throttled");
}

#[tokio::test]
async fn the_live_profile_has_amazon_s_live_quotas() {
    let world = World::with(Profile::Live).await;
    assert!(world.eu.key_id.starts_with("LIVE-"));
    let session = world.session(json!({}));
    let finalize = world.finalizing("no-such-session", &order());
    let complete = world.completing("no-such-session", &json!({}));
    let get = Call::get(format!("/v2/checkoutSessions/{session}"), world.now());
    assert_eq!(let_through(&world, &world.eu, &finalize).await, 20);
    assert_eq!(let_through(&world, &world.eu, &complete).await, 20);
    assert_eq!(let_through(&world, &world.eu, &get).await, 40);
    world.advance(2);
    assert_eq!(let_through(&world, &world.eu, &finalize).await, 8);
    assert_eq!(let_through(&world, &world.eu, &get).await, 16);
    let us = Client::new(&world.sandbox, "us_shop");
    assert_eq!(
        let_through(&world, &us, &finalize).await,
        20,
        "another account has its own"
    );
}

#[tokio::test]
async fn the_sandbox_profile_is_narrow_and_a_throttled_call_books_nothing() {
    let world = World::with(Profile::Sandbox).await;
    let session = world.session(json!({}));
    let unknown = world.finalizing("no-such-session", &order());
    assert_eq!(let_through(&world, &world.eu, &unknown).await, 2);
    let throttled = world.finalize(&session, &order()).await;
    assert_eq!((throttled.status, throttled.header("retry-after")), (429, None));
    assert_eq!(world.book(&session)["state"], "Open");
    world.switch(|unknowns| unknowns.retry_after = Some(1));
    assert_eq!(
        world.finalize(&session, &order()).await.header("retry-after"),
        Some("1")
    );
    world.advance(1);
    assert_eq!(world.finalize(&session, &order()).await.status, 200);
}

#[tokio::test]
async fn finalize_and_complete_can_be_made_to_share_a_quota() {
    let world = World::with(Profile::Live).await;
    world.switch(|unknowns| unknowns.finalize_shares_complete_quota = true);
    let finalize = world.finalizing("no-such-session", &order());
    assert_eq!(let_through(&world, &world.eu, &finalize).await, 20);
    assert_eq!(
        let_through(
            &world,
            &world.eu,
            &world.completing("no-such-session", &json!({}))
        )
        .await,
        0
    );
}
