//! Checks request signatures as Amazon does: the canonical request is built anew from what arrived.
//!
//! The caller says in `SignedHeaders` what it signed, so SDKs that sign different sets all pass.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Public};
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Verifier};

use crate::api::refusal::Refusal;

/// The two names that a signature may go by; they differ in the salt alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    V1,
    V2,
}

impl Algorithm {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "AMZN-PAY-RSASSA-PSS" => Some(Self::V1),
            "AMZN-PAY-RSASSA-PSS-V2" => Some(Self::V2),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::V1 => "AMZN-PAY-RSASSA-PSS",
            Self::V2 => "AMZN-PAY-RSASSA-PSS-V2",
        }
    }

    /// Bytes of PSS salt: exactly that many, or the signature is another algorithm's.
    fn salt(self) -> i32 {
        match self {
            Self::V1 => 20,
            Self::V2 => 32,
        }
    }
}

/// The `authorization` header, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authorization<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) public_key_id: &'a str,
    /// As sent: the list itself is part of what is signed.
    pub(crate) signed_headers: &'a str,
    pub(crate) signature: &'a str,
}

impl<'a> Authorization<'a> {
    pub(crate) fn from_headers(headers: &'a HeaderMap) -> Result<Self, Refusal> {
        let header = headers
            .get("authorization")
            .ok_or_else(|| Refusal::new(400, "MissingHeader", "authorization is required"))?;
        header.to_str().ok().and_then(Self::parse).ok_or_else(|| {
            Refusal::new(
                400,
                "InvalidHeaderValue",
                "authorization does not name an algorithm, PublicKeyId, SignedHeaders and Signature",
            )
        })
    }

    fn parse(header: &'a str) -> Option<Self> {
        let (algorithm, rest) = header.trim().split_once(' ')?;
        let (mut key, mut signed, mut signature) = (None, None, None);
        for part in rest.split(',') {
            // The base64 padding holds `=` too: only the first one parts name and value.
            let (name, value) = part.trim().split_once('=')?;
            match name {
                "PublicKeyId" => key = Some(value),
                "SignedHeaders" => signed = Some(value),
                "Signature" => signature = Some(value),
                _ => return None,
            }
        }
        Some(Self {
            algorithm: Algorithm::parse(algorithm)?,
            public_key_id: key?,
            signed_headers: signed?,
            signature: signature?,
        })
    }
}

/// What of a request is signed.
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a str,
    /// As sent, without the query.
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    /// Lower-case hex.
    pub(crate) body_sha256: &'a str,
}

/// A replay of another moment's or another host's request must not pass, so these are to be signed.
const MUST_BE_SIGNED: [&str; 3] = ["x-amz-pay-date", "x-amz-pay-host", "x-amz-pay-region"];

/// Refuses whatever `key` did not sign, quoting the string that we would have signed.
pub(crate) fn check(
    authorization: &Authorization<'_>,
    signed: &Signed<'_>,
    key: &PKey<Public>,
) -> Result<(), Refusal> {
    let listed = |name: &&str| {
        authorization
            .signed_headers
            .split(';')
            .any(|n| n.eq_ignore_ascii_case(name))
    };
    if let Some(unsigned) = MUST_BE_SIGNED.iter().find(|name| !listed(name)) {
        return Err(Refusal::new(
            403,
            "InvalidRequestSignature",
            format!("{unsigned} is not signed"),
        ));
    }
    let ours = string_to_sign(authorization, signed, Spaces::AsSent);
    let signature = STANDARD.decode(authorization.signature).unwrap_or_default();
    let verifies = |text: &str| verifies(authorization.algorithm, key, text, &signature);
    // Some SDKs sign header values with runs of white space collapsed.
    if verifies(&ours) || verifies(&string_to_sign(authorization, signed, Spaces::Collapsed)) {
        return Ok(());
    }
    Err(Refusal::new(
        403,
        "InvalidRequestSignature",
        format!(
            "the signature received, {}, does not verify for the string to sign: {ours}",
            authorization.signature
        ),
    ))
}

#[derive(Clone, Copy, PartialEq)]
enum Spaces {
    AsSent,
    Collapsed,
}

fn string_to_sign(authorization: &Authorization<'_>, signed: &Signed<'_>, spaces: Spaces) -> String {
    let canonical = canonical_request(authorization.signed_headers, signed, spaces);
    format!(
        "{}\n{}",
        authorization.algorithm.name(),
        hex_sha256(canonical.as_bytes())
    )
}

fn canonical_request(signed_headers: &str, signed: &Signed<'_>, spaces: Spaces) -> String {
    let path = if signed.path.is_empty() { "/" } else { signed.path };
    let mut text = format!("{}\n{path}\n{}\n", signed.method, canonical_query(signed.query));
    let lines: BTreeMap<String, String> = signed_headers
        .split(';')
        .map(|name| {
            (
                name.to_ascii_lowercase(),
                header_value(signed.headers, name, spaces),
            )
        })
        .collect();
    for (name, value) in lines {
        let _infallible = writeln!(text, "{name}:{value}");
    }
    let _infallible = write!(text, "\n{signed_headers}\n{}", signed.body_sha256);
    text
}

/// The values received under `name`; a header that is listed but was not sent counts as empty.
fn header_value(headers: &HeaderMap, name: &str, spaces: Spaces) -> String {
    let values: Vec<String> = headers
        .get_all(name)
        .iter()
        .map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes());
            match spaces {
                Spaces::AsSent => text.trim().to_owned(),
                Spaces::Collapsed => text.split_whitespace().collect::<Vec<_>>().join(" "),
            }
        })
        .collect();
    values.join(",")
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (encoded(&decoded(key)), encoded(&decoded(value)))
        })
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    pairs.join("&")
}

fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => hex_digit(*high).zip(hex_digit(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push(high * 16 + low);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    bytes
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

fn encoded(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            let _infallible = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// Lower-case hex, as everywhere in Amazon's signing.
pub(crate) fn hex_sha256(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in openssl::sha::sha256(bytes) {
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}

fn verifies(algorithm: Algorithm, key: &PKey<Public>, text: &str, signature: &[u8]) -> bool {
    let attempt = || {
        let mut verifier = Verifier::new(MessageDigest::sha256(), key)?;
        verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
        verifier.set_rsa_mgf1_md(MessageDigest::sha256())?;
        verifier.set_rsa_pss_saltlen(RsaPssSaltlen::custom(algorithm.salt()))?;
        verifier.verify_oneshot(signature, text.as_bytes())
    };
    // OpenSSL reports a signature of the wrong length as an error: it does not verify either.
    attempt().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(
                name.parse::<HeaderName>().unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        map
    }

    fn hash(method: &str, path: &str, query: &str, names: &str, headers: &HeaderMap, body: &[u8]) -> String {
        let signed = Signed {
            method,
            path,
            query,
            headers,
            body_sha256: &hex_sha256(body),
        };
        hex_sha256(canonical_request(names, &signed, Spaces::AsSent).as_bytes())
    }

    const NAMES: &str = "accept;content-type;x-amz-pay-date;x-amz-pay-host;x-amz-pay-region";

    #[test]
    fn the_worked_example_has_the_hash_that_the_reference_gives() {
        let body = br#"{"shippingAddress":{"name":"Robin Example","addressLine1":"12 Sample Street","city":"Springfield","stateOrRegion":"IL","postalCode":"62701","countryCode":"US","phoneNumber":"2175550100"},"chargeAmount":{"amount":"23.45","currencyCode":"USD"},"paymentIntent":"AuthorizeWithCapture"}"#;
        let common = [
            ("accept", "application/json"),
            ("content-type", "application/json"),
            ("X-Amz-Pay-Date", "20260105T101530Z"),
            ("x-amz-pay-host", "pay-api.amazon.com"),
            ("x-amz-pay-region", "na"),
        ];
        let get = headers(&common);
        let mut post = get.clone();
        post.append(
            "x-amz-pay-idempotency-key",
            HeaderValue::from_static("fin7c0a6d1e52f44b7b9b1c2f3d0e8a4"),
        );
        let session = "/v2/checkoutSessions/7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11";
        let finalize = format!("{session}/finalize");
        let with_key =
            "accept;content-type;x-amz-pay-date;x-amz-pay-host;x-amz-pay-idempotency-key;x-amz-pay-region";
        assert_eq!(
            hash("POST", &finalize, "", with_key, &post, body),
            "a717b12014c6333c2543a1ce68e6f25814399c67eecd26bcbc8fa60a37fca845"
        );
        assert_eq!(
            hash("GET", session, "", NAMES, &get, b""),
            "01d8021b2cb039a61f0d127a0246a87873b2ee805e56af996eb87f306f1d7269"
        );
        assert_eq!(
            hash("GET", &format!("/sandbox{session}"), "", NAMES, &get, b""),
            "50f6ba44099861abd36995230dbe06656af0f43ec41ecad931d454ae68f04125"
        );
    }

    #[test]
    fn the_vectors_of_an_sdk_have_the_hashes_that_it_expects() {
        let headers = headers(&[
            ("accept", "application/json"),
            ("content-type", "application/json"),
            ("x-amz-pay-date", "20180524T223710Z"),
            ("x-amz-pay-host", "pay-api.amazon.eu"),
            ("x-amz-pay-region", "EU"),
        ]);
        for (method, query, expected) in [
            (
                "GET",
                "",
                "bb49552975c396f1e49d5510e1555b8b0627dc491bc61aaefdb561f202ad8020",
            ),
            (
                "POST",
                "",
                "54156f5badd6da7fa630b2c334c808ad376530001d334ae9960457215aa626d3",
            ),
            (
                "POST",
                "foo=bar",
                "cc82525870b2d03666c287fd8b2c0d2fc6fa1693d9f357d27f7cac8cbcc12832",
            ),
        ] {
            assert_eq!(
                hash(method, "/", query, NAMES, &headers, b""),
                expected,
                "{method} {query}"
            );
        }
    }

    #[test]
    fn a_query_is_encoded_and_sorted_by_key_then_value() {
        assert_eq!(
            canonical_query("b=2&a=z%20y&a=%C3%A4&c"),
            "a=%C3%A4&a=z%20y&b=2&c="
        );
    }

    #[test]
    fn an_authorization_header_without_one_of_its_parts_is_none() {
        let whole = "AMZN-PAY-RSASSA-PSS-V2 PublicKeyId=SANDBOX-A, SignedHeaders=accept;x, Signature=QUJD==";
        let parsed = Authorization::parse(whole).unwrap();
        assert_eq!(
            (parsed.public_key_id, parsed.signed_headers, parsed.signature),
            ("SANDBOX-A", "accept;x", "QUJD==")
        );
        for wrong in [
            "",
            "Basic abc",
            "AMZN-PAY-RSASSA-PSS-V3 PublicKeyId=A, SignedHeaders=a, Signature=b",
            "AMZN-PAY-RSASSA-PSS PublicKeyId=A, Signature=b",
        ] {
            assert_eq!(Authorization::parse(wrong), None, "{wrong}");
        }
    }
}
