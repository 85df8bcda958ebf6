//! Stands for the version after this one (feature `test-clock`), so that a test can roll it out and back.

use session_log::Migration;

/// The environment variable that makes this program the next version.
const VARIABLE: &str = "CONFIRMD_TEST_NEXT_VERSION";

/// What a version may add while this one works on: a column with a default, a table, an index.
const NEXT: &[Migration] = &[Migration {
    name: "9999_next",
    postgres: ADDED,
    sqlite: ADDED,
    understood_from: Some(session_log::Schema::EXPECTED),
}];

const ADDED: &str = "
    ALTER TABLE sessions ADD COLUMN of_the_next_version text NOT NULL DEFAULT 'unknown';
    CREATE TABLE of_the_next_version (session_id text PRIMARY KEY);
    CREATE INDEX of_the_next_version_sessions ON sessions (of_the_next_version);
";

pub(crate) fn migrations() -> &'static [Migration] {
    match std::env::var_os(VARIABLE) {
        Some(_) => NEXT,
        None => &[],
    }
}
