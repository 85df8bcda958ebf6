//! Reads what confirmd tells, and shows the day as it passes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::time::Duration;

use anyhow::Context;
use checkout::Timestamp;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kafka_topics::Settings;
use kafka_topics::clients::{TopicReader, TopicRecord};
use serde_json::Value;
use tokio::sync::mpsc;

use super::checks::{Message, Money, Outcome, Payment, Told};
use super::plan::Plan;
use super::shop::Said;

/// Records that may wait to be looked at.
const UNREAD: usize = 1_024;
/// Headers that confirmd adds to a dead letter.
const OUR_HEADERS: &str = "confirmd_";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The topics that confirmd writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    Outcomes,
    Alerts,
    DeadLetters,
}

/// Everything that is written to the topics out, from the beginning.
pub(crate) async fn read(kafka: &Settings) -> anyhow::Result<mpsc::Receiver<(Topic, TopicRecord)>> {
    let (sender, receiver) = mpsc::channel(UNREAD);
    for (topic, name) in [
        (Topic::Outcomes, &kafka.outcomes_topic),
        (Topic::Alerts, &kafka.alerts_topic),
        (Topic::DeadLetters, &kafka.dead_letter_topic),
    ] {
        let mut reader = TopicReader::open(&kafka.bootstrap_servers, name)
            .await
            .context("a topic cannot be read")?;
        let sender = sender.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = sender.closed() => return,
                    record = reader.next() => if sender.send((topic, record)).await.is_err() { return },
                }
            }
        });
    }
    Ok(receiver)
}

/// What was heard so far.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) told: Vec<Told>,
    pub(crate) settled: BTreeSet<String>,
    /// The settled ones by what became of them.
    counts: BTreeMap<&'static str, usize>,
    /// Of notices that are no outcomes, the ids of their events.
    pub(crate) notices: BTreeMap<&'static str, BTreeSet<String>>,
    pub(crate) alerts: BTreeMap<String, Alerts>,
    /// Dead letters by where they came from: one may be set aside twice.
    letters: BTreeSet<String>,
}

/// The alerts of one kind, by their ids.
#[derive(Debug, Default)]
pub(crate) struct Alerts {
    pub(crate) raised: BTreeSet<String>,
    pub(crate) resolved: BTreeSet<String>,
}

/// Something new that is worth a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct News {
    pub(crate) what: String,
    pub(crate) session: Option<String>,
    pub(crate) text: String,
}

impl Heard {
    pub(crate) fn letters(&self) -> usize {
        self.letters.len()
    }

    fn count(&self, outcome: &str) -> usize {
        self.counts.get(outcome).copied().unwrap_or_default()
    }

    pub(crate) fn firing(&self) -> usize {
        self.alerts
            .values()
            .map(|alerts| alerts.raised.difference(&alerts.resolved).count())
            .sum()
    }

    /// Takes a record in; says what is new about it.
    pub(crate) fn hear(&mut self, topic: Topic, record: &TopicRecord) -> anyhow::Result<Option<News>> {
        match topic {
            Topic::Outcomes => self.hear_outcome(record),
            Topic::Alerts => self.hear_alert(record),
            Topic::DeadLetters => Ok(self.hear_letter(record)),
        }
    }

    fn hear_outcome(&mut self, record: &TopicRecord) -> anyhow::Result<Option<News>> {
        let body: Value = serde_json::from_slice(record.payload.as_deref().unwrap_or_default())?;
        let id = record
            .header("ce_id")
            .context("an outcome without ce_id")?
            .to_owned();
        let session = text(&body, "checkoutSessionId").context("an outcome without its session")?;
        let event_type = record.header("ce_type").context("an outcome without ce_type")?;
        let notice = match event_type {
            "checkout.payment-pending.v1" => Some((
                "payment-pending",
                "confirmed, the payment being decided: nothing ships yet",
            )),
            "checkout.attempt-declined.v1" => {
                Some(("attempt-declined", "refused, and the buyer may pay otherwise"))
            }
            _ => None,
        };
        if let Some((name, meaning)) = notice {
            let is_new = self.notices.entry(name).or_default().insert(id);
            return Ok(is_new.then(|| News {
                what: name.to_owned(),
                session: Some(session),
                text: meaning.to_owned(),
            }));
        }
        let outcome = outcome(event_type, &body)?;
        let news = News {
            what: outcome.name().to_owned(),
            session: Some(session.clone()),
            text: in_words(&outcome, &body),
        };
        let is_new = self.settled.insert(session.clone());
        if is_new {
            *self.counts.entry(outcome.name()).or_default() += 1;
        }
        self.told.push(Told::Outcome { session, id, outcome });
        Ok(is_new.then_some(news))
    }

