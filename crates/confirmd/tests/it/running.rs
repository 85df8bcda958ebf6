//! `confirmd run`.

use serde_json::json;

use crate::support::{NO_BROKER, Place, id_of};

#[tokio::test(flavor = "multi_thread")]
async fn topics_that_cannot_be_made_yet_keep_nothing_but_kafka_waiting() {
    let place = Place::migrated().await;
    place.configure(NO_BROKER, "create_topics = true", "");
    let checkout = place.checkout(json!({}));
    let imported = place.import(&[checkout.to_string()], &[]).await;
    assert_eq!(imported.code(), Some(0), "{imported:?}");
    let mut daemon = place.daemon().await;
    let path = format!("/api/sessions/{}/outcome?wait=30s", id_of(&checkout));
    let (status, outcome) = daemon.get(&path).await;
    assert_eq!(
        (status, &outcome["type"]),
        (200, &json!("checkout.confirmed.v1")),
        "{outcome}"
    );
    daemon
        .line("kafka.create_topics: the topics cannot be made yet")
        .await;
    let finished = daemon.terminate().await;
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    assert_eq!(
        finished.stderr.matches("confirmd runs").count(),
        1,
        "{finished:?}"
    );
    let last = finished.stderr.lines().last().unwrap();
    assert!(last.ends_with("stopped"), "{finished:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sqlite_file_is_worked_by_one_at_a_time() {
    let place = Place::migrated().await;
    let mut first = place.daemon().await;
    first.line("confirmd runs").await;
    let second = place.begin_daemon().finish().await;
    assert_eq!(second.code(), Some(1), "{second:?}");
    let file = place.path("log.db").display().to_string();
    assert!(
        second.stderr.contains("another confirmd runs on") && second.stderr.contains(&file),
        "{second:?}"
    );
    assert!(!second.stderr.contains("modes="), "it has started: {second:?}");
    // People act beside it, and however it dies, the next one may start.
    let paused = place
        .command(&["accounts", "pause", "eu_shop", "--reason", "to see"])
        .await;
    assert_eq!(paused.code(), Some(0), "{paused:?}");
    first.kill().await;
    let mut next = place.daemon().await;
    next.line("confirmd runs").await;
    next.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_tells_modes_alerts_and_what_operators_did_and_nothing_of_the_scheduler() {
    let place = Place::migrated().await;
    let mut daemon = place.daemon().await;
    let started = daemon.line("confirmd runs").await;
    assert!(
        started.contains("eu_shop: confirm, us_shop: watch"),
        "the modes are not told: {started}"
    );
    let on_account = async |act: &str| {
        let done = place
            .command(&["accounts", act, "eu_shop", "--reason", "Ms Example called"])
            .await;
        assert_eq!(done.code(), Some(0), "{done:?}");
    };
    on_account("pause").await;
    let line = daemon.line("account `eu_shop` is paused by `ada`").await;
    assert!(line.contains("INFO"), "{line}");
    on_account("resume").await;
    daemon.line("account `eu_shop` is resumed by `ada`").await;

    // The amount is not the session's: Amazon Pay refuses it as it stands.
    let wrong = json!({"chargeAmount": {"amount": "1.00", "currencyCode": "EUR"}});
    let checkout = place.checkout(wrong);
    let id = id_of(&checkout);
    place.import(&[checkout.to_string()], &[]).await;
    let line = daemon.line(&format!("alert `needs-repair` of `{id}`")).await;
    assert!(line.contains("WARN"), "{line}");
    let call = daemon.line(&format!("finalize of `{id}`")).await;
    assert!(call.contains("something has to be repaired"), "{call}");
    let released = place
        .command(&["sessions", "release", &id, "--reason", "Ms Example called"])
        .await;
    assert_eq!(released.code(), Some(0), "{released:?}");
    let line = daemon
        .line(&format!("`released` of `{id}` by operator `ada` is taken up"))
        .await;
    assert!(line.contains("INFO"), "{line}");

    let finished = daemon.terminate().await;
    assert!(!finished.stderr.contains("Ms Example"), "{finished:?}");
    assert!(!finished.stderr.contains("tokio_cron_scheduler"), "{finished:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_that_the_console_does_not_know_is_refused() {
    let place = Place::migrated().await;
    let daemon = place.daemon().await;
    for (path, known) in [
        ("/api/sessions?stat=all", "`due_within`"),
        ("/api/sessions?due_within=soon", "`soon`"),
        ("/api/sessions?account=uk_shop", "eu_shop, us_shop"),
        ("/api/sessions/S-1?at=now", "`at`"),
        ("/api/sessions/S-1/outcome?wait_for=1s", "`wait`"),
        ("/api/accounts?name=eu_shop", "`name`"),
    ] {
        let (status, body) = daemon.get(path).await;
        assert_eq!(status, 400, "{path}: {body}");
        assert!(body["error"].as_str().unwrap().contains(known), "{path}: {body}");
    }
    daemon.terminate().await;
}
