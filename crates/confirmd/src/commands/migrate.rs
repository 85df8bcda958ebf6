//! `confirmd migrate`: brings the database to this version.

use std::io::IsTerminal;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use reconciler::Policies;
use reconciler::ports::Clock;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use session_log::{Difference, Log, OpenError, Options, RebuildReport, Schema};

use super::{Ended, clock, print_json};
use crate::config::Config;
use crate::store;

pub(crate) async fn run(config: &Config, check: bool, rebuild: bool, json: bool) -> anyhow::Result<Ended> {
    let options = Options {
        usable_schema_only: false,
        create_file: !check,
        ..store::options()
    };
    let opened = Log::open(config.store_url.expose_secret(), options).await;
    let log = match opened {
        Err(missing @ (OpenError::NoFile { .. } | OpenError::NoFolder { .. })) if check => {
            if json {
                print_json(&json!({ "found": 0, "expected": Schema::EXPECTED, "current": false }))?;
            } else {
                println!("{missing}");
            }
            return Ok(Ended::Refused);
        }
        opened => opened.context("store.url")?,
    };
    let before = log.schema().await?;
    if check {
        let usable = before.is_usable();
        if json {
            print_json(&json!({
                "found": before.found, "expected": before.expected, "current": before.is_current(), "usable": usable,
            }))?;
        } else if before.is_current() {
            println!("the database has schema {}: current", before.found);
        } else if usable {
            println!(
                "the database has schema {}, this confirmd has {} and works on it: a newer one has only added to it",
                before.found, before.expected
            );
        } else {
            println!(
                "the database has schema {}, this confirmd has {}: run `confirmd migrate`",
                before.found, before.expected
            );
        }
        return Ok(if usable { Ended::Done } else { Ended::Refused });
    }
    let after = log.migrate().await?;
    let mut rebuilt = None;
    if rebuild && !after.is_current() {
        bail!(
            "the database has schema {}, this confirmd has {}: its sessions are made anew by the confirmd that has migrated it",
            after.found,
            after.expected
        );
    }
    if rebuild {
        rebuilt = Some(made_anew(&log, &config.policies()).await?);
    }
    if json {
        print_json(&json!({
            "from": before.found,
            "to": after.found,
            "rebuilt": rebuilt.as_ref().map(|report| json!({
                "sessions": report.sessions,
                "corrected": differences(&report.corrected),
                "failed": differences(&report.failed),
            })),
        }))?;
    } else {
        println!(
            "the database has schema {} (it had {})",
            after.found, before.found
        );
        if let Some(report) = &rebuilt {
            println!("{} sessions were made anew from their events", report.sessions);
            for difference in &report.corrected {
                println!("{}: corrected: {}", difference.id, difference.what);
            }
            for difference in &report.failed {
                println!(
                    "{}: left as it was, its facts cannot be read: {}",
                    difference.id, difference.what
                );
            }
        }
    }
    let failed = rebuilt.is_some_and(|report| !report.failed.is_empty());
    Ok(if failed { Ended::Refused } else { Ended::Done })
}

/// With a bar where standard error is a terminal, and nowhere else.
async fn made_anew(log: &Log, policies: &Policies) -> anyhow::Result<RebuildReport> {
    let sessions = if std::io::stderr().is_terminal() {
        counted(log).await
    } else {
        None
    };
    let progress = sessions
        .map_or_else(ProgressBar::no_length, ProgressBar::new)
        .with_style(
            ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} sessions, {eta} left")
                .expect("the template is one"),
        );
    // The policy is asked for once for each session whose facts are folded, and again for one that takes a closer look.
    let report = log
        .rebuild(|account| {
            progress.inc(1);
            policies.of(account).clone()
        })
        .await?;
    progress.finish_and_clear();
    Ok(report)
}

/// None where rows cannot be counted: that may be why they are made anew.
async fn counted(log: &Log) -> Option<u64> {
    let open = log.counts(clock().await.ok()?.now()).await.ok()?.sessions;
    let settled = log.settled_counts().await.ok()?;
    let sessions = open
        .iter()
        .chain(&settled)
        .map(|(_, _, sessions)| u64::from(*sessions));
    Some(sessions.sum())
}

fn differences(differences: &[Difference]) -> Vec<Value> {
    differences
        .iter()
        .map(|one| json!({ "checkoutSessionId": one.id.as_str(), "what": one.what }))
        .collect()
}
