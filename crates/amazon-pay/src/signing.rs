//! How Amazon Pay wants a request signed. Pure functions of what is sent: no clock, no key, no I/O.
//!
//! ```text
//!   method, path, query, headers, body ─► canonical request ─► string to sign ─► (key) ─► `authorization`
//! ```
//!
//! [`Client::sign`](crate::Client::sign) does all of it. This module is for those who verify signatures, or who
//! look for the reason of a 403 `InvalidRequestSignature`, whose message quotes the string to sign that Amazon
//! computed.

use std::fmt::{self, Write};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;

/// How the string to sign is signed: RSASSA-PSS, with SHA-256 for the digest and the mask. The two differ in
/// the salt alone, and Amazon takes both; it recommends the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// `AMZN-PAY-RSASSA-PSS`, with a salt of 20 bytes.
    V1,
    /// `AMZN-PAY-RSASSA-PSS-V2`, with a salt of 32 bytes.
    V2,
}

impl Algorithm {
    /// Its name in the `authorization` header, in the string to sign and in a button.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V1 => "AMZN-PAY-RSASSA-PSS",
            Self::V2 => "AMZN-PAY-RSASSA-PSS-V2",
        }
    }

    /// The length of the salt, in bytes. A signature with another one does not verify.
    #[must_use]
    pub fn salt_length(self) -> usize {
        match self {
            Self::V1 => 20,
            Self::V2 => 32,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What of a request is covered by its signature.
#[derive(Debug, Clone, Copy)]
pub struct Canonical<'a> {
    /// Upper case.
    pub method: &'a str,
    /// Exactly as sent, starting with `/`. Empty stands for `/`.
    pub path: &'a str,
    /// Decoded names and values.
    pub query: &'a [(&'a str, &'a str)],
    /// The headers to sign, in any order. A name may be in any case; a value loses its outer white space.
    pub headers: &'a [(&'a str, &'a str)],
    /// Empty where there is none.
    pub body: &'a [u8],
}

impl Canonical<'_> {
    /// The canonical request: what Amazon rebuilds from what it received.
    #[must_use]
    pub fn request(&self) -> String {
        let mut headers: Vec<(String, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
            .collect();
        headers.sort();

        let mut text = String::new();
        text.push_str(self.method);
        text.push('\n');
        text.push_str(if self.path.is_empty() { "/" } else { self.path });
        text.push('\n');
        text.push_str(&canonical_query(self.query));
        text.push('\n');
        for (name, value) in &headers {
            text.push_str(name);
            text.push(':');
            text.push_str(value);
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.signed_headers());
        text.push('\n');
        text.push_str(&hex_sha256(self.body));
        text
    }

    /// The names of the signed headers, sorted, as `SignedHeaders` lists them.
    #[must_use]
    pub fn signed_headers(&self) -> String {
        let mut names: Vec<String> = self
            .headers
            .iter()
            .map(|(name, _)| name.to_ascii_lowercase())
            .collect();
        names.sort();
        names.join(";")
    }

    /// What the key signs: the algorithm and the digest of the canonical request. Unlike in AWS's own scheme,
    /// no date and no scope.
    #[must_use]
    pub fn string_to_sign(&self, algorithm: Algorithm) -> String {
        payload_string_to_sign(algorithm, self.request().as_bytes())
    }
}

/// What the key signs for a button: the algorithm and the digest of its payload, without headers or date.
#[must_use]
pub fn payload_string_to_sign(algorithm: Algorithm, payload: &[u8]) -> String {
    format!("{algorithm}\n{}", hex_sha256(payload))
}

/// The time as `x-amz-pay-date` wants it: UTC in basic form, `YYYYMMDDTHHMMSSZ`; parts of a second are
/// dropped.
#[must_use]
pub fn basic_timestamp(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn canonical_query(query: &[(&str, &str)]) -> String {
    let mut pairs: Vec<(String, String)> = query
        .iter()
        .map(|(name, value)| (percent_encoded(name), percent_encoded(value)))
        .collect();
    pairs.sort();
    pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&")
}

/// RFC 3986: everything but the unreserved characters.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
    encoded
}

fn hex_sha256(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in digest(&SHA256, bytes).as_ref() {
        write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
    }
    hex
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::{btree_map, vec};
    use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

    use super::{Algorithm, Canonical, basic_timestamp, hex_sha256};

    const BODY: &str = concat!(
        r#"{"shippingAddress":{"name":"Robin Example","addressLine1":"12 Sample Street","city":"Springfield","#,
        r#""stateOrRegion":"IL","postalCode":"62701","countryCode":"US","phoneNumber":"2175550100"},"#,
        r#""chargeAmount":{"amount":"23.45","currencyCode":"USD"},"paymentIntent":"AuthorizeWithCapture"}"#,
    );

    /// The digest that is signed. The algorithms differ in the line above it alone.
    fn hash_of(request: &Canonical<'_>) -> String {
        let after = |algorithm: Algorithm, name: &str| {
            let text = request.string_to_sign(algorithm);
            text.strip_prefix(name).unwrap().to_owned()
        };
        let hash = after(Algorithm::V2, "AMZN-PAY-RSASSA-PSS-V2\n");
        assert_eq!(after(Algorithm::V1, "AMZN-PAY-RSASSA-PSS\n"), hash);
        hash
    }

    #[test]
    fn the_worked_example_of_a_finalize_comes_out() {
        assert_eq!(BODY.len(), 281);
        let request = Canonical {
            method: "POST",
            path: "/v2/checkoutSessions/7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11/finalize",
            query: &[],
            headers: &[
                ("x-amz-pay-region", "na"),
                ("accept", "application/json"),
                ("Content-Type", "application/json"),
                ("x-amz-pay-Idempotency-Key", "fin7c0a6d1e52f44b7b9b1c2f3d0e8a4"),
                ("x-amz-pay-host", " pay-api.amazon.com "),
                ("x-amz-pay-date", "20260105T101530Z"),
            ],
            body: BODY.as_bytes(),
        };
        let expected = "\
POST
/v2/checkoutSessions/7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11/finalize

accept:application/json
content-type:application/json
x-amz-pay-date:20260105T101530Z
x-amz-pay-host:pay-api.amazon.com
x-amz-pay-idempotency-key:fin7c0a6d1e52f44b7b9b1c2f3d0e8a4
x-amz-pay-region:na

accept;content-type;x-amz-pay-date;x-amz-pay-host;x-amz-pay-idempotency-key;x-amz-pay-region
526426b12781c1419cdda0ad75b8b335a120e0cecc205b2fcab2b58fdd278248";
        assert_eq!(request.request(), expected);
        assert_eq!(
            request.string_to_sign(Algorithm::V2),
            "AMZN-PAY-RSASSA-PSS-V2\na717b12014c6333c2543a1ce68e6f25814399c67eecd26bcbc8fa60a37fca845"
        );
    }

    #[test]
    fn a_get_is_signed_with_and_without_the_environment_in_its_path() {
        for (path, hash) in [
            (
                "/v2/checkoutSessions/7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11",
                "01d8021b2cb039a61f0d127a0246a87873b2ee805e56af996eb87f306f1d7269",
            ),
            (
                "/sandbox/v2/checkoutSessions/7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11",
                "50f6ba44099861abd36995230dbe06656af0f43ec41ecad931d454ae68f04125",
            ),
        ] {
            let request = Canonical {
                method: "GET",
                path,
                query: &[],
                headers: &[
                    ("accept", "application/json"),
                    ("content-type", "application/json"),
                    ("x-amz-pay-date", "20260105T101530Z"),
                    ("x-amz-pay-host", "pay-api.amazon.com"),
                    ("x-amz-pay-region", "na"),
                ],
                body: b"",
            };
            assert_eq!(hash_of(&request), hash, "{path}");
        }
    }

    #[test]
    fn the_vectors_of_the_official_sdk_come_out() {
        for (method, path, query, hash) in [
            (
                "GET",
                "/",
                &[][..],
                "bb49552975c396f1e49d5510e1555b8b0627dc491bc61aaefdb561f202ad8020",
            ),
            (
                "GET",
                "",
                &[][..],
                "bb49552975c396f1e49d5510e1555b8b0627dc491bc61aaefdb561f202ad8020",
            ),
            (
                "POST",
                "/",
                &[][..],
                "54156f5badd6da7fa630b2c334c808ad376530001d334ae9960457215aa626d3",
            ),
            (
                "POST",
                "/",
                &[("foo", "bar")][..],
                "cc82525870b2d03666c287fd8b2c0d2fc6fa1693d9f357d27f7cac8cbcc12832",
            ),
        ] {
            let request = Canonical {
                method,
                path,
                query,
                headers: &[
                    ("accept", "application/json"),
                    ("content-type", "application/json"),
                    ("x-amz-pay-date", "20180524T223710Z"),
                    ("x-amz-pay-host", "pay-api.amazon.eu"),
                    ("x-amz-pay-region", "EU"),
                ],
                body: b"",
            };
            assert_eq!(hash_of(&request), hash, "{method} {path} {query:?}");
        }
    }

    #[test]
    fn a_query_is_encoded_and_then_sorted() {
        let query = [("b", "2"), ("a b", "ü~"), ("a", "z"), ("a", "+")];
        assert_eq!(super::canonical_query(&query), "a=%2B&a=z&a%20b=%C3%BC~&b=2");
    }

    #[test]
    fn no_body_has_the_digest_of_the_empty_string() {
        assert_eq!(
            hex_sha256(b""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn the_time_is_written_in_basic_form() {
        assert_eq!(
            basic_timestamp("2026-01-05T10:15:30.999Z".parse().unwrap()),
            "20260105T101530Z"
        );
    }

    fn decoded(text: &str) -> String {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Takes the canonical form apart again with nothing but what the reference says of its lines.
        #[test]
        fn the_canonical_form_says_all_that_was_given(
            method in "(GET|POST|PATCH|DELETE)",
            path in "(/[A-Za-z0-9._~-]{1,8}){1,4}/?",
            query in vec((".{0,6}", ".{0,6}"), 0..4),
            headers in btree_map("[a-z]([a-z-]{0,8}[a-z])?", "[!-~]{1,8}( [!-~]{1,8})?", 1..6),
            body in vec(any::<u8>(), 0..64),
        ) {
            let shouted: Vec<(String, String)> = headers
                .iter()
                .map(|(name, value)| (name.to_uppercase(), format!(" {value} ")))
                .collect();
            let given: Vec<(&str, &str)> = shouted.iter().map(|(n, v)| (n.as_str(), v.as_str())).rev().collect();
            let pairs: Vec<(&str, &str)> = query.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let canonical = Canonical { method: &method, path: &path, query: &pairs, headers: &given, body: &body };
            let text = canonical.request();

            let lines: Vec<&str> = text.split('\n').collect();
            prop_assert_eq!(lines.len(), 6 + headers.len());
            prop_assert_eq!((lines[0], lines[1]), (method.as_str(), path.as_str()));
            let mut read: Vec<(String, String)> = lines[2]
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| pair.split_once('=').unwrap())
                .map(|(name, value)| (decoded(name), decoded(value)))
                .collect();
            let mut asked = query.clone();
            read.sort();
            asked.sort();
            prop_assert_eq!(read, asked);
            let encoded: Vec<&str> = lines[2].split('&').collect();
            prop_assert!(encoded.iter().all(|pair| pair.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%=".contains(&b))));

            let (signed, end) = lines[3..].split_at(headers.len());
            let read: BTreeMap<String, String> = signed
                .iter()
                .map(|line| line.split_once(':').unwrap())
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            prop_assert_eq!(&read, &headers);
            prop_assert!(signed.is_sorted_by_key(|line| line.split(':').next()));
            let names: Vec<&str> = headers.keys().map(String::as_str).collect();
            prop_assert_eq!(end[0], "");
            prop_assert_eq!(end[1], names.join(";"));
            prop_assert_eq!(end[1], canonical.signed_headers());
            prop_assert_eq!(end[2], hex_sha256(&body));
        }

        #[test]
        fn the_order_of_the_headers_does_not_matter(swap in any::<bool>(), a in "[a-z]{1,8}", b in "[a-z]{1,8}") {
            let (first, second) = ((a.as_str(), "1"), (b.as_str(), "2"));
            let given = if swap { [second, first] } else { [first, second] };
            let of = |headers| Canonical { method: "GET", path: "/", query: &[], headers, body: b"" }.request();
            prop_assert_eq!(of(&given), of(&[first, second]));
        }
    }
}
