//! `confirmd accounts …`: conditions, and the kill switch.

use anyhow::bail;
use checkout::AccountName;
use reconciler::ports::Clock;
use reconciler::{AccountCondition, AccountConditions, Condition, boundary};
use serde_json::json;

use super::{AtHand, Ended, at_hand, operator, plans, print_json};
use crate::cli::{Accounts, OnAccount};
use crate::config::Config;
use crate::daemon::accounts::restore;
use crate::{for_people, query};

pub(crate) async fn run(config: &Config, command: Accounts) -> anyhow::Result<Ended> {
    let at_hand = at_hand(config).await?;
    match command {
        Accounts::List { output } => list(config, &at_hand, output.json).await,
        Accounts::Pause(on) => set(config, &at_hand, on, Condition::Paused).await,
        Accounts::Resume(on) => set(config, &at_hand, on, Condition::Running).await,
    }
}

async fn list(config: &Config, at_hand: &AtHand, as_json: bool) -> anyhow::Result<Ended> {
    // Nobody tells a command what the daemon has found out since, but for what is on record.
    restore(&at_hand.log, &at_hand.amazon).await?;
    let now = at_hand.clock.now();
    let plans = plans(config, at_hand, now).await?;
    let listed = query::accounts(&at_hand.log, &at_hand.amazon, &at_hand.policies, &plans, now).await?;
    if as_json {
        print_json(&listed)?;
    } else {
        listed
            .iter()
            .for_each(|account| println!("{}", for_people::account(account)));
    }
    Ok(Ended::Done)
}

async fn set(
    config: &Config,
    at_hand: &AtHand,
    on: OnAccount,
    condition: Condition,
) -> anyhow::Result<Ended> {
    let name = AccountName::parse(&on.name)?;
    if !config.accounts.contains_key(&name) {
        bail!("no account `{name}` is configured");
    }
    let known = at_hand.log.conditions().await?;
    let now_is = known
        .iter()
        .find(|known| known.account == name)
        .map_or(Condition::Running, |known| known.condition);
    let refused = match (now_is, condition) {
        (Condition::Paused, Condition::Paused) => Some("it is paused already"),
        (Condition::Running, Condition::Running) => Some("it is running already"),
        (Condition::Stopped, Condition::Running) => Some(
            "Amazon Pay refuses it: it resumes by itself when a probe passes; see `confirmd check --online`",
        ),
        _ => None,
    };
    if let Some(why) = refused {
        eprintln!("refused: {why}");
        return Ok(Ended::Refused);
    }
    let set = AccountCondition {
        account: name,
        condition,
        since: at_hand.clock.now(),
        by: operator(),
        reason: on.reason,
    };
    boundary("set-by-operator");
    at_hand.log.set(&set).await?;
    boundary("condition-set-by-operator");
    if on.output.json {
        print_json(&json!({ "account": set.account.as_str(), "condition": set.condition.name() }))?;
    } else {
        println!(
            "account `{}` is {}; a running daemon heeds it within 5 s",
            set.account,
            set.condition.name()
        );
    }
    Ok(Ended::Done)
}