    fn hear_alert(&mut self, record: &TopicRecord) -> anyhow::Result<Option<News>> {
        let body: Value = serde_json::from_slice(record.payload.as_deref().unwrap_or_default())?;
        let kind = text(&body, "kind").context("an alert without its kind")?;
        let id = text(&body, "alertId").context("an alert without its id")?;
        let alerts = self.alerts.entry(kind.clone()).or_default();
        if text(&body, "status").as_deref() == Some("resolved") {
            alerts.resolved.insert(id);
            return Ok(None);
        }
        let is_new = alerts.raised.insert(id);
        Ok(is_new.then(|| News {
            what: format!("alert {kind}"),
            session: text(&body, "checkoutSessionId"),
            text: text(&body, "summary").unwrap_or_default(),
        }))
    }

    fn hear_letter(&mut self, record: &TopicRecord) -> Option<News> {
        let source = record.header("confirmd_source").unwrap_or_default().to_owned();
        if !self.letters.insert(source) {
            return None;
        }
        let ours = |name: &str| name.starts_with(OUR_HEADERS);
        let headers = record.headers.iter().filter(|(name, _)| !ours(name));
        self.told.push(Told::SetAside(Message {
            key: record.key.clone(),
            headers: headers
                .map(|(name, value)| (name.clone(), value.clone().unwrap_or_default()))
                .collect(),
            payload: record.payload.clone(),
        }));
        // The alert about it tells.
        None
    }
}

fn text(body: &Value, field: &str) -> Option<String> {
    body[field].as_str().map(str::to_owned)
}

fn outcome(event_type: &str, body: &Value) -> anyhow::Result<Outcome> {
    Ok(match event_type {
        "checkout.confirmed.v1" => Outcome::Confirmed {
            payment: match body["payment"].as_str() {
                Some("Captured") => Payment::Captured,
                Some("Authorized") => Payment::Authorized,
                Some("None") => Payment::None,
                _ => anyhow::bail!("a confirmed outcome without its payment"),
            },
            charge_permission_id: text(body, "chargePermissionId")
                .context("confirmed without a charge permission")?,
            charge_id: text(body, "chargeId"),
            charge_amount: money(&body["chargeAmount"])?,
        },
        "checkout.declined.v1" => Outcome::Declined,
        "checkout.cancelled.v1" => Outcome::Cancelled,
        "checkout.expired.v1" => Outcome::Expired,
        "checkout.unresolved.v1" => Outcome::Unresolved,
        other => anyhow::bail!("`{other}` on the outcomes topic"),
    })
}

fn money(value: &Value) -> anyhow::Result<Option<Money>> {
    if value.is_null() {
        return Ok(None);
    }
    let amount = value["amount"].as_str().context("an amount that is not text")?;
    let currency = text(value, "currencyCode").context("an amount without its currency")?;
    Ok(Some(Money {
        amount: amount.parse()?,
        currency,
    }))
}

