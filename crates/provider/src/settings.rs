//! What an account is made from, checked as a whole before the first call.

use std::fmt;
use std::time::Duration;

use amazon_pay::{Client, ClientConfig, ConfigError, Environment, PrivateKey, PublicKeyId, Region};
use checkout::AccountName;
use reconciler::ports::Call;

/// How many calls Amazon takes: so many at once, then so many a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quota {
    /// Calls at once after a pause; at least 1.
    pub burst: f64,
    /// Calls a second in the long run; more than 0.
    pub per_second: f64,
}

/// The quotas of one merchant account, which Amazon counts for each kind of call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quotas {
    /// Finalize and Complete together: the quota of Finalize is not published, and is taken to be the same.
    pub confirm: Quota,
    /// Get Checkout Session.
    pub look_up: Quota,
    /// Get Charge.
    pub charge: Quota,
    /// Get Charge Permission.
    pub permission: Quota,
}

impl Quotas {
    /// What Amazon publishes (reference, section 4.6).
    #[must_use]
    pub fn published(environment: Environment) -> Self {
        let quota = |burst, per_second| Quota { burst, per_second };
        match environment {
            Environment::Live => Self {
                confirm: quota(20.0, 4.0),
                look_up: quota(40.0, 8.0),
                charge: quota(20.0, 4.0),
                permission: quota(20.0, 4.0),
            },
            Environment::Sandbox => Self {
                confirm: quota(2.0, 1.0),
                look_up: quota(10.0, 1.0),
                charge: quota(5.0, 1.0),
                permission: quota(10.0, 1.0),
            },
        }
    }

    pub(crate) fn of(&self, call: Call) -> Quota {
        match call {
            Call::Confirm => self.confirm,
            Call::LookUp => self.look_up,
            Call::Charge => self.charge,
            Call::Permission => self.permission,
        }
    }
}

/// One merchant account.
#[derive(Clone)]
pub struct AccountSettings {
    /// As events name it.
    pub name: AccountName,
    /// Decides the host.
    pub region: Region,
    /// The name of the key pair.
    pub public_key_id: PublicKeyId,
    /// Needed for a key whose id does not start with `LIVE` or `SANDBOX`.
    pub environment: Option<Environment>,
    /// The private half of the key pair.
    pub private_key: PrivateKey,
    /// Instead of Amazon's host: `https://host:port`, or `http://` on loopback.
    pub endpoint: Option<String>,
    /// Certificates (PEM) to trust besides the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Amazon's quotas for this account.
    pub quotas: Quotas,
    /// The part of every quota that is left to the shop front: 0 or more, less than 1.
    pub shop_front_share: f64,
    /// How long a look-up may take in all.
    pub attempt_timeout: Duration,
    /// How long connecting may take, the TLS handshake included. Best not longer than `send_by` is away, so
    /// that a slow connection is "not sent" rather than in doubt.
    pub connect_timeout: Duration,
}

impl AccountSettings {
    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        if !(0.0..1.0).contains(&self.shop_front_share) {
            return Err(SettingsError::ShopFrontShare);
        }
        for call in [Call::Confirm, Call::LookUp, Call::Charge, Call::Permission] {
            let quota = self.quotas.of(call);
            let fits = quota.burst.is_finite() && quota.per_second.is_finite();
            if !fits || quota.burst < 1.0 || quota.per_second <= 0.0 {
                return Err(SettingsError::Quota(call));
            }
        }
        Ok(())
    }

    pub(crate) fn client(self) -> Result<Client, ConfigError> {
        Client::new(ClientConfig {
            environment: self.environment,
            endpoint: self.endpoint,
            ca_pem: self.ca_pem,
            connect_timeout: self.connect_timeout,
            // Each call has its own, by our clock.
            timeout: None,
            user_agent: concat!("confirmd/", env!("CARGO_PKG_VERSION")).to_owned(),
            ..ClientConfig::new(self.region, self.public_key_id, self.private_key)
        })
    }
}

impl fmt::Debug for AccountSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountSettings")
            .field("name", &self.name)
            .field("region", &self.region)
            .field("public_key_id", &self.public_key_id)
            .field("environment", &self.environment)
            .field("endpoint", &self.endpoint)
            .field("quotas", &self.quotas)
            .field("shop_front_share", &self.shop_front_share)
            .finish_non_exhaustive()
    }
}

/// Why an account cannot be used as configured.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Two accounts have this name.
    #[error("there is a second account of this name")]
    NameTaken,
    /// Not a quota.
    #[error("the quota for {0:?} needs a burst of at least 1 and more than 0 per second")]
    Quota(Call),
    /// Not a share.
    #[error("the shop front's share must be at least 0 and less than 1")]
    ShopFrontShare,
    /// Key, environment, endpoint or certificates do not go together.
    #[error(transparent)]
    Client(#[from] ConfigError),
}
