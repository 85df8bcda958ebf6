//! Colours, for terminals: `anstream` takes them away where there is none, and where `NO_COLOR` is set. Colour is never all
//! that says something.

use anstyle::{AnsiColor, Style};
use checkout::StateName;

/// As it is.
pub(crate) const PLAIN: Style = Style::new();
/// What stands above or before something.
pub(crate) const HEADING: Style = Style::new().bold();
/// As it should be.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// May be right, and may be not.
pub(crate) const UNEASY: Style = AnsiColor::Yellow.on_default();
/// Wants a person.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

/// The text in a style, and whatever comes after it without.
pub(crate) fn painted(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// A session's state, or an account's condition.
pub(crate) fn mood(name: &str) -> Style {
    use StateName::{
        Cancelled, Confirmed, Declined, Expired, Forsworn, InDoubt, NeedsRepair, PaymentPending, Ready,
        Unresolved, Waiting,
    };
    match StateName::parse(name) {
        Some(Confirmed) => GOOD,
        Some(InDoubt | NeedsRepair | Unresolved) => BAD,
        Some(Waiting | Forsworn | PaymentPending | Declined | Cancelled | Expired) => UNEASY,
        Some(Ready) => PLAIN,
        None => match name {
            "running" => GOOD,
            "stopped" => BAD,
            "paused" | "slowed" => UNEASY,
            _ => PLAIN,
        },
    }
}

#[cfg(test)]
mod tests {
    use reconciler::Condition;

    use super::{BAD, GOOD, PLAIN, UNEASY, mood, painted};

    #[test]
    fn what_wants_a_person_is_red_what_waits_yellow_and_what_is_done_green() {
        for (name, style) in [
            ("ready", PLAIN),
            ("waiting", UNEASY),
            ("needs-repair", BAD),
            ("in-doubt", BAD),
            ("confirmed", GOOD),
            (Condition::Running.name(), GOOD),
            (Condition::Paused.name(), UNEASY),
            (Condition::Stopped.name(), BAD),
            ("slowed", UNEASY),
        ] {
            assert_eq!(mood(name), style, "{name}");
        }
    }

    #[test]
    fn a_colour_ends_with_its_text() {
        assert_eq!(painted(GOOD, "ok"), "\u{1b}[32mok\u{1b}[0m");
        assert_eq!(painted(PLAIN, "ready"), "ready");
    }
}
