//! The parts that are outside of confirmd in real life: broker, database, Amazon Pay, configuration.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use checkout::{AccountName, Backoff, Mode, Near, Policy};
use kafka_topics::mock::EmbeddedBroker;
use provider::{Environment, PrivateKey, PublicKeyId, Quotas};
use reconciler::Policies;
use sandbox::{ClockSource, MerchantInfo, Profile, Region, Sandbox};
use session_log::{Log, Options};

use super::clock::DemoClock;
use crate::config::Account;

/// Partitions of every topic.
const PARTITIONS: u32 = 3;
/// How long one call to Amazon Pay may take, by the demonstration's clock.
pub(crate) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(30);

/// A broker with its topics, and the settings to reach it.
pub(crate) fn broker() -> anyhow::Result<(EmbeddedBroker, kafka_topics::Settings)> {
    let broker = EmbeddedBroker::start().map_err(|error| anyhow!("the embedded broker: {error}"))?;
    let settings = broker.settings();
    broker
        .create_topics(&settings, PARTITIONS)
        .map_err(|error| anyhow!("the embedded broker: {error}"))?;
    Ok((broker, settings))
}

/// An empty session log in `folder`.
pub(crate) async fn log(folder: &Path) -> anyhow::Result<Log> {
    let url = format!("sqlite://{}", folder.join("log.db").display());
    let options = Options {
        usable_schema_only: false,
        ..Options::default()
    };
    let log = Log::open(&url, options)
        .await
        .context("the session log in the temporary folder")?;
    log.migrate()
        .await
        .context("the session log in the temporary folder")?;
    Ok(log)
}

/// Amazon Pay, with one merchant account in each region and the quotas of production.
pub(crate) async fn amazon_pay(clock: &DemoClock, seed: u64) -> anyhow::Result<Sandbox> {
    let options = sandbox::Options {
        profile: Profile::Live,
        clock: ClockSource::Embedded(Arc::new(clock.clone())),
        seed: Some(seed),
        ..sandbox::Options::default()
    };
    Sandbox::start(options).await.context("the sandbox")
}

/// What `[accounts.NAME]` would say of the sandbox's merchants.
pub(crate) fn accounts(sandbox: &Sandbox) -> anyhow::Result<BTreeMap<AccountName, Account>> {
    let info = sandbox.info();
    let ca_pem = std::fs::read(&info.ca_file).context("the sandbox's certificate")?;
    let read = |merchant: &MerchantInfo| {
        let pem = std::fs::read_to_string(&merchant.private_key_file).context("a merchant's key")?;
        let account = Account {
            region: match merchant.region {
                Region::Na => provider::Region::Na,
                Region::Eu => provider::Region::Eu,
                Region::Jp => provider::Region::Jp,
            },
            public_key_id: PublicKeyId::parse(&merchant.public_key_id)?,
            environment: None,
            private_key: PrivateKey::from_pem(&pem)?,
            mode: Mode::Confirm,
            endpoint: Some(info.url.clone()),
            ca_pem: Some(ca_pem.clone()),
            quotas: Quotas::published(Environment::Live),
            shop_front_share: 0.25,
            fresh_share: 0.25,
        };
        Ok((AccountName::parse(&merchant.account)?, account))
    };
    info.merchants.iter().map(read).collect()
}

/// The configuration's defaults, for each of these accounts.
pub(crate) fn policies<'a>(accounts: impl Iterator<Item = &'a AccountName>) -> Policies {
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    let policy = Policy {
        mode: Mode::Confirm,
        near: Near::Cancel,
        cancel_before: minutes(30),
        alert_before: vec![minutes(360), minutes(120), minutes(45)],
        last_attempt_before: minutes(1),
        retry: Backoff {
            first: Duration::from_secs(1),
            max: minutes(5),
        },
        attempt_timeout: ATTEMPT_TIMEOUT,
        personal_data_for: minutes(30 * 24 * 60),
    };
    Policies {
        of_account: accounts.map(|name| (name.clone(), policy.clone())).collect(),
        otherwise: policy,
    }
}
