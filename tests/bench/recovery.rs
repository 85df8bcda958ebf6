//! Killed under load, and started again.

use serde_json::{Value, json};

use crate::pairs::Bench;
use crate::parts::{Parts, Store};
use crate::stopwatch::{Stopwatch, now};

const IN_FLIGHT: usize = 64;
const SESSIONS: usize = 4_000;
/// So many are confirmed before the kill.
const BEFORE: usize = 1_000;

/// From the start of the new process to when the group has given it its partitions, and to its first confirmation.
pub(crate) async fn measure(parts: &mut Parts) -> Value {
    let mut bench = Bench::start(parts, Store::Postgres).await;
    let sessions = parts.amazon.make(SESSIONS);
    let (first, rest) = sessions.split_at(BEFORE);
    bench.shop.pipeline(IN_FLIGHT, first.to_vec()).await;
    let shop = &bench.shop;
    let under_load = shop.pipeline(IN_FLIGHT, rest.to_vec());
    let killed_and_started = async {
        shop.recorded_since(now()).await;
        bench.confirmd.kill().await;
        let begun = Stopwatch::start();
        let at = now();
        let confirmd = bench.place.start();
        let joined = async {
            confirmd.says("works the partitions").await;
            begun.elapsed()
        };
        let confirmed = async {
            shop.recorded_since(at).await;
            begun.elapsed()
        };
        let (joined, confirmed) = tokio::join!(joined, confirmed);
        (confirmd, joined, confirmed)
    };
    let (run, (confirmd, joined, confirmed)) = tokio::join!(under_load, killed_and_started);
    bench.confirmd = confirmd;
    bench.confirmd.stop().await;
    json!({
        "sessions": run.samples.len(),
        "joinedAfterS": joined.as_secs_f64(),
        "firstConfirmationAfterS": confirmed.as_secs_f64(),
    })
}
