//! What a quota can save, and whom it gives up.

use std::collections::BinaryHeap;
use std::time::Duration;

use checkout::{Currency, Timestamp};
use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};
use reconciler::turns::{Capacity, Cell, Plan, WhenNotAll};
use testkit::model::{hours, mins, money, secs, t};

fn capacity(per_second: f64) -> Capacity {
    Capacity {
        now: t(secs(0)),
        per_second,
        effective: 1.0,
        repeated_after: mins(5),
        closing: secs(0),
    }
}

fn cell(deadline: Timestamp, count: u32, money: f64) -> Cell {
    Cell {
        from: deadline,
        until: deadline.plus(Duration::from_micros(1)),
        currency: Some(Currency::EUR),
        money,
        count,
    }
}

/// Of cells by their deadline from now, their sessions and what these are worth together.
pub(crate) fn plan_of(cells: &[(Duration, u32, f64)], per_second: f64, when_not_all: WhenNotAll) -> Plan {
    let cells = cells
        .iter()
        .map(|(left, count, money)| cell(t(*left), *count, *money));
    Plan::of(cells.collect(), &capacity(per_second), when_not_all)
}

fn misses(plan: &Plan) -> f64 {
    plan.losses().iter().map(|loss| loss.misses).sum()
}

fn lost(plan: &Plan) -> f64 {
    plan.losses().iter().flat_map(|loss| loss.money.values()).sum()
}

#[test]
fn where_there_is_time_for_all_nobody_is_given_up() {
    for when_not_all in [WhenNotAll::MostSessions, WhenNotAll::MostValue] {
        let plan = plan_of(
            &[(hours(1), 3_600, 1.0), (hours(2), 3_600, 1.0)],
            1.0,
            when_not_all,
        );
        assert!(plan.losses().is_empty());
        assert!(!plan.gives_up(t(mins(1)), Some(&money("0.01", "EUR"))));
        assert!(!plan.has_time_to_spare(), "but for no more than that");
        assert!(plan_of(&[(hours(1), 3_000, 1.0)], 1.0, when_not_all).has_time_to_spare());
    }
}

#[test]
fn where_there_is_not_the_latest_are_lost_or_the_cheapest() {
    // Two hundred that are due in an hour, for half of whom there is time.
    let cells = [(hours(1), 100, 1_000.0), (hours(1), 100, 5_000.0)];
    let plan = plan_of(&cells, 100.0 / 3_600.0, WhenNotAll::MostSessions);
    assert_eq!((misses(&plan), lost(&plan)), (100.0, 5_000.0));
    assert!(
        !plan.gives_up(t(mins(1)), None),
        "the earliest deadline goes first, to the last"
    );

    let plan = plan_of(&cells, 100.0 / 3_600.0, WhenNotAll::MostValue);
    assert_eq!((misses(&plan), lost(&plan)), (100.0, 1_000.0));
    assert!(plan.gives_up(t(mins(1)), Some(&money("10.00", "EUR"))));
    assert!(plan.gives_up(t(mins(1)), None), "nothing is charged");
    assert!(!plan.gives_up(t(mins(1)), Some(&money("50.00", "EUR"))));
    assert!(
        !plan.gives_up(t(hours(2)), Some(&money("10.00", "EUR"))),
        "there is time for it"
    );
}

#[test]
fn whoever_is_due_earlier_makes_room_for_the_dearer() {
    let cells = [(hours(1), 100, 100.0), (hours(2), 200, 20_000.0)];
    let plan = plan_of(&cells, 200.0 / 7_200.0, WhenNotAll::MostValue);
    assert!(plan.gives_up(t(hours(1)), Some(&money("1.00", "EUR"))));
    assert_eq!(lost(&plan), 100.0);
}

#[test]
fn an_average_order_of_one_currency_counts_as_one_of_another() {
    let yen = |count, money| Cell {
        currency: Some(Currency::JPY),
        ..cell(t(hours(1)), count, money)
    };
    let cells = vec![
        yen(50, 50.0 * 2_000.0),
        yen(50, 50.0 * 18_000.0),
        cell(t(hours(1)), 50, 50.0 * 10.0),
        cell(t(hours(1)), 50, 50.0 * 90.0),
    ];
    let plan = Plan::of(cells, &capacity(100.0 / 3_600.0), WhenNotAll::MostValue);
    let gives_up = |amount, currency| plan.gives_up(t(mins(1)), Some(&money(amount, currency)));
    assert!(gives_up("2000", "JPY") && gives_up("10.00", "EUR"));
    assert!(!gives_up("18000", "JPY") && !gives_up("90.00", "EUR"));
}

