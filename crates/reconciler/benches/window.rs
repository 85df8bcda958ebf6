//! What finding out whose turn it is costs: `cargo bench -p reconciler`.

use std::time::Duration;

use checkout::{AccountName, SessionId, Timestamp};
use divan::{Bencher, black_box};
use reconciler::ports::Call;
use reconciler::turns::{Claim, Window};
use testkit::model::{money, t, t0};

fn main() {
    divan::main();
}

fn account() -> AccountName {
    AccountName::parse("eu_shop").expect("a literal name")
}

fn session(number: usize) -> SessionId {
    SessionId::parse(&format!("session-{number:06}")).expect("a literal id")
}

/// In no order, within the day to come.
fn claim(number: usize) -> Claim {
    let seconds = 60 + (number as u64 * 7_919) % 86_000;
    Claim {
        deadline: t(Duration::from_secs(seconds)),
        amount: Some(money("23.45", "EUR")),
        fresh_until: t0(),
    }
}

fn full(sessions: usize) -> Window {
    let mut window = Window::new(sessions);
    for number in 0..sessions {
        want(&mut window, number);
    }
    // Those whose buyers have left are put in order with the first pull.
    window.pull(&account(), Call::Confirm, t0());
    window
}

fn want(window: &mut Window, number: usize) {
    let id = session(number);
    window.want(&id, &account(), claim(number), Call::Confirm, None);
}

/// A token is free, and whoever had it comes back for another. 2,000 is the daemon's window.
#[divan::bench(args = [20, 200, 2_000, 20_000])]
fn pull_and_come_back(bencher: Bencher<'_, '_>, sessions: usize) {
    let (mut window, account, now): (_, _, Timestamp) = (full(sessions), account(), t0());
    bencher.bench_local(|| {
        let id = window.pull(black_box(&account), Call::Confirm, now);
        let id = id.expect("somebody waits");
        window.want(&id, &account, claim(sessions / 2), Call::Confirm, None);
    });
}
