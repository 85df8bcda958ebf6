//! The tables of time.

use checkout::{Backoff, Policy};
use testkit::model::{hours, mins, secs};

const RETRY: Backoff = Backoff {
    first: secs(1),
    max: mins(5),
};

#[test]
fn waits_double_up_to_the_longest_and_half_of_each_is_spread() {
    for (failures, shortest_ms, longest_ms) in [
        (0, 500, 1_000),
        (1, 500, 1_000),
        (2, 1_000, 2_000),
        (3, 2_000, 4_000),
        (4, 4_000, 8_000),
        (9, 128_000, 256_000),
        (10, 150_000, 300_000),
        (11, 150_000, 300_000),
        (1_000, 150_000, 300_000),
        (u32::MAX, 150_000, 300_000),
    ] {
        assert_eq!(RETRY.delay(failures, 0.0).as_millis(), shortest_ms, "{failures}");
        assert_eq!(RETRY.delay(failures, 1.0).as_millis(), longest_ms, "{failures}");
        let middle = RETRY.delay(failures, 0.5).as_millis();
        assert_eq!(middle, u128::midpoint(shortest_ms, longest_ms), "{failures}");
    }
}

#[test]
fn a_spread_out_of_range_is_cut() {
    assert_eq!(RETRY.delay(1, -3.0), RETRY.delay(1, 0.0));
    assert_eq!(RETRY.delay(1, 3.0), RETRY.delay(1, 1.0));
}

#[test]
fn the_longest_wait_holds_also_where_the_first_is_longer() {
    let odd = Backoff {
        first: hours(1),
        max: mins(1),
    };
    assert_eq!(odd.delay(1, 1.0), mins(1));
}

#[test]
fn gaps_while_the_buyer_is_not_done() {
    let gaps: Vec<_> = (0..8)
        .map(|looks| Policy::buyer_not_done_gap(looks).as_secs() / 60)
        .collect();
    assert_eq!(gaps, [1, 2, 5, 10, 20, 30, 30, 30]);
    assert_eq!(Policy::buyer_not_done_gap(u32::MAX), mins(30));
}

#[test]
fn look_ups_after_the_deadline() {
    let at: Vec<_> = (0..7).map(Policy::after_deadline).collect();
    assert_eq!(
        at,
        [secs(10), mins(1), mins(5), mins(15), hours(1), hours(2), hours(3)]
    );
}
