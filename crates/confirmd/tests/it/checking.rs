//! `confirmd check`.

use serde_json::json;

use crate::support::{NO_BROKER, Place, broker};

#[tokio::test(flavor = "multi_thread")]
async fn a_good_check_says_what_was_looked_at() {
    let place = Place::migrated().await;
    let broker = broker();
    place.configure(&broker.bootstrap_servers(), "", "");
    broker.create_topics(&broker.settings(), 1).unwrap();
    let checked = place.command(&["check", "--online"]).await;
    assert_eq!(checked.code(), Some(0), "{checked:?}");
    assert_eq!(checked.stderr, "");
    let answers = format!("{} answers", broker.bootstrap_servers());
    for (what, found) in [
        ("configuration", "eu_shop (confirm), us_shop (watch)"),
        ("broker", &answers),
        (
            "topics",
            "checkout.completed, checkout.outcomes, checkout.alerts, checkout.completed.dlq exist",
        ),
        ("database", "can be written, and has schema "),
        ("clock", "Amazon's"),
        (
            "accounts.eu_shop",
            "Amazon Pay accepts its key and signature; mode \"confirm\"",
        ),
        ("accounts.us_shop", "mode \"watch\""),
    ] {
        let mut lines = checked.stdout.lines();
        let line = lines.find(|line| line.starts_with(&format!("ok       {what} ")));
        let line = line.unwrap_or_else(|| panic!("{what}: {checked:?}"));
        assert!(line.contains(found), "{line}");
    }
    assert_eq!(checked.stdout.lines().last(), Some("ok"), "{checked:?}");
    let checked = place.command(&["check", "--online", "--json"]).await.json();
    assert_eq!(checked["ok"], true);
    let looked_at: Vec<_> = checked["checked"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    assert_eq!(
        looked_at,
        [
            "configuration",
            "broker",
            "topics",
            "database",
            "clock",
            "accounts.eu_shop",
            "accounts.us_shop"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_run_will_make_are_no_problem() {
    let place = Place::migrated().await;
    let broker = broker();
    for (setting, code) in [("", 3), ("create_topics = true", 0)] {
        place.configure(&broker.bootstrap_servers(), setting, "");
        let checked = place.command(&["check", "--online", "--json"]).await;
        assert_eq!(checked.code(), Some(code), "{checked:?}");
        let said = checked.json();
        let (problems, notes) = (&said["problems"], &said["notes"]);
        if code == 0 {
            assert_eq!(problems, &json!([]));
            assert_eq!(notes.as_array().unwrap().len(), 4, "{said:#}");
            let note = notes[0].as_str().unwrap();
            assert!(
                note.contains("checkout.completed") && note.contains("will be made by `confirmd run`"),
                "{said:#}"
            );
        } else {
            assert_eq!(problems.as_array().unwrap().len(), 4, "{said:#}");
            let next = problems[0]["next"].as_str().unwrap();
            assert!(
                next.contains("--create --topic checkout.completed ") && next.contains("kafka.create_topics"),
                "{said:#}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_check_says_its_findings_and_nothing_else() {
    let place = Place::new().await;
    // A key that Amazon Pay does not know for this account.
    std::fs::copy(place.path("us_shop.pem"), place.path("eu_shop.pem")).unwrap();
    let checked = place.command(&["check", "--online"]).await;
    assert_eq!(checked.code(), Some(3), "{checked:?}");
    assert_eq!(checked.stderr, "", "findings stand on standard output");
    let of = |key: &str| {
        let mut lines = checked.stdout.lines();
        let line = lines.find(|line| line.trim_start().starts_with(key));
        let line = line.unwrap_or_else(|| panic!("{key}: {checked:?}"));
        (line, lines.next().unwrap_or_default())
    };
    let (_, next) = of("kafka.bootstrap_servers (broker)");
    assert!(next.contains(NO_BROKER), "{checked:?}");
    let (missing, next) = of("store.url (database)");
    assert!(missing.contains(&place.path("log.db").display().to_string()));
    assert_eq!(next.trim(), "next: `confirmd migrate`");
    let (refused, next) = of("accounts.eu_shop (Amazon Pay)");
    assert!(
        next.contains("Seller Central, Integration Central")
            && next.contains("accounts.eu_shop.public_key_id"),
        "{checked:?}"
    );
    let last = checked.stdout.lines().last().unwrap();
    assert!(last.starts_with("3 problems: "), "{checked:?}");
    assert!(
        refused.contains("403") && refused.chars().count() < 300,
        "{refused}"
    );
    assert!(!place.path("log.db").exists(), "a check makes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_is_told_before_the_keys_that_are_right() {
    let place = Place::migrated().await;
    place.advance("1h").await;
    let checked = place.command(&["check", "--online", "--json"]).await.json();
    let note = checked["notes"][0].as_str().unwrap();
    assert!(
        note.contains(" s behind the clock of Amazon's answers") && note.contains("timedatectl"),
        "{checked:#}"
    );
    // What is signed with the right time is accepted: nobody looks for a key that is no problem.
    let problems = checked["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{checked:#}");
    assert_eq!(problems[0]["key"], "kafka.bootstrap_servers", "{checked:#}");
    let text = place.command(&["check", "--online"]).await.stdout;
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
    assert!(at("note     clock ") < at("ok       accounts.eu_shop "), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_is_for_loopback_only() {
    let place = Place::new().await;
    let text = std::fs::read_to_string(place.path("confirmd.toml")).unwrap();
    let plain = text.replace(&place.sandbox.info().url, "http://pay.example.com");
    std::fs::write(place.path("confirmd.toml"), plain).unwrap();
    let checked = place.command(&["check"]).await;
    assert_eq!(checked.code(), Some(2), "{checked:?}");
    assert!(
        checked.stdout.contains("accounts.eu_shop") && checked.stdout.contains("loopback only"),
        "{checked:?}"
    );
    place.configure(NO_BROKER, "", "");
    assert_eq!(place.command(&["check"]).await.code(), Some(0));
}
