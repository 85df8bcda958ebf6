//! A backlog and a shop front share one quota.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use amazon_pay::{
    Algorithm, CheckoutSessionId, CompleteCheckoutSession, Error, IdempotencyKey, Price, Request,
};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use sandbox::{Profile, SandboxClock as _};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::world::{World, client_of};

const BACKLOG: usize = 2_000;
/// Calls of the shop front, one a second.
const CALLS: usize = 2_000;
const SPEED: f64 = 16.0;
/// Amazon takes four confirmations a second, of which the shop front makes one; a deadline comes every half second.
const FIRST_DEADLINE: SignedDuration = SignedDuration::from_mins(20);
const BETWEEN_DEADLINES: Duration = Duration::from_millis(500);

/// The places of the deadlines, mixed: 1,999 and 2,000 have no divisor in common.
fn place(number: usize) -> u32 {
    u32::try_from(number * 1_999 % BACKLOG).unwrap()
}

/// Completes a session of its own every second; how many of its calls were answered with 429.
async fn shop_front(world: &World, sessions: Vec<Value>) -> usize {
    let client = Arc::new(client_of(&world.sandbox, Algorithm::V2));
    let throttled = Arc::new(AtomicUsize::new(0));
    let mut calls = JoinSet::new();
    for (number, session) in sessions.into_iter().enumerate() {
        let (client, throttled, clock) = (client.clone(), throttled.clone(), world.clock.clone());
        calls.spawn(async move {
            let amount = &session["paymentDetails"]["chargeAmount"];
            let text = |field: &str| amount[field].as_str().unwrap();
            let price = Price::parse(text("amount"), text("currencyCode")).unwrap();
            let id = CheckoutSessionId::parse(session["checkoutSessionId"].as_str().unwrap()).unwrap();
            let key = IdempotencyKey::parse(&format!("shopfront{number}")).unwrap();
            let body = CompleteCheckoutSession::new(price).to_body();
            let request = Request::complete_checkout_session(&id, body, Some(key));
            match client.call(&request, clock.now()).await {
                Ok(_) => {}
                Err(Error::Api(refusal)) if refusal.status == 429 => {
                    throttled.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => panic!("the shop front's call: {error:?}"),
            }
        });
        world.clock.sleep(Duration::from_secs(1)).await;
    }
    while let Some(called) = calls.join_next().await {
        called.unwrap();
    }
    throttled.load(Ordering::Relaxed)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_is_saved_beside_a_shop_front_that_is_hardly_throttled() {
    let Some(mut world) = World::with_quotas_of("pace", Profile::Live).await else {
        return;
    };
    for (call, burst, per_second) in [("confirm", 20, 4), ("look_up", 40, 8)] {
        world.set(&format!("accounts.eu_shop.quota.{call}.burst"), burst);
        world.set(&format!("accounts.eu_shop.quota.{call}.per_second"), per_second);
    }
    world.set("deadline.alert_before", vec!["5m"]);
    let daemon = world.daemon_at_work().await;
    let first = world.clock.now() + FIRST_DEADLINE;
    let sessions: Vec<(Value, Timestamp)> = (0..BACKLOG)
        .map(|number| {
            let after = BETWEEN_DEADLINES.saturating_mul(place(number));
            let created_at = first + after - SignedDuration::from_hours(24);
            (
                world.session(json!({"creationTimestamp": created_at})),
                created_at,
            )
        })
        .collect();
    let of_the_shop: Vec<Value> = (0..CALLS).map(|_| world.session(json!({}))).collect();
    let mut ids = Vec::with_capacity(BACKLOG);
    for some in sessions.chunks(250) {
        let said = some.iter().map(|(session, created_at)| {
            world.say(
                session,
                json!({"operation": "Complete", "sessionCreatedAt": created_at}),
            )
        });
        ids.extend(join_all(said).await);
    }
    world.clock.set_speed(SPEED);
    let throttled = shop_front(&world, of_the_shop).await;
    println!("{throttled} of {CALLS} calls of the shop front were answered with 429");
    assert!(throttled * 100 < CALLS, "{throttled} of {CALLS}");
    world.outcomes(&ids).await;
    world.check_each(&ids, "checkout.confirmed.v1").await;
    world.end(daemon).await;
}
