//! Reading a JSON object field by field, so that whatever is wrong is told by the field's name and never by
//! its content.

use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::model::Extra;

/// An envelope or a message that does not have the form it should. Names the field, never what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// More than [`MAX_ENVELOPE_BYTES`](super::MAX_ENVELOPE_BYTES).
    #[error("longer than 256 KiB")]
    TooLarge,
    /// Not JSON, not an object, or an object that names a field twice.
    #[error("not a JSON object with each field once (line {line}, column {column})")]
    NotAnObject {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// A field that has to be there is absent or null.
    #[error("`{field}` is missing")]
    Missing {
        /// As SNS or Amazon Pay writes it.
        field: &'static str,
    },
    /// A field is there and cannot be used.
    #[error("`{field}` is not as it should be: {rule}")]
    Invalid {
        /// As SNS or Amazon Pay writes it.
        field: &'static str,
        /// What it should be.
        rule: &'static str,
    },
}

/// The fields of a JSON object that nobody has asked for yet.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    pub(super) fn parse(json: &[u8]) -> Result<Self, Malformed> {
        // The message of serde_json is dropped: it can quote the text it stumbled over.
        serde_json::from_slice(json).map_err(|error| Malformed::NotAnObject {
            line: error.line(),
            column: error.column(),
        })
    }

    /// Any text, line breaks included. Null is absent.
    pub(super) fn text(&mut self, field: &'static str) -> Result<Option<String>, Malformed> {
        match self.0.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Malformed::Invalid {
                field,
                rule: "a text is needed",
            }),
        }
    }

    /// Text that fits on one line.
    pub(super) fn line(&mut self, field: &'static str) -> Result<Option<String>, Malformed> {
        let text = self.text(field)?;
        if text
            .as_deref()
            .is_some_and(|text| text.chars().any(char::is_control))
        {
            return Err(Malformed::Invalid {
                field,
                rule: "one line without control characters is needed",
            });
        }
        Ok(text)
    }

    /// One line that has to be there and has to say something.
    pub(super) fn required_line(&mut self, field: &'static str) -> Result<String, Malformed> {
        self.line(field)?
            .filter(|text| !text.is_empty())
            .ok_or(Malformed::Missing { field })
    }

    pub(super) fn rest(self) -> Extra {
        Extra::deserialize(Value::Object(self.0)).expect("an object is read from an object")
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Each)
    }
}

struct Each;

impl<'de> Visitor<'de> for Each {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Fields, A::Error> {
        let mut fields = Map::new();
        while let Some((name, value)) = from.next_entry::<String, Value>()? {
            // Whoever reads the first and whoever reads the last would see two different envelopes.
            if fields.insert(name, value).is_some() {
                return Err(A::Error::custom("a field is there twice"));
            }
        }
        Ok(Fields(fields))
    }
}
