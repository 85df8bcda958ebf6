//! Addresses at Amazon SNS, compared letter by letter instead of being understood: what only a forgiving
//! parser would take for SNS is refused.

use std::fmt;

const SCHEME: &str = "https://";
const LONGEST: usize = 2048;

/// The text is not an address at Amazon SNS that can be trusted. Does not repeat it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address of Amazon SNS: {rule}")]
pub struct NotAnSnsUrl {
    rule: &'static str,
}

impl NotAnSnsUrl {
    pub(super) const fn rule(self) -> &'static str {
        self.rule
    }
}

/// Where a certificate of Amazon SNS is: `https`, a host that is exactly `sns.<region>.amazonaws.com` or
/// `sns.<region>.amazonaws.com.cn`, no port but 443, and a plain path that ends in `.pem`.
///
/// A region is written like `eu-west-1`. Anything looser would let in `sns.s3.amazonaws.com`, which is the
/// storage bucket named `sns`, whosever it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CertificateUrl {
    url: String,
    region: String,
    suffix: &'static str,
}

impl CertificateUrl {
    /// Reads the address.
    ///
    /// # Errors
    /// [`NotAnSnsUrl`] with the rule that it breaks.
    pub fn parse(url: &str) -> Result<Self, NotAnSnsUrl> {
        let Place { region, suffix, path } = Place::of(url)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
        let climbs = path
            .split('/')
            .skip(1)
            .any(|part| part.is_empty() || part.starts_with('.'));
        if !path.bytes().all(plain) || climbs || !path.ends_with(".pem") {
            return Err(NotAnSnsUrl {
                rule: "its path has to be plain and end in .pem",
            });
        }
        Ok(Self {
            url: url.to_owned(),
            region: region.to_owned(),
            suffix,
        })
    }

    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// The AWS region, for example `eu-west-1`.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The names that SNS's certificate at this address may carry. Most regions sign with `sns.amazonaws.com`,
    /// younger ones with `sns-signing.<region>.…`, China with `sns-<region>.…`, as the official SDK for Java
    /// lists them; the regional host is the name that AWS's developer guide once told to expect.
    pub(super) fn certificate_names(&self) -> [String; 4] {
        let Self { region, suffix, .. } = self;
        [
            format!("sns.{suffix}"),
            format!("sns.{region}.{suffix}"),
            format!("sns-signing.{region}.{suffix}"),
            format!("sns-{region}.{suffix}"),
        ]
    }
}

impl fmt::Display for CertificateUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

/// Where a subscription is confirmed, by a GET, at the same hosts as a [`CertificateUrl`]. It holds the token,
/// so its `Debug` form shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct SubscribeUrl(String);

impl SubscribeUrl {
    pub(super) fn parse(url: &str) -> Result<Self, NotAnSnsUrl> {
        let Place { path, .. } = Place::of(url)?;
        if !path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#'))
        {
            return Err(NotAnSnsUrl {
                rule: "its path and query have to be plain ASCII",
            });
        }
        Ok(Self(url.to_owned()))
    }

    /// The whole address, token included.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SubscribeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubscribeUrl(..)")
    }
}

struct Place<'a> {
    region: &'a str,
    suffix: &'static str,
    /// From the first slash on.
    path: &'a str,
}

impl<'a> Place<'a> {
    fn of(url: &'a str) -> Result<Self, NotAnSnsUrl> {
        if url.len() > LONGEST {
            return Err(NotAnSnsUrl {
                rule: "it has to be of at most 2048 characters",
            });
        }
        let rest = url.strip_prefix(SCHEME).ok_or(NotAnSnsUrl {
            rule: "it has to begin with https://",
        })?;
        let not_the_host = NotAnSnsUrl {
            rule: "its host has to be sns.<region>.amazonaws.com or sns.<region>.amazonaws.com.cn",
        };
        let slash = rest.find('/').ok_or(not_the_host)?;
        let (authority, path) = rest.split_at(slash);
        let host = authority.strip_suffix(":443").unwrap_or(authority);
        let named = host.strip_prefix("sns.").ok_or(not_the_host)?;
        ["amazonaws.com", "amazonaws.com.cn"]
            .into_iter()
            .find_map(|suffix| {
                let region = named.strip_suffix(suffix)?.strip_suffix('.')?;
                is_region(region).then_some(Self { region, suffix, path })
            })
            .ok_or(not_the_host)
    }
}

/// Two letters, at least one word, a number: `eu-west-1`, `us-gov-east-1`.
pub(super) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [country, words @ .., number] = parts.as_slice() else {
        return false;
    };
    let word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase());
    country.len() == 2
        && word(country)
        && !words.is_empty()
        && words.iter().all(|text| word(text))
        && (1..=2).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
}
