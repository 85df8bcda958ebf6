//! What recording costs, alone and in a group: `cargo bench -p session-log`. Each is flushed before it is answered, so
//! that the disk has its part in it.

use checkout::{BodyRef, Event, Policy, PrivateRef, SessionId};
use divan::Bencher;
use divan::counter::ItemsCount;
use reconciler::ports::SessionLog as _;
use reconciler::{Actor, Append, Personal, Recorded, Row, Version, replay};
use session_log::{Log, Options};
use testkit::model::{key, order, policy, t0};
use tokio::runtime::Runtime;

/// At most so many go into one statement.
const GROUPS: [usize; 3] = [1, 16, 128];

fn main() {
    divan::main();
}

#[divan::bench(args = GROUPS, min_time = 1)]
fn postgresql(bencher: Bencher<'_, '_>, group: usize) {
    // It has said what is missing.
    if let Some(server) = testkit::real::postgres() {
        append(bencher, &server.database("bench"), group);
    }
}

#[divan::bench(args = GROUPS, min_time = 1)]
fn sqlite(bencher: Bencher<'_, '_>, group: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}/log.db", folder.path().display());
    append(bencher, &url, group);
}

fn append(bencher: Bencher<'_, '_>, url: &str, group: usize) {
    let runtime = Runtime::new().expect("a runtime");
    let options = Options {
        usable_schema_only: false,
        // One statement a group.
        writers: 1,
        ..Options::default()
    };
    let log = runtime.block_on(async {
        let log = Log::open(url, options).await.expect("a log");
        log.migrate().await.expect("its schema");
        log
    });
    let checkout = a_checkout();
    let mut next = 0..;
    bencher
        .counter(ItemsCount::new(group))
        .with_inputs(|| {
            let numbers = next.by_ref().take(group);
            numbers.map(|number| named(&checkout, number)).collect()
        })
        .bench_local_values(|appends: Vec<Append>| {
            for added in runtime.block_on(log.append_all(appends)) {
                added.expect("nobody was quicker");
            }
        });
    // Its writers live in the runtime.
    drop(log);
}

/// The same of another session, in no order, as Amazon's ids are.
fn named(append: &Append, number: u64) -> Append {
    let name = format!("{:08x}-{number}", (number * 2_654_435_761) % (1 << 32));
    Append {
        id: SessionId::parse(&name).expect("an id"),
        ..append.clone()
    }
}

/// The first write of a session for which a token is in hand: two facts, its row, personal data, and the body.
fn a_checkout() -> Append {
    let at = t0();
    let events = vec![
        Event::CheckoutCompleted {
            statement: order().build(),
            said_at: at,
            session_created_at: Some(at),
        },
        Event::ConfirmationStarted {
            attempt: 1,
            key: key(1),
            body: BodyRef(1),
            send_by: at.plus(Policy::SEND_WITHIN),
        },
    ];
    let recorded = (1..).zip(&events).map(|(version, event)| Recorded {
        version: Version(version),
        at,
        actor: Actor::Worker,
        reason: None,
        traceparent: None,
        event: event.clone(),
    });
    let history: Vec<Recorded> = recorded.collect();
    let (session, _) = replay(&history);
    Append {
        id: SessionId::parse("session").expect("an id"),
        after: Version(0),
        at,
        actor: Actor::Worker,
        reason: None,
        traceparent: None,
        row: Row::of(&session, at, &policy()).expect("it was heard of"),
        events,
        partition: 0,
        personal: vec![(PrivateRef(0), Personal::default())],
        found: None,
        body: Some((BodyRef(1), vec![b' '; 300])),
        erase_after: None,
    }
}
