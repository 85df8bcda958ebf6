//! Very many sessions that are over, in bulk, and some that are not.

use std::time::Duration;

use checkout::{AlertKind, BodyRef, PrivateRef, SessionId, Timestamp};
use reconciler::ports::SessionLog;

use crate::support::{Backend, Story, address, alert_of, at, completed_for, id, started};

pub(super) const SHOPS: [&str; 3] = ["eu_shop", "uk_shop", "us_shop"];

/// Sessions without an outcome, as many of each shop.
pub(super) const OPEN: u64 = 1_500;
/// Of each shop, those that are due at the first second of the tests' day; the others follow a minute later.
pub(super) const DUE_EARLY: u64 = 10;

/// The id of a settled session, told from its number: in no order, as Amazon's are.
pub(super) fn settled(number: u64) -> SessionId {
    id(&format!("{:08x}-{number}", (number * 2_654_435_761) % (1 << 32)))
}

pub(super) fn open(number: u64) -> SessionId {
    id(&format!(
        "{:08x}-open-{number}",
        (number * 2_654_435_761) % (1 << 32)
    ))
}

/// They pass through the queue, as they all did: recorded without an outcome first, then settled. Both databases
/// understand it; `past` has their numbers, ids and times.
const PASS_THROUGH: [&str; 6] = [
    "INSERT INTO events (session_id, version, at, type, format, body, append_id)
     SELECT id, version, recorded, type, 1, '{}', n * 3 + version
     FROM past CROSS JOIN (
         SELECT 1 AS version, 'checkout-completed' AS type
         UNION ALL SELECT 2, 'confirmation-started'
         UNION ALL SELECT 3, 'confirmed'
     ) AS facts",
    "INSERT INTO sessions (session_id, version, state, account, partition, deadline, deadline_from, due_at, look_at,
         amount, currency, settled, updated_at)
     SELECT id, 2, 'ready', account, n % 12, deadline, 'event', recorded, deadline, '23.40', 'EUR', FALSE, recorded
     FROM past",
    // One in five is younger than what is kept of people.
    "INSERT INTO personal (session_id, slot, format, content) SELECT id, 0, 1, '{}' FROM past WHERE n % 5 = 0",
    "INSERT INTO bodies (session_id, body_ref, bytes) SELECT id, 1, body FROM past WHERE n % 5 = 0",
    "INSERT INTO permission_details (session_id, format, content, erase_after)
     SELECT id, 1, '{}', CASE WHEN n % 1000 < 100 THEN recorded ELSE kept_until END FROM past WHERE n % 5 = 0",
    // A few are to be erased, or want details.
    "UPDATE sessions SET version = 3, state = 'confirmed', due_at = NULL, look_at = NULL, settled = TRUE,
         details_at = CASE WHEN n < 1000 AND n % 50 = 7 THEN NULL ELSE recorded END,
         erase_after = CASE WHEN n % 1000 < 100 THEN recorded ELSE kept_until END,
         erased_at = CASE WHEN n % 5 = 0 THEN NULL ELSE kept_until END
     FROM past WHERE session_id = id",
];

/// A table of the sessions with these numbers.
fn past(url: &str, from: u64, to: u64) -> String {
    let shop = "CASE n % 3 WHEN 0 THEN 'eu_shop' WHEN 1 THEN 'uk_shop' ELSE 'us_shop' END";
    let (start, kept_until) = (at(0).minus(Duration::from_secs(200 * 86_400)), at(90 * 86_400));
    if url.starts_with("sqlite") {
        let (start, kept_until) = (start.as_micros(), kept_until.as_micros());
        format!(
            "CREATE TEMP TABLE past AS
             WITH RECURSIVE numbers (n) AS (
                 SELECT {from} UNION ALL SELECT n + 1 FROM numbers WHERE n < {to}
             )
             SELECT n, printf('%08x-%d', (n * 2654435761) % 4294967296, n) AS id, {shop} AS account,
                 {start} + n * 10000000 AS recorded, {start} + (n + 8640) * 10000000 AS deadline,
                 {kept_until} AS kept_until, CAST('{{}}' AS BLOB) AS body
             FROM numbers"
        )
    } else {
        format!(
            "CREATE TEMP TABLE past AS
             SELECT n, lpad(to_hex((n * 2654435761) % 4294967296), 8, '0') || '-' || n AS id, {shop} AS account,
                 recorded, recorded + interval '1 day' AS deadline, '{kept_until}'::timestamptz AS kept_until,
                 '{{}}'::bytea AS body
             FROM (
                 SELECT n, '{start}'::timestamptz + n * interval '10 seconds' AS recorded
                 FROM generate_series({from}::bigint, {to}) AS n
             ) AS numbers"
        )
    }
}

/// The SQL that puts the sessions with these numbers behind us.
pub(super) fn settle(url: &str, from: u64, to: u64) -> Vec<String> {
    let made = [past(url, from, to)].into_iter();
    let passed = PASS_THROUGH.into_iter().map(str::to_owned);
    made.chain(passed).chain(["DROP TABLE past".to_owned()]).collect()
}

/// Sessions without an outcome, by way of the log. Of some, an alert fires and is still to be told.
pub(super) async fn open_sessions(backend: &Backend) {
    let mut appends = Vec::new();
    for n in 0..OPEN {
        let shop = SHOPS[n as usize % SHOPS.len()];
        let mut story = Story::of(open(n).as_str());
        let alerts = (n % 10 == 0).then(|| alert_of(AlertKind::Conflict, 1));
        let facts = [completed_for(shop, at(0)), started(1, at(0))];
        let mut append = story.then(at(0), facts.into_iter().chain(alerts));
        append.partition = (n % 12) as u32;
        append.row.deadline.at = at(3_600 + (n * 7_919) % 72_000);
        append.row.due_at = Some(at(if n < DUE_EARLY * 3 { 0 } else { 60 }));
        append.row.look_at = (n % 50 == 0).then(|| at(30));
        append.personal = vec![(PrivateRef(0), address("somebody"))];
        append.body = Some((BodyRef(1), b"{}".to_vec()));
        appends.push(append);
    }
    for added in backend.log.append_all(appends).await {
        added.unwrap();
    }
}

/// When people's data of most settled sessions are still kept.
pub(super) fn present() -> Timestamp {
    at(120)
}
