//! What a sandbox is started with, and what it says of itself once it serves.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::clock::{SandboxClock, SettableClock};

/// What [`Sandbox::start`](crate::Sandbox::start) needs to know.
#[derive(Clone)]
pub struct Options {
    /// Where the API listens, with TLS. The certificate names 127.0.0.1 and localhost. Port 0: any free one.
    pub listen: SocketAddr,
    /// Where the control API listens, plain http: a loopback address.
    pub control_listen: SocketAddr,
    pub profile: Profile,
    /// Where `ca.pem` and each merchant's `NAME.pem` are written; merchants' keys found there are kept.
    /// None: a temporary folder, removed with the sandbox.
    pub tls_dir: Option<PathBuf>,
    /// None given: `eu_shop`, `us_shop` and `jp_shop`, one per region, in the profile's environment.
    pub merchants: Vec<MerchantSpec>,
    pub clock: ClockSource,
    /// Draws ids and faults. None: other ones at every start.
    pub seed: Option<u64>,
    /// How long, in real time, a caller may take for the head of a request or for its body; an idle connection
    /// is closed after it. The default is longer than clients keep idle connections, so that none is closed
    /// under a request that is about to be sent on it.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: loopback,
            control_listen: loopback,
            profile: Profile::Live,
            tls_dir: None,
            merchants: Vec::new(),
            clock: ClockSource::Settable(SettableClock::real()),
            seed: None,
            patience: Duration::from_secs(120),
        }
    }
}

/// Whose clock the sandbox follows.
#[derive(Clone)]
pub enum ClockSource {
    /// The control API may move it.
    Settable(SettableClock),
    /// The embedding program's own; the control API answers 409 to whoever tries to move it.
    Embedded(Arc<dyn SandboxClock>),
}

/// Which of Amazon's published quotas hold, and which environment merchants are in unless they say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    Live,
    Sandbox,
    /// No quota at all; merchants are in the sandbox environment.
    Unlimited,
}

impl Profile {
    /// The environment of merchants that are not told another.
    pub fn environment(self) -> Environment {
        match self {
            Self::Live => Environment::Live,
            Self::Sandbox | Self::Unlimited => Environment::Sandbox,
        }
    }
}

/// Amazon's two separate worlds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    Live,
    Sandbox,
}

impl Environment {
    pub(crate) fn key_prefix(self) -> &'static str {
        match self {
            Self::Live => "LIVE",
            Self::Sandbox => "SANDBOX",
        }
    }

    pub(crate) fn release(self) -> &'static str {
        match self {
            Self::Live => "Live",
            Self::Sandbox => "Sandbox",
        }
    }

    /// The first letter of charge permission ids.
    pub(crate) fn permission_letter(self) -> char {
        match self {
            Self::Live => 'P',
            Self::Sandbox => 'S',
        }
    }
}

/// A region of Amazon Pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    Na,
    Eu,
    Jp,
}

impl Region {
    /// Any case, and the countries that the SDKs take for a region.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "na" | "us" => Some(Self::Na),
            "eu" | "de" | "uk" => Some(Self::Eu),
            "jp" => Some(Self::Jp),
            _ => None,
        }
    }

    /// The region of AWS that its notifications come from.
    pub(crate) fn aws(self) -> &'static str {
        match self {
            Self::Na => "us-east-1",
            Self::Eu => "eu-west-1",
            Self::Jp => "ap-northeast-1",
        }
    }

    /// As the header writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Na => "na",
            Self::Eu => "eu",
            Self::Jp => "jp",
        }
    }

    pub(crate) fn currency(self) -> &'static str {
        match self {
            Self::Na => "USD",
            Self::Eu => "EUR",
            Self::Jp => "JPY",
        }
    }
}

/// A merchant account that the sandbox is to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerchantSpec {
    /// Lower-case letters, digits and underscores, a letter first. Names its key file.
    pub account: String,
    pub region: Region,
    pub environment: Environment,
}

impl MerchantSpec {
    pub(crate) fn one_per_region(environment: Environment) -> Vec<Self> {
        [
            ("eu_shop", Region::Eu),
            ("us_shop", Region::Na),
            ("jp_shop", Region::Jp),
        ]
        .map(|(account, region)| Self {
            account: account.to_owned(),
            region,
            environment,
        })
        .to_vec()
    }
}

/// How to reach a sandbox; as JSON, the first line that `confirmd sandbox` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Info {
    pub url: String,
    pub ca_file: PathBuf,
    pub merchants: Vec<MerchantInfo>,
    pub control_url: String,
}

/// What a client of one merchant account is configured with.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MerchantInfo {
    pub account: String,
    pub region: Region,
    /// Begins with its environment.
    pub public_key_id: String,
    /// The same key by an id of the older kind, which does not: its paths name the environment.
    pub older_public_key_id: String,
    /// What its notifications call it.
    pub merchant_id: String,
    /// The SNS topic that its notifications come from.
    pub topic_arn: String,
    pub private_key_file: PathBuf,
    pub environment: Environment,
}

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("merchant account `{0}`: lower-case letters, digits and underscores, each name once, not `ca`")]
    AccountName(String),
    #[error("the control API listens on loopback only, not on {0}")]
    ControlNotLoopback(SocketAddr),
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("cannot use {}", file.display())]
    File { file: PathBuf, source: std::io::Error },
    #[error("{} is not an RSA private key", file.display())]
    Key {
        file: PathBuf,
        source: openssl::error::ErrorStack,
    },
    #[error("cannot make keys and certificates")]
    Crypto(#[from] openssl::error::ErrorStack),
    #[error("cannot serve TLS with the certificate just made")]
    Tls(#[from] rustls::Error),
}
