//! What confirmd costs beside the calls themselves: `cargo run --release -p scenarios --bin load`.

mod apart;
mod drive;
mod fill;
mod grown;
mod machine;
mod merchant;
mod pairs;
mod parts;
mod recovery;
mod report;
mod stopwatch;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use serde_json::{Value, json};

use pairs::Bench;
use parts::{Parts, Store};

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    Pairs,
    Recovery,
    Settled,
    Open,
}

#[derive(Debug, Parser)]
struct Arguments {
    /// All of it if left out.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// In which logs; both if left out.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "postgres,sqlite")]
    log: Vec<Store>,
    /// How long the sandbox takes to answer, in milliseconds.
    #[arg(long, default_value_t = 20)]
    answer_time: u64,
    /// Floor and pipeline are measured in turn, so many times.
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// Sessions that are under way at a time.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    in_flight: Vec<usize>,
    /// Settled sessions that are in the log while it is measured once more; in SQLite, where they take ten times as
    /// long to write, a tenth.
    #[arg(long, default_value_t = 1_000_000)]
    settled: u32,
    /// Open sessions of another account that are in the log while it is measured once more.
    #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000")]
    open: Vec<u32>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match std::env::var(apart::AS).as_deref() {
        Ok("confirmd") => return confirmd::main(),
        Ok("sandbox") => {
            runtime().block_on(apart::serve());
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    let arguments = Arguments::parse();
    runtime().block_on(run(&arguments))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

async fn run(arguments: &Arguments) -> ExitCode {
    let Some(mut parts) = Parts::start(Duration::from_millis(arguments.answer_time)) else {
        return ExitCode::FAILURE;
    };
    let (median, slow) = machine::fdatasync(parts.dir());
    let mut found = json!({
        "machine": machine::described(),
        "fdatasyncMs": {"p50": median.as_secs_f64() * 1e3, "p99": slow.as_secs_f64() * 1e3},
        "answerTimeMs": arguments.answer_time,
    });
    let wanted = |part: Part| arguments.only.is_empty() || arguments.only.contains(&part);
    if wanted(Part::Pairs) {
        found["pairs"] = pairs(&mut parts, arguments).await;
    }
    if wanted(Part::Recovery) {
        eprintln!("killed and started again …");
        found["recovery"] = recovery::measure(&mut parts).await;
    }
    if wanted(Part::Settled) {
        found["settled"] = settled(&mut parts, arguments).await;
    }
    if wanted(Part::Open) {
        found["open"] = open(&mut parts, arguments).await;
    }
    if arguments.json {
        println!("{found:#}");
    } else {
        report::print(&found);
    }
    ExitCode::SUCCESS
}

async fn pairs(parts: &mut Parts, arguments: &Arguments) -> Value {
    let mut pairs = Vec::new();
    for &store in &arguments.log {
        let bench = Bench::start(parts, store).await;
        for &in_flight in &arguments.in_flight {
            eprintln!("{}, {in_flight} in flight …", store.name());
            pairs.push(bench.measure(parts, in_flight, arguments.pairs).await);
        }
        bench.confirmd.stop().await;
    }
    pairs.into()
}

async fn settled(parts: &mut Parts, arguments: &Arguments) -> Value {
    let mut settled = Vec::new();
    for &store in &arguments.log {
        let number = match store {
            Store::Postgres => arguments.settled,
            Store::Sqlite => arguments.settled / 10,
        };
        eprintln!("{}, {number} settled sessions …", store.name());
        settled.push(grown::settled(parts, store, number, arguments.pairs).await);
    }
    settled.into()
}

async fn open(parts: &mut Parts, arguments: &Arguments) -> Value {
    let mut open = Vec::new();
    for &number in &arguments.open {
        eprintln!("{number} open sessions …");
        open.push(grown::open(parts, number, arguments.pairs).await);
    }
    open.into()
}
