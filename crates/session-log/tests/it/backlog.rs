//! What lies before each account, counted.

use checkout::{Amount, Currency, StateName};
use reconciler::Append;
use reconciler::ports::Share;
use reconciler::turns::Cell;
use session_log::Log;

use crate::support::{Backend, Story, account, append, at, completed_for, confirmed, on_both};

on_both!(
    near_deadlines_are_counted_by_the_minute_and_others_by_ten,
    amounts_are_counted_by_about_what_they_are,
    what_is_not_to_be_confirmed_any_more_is_not_counted,
    every_account_has_its_own_cells_and_a_replica_those_of_its_share,
);

/// The tests' day begins at a full hour, and this is not one.
const NOW: u64 = 95;

fn open(name: &str, deadline: u64, worth: Option<(&str, &str)>) -> Append {
    let mut first = Story::of(name).then(at(0), [completed_for("eu_shop", at(0))]);
    first.row.deadline.at = at(deadline);
    first.row.charge_amount = worth.map(|(amount, currency)| Amount::parse(amount, currency).unwrap());
    first
}

/// A cell's beginning and length in seconds, and what it holds.
type Told = (u64, u64, Option<Currency>, f64, u32);

fn told(cells: &[Cell]) -> Vec<Told> {
    let tell = |cell: &Cell| {
        let length = cell.until.since(cell.from).as_secs();
        let from = cell.from.since(at(0)).as_secs();
        (from, length, cell.currency, cell.money, cell.count)
    };
    cells.iter().map(tell).collect()
}

/// Of the only account.
async fn cells(log: &Log) -> Vec<Told> {
    let mut backlog = log.backlog(&Share::All, at(NOW)).await.unwrap();
    assert_eq!(backlog.len(), 1);
    let (name, cells) = backlog.remove(0);
    assert_eq!(name, account("eu_shop"));
    told(&cells)
}

async fn near_deadlines_are_counted_by_the_minute_and_others_by_ten(backend: &Backend) {
    let log = &backend.log;
    for (name, deadline) in [
        ("a", NOW + 1),
        ("b", 119),
        ("c", 120),
        // Two hours from now is within the ten minutes that begin at 7200: these are told apart by the minute.
        ("d", 7199),
        ("e", 7200 + 59),
        ("f", 7200 + 60),
        ("g", 7799),
        ("h", 7800),
        ("i", 8399),
        ("j", 8400),
    ] {
        append(log, open(name, deadline, Some(("1", "EUR"))))
            .await
            .unwrap();
    }
    let eur = Some(Currency::EUR);
    assert_eq!(
        cells(log).await,
        [
            (60, 60, eur, 2.0, 2),
            (120, 60, eur, 1.0, 1),
            (7140, 60, eur, 1.0, 1),
            (7200, 60, eur, 1.0, 1),
            (7260, 60, eur, 1.0, 1),
            (7740, 60, eur, 1.0, 1),
            (7800, 600, eur, 2.0, 2),
            (8400, 600, eur, 1.0, 1),
        ]
    );
}

async fn amounts_are_counted_by_about_what_they_are(backend: &Backend) {
    let log = &backend.log;
    for (n, worth) in [
        // Between 8 and its double there are four classes, each a factor of 1.19 wide.
        Some(("7.99", "EUR")),
        Some(("8", "EUR")),
        Some(("8.00", "EUR")),
        Some(("9.50", "EUR")),
        Some(("9.52", "EUR")),
        Some(("16", "EUR")),
        Some(("8", "GBP")),
        Some(("0.01", "GBP")),
        Some(("999999999999", "JPY")),
        None,
        None,
    ]
    .into_iter()
    .enumerate()
    {
        append(log, open(&format!("s-{n}"), 600, worth)).await.unwrap();
    }
    let (none, eur, gbp, jpy) = (
        None,
        Some(Currency::EUR),
        Some(Currency::GBP),
        Some(Currency::JPY),
    );
    assert_eq!(
        cells(log).await,
        [
            (600, 60, none, 0.0, 2),
            (600, 60, eur, 7.99, 1),
            (600, 60, eur, 25.5, 3),
            (600, 60, eur, 9.52, 1),
            (600, 60, eur, 16.0, 1),
            (600, 60, gbp, 0.01, 1),
            (600, 60, gbp, 8.0, 1),
            (600, 60, jpy, 999_999_999_999.0, 1),
        ]
    );
}

async fn what_is_not_to_be_confirmed_any_more_is_not_counted(backend: &Backend) {
    let log = &backend.log;
    append(log, open("late", NOW, None)).await.unwrap();
    let mut nameless = open("nameless", 600, None);
    nameless.row.account = None;
    append(log, nameless).await.unwrap();
    let mut over = Story::of("over");
    append(log, over.then(at(0), [completed_for("eu_shop", at(0))]))
        .await
        .unwrap();
    append(log, over.then(at(1), [confirmed()])).await.unwrap();
    let unsettled = StateName::ALL.iter().filter(|state| !state.is_settled());
    for state in unsettled {
        let mut in_state = open(state.as_str(), 600, None);
        in_state.row.state = *state;
        append(log, in_state).await.unwrap();
    }
    // Ready, waiting and in doubt.
    assert_eq!(cells(log).await, [(600, 60, None, 0.0, 3)]);
}

async fn every_account_has_its_own_cells_and_a_replica_those_of_its_share(backend: &Backend) {
    let log = &backend.log;
    for (name, shop, partition) in [
        ("a", "eu_shop", 3),
        ("b", "uk_shop", 4),
        ("c", "eu_shop", 5),
        ("d", "uk_shop", 4),
    ] {
        let mut first = open(name, 600, None);
        first.row.account = Some(account(shop));
        first.partition = partition;
        append(log, first).await.unwrap();
    }
    let counts = async |share| {
        let backlog = log.backlog(&share, at(NOW)).await.unwrap();
        let count = |(name, cells): &(checkout::AccountName, Vec<Cell>)| {
            (
                name.as_str().to_owned(),
                cells.iter().map(|cell| cell.count).collect(),
            )
        };
        backlog.iter().map(count).collect::<Vec<(String, Vec<u32>)>>()
    };
    let of = |shop: &str, count| (shop.to_owned(), vec![count]);
    assert_eq!(counts(Share::All).await, [of("eu_shop", 2), of("uk_shop", 2)]);
    let share = |partitions: &[u32]| Share::Partitions(partitions.iter().copied().collect());
    assert_eq!(counts(share(&[3, 4])).await, [of("eu_shop", 1), of("uk_shop", 2)]);
    assert_eq!(counts(share(&[5])).await, [of("eu_shop", 1)]);
    assert_eq!(counts(share(&[])).await, []);
}
