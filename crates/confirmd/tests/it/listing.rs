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
    assert!(lines[1].starts_with(&id_of(&checkout)), "{listed:?}");
    let deadline = lines[1].split_whitespace().nth(3).unwrap();
    assert!(deadline.ends_with('Z') && !deadline.contains('.'), "{listed:?}");
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
async fn a_table_fits_its_terminal_and_only_there_it_is_cut_and_coloured() {
    let place = Place::migrated().await;
    let order = "ORDER-1001-of-a-shop-with-very-long-numbers";
    let checkout = place.checkout(json!({"merchantReferenceId": order, "chargeAmount": null}));
    place.import(&[checkout.to_string()], &[]).await;
    let id = id_of(&checkout);
    let reason = "stock is being counted, and it takes longer than anybody would have thought";
    let paused = place
        .command(&["accounts", "pause", "eu_shop", "--reason", reason])
        .await;
    assert_eq!(paused.code(), Some(0), "{paused:?}");
    let red = "\u{1b}[31mneeds-repair";
    for columns in [70, 80, 120] {
        let shown = place
            .command_on_a_terminal(columns, &["sessions", "list"], &[])
            .await;
        assert!(
            shown.stdout.contains(red) && shown.stdout.contains(&id),
            "{shown:?}"
        );
        assert!(
            shown.stdout.contains('…') && !shown.stdout.contains(order),
            "{shown:?}"
        );
        let accounts = place
            .command_on_a_terminal(columns, &["accounts", "list"], &[])
            .await;
        assert!(accounts.stdout.contains("would have"), "{accounts:?}");
        for line in plain(&(shown.stdout + &accounts.stdout)).lines() {
            assert!(
                line.chars().count() <= usize::from(columns),
                "{columns}: {line:?}"
            );
        }
    }
    let environment = [("COLUMNS", "72"), ("NO_COLOR", "1")];
    let shown = place
        .command_on_a_terminal(200, &["sessions", "list"], &environment)
        .await;
    assert!(!shown.stdout.contains('\u{1b}'), "{shown:?}");
    let longest = shown.stdout.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(72), "{shown:?}");
    // A program gets everything, whatever the shell says that it was started from.
    let piped = place.command_in(&["sessions", "list"], &environment[..1]).await;
    assert!(piped.stdout.contains(order), "{piped:?}");
    assert!(!piped.stdout.contains('\u{1b}'), "{piped:?}");
    let forced = [("CLICOLOR_FORCE", "1")];
    let piped = place.command_in(&["sessions", "list"], &forced).await;
    assert!(piped.stdout.contains(red), "{piped:?}");
    let json = place
        .command_on_a_terminal(80, &["sessions", "list", "--json"], &forced)
        .await;
    assert!(
        !json.stdout.contains('\u{1b}') && json.stdout.contains(order),
        "{json:?}"
    );
}

/// What a terminal shows without its colours.
fn plain(shown: &str) -> String {
    let mut parts = shown.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once('m').map_or(part, |(_, after)| after)
    })
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
    assert_eq!(lines.len(), 4, "{text}");
    assert!(lines[0].starts_with("ACCOUNT "), "{text}");
    assert!(
        lines[1].contains(" confirm ") && lines[1].contains("paused") && lines[3].contains(" watch "),
        "{text}"
    );
    assert!(lines[2].ends_with("by ada: stock is being counted"), "{text}");
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
