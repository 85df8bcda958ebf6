//! A history of any length must slow nothing: what the program asks again and again reads as much after a million
//! settled sessions as after the first.
//!
//! ```text
//!   history ─► few settled sessions ─► ask ─► what each statement read ┐
//!           └► ten times as many   ─► ask ─► what each statement read ┴─► the same
//! ```
//!
//! With PostgreSQL the program itself asks, and the server tells each plan as it was carried out; with SQLite the
//! statements are run as they stand in their files, and SQLite's steps are counted. Each file under `sql` is either asked
//! often or has a reason why it may read more; a new one has to be placed.

mod asking;
mod history;
mod postgres;
mod sqlite;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What is asked seldom of either database, and why it may read more.
const SELDOM: &[(&str, &str)] = &[
    ("create_schema_table", "migrating"),
    (
        "settled_counts",
        "metrics, for which a hundredth of the time may be spent on it",
    ),
    ("facts_after", "`migrate --rebuild`, which goes over everything"),
    ("rebuild_rows", "`migrate --rebuild`, which goes over everything"),
    ("rows_between", "`migrate --rebuild`, which goes over everything"),
    (
        "session_rows_without_facts",
        "looking for wrong rows, which goes over everything",
    ),
];

/// Settled sessions at the end, ten times as many as at first; `SETTLED_SESSIONS` asks for more, or less.
fn settled_sessions(unless_asked: u64) -> u64 {
    std::env::var("SETTLED_SESSIONS").map_or(unless_asked, |asked| asked.parse().unwrap())
}

/// The statements of a database: name, and text.
fn statements(database: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql").join(database);
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files
        .map(|file| {
            let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&file).unwrap())
        })
        .collect()
}

/// Each statement has to be among those that are asked often or those that have a reason not to be held to it, some of
/// them of this database alone.
fn are_all_placed(database: &str, often: &[&str], seldom_here: &[(&str, &str)]) {
    let there: BTreeSet<String> = statements(database).into_iter().map(|(name, _)| name).collect();
    let places = often
        .iter()
        .chain(SELDOM.iter().chain(seldom_here).map(|(name, _)| name));
    let placed: Vec<String> = places.map(|name| (*name).to_owned()).collect();
    let once: BTreeSet<String> = placed.iter().cloned().collect();
    assert_eq!(once.len(), placed.len(), "a statement is placed twice");
    assert_eq!(
        there, once,
        "a statement came or went: say whether it is asked often"
    );
}
