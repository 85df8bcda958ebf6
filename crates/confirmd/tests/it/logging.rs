//! The log, as `docs/logging.md` describes it.

use serde_json::{Value, json};

use crate::support::{Place, id_of};

#[tokio::test(flavor = "multi_thread")]
async fn as_json_each_line_is_one_object_with_its_time_its_level_and_what_happened() {
    let place = Place::migrated().await;
    let mut daemon = place.begin_daemon_in(&[("CONFIRMD_TELEMETRY__LOG_FORMAT", "json")]);
    daemon.line("confirmd runs").await;
    let checkout = place.checkout(json!({}));
    let imported = place.import(&[checkout.to_string()], &[]).await;
    assert_eq!(imported.code(), Some(0), "{imported:?}");
    daemon.line("Amazon Pay: finalize of").await;
    let finished = daemon.terminate().await;
    let lines: Vec<Value> = finished
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    for line in &lines {
        assert!(
            line["timestamp"].is_string() && line["level"].is_string() && line["target"].is_string(),
            "{line}"
        );
        assert!(line["message"].is_string(), "{line}");
    }
    let call = lines.iter().find(|line| line["operation"] == "finalize").unwrap();
    assert_eq!(
        (&call["account"], &call["subject"], &call["status"]),
        (&json!("eu_shop"), &json!(id_of(&checkout)), &json!(200)),
        "{call}"
    );
    assert!(
        call["request_id"].is_string() && call["duration_ms"].is_u64(),
        "{call}"
    );
}
