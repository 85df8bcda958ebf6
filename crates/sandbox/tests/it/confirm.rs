//! Finalize and Complete: what they book, and what they refuse.

use serde_json::json;

use crate::world::{World, order};

#[tokio::test]
async fn finalize_charges_the_buyer_once_and_completes_the_session() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let answer = world.finalize(&session, &order()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}
