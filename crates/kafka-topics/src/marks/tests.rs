use proptest::prelude::{Strategy, any, prop};
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::Marks;

fn assigned() -> Marks {
    let mut marks = Marks::default();
    marks.assigned([0]);
    marks
}

#[test]
fn nothing_is_committed_before_anything_is_on_record() {
    let mut marks = assigned();
    marks.received(0, 5);
    assert!(!marks.moved());
    assert_eq!(marks.take_moved(), []);
}

#[test]
fn a_mark_stops_before_the_first_event_that_is_not_on_record() {
    let mut marks = assigned();
    let generation = marks.generation(0).unwrap();
    for offset in [17, 18, 19, 21, 22] {
        marks.received(0, offset);
    }
    for offset in [21, 18, 17] {
        marks.done(0, generation, offset);
    }
    assert_eq!(marks.take_moved(), [(0, 19)]);
    assert_eq!(marks.outstanding(0), 3);
    marks.done(0, generation, 19);
    assert_eq!(marks.take_moved(), [(0, 22)]);
    assert_eq!(marks.take_moved(), []);
}

#[test]
fn what_an_older_assignment_completes_is_ignored() {
    let mut marks = assigned();
    let old = marks.received(0, 7).unwrap();
    marks.revoked([0]);
    marks.done(0, old, 7);
    marks.assigned([0]);
    let new = marks.received(0, 7).unwrap();
    assert_ne!(old, new);
    marks.done(0, old, 7);
    assert_eq!(marks.take_moved(), []);
    marks.done(0, new, 7);
    assert_eq!(marks.take_moved(), [(0, 8)]);
}

#[test]
fn a_topic_that_was_made_anew_is_counted_anew() {
    let mut marks = assigned();
    let old = marks.received(0, 100).unwrap();
    let new = marks.received(0, 0).unwrap();
    assert_ne!(old, new);
    marks.done(0, old, 100);
    assert_eq!(marks.take_moved(), []);
    marks.done(0, new, 0);
    assert_eq!(marks.take_moved(), [(0, 1)]);
}

#[test]
fn a_partition_of_somebody_else_has_no_mark() {
    let mut marks = assigned();
    assert_eq!(marks.received(1, 0), None);
    marks.revoked([0]);
    assert_eq!(marks.received(0, 0), None);
    assert!(marks.partitions().is_empty());
}

#[test]
fn a_commit_that_failed_is_due_again() {
    let mut marks = assigned();
    let generation = marks.received(0, 0).unwrap();
    marks.done(0, generation, 0);
    assert_eq!(marks.take_moved(), [(0, 1)]);
    assert!(!marks.moved());
    marks.not_committed(0);
    assert!(marks.moved());
    assert_eq!(marks.take_moved(), [(0, 1)]);
}

proptest! {
    /// Whatever the holes between offsets and the order of completion.
    #[test]
    fn the_mark_is_always_the_first_event_not_on_record(
        steps in prop::collection::vec(1_i64..4, 1..40),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..40)
            .prop_filter("something completes", |order| !order.is_empty()),
    ) {
        let mut marks = assigned();
        let generation = marks.generation(0).unwrap();
        let mut open: Vec<i64> = steps
            .iter()
            .scan(0, |offset, step| { *offset += step; Some(*offset) })
            .collect();
        let first = open[0];
        let last = open[open.len() - 1];
        for offset in &open {
            marks.received(0, *offset);
        }
        let mut committed = None;
        for index in order {
            if open.is_empty() {
                break;
            }
            let offset = open.remove(index.index(open.len()));
            marks.done(0, generation, offset);
            for (_, next) in marks.take_moved() {
                prop_assert!(Some(next) > committed);
                committed = Some(next);
            }
            let next = committed.unwrap_or(first);
            // Nothing that is open lies behind the mark, and what lies between the mark and it is done.
            match open.first() {
                Some(lowest) => {
                    prop_assert!(next <= *lowest);
                    prop_assert!(marks.outstanding(0) > 0);
                }
                None => prop_assert_eq!(next, last + 1),
            }
        }
    }
}
