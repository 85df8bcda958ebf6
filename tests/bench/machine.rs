//! What the kernel says of this machine and of processes on it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::stopwatch::Stopwatch;

/// The kernel counts processor time in hundredths of a second, whatever its own clock ticks at.
const TICKS: f64 = 100.0;
const FLUSHES: u32 = 300;

/// Processor time of the process and of its children that have ended, in seconds; 0 for one that is not there.
pub(crate) fn processor_time(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields: Vec<f64> = after_the_name(&stat).skip(11).take(4).map(number).collect();
    fields.iter().sum::<f64>() / TICKS
}

/// The most memory that the process has had, and what it has now, in MB (10⁶ bytes).
pub(crate) fn memory(process: u32) -> (f64, f64) {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next())
            .map_or(0.0, number)
    };
    (kib("VmHWM:") * 1.024e-3, kib("VmRSS:") * 1.024e-3)
}

/// This process's descendants by the name of their program.
pub(crate) fn descendants() -> BTreeMap<String, Vec<u32>> {
    let mut parents: BTreeMap<u32, (u32, String)> = BTreeMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let name = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')'));
        let parent = after_the_name(&stat).nth(1).and_then(|field| field.parse().ok());
        if let (Some((name, _)), Some(parent)) = (name, parent) {
            parents.insert(process, (parent, name.to_owned()));
        }
    }
    let mut found: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (process, (_, name)) in &parents {
        let mut ancestor = *process;
        while let Some((parent, _)) = parents.get(&ancestor) {
            if *parent == std::process::id() {
                found.entry(name.clone()).or_default().push(*process);
                break;
            }
            ancestor = *parent;
        }
    }
    found
}

/// From the state on, which is the first that has no spaces in it for sure.
fn after_the_name(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_whitespace()
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or(0.0)
}

/// What figures are of.
pub(crate) fn described() -> Value {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let after = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split_once(':'));
        value.map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = after(&read("/proc/meminfo"), "MemTotal");
    json!({
        "processor": after(&read("/proc/cpuinfo"), "model name"),
        "cores": cores,
        "memory": memory,
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
    })
}

/// How long the disk takes to have eight kilobytes for sure, as a commit does: the median, and what one in a hundred exceeds.
pub(crate) fn fdatasync(folder: &Path) -> (Duration, Duration) {
    let path = folder.join("flushed");
    let mut file = File::create(&path).expect("a file");
    let mut took: Vec<Duration> = (0..FLUSHES)
        .map(|_| {
            file.write_all(&[7; 8192]).expect("room on the disk");
            let begun = Stopwatch::start();
            file.sync_data().expect("a disk");
            begun.elapsed()
        })
        .collect();
    took.sort();
    let _ = fs::remove_file(path);
    (took[took.len() / 2], took[took.len() * 99 / 100])
}
