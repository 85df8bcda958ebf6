//! `confirmd check`: every problem at once, and what was looked at.

use std::fmt::Write as _;
use std::sync::Arc;

use checkout::{AccountName, Answer};
use jiff::SignedDuration;
use provider::{Accounts, Probed};
use reconciler::ports::Clock;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use session_log::Log;

use super::advice::advice_on;
use super::{Ended, clock, print_json};
use crate::config::{Config, Problem, Problems};
use crate::for_people::at_most;
use crate::for_people::paint::{self, painted};
use crate::{daemon, query, store};

/// Characters of what Amazon Pay says that help anybody.
const QUOTED: usize = 200;

/// Amazon Pay refuses what is signed with a time that is further off; before that it is worth a word.
const SKEW_TOLD: SignedDuration = SignedDuration::from_secs(30);

/// Whether something is as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Ok,
    /// It is not as it could be, and nothing is wrong.
    Note,
    Problem,
}

/// What was looked at, and what it is like.
#[derive(Debug)]
struct Finding {
    standing: Standing,
    what: String,
    /// What was found. Of a problem, its key and its source stand beside it.
    found: String,
    key: String,
    source: String,
    /// What to do next.
    next: Option<String>,
}

/// Everything that was found, in the order in which one mends it.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, what: &str, found: String) {
        self.add(Standing::Ok, what, found, None);
    }

    fn note(&mut self, what: &str, found: String, next: Option<String>) {
        self.add(Standing::Note, what, found, next);
    }

    fn problem(&mut self, what: &str, key: &str, source: &str, found: String, next: Option<String>) {
        self.add(Standing::Problem, what, found, next);
        if let Some(added) = self.0.last_mut() {
            key.clone_into(&mut added.key);
            source.clone_into(&mut added.source);
        }
    }

    fn add(&mut self, standing: Standing, what: &str, found: String, next: Option<String>) {
        self.0.push(Finding {
            standing,
            what: what.to_owned(),
            found,
            key: String::new(),
            source: String::new(),
            next,
        });
    }

    fn of(&self, standing: Standing) -> impl Iterator<Item = &Finding> {
        self.0.iter().filter(move |finding| finding.standing == standing)
    }

    fn is_good(&self) -> bool {
        self.of(Standing::Problem).next().is_none()
    }

    fn as_json(&self) -> Value {
        let problems = self.of(Standing::Problem).map(|problem| {
            json!({
                "key": problem.key,
                "source": problem.source,
                "problem": problem.found,
                "next": problem.next,
            })
        });
        let checked = self
            .of(Standing::Ok)
            .map(|good| json!({ "what": good.what, "found": good.found }));
        let notes = self.of(Standing::Note).map(|note| match &note.next {
            Some(next) => format!("{}; {next}", note.found),
            None => note.found.clone(),
        });
        json!({
            "ok": self.is_good(),
            "problems": problems.collect::<Vec<_>>(),
            "checked": checked.collect::<Vec<_>>(),
            "notes": notes.collect::<Vec<_>>(),
        })
    }

    /// A line for each, and below it what to do.
    fn text(&self) -> String {
        let widest = self.0.iter().map(|finding| finding.what.len()).max();
        let widest = widest.unwrap_or_default();
        let mut text = String::new();
        let mut before = None;
        for finding in &self.0 {
            let (word, style) = match finding.standing {
                Standing::Ok => ("ok", paint::GOOD),
                Standing::Note => ("note", paint::UNEASY),
                Standing::Problem => ("problem", paint::BAD),
            };
            let standing = painted(style, &format!("{word:<7}"));
            let what = &finding.what;
            if finding.standing == Standing::Problem {
                // Several of one thing stand together.
                if before != Some(what) {
                    let _ = writeln!(text, "{standing}  {what}");
                }
                let (key, source, found) = (&finding.key, &finding.source, &finding.found);
                let _ = writeln!(text, "    {key} ({source}): {found}");
                before = Some(what);
            } else {
                let _ = writeln!(text, "{standing}  {what:<widest$}  {}", finding.found);
                before = None;
            }
            if let Some(next) = &finding.next {
                let _ = writeln!(text, "      {} {next}", painted(paint::HEADING, "next:"));
            }
        }
        text + &self.summary()
    }

    fn summary(&self) -> String {
        let count = |standing, word: &str| {
            let count = self.of(standing).count();
            let plural = if count == 1 { "" } else { "s" };
            (0 < count).then(|| format!("{count} {word}{plural}"))
        };
        let notes = count(Standing::Note, "note").map(|notes| format!(", {notes}"));
        let notes = notes.unwrap_or_default();
        match count(Standing::Problem, "problem") {
            Some(problems) => format!(
                "\n{}{notes}: mend the first one first, and check again\n",
                painted(paint::BAD, &problems)
            ),
            None => format!("\n{}{notes}\n", painted(paint::GOOD, "ok")),
        }
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
            for Problem { key, source, text } in problems.0 {
                findings.problem("configuration", &key, &source, text, None);
            }
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
    Ok(if findings.is_good() {
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
    if as_json {
        return print_json(&findings.as_json());
    }
    anstream::print!("{}", findings.text());
    Ok(())
}

async fn broker(config: &Config, findings: &mut Findings) {
    let kafka = &config.kafka;
    let servers = &kafka.bootstrap_servers;
    let missing = match kafka_topics::check(&kafka.settings()).await {
        Ok(missing) => missing,
        Err(error) => {
            let text = format!("{:#}", anyhow::Error::new(error));
            let next = format!(
                "can this machine reach {servers}, and do the [kafka.properties] (security.protocol, sasl.*, ssl.*) suit \
                 the broker?"
            );
            return findings.problem("broker", "kafka.bootstrap_servers", "broker", text, Some(next));
        }
    };
    findings.good("broker", format!("{servers} answers"));
    let settings = kafka.settings();
    let there = settings.topics().into_iter();
    let there: Vec<&str> = there
        .filter(|topic| !missing.iter().any(|missing| missing == topic))
        .collect();
    if !there.is_empty() {
        findings.good("topics", format!("{} exist", there.join(", ")));
    }
    for topic in &missing {
        if kafka.create_topics {
            let note = format!(
                "the topic `{topic}` does not exist: it will be made by `confirmd run` (kafka.create_topics)"
            );
            findings.note("topics", note, None);
        } else {
            let text = format!("the topic `{topic}` does not exist, or is not shown to us");
            let next = format!(
                "kafka-topics.sh --bootstrap-server {servers} --create --topic {topic} --partitions 12; for development, \
                 kafka.create_topics = true"
            );
            findings.problem("topics", "kafka", "broker", text, Some(next));
        }
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
            let next = advice_on(&error).map(str::to_owned);
            let text = format!("{:#}", anyhow::Error::new(error));
            findings.problem("database", "store.url", "database", text, next);
        }
    }
}

async fn accounts<C: Clock>(
    config: &Config,
    amazon: &Accounts<C>,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let mut probes = Vec::new();
    for name in config.accounts.keys() {
        let mut probe = amazon.probe(name).await?;
        // Where our clock is wrong, one answer more is needed to believe the first, and one to a question that is signed
        // with the right time.
        for _ in 0..2 {
            let skew = amazon.skew(name);
            let may_be_the_clock = skew.is_none_or(|skew| probe.probed != Probed::Passed && !skew.is_zero());
            if probe.answer.status.is_some() && may_be_the_clock {
                probe = amazon.probe(name).await?;
            }
        }
        probes.push((name, probe));
    }
    // Whatever is signed is signed with the time: a wrong clock is mended before keys are looked at.
    let skews = probes
        .iter()
        .filter_map(|(name, _)| Some((*name, amazon.skew(name)?)));
    clock_beside_amazons(&skews.collect::<Vec<_>>(), findings);
    for (name, probe) in probes {
        let account = &config.accounts[name];
        let key = format!("accounts.{name}");
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
                let next = format!(
                    "in Seller Central, Integration Central, compare {key}.public_key_id and .region with the key there, and \
                     .private_key_file with the file that was downloaded with it; if they are right, the merchant account is \
                     suspended: ask Amazon Pay{}",
                    request(answer)
                );
                findings.problem(&key, &key, "Amazon Pay", text, Some(next));
            }
            Probed::Unclear => {
                let text = format!("Amazon Pay could not be asked: {said}");
                let next = if answer.status.is_some() {
                    format!("it may be over in a moment: check again{}", request(answer))
                } else {
                    format!(
                        "may this machine connect to Amazon's host on port 443 (firewall, proxy, DNS), and are {key}.endpoint \
                         and .ca_file right, if you have set them?"
                    )
                };
                findings.problem(&key, &key, "Amazon Pay", text, Some(next));
            }
        }
    }
    Ok(())
}

