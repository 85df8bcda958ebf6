//! `confirmd check`: every problem at once, and what was looked at.

use std::sync::Arc;

use provider::{Accounts, Probed};
use reconciler::ports::Clock;
use secrecy::ExposeSecret;
use serde_json::json;
use session_log::Log;

use super::{Ended, clock, print_json};
use crate::config::{Config, Problem, Problems};
use crate::for_people::at_most;
use crate::{daemon, query, store};

/// Characters of what Amazon Pay says that help anybody.
const QUOTED: usize = 200;

/// What a check has found.
#[derive(Default)]
struct Findings {
    problems: Vec<Problem>,
    /// What was looked at and is as it should be.
    good: Vec<Good>,
    /// What is not as it could be, and no problem.
    notes: Vec<String>,
}

struct Good {
    what: String,
    found: String,
}

impl Findings {
    fn good(&mut self, what: &str, found: String) {
        self.good.push(Good {
            what: what.to_owned(),
            found,
        });
    }

    fn problem(&mut self, key: &str, source: &str, text: String) {
        self.problems.push(Problem {
            key: key.to_owned(),
            source: source.to_owned(),
            text,
        });
    }
}

pub(crate) async fn run(
    config: Result<Config, Problems>,
    online: bool,
    as_json: bool,
) -> anyhow::Result<Ended> {
    let mut findings = Findings::default();
    let clock = clock().await?;
    let checked = config.and_then(|config| {
        let observer = Arc::new(());
        let amazon = daemon::amazon_pay(&config.accounts, config.attempt_timeout, &clock, observer)?;
        Ok((config, amazon))
    });
    let (config, amazon) = match checked {
        Ok(checked) => checked,
        Err(problems) => {
            findings.problems = problems.0;
            report(&findings, as_json)?;
            return Ok(Ended::BadUsage);
        }
    };
    findings.good("configuration", accounts_of(&config));
    if online {
        broker(&config, &mut findings).await;
        database(&config, &mut findings).await;
        accounts(&config, &amazon, &mut findings).await?;
    }
    report(&findings, as_json)?;
    Ok(if findings.problems.is_empty() {
        Ended::Done
    } else {
        Ended::Refused
    })
}

fn accounts_of(config: &Config) -> String {
    let accounts: Vec<String> = config
        .accounts
        .iter()
        .map(|(name, account)| format!("{name} ({})", query::mode_name(account.mode)))
        .collect();
    format!("can be used; accounts: {}", accounts.join(", "))
}

fn report(findings: &Findings, as_json: bool) -> anyhow::Result<()> {
    let Findings {
        problems,
        good,
        notes,
    } = findings;
    if as_json {
        let listed: Vec<_> = problems
            .iter()
            .map(|problem| json!({ "key": problem.key, "source": problem.source, "problem": problem.text }))
            .collect();
        let checked: Vec<_> = good
            .iter()
            .map(|good| json!({ "what": good.what, "found": good.found }))
            .collect();
        return print_json(
            &json!({ "ok": problems.is_empty(), "problems": listed, "checked": checked, "notes": notes }),
        );
    }
    good.iter()
        .for_each(|good| println!("{}: {}", good.what, good.found));
    notes.iter().for_each(|note| println!("note: {note}"));
    problems.iter().for_each(|problem| println!("{problem}"));
    if problems.is_empty() {
        println!("ok");
    }
    Ok(())
}

async fn broker(config: &Config, findings: &mut Findings) {
    let kafka = &config.kafka;
    let missing = match kafka_topics::check(&kafka.settings()).await {
        Ok(missing) => missing,
        Err(error) => {
            let text = format!("{:#}", anyhow::Error::new(error));
            return findings.problem("kafka.bootstrap_servers", "broker", text);
        }
    };
    findings.good("broker", format!("{} answers", kafka.bootstrap_servers));
    for topic in &missing {
        if kafka.create_topics {
            let note = format!(
                "the topic `{topic}` does not exist: it will be made by `confirmd run` (kafka.create_topics)"
            );
            findings.notes.push(note);
        } else {
            let text = format!(
                "the topic `{topic}` does not exist: make it, or set kafka.create_topics = true for development"
            );
            findings.problem("kafka", "broker", text);
        }
    }
    let settings = kafka.settings();
    let there = settings.topics().into_iter();
    let there: Vec<&str> = there
        .filter(|topic| !missing.iter().any(|missing| missing == topic))
        .collect();
    if !there.is_empty() {
        findings.good("topics", format!("{} exist", there.join(", ")));
    }
}

async fn database(config: &Config, findings: &mut Findings) {
    let looked = async {
        let log = Log::open(config.store_url.expose_secret(), store::options()).await?;
        log.ready().await?;
        log.schema().await
    };
    match looked.await {
        Ok(schema) => findings.good(
            "database",
            format!("can be written, and has schema {}", schema.found),
        ),
        Err(error) => {
            let text = format!("{:#}", anyhow::Error::new(error));
            findings.problem("store.url", "database", text);
        }
    }
}

async fn accounts<C: Clock>(
    config: &Config,
    amazon: &Accounts<C>,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    for (name, account) in &config.accounts {
        let key = format!("accounts.{name}");
        let probe = amazon.probe(name).await?;
        let answer = &probe.answer;
        let said = [
            answer.status.map(|status| status.to_string()),
            answer.reason_code.clone(),
            answer.message.clone(),
        ];
        let said = at_most(QUOTED, &said.into_iter().flatten().collect::<Vec<_>>().join(" "));
        match probe.probed {
            Probed::Passed => {
                let mode = query::mode_name(account.mode);
                findings.good(
                    &key,
                    format!("Amazon Pay accepts its key and signature; mode \"{mode}\""),
                );
            }
            Probed::Refused => {
                let text = format!("Amazon Pay refuses this account's key or signature: {said}");
                findings.problem(&key, "Amazon Pay", text);
            }
            Probed::Unclear => {
                let text = format!("Amazon Pay could not be asked: {said}");
                findings.problem(&key, "Amazon Pay", text);
            }
        }
    }
    Ok(())
}
