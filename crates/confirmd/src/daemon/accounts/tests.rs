//! What is recorded of accounts, over a real log.

use provider::{AccountSettings, Environment, PrivateKey, PublicKeyId, Quotas, Region};
use session_log::{Log, Options};
use tempfile::TempDir;

use super::*;
use crate::chance::Drawn;

struct World {
    log: Log,
    stopped: BTreeSet<AccountName>,
    _folder: TempDir,
}

fn shop() -> AccountName {
    AccountName::parse("eu_shop").unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(second * 1_000_000)
}

fn change(condition: Condition) -> Change {
    Change {
        account: shop(),
        condition,
        reason: "because".to_owned(),
    }
}

fn by_operator(condition: Condition, second: i64) -> AccountCondition {
    AccountCondition {
        account: shop(),
        condition,
        since: at(second),
        by: "ada".to_owned(),
        reason: "because".to_owned(),
    }
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/log.db", folder.path().display());
        let options = Options {
            usable_schema_only: false,
            ..Options::default()
        };
        let log = Log::open(&url, options).await.unwrap();
        log.migrate().await.unwrap();
        Self {
            log,
            stopped: BTreeSet::new(),
            _folder: folder,
        }
    }

    async fn becomes(&mut self, condition: Condition, second: i64) {
        record(&self.log, &mut self.stopped, &change(condition), at(second))
            .await
            .unwrap();
    }

    /// An operator's act, and what the account becomes by it.
    async fn operator_sets(&mut self, condition: Condition, becomes: Condition, second: i64) {
        self.log.set(&by_operator(condition, second)).await.unwrap();
        self.becomes(becomes, second).await;
    }

    async fn recorded(&self) -> Condition {
        self.log.conditions().await.unwrap()[0].condition
    }

    /// Ids and status of all notices, oldest first.
    async fn told(&self) -> Vec<(String, bool)> {
        let notices = NoticeLog::untold(&self.log, 100).await.unwrap();
        notices
            .into_iter()
            .map(|notice| (notice.alert_id, notice.firing))
            .collect()
    }

    /// As a process that starts now takes it over.
    async fn restored(&self) -> Accounts<ProgramClock> {
        let accounts = accounts();
        restore(&self.log, &accounts).await.unwrap();
        accounts
    }
}

fn accounts() -> Accounts<ProgramClock> {
    let key = openssl::pkey::PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap();
    let pem = String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let settings = AccountSettings {
        name: shop(),
        region: Region::Eu,
        public_key_id: PublicKeyId::parse("SANDBOX-AEXAMPLE").unwrap(),
        environment: None,
        private_key: PrivateKey::from_pem(&pem).unwrap(),
        endpoint: Some("http://127.0.0.1:9".to_owned()),
        ca_pem: None,
        quotas: Quotas::published(Environment::Sandbox),
        shop_front_share: 0.0,
        attempt_timeout: std::time::Duration::from_secs(30),
        connect_timeout: std::time::Duration::from_secs(2),
    };
    let (clock, chance) = (Arc::new(ProgramClock::System), Arc::new(Drawn::from_seed(1)));
    Accounts::new(vec![settings], clock, chance, Arc::new(())).unwrap()
}

fn condition(accounts: &Accounts<ProgramClock>) -> Condition {
    accounts.conditions()[0].condition
}

#[tokio::test]
async fn an_account_that_is_stopped_and_runs_again_is_told_once_each_way() {
    let mut world = World::new().await;
    world.becomes(Condition::Stopped, 1).await;
    world.becomes(Condition::Stopped, 2).await;
    assert_eq!(world.recorded().await, Condition::Stopped);
    world.becomes(Condition::Running, 3).await;
    world.becomes(Condition::Running, 4).await;
    assert_eq!(world.recorded().await, Condition::Running);
    let id = "account-stopped/eu_shop/1000000".to_owned();
    assert_eq!(world.told().await, [(id.clone(), true), (id, false)]);
}

#[tokio::test]
async fn the_alert_of_a_stopped_account_outlives_a_pause_and_is_over_in_the_end() {
    let mut world = World::new().await;
    world.becomes(Condition::Stopped, 1).await;
    world.operator_sets(Condition::Paused, Condition::Paused, 2).await;
    world
        .operator_sets(Condition::Running, Condition::Stopped, 3)
        .await;
    assert_eq!(world.recorded().await, Condition::Stopped);
    world.becomes(Condition::Running, 4).await;
    let id = "account-stopped/eu_shop/1000000".to_owned();
    assert_eq!(world.told().await, [(id.clone(), true), (id, false)]);
    assert_eq!(
        world
            .log
            .firing(&shop(), NoticeKind::AccountStopped)
            .await
            .unwrap(),
        []
    );

    world.becomes(Condition::Stopped, 5).await;
    let id = "account-stopped/eu_shop/5000000".to_owned();
    assert_eq!(world.told().await[2..], [(id, true)], "another one");
}