fn in_words(outcome: &Outcome, body: &Value) -> String {
    match outcome {
        Outcome::Confirmed {
            payment,
            charge_amount,
            ..
        } => {
            let amount = charge_amount
                .as_ref()
                .map(|money| format!("{} {} ", money.amount, money.currency));
            let paid = match payment {
                Payment::Captured => "captured",
                Payment::Authorized => "authorized",
                Payment::None => "no charge yet, the shop may charge later",
            };
            let found = if body["evidence"] == "look-up" {
                ", as a look-up found out"
            } else {
                ""
            };
            format!("{}{paid}{found}", amount.unwrap_or_default())
        }
        Outcome::Declined => {
            let reason = body["reasonCode"].as_str().unwrap_or("no reason given");
            format!("{reason}: the buyer may pay otherwise")
        }
        Outcome::Cancelled => "the buyer never finished: given up, and lapsed at Amazon Pay".to_owned(),
        Outcome::Expired => "its 24 hours were over before the shop told of it".to_owned(),
        Outcome::Unresolved => "it cannot be known: a person must look".to_owned(),
    }
}

/// The day on the terminal; plain lines where there is none.
pub(crate) struct Show {
    bar: ProgressBar,
    opens_at: Timestamp,
    checkouts: usize,
    seen: BTreeMap<String, usize>,
    plain: bool,
    last_plain: u64,
}

/// Of each kind of news so many are shown; more would only scroll by.
pub(super) const SHOWN_OF_EACH: usize = 3;
/// Characters of text in a line, so that the whole line fits most terminals.
const ROOM: usize = 60;
/// While nothing has been told yet.
const OPENING: &str = "the broker takes three seconds to let its first reader in";
/// Minutes of the day between two plain lines.
const PLAIN_EVERY: u64 = 120;

impl Show {
    pub(crate) fn new(opens_at: Timestamp, checkouts: usize) -> Self {
        let plain = !std::io::stderr().is_terminal();
        let target = if plain {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(DAY.as_secs()), target);
        let style = ProgressStyle::with_template("  {prefix} {wide_bar:.cyan/dim} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("━━─"));
        Self {
            bar,
            opens_at,
            checkouts,
            seen: BTreeMap::new(),
            plain,
            last_plain: 0,
        }
    }

    /// A line that stays.
    pub(crate) fn say(&self, line: &str) {
        if self.plain {
            eprintln!("{line}");
        } else {
            self.bar.suspend(|| eprintln!("{line}"));
        }
    }

    /// Shows it, unless enough of its kind were shown.
    pub(crate) fn news(&mut self, news: &News, now: Timestamp, said: &Said) {
        let seen = self.seen.entry(news.what.clone()).or_default();
        *seen += 1;
        if *seen > SHOWN_OF_EACH {
            return;
        }
        let order = news
            .session
            .as_ref()
            .and_then(|session| said.sessions.get(session));
        let order = order
            .map(|number| Plan::order_number(*number))
            .unwrap_or_default();
        let what = &news.what;
        let clock = clock(now.since(self.opens_at));
        let text = shortened(&news.text, ROOM);
        self.say(&format!("  {clock}  {what:<20} {order:<10}  {text}"));
    }

    pub(crate) fn progress(&mut self, now: Timestamp, heard: &Heard, said: &Said) {
        let passed = now.since(self.opens_at);
        let told = said.sessions.len();
        let opening = heard.told.is_empty();
        let line = format!(
            "told {told:>3}/{}  confirmed {:>3}  declined {:>2}  lapsed {:>2}  alerts {:>2}",
            self.checkouts,
            heard.count("confirmed"),
            heard.count("declined"),
            heard.count("cancelled") + heard.count("expired"),
            heard.firing()
        );
        if self.plain {
            let minutes = passed.as_secs() / 60;
            if self.last_plain + PLAIN_EVERY <= minutes {
                self.last_plain = minutes - minutes % PLAIN_EVERY;
                eprintln!("  {}  {line}", clock(passed));
            }
            return;
        }
        let line = if opening { OPENING.to_owned() } else { line };
        self.bar.set_prefix(clock(passed));
        self.bar.set_position(passed.as_secs().min(DAY.as_secs()));
        self.bar.set_message(line);
    }

    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// Short enough for its line; the topics have it whole.
fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room - 1).collect();
    format!("{}…", kept.trim_end())
}

