//! The JSON of commands and console, as text for people.

pub(crate) mod explained;
pub(crate) mod paint;
pub(crate) mod table;
pub(crate) mod terminal;
pub(crate) mod time;

use std::fmt::Write as _;

use checkout::Timestamp;
use console::distance;
use reconciler::Condition;
use serde_json::Value;

use paint::{BAD, HEADING, mood, painted};
use table::{Cell, Column, Room, Table, one_line};
use time::to_the_second;

/// The text of a value; a dash where there is none.
fn or_dash(value: &Value) -> String {
    match value {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Null | Value::String(_) => "-".to_owned(),
        other => other.to_string(),
    }
}

const fn column(name: &'static str, room: Room) -> Column {
    Column { name, room }
}

const SESSIONS: &[Column] = &[
    column("SESSION", Room::Needed),
    column("STATE", Room::Needed),
    column("ACCOUNT", Room::Spared(2)),
    column("DEADLINE", Room::Spared(4)),
    column("LEFT", Room::Spared(1)),
    column("AMOUNT", Room::Spared(3)),
    column("ORDER", Room::Cut),
];

/// Sessions, each in a line.
pub(crate) fn sessions(sessions: &[Value], now: Timestamp, width: Option<usize>) -> String {
    let mut table = Table::new(SESSIONS);
    for session in sessions {
        let of = |key: &str| or_dash(&session[key]);
        let state = of("state");
        // An outcome has no deadline any more.
        let deadline = Timestamp::parse(&of("deadline")).ok();
        let left = deadline.filter(|_| session["outcome"].is_null());
        let cells = vec![
            Cell::plain(&of("checkoutSessionId")),
            Cell::styled(&state, mood(&state)),
            Cell::plain(&of("account")),
            Cell::plain(&to_the_second(&of("deadline"))),
            Cell::plain(&left.map_or_else(|| "-".to_owned(), |deadline| distance(deadline, now))),
            Cell::plain(&money(&session["chargeAmount"]).unwrap_or_else(|| "-".to_owned())),
            Cell::plain(&of("merchantReferenceId")),
        ];
        table.line(cells, Vec::new());
    }
    table.text(width)
}

/// None where there is none.
pub(crate) fn money(money: &Value) -> Option<String> {
    let money = money.as_object()?;
    let of = |key: &str| money.get(key).map_or_else(|| "-".to_owned(), or_dash);
    Some(format!("{} {}", of("amount"), of("currencyCode")))
}