#[tokio::test]
async fn the_alert_is_over_where_amazon_accepted_the_account_during_its_pause() {
    let mut world = World::new().await;
    world.becomes(Condition::Stopped, 1).await;
    world.operator_sets(Condition::Paused, Condition::Paused, 2).await;
    world
        .operator_sets(Condition::Running, Condition::Running, 3)
        .await;
    assert_eq!(
        world
            .log
            .firing(&shop(), NoticeKind::AccountStopped)
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn another_replicas_alert_is_not_over_because_a_pause_is() {
    let mut world = World::new().await;
    world.becomes(Condition::Stopped, 1).await;
    // This one has found nothing wrong with the account.
    world.stopped.clear();
    world.operator_sets(Condition::Paused, Condition::Paused, 2).await;
    world
        .operator_sets(Condition::Running, Condition::Running, 3)
        .await;
    assert_eq!(
        world
            .log
            .firing(&shop(), NoticeKind::AccountStopped)
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn an_account_that_was_paused_while_stopped_is_stopped_after_a_restart_too() {
    let mut world = World::new().await;
    world.becomes(Condition::Stopped, 1).await;
    assert_eq!(condition(&world.restored().await), Condition::Stopped);
    world.operator_sets(Condition::Paused, Condition::Paused, 2).await;
    let accounts = world.restored().await;
    assert_eq!(condition(&accounts), Condition::Paused);
    accounts.set_paused(&shop(), false).unwrap();
    assert_eq!(condition(&accounts), Condition::Stopped);

    // Its pause ended while no daemon ran.
    world.log.set(&by_operator(Condition::Running, 3)).await.unwrap();
    assert_eq!(condition(&world.restored().await), Condition::Stopped);
}

#[tokio::test]
async fn one_that_runs_or_is_only_paused_is_restored_so() {
    let mut world = World::new().await;
    world.becomes(Condition::Stopped, 1).await;
    world.becomes(Condition::Running, 2).await;
    assert_eq!(condition(&world.restored().await), Condition::Running);
    world.log.set(&by_operator(Condition::Paused, 3)).await.unwrap();
    let accounts = world.restored().await;
    assert_eq!(condition(&accounts), Condition::Paused);
    accounts.set_paused(&shop(), false).unwrap();
    assert_eq!(condition(&accounts), Condition::Running);
}

/// An operator pauses the account as soon as its condition has been read.
struct Interrupted<'a>(&'a Log);

impl AccountConditions for Interrupted<'_> {
    async fn conditions(&self) -> Result<Vec<AccountCondition>, LogError> {
        let read = self.0.conditions().await;
        self.0.set(&by_operator(Condition::Paused, 9)).await?;
        read
    }

    async fn set(&self, condition: &AccountCondition) -> Result<(), LogError> {
        self.0.set(condition).await
    }

    async fn set_after(
        &self,
        seen: Option<&AccountCondition>,
        condition: &AccountCondition,
    ) -> Result<bool, LogError> {
        self.0.set_after(seen, condition).await
    }

    async fn firing(&self, account: &AccountName, kind: NoticeKind) -> Result<Vec<Notice>, LogError> {
        self.0.firing(account, kind).await
    }
}

impl NoticeLog for Interrupted<'_> {
    async fn record(&self, notice: &Notice) -> Result<(), LogError> {
        NoticeLog::record(self.0, notice).await
    }

    async fn untold(&self, limit: u32) -> Result<Vec<Notice>, LogError> {
        NoticeLog::untold(self.0, limit).await
    }

    async fn told(&self, notices: &[Notice]) -> Result<(), LogError> {
        NoticeLog::told(self.0, notices).await
    }
}

#[tokio::test]
async fn a_pause_that_comes_while_a_change_is_recorded_stays() {
    for (before, becomes) in [
        (None, Condition::Stopped),
        (Some(Condition::Stopped), Condition::Running),
    ] {
        let mut world = World::new().await;
        if let Some(before) = before {
            world.becomes(before, 1).await;
        }
        let log = Interrupted(&world.log);
        let recorded = record(&log, &mut world.stopped, &change(becomes), at(2)).await;
        assert!(matches!(recorded, Err(LogError::Overtaken)));
        assert_eq!(world.recorded().await, Condition::Paused);
        // It is tried again, and gives way to the pause.
        world.becomes(becomes, 3).await;
        assert_eq!(world.recorded().await, Condition::Paused);
    }
}
