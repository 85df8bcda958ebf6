//! Headers beyond those that every request has.

use std::fmt;

use reqwest::header::{HeaderName, HeaderValue};

/// What the client writes itself, or HTTP does.
const RESERVED: [&str; 14] = [
    "accept",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amz-pay-date",
    "x-amz-pay-host",
    "x-amz-pay-region",
];
const LONGEST_VALUE: usize = 8 * 1024;

/// A header to add to a request ([`Request::with_header`](crate::Request::with_header)) or to all of them
/// ([`ClientConfig::headers`](crate::ClientConfig::headers)), covered by the signature or not.
///
/// The `Debug` form shows the name and not the value, which may be a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    pub(crate) name: HeaderName,
    pub(crate) value: HeaderValue,
    pub(crate) signed: bool,
}

/// Why a header cannot be sent. Does not repeat its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHeader {
    /// The name.
    #[error("a header name has 1 to 128 of A-Za-z0-9-_")]
    Name,
    /// The client sets this one, from what it knows.
    #[error("the client itself sets this header")]
    Reserved,
    /// The value.
    #[error("a header value has 1 to 8192 visible ASCII characters, with single spaces between words")]
    Value,
}

impl Header {
    /// A header that the signature covers.
    ///
    /// # Errors
    /// [`InvalidHeader`].
    pub fn signed(name: &str, value: &str) -> Result<Self, InvalidHeader> {
        Self::new(name, value, true)
    }

    /// A header that the signature does not cover.
    ///
    /// # Errors
    /// [`InvalidHeader`].
    pub fn unsigned(name: &str, value: &str) -> Result<Self, InvalidHeader> {
        Self::new(name, value, false)
    }

    /// `x-amz-pay-simulation-code`: makes the sandbox act out a case, such as `SoftDeclined`. Unsigned, as
    /// Amazon's guidance has it. A combination that makes no sense is refused with
    /// [`InvalidSandboxSimulationSpecified`](crate::ReasonCode::InvalidSandboxSimulationSpecified).
    ///
    /// # Errors
    /// [`InvalidHeader::Value`].
    pub fn simulation_code(code: &str) -> Result<Self, InvalidHeader> {
        Self::unsigned("x-amz-pay-simulation-code", code)
    }

    /// `x-amz-pay-authtoken`: the token with which a solution provider acts for a merchant. A secret. Signed.
    ///
    /// # Errors
    /// [`InvalidHeader::Value`].
    pub fn auth_token(token: &str) -> Result<Self, InvalidHeader> {
        Self::signed("x-amz-pay-authtoken", token)
    }

    /// `x-amz-pay-integrator-id`: who built the integration, as agreed with Amazon. Signed.
    ///
    /// # Errors
    /// [`InvalidHeader::Value`].
    pub fn integrator_id(id: &str) -> Result<Self, InvalidHeader> {
        Self::signed("x-amz-pay-integrator-id", id)
    }

    /// `x-amz-pay-integrator-version`: the integration's version. Signed.
    ///
    /// # Errors
    /// [`InvalidHeader::Value`].
    pub fn integrator_version(version: &str) -> Result<Self, InvalidHeader> {
        Self::signed("x-amz-pay-integrator-version", version)
    }

    /// `x-amz-pay-platform-version`: the version of the shop system beneath. Signed.
    ///
    /// # Errors
    /// [`InvalidHeader::Value`].
    pub fn platform_version(version: &str) -> Result<Self, InvalidHeader> {
        Self::signed("x-amz-pay-platform-version", version)
    }

    fn new(name: &str, value: &str, signed: bool) -> Result<Self, InvalidHeader> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !(1..=128).contains(&name.len()) || !name.bytes().all(is_word) {
            return Err(InvalidHeader::Name);
        }
        let name = name.to_ascii_lowercase();
        if RESERVED.contains(&name.as_str()) || name == "x-amz-pay-idempotency-key" {
            return Err(InvalidHeader::Reserved);
        }
        // Others collapse white space before they sign or verify, so there must be nothing to collapse.
        let is_text = value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        let is_trimmed = value.split(' ').all(|word| !word.is_empty());
        if value.len() > LONGEST_VALUE || !is_text || !is_trimmed {
            return Err(InvalidHeader::Value);
        }
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| InvalidHeader::Name)?;
        let mut value = HeaderValue::from_str(value).map_err(|_| InvalidHeader::Value)?;
        value.set_sensitive(true);
        Ok(Self { name, value, signed })
    }

    pub(crate) fn text(&self) -> &str {
        self.value.to_str().expect("visible ASCII is text")
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("name", &self.name.as_str())
            .field("signed", &self.signed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Header, InvalidHeader};

    #[test]
    fn what_cannot_be_a_header_is_refused() {
        for (name, value, why) in [
            ("", "a", InvalidHeader::Name),
            ("a b", "a", InvalidHeader::Name),
            ("a:b", "a", InvalidHeader::Name),
            ("ä", "a", InvalidHeader::Name),
            (&"a".repeat(129), "a", InvalidHeader::Name),
            ("Authorization", "a", InvalidHeader::Reserved),
            ("X-Amz-Pay-Date", "a", InvalidHeader::Reserved),
            ("x-amz-pay-idempotency-key", "a", InvalidHeader::Reserved),
            ("x-shop", "", InvalidHeader::Value),
            ("x-shop", " a", InvalidHeader::Value),
            ("x-shop", "a  b", InvalidHeader::Value),
            ("x-shop", "a\nb", InvalidHeader::Value),
            ("x-shop", "a\tb", InvalidHeader::Value),
            ("x-shop", "ü", InvalidHeader::Value),
            ("x-shop", &"a".repeat(8193), InvalidHeader::Value),
        ] {
            assert_eq!(Header::signed(name, value), Err(why), "{name:?} {value:?}");
        }
        assert!(Header::unsigned("X-Shop", "a b").is_ok());
    }

    #[test]
    fn the_debug_form_of_a_header_hides_its_value() {
        let header = Header::auth_token("AMZN1.SECRET").unwrap();
        assert_eq!(
            format!("{header:?}"),
            r#"Header { name: "x-amz-pay-authtoken", signed: true, .. }"#
        );
    }
}