/// A session with its history.
pub(crate) fn session(session: &Value) -> String {
    let mut text = String::new();
    let of = |key: &str| or_dash(&session[key]);
    let mut line = |name: &str, value: String| {
        let name = painted(HEADING, &format!("{name:<20}"));
        let _ = writeln!(text, "{name} {value}");
    };
    line("session", of("checkoutSessionId"));
    line("account", of("account"));
    line("order", one_line(&of("merchantReferenceId")));
    line("state", painted(mood(&of("state")), &of("state")));
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
    if let Some(amount) = money(&session["chargeAmount"]) {
        line("amount", amount);
    }
    line("charge permission", of("chargePermissionId"));
    line("charge", of("chargeId"));
    if session["outcome"].is_object() {
        line("outcome", or_dash(&session["outcome"]["type"]));
    }
    for alert in session["alerts"].as_array().into_iter().flatten() {
        let of = |key: &str| or_dash(&alert[key]);
        let alert = format!("{} {}", of("kind"), of("status"));
        let style = if of("status") == "firing" {
            BAD
        } else {
            paint::PLAIN
        };
        line(
            "alert",
            format!("{}: {}", painted(style, &alert), one_line(&of("summary"))),
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

const ACCOUNTS: &[Column] = &[
    column("ACCOUNT", Room::Cut),
    column("MODE", Room::Needed),
    column("CONDITION", Room::Needed),
    column("BACKLOG", Room::Needed),
    column("NEXT DEADLINE", Room::Spared(1)),
    column("LEFT", Room::Needed),
    column("CONFIRMS/S", Room::Spared(2)),
];

/// Accounts, each in a line; below it why it does not run, and what it will lose.
pub(crate) fn accounts(accounts: &[Value], now: Timestamp, width: Option<usize>) -> String {
    let mut table = Table::new(ACCOUNTS);
    for account in accounts {
        let of = |key: &str| or_dash(&account[key]);
        let condition = of("condition");
        let deadline = Timestamp::parse(&of("nextDeadline")).ok();
        let cells = vec![
            Cell::plain(&of("account")),
            Cell::plain(&of("mode")),
            Cell::styled(&condition, mood(&condition)),
            Cell::plain(&of("backlog")),
            Cell::plain(&to_the_second(&of("nextDeadline"))),
            Cell::plain(&deadline.map_or_else(|| "-".to_owned(), |deadline| distance(deadline, now))),
            Cell::plain(&or_dash(&account["quotaPerSecond"]["confirm"])),
        ];
        table.line(cells, notes_on(account));
    }
    table.text(width)
}

fn notes_on(account: &Value) -> Vec<String> {
    let of = |key: &str| or_dash(&account[key]);
    let mut notes = Vec::new();
    if of("condition") != Condition::Running.name() {
        let since = to_the_second(&of("since"));
        notes.push(format!("since {since} by {}: {}", of("by"), of("reason")));
    }
    let misses = account["predictedMisses"].as_u64().unwrap_or_default();
    if 0 < misses {
        let amounts = account["predictedLoss"].as_array().into_iter().flatten();
        let amounts = amounts.filter_map(money).map(|amount| format!(", {amount}"));
        notes.push(format!(
            "{misses} will come too late by {}{}: see `confirmd sessions list --at-risk`",
            to_the_second(&of("predictedBy")),
            amounts.collect::<String>(),
        ));
    }
    notes
}

/// At most so many characters of what somebody else has written, in one line.
pub(crate) fn at_most(characters: usize, text: &str) -> String {
    let line = one_line(text);
    match line.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use checkout::Timestamp;
    use serde_json::{Value, json};

    use super::{accounts, at_most, session, sessions};

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-01-05T10:00:00Z").unwrap()
    }

    fn account(changes: &Value) -> Value {
        let mut account = json!({
            "account": "eu_shop",
            "mode": "confirm",
            "condition": "running",
            "since": "2026-01-05T09:00:00.5Z",
            "by": null,
            "reason": "",
            "quotaPerSecond": {"confirm": 4.0},
            "backlog": 900,
            "nextDeadline": "2026-01-05T13:00:00Z",
            "predictedMisses": 0,
            "predictedLoss": [{"amount": "12400.00", "currencyCode": "EUR"}],
            "predictedBy": "2026-01-05T14:10:00Z",
        });
        for (key, value) in changes.as_object().unwrap() {
            account[key] = value.clone();
        }
        account
    }

    #[test]
    fn an_account_is_told_with_why_it_does_not_run_and_what_it_will_lose() {
        let told = |changes: &Value, width| plain(&accounts(&[account(changes)], now(), width));
        assert_eq!(
            told(&json!({}), None),
            "ACCOUNT  MODE     CONDITION  BACKLOG  NEXT DEADLINE         LEFT          CONFIRMS/S\n\
             eu_shop  confirm  running    900      2026-01-05T13:00:00Z  in 3 h 0 min  4.0\n"
        );
        let lost = json!({"predictedMisses": 310});
        assert!(
            told(&lost, None).ends_with(
                "    310 will come too late by 2026-01-05T14:10:00Z, 12400.00 EUR: see `confirmd sessions list --at-risk`\n"
            ),
            "{}",
            told(&lost, None)
        );
        let paused = json!({"condition": "paused", "by": "ada", "reason": "stock is being counted"});
        assert_eq!(
            told(&paused, Some(60)),
            "ACCOUNT  MODE     CONDITION  BACKLOG  LEFT\n\
             eu_shop  confirm  paused     900      in 3 h 0 min\n    \
                 since 2026-01-05T09:00:00Z by ada: stock is being\n    \
                 counted\n"
        );
    }

    #[test]
    fn a_list_tells_how_long_is_left_where_there_is_no_outcome() {
        let listed = |state: &str, outcome: Value| {
            json!({
                "checkoutSessionId": "7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11",
                "state": state,
                "account": "eu_shop",
                "deadline": "2026-01-05T13:10:00.25Z",
                "chargeAmount": {"amount": "23.45", "currencyCode": "EUR"},
                "merchantReferenceId": "ORDER-1001 of a shop with long numbers",
                "outcome": outcome,
            })
        };
        let all = [
            listed("waiting", Value::Null),
            listed("confirmed", json!({"type": "x"})),
        ];
        assert_eq!(
            plain(&sessions(&all, now(), None)),
            "SESSION                               STATE      ACCOUNT  DEADLINE              LEFT           AMOUNT     ORDER\n\
             7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11  waiting    eu_shop  2026-01-05T13:10:00Z  in 3 h 10 min  23.45 EUR  ORDER-1001 of a shop with long numbers\n\
             7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11  confirmed  eu_shop  2026-01-05T13:10:00Z  -              23.45 EUR  ORDER-1001 of a shop with long numbers\n"
        );
        assert_eq!(
            plain(&sessions(&all, now(), Some(80))),
            "SESSION                               STATE      ACCOUNT  LEFT           ORDER\n\
             7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11  waiting    eu_shop  in 3 h 10 min  ORDER-…\n\
             7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11  confirmed  eu_shop  -              ORDER-…\n"
        );
        let coloured = sessions(&all, now(), None);
        assert!(coloured.contains("\u{1b}[33mwaiting\u{1b}[0m"), "{coloured:?}");
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
    fn what_others_write_is_cut_to_one_line() {
        assert_eq!(at_most(5, "short"), "short");
        assert_eq!(at_most(5, "much\n too ünlong"), "much …");
        assert_eq!(at_most(4, "üüüüü"), "üüüü…");
    }
}
