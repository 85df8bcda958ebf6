//! What Amazon sends beyond what this crate knows.

use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// The fields of an object that this version does not know, by the name that Amazon gave them. Amazon adds
/// fields without a new version of its API, so there may always be some. Fields that are `null` are as good as
/// absent, and are not kept.
///
/// Never part of a request. The `Debug` form shows the names only: nobody knows what the values are.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Extra(Map<String, Value>);

impl Extra {
    /// The value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether everything that Amazon sent is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Extra {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(from)?;
        fields.retain(|_, value| !value.is_null());
        Ok(Self(fields))
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
