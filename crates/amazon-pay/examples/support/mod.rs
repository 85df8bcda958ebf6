//! What the examples have in common: a client from the environment.
//!
//! | variable | |
//! | --- | --- |
//! | `AMAZON_PAY_KEY_FILE` | the private key, PEM |
//! | `AMAZON_PAY_KEY_ID` | its public key id, such as `SANDBOX-…` |
//! | `AMAZON_PAY_REGION` | `na`, `eu` or `jp`; `eu` unless given |
//! | `AMAZON_PAY_ENDPOINT` | instead of Amazon's host, for example a sandbox on this machine |
//! | `AMAZON_PAY_CA_FILE` | a certificate authority to trust besides the system's, PEM |

use std::env;
use std::error::Error;
use std::fs;

use amazon_pay::{Client, ClientConfig, PrivateKey, PublicKeyId};

pub(crate) fn client() -> Result<Client, Box<dyn Error>> {
    let needed = |name: &str| env::var(name).map_err(|_| format!("{name} is not set"));
    let key = PrivateKey::from_pem(&fs::read_to_string(needed("AMAZON_PAY_KEY_FILE")?)?)?;
    let key_id = PublicKeyId::parse(&needed("AMAZON_PAY_KEY_ID")?)?;
    let region = env::var("AMAZON_PAY_REGION")
        .unwrap_or_else(|_| "eu".to_owned())
        .parse()?;
    let ca_pem = env::var("AMAZON_PAY_CA_FILE").ok().map(fs::read).transpose()?;
    Ok(Client::new(ClientConfig {
        endpoint: env::var("AMAZON_PAY_ENDPOINT").ok(),
        ca_pem,
        ..ClientConfig::new(region, key_id, key)
    })?)
}

/// The argument in this place, counted from 1.
pub(crate) fn argument(place: usize, usage: &str) -> Result<String, String> {
    env::args().nth(place).ok_or_else(|| format!("usage: {usage}"))
}
