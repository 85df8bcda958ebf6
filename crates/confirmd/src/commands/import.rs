//! `confirmd sessions import`: checkouts from a file, without Kafka.
//!
//! ```text
//!   lines ─► parse ─┬─► bad
//!                   └─► recorded ─► compared: new, known, amended, kept, conflicts, needing repair
//! ```

mod compared;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::Context;
use checkout::SessionId;
use indicatif::{ProgressBar, ProgressStyle};
use kafka_topics::{Accounts, Incoming, Unreadable, parse, partition_of};
use reconciler::Arrival;
use reconciler::ports::{Clock, SessionLog};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::{AtHand, Ended, at_hand, print_json};
use crate::config::Config;
use compared::{Became, compare};

/// Lines that are put on record in one write.
const AT_ONCE: usize = 200;
/// What a topic is taken to have where it is not known.
const PARTITIONS: u32 = 64;
/// A longer line is no checkout; Kafka would not take it either.
const LONGEST_LINE: u64 = 1 << 20;
const AN_ARRAY: &str = "this is a JSON array: one JSON object a line is wanted, as `jq -c '.[]'` makes them";

pub(crate) async fn run(config: &Config, file: &Path, as_json: bool) -> anyhow::Result<Ended> {
    let at_hand = at_hand(config).await?;
    let accounts = Accounts::new(config.accounts.keys().cloned());
    let named = file.display().to_string();
    // Drawn where standard error is a terminal, and nowhere else.
    let progress = ProgressBar::no_length().with_style(
        ProgressStyle::with_template("{bar:40} {bytes} of {total_bytes}, {eta} left")
            .expect("the template is one"),
    );
    let mut lines: Box<dyn BufRead> = if file == Path::new("-") {
        Box::new(BufReader::new(progress.wrap_read(std::io::stdin())))
    } else {
        let unreadable = || format!("`{named}` cannot be read (`-` takes standard input)");
        let file = std::fs::File::open(file).with_context(unreadable)?;
        progress.set_length(file.metadata().with_context(unreadable)?.len());
        Box::new(BufReader::new(progress.wrap_read(file)))
    };
    let mut imported = Imported::default();
    let mut batch = Batch::default();
    let mut first = true;
    for number in 1_u64.. {
        let mut line = Vec::new();
        let read = lines.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        // Every line of it would be bad, but for the last: it is said once, and nothing is taken.
        if std::mem::take(&mut first) && line.trim_ascii_start().starts_with(b"[") {
            imported
                .bad
                .push((number, "body".to_owned(), AN_ARRAY.to_owned()));
            match serde_json::from_slice::<IgnoredAny>(&line) {
                // One that ends with its line is a bad line as any other.
                Ok(_) => continue,
                Err(_) => break,
            }
        }
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
                // What two lines say of one session is told apart only one after the other.
                if batch.lines.len() >= AT_ONCE || batch.ids.contains(&arrival.id) {
                    record(&at_hand, &mut batch, &mut imported).await?;
                }
                batch.ids.insert(arrival.id.clone());
                batch.lines.push((number, arrival));
            }
            Err(Unreadable { field, reason }) => imported.bad.push((number, field, reason)),
        }
    }
    record(&at_hand, &mut batch, &mut imported).await?;
    progress.finish_and_clear();
    if as_json {
        print_json(&imported.as_json())?;
    } else {
        imported.tell(&named);
    }
    Ok(if imported.is_good() {
        Ended::Done
    } else {
        Ended::Refused
    })
}

/// Lines that are put on record together, each of another session.
#[derive(Default)]
struct Batch {
    ids: BTreeSet<SessionId>,
    lines: Vec<(u64, Arrival)>,
}

async fn record(at_hand: &AtHand, batch: &mut Batch, imported: &mut Imported) -> anyhow::Result<()> {
    let Batch { lines, .. } = std::mem::take(batch);
    let mut before = Vec::with_capacity(lines.len());
    for (_, arrival) in &lines {
        before.push(at_hand.log.load(&arrival.id).await?.len());
    }
    // Attempts stay with the daemon: nothing is begun here, because no turn is taken here.
    let arrivals = lines.iter().map(|(_, arrival)| arrival.clone()).collect();
    at_hand.record_only(arrivals).await?;
    for ((line, arrival), before) in lines.into_iter().zip(before) {
        let history = at_hand.log.load(&arrival.id).await?;
        imported.taken.push(Taken {
            line,
            became: compare(&history, before),
            id: arrival.id,
        });
    }
    Ok(())
}

/// A line that could be read, and what became of it.
struct Taken {
    line: u64,
    id: SessionId,
    became: Became,
}

/// What became of a file.
#[derive(Default)]
struct Imported {
    taken: Vec<Taken>,
    /// Line, field and reason of what could not be read.
    bad: Vec<(u64, String, String)>,
}

impl Imported {
    fn lines_that(&self, became: impl Fn(&Became) -> bool) -> impl Iterator<Item = &Taken> {
        self.taken.iter().filter(move |taken| became(&taken.became))
    }

    /// Every line is on record as it stands, and can be worked.
    fn is_good(&self) -> bool {
        let is_refused = |became: &Became| matches!(became, Became::Conflict | Became::NeedsRepair(_));
        self.bad.is_empty() && self.lines_that(is_refused).next().is_none()
    }

    fn as_json(&self) -> Value {
        let count = |became: fn(&Became) -> bool| self.lines_that(became).count();
        let listed = |became: fn(&Became) -> bool| {
            let lines = self.lines_that(became).map(|taken| {
                let mut line = json!({ "line": taken.line, "checkoutSessionId": taken.id.as_str() });
                if let Became::NeedsRepair(flaw) = &taken.became {
                    line["field"] = flaw.field.clone().into();
                    line["reason"] = flaw.problem.clone().into();
                }
                line
            });
            lines.collect::<Vec<_>>()
        };
        let bad: Vec<_> = self
            .bad
            .iter()
            .map(|(line, field, reason)| json!({ "line": line, "field": field, "reason": reason }))
            .collect();
        json!({
            "taken": self.taken.len(),
            "new": count(|became| matches!(became, Became::New)),
            "known": count(|became| matches!(became, Became::Known)),
            "amended": listed(|became| matches!(became, Became::Amended)),
            "kept": listed(|became| matches!(became, Became::Kept)),
            "conflicts": listed(|became| matches!(became, Became::Conflict)),
            "needsRepair": listed(|became| matches!(became, Became::NeedsRepair(_))),
            "bad": bad,
        })
    }

    fn tell(&self, file: &str) {
        for (line, field, reason) in &self.bad {
            eprintln!("{file}:{line}: `{field}`: {reason}");
        }
        for taken in &self.taken {
            if let Some(words) = taken.became.words() {
                eprintln!("{file}:{}: `{}` {words}", taken.line, taken.id);
            }
        }
        let count = |became: fn(&Became) -> bool| self.lines_that(became).count();
        println!(
            "{} taken, {} bad: {} new, {} known already, {} amended, {} kept until it is known if they have landed, \
             {} in conflict, {} in need of repair",
            self.taken.len(),
            self.bad.len(),
            count(|became| matches!(became, Became::New)),
            count(|became| matches!(became, Became::Known)),
            count(|became| matches!(became, Became::Amended)),
            count(|became| matches!(became, Became::Kept)),
            count(|became| matches!(became, Became::Conflict)),
            count(|became| matches!(became, Became::NeedsRepair(_))),
        );
    }
}
