//! `confirmd sessions explain`.

use jiff::SignedDuration;
use sandbox::{SandboxClock as _, SettableClock};
use serde_json::{Value, json};

use crate::support::{Place, id_of};

/// The commands that the text offers, without the program's name, and with a reason.
fn offered(text: &str) -> Vec<Vec<String>> {
    let lines = text.lines().filter_map(|line| line.split_once("confirmd "));
    lines
        .map(|(_, command)| {
            let words = command.split_whitespace();
            words.map(|word| word.replace("TEXT", "to see")).collect()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_explain_offers_is_done_and_what_was_done_is_told_by_the_next() {
    let place = Place::migrated().await;
    let checkout = place.checkout(json!({}));
    place.import(&[checkout.to_string()], &[]).await;
    let id = id_of(&checkout);
    let explain = async || place.command(&["sessions", "explain", &id]).await;
    let mut told = explain().await;
    assert_eq!(told.code(), Some(0), "{told:?}");
    for part in [
        "order ORDER-1001",
        "state      ready since ",
        "deadline   ",
        "account    eu_shop: running",
        "last       ",
        "the shop said that the buyer has finished",
        "next       look-up: ",
    ] {
        assert!(told.stdout.contains(part), "{part:?}: {told:?}");
    }
    for (act, state, last) in [
        (
            "forswear",
            "forsworn",
            "an operator decided not to confirm it, by ada, because: to see",
        ),
        ("release", "ready", "its hold was ended, by ada, because: to see"),
    ] {
        let offered = offered(&told.stdout);
        let command = offered.iter().find(|command| command[1] == act);
        let command = command.unwrap_or_else(|| panic!("{act}: {told:?}"));
        let done = place
            .command(&command.iter().map(String::as_str).collect::<Vec<_>>())
            .await;
        assert_eq!(done.code(), Some(0), "{done:?}");
        told = explain().await;
        assert!(
            told.stdout.contains(&format!("state      {state} since ")),
            "{told:?}"
        );
        assert!(told.stdout.contains(last), "{told:?}");
    }
    // A pause is ended before anything else is tried.
    let paused = place
        .command(&["accounts", "pause", "eu_shop", "--reason", "to see"])
        .await;
    assert_eq!(paused.code(), Some(0), "{paused:?}");
    let told = explain().await;
    assert_eq!(
        offered(&told.stdout)[0][..3],
        ["accounts", "resume", "eu_shop"],
        "{told:?}"
    );
    assert!(
        told.stdout
            .contains("next       wait: its account is paused by ada: to see"),
        "{told:?}"
    );
    let runbook = "runbook    deploy/runbook/ConfirmdPausedNearDeadline.md";
    assert!(told.stdout.contains(runbook), "{told:?}");

    let json = place
        .command(&["sessions", "explain", &id, "--json"])
        .await
        .json();
    assert_eq!((&json["step"], &json["state"]), (&json!("wait"), &json!("ready")));
    assert_eq!(json["account"], json!({"name": "eu_shop", "condition": "paused"}));
    assert_eq!(
        json["acts"][0]["command"],
        "confirmd accounts resume eu_shop --reason TEXT"
    );
    assert_eq!(json["chargeAmount"], checkout["chargeAmount"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_explains_in_the_same_words() {
    let place = Place::migrated().await;
    let checkout = place.checkout(json!({"chargeAmount": null}));
    place.import(&[checkout.to_string()], &[]).await;
    let id = id_of(&checkout);
    let daemon = place.daemon().await;
    let (_, console) = daemon.get(&format!("/api/sessions/{id}/explain")).await;
    daemon.terminate().await;
    let at = console["at"].as_str().unwrap();
    let command = ["sessions", "explain", &id, "--json", "--at", at];
    let told = place.command(&command).await.json();
    let fields = console.as_object().unwrap();
    assert!(7 <= fields.len(), "{console:#}");
    for (key, value) in fields {
        assert_eq!((key, &told[key]), (key, value), "{told:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_say_what_to_do_next() {
    let place = Place::migrated().await;
    let id = id_of(&place.checkout(json!({})));
    let absent = place.path("absent.jsonl").display().to_string();
    let act = |act: &'static str, on: &str| -> Vec<String> {
        [
            act.split(' ').map(str::to_owned).collect(),
            vec![on.to_owned(), "--reason".to_owned(), "x".to_owned()],
        ]
        .concat()
    };
    let plain = |words: &[&str]| -> Vec<String> { words.iter().map(|&word| word.to_owned()).collect() };
    for (command, code, next) in [
        (plain(&["sessions", "show", &id]), 1, "next: is it the whole id"),
        (
            plain(&["sessions", "explain", &id]),
            1,
            "next: is it the whole id",
        ),
        (act("sessions retry", &id), 1, "next: is it the whole id"),
        (act("accounts pause", "uk_shop"), 1, "eu_shop, us_shop"),
        (
            act("accounts resume", "eu_shop"),
            3,
            "next: `confirmd accounts list`",
        ),
        (
            plain(&["sessions", "import", &absent]),
            1,
            "`-` takes standard input",
        ),
        (plain(&["man", &absent]), 1, "make the folder first"),
    ] {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let refused = place.command(&words).await;
        assert_eq!(refused.code(), Some(code), "{words:?}: {refused:?}");
        assert!(refused.stderr.contains(next), "{words:?}: {refused:?}");
    }
    // Refused as it stands, and what can be done instead is a command away.
    let checkout = place.checkout(json!({}));
    place.import(&[checkout.to_string()], &[]).await;
    let release = act("sessions release", &id_of(&checkout));
    let refused = place
        .command(&release.iter().map(String::as_str).collect::<Vec<_>>())
        .await;
    assert_eq!(refused.code(), Some(3), "{refused:?}");
    let next = format!("next: `confirmd sessions explain {}`", id_of(&checkout));
    assert!(refused.stderr.contains(&next), "{refused:?}");
    // A database that is away, and a configuration that cannot be used.
    let toml = std::fs::read_to_string(place.path("confirmd.toml")).unwrap();
    for (from, to, code, next) in [
        (
            "sqlite://log.db",
            "sqlite://nowhere/log.db",
            1,
            "next: make the folder",
        ),
        (
            "[kafka]",
            "[kafka]\nserver = 1",
            2,
            "next: mend these, and `confirmd check`",
        ),
    ] {
        std::fs::write(place.path("confirmd.toml"), toml.replace(from, to)).unwrap();
        let refused = place.command(&["sessions", "list"]).await;
        assert_eq!(refused.code(), Some(code), "{refused:?}");
        assert!(refused.stderr.contains(next), "{refused:?}");
        assert_eq!(refused.stdout, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_in_the_queue_counts_those_whose_deadline_comes_sooner() {
    let place = Place::migrated().await;
    let created_ago = |hours: i64| {
        let at = SettableClock::real().now() - SignedDuration::from_hours(hours);
        place.checkout(json!({"sessionCreatedAt": at.to_string()}))
    };
    // The last one's time is over: whoever can still be saved is before it.
    let sessions = [20, 2, 10, 30].map(created_ago);
    place
        .import(&sessions.each_ref().map(ToString::to_string), &[])
        .await;
    for (session, in_the_queue) in sessions.iter().zip([1, 3, 2, 4]) {
        let told = place
            .command(&["sessions", "explain", &id_of(session), "--json"])
            .await;
        let told: Value = serde_json::from_str(&told.stdout).unwrap();
        assert_eq!(told["place"], in_the_queue, "{told:#}");
    }
}
