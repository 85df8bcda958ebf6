//! Opening and migrating.

use std::time::Duration;

use reconciler::ports::{SessionLog, Share};
use session_log::{Log, OpenError, Options, Schema};

use crate::support::{
    Backend, alert, append, at, confirmed, heard, migrated, migrating, on_both, policy, sqlite_url,
};

on_both!(
    a_migrated_log_is_migrated_no_further,
    a_newer_schema_is_refused,
    a_newer_schema_that_only_adds_is_worked_on,
    an_older_schema_is_to_be_migrated,
    of_several_that_migrate_at_once_one_does_the_work,
    a_log_that_can_be_written_is_ready,
    rows_from_before_looks_and_alerts_are_worked_and_made_anew,
);

async fn open(url: &str) -> Result<Log, OpenError> {
    let options = Options {
        patience: Duration::from_millis(500),
        ..Options::default()
    };
    Log::open(url, options).await
}

pub(crate) async fn refusal(url: &str) -> OpenError {
    match open(url).await {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

async fn a_migrated_log_is_migrated_no_further(backend: &Backend) {
    heard(&backend.log, "s-1").await;
    let schema = backend.log.migrate().await.unwrap();
    assert!(schema.is_current());
    assert_eq!(backend.log.schema().await.unwrap(), schema);
    assert_eq!(backend.sql("SELECT count(*) FROM sessions").await, [1]);
}

async fn a_newer_schema_is_refused(backend: &Backend) {
    let expected = backend.log.schema().await.unwrap().expected;
    backend
        .sql("INSERT INTO confirmd_schema (version, name) VALUES (9999, 'from the future')")
        .await;
    let refused = refusal(&backend.url).await;
    let words = refused.to_string();
    assert!(matches!(refused, OpenError::Newer { found: 9999, .. }) && !refused.is_retryable());
    assert!(
        words.contains("9999") && words.contains(&expected.to_string()),
        "{words}"
    );
    assert!(matches!(
        backend.log.migrate().await,
        Err(OpenError::Newer { .. })
    ));
    assert!(matches!(backend.log.ready().await, Err(OpenError::Newer { .. })));
}

async fn a_newer_schema_that_only_adds_is_worked_on(backend: &Backend) {
    let expected = backend.log.schema().await.unwrap().expected;
    let note = |version: u32, from: u32| {
        format!(
            "INSERT INTO confirmd_schema (version, name, understood_from) VALUES ({version}, 'added', {from})"
        )
    };
    backend.sql(&note(expected + 1, expected)).await;
    let log = open(&backend.url).await.unwrap();
    log.ready().await.unwrap();
    heard(&log, "s-1").await;
    let schema = log.migrate().await.unwrap();
    assert_eq!((schema.found, schema.expected), (expected + 1, expected));
    assert!(schema.is_usable() && !schema.is_current());
    // What a later step has taken away is not given back by one after it.
    backend.sql(&note(expected + 2, expected + 1)).await;
    backend.sql(&note(expected + 3, expected)).await;
    assert!(matches!(refusal(&backend.url).await, OpenError::Newer { .. }));
    assert!(matches!(log.ready().await, Err(OpenError::Newer { .. })));
}

async fn an_older_schema_is_to_be_migrated(backend: &Backend) {
    backend.sql("DELETE FROM confirmd_schema").await;
    let refused = refusal(&backend.url).await;
    assert!(matches!(refused, OpenError::Older { found: 0, .. }));
    assert!(refused.to_string().contains("confirmd migrate"), "{refused}");
    assert!(matches!(backend.log.ready().await, Err(OpenError::Older { .. })));
    // Its tables are there, so that migrating again must fail, and leave no note that it was done.
    assert!(matches!(
        backend.log.migrate().await,
        Err(OpenError::Migration { version: 1, .. })
    ));
    assert_eq!(backend.sql("SELECT count(*) FROM confirmd_schema").await, [0]);
}

async fn of_several_that_migrate_at_once_one_does_the_work(backend: &Backend) {
    // Back to an empty database.
    let tables = [
        "outbox",
        "events",
        "sessions",
        "personal",
        "bodies",
        "dead_letters",
        "notices",
        "permission_details",
    ];
    for table in tables
        .iter()
        .chain(&["account_conditions", "readiness", "confirmd_schema"])
    {
        backend.sql(&format!("DROP TABLE {table}")).await;
    }
    let log = Log::open(&backend.url, migrating()).await.unwrap();
    assert_eq!(log.schema().await.unwrap().found, 0);
    let (one, two, three) = tokio::join!(log.migrate(), backend.log.migrate(), log.migrate());
    for migrated in [one, two, three] {
        assert!(migrated.unwrap().is_current());
    }
    let Schema { found, expected, .. } = log.schema().await.unwrap();
    assert_eq!(found, expected);
    log.ready().await.unwrap();
}

async fn rows_from_before_looks_and_alerts_are_worked_and_made_anew(backend: &Backend) {
    let log = &backend.log;
    let mut story = heard(log, "s-1").await;
    append(log, story.then(at(1), [alert(1)])).await.unwrap();
    heard(log, "s-2").await;
    let right = log.find(&story.id).await.unwrap();
    // Back to schema 1, with the rows as its program would have written them.
    for back in [
        "DROP INDEX sessions_reference",
        "DROP INDEX sessions_without_details",
        "DROP INDEX dead_letters_at",
        "ALTER TABLE sessions DROP COLUMN details_at",
        "DROP TABLE permission_details",
        "DROP INDEX sessions_look_at",
        "DROP INDEX sessions_firing",
        "ALTER TABLE sessions DROP COLUMN look_at",
        "ALTER TABLE sessions DROP COLUMN firing",
        "ALTER TABLE confirmd_schema DROP COLUMN understood_from",
        "DELETE FROM confirmd_schema WHERE version > 1",
    ] {
        backend.sql(back).await;
    }
    let refused = refusal(&backend.url).await;
    assert!(matches!(refused, OpenError::Older { found: 1, .. }));
    assert!(log.migrate().await.unwrap().is_current());

    let migrated = log.find(&story.id).await.unwrap().unwrap();
    assert_eq!((migrated.row.look_at, migrated.row.firing), (None, vec![]));
    assert!(log.alerts_firing().await.unwrap().is_empty());
    let due = log.due(&Share::All, at(60), at(0), &[], 10).await.unwrap();
    assert_eq!(due.len(), 2, "they are worked");

    let report = log.rebuild(|_| policy()).await.unwrap();
    let what = report.corrected.iter().map(|one| one.what.as_str());
    assert_eq!(what.collect::<Vec<_>>(), ["look_at, firing", "look_at"]);
    assert_eq!(log.find(&story.id).await.unwrap(), right);
    assert_eq!(
        log.alerts_firing().await.unwrap(),
        [("in-doubt".to_owned(), 1)].into()
    );
    // And what is written from then on is whole.
    append(log, story.then(at(2), [confirmed()])).await.unwrap();
    assert_eq!(log.verify_folds(|_| policy()).await.unwrap(), []);
}

#[tokio::test]
async fn a_log_that_is_no_database_is_refused_by_its_scheme() {
    let refused = refusal("mysql://someone:secret@localhost/confirmd").await;
    assert_eq!(
        refused.to_string(),
        "`mysql` is no session log: the URL must begin with postgres:// or sqlite://"
    );
    assert!(!refused.is_retryable());
}

#[tokio::test]
async fn a_url_that_cannot_be_read_is_not_quoted() {
    let refused = refusal("postgres://someone:secret@localhost:notaport/confirmd").await;
    assert!(matches!(refused, OpenError::Url(_)));
    assert!(!format!("{refused} {refused:?}").contains("secret"));
    assert!(matches!(refusal("sqlite::memory:").await, OpenError::Url(_)));
}

#[tokio::test]
async fn a_server_that_is_not_there_may_come() {
    // Nobody listens on the port of "tcpmux".
    let refused = refusal("postgres://someone:secret@127.0.0.1:1/confirmd").await;
    assert!(matches!(refused, OpenError::Unreachable(_)) && refused.is_retryable());
    let said = format!("{refused:?}");
    assert!(said.contains("refused") && !said.contains("secret"), "{said}");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_to_be_migrated_and_not_made() {
    let (url, folder) = sqlite_url();
    let only_looks = Options {
        usable_schema_only: false,
        create_file: false,
        ..Options::default()
    };
    for options in [Options::default(), only_looks] {
        let Err(refused) = Log::open(&url, options).await else {
            panic!("it was opened")
        };
        assert!(
            matches!(refused, OpenError::NoFile { .. }) && !refused.is_retryable(),
            "{refused:?}"
        );
        let said = refused.to_string();
        let file = folder.path().join("log.db").display().to_string();
        assert!(
            said.contains(&file) && said.contains("confirmd migrate"),
            "{said}"
        );
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let (_, folder) = sqlite_url();
    let missing = folder.path().join("no such folder");
    let file = missing.join("log.db").display().to_string();
    for options in [Options::default(), migrating()] {
        let Err(refused) = Log::open(&format!("sqlite://{file}"), options).await else {
            panic!("it was opened")
        };
        assert!(matches!(refused, OpenError::NoFolder { .. }) && !refused.is_retryable());
        let said = refused.to_string();
        let names_both = said.contains(&file) && said.contains(&format!("no folder `{}`", missing.display()));
        assert!(names_both, "{said}");
    }
    let refused = refusal(&format!("sqlite://{}", folder.path().display())).await;
    assert!(matches!(refused, OpenError::NoUsableFile { .. }), "{refused:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_but_its_owner_reads_a_log_in_a_file() {
    use std::os::unix::fs::PermissionsExt;
    let (url, folder) = sqlite_url();
    let log = migrated(&url).await;
    heard(&log, "s-1").await;
    let _claim = log.claim().unwrap();
    for name in ["log.db", "log.db-wal", "log.db-shm", "log.db.lock"] {
        let mode = folder.path().join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_log_in_a_file_is_claimed_by_one_at_a_time() {
    let (url, folder) = sqlite_url();
    let log = migrated(&url).await;
    let same = Log::open(&url, Options::default()).await.unwrap();
    let claim = log.claim().unwrap();
    let refused = same.claim().unwrap_err();
    assert!(matches!(refused, OpenError::Held { .. }) && !refused.is_retryable());
    assert!(
        refused.to_string().contains(&folder.path().display().to_string()),
        "{refused}"
    );
    // Whoever only adds to it or acts on it needs no claim.
    heard(&same, "s-1").await;
    drop(claim);
    same.claim().unwrap();
}

#[tokio::test]
async fn a_log_on_a_server_is_claimed_by_whoever_asks() {
    if let Some(backend) = Backend::postgres().await {
        let _one = backend.log.claim().unwrap();
        backend.log.claim().unwrap();
    }
}

async fn a_log_that_can_be_written_is_ready(backend: &Backend) {
    backend.log.ready().await.unwrap();
    assert_eq!(backend.sql("SELECT checks FROM readiness").await, [1]);
}
