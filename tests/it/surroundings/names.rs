//! The name of Amazon's host cannot be resolved.

use serde_json::{Value, json};

use crate::world::{Recovery, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_knows_is_not_sent_and_what_waited_is_confirmed_once_it_resolves() {
    let Some(mut world) = World::new("names").await else {
        return;
    };
    // A label that is too long: resolvers refuse it themselves, and ask nobody.
    let unknown = format!("https://{}.invalid", "a".repeat(64));
    world.set("accounts.eu_shop.endpoint", unknown);
    let daemon = world.daemon_at_work().await;
    let ids = world.completed_many(5).await;
    for id in &ids {
        let not_sent = |shown: &Value| shown["history"].to_string().contains("confirmation-not-sent");
        let shown = world
            .shown(&daemon, id, "an attempt that was not sent", not_sent)
            .await;
        assert_eq!(shown["mayHaveLanded"], json!(false), "{shown}");
        assert!(world.calls(id).is_empty());
    }
    // Another account, whose name is known, goes on.
    let session = world.session(json!({"account": "us_shop"}));
    let other = world.say(&session, json!({"account": "us_shop"})).await;
    world.outcome(&other).await;
    assert_eq!(daemon.terminate().await.code(), 0);

    world.set("accounts.eu_shop.endpoint", world.sandbox.info().url.clone());
    let daemon = world.daemon().await;
    let recovery = Recovery::of(&world, "a name that is known again");
    let told = world.outcomes(&ids).await;
    recovery.print(&world, &told);
    assert!(
        told.iter().all(|told| told.body["evidence"] == "answer"),
        "{told:?}"
    );
    world.check_each(&ids, "checkout.confirmed.v1").await;
    world.end(daemon).await;
}
