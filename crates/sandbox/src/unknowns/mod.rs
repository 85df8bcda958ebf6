//! Switches for what Amazon does not document: a wrong guess must not get baked into a test.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

mod switches;

pub use switches::Unknowns;

/// One switch, as `GET /unknowns` documents it.
pub(crate) struct Switch {
    /// The field of [`Unknowns`], in Rust's spelling.
    field: &'static str,
    /// Lines of the field's own documentation.
    meaning: &'static [&'static str],
    allowed: &'static str,
    why: &'static str,
}

impl Switch {
    fn name(&self) -> String {
        let mut words = self.field.split('_');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |name, word| {
            let (initial, rest) = word.split_at(1);
            name + &initial.to_ascii_uppercase() + rest
        })
    }
}

/// Every switch by its name: where it stands, where it stands by default and why, and how else it may stand.
pub(crate) fn documented(unknowns: &Unknowns) -> Value {
    let (now, default) = (plain(unknowns), plain(&Unknowns::default()));
    let documented: Map<String, Value> = switches::ALL
        .iter()
        .map(|switch| {
            let name = switch.name();
            let described = json!({
                "value": now[&name],
                "default": default[&name],
                "allowed": switch.allowed,
                "meaning": switch.meaning.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" "),
                "why": switch.why,
            });
            (name, described)
        })
        .collect();
    Value::Object(documented)
}

/// The switches by their names, without a word about them.
pub(crate) fn plain(unknowns: &Unknowns) -> Value {
    serde_json::to_value(unknowns).expect("our own types have string keys and serialise without error")
}

/// How something is refused: an HTTP status and Amazon's code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mismatch {
    pub status: u16,
    pub reason_code: String,
}

impl Mismatch {
    pub(crate) fn new(status: u16, reason_code: &str) -> Self {
        Self {
            status,
            reason_code: reason_code.to_owned(),
        }
    }
}

/// The state that a session shows while its payment is pending; it carries both ids either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PendingState {
    Completed,
    /// Until the payment is decided: then Completed, or Canceled (Declined).
    Open,
}

/// When two addresses are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AddressComparison {
    /// Null and absent are the same; an empty text is not.
    Literal,
    /// Null, empty and absent are the same.
    Values,
    /// Letters and digits alone count, in any case.
    Loose,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_switch_is_documented_and_nothing_else_is() {
        let documented = documented(&Unknowns::default());
        let plain = plain(&Unknowns::default());
        let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&documented), names(&plain));
        for (name, switch) in documented.as_object().unwrap() {
            assert_eq!(switch["value"], switch["default"], "{name}");
            for field in ["allowed", "meaning", "why"] {
                assert!(
                    switch[field].as_str().is_some_and(|text| text.len() > 3),
                    "{name}: {field}"
                );
            }
        }
    }
}
