//! Sentences for people.

use crate::{Flaw, Statement};

/// What is wrong, and what helps first; the alert's command is told beside it.
pub(super) fn repair_summary(flaw: &Flaw, statement: &Statement) -> String {
    let help = if statement.order.is_none() || statement.account.is_none() {
        "Publish a corrected event."
    } else if flaw.is_of_account() {
        "Configure the account and restart confirmd, or publish a corrected event."
    } else {
        "Publish a corrected event, or release it once it is repaired elsewhere."
    };
    format!(
        "It cannot be confirmed as it stands: `{}`: {}. {help}",
        flaw.field,
        flaw.problem.trim_end_matches('.')
    )
}

/// The same of a session that Amazon has confirmed: only its account can be wrong now.
pub(super) fn pending_repair_summary(flaw: &Flaw) -> String {
    format!(
        "Its charge cannot be asked about: {}. Configure the account and restart confirmd.",
        flaw.problem
    )
}

pub(super) fn hours_and_minutes(duration: std::time::Duration) -> String {
    match (duration.as_secs() / 3600, duration.as_secs() / 60 % 60) {
        (0, minutes) => format!("{minutes} minutes"),
        (hours, 0) => format!("{hours} hours"),
        (hours, minutes) => format!("{hours} hours {minutes} minutes"),
    }
}
