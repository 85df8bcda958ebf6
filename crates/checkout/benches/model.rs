//! What deciding costs: `cargo bench -p checkout`.

use checkout::{Event, Session, Step, Timestamp, next_step};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use testkit::model::{accepted, answered, completed, look_up, lost, open, policy, secs, start};
use testkit::story::{Story, given};

fn main() {
    divan::main();
}

/// Nearly every session: heard of, sent, confirmed.
const CONFIRMED_AT_ONCE: &str = "confirmed at once";
/// An attempt that nobody answered.
const IN_DOUBT: &str = "in doubt";
/// Amazon answers no attempt for hours; look-ups say that it is open.
const LONG_STRUGGLE: &str = "long struggle";

const HISTORIES: [&str; 3] = [CONFIRMED_AT_ONCE, IN_DOUBT, LONG_STRUGGLE];

fn history(name: &str) -> Story {
    let sent = given(policy()).and(completed()).and(start(1)).later(secs(1));
    match name {
        CONFIRMED_AT_ONCE => sent.and(answered(1, accepted())),
        IN_DOUBT => sent.and(answered(1, lost())),
        _ => struggle(sent.and(answered(1, lost()))),
    }
}

fn struggle(mut story: Story) -> Story {
    let mut attempt = 1;
    while story.history().len() < 60 {
        story = story.when_due();
        story = match story.step() {
            Step::LookUp => story.and(look_up(open())),
            Step::Confirm => {
                attempt += 1;
                // While in doubt, the same key and the same bytes.
                let sent = story.and(start(1)).later(secs(1));
                sent.and(answered(attempt, lost()))
            }
            Step::Alert(_) => story.and_alerts(),
            other => panic!("a session in doubt is never left alone: {other:?}"),
        };
    }
    story
}

#[divan::bench(args = HISTORIES)]
fn next_step_of(bencher: Bencher<'_, '_>, name: &str) {
    let (story, policy) = (history(name), policy());
    let (session, now) = (story.session(), story.now());
    bencher.bench(|| next_step(black_box(session), black_box(now), black_box(&policy)));
}

/// Facts, one after the other, as after every load.
#[divan::bench(args = HISTORIES)]
fn evolve(bencher: Bencher<'_, '_>, name: &str) {
    let story = history(name);
    let facts: &[(Timestamp, Event)] = story.history();
    bencher.counter(ItemsCount::new(facts.len())).bench(|| {
        black_box(facts)
            .iter()
            .fold(Session::Unseen, |session, (at, event)| session.evolve(*at, event))
    });
}
