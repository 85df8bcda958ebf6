//! `confirmd migrate`.

use serde_json::json;

use crate::support::Place;

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