/// For people.
pub(crate) fn counted(checkouts: usize) -> String {
    if checkouts == 1 {
        "1 checkout".to_owned()
    } else {
        format!("{checkouts} checkouts")
    }
}

/// Hours and minutes since the day began.
pub(crate) fn clock(passed: Duration) -> String {
    let minutes = passed.as_secs() / 60;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(headers: &[(&str, &str)], body: &Value) -> TopicRecord {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Some(value.as_bytes().to_vec())));
        TopicRecord {
            partition: 0,
            offset: 0,
            key: Some(b"S-1".to_vec()),
            headers: headers.collect(),
            payload: Some(body.to_string().into_bytes()),
        }
    }

    fn confirmed() -> TopicRecord {
        let body = json!({
            "checkoutSessionId": "S-1", "payment": "Captured", "evidence": "look-up",
            "chargePermissionId": "P-1", "chargeId": "P-1-C1",
            "chargeAmount": { "amount": "23.45", "currencyCode": "EUR" },
        });
        record(&[("ce_id", "S-1/3"), ("ce_type", "checkout.confirmed.v1")], &body)
    }

    #[test]
    fn an_outcome_is_news_once_and_told_as_often_as_it_comes() {
        let mut heard = Heard::default();
        let news = heard.hear(Topic::Outcomes, &confirmed()).unwrap().unwrap();
        assert_eq!(news.text, "23.45 EUR captured, as a look-up found out");
        assert_eq!(heard.hear(Topic::Outcomes, &confirmed()).unwrap(), None);
        assert_eq!(
            (heard.told.len(), heard.settled.len(), heard.count("confirmed")),
            (2, 1, 1)
        );
    }

    #[test]
    fn a_notice_is_no_outcome() {
        let mut heard = Heard::default();
        let pending = record(
            &[("ce_id", "S-1/3"), ("ce_type", "checkout.payment-pending.v1")],
            &json!({ "checkoutSessionId": "S-1" }),
        );
        assert!(heard.hear(Topic::Outcomes, &pending).unwrap().is_some());
        assert!(heard.told.is_empty() && heard.settled.is_empty());
    }

    #[test]
    fn an_outcome_that_cannot_be_read_is_an_error_and_not_passed_over() {
        let body = json!({ "checkoutSessionId": "S-1" });
        let strange = record(&[("ce_id", "S-1/3"), ("ce_type", "checkout.perhaps.v1")], &body);
        assert!(Heard::default().hear(Topic::Outcomes, &strange).is_err());
    }

    #[test]
    fn an_alert_fires_until_it_is_resolved() {
        let mut heard = Heard::default();
        let alert = |status: &str| {
            let body =
                json!({ "kind": "in-doubt", "alertId": "S-1/in-doubt/1", "status": status, "summary": "…" });
            record(&[], &body)
        };
        assert!(heard.hear(Topic::Alerts, &alert("firing")).unwrap().is_some());
        assert!(heard.hear(Topic::Alerts, &alert("firing")).unwrap().is_none());
        assert_eq!(heard.firing(), 1);
        heard.hear(Topic::Alerts, &alert("resolved")).unwrap();
        assert_eq!(heard.firing(), 0);
    }

    #[test]
    fn a_dead_letter_counts_once_and_without_the_headers_that_confirmd_adds() {
        let mut heard = Heard::default();
        let letter = record(
            &[("content-type", "text/plain"), ("confirmd_source", "t/0/7")],
            &json!([1]),
        );
        heard.hear(Topic::DeadLetters, &letter).unwrap();
        heard.hear(Topic::DeadLetters, &letter).unwrap();
        let Some(Told::SetAside(message)) = heard.told.first() else {
            panic!("it was set aside")
        };
        assert_eq!(
            message.headers,
            [("content-type".to_owned(), b"text/plain".to_vec())]
        );
        assert_eq!((heard.letters(), heard.told.len()), (1, 1));
    }

    #[test]
    fn long_texts_are_cut_for_the_terminal() {
        assert_eq!(shortened("short", 30), "short");
        assert_eq!(shortened("long and longer", 8), "long an…");
    }
}
