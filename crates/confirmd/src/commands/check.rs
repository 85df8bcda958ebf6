//! `confirmd check`: every problem at once.

use provider::{Accounts, Probed};
use secrecy::ExposeSecret;
use serde_json::json;
use session_log::{Log, Options};
use std::sync::Arc;

use super::{Ended, clock, print_json};
use crate::clock::ProgramClock;
use crate::config::{Config, Problem, Problems};
use crate::daemon;

pub(crate) async fn run(
    config: Result<Config, Problems>,
    online: bool,
    as_json: bool,
) -> anyhow::Result<Ended> {
    let config = match config {
        Ok(config) => config,
        Err(problems) => {
            report(&problems.0, as_json)?;
            return Ok(Ended::BadUsage);
        }
    };
    let clock = clock().await?;
    let amazon = daemon::amazon_pay(&config.accounts, config.attempt_timeout, &clock, Arc::new(()));
    let amazon = match amazon {
        Ok(amazon) => amazon,
        Err(problems) => {
            report(&problems.0, as_json)?;
            return Ok(Ended::BadUsage);
        }
    };
    for key in &config.without_effect {
        eprintln!("note: {key} is set, and has no effect in this version");
    }
    let mut problems = Vec::new();
    if online {
        problems.extend(broker(&config).await);
        problems.extend(database(&config).await);
        problems.extend(accounts(&config, &amazon).await?);
    }
    report(&problems, as_json)?;
    Ok(if problems.is_empty() {
        Ended::Done
    } else {
        Ended::Refused
    })
}

fn found(key: &str, source: &str, text: &str) -> Problem {
    Problem {
        key: key.to_owned(),
        source: source.to_owned(),
        text: text.to_owned(),
    }
}

fn report(problems: &[Problem], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let listed: Vec<_> = problems
            .iter()
            .map(|problem| json!({ "key": problem.key, "source": problem.source, "problem": problem.text }))
            .collect();
        return print_json(&json!({ "ok": problems.is_empty(), "problems": listed }));
    }
    if problems.is_empty() {
        println!("ok");
    }
    problems.iter().for_each(|problem| println!("{problem}"));
    Ok(())
}

async fn broker(config: &Config) -> Vec<Problem> {
    match kafka_topics::check(&config.kafka.settings()).await {
        Ok(missing) => missing
            .iter()
            .map(|topic| {
                let text = format!("the topic `{topic}` does not exist: make it, or set kafka.create_topics = true for development");
                found("kafka", "broker", &text)
            })
            .collect(),
        Err(error) => vec![found("kafka.bootstrap_servers", "broker", &format!("{:#}", anyhow::Error::new(error)))],
    }
}

async fn database(config: &Config) -> Option<Problem> {
    let log = match Log::open(config.store_url.expose_secret(), Options::default()).await {
        Ok(log) => log,
        Err(error) => {
            return Some(found(
                "store.url",
                "database",
                &format!("{:#}", anyhow::Error::new(error)),
            ));
        }
    };
    let ready = log.ready().await;
    ready.err().map(|error| {
        found(
            "store.url",
            "database",
            &format!("{:#}", anyhow::Error::new(error)),
        )
    })
}

async fn accounts(config: &Config, amazon: &Accounts<ProgramClock>) -> anyhow::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for name in config.accounts.keys() {
        let probe = amazon.probe(name).await?;
        let answer = &probe.answer;
        let said = [
            answer.status.map(|status| status.to_string()),
            answer.reason_code.clone(),
            answer.message.clone(),
        ];
        let said = said.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let text = match probe.probed {
            Probed::Passed => continue,
            Probed::Refused => format!("Amazon Pay refuses this account's key or signature: {said}"),
            Probed::Unclear => format!("Amazon Pay could not be asked: {said}"),
        };
        problems.push(found(&format!("accounts.{name}"), "Amazon Pay", &text));
    }
    Ok(problems)
}
