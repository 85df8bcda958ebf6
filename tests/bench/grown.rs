//! With very many sessions in the log: settled ones, and open ones.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fill::{self, FACTS};
use crate::machine::memory;
use crate::pairs::Bench;
use crate::parts::{Parts, Store};
use crate::stopwatch::{Stopwatch, pause};

const IN_FLIGHT: usize = 16;
/// How long it is watched while the measured account has nothing to do: a few of its plans, many of its ticks.
const IDLE: Duration = Duration::from_secs(30);

/// A million sessions that are over must not slow anything; and the state is made anew from their facts.
pub(crate) async fn settled(parts: &mut Parts, store: Store, number: u32, pairs: usize) -> Value {
    let place = parts.place(store).await;
    let empty = place.size();
    fill::settled(&place.store_url, number).await;
    let bytes = (place.size() - empty) / f64::from(number);
    let begun = Stopwatch::start();
    let rebuilt = place.command(&["migrate", "--rebuild", "--json"]).output().await;
    let took = begun.elapsed().as_secs_f64();
    let rebuilt: Value = serde_json::from_slice(&rebuilt.expect("confirmd").stdout).expect("JSON");
    let corrected = rebuilt["rebuilt"]["corrected"].as_array().map(Vec::len);
    assert_eq!(corrected, Some(0), "{rebuilt}");
    let bench = Bench::start_at(parts, place).await;
    let measured = bench.measure(parts, IN_FLIGHT, pairs).await;
    bench.confirmd.stop().await;
    json!({
        "sessions": number,
        "bytesPerSession": bytes,
        "measured": measured,
        "rebuild": {"events": number * FACTS, "seconds": took, "eventsPerSecond": f64::from(number * FACTS) / took},
    })
}

/// What open sessions of another account cost.
pub(crate) async fn open(parts: &mut Parts, number: u32, pairs: usize) -> Value {
    let place = parts.place(Store::Postgres).await;
    fill::unsettled(&place.store_url, number).await;
    let bench = Bench::start_at(parts, place).await;
    let measured = bench.measure(parts, IN_FLIGHT, pairs).await;
    let before = bench.processor_times(parts);
    let (_, first) = memory(bench.confirmd.process_id());
    pause(IDLE).await;
    let after = bench.processor_times(parts);
    let (peak, last) = memory(bench.confirmd.process_id());
    let idle = |process: &str| (after[process] - before[process]) / IDLE.as_secs_f64();
    bench.confirmd.stop().await;
    json!({
        "sessions": number,
        "measured": measured,
        "residentMb": {"first": first, "last": last, "peak": peak},
        "idleCores": {"confirmd": idle("confirmd"), "postgres": idle("postgres")},
    })
}
