//! `confirmd accounts …`: conditions, and the kill switch.

use checkout::AccountName;
use reconciler::Condition;
use reconciler::ports::Clock;
use serde_json::json;

use super::{AtHand, Ended, at_hand, operator, plans, print_json};
use crate::act::{NotSet, set_condition};
use crate::cli::{Accounts, OnAccount};
use crate::config::Config;
use crate::daemon::accounts::restore;
use crate::for_people::{self, terminal};
use crate::query::{self, NotAQuery};

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
        let listed = listed
            .iter()
            .map(serde_json::to_value)
            .collect::<Result<Vec<_>, _>>()?;
        anstream::print!("{}", for_people::accounts(&listed, now, terminal::width()));
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
        let configured: Vec<&str> = config.accounts.keys().map(AccountName::as_str).collect();
        return Err(NotAQuery::Account {
            name,
            configured: configured.join(", "),
        }
        .into());
    }
    let now = at_hand.clock.now();
    match set_condition(&at_hand.log, &name, condition, now, &operator(), &on.reason).await {
        Ok(()) => {}
        Err(NotSet::Refused(why)) => {
            eprintln!("refused: {why}");
            eprintln!("next: `confirmd accounts list` says since when, by whom and why");
            return Ok(Ended::Refused);
        }
        Err(NotSet::Log(error)) => return Err(error.into()),
    }
    if on.output.json {
        print_json(&json!({ "account": name.as_str(), "condition": condition.name() }))?;
    } else {
        println!(
            "account `{}` is {}; a running daemon heeds it within 5 s",
            name,
            condition.name()
        );
    }
    Ok(Ended::Done)
}
