//! The merchant accounts, their keys, and whether Amazon still takes anything from them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use openssl::pkey::{PKey, Public};
use serde::{Deserialize, Serialize};

use crate::options::{Environment, MerchantInfo, MerchantSpec, Region, StartError};
use crate::wire::keys;

/// Whether an account's calls are let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MerchantStatus {
    Active,
    /// Every call of the account is answered 403 InvalidAuthentication.
    Refused,
}

pub(crate) struct Merchant {
    pub(crate) account: String,
    pub(crate) region: Region,
    pub(crate) environment: Environment,
    pub(crate) public_key_id: String,
    pub(crate) older_public_key_id: String,
    pub(crate) merchant_id: String,
    pub(crate) topic_arn: String,
    pub(crate) public_key: PKey<Public>,
    key_file: PathBuf,
    refused: AtomicBool,
}

impl Merchant {
    pub(crate) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    pub(crate) fn set_status(&self, status: MerchantStatus) {
        self.refused
            .store(status == MerchantStatus::Refused, Ordering::Relaxed);
    }

    pub(crate) fn info(&self) -> MerchantInfo {
        MerchantInfo {
            account: self.account.clone(),
            region: self.region,
            public_key_id: self.public_key_id.clone(),
            older_public_key_id: self.older_public_key_id.clone(),
            merchant_id: self.merchant_id.clone(),
            topic_arn: self.topic_arn.clone(),
            private_key_file: self.key_file.clone(),
            environment: self.environment,
        }
    }
}

/// Makes the accounts, their keys in `folder`.
pub(crate) fn open(specs: Vec<MerchantSpec>, folder: &Path) -> Result<Vec<Merchant>, StartError> {
    let mut merchants: Vec<Merchant> = Vec::with_capacity(specs.len());
    for MerchantSpec {
        account,
        region,
        environment,
    } in specs
    {
        if !is_account_name(&account) || merchants.iter().any(|merchant| merchant.account == account) {
            return Err(StartError::AccountName(account));
        }
        let key_file = folder.join(format!("{account}.pem"));
        let key = keys::merchant_key(&key_file, environment)?;
        merchants.push(Merchant {
            topic_arn: format!(
                "arn:aws:sns:{}:{}:AmazonPay-{account}",
                region.aws(),
                key.topic_number
            ),
            merchant_id: key.merchant_id,
            account,
            region,
            environment,
            public_key_id: key.public_key_id,
            older_public_key_id: key.older_public_key_id,
            public_key: key.public,
            key_file,
            refused: AtomicBool::new(false),
        });
    }
    Ok(merchants)
}

/// Names a file beside `ca.pem`, so `ca` is not one.
fn is_account_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    name != "ca"
        && bytes.next().is_some_and(|b| b.is_ascii_lowercase())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
