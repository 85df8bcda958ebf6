//! Sentences for people.

use crate::{Answer, Flaw};

pub(super) fn repair_summary(flaw: &Flaw) -> String {
    format!(
        "It cannot be confirmed as it stands: `{}`: {}.",
        flaw.field,
        flaw.problem.trim_end_matches('.')
    )
}

/// An answer in one line for people.
pub(super) fn answer_text(answer: &Answer) -> String {
    let mut parts = Vec::new();
    parts.extend(answer.status.map(|status| status.to_string()));
    parts.extend(answer.reason_code.clone());
    parts.extend(answer.message.clone());
    if parts.is_empty() {
        "no answer".to_owned()
    } else {
        parts.join(" ")
    }
}

pub(super) fn hours_and_minutes(duration: std::time::Duration) -> String {
    match (duration.as_secs() / 3600, duration.as_secs() / 60 % 60) {
        (0, minutes) => format!("{minutes} minutes"),
        (hours, 0) => format!("{hours} hours"),
        (hours, minutes) => format!("{hours} hours {minutes} minutes"),
    }
}
