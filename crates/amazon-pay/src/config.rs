//! What a client needs to know, checked as a whole before the first call.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;

use crate::header::Header;
use crate::ids::PublicKeyId;
use crate::keys::PrivateKey;
use crate::place::{Environment, Region};
use crate::signing::Algorithm;

/// What [`Client::new`](crate::Client::new) is made from. Start from [`ClientConfig::new`] and change what
/// differs:
///
/// ```no_run
/// use amazon_pay::{ClientConfig, Header, PrivateKey, PublicKeyId, Region};
///
/// # fn example(key: PrivateKey) -> Result<(), Box<dyn std::error::Error>> {
/// let config = ClientConfig {
///     headers: vec![Header::auth_token("the merchant's token")?],
///     ..ClientConfig::new(Region::Jp, PublicKeyId::parse("LIVE-AEXAMPLE")?, key)
/// };
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ClientConfig {
    /// The merchant account's region.
    pub region: Region,
    /// The name of the key pair.
    pub public_key_id: PublicKeyId,
    /// Needed for a key whose id does not start with `LIVE` or `SANDBOX`; must agree with one that does.
    pub environment: Option<Environment>,
    /// The private half of the key pair.
    pub private_key: PrivateKey,
    /// How requests are signed.
    pub algorithm: Algorithm,
    /// Sent with every request, such as [`Header::auth_token`] and [`Header::integrator_id`]. A request's own
    /// header of the same name comes in place of one of these.
    pub headers: Vec<Header>,
    /// Instead of Amazon's host: `https://host:port`, or `http://` on loopback, without a path.
    pub endpoint: Option<String>,
    /// Certificates (PEM) to trust besides the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// How long resolving, connecting and the TLS handshake may take together.
    pub connect_timeout: Duration,
    /// How long a whole call may take, from connecting to the answer's last byte. With `None`, drop the future
    /// of a call that takes too long. Longer than [`connect_timeout`](Self::connect_timeout), or a call that never
    /// connected is told as one that [may have landed](crate::Error::Transport).
    pub timeout: Option<Duration>,
    /// The `user-agent` header.
    pub user_agent: String,
}

impl ClientConfig {
    /// Amazon's own host, [`Algorithm::V2`], 10 seconds to connect, and 60 seconds for a call: confirming a
    /// session may take its time, since it may authorize a payment.
    #[must_use]
    pub fn new(region: Region, public_key_id: PublicKeyId, private_key: PrivateKey) -> Self {
        Self {
            region,
            public_key_id,
            environment: None,
            private_key,
            algorithm: Algorithm::V2,
            headers: Vec::new(),
            endpoint: None,
            ca_pem: None,
            connect_timeout: Duration::from_secs(10),
            timeout: Some(Duration::from_secs(60)),
            user_agent: concat!("amazon-pay-rust/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// What goes between the host and the resource.
    pub(crate) fn path_prefix(&self) -> Result<String, ConfigError> {
        match (self.public_key_id.environment(), self.environment) {
            (Some(named), Some(given)) if named != given => {
                Err(ConfigError::EnvironmentContradicts { named, given })
            }
            (Some(_), _) => Ok("/v2".to_owned()),
            (None, Some(given)) => Ok(format!("/{}/v2", given.code())),
            (None, None) => Err(ConfigError::EnvironmentMissing),
        }
    }

    /// Scheme, host and port to connect to, and the value of `x-amz-pay-host`.
    pub(crate) fn endpoint(&self) -> Result<Endpoint, ConfigError> {
        let Some(endpoint) = &self.endpoint else {
            let host = self.region.host();
            return Ok(Endpoint {
                origin: format!("https://{host}"),
                host: host.to_owned(),
            });
        };
        let url = Url::parse(endpoint).map_err(|_| ConfigError::Endpoint("is not a URL"))?;
        let Some(host) = url.host_str() else {
            return Err(ConfigError::Endpoint("has no host"));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ConfigError::Endpoint("has a user name"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(ConfigError::Endpoint("has a path"));
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(host) => {}
            "http" => {
                return Err(ConfigError::Endpoint(
                    "is plain http, which is allowed on loopback only",
                ));
            }
            _ => return Err(ConfigError::Endpoint("is neither https nor http")),
        }
        let host = url
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Ok(Endpoint {
            origin: format!("{}://{host}", url.scheme()),
            host,
        })
    }
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("region", &self.region)
            .field("public_key_id", &self.public_key_id)
            .field("environment", &self.environment)
            .field("algorithm", &self.algorithm)
            .field("headers", &self.headers)
            // As it is only if it is usable: what is refused may hold a password.
            .field("endpoint", &self.endpoint().ok().map(|endpoint| endpoint.origin))
            .field("connect_timeout", &self.connect_timeout)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) origin: String,
    pub(crate) host: String,
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The key id names no environment, and none was given.
    #[error("the public key id does not start with LIVE or SANDBOX: give the environment")]
    EnvironmentMissing,
    /// The key id names one environment, and the other was given.
    #[error("the public key id is for {named}, but the environment given is {given}")]
    EnvironmentContradicts {
        /// By the prefix.
        named: Environment,
        /// By the configuration.
        given: Environment,
    },
    /// The endpoint cannot be used.
    #[error("the endpoint {0}")]
    Endpoint(&'static str),
    /// The additional certificates cannot be read.
    #[error("the CA file holds no certificate in PEM form that can be read")]
    Ca,
    /// The user agent cannot be a header.
    #[error("the user agent has characters that a header cannot have")]
    UserAgent,
    /// The TLS library refused, for example because the system has no certificates at all.
    #[error("TLS cannot be set up")]
    Tls(#[source] crate::error::Cause),
}
