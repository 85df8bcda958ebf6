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

#[tokio::test]
async fn every_operation_has_the_quota_of_the_published_table() {
    for (profile, which) in [(Profile::Live, 0), (Profile::Sandbox, 1)] {
        let world = World::with(profile).await;
        let reason = json!({"cancellationReason": "x"});
        for (method, path, body, bursts) in [
            ("POST", "checkoutSessions", json!({}), [40, 5]),
            ("GET", "checkoutSessions/x", json!(null), [40, 10]),
            ("PATCH", "checkoutSessions/x", json!({}), [20, 5]),
            ("POST", "checkoutSessions/x/complete", json!({}), [20, 2]),
            ("POST", "checkoutSessions/x/finalize", json!({}), [20, 2]),
            ("GET", "chargePermissions/x", json!(null), [20, 10]),
            ("PATCH", "chargePermissions/x", json!({}), [10, 5]),
            ("DELETE", "chargePermissions/x/close", json!({}), [10, 2]),
            ("POST", "charges", json!({}), [10, 2]),
            ("GET", "charges/x", json!(null), [20, 5]),
            ("PATCH", "charges/x", json!({}), [10, 5]),
            ("POST", "charges/x/capture", json!({}), [20, 2]),
            ("DELETE", "charges/x/cancel", reason, [10, 2]),
            ("POST", "refunds", json!({}), [10, 2]),
            ("GET", "refunds/x", json!(null), [20, 5]),
            ("GET", "buyers/x", json!(null), [20, 5]),
        ] {
            let call = world.calling(method, path, &body);
            assert_eq!(
                let_through(&world, &world.eu, &call).await,
                bursts[which],
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn operations_that_no_table_lists_can_be_left_without_a_quota() {
    let world = World::with(Profile::Sandbox).await;
    world.switch(|unknowns| unknowns.unlisted_operations_throttled = false);
    for _ in 0..5 {
        assert_eq!(world.finalize("x", &order()).await.status, 404);
    }
    let complete = world.completing("x", &json!({}));
    assert_eq!(let_through(&world, &world.eu, &complete).await, 2);
}
