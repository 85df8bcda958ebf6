//! Identifiers that we put into a path or a header. Each is checked once, when it is made, so that nothing
//! has to be escaped afterwards.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::place::Environment;

/// The text cannot be used as the identifier it was meant to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a {what}: {rule}")]
pub struct InvalidId {
    what: &'static str,
    rule: &'static str,
}

fn check(
    text: &str,
    longest: usize,
    allowed: impl Fn(char) -> bool,
    what: &'static str,
    rule: &'static str,
) -> Result<String, InvalidId> {
    if text.is_empty() || text.len() > longest || !text.chars().all(allowed) {
        return Err(InvalidId { what, rule });
    }
    Ok(text.to_owned())
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $what:literal, $longest:literal, $extra:pat, $rule:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it stands.
            ///
            /// # Errors
            /// [`InvalidId`] where it breaks the rule above. The error does not repeat the text.
            pub fn parse(text: &str) -> Result<Self, InvalidId> {
                check(text, $longest, |c| c.is_ascii_alphanumeric() || matches!(c, $extra), $what, $rule).map(Self)
            }

            /// The identifier as Amazon writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(from)?).map_err(D::Error::custom)
            }
        }
    };
}

identifier!(
    /// A checkout session: 1 to 64 of `A-Za-z0-9-` (in practice a lower-case UUID).
    CheckoutSessionId, "checkout session id", 64, '-', "1 to 64 of A-Za-z0-9-"
);
identifier!(
    /// A charge, such as `S01-1234567-1234567-C123456`: 1 to 128 of `A-Za-z0-9-`. Opaque; do not read meaning
    /// into its parts.
    ChargeId, "charge id", 128, '-', "1 to 128 of A-Za-z0-9-"
);
identifier!(
    /// A charge permission, such as `S01-1234567-1234567`: 1 to 128 of `A-Za-z0-9-`. Opaque; its first letter
    /// does not reliably tell the environment.
    ChargePermissionId, "charge permission id", 128, '-', "1 to 128 of A-Za-z0-9-"
);
identifier!(
    /// A refund, such as `S01-1234567-1234567-R123456`: 1 to 128 of `A-Za-z0-9-`. Opaque.
    RefundId, "refund id", 128, '-', "1 to 128 of A-Za-z0-9-"
);
identifier!(
    /// The key under which Amazon recognises a repeated POST: 1 to 32 of `A-Za-z0-9-_`.
    ///
    /// The first answer to a key is kept for ever, per merchant account. The same request under the same key
    /// gets that answer again; another request under it is refused with
    /// [`DuplicateIdempotencyKey`](crate::ReasonCode::DuplicateIdempotencyKey). So a key belongs to one
    /// intent, and is stored before the request leaves. A UUID fits without its dashes:
    ///
    /// ```
    /// use amazon_pay::IdempotencyKey;
    ///
    /// // Of the crate `uuid`: `Uuid::new_v4().simple().to_string()`.
    /// let uuid = "5f0b6e8c-1d6a-4f0c-9d5a-7e3b2c1d0e9f";
    /// let key = IdempotencyKey::parse(&uuid.replace('-', ""))?;
    /// # Ok::<(), amazon_pay::InvalidId>(())
    /// ```
    IdempotencyKey, "usable idempotency key", 32, '-' | '_', "1 to 32 of A-Za-z0-9-_"
);
identifier!(
    /// The name of a key pair in Seller Central: 1 to 128 of `A-Za-z0-9-_`. Not a secret.
    PublicKeyId, "public key id", 128, '-' | '_', "1 to 128 of A-Za-z0-9-_"
);

/// What a buyer brings back from signing in, for Get Buyer: 1 to 2048 visible ASCII characters. Whoever has it
/// can read the buyer's details, so the `Debug` form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct BuyerToken(String);

impl BuyerToken {
    /// Takes the text as it stands; what a path cannot have is encoded when it becomes part of one.
    ///
    /// # Errors
    /// [`InvalidId`] where it breaks the rule above, or consists of dots only. The error does not repeat the
    /// text.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let (what, rule) = ("buyer token", "1 to 2048 visible ASCII characters, not only dots");
        // A URL library takes `.` and `..` for directions, also when they are encoded.
        if text.bytes().all(|byte| byte == b'.') {
            return Err(InvalidId { what, rule });
        }
        check(text, 2048, |c| c.is_ascii_graphic(), what, rule).map(Self)
    }

    /// The token as Amazon gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BuyerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BuyerToken(..)")
    }
}

impl FromStr for BuyerToken {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::parse(text)
    }
}

impl PublicKeyId {
    /// The environment that the prefix names, `LIVE` or `SANDBOX` in any case. Older keys have no prefix and
    /// serve both.
    #[must_use]
    pub fn environment(&self) -> Option<Environment> {
        let starts_with = |prefix: &str| {
            self.0
                .get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        if starts_with("LIVE") {
            Some(Environment::Live)
        } else if starts_with("SANDBOX") {
            Some(Environment::Sandbox)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BuyerToken, ChargeId, CheckoutSessionId, IdempotencyKey, PublicKeyId};
    use crate::place::Environment;

    #[test]
    fn what_could_change_a_path_is_not_an_id() {
        assert!(CheckoutSessionId::parse("7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11").is_ok());
        assert!(ChargeId::parse("S01-4419027-6630185-C083512").is_ok());
        for bad in [
            "",
            "a/b",
            "..",
            "a?b",
            "a#b",
            "a b",
            "a%2Fb",
            "ä",
            "a\n",
            &"a".repeat(65),
        ] {
            assert!(CheckoutSessionId::parse(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "a/complete", "a.b", &"a".repeat(129)] {
            assert!(ChargeId::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_buyer_token_is_visible_ascii_and_never_shown() {
        let token = BuyerToken::parse("Atza|IwEB+/=~").unwrap();
        assert_eq!(format!("{token:?}"), "BuyerToken(..)");
        for bad in ["", ".", "..", "a b", "a\n", "\u{fc}", &"a".repeat(2049)] {
            assert!(BuyerToken::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_idempotency_key_has_at_most_32_characters() {
        assert!(IdempotencyKey::parse(&"k".repeat(32)).is_ok());
        assert!(IdempotencyKey::parse("a_B-9").is_ok());
        assert!(IdempotencyKey::parse(&"k".repeat(33)).is_err());
        assert!(IdempotencyKey::parse("a,b").is_err());
    }

    #[test]
    fn the_prefix_of_a_public_key_id_decides_the_environment_in_any_case() {
        for (text, environment) in [
            ("LIVE-ABC", Some(Environment::Live)),
            ("live-abc", Some(Environment::Live)),
            ("Sandbox-ABC", Some(Environment::Sandbox)),
            ("SANDBOXABC", Some(Environment::Sandbox)),
            ("ABCLIVE", None),
            ("A", None),
        ] {
            assert_eq!(
                PublicKeyId::parse(text).map(|id| id.environment()),
                Ok(environment),
                "{text}"
            );
        }
    }

    #[test]
    fn the_error_does_not_repeat_what_it_was_given() {
        let error = CheckoutSessionId::parse("robin@example.com").expect_err("an address is no id");
        assert_eq!(
            error.to_string(),
            "not a checkout session id: 1 to 64 of A-Za-z0-9-"
        );
        assert!(!format!("{error:?}").contains("robin"));
    }
}
