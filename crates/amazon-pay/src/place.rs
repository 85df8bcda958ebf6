//! Where a merchant's objects live: the region, and live or sandbox. The two environments share nothing.

use std::fmt;
use std::str::FromStr;

/// The Amazon Pay region of a merchant account, which decides the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Region {
    /// North America: `pay-api.amazon.com`.
    Na,
    /// Europe and the United Kingdom: `pay-api.amazon.eu`.
    Eu,
    /// Japan: `pay-api.amazon.jp`.
    Jp,
}

impl Region {
    /// The host that serves this region.
    #[must_use]
    pub fn host(self) -> &'static str {
        match self {
            Self::Na => "pay-api.amazon.com",
            Self::Eu => "pay-api.amazon.eu",
            Self::Jp => "pay-api.amazon.jp",
        }
    }

    /// The value of the `x-amz-pay-region` header.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Na => "na",
            Self::Eu => "eu",
            Self::Jp => "jp",
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text names no region.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a region: use na, eu or jp")]
pub struct NotARegion;

impl FromStr for Region {
    type Err = NotARegion;

    /// Besides its own codes, reads the country codes that Amazon's SDKs accept: `us`, `uk` and `de`.
    fn from_str(text: &str) -> Result<Self, NotARegion> {
        match text.to_ascii_lowercase().as_str() {
            "na" | "us" => Ok(Self::Na),
            "eu" | "uk" | "de" => Ok(Self::Eu),
            "jp" => Ok(Self::Jp),
            _ => Err(NotARegion),
        }
    }
}

/// Live or sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Environment {
    /// Real money.
    Live,
    /// Test buyers and test cards.
    Sandbox,
}

impl Environment {
    /// The word in the path of requests made with an older key.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Sandbox => "sandbox",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The text names no environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an environment: use live or sandbox")]
pub struct NotAnEnvironment;

impl FromStr for Environment {
    type Err = NotAnEnvironment;

    fn from_str(text: &str) -> Result<Self, NotAnEnvironment> {
        match text.to_ascii_lowercase().as_str() {
            "live" => Ok(Self::Live),
            "sandbox" => Ok(Self::Sandbox),
            _ => Err(NotAnEnvironment),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Environment, NotARegion, NotAnEnvironment, Region};

    #[test]
    fn each_region_has_its_host_and_code() {
        for (text, region, host, code) in [
            ("na", Region::Na, "pay-api.amazon.com", "na"),
            ("US", Region::Na, "pay-api.amazon.com", "na"),
            ("EU", Region::Eu, "pay-api.amazon.eu", "eu"),
            ("uk", Region::Eu, "pay-api.amazon.eu", "eu"),
            ("jp", Region::Jp, "pay-api.amazon.jp", "jp"),
        ] {
            assert_eq!(text.parse(), Ok(region));
            assert_eq!((region.host(), region.code()), (host, code));
        }
        assert_eq!("mars".parse::<Region>(), Err(NotARegion));
    }

    #[test]
    fn an_environment_is_live_or_sandbox() {
        assert_eq!("Live".parse(), Ok(Environment::Live));
        assert_eq!("sandbox".parse(), Ok(Environment::Sandbox));
        assert_eq!("prod".parse::<Environment>(), Err(NotAnEnvironment));
    }
}
