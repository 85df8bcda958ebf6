//! The page at `/`, for a person who builds a shop: what the sandbox holds, and buttons for what the buyer does.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Write as _};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::control::new_session::BuyerAction;
use crate::ipn::NotificationBook;
use crate::shared::{ControlError, Shared};
use crate::time::span::Span;
use crate::world::books::{Books, Call, PermissionBook, SessionBook};

const STYLE: &str = include_str!("page.css");
/// A page that is read, not an archive: the books have everything.
const MOST_SESSIONS: usize = 50;
const MOST_CALLS: usize = 20;
const MOST_NOTIFICATIONS: usize = 30;
/// How fast the clock may be set to run, in seconds for one of real time.
const SPEEDS: [(&str, &str); 4] = [("0", "stop"), ("1", "1 ×"), ("60", "60 ×"), ("1440", "1440 ×")];

/// What of a session the books leave out: they hold no text of anybody's.
struct Face {
    amount: String,
    reference: String,
    buyer_finished: bool,
}

/// Text from elsewhere, harmless within HTML.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// The page as it is now.
pub(crate) fn shown(shared: &Shared) -> String {
    let (books, notifications) = (shared.books(), shared.notifications());
    let faces = faces(shared);
    let speed = shared.settable.as_ref().map(crate::SettableClock::speed);
    let mut page = String::with_capacity(16 << 10);
    // Writing to a String does not fail.
    let _infallible = write(&mut page, &books, &faces, &notifications, speed);
    page
}

fn faces(shared: &Shared) -> BTreeMap<String, Face> {
    let world = shared.world();
    let faces = world.sessions.values().map(|session| {
        let seen = &session.open_body;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let amount = &seen["paymentDetails"]["chargeAmount"];
        let face = Face {
            amount: format!("{} {}", text(&amount["amount"]), text(&amount["currencyCode"])),
            reference: text(&seen["merchantMetadata"]["merchantReferenceId"]),
            buyer_finished: session.buyer_finished,
        };
        (session.id.clone(), face)
    });
    faces.collect()
}

/// A button of the page. What it names is done as the control API does it.
pub(crate) fn pressed(shared: &Shared, button: &[&str]) -> Result<(), ControlError> {
    match button {
        ["sessions", id, action] => {
            let action = match *action {
                "finish" => BuyerAction::Finish,
                "cancel" => BuyerAction::Cancel,
                "decline" => BuyerAction::Decline,
                _ => return Err(no_button()),
            };
            shared.buyer(id, action.into()).map(|_| ())
        }
        ["clock", "advance", by] => {
            let by = Span::parse(by).ok_or_else(no_button)?;
            super::move_clock(shared, super::ClockMove::advance(by))
        }
        ["clock", "speed", speed] => {
            let speed = speed.parse().map_err(|_| no_button())?;
            super::move_clock(shared, super::ClockMove::speed(speed))
        }
        _ => Err(no_button()),
    }
}

fn no_button() -> ControlError {
    ControlError::NotFound("there is no such button".to_owned())
}

fn write(
    page: &mut String,
    books: &Books,
    faces: &BTreeMap<String, Face>,
    notifications: &[NotificationBook],
    speed: Option<f64>,
) -> fmt::Result {
    write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Amazon Pay sandbox</title><style>{STYLE}</style></head><body>\n\
         <header><h1>Amazon Pay sandbox</h1>"
    )?;
    clock(page, books.at, speed)?;
    page.write_str("<p><a class=\"button\" href=\"/\">Refresh</a></p></header>\n<main>")?;
    writeln!(
        page,
        "<h2>Checkout sessions <small>{}</small></h2>",
        books.sessions.len()
    )?;
    if books.sessions.is_empty() {
        page.write_str(
            "<p class=\"empty\">None yet. A shop makes them through the API; \
             <code>POST /sessions</code> here makes one whose buyer has finished.</p>",
        )?;
    }
    let permissions: BTreeMap<&str, &PermissionBook> = books
        .permissions
        .iter()
        .map(|permission| (permission.checkout_session_id.as_str(), permission))
        .collect();
    for session in books.sessions.iter().rev().take(MOST_SESSIONS) {
        let id = session.checkout_session_id.as_str();
        self::session(
            page,
            session,
            faces.get(id),
            permissions.get(id).copied(),
            books.at,
        )?;
    }
    if books.sessions.len() > MOST_SESSIONS {
        let older = books.sessions.len() - MOST_SESSIONS;
        write!(
            page,
            "<p class=\"empty\">{older} older ones are in <a href=\"/books\">the books</a>.</p>"
        )?;
    }
    self::notifications(page, notifications)?;
    page.write_str(
        "</main>\n<footer><a href=\"/books\">books</a> · <a href=\"/unknowns\">switches</a> · \
         <a href=\"/ipn\">notifications</a> · <a href=\"/clock\">clock</a></footer></body></html>\n",
    )
}

