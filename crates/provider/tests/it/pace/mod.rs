//! Whom a quota saves after an outage: the order of confirmd beside first in first out, on days that are drawn.
//!
//! `cargo test -p provider --test it pace -- --nocapture` prints the table.

mod day;
mod play;

use std::time::Duration;

use reconciler::turns::WhenNotAll;

use self::day::{Case, Checkout, HOUR, checkouts, midnight};
use self::play::{Foretold, Played, allocated, earliest_deadline_first, first_in_first_out};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=5;

const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

/// Who was still open when the outage ended.
fn counted<'a>(
    case: &'a Case,
    checkouts: &'a [Checkout],
) -> impl Iterator<Item = (usize, &'a Checkout)> + Clone {
    let ended = midnight().plus(case.outage);
    let all = checkouts.iter().enumerate();
    all.filter(move |(_, checkout)| checkout.arrives <= ended && checkout.can_be_tried(ended))
}

/// The parts of the sessions and of the money that were lost.
fn lost(case: &Case, checkouts: &[Checkout], played: &Played) -> (f64, f64) {
    let (mut sessions, mut lost_sessions, mut money, mut lost_money) = (0.0, 0.0, 0.0, 0.0);
    for (number, checkout) in counted(case, checkouts) {
        sessions += 1.0;
        money += checkout.value;
        if !played.confirmed[number] {
            lost_sessions += 1.0;
            lost_money += checkout.value;
        }
    }
    (lost_sessions / sessions, lost_money / money)
}

/// By how much of the money that was due in an hour the forecast for it was wrong, at worst.
fn worst_forecast(checkouts: &[Checkout], played: &Played) -> f64 {
    let error = |foretold: &Foretold| {
        let (mut due, mut lost) = (0.0, 0.0);
        let hour = foretold.from..foretold.from.plus(HOUR);
        for (number, checkout) in checkouts.iter().enumerate() {
            if hour.contains(&checkout.deadline) {
                due += checkout.value;
                lost += if played.confirmed[number] {
                    0.0
                } else {
                    checkout.value
                };
            }
        }
        if due == 0.0 {
            0.0
        } else {
            (foretold.lost - lost).abs() / due
        }
    };
    played.foretold.iter().map(error).fold(0.0, f64::max)
}

fn percent(part: f64) -> String {
    format!("{:.2} %", part * 100.0)
}

struct Sums {
    fifo: f64,
    ours: f64,
}

fn play(case: &Case, of: impl Fn((f64, f64)) -> f64, mut check: impl FnMut(&[Checkout], &Played)) -> Sums {
    let mut sums = Sums { fifo: 0.0, ours: 0.0 };
    for seed in SEEDS {
        let checkouts = checkouts(case, seed);
        let fifo = of(lost(case, &checkouts, &first_in_first_out(case, &checkouts)));
        let played = allocated(case, &checkouts);
        let ours = of(lost(case, &checkouts, &played));
        println!(
            "{:<52} seed {seed}: first in first out loses {}, confirmd {}; {} of our calls throttled; forecast wrong by {}",
            case.name,
            percent(fifo),
            percent(ours),
            percent(played.throttled),
            percent(worst_forecast(&checkouts, &played)),
        );
        check(&checkouts, &played);
        sums.fifo += fifo / 5.0;
        sums.ours += ours / 5.0;
    }
    println!(
        "{:<52} mean  : first in first out loses {}, confirmd {}",
        case.name,
        percent(sums.fifo),
        percent(sums.ours)
    );
    sums
}

/// Nobody is lost whom the earliest deadline would have saved, were everything known.
fn saves_whoever_can_be(case: &Case, fifo_loses: f64) {
    let sums = play(
        case,
        |(sessions, _)| sessions,
        |checkouts, played| {
            let best = earliest_deadline_first(case, checkouts);
            let (of_best, _) = lost(case, checkouts, &best);
            let missed: Vec<&Checkout> = counted(case, checkouts)
                .filter(|(number, _)| best.confirmed[*number] && !played.confirmed[*number])
                .map(|(_, checkout)| checkout)
                .collect();
            assert!(
                missed.is_empty(),
                "{} could have been saved (at best {} are lost): {:?}",
                missed.len(),
                percent(of_best),
                missed.iter().take(3).collect::<Vec<_>>()
            );
        },
    );
    assert!(
        0.8 * fifo_loses <= sums.fifo,
        "the case is too easy: {}",
        percent(sums.fifo)
    );
}

fn loses_at_most(case: &Case, fifo_loses: f64, at_most: f64) {
    let sums = play(
        case,
        |(_, money)| money,
        |checkouts, played| {
            let wrong = worst_forecast(checkouts, played);
            assert!(
                wrong <= 0.02,
                "the forecast for an hour was wrong by {}",
                percent(wrong)
            );
        },
    );
    assert!(
        0.8 * fifo_loses <= sums.fifo,
        "the case is too easy: {}",
        percent(sums.fifo)
    );
    assert!(
        sums.ours <= at_most,
        "{} of the money is lost",
        percent(sums.ours)
    );
}

#[test]
fn after_twenty_hours_nobody_is_lost_who_can_be_saved() {
    let case = Case {
        name: "3/s in, quota 4/s, 20 h outage, 5 % fail",
        arriving: 3.0,
        quota: 4.0,
        shop_front: 0.0,
        outage: hours(20),
        failing: 0.05,
        when_not_all: WhenNotAll::MostSessions,
    };
    saves_whoever_can_be(&case, 0.0358);
}

#[test]
fn after_twenty_hours_nobody_is_lost_who_can_be_saved_where_one_attempt_in_four_fails() {
    let case = Case {
        name: "3/s in, quota 4/s, 20 h outage, 25 % fail",
        arriving: 3.0,
        quota: 4.0,
        shop_front: 0.0,
        outage: hours(20),
        failing: 0.25,
        when_not_all: WhenNotAll::MostSessions,
    };
    saves_whoever_can_be(&case, 0.155);
}

#[test]
fn beside_a_shop_front_that_takes_half_nobody_is_lost_who_can_be_saved() {
    let case = Case {
        name: "2.5/s in, shop front leaves 2/s, 12 h outage",
        arriving: 2.5,
        quota: 4.0,
        shop_front: 2.0,
        outage: hours(12),
        failing: 0.05,
        when_not_all: WhenNotAll::MostSessions,
    };
    saves_whoever_can_be(&case, 0.0458);
}

#[test]
fn where_a_third_can_be_saved_it_is_the_dearest() {
    let case = Case {
        name: "overload: 3/s in, 1/s left, 16 h outage, most value",
        arriving: 3.0,
        quota: 1.0,
        shop_front: 0.0,
        outage: hours(16),
        failing: 0.05,
        when_not_all: WhenNotAll::MostValue,
    };
    loses_at_most(&case, 0.579, 0.22);
}

#[test]
fn where_two_thirds_can_be_saved_they_are_the_dearest() {
    let case = Case {
        name: "overload: 3/s in, 2/s left, 20 h outage, most value",
        arriving: 3.0,
        quota: 2.0,
        shop_front: 0.0,
        outage: hours(20),
        failing: 0.05,
        when_not_all: WhenNotAll::MostValue,
    };
    loses_at_most(&case, 0.263, 0.06);
}
