//! `confirmd sessions list`, `show`, `accounts list`.

use serde_json::{Value, json};

use crate::support::{Place, id_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_list_has_a_heading_whole_seconds_and_says_when_it_is_empty() {
    let place = Place::migrated().await;
    let empty = place.command(&["sessions", "list"]).await;
    assert_eq!((empty.code(), empty.stdout.as_str()), (Some(0), ""), "{empty:?}");
    assert_eq!(empty.stderr.trim(), "none");
    let checkout = place.checkout(json!({}));
    place.import(&[checkout.to_string()], &[]).await;
    let listed = place.command(&["sessions", "list"]).await;
    let lines: Vec<&str> = listed.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{listed:?}");
    assert!(lines[0].starts_with("SESSION "), "{listed:?}");
    assert!(
        lines[1].starts_with(&id_of(&checkout)) && !lines[1].contains('.'),
        "{listed:?}"
    );
    for (arguments, told) in [
        (["--account", "uk_shop"], "eu_shop, us_shop"),
        (["--state", "lost"], "needs-repair"),
        (["--due-within", "soon"], "`soon`"),
    ] {
        let refused = place
            .command(&[&["sessions", "list"], &arguments[..]].concat())
            .await;
        assert_eq!(refused.code(), Some(2), "{refused:?}");
        assert!(refused.stderr.contains(told), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn command_and_console_tell_the_same_of_an_account() {
    let place = Place::migrated().await;
    let mut daemon = place.daemon().await;
    let paused = place
        .command(&[
            "accounts",
            "pause",
            "eu_shop",
            "--reason",
            "stock is being counted",
        ])
        .await;
    assert_eq!(paused.code(), Some(0), "{paused:?}");
    daemon.line("account `eu_shop` is paused").await;
    let (_, told) = daemon.get("/api/accounts").await;
    let listed = place.command(&["accounts", "list", "--json"]).await.json();
    assert_eq!(told[0], listed[0], "of the one that somebody has paused");
    let keys = |account: &Value| -> Vec<String> { account.as_object().unwrap().keys().cloned().collect() };
    assert_eq!(keys(&told[1]), keys(&listed[1]));
    assert_eq!(
        (&listed[0]["mode"], &listed[1]["mode"]),
        (&json!("confirm"), &json!("watch"))
    );
    assert_eq!(listed[0]["by"], "ada");
    let text = place.command(&["accounts", "list"]).await.stdout;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(
        lines[0].contains(" confirm ") && lines[0].contains("paused") && lines[2].contains(" watch "),
        "{text}"
    );
    assert!(lines[1].ends_with("by ada: stock is being counted"), "{text}");
    daemon.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_a_session_says_who_did_what_and_why() {
    let place = Place::migrated().await;
    let checkout = place.checkout(json!({}));
    place.import(&[checkout.to_string()], &[]).await;
    let id = id_of(&checkout);
    let done = place
        .command(&["sessions", "forswear", &id, "--reason", "sold out"])
        .await;
    assert_eq!(done.code(), Some(0), "{done:?}");
    let shown = place.command(&["sessions", "show", &id]).await.stdout;
    let of = |kind: &str| shown.lines().find(|line| line.contains(kind)).unwrap();
    assert!(of("checkout-completed").starts_with("    1  "), "{shown}");
    assert!(
        of("confirmation-forsworn").contains("by ada, because: sold out"),
        "{shown}"
    );
}