/// What Amazon's support asks for.
fn request(answer: &Answer) -> String {
    let id = answer.request_id.as_deref();
    id.map(|id| format!(" (with its request id {id})"))
        .unwrap_or_default()
}

/// As the `Date` of Amazon's answers tells it. Nothing where no answer came.
fn clock_beside_amazons(skews: &[(&AccountName, SignedDuration)], findings: &mut Findings) {
    let Some((name, worst)) = skews.iter().max_by_key(|(_, skew)| skew.abs()) else {
        return;
    };
    let seconds = worst.as_secs().abs();
    let than = if worst.is_negative() { "ahead of" } else { "behind" };
    if worst.abs() < SKEW_TOLD {
        let found = match seconds {
            0 => "agrees with Amazon's".to_owned(),
            seconds => format!("{seconds} s {than} Amazon's"),
        };
        return findings.good("clock", found);
    }
    let found = format!("this machine is {seconds} s {than} the clock of Amazon's answers to `{name}`");
    let next = "repair time synchronisation (`timedatectl`, `chronyc tracking`): deadlines are Amazon's; \
                deploy/runbook/ConfirmdClockSkew.md";
    findings.note("clock", found, Some(next.to_owned()));
}

#[cfg(test)]
mod tests {
    use checkout::AccountName;
    use jiff::SignedDuration;

