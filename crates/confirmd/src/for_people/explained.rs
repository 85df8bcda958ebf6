//! One session, for somebody who has to decide about it at night.

use std::fmt::Write as _;

use serde_json::Value;

use super::paint::{BAD, HEADING, PLAIN, mood, painted};
use super::table::{one_line, wrapped};
use super::time::{distance, to_the_second, with_distance};
use crate::query::Told;

/// Before every line but those that begin something.
const INDENT: &str = "          ";
/// Where the runbooks lie in the repository.
const RUNBOOKS: &str = "deploy/runbook";

/// What the console's explanation says, and beside it what it says elsewhere on its page.
pub(crate) fn json(told: &Told) -> serde_json::Result<Value> {
    let mut value = serde_json::to_value(&told.explained)?;
    let session = serde_json::to_value(&told.session)?;
    for key in [
        "merchantReferenceId",
        "mayHaveLanded",
        "deadline",
        "deadlineFrom",
        "attempts",
        "chargeAmount",
        "alerts",
    ] {
        value[key] = session[key].clone();
    }
    if let Value::Object(story) = serde_json::to_value(&told.story)? {
        for (key, of_story) in story {
            value[key] = of_story;
        }
    }
    Ok(value)
}

/// In lines that fit; a command is never broken.
pub(crate) fn text(told: &Told, width: Option<usize>) -> String {
    let Told {
        session,
        explained,
        story,
    } = told;
    let now = explained.at;
    let mut text = Text {
        text: String::new(),
        width,
    };
    let order = session
        .merchant_reference_id
        .as_deref()
        .map(|order| format!(", order {}", one_line(order)));
    let of = session.operation.map(|operation| format!(", {operation}"));
    text.line(
        "session",
        &format!(
            "{}{}{}",
            session.checkout_session_id,
            order.unwrap_or_default(),
            of.unwrap_or_default()
        ),
    );
    let since = story
        .since
        .map(|since| format!(" since {}", with_distance(since, now)));
    text.line(
        "state",
        &(painted(mood(story.state), story.state) + &since.unwrap_or_default()),
    );
    if session.may_have_landed {
        let landed = "A confirmation may have landed though its answer is not known.";
        text.line("", &painted(BAD, landed));
    }
    let money = session.charge_amount.as_ref().map_or_else(
        || "not known".to_owned(),
        |money| format!("{} {}", money.amount, money.currency_code),
    );
    text.line("money", &money);
    if session.outcome.is_none() {
        let says = match session.deadline_from {
            "look-up" => "as Amazon Pay says",
            "event" => "24 hours after its creation, as the shop says",
            _ => "at the latest: nobody has said when it was created",
        };
        text.line(
            "deadline",
            &format!("{}, {says}", with_distance(session.deadline, now)),
        );
    }
    let name = explained.account.name.as_deref().unwrap_or("none");
    let condition = explained.account.condition.unwrap_or("not configured");
    let style = explained.account.condition.map_or(BAD, mood);
    text.line("account", &format!("{name}: {}", painted(style, condition)));
    if let Some(last) = &story.last {
        let request = last.request_id.as_deref();
        let request = request.map(|id| format!(" (Amazon's request {id})"));
        let what = one_line(&(last.what.clone() + &request.unwrap_or_default()));
        text.line("last", &format!("{}: {what}", with_distance(last.at, now)));
    }
    for alert in session.alerts.iter().filter(|alert| alert.status == "firing") {
        let summary = one_line(&alert.summary);
        text.line("alert", &format!("{}: {summary}", painted(BAD, alert.kind)));
    }
    next(&mut text, told);
    for (at, act) in story.acts.iter().enumerate() {
        let label = if at == 0 { "you can" } else { "" };
        match &act.command {
            Some(command) => {
                text.line(label, &painted(HEADING, command));
                text.line("", &format!("  {}", act.what));
            }
            None => text.line(label, &one_line(&act.what)),
        }
    }
    if story.acts.is_empty() {
        text.line("you can", "nothing: there is nothing left to be done");
    }
    if let Some(runbook) = story.runbook {
        text.line("runbook", &format!("{RUNBOOKS}/{runbook}"));
    }
    text.text
}

fn next(text: &mut Text, told: &Told) {
    let Told { explained, story, .. } = told;
    let now = explained.at;
    let mut because = format!("{}: {}", explained.step, one_line(&explained.because));
    if let Some(not_before) = explained.not_before.filter(|at| now < *at) {
        let _ = write!(because, "; not before {}", with_distance(not_before, now));
    }
    text.line("next", &because);
    if let Some(place) = explained.place {
        text.line("", &format!("its place in the queue of its account: {place}"));
    }
    let comes = [("then", &story.then), ("meanwhile", &story.meanwhile)];
    for (label, comes) in comes {
        let Some(comes) = comes else { continue };
        let at = to_the_second(&comes.at.to_string());
        let because = one_line(&comes.because);
        let away = distance(comes.at, now);
        text.line(label, &format!("{at} ({away}): {}: {because}", comes.step));
    }
}

struct Text {
    text: String,
    width: Option<usize>,
}

impl Text {
    fn line(&mut self, label: &str, value: &str) {
        let label = format!("{label:<width$}", width = INDENT.len());
        let value = wrapped(value, self.width, INDENT);
        let _ = writeln!(
            self.text,
            "{}{value}",
            painted(if label.trim().is_empty() { PLAIN } else { HEADING }, &label)
        );
    }
}
