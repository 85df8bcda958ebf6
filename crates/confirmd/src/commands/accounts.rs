//! `confirmd accounts …`: conditions, and the kill switch.

use anyhow::bail;
use checkout::AccountName;
use reconciler::ports::{Call, Clock};
use reconciler::{AccountCondition, AccountConditions, Condition};
use serde_json::{Value, json};

use super::{AtHand, Ended, at_hand, operator, print_json};
use crate::cli::{Accounts, OnAccount};
use crate::config::Config;

pub(crate) async fn run(config: &Config, command: Accounts) -> anyhow::Result<Ended> {
    let at_hand = at_hand(config).await?;
    match command {
        Accounts::List { output } => list(config, &at_hand, output.json).await,
        Accounts::Pause(on) => set(config, &at_hand, on, Condition::Paused).await,
        Accounts::Resume(on) => set(config, &at_hand, on, Condition::Running).await,
    }
}

async fn list(config: &Config, at_hand: &AtHand, as_json: bool) -> anyhow::Result<Ended> {
    let now = at_hand.clock.now();
    let known = at_hand.log.conditions().await?;
    let counts = at_hand.log.counts(now).await?;
    let listed: Vec<Value> = config
        .accounts
        .keys()
        .map(|name| {
            let condition = known.iter().find(|known| known.account == *name);
            let outlook = counts
                .outlooks
                .iter()
                .find(|outlook| outlook.account.as_ref() == Some(name));
            json!({
                "account": name.as_str(),
                "condition": condition.map_or(Condition::Running, |known| known.condition).name(),
                "since": condition.map(|known| known.since.to_string()),
                "by": condition.map(|known| known.by.clone()),
                "reason": condition.map(|known| known.reason.clone()),
                "quotaPerSecond": { "confirm": at_hand.amazon.quota_per_second(name, Call::Confirm) },
                "backlog": outlook.map_or(0, |outlook| outlook.backlog),
                "nextDeadline": outlook.and_then(|outlook| outlook.next_deadline).map(|at| at.to_string()),
            })
        })
        .collect();
    if as_json {
        print_json(&listed)?;
    } else {
        for account in &listed {
            let text = |key: &str| account[key].as_str().unwrap_or("-").to_owned();
            println!(
                "{:<20} {:<10} backlog {:<6} next deadline {}",
                text("account"),
                text("condition"),
                account["backlog"],
                text("nextDeadline")
            );
        }
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
    at_hand.log.set(&set).await?;
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
