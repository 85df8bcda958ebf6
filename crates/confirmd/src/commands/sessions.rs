//! `confirmd sessions …`: looks at sessions and acts on them.

use anyhow::Context;
use checkout::{SessionId, Timestamp};
use reconciler::ports::Clock;
use reconciler::{Act, ActError};
use serde_json::json;

use super::{Ended, at_hand, clock, import, open, operator, plans, print_json};
use crate::cli::{self, Sessions};
use crate::config::Config;
use crate::daemon::accounts::restore;
use crate::for_people::{self, explained, terminal};
use crate::query::{self, ListOf, Plans};

pub(crate) async fn run(config: &Config, command: Sessions) -> anyhow::Result<Ended> {
    match command {
        Sessions::List(list) => self::list(config, list).await,
        Sessions::Show { id, personal, output } => show(config, &id, personal, output.json).await,
        Sessions::Explain { id, at, output } => explain(config, &id, at.as_deref(), output.json).await,
        Sessions::Retry(act) => operate(config, act, Act::Retry).await,
        Sessions::Release(act) => operate(config, act, Act::Release).await,
        Sessions::Forswear(act) => operate(config, act, Act::Forswear).await,
        Sessions::Import { file, output } => import::run(config, &file, output.json).await,
    }
}

async fn list(config: &Config, asked: cli::List) -> anyhow::Result<Ended> {
    let at_hand = at_hand(config).await?;
    let now = at_hand.clock.now();
    let plans = if asked.at_risk {
        restore(&at_hand.log, &at_hand.amazon).await?;
        plans(config, &at_hand, now).await?
    } else {
        Plans::new()
    };
    let of = ListOf {
        state: asked.state,
        account: asked.account,
        due_within: asked.due_within,
        reference: None,
        at_risk: asked.at_risk,
        limit: asked.limit,
    };
    let sessions = match query::list(&at_hand.log, &at_hand.policies, &plans, &of, now).await {
        Ok(sessions) => sessions,
        Err(error @ query::NotAQuery::Log(_)) => return Err(error.into()),
        Err(error) => {
            eprintln!("confirmd: {error}");
            return Ok(Ended::BadUsage);
        }
    };
    if asked.output.json {
        print_json(&sessions)?;
    } else if sessions.is_empty() {
        eprintln!("none");
    } else {
        let listed = sessions
            .iter()
            .map(serde_json::to_value)
            .collect::<Result<Vec<_>, _>>()?;
        anstream::print!("{}", for_people::sessions(&listed, now, terminal::width()));
    }
    Ok(Ended::Done)
}

fn unknown(id: &SessionId) -> Ended {
    eprintln!("confirmd: session `{id}` was never heard of");
    eprintln!(
        "next: is it the whole id, and store.url the daemon's? Its event may not have come yet, or may lie in the dead-letter \
         topic; `confirmd sessions import FILE` takes it from a file"
    );
    Ended::Failed
}

async fn show(config: &Config, id: &str, personal: bool, as_json: bool) -> anyhow::Result<Ended> {
    let id = SessionId::parse(id)?;
    let now = clock().await?.now();
    let log = open(config).await?;
    let Some(session) = query::session(&log, &config.policies(), &id, now).await? else {
        return Ok(unknown(&id));
    };
    let kept = if personal {
        query::personal(&log, &id).await?
    } else {
        None
    };
    let mut shown = serde_json::to_value(&session)?;
    if as_json {
        if let Some(kept) = kept {
            shown["personal"] = kept;
        }
        print_json(&shown)?;
    } else {
        anstream::print!("{}", for_people::session(&shown));
        if let Some(kept) = kept {
            println!("personal {}", serde_json::to_string_pretty(&kept)?);
        }
    }
    Ok(Ended::Done)
}

async fn explain(config: &Config, id: &str, at: Option<&str>, as_json: bool) -> anyhow::Result<Ended> {
    let id = SessionId::parse(id)?;
    let now = clock().await?.now();
    let at = match at {
        Some(text) => Timestamp::parse(text).context("--at")?,
        None => now,
    };
    let log = open(config).await?;
    let Some(told) = query::tell(&log, &config.policies(), &id, at).await? else {
        return Ok(unknown(&id));
    };
    if as_json {
        print_json(&told.to_json()?)?;
    } else {
        anstream::print!("{}", explained::text(&told, terminal::width()));
    }
    Ok(Ended::Done)
}

async fn operate(config: &Config, asked: cli::Act, act: Act) -> anyhow::Result<Ended> {
    let id = SessionId::parse(&asked.id)?;
    let at_hand = at_hand(config).await?;
    match at_hand.operate(&id, act, &operator(), &asked.reason).await {
        Ok(_) => {
            if asked.output.json {
                print_json(&json!({ "checkoutSessionId": id.as_str(), "done": true }))?;
            } else {
                println!("done: a running daemon takes it up within 5 s");
            }
            Ok(Ended::Done)
        }
        Err(ActError::Refused(checkout::Refused::Unseen)) => Ok(unknown(&id)),
        Err(ActError::Refused(refused)) => {
            if asked.output.json {
                print_json(
                    &json!({ "checkoutSessionId": id.as_str(), "done": false, "because": refused.to_string() }),
                )?;
            }
            eprintln!("refused: {refused}");
            eprintln!("next: `confirmd sessions explain {id}` says what comes, and what can be done");
            Ok(Ended::Refused)
        }
        Err(ActError::Log(error)) => Err(error.into()),
    }
}