#[test]
fn an_account_that_sends_nothing_loses_all_and_chooses_nobody() {
    for when_not_all in [WhenNotAll::MostSessions, WhenNotAll::MostValue] {
        let plan = plan_of(&[(hours(1), 5, 10.0)], 0.0, when_not_all);
        assert_eq!((misses(&plan), lost(&plan)), (5.0, 10.0));
        assert!(!plan.gives_up(t(hours(1)), Some(&money("1.00", "EUR"))));
    }
}

#[test]
fn what_fails_costs_turns_and_takes_the_time_that_buyers_could_be_spared() {
    let failing = Capacity {
        effective: 0.5,
        ..capacity(1.0)
    };
    let cells = |count| vec![cell(t(hours(1)), count, 1.0)];
    assert_eq!(
        misses(&Plan::of(cells(3_600), &failing, WhenNotAll::MostSessions)),
        1_800.0
    );
    // The unluckiest of a thousand is tried some ten times, five minutes apart: that is most of the hour.
    assert!(!Plan::of(cells(1_000), &failing, WhenNotAll::MostSessions).has_time_to_spare());
    assert!(Plan::of(cells(100), &failing, WhenNotAll::MostSessions).has_time_to_spare());
}

#[test]
fn whose_deadline_has_passed_is_no_part_of_it() {
    let cells = vec![cell(t(secs(0)).minus(secs(1)), 5, 10.0)];
    let plan = Plan::of(cells, &capacity(0.0), WhenNotAll::MostSessions);
    assert!(plan.losses().is_empty());
}

/// Deadlines in seconds from now, and what each session is worth.
fn sessions() -> impl Strategy<Value = Vec<(u64, f64)>> {
    let cents = (100..50_000_u32).prop_map(|cents| f64::from(cents) / 100.0);
    proptest::collection::vec((1..3_600_u64, cents), 1..500)
}

fn planned(sessions: &[(u64, f64)], per_second: f64, when_not_all: WhenNotAll) -> Plan {
    let cells = sessions
        .iter()
        .map(|(left, money)| cell(t(secs(*left)), 1, *money));
    Plan::of(cells.collect(), &capacity(per_second), when_not_all)
}

/// As many as tokens by each deadline, the cheapest left out first: worked out session by session.
fn best(sessions: &[(u64, f64)], per_second: f64) -> (usize, f64) {
    let mut sessions = sessions.to_vec();
    sessions.sort_by_key(|(left, _)| *left);
    let mut kept: BinaryHeap<std::cmp::Reverse<u64>> = BinaryHeap::new();
    for (left, money) in sessions {
        kept.push(std::cmp::Reverse(money.to_bits()));
        while per_second * Duration::from_secs(left).as_secs_f64() < kept.len() as f64 {
            kept.pop();
        }
    }
    (
        kept.len(),
        kept.into_iter().map(|money| f64::from_bits(money.0)).sum(),
    )
}

proptest! {
    /// As many sessions are lost as must be, to a token a deadline: there is no half of one.
    #[test]
    fn no_more_are_lost_than_must_be(sessions in sessions(), per_second in 0.01..0.5_f64) {
        let (most, _) = best(&sessions, per_second);
        let plan = planned(&sessions, per_second, WhenNotAll::MostSessions);
        let kept = sessions.len() as f64 - misses(&plan);
        prop_assert!((kept - most as f64).abs() <= 1.0, "{kept} of {most}");
    }

    /// What is kept is worth nearly what the best choice is, and there is time for it but for what a class blurs.
    #[test]
    fn nearly_the_dearest_are_kept(sessions in sessions(), per_second in 0.02..0.5_f64) {
        let (most, worth) = best(&sessions, per_second);
        let plan = planned(&sessions, per_second, WhenNotAll::MostValue);
        let kept: Vec<(u64, f64)> = sessions
            .iter()
            .filter(|(left, value)| {
                let amount = money(&format!("{value:.2}"), "EUR");
                !plan.gives_up(t(secs(*left)), Some(&amount))
            })
            .copied()
            .collect();
        let (saved, saved_worth) = best(&kept, per_second);
        let blurred = 8.0 + most as f64 * 0.1;
        prop_assert!(most as f64 <= saved as f64 + blurred, "{saved} of {most}");
        prop_assert!(kept.len() as f64 <= most as f64 + blurred, "{} kept, {most} at most", kept.len());
        prop_assert!(worth * 0.9 <= saved_worth + blurred * 500.0, "{saved_worth} of {worth}");
        let given_up = plan.given_up();
        for (left, value) in &sessions {
            let listed = given_up.iter().any(|up| {
                t(secs(*left)) < up.until && up.currency == Some(Currency::EUR) && *value < up.below
            });
            let amount = money(&format!("{value:.2}"), "EUR");
            prop_assert_eq!(listed, plan.gives_up(t(secs(*left)), Some(&amount)));
        }
    }
}
