//! Whoever waits hears of what this replica records, and of what another does; nobody wakes for anything else.

use futures::FutureExt as _;

use super::*;
use crate::daemon::announcer::tests::expired;

fn id(text: &str) -> SessionId {
    SessionId::parse(text).unwrap()
}

#[test]
fn whoever_waits_wakes_for_a_newer_fact_of_its_own_session_and_for_nothing_else() {
    let waiters = Arc::new(Waiters::default());
    let mine = id("mine");
    let mut waiting = waiters.enter(&mine).unwrap();
    let mut beside = waiters.enter(&mine).unwrap();
    waiters.heard(&[expired("other", 9), expired("mine", 2)]);
    assert!(waiting.newer_than(Version(2)).now_or_never().is_none());
    assert!(waiting.newer_than(Version(1)).now_or_never().is_some());
    // What was said before it waits is not missed, and what is older takes nothing back.
    waiters.heard(&[expired("mine", 3)]);
    waiters.heard(&[expired("mine", 1)]);
    assert!(beside.newer_than(Version(2)).now_or_never().is_some());
}

#[test]
fn whoever_has_gone_costs_nothing_and_too_many_are_turned_away() {
    let waiters = Arc::new(Waiters::default());
    let all: Vec<Waiting> = (0..MOST)
        .map(|n| waiters.enter(&id(&format!("S-{}", n / 2))).unwrap())
        .collect();
    assert!(waiters.enter(&id("S-0")).is_none());
    assert_eq!(waiters.newest().len(), MOST / 2);
    drop(all);
    assert_eq!(waiters.newest().len(), 0);
    assert!(waiters.enter(&id("S-0")).is_some());
}
