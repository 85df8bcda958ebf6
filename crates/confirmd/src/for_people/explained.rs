//! One session, for somebody who has to decide about it at night.

use std::fmt::Write as _;

use super::paint::{BAD, HEADING, PLAIN, mood, painted};
use super::table::{one_line, wrapped};
use super::time::{to_the_second, with_distance};
use console::distance;
use console::shown::Told;

/// Before every line but those that begin something.
const INDENT: &str = "           ";
/// Before what a command is for.
const DEEPER: &str = "             ";
/// Where the runbooks lie in the repository.
const RUNBOOKS: &str = "deploy/runbook";

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
                let what = wrapped(&act.what, text.width, DEEPER);
                let _ = writeln!(text.text, "{DEEPER}{what}");
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
    let because = one_line(&explained.because);
    text.line("next", &format!("{}: {because}", explained.step));
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
        let room = INDENT.len();
        let style = if label.is_empty() { PLAIN } else { HEADING };
        let label = painted(style, &format!("{label:<room$}"));
        let _ = writeln!(self.text, "{label}{}", wrapped(value, self.width, INDENT));
    }
}

#[cfg(test)]
mod tests {
    use checkout::{Flaw, SessionId};
    use console::shown::{Explained, ExplainedAccount, Told};
    use reconciler::{Condition, Recorded};

    use super::text;
    use crate::view::tests::{at, completed, policy, put_off, recorded};
    use crate::view::{self, OfAccount, story::story};

    fn told(history: &[Recorded], time: &str) -> Told {
        let id = SessionId::parse("s-1").unwrap();
        let account = OfAccount::Configured(None);
        let explained = view::explain(history, at(time), &policy(), account);
        Told {
            session: view::session(&id, history, at(time), &policy(), false).unwrap(),
            story: story(&id, history, at(time), &policy(), account).unwrap(),
            explained: Explained {
                checkout_session_id: id.to_string(),
                at: at(time),
                step: explained.step,
                because: explained.because,
                not_before: explained.not_before,
                place: None,
                account: ExplainedAccount {
                    name: Some("eu_shop".to_owned()),
                    condition: account.condition().map(Condition::name),
                },
            },
        }
    }

    fn plain(told: &Told, width: Option<usize>) -> String {
        anstream::adapter::strip_str(&text(told, width)).to_string()
    }

    #[test]
    fn a_session_that_waits_is_told_with_what_it_waits_for_and_what_can_be_done() {
        assert_eq!(
            plain(&told(&put_off(), "10:00:05"), Some(100)),
            "session    s-1, Finalize\n\
             state      waiting since 2026-01-05T10:00:00Z (5 s ago)\n\
             money      23.45 EUR\n\
             deadline   2026-01-06T10:00:00Z (in 23 h 59 min), 24 hours after its creation, as the shop says\n\
             account    eu_shop: running\n\
             last       2026-01-05T10:00:00Z (5 s ago): Amazon Pay throttled attempt 1; nothing was charged: 429\n\
             \x20          TooManyRequests\n\
             alert      conflict: The shop said two things.\n\
             next       wait: the next try comes at 2026-01-05T10:04:00Z; the last try failed: 429\n\
             \x20          TooManyRequests\n\
             then       2026-01-05T10:04:00Z (in 3 min 55 s): look-up: it was not looked at within the last\n\
             \x20          minute, or its address is not known\n\
             meanwhile  2026-01-06T08:00:00Z (in 21 h 59 min): alert: people are to be told: deadline-near\n\
             you can    confirmd sessions release s-1 --reason TEXT\n\
             \x20            once you have compared the order with Amazon Pay: it acknowledges the alert\n\
             \x20          confirmd sessions retry s-1 --reason TEXT\n\
             \x20            if what it waits for is over: its next step is due at once\n\
             \x20          confirmd sessions forswear s-1 --reason TEXT\n\
             \x20            if it must not be confirmed, because the order is cancelled, say\n\
             runbook    deploy/runbook/ConfirmdSessionsNeedPeople.md\n"
        );
    }

    #[test]
    fn one_that_needs_repair_says_what_is_wrong_and_what_mends_it() {
        let flaw = Flaw {
            field: "chargeAmount".to_owned(),
            problem: "it is not Amazon's".to_owned(),
        };
        assert_eq!(
            plain(&told(&recorded(vec![completed(Some(flaw))]), "10:00:05"), None),
            "session    s-1, Finalize\n\
             state      needs-repair since 2026-01-05T10:00:00Z (5 s ago)\n\
             money      23.45 EUR\n\
             deadline   2026-01-06T10:00:00Z (in 23 h 59 min), 24 hours after its creation, as the shop says\n\
             account    eu_shop: running\n\
             last       2026-01-05T10:00:00Z (5 s ago): the shop said that the buyer has finished\n\
             next       wait: it needs repair: `chargeAmount`: it is not Amazon's\n\
             then       2026-01-06T08:00:00Z (in 21 h 59 min): alert: people are to be told: deadline-near\n\
             you can    confirmd sessions release s-1 --reason TEXT\n\
             \x20            once it is repaired elsewhere; or publish a corrected event, which needs no command\n\
             \x20          confirmd sessions forswear s-1 --reason TEXT\n\
             \x20            if it must not be confirmed, because the order is cancelled, say\n\
             runbook    deploy/runbook/ConfirmdSessionsNeedPeople.md\n"
        );
    }

    #[test]
    fn programs_get_what_they_always_got_and_the_story() {
        let told = told(&put_off(), "10:00:05").to_json().unwrap();
        for key in [
            "checkoutSessionId",
            "at",
            "step",
            "because",
            "notBefore",
            "account",
            "place",
            "state",
            "since",
            "last",
            "then",
            "meanwhile",
            "acts",
            "runbook",
            "deadline",
            "chargeAmount",
            "alerts",
        ] {
            assert!(told.get(key).is_some(), "{key}: {told:#}");
        }
        assert_eq!(told["then"]["at"], "2026-01-05T10:04:00Z");
        assert!(told.get("history").is_none());
    }
}
