//! `confirmd sessions import`: checkouts from a file, without Kafka.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context;
use kafka_topics::{Accounts, Incoming, parse, partition_of};
use reconciler::ports::Clock;
use serde_json::json;

use super::{Ended, at_hand, print_json};
use crate::config::Config;

/// Lines that are put on record in one write.
const AT_ONCE: usize = 200;
/// What a topic is taken to have where it is not known.
const PARTITIONS: u32 = 64;
/// A longer line is no checkout; Kafka would not take it either.
const LONGEST_LINE: u64 = 1 << 20;

pub(crate) async fn run(config: &Config, file: &Path, as_json: bool) -> anyhow::Result<Ended> {
    let at_hand = at_hand(config).await?;
    let accounts = Accounts::new(config.accounts.keys().cloned());
    let named = file.display().to_string();
    let mut lines: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(BufReader::new(std::io::stdin()))
    } else {
        Box::new(BufReader::new(
            std::fs::File::open(file).with_context(|| format!("`{named}` cannot be read"))?,
        ))
    };
    let mut taken = 0_u64;
    let mut bad = Vec::new();
    let mut batch = Vec::new();
    for number in 1_u64.. {
        let mut line = Vec::new();
        let read = lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        if read > 0 && !line.iter().all(u8::is_ascii_whitespace) {
            let incoming = Incoming {
                topic: &named,
                partition: 0,
                offset: i64::try_from(number).unwrap_or(i64::MAX),
                timestamp: None,
                headers: &[],
                payload: Some(&line),
            };
            // How old a line is cannot be known: Amazon Pay is asked before anything is confirmed.
            let said_at = at_hand.clock.now().minus(checkout::Policy::FRESH_FOR);
            match parse(&incoming, &accounts, said_at) {
                Ok(mut arrival) => {
                    arrival.partition = partition_of(arrival.id.as_str().as_bytes(), PARTITIONS);
                    batch.push(arrival);
                }
                Err(unreadable) => bad.push((number, unreadable.field, unreadable.reason)),
            }
        }
        if batch.len() >= AT_ONCE || (read == 0 && !batch.is_empty()) {
            taken += batch.len() as u64;
            // Attempts stay with the daemon: nothing is begun here, because no turn is taken here.
            at_hand.record_only(std::mem::take(&mut batch)).await?;
        }
        if read == 0 {
            break;
        }
    }
    if as_json {
        let bad: Vec<_> = bad
            .iter()
            .map(|(line, field, reason)| json!({ "line": line, "field": field, "reason": reason }))
            .collect();
        print_json(&json!({ "taken": taken, "bad": bad }))?;
    } else {
        for (line, field, reason) in &bad {
            eprintln!("{named}:{line}: `{field}`: {reason}");
        }
        println!("{taken} taken, {} bad", bad.len());
    }
    Ok(if bad.is_empty() {
        Ended::Done
    } else {
        Ended::Refused
    })
}
