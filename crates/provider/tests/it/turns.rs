//! Quotas: who may call, and when.

use std::time::Duration;

use checkout::AccountName;
use provider::{Environment, Quota, Quotas, SettingsError};
use reconciler::ports::{Call, NoTurn, Turns};

use crate::fixtures::{COMPLETED, World, account, settings, start};
use crate::server::Answer;

fn next(world: &World, call: Call) -> Option<NoTurn> {
    world.accounts.turn(&account(), call).err()
}

#[tokio::test]
async fn every_kind_of_call_has_a_bucket_of_its_own_that_fills_again() {
    let world = World::with(|settings| {
        settings.quotas.confirm = Quota {
            burst: 2.0,
            per_second: 4.0,
        };
    })
    .await;
    let turns = [world.turn(Call::Confirm), world.turn(Call::Confirm)];
    let Some(NoTurn::Until(at)) = next(&world, Call::Confirm) else {
        panic!("the burst is used up");
    };
    assert_eq!(at.since(start()).as_millis(), 250);
    assert_eq!(next(&world, Call::LookUp), None);
    drop(turns);
    assert_eq!(next(&world, Call::Confirm), None, "they were not used");
}

#[tokio::test]
async fn an_account_that_is_not_configured_has_no_turns() {
    let world = World::start().await;
    let stranger = AccountName::parse("stranger").unwrap();
    assert_eq!(
        world.accounts.turn(&stranger, Call::LookUp).err(),
        Some(NoTurn::UnknownAccount)
    );
    assert_eq!(world.accounts.quota_per_second(&stranger, Call::LookUp), None);
    assert!(world.accounts.set_paused(&stranger, true).is_err());
}

#[tokio::test]
async fn a_share_is_left_to_the_shop_front_and_to_other_replicas() {
    let world = World::with(|settings| settings.shop_front_share = 0.25).await;
    let rate = |call| world.accounts.quota_per_second(&account(), call);
    assert_eq!((rate(Call::Confirm), rate(Call::LookUp)), (Some(3.0), Some(6.0)));
    let turns: Vec<_> = std::iter::from_fn(|| world.accounts.turn(&account(), Call::Confirm).ok()).collect();
    assert_eq!(turns.len(), 15);
    drop(turns);
    world.accounts.share_out(0.5);
    assert_eq!(rate(Call::Confirm), Some(1.5));
    let turns: Vec<_> = std::iter::from_fn(|| world.accounts.turn(&account(), Call::Confirm).ok()).collect();
    assert_eq!(turns.len(), 7);
}

#[tokio::test]
async fn a_429_halves_the_rate_visibly_and_success_wins_it_back() {
    let world = World::start().await;
    let rate = |call| world.accounts.quota_per_second(&account(), call).unwrap();
    world
        .confirmed_with(Answer::refusal(429, "TooManyRequests", "no").with("retry-after", "5"))
        .await;
    assert_eq!((rate(Call::Confirm), rate(Call::LookUp)), (2.0, 8.0));
    assert!(world.accounts.conditions()[0].slowed);
    assert_eq!(
        next(&world, Call::Confirm),
        Some(NoTurn::Until(start().plus(Duration::from_secs(5))))
    );

    for _ in 0..51 {
        world.advance(60);
        world.confirmed_with(Answer::json(200, COMPLETED)).await;
    }
    assert_eq!(rate(Call::Confirm), 4.0);
    assert!(!world.accounts.conditions()[0].slowed);
}

#[test]
fn the_published_quotas_are_amazons() {
    let of = |environment| {
        let Quotas {
            confirm,
            look_up,
            charge,
            permission,
        } = Quotas::published(environment);
        [confirm, look_up, charge, permission].map(|quota| (quota.burst, quota.per_second))
    };
    assert_eq!(
        of(Environment::Live),
        [(20.0, 4.0), (40.0, 8.0), (20.0, 4.0), (20.0, 4.0)]
    );
    assert_eq!(
        of(Environment::Sandbox),
        [(2.0, 1.0), (10.0, 1.0), (5.0, 1.0), (10.0, 1.0)]
    );
}

#[test]
fn every_account_that_cannot_be_used_is_named() {
    let clock = std::sync::Arc::new(crate::clock::TestClock::at(start()));
    let named = |name: &str| {
        let mut settings = settings("http://127.0.0.1:1".to_owned());
        settings.name = AccountName::parse(name).unwrap();
        settings
    };
    let mut no_quota = named("b");
    no_quota.quotas.look_up.per_second = 0.0;
    let mut all_for_the_shop = named("c");
    all_for_the_shop.shop_front_share = 1.0;
    let mut contradiction = named("d");
    contradiction.environment = Some(Environment::Live);
    let settings = vec![named("a"), named("a"), no_quota, all_for_the_shop, contradiction];
    let chance = std::sync::Arc::new(crate::fixtures::Dice);
    let problems = provider::Accounts::new(settings, clock, chance, std::sync::Arc::new(()))
        .err()
        .unwrap();
    let problems: Vec<_> = problems
        .iter()
        .map(|(name, problem)| (name.as_str(), problem))
        .collect();
    assert!(
        matches!(
            problems[..],
            [
                ("a", SettingsError::NameTaken),
                ("b", SettingsError::Quota(Call::LookUp)),
                ("c", SettingsError::ShopFrontShare),
                ("d", SettingsError::Client(_))
            ]
        ),
        "{problems:?}"
    );
}