fn button(page: &mut String, path: &str, label: &str, class: &str) -> fmt::Result {
    write!(
        page,
        "<form method=\"post\" action=\"/page/{}\"><button class=\"{class}\">{label}</button></form>",
        Text(path)
    )
}

fn clock(page: &mut String, now: Timestamp, speed: Option<f64>) -> fmt::Result {
    write!(
        page,
        "<div class=\"clock\"><time>{}</time>",
        now.strftime("%a %d %b %Y, %H:%M:%S UTC")
    )?;
    let Some(speed) = speed else {
        return page.write_str("<span>the clock of the program around the sandbox</span></div>");
    };
    write!(page, "<span>speed {speed} ×</span><div class=\"buttons\">")?;
    for by in ["1h", "23h"] {
        button(page, &format!("clock/advance/{by}"), &format!("+{by}"), "")?;
    }
    for (to, label) in SPEEDS {
        let class = if to.parse() == Ok(speed) { "chosen" } else { "" };
        button(page, &format!("clock/speed/{to}"), label, class)?;
    }
    page.write_str("</div></div>")
}

fn session(
    page: &mut String,
    session: &SessionBook,
    face: Option<&Face>,
    permission: Option<&PermissionBook>,
    now: Timestamp,
) -> fmt::Result {
    let (id, state) = (&session.checkout_session_id, session.state);
    write!(page, "<article><h3><code>{}</code> ", Text(id))?;
    badge(page, state, session.reason_code.as_deref())?;
    page.write_str("</h3><p class=\"facts\">")?;
    if let Some(face) = face {
        write!(page, "<strong>{}</strong> ", Text(&face.amount))?;
        if !face.reference.is_empty() {
            write!(page, "<span>order {}</span> ", Text(&face.reference))?;
        }
    }
    write!(page, "<span>{}</span> ", Text(&session.account))?;
    write!(
        page,
        "<span>made {} ago</span> ",
        Length(now.duration_since(session.creation_timestamp))
    )?;
    let finished = face.is_some_and(|face| face.buyer_finished);
    if state == "Open" {
        let left = session.expiration_timestamp.duration_since(now);
        write!(page, "<span>expires in {}</span> ", Length(left))?;
        let buyer = if finished {
            "the buyer has finished"
        } else {
            "the buyer is not done"
        };
        write!(page, "<span>{buyer}</span>")?;
    }
    page.write_str("</p>")?;
    if state == "Open" {
        page.write_str("<div class=\"buttons\">")?;
        for (action, label, class) in [
            ("finish", "Buyer finishes", if finished { "" } else { "good" }),
            ("cancel", "Buyer cancels", ""),
            ("decline", "Payment is declined", ""),
        ] {
            button(page, &format!("sessions/{id}/{action}"), label, class)?;
        }
        page.write_str("</div>")?;
    }
    if let Some(permission) = permission {
        self::permission(page, permission)?;
    }
    calls(page, &session.calls)?;
    page.write_str("</article>\n")
}

fn badge(page: &mut String, state: &str, reason: Option<&str>) -> fmt::Result {
    let class = match state {
        "Open" | "Chargeable" | "Authorized" => "open",
        "Completed" | "Captured" | "Refunded" | "delivered" => "good",
        "Canceled" | "Declined" | "failed" => "bad",
        _ => "",
    };
    write!(page, "<span class=\"badge {class}\">{}", Text(state))?;
    if let Some(reason) = reason {
        write!(page, " · {}", Text(reason))?;
    }
    page.write_str("</span>")
}