    use super::{Findings, clock_beside_amazons};

    fn plain(findings: &Findings) -> String {
        anstream::adapter::strip_str(&findings.text()).to_string()
    }

    #[test]
    fn each_thing_has_its_line_and_a_problem_says_what_is_next() {
        let mut findings = Findings::default();
        findings.good("configuration", "can be used".to_owned());
        for topic in ["a", "b"] {
            let next = Some(format!("make {topic}"));
            findings.problem("topics", "kafka", "broker", format!("`{topic}` is missing"), next);
        }
        findings.note("clock", "40 s behind".to_owned(), None);
        assert_eq!(
            plain(&findings),
            "ok       configuration  can be used\n\
             problem  topics\n    \
                 kafka (broker): `a` is missing\n      \
                   next: make a\n    \
                 kafka (broker): `b` is missing\n      \
                   next: make b\n\
             note     clock          40 s behind\n\
             \n\
             2 problems, 1 note: mend the first one first, and check again\n"
        );
        assert_eq!(findings.as_json()["problems"][1]["next"], "make b");
        assert_eq!(findings.as_json()["notes"][0], "40 s behind");
    }

    #[test]
    fn a_clock_that_is_far_off_is_a_note_and_one_that_is_near_is_good() {
        let shop = AccountName::parse("eu_shop").unwrap();
        for (seconds, told) in [
            (0, "ok       clock  agrees with Amazon's\n\nok\n"),
            (-3, "ok       clock  3 s ahead of Amazon's\n\nok\n"),
            (
                45,
                "note     clock  this machine is 45 s behind the clock of Amazon's answers to `eu_shop`\n",
            ),
        ] {
            let mut findings = Findings::default();
            clock_beside_amazons(&[(&shop, SignedDuration::from_secs(seconds))], &mut findings);
            assert!(plain(&findings).starts_with(told), "{}", plain(&findings));
            assert!(findings.is_good());
        }
    }
}
