//! Floor and pipeline in turn, at so many in flight.

use std::collections::BTreeMap;
use std::sync::Arc;

use amazon_pay::Client;
use serde_json::{Value, json};

use crate::drive::{Run, Sample, Shop, count, floor};
use crate::machine::{descendants, memory, processor_time};
use crate::merchant;
use crate::parts::{Confirmd, Parts, Place, Store};

/// A confirmd that has been warmed up, and what it is driven with.
pub(crate) struct Bench {
    pub(crate) place: Place,
    pub(crate) confirmd: Confirmd,
    pub(crate) shop: Shop,
    client: Arc<Client>,
}

/// Not counted: connections are made, and Kafka's program is compiled while it runs.
const WARM_UP: usize = 3_000;

/// Sessions of a run: enough for a few seconds.
fn sessions_of(in_flight: usize) -> usize {
    (in_flight * 60).clamp(100, 4_000)
}

impl Bench {
    pub(crate) async fn start(parts: &mut Parts, store: Store) -> Self {
        let place = parts.place(store).await;
        Self::start_at(parts, place).await
    }

    pub(crate) async fn start_at(parts: &mut Parts, place: Place) -> Self {
        let confirmd = place.start();
        let shop = Shop::new(place.shop(), place.outcomes().await);
        let client = Arc::new(merchant::client(&parts.amazon.info));
        let bench = Self {
            place,
            confirmd,
            shop,
            client,
        };
        floor(&bench.client, 64, parts.amazon.make(WARM_UP)).await;
        bench.shop.pipeline(64, parts.amazon.make(WARM_UP)).await;
        bench
    }

    /// So many pairs, and what they cost.
    pub(crate) async fn measure(&self, parts: &mut Parts, in_flight: usize, pairs: usize) -> Value {
        let number = sessions_of(in_flight);
        let counted = match self.place.store {
            Store::Postgres => Some(self.place.counted().await),
            Store::Sqlite => None,
        };
        let mut floors = Vec::new();
        let mut pipelines = Vec::new();
        let mut costs: BTreeMap<&str, f64> = BTreeMap::new();
        for _ in 0..pairs {
            floors.push(floor(&self.client, in_flight, parts.amazon.make(number)).await);
            let sessions = parts.amazon.make(number);
            let before = self.processor_times(parts);
            pipelines.push(self.shop.pipeline(in_flight, sessions).await);
            for (process, seconds) in self.processor_times(parts) {
                *costs.entry(process).or_default() += seconds - before[process];
            }
        }
        let each = 1.0 / count(number * pairs);
        let ratios = floors.iter().zip(&pipelines);
        let ratio = median(ratios.map(|(floor, pipeline)| pipeline.per_second() / floor.per_second()));
        let added = percentile(&pipelines, 50, took) - percentile(&floors, 50, took);
        let mut measured = json!({
            "inFlight": in_flight,
            "store": self.place.store.name(),
            "pairs": pairs,
            "sessions": number * pairs,
            "floor": speed(&floors),
            "pipeline": speed(&pipelines),
            "pipelineOfFloor": ratio,
            "addedP50Ms": added,
            "toldAfterAnswerP99Ms": percentile(&pipelines, 99, |sample| sample.told_after),
            "processorMsPerSession": costs.into_iter()
                .map(|(process, seconds)| (process.to_owned(), json!(seconds * each * 1e3)))
                .collect::<serde_json::Map<_, _>>(),
            "peakMemoryMb": memory(self.confirmd.process_id()).0,
        });
        if let Some(before) = counted {
            let after = self.place.counted().await;
            measured["perSession"] = json!({
                "commits": (after.commits - before.commits) * each,
                "flushes": (after.flushes - before.flushes) * each,
                "walBytes": (after.wal_bytes - before.wal_bytes) * each,
            });
        }
        measured
    }

    /// Seconds of processor time that each part has used.
    pub(crate) fn processor_times(&self, parts: &Parts) -> BTreeMap<&'static str, f64> {
        let processes = descendants();
        let all = |name: &str| processes.get(name).into_iter().flatten();
        BTreeMap::from([
            ("confirmd", processor_time(self.confirmd.process_id())),
            ("kafka", all("java").copied().map(processor_time).sum()),
            ("postgres", all("postgres").copied().map(processor_time).sum()),
            ("sandbox", processor_time(parts.amazon.process_id())),
            ("shop and consumer", processor_time(std::process::id())),
        ])
    }
}

fn took(sample: &Sample) -> std::time::Duration {
    sample.took
}

fn speed(runs: &[Run]) -> Value {
    json!({
        "perSecond": median(runs.iter().map(Run::per_second)),
        "p50Ms": percentile(runs, 50, took),
        "p95Ms": percentile(runs, 95, took),
        "p99Ms": percentile(runs, 99, took),
    })
}

/// The median of the runs' percentiles: one run beside which the machine had something else to do does not decide.
fn percentile(runs: &[Run], of_hundred: usize, what: impl Fn(&Sample) -> std::time::Duration) -> f64 {
    median(runs.iter().map(|run| run.percentile(of_hundred, &what)))
}

pub(crate) fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(0.0)
}
