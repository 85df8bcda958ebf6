//! The whole way once.

use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_completed_checkout_is_confirmed_and_told() {
    let Some(mut world) = World::new("first").await else {
        return;
    };
    let daemon = world.daemon().await;
    let id = world.completed(json!({}), json!({})).await;
    let told = world.outcome(&id).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    assert_eq!(told.body["evidence"], "answer");
    assert_eq!(told.body["payment"], "Captured");
    assert_eq!(told.body["merchantReferenceId"], "ORDER-1001");
    let books = world.sandbox.books();
    let calls: Vec<&str> = books
        .session(&id)
        .unwrap()
        .calls
        .iter()
        .map(|call| call.operation)
        .collect();
    assert_eq!(calls, ["finalize"], "one call is all that the fast path needs");
    world.end(daemon).await;
}
