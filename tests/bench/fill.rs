//! A log with very many sessions in it, written as confirmd writes them: through the log, never past it.

use std::time::Duration;

use checkout::{BodyRef, Command, Policy, Session, SessionId, Timestamp, decide};
use futures::StreamExt as _;
use reconciler::ports::{Outbox as _, SessionLog as _};
use reconciler::{Actor, Append, Row, Version};
use session_log::{Log, Options};
use testkit::model::{accepted, key, order, policy};

use crate::stopwatch::now;

/// Appends that are handed to the log at a time, and how many such hands there are: both of its writers are kept busy.
const HAND: u32 = 512;
const HANDS: usize = 4;
const PARTITIONS: u32 = 6;

/// Facts of each settled session.
pub(crate) const FACTS: u32 = 3;
const HOUR: u64 = 60 * 60;

/// Sessions that were confirmed, and told, yesterday.
pub(crate) async fn settled(store_url: &str, number: u32) {
    let log = open_log(store_url).await;
    let told = async |hand: &[Append]| {
        let facts: Vec<(SessionId, Version)> = hand
            .iter()
            .map(|append| (append.id.clone(), Version(FACTS)))
            .collect();
        log.told(&facts).await.expect("the database is there");
    };
    let begun = vec![
        Command::Start {
            key: key(1),
            body: BodyRef(1),
        },
        Command::Answered {
            attempt: 1,
            answer: accepted(),
            spread: 1.0,
        },
    ];
    let yesterday = Duration::from_secs(25 * HOUR);
    each_hand(
        &log,
        number,
        |nth, now| lived("settled", nth, "eu_shop", now.minus(yesterday), &begun),
        told,
    )
    .await;
}

/// Sessions that wait for the quota of another account than the one that is measured, with an hour to a day left.
pub(crate) async fn unsettled(store_url: &str, number: u32) {
    let log = open_log(store_url).await;
    let lived = |nth: u32, now: Timestamp| {
        let age = Duration::from_secs(60 + u64::from(nth) * 7_919 % (23 * HOUR));
        lived("open", nth, "us_shop", now.minus(age), &[])
    };
    each_hand(&log, number, lived, async |_: &[Append]| {}).await;
}

async fn open_log(store_url: &str) -> Log {
    Log::open(store_url, Options::default())
        .await
        .expect("a migrated database")
}

async fn each_hand(
    log: &Log,
    number: u32,
    append: impl Fn(u32, Timestamp) -> Append,
    then: impl AsyncFn(&[Append]),
) {
    let now = Timestamp::parse(&now().to_string()).expect("RFC 3339");
    let hands = (0..number)
        .step_by(HAND as usize)
        .map(|first| first..number.min(first + HAND));
    futures::stream::iter(hands)
        .for_each_concurrent(HANDS, async |hand| {
            let appends: Vec<Append> = hand.map(|nth| append(nth, now)).collect();
            for appended in log.append_all(appends.clone()).await {
                appended.expect("a new session");
            }
            then(&appends).await;
        })
        .await;
}

/// A session that was completed then, and all that has happened to it at once.
fn lived(kind: &str, nth: u32, account: &str, at: Timestamp, since: &[Command]) -> Append {
    let policy: Policy = policy();
    let completed = Command::Observe {
        statement: order().account(account).build(),
        said_at: at,
        session_created_at: Some(at),
    };
    let mut session = Session::Unseen;
    let mut events = Vec::new();
    for command in std::iter::once(&completed).chain(since) {
        let decided = decide(&session, at, &policy, command.clone()).expect("a worker's command");
        session = decided
            .iter()
            .fold(session, |session, event| session.evolve(at, event));
        events.extend(decided);
    }
    Append {
        id: SessionId::parse(&format!("{kind}-{nth:09}")).expect("letters and digits"),
        after: Version(0),
        at,
        actor: Actor::Worker,
        reason: None,
        traceparent: None,
        row: Row::of(&session, at, &policy).expect("it was heard of"),
        events,
        partition: nth % PARTITIONS,
        personal: Vec::new(),
        found: None,
        body: None,
        erase_after: matches!(session, Session::Settled(_)).then(|| at.plus(policy.personal_data_for)),
    }
}