fn permission(page: &mut String, permission: &PermissionBook) -> fmt::Result {
    write!(
        page,
        "<ul><li>permission <code>{}</code> ({}) ",
        Text(&permission.charge_permission_id),
        permission.charge_permission_type
    )?;
    badge(page, &word(permission.state), permission.reason_code)?;
    if let (Some(limit), Some(balance)) = (&permission.amount_limit, &permission.amount_balance) {
        write!(
            page,
            " {} of {} left",
            Text(&balance.to_string()),
            Text(&limit.to_string())
        )?;
    }
    page.write_str("</li>")?;
    for charge in &permission.charges {
        let amount = charge.charge_amount.to_string();
        write!(
            page,
            "<li>charge <code>{}</code> {} ",
            Text(&charge.charge_id),
            Text(&amount)
        )?;
        badge(page, &word(charge.state), charge.reason_code)?;
        if !charge.captured.is_zero() {
            write!(page, " captured {}", charge.captured)?;
        }
        page.write_str("</li>")?;
        for refund in &charge.refunds {
            let amount = refund.refund_amount.to_string();
            write!(
                page,
                "<li>refund <code>{}</code> {} ",
                Text(&refund.refund_id),
                Text(&amount)
            )?;
            badge(page, &word(refund.state), refund.reason_code)?;
            page.write_str("</li>")?;
        }
    }
    page.write_str("</ul>")
}

/// As it is written in JSON.
fn word(value: impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn calls(page: &mut String, calls: &[Call]) -> fmt::Result {
    if calls.is_empty() {
        return page.write_str("<p class=\"empty\">No calls.</p>");
    }
    page.write_str(
        "<table><tr><th>at</th><th>call</th><th>answer</th><th>effect</th><th>request id</th></tr>",
    )?;
    for call in calls.iter().rev().take(MOST_CALLS) {
        write!(
            page,
            "<tr><td>{}</td><td>{}</td><td>",
            call.at.strftime("%d %b %H:%M:%S"),
            call.operation
        )?;
        match call.status {
            Some(status) if status < 400 => write!(page, "{status}")?,
            Some(status) => write!(page, "<b class=\"bad\">{status}</b>")?,
            None => page.write_str("<b class=\"bad\">lost</b>")?,
        }
        if let Some(reason) = &call.reason_code {
            write!(page, " {}", Text(reason))?;
        }
        if call.replayed {
            page.write_str(" (replayed)")?;
        }
        if let Some(fault) = call.fault {
            write!(page, " (fault {})", fault.id)?;
        }
        let effect = call.effect.map(word).unwrap_or_default();
        write!(
            page,
            "</td><td>{}</td><td><code>{}</code></td></tr>",
            Text(&effect),
            Text(&call.request_id)
        )?;
    }
    page.write_str("</table>")?;
    if calls.len() > MOST_CALLS {
        write!(
            page,
            "<p class=\"empty\">and {} earlier ones</p>",
            calls.len() - MOST_CALLS
        )?;
    }
    Ok(())
}

fn notifications(page: &mut String, notifications: &[NotificationBook]) -> fmt::Result {
    if notifications.is_empty() {
        return Ok(());
    }
    write!(
        page,
        "<h2>Notifications <small>{}</small></h2>",
        notifications.len()
    )?;
    page.write_str(
        "<article><table><tr><th>at</th><th>object</th><th>kind</th><th>state</th><th>tries</th>\
         <th>last answer</th></tr>",
    )?;
    for notification in notifications.iter().rev().take(MOST_NOTIFICATIONS) {
        write!(
            page,
            "<tr><td>{}</td><td><code>{}</code></td><td>{} {}</td><td>",
            notification.at.strftime("%d %b %H:%M:%S"),
            Text(&notification.object_id),
            word(notification.object_type),
            word(notification.notification_type),
        )?;
        badge(
            page,
            &word(notification.state),
            notification.fault.map(word).as_deref(),
        )?;
        let status = notification.last_status.map(|status| status.to_string());
        write!(
            page,
            "</td><td>{}</td><td>{}</td></tr>",
            notification.tries,
            status.as_deref().unwrap_or("–")
        )?;
    }
    page.write_str("</table></article>")
}

/// A length of time as people say it.
struct Length(SignedDuration);

impl Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs().max(0);
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
        match (days, hours, minutes) {
            (0, 0, 0) => write!(f, "{seconds} s"),
            (0, 0, minutes) => write!(f, "{minutes} min"),
            (0, hours, minutes) => write!(f, "{hours} h {minutes} min"),
            (days, hours, _) => write!(f, "{days} d {hours} h"),
        }
    }
}
