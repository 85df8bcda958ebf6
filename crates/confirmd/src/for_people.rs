//! The JSON of commands and console, as text for people.

use std::fmt::Write as _;

use reconciler::Condition;
use serde_json::Value;

/// The text of a value; a dash where there is none.
fn or_dash(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Null | Value::String(_) => "-".to_owned(),
        other => other.to_string(),
    }
}

/// What stands above the lines of sessions.
pub(crate) fn heading_of_sessions() -> String {
    line_of_session(["SESSION", "STATE", "ACCOUNT", "DEADLINE", "ORDER"])
}

/// A session in one line.
pub(crate) fn session_in_a_line(session: &Value) -> String {
    let of = |key: &str| or_dash(&session[key]);
    line_of_session([
        &of("checkoutSessionId"),
        &of("state"),
        &of("account"),
        &to_the_second(&of("deadline")),
        &of("merchantReferenceId"),
    ])
}

fn line_of_session([id, state, account, deadline, order]: [&str; 5]) -> String {
    format!("{id:<36}  {state:<15}  {account:<12}  {deadline:<20}  {order}")
}

/// A session with its history.
pub(crate) fn session(session: &Value) -> String {
    let mut text = String::new();
    let of = |key: &str| or_dash(&session[key]);
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<20} {value}");
    };
    line("session", of("checkoutSessionId"));
    line("account", of("account"));
    line("order", of("merchantReferenceId"));
    line("state", of("state"));
    let may_have_landed = session["mayHaveLanded"] == true;
    line(
        "may have landed",
        if may_have_landed { "yes" } else { "no" }.to_owned(),
    );
    line(
        "deadline",
        format!("{} (from {})", of("deadline"), of("deadlineFrom")),
    );
    line("next look", of("dueAt"));
    line("attempts", of("attempts"));
    if let Some(amount) = session["chargeAmount"].as_object() {
        line(
            "amount",
            format!(
                "{} {}",
                or_dash(&amount["amount"]),
                or_dash(&amount["currencyCode"])
            ),
        );
    }
    line("charge permission", of("chargePermissionId"));
    line("charge", of("chargeId"));
    if session["outcome"].is_object() {
        line("outcome", or_dash(&session["outcome"]["type"]));
    }
    for alert in session["alerts"].as_array().into_iter().flatten() {
        let of = |key: &str| or_dash(&alert[key]);
        line(
            "alert",
            format!("{} {}: {}", of("kind"), of("status"), of("summary")),
        );
    }
    for known in session["history"].as_array().into_iter().flatten() {
        let _ = writeln!(text, "{}", fact(known).trim_end());
    }
    text
}

/// One fact: its number, its time, its type, and what else there is.
fn fact(fact: &Value) -> String {
    /// In this order, with the words before them.
    const MORE: [(&str, &str); 10] = [
        ("attempt", "attempt "),
        ("kind", ""),
        ("status", "status "),
        ("reasonCode", ""),
        ("requestId", "request "),
        ("field", ""),
        ("problem", ""),
        ("summary", ""),
        ("actor", "by "),
        ("reason", "because: "),
    ];
    let of = |key: &str| or_dash(&fact[key]);
    let more = MORE
        .iter()
        .filter(|(key, _)| !fact[key].is_null())
        .map(|(key, words)| format!("{words}{}", at_most(200, &of(key))));
    let more = more.collect::<Vec<_>>().join(", ");
    format!("  {:>3}  {}  {:<24}  {more}", of("version"), of("at"), of("type"))
}

/// An account in one line, and a second one where it does not run.
pub(crate) fn account(account: &Value) -> String {
    let of = |key: &str| or_dash(&account[key]);
    let mut text = format!(
        "{:<20} {:<8} {:<10} backlog {:<6} next deadline {}",
        of("account"),
        of("mode"),
        of("condition"),
        of("backlog"),
        to_the_second(&of("nextDeadline")),
    );
    if of("condition") != Condition::Running.name() {
        let since = to_the_second(&of("since"));
        let _ = write!(text, "\n    since {since} by {}: {}", of("by"), of("reason"));
    }
    if account["predictedMisses"]
        .as_u64()
        .is_some_and(|misses| 0 < misses)
    {
        let amounts = account["predictedLoss"].as_array().into_iter().flatten();
        let amount = |money: &Value| {
            format!(
                ", {} {}",
                or_dash(&money["amount"]),
                or_dash(&money["currencyCode"])
            )
        };
        let _ = write!(
            text,
            "\n    {} will come too late by {}{}: see `confirmd sessions list --at-risk`",
            of("predictedMisses"),
            to_the_second(&of("predictedBy")),
            amounts.map(amount).collect::<String>(),
        );
    }
    text
}

/// An RFC 3339 time in UTC without its fraction of a second; any other text as it is.
pub(crate) fn to_the_second(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, fraction)) if fraction.ends_with('Z') => format!("{whole}Z"),
        _ => time.to_owned(),
    }
}

/// At most so many characters of what somebody else has written, in one line.
pub(crate) fn at_most(characters: usize, text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{account, at_most, session, to_the_second};

    #[test]
    fn what_will_be_lost_of_an_account_is_told_where_anything_will() {
        let told = |misses: u64| {
            account(&json!({
                "account": "eu_shop",
                "mode": "confirm",
                "condition": "running",
                "backlog": 900,
                "nextDeadline": "2026-01-05T13:00:00Z",
                "predictedMisses": misses,
                "predictedLoss": [{"amount": "12400.00", "currencyCode": "EUR"}],
                "predictedBy": "2026-01-05T14:10:00Z",
            }))
        };
        assert!(!told(0).contains("late"));
        assert!(
            told(310).ends_with(
                "310 will come too late by 2026-01-05T14:10:00Z, 12400.00 EUR: see `confirmd sessions list --at-risk`"
            ),
            "{}",
            told(310)
        );
    }

    #[test]
    fn a_fact_is_told_with_its_number_its_answer_and_who_did_it() {
        let history = json!([
            {"version": 1, "at": "2026-01-05T10:00:00Z", "type": "checkout-completed"},
            {"version": 2, "at": "2026-01-05T10:00:01Z", "type": "confirmation-refused",
             "status": 409, "reasonCode": "InvalidCheckoutSessionStatus", "requestId": "req-7"},
            {"version": 3, "at": "2026-01-05T10:00:02Z", "type": "retry-requested", "actor": "ada", "reason": "it was down"},
        ]);
        let text = session(&json!({"checkoutSessionId": "s-1", "history": history}));
        let facts: Vec<&str> = text.lines().filter(|line| line.starts_with("    ")).collect();
        assert_eq!(
            facts,
            [
                "    1  2026-01-05T10:00:00Z  checkout-completed",
                "    2  2026-01-05T10:00:01Z  confirmation-refused      status 409, InvalidCheckoutSessionStatus, request req-7",
                "    3  2026-01-05T10:00:02Z  retry-requested           by ada, because: it was down",
            ]
        );
    }

    #[test]
    fn people_read_whole_seconds() {
        assert_eq!(
            to_the_second("2026-01-05T10:00:00.123456Z"),
            "2026-01-05T10:00:00Z"
        );
        assert_eq!(to_the_second("2026-01-05T10:00:00Z"), "2026-01-05T10:00:00Z");
        assert_eq!(to_the_second("-"), "-");
    }

    #[test]
    fn what_others_write_is_cut_to_one_line() {
        assert_eq!(at_most(5, "short"), "short");
        assert_eq!(at_most(5, "much\n too ünlong"), "much …");
        assert_eq!(at_most(4, "üüüüü"), "üüüü…");
    }
}
