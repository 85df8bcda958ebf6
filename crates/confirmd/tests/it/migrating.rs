//! `confirmd migrate`.

use serde_json::json;

use crate::support::{Place, id_of};

#[tokio::test(flavor = "multi_thread")]
async fn only_migrating_makes_the_file_and_checking_names_what_is_missing() {
    let place = Place::new().await;
    let file = place.path("log.db");
    let checked = place.command(&["migrate", "--check"]).await;
    assert_eq!(checked.code(), Some(3), "{checked:?}");
    let said = &checked.stdout;
    assert!(
        said.contains(&file.display().to_string()) && said.contains("does not exist"),
        "{checked:?}"
    );
    let checked = place.command(&["migrate", "--check", "--json"]).await;
    assert_eq!(checked.json()["found"], json!(0), "{checked:?}");
    for command in [&["sessions", "list"][..], &["run"]] {
        let refused = place.command(command).await;
        assert_eq!(refused.code(), Some(1), "{refused:?}");
        assert!(refused.stderr.contains("confirmd migrate"), "{refused:?}");
    }
    assert!(!file.exists());

    assert_eq!(place.command(&["migrate"]).await.code(), Some(0));
    assert!(file.exists());
    assert_eq!(place.command(&["migrate", "--check"]).await.code(), Some(0));

    let toml = std::fs::read_to_string(place.path("confirmd.toml")).unwrap();
    let elsewhere = toml.replace("sqlite://log.db", "sqlite://nowhere/log.db");
    std::fs::write(place.path("confirmd.toml"), elsewhere).unwrap();
    let refused = place.command(&["migrate"]).await;
    assert_eq!(refused.code(), Some(1), "{refused:?}");
    let folder = place.path("nowhere").display().to_string();
    assert!(
        refused.stderr.contains(&format!("there is no folder `{folder}`")),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn making_the_state_anew_draws_a_bar_on_a_terminal_and_nowhere_else() {
    let place = Place::migrated().await;
    let checkouts = [0, 1, 2].map(|_| place.checkout(json!({})));
    place
        .import(&checkouts.each_ref().map(ToString::to_string), &[])
        .await;
    let rebuild = ["migrate", "--rebuild"];
    let shown = place.command_on_a_terminal(100, &rebuild, &[]).await;
    assert!(shown.stdout.contains(" of 3 sessions, "), "{shown:?}");
    let piped = place.command(&rebuild).await;
    assert_eq!((piped.code(), piped.stderr.as_str()), (Some(0), ""), "{piped:?}");
    assert!(
        piped
            .stdout
            .ends_with("3 sessions were made anew from their events\n"),
        "{piped:?}"
    );
    let shown = place.command(&["sessions", "show", &id_of(&checkouts[0])]).await;
    assert_eq!(shown.code(), Some(0), "{shown:?}");
}
