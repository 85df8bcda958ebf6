//! What the program asks of its log as long as it runs.

use std::collections::BTreeSet;
use std::time::Duration;

use checkout::{BodyRef, Currency, PrivateRef, StateName};
use reconciler::ports::{KeepDetails, LogError, Outbox, PassedOver, SessionLog, Share};
use reconciler::turns::GivenUp;
use reconciler::{
    AccountCondition, AccountConditions, Append, BuyerDetails, Condition, DeadLetter, KeepDeadLetters,
    Notice, NoticeKind, NoticeLog, Version,
};
use session_log::{Filter, Log, Which};

use super::history::{self, SHOPS};
use crate::support::{Story, account, address, alert, at, completed, confirmed, started};

/// On a connection, PostgreSQL may settle for one plan from the sixth time on.
const TIMES: u64 = 7;
const LIMIT: u32 = 10;
/// All are due, or few of them; in one share, or with some given up.
pub(super) const QUESTIONS_OF_DUE: usize = 4;

/// Everything, several times; `round` tells what is asked before and after more was settled.
pub(super) async fn everything(log: &Log, round: u64) {
    for time in 0..TIMES {
        sessions(log, round * TIMES + time).await.unwrap();
        upkeep(log).await.unwrap();
        people(log).await.unwrap();
    }
    the_rest(log, round).await.unwrap();
}

/// Whom nobody knows yet, and all that becomes of them.
async fn sessions(log: &Log, time: u64) -> Result<(), LogError> {
    let mut stories: Vec<Story> = (0..16)
        .map(|n| Story::of(&format!("{:08x}-new-{time}", (time * 16 + n) * 2_654_435)))
        .collect();
    let now = at(120);
    let heard = |story: &mut Story| Append {
        personal: vec![(PrivateRef(0), address("somebody"))],
        body: Some((BodyRef(1), b"{}".to_vec())),
        ..story.then(now, [completed(now), started(1, now)])
    };
    let settled = |story: &mut Story| Append {
        erase_after: Some(at(90 * 86_400)),
        ..story.then(now, [confirmed(), alert(1)])
    };
    let mut version = Version(0);
    for appends in [
        stories.iter_mut().map(heard).collect(),
        stories.iter_mut().map(settled).collect::<Vec<_>>(),
    ] {
        for added in log.append_all(appends).await {
            version = added?.version;
        }
    }
    let last = stories.last().unwrap();
    let id = &last.id;
    assert_eq!(log.load(id).await?.len(), version.0 as usize);
    assert_eq!(log.personal(id).await?.statements.len(), 1);
    assert!(log.body(id, BodyRef(1)).await?.is_some());
    assert!(log.find(id).await?.is_some());
    log.keep_details(id, now, &BuyerDetails::default(), at(90 * 86_400))
        .await?;
    log.give_details_up(&stories[0].id, now).await?;
    assert!(log.details(id).await?.is_some());

    let untold = Outbox::untold(log, now, 500).await?;
    assert!(untold.len() > 16);
    Outbox::told(log, &untold[..16]).await?;
    Ok(())
}

/// What time brings up.
async fn upkeep(log: &Log) -> Result<(), LogError> {
    let now = history::present();
    let of_some = Share::Partitions(BTreeSet::from([3, 7, 11]));
    let given_up = SHOPS.map(|shop| PassedOver {
        account: account(shop),
        given_up: GivenUp {
            until: at(40_000),
            currency: Some(Currency::EUR),
            below: 20.0,
        },
    });
    let before = at(0).minus(Duration::from_secs(1));
    let questions: [_; QUESTIONS_OF_DUE] = [
        (&Share::All, now, &[][..]),
        (&Share::All, at(0), &[]),
        (&of_some, now, &given_up),
        (&Share::All, at(0), &given_up),
    ];
    for (share, until, passed_over) in questions {
        let due = log.due(share, until, before, passed_over, LIMIT).await?;
        assert!(due.len() >= 3 * LIMIT as usize);
    }
    let portion = log.unsettled(None, 200).await?;
    let next = log.unsettled(portion.last(), 200).await?;
    for due in &next[..4] {
        log.reschedule(&due.id, Version(2), due.schedule).await?;
    }
    assert!(!log.backlog(&Share::All, now).await?.is_empty());
    log.backlog(&of_some, now).await?;
    for shop in SHOPS {
        let since = at(0).minus(Duration::from_secs(30 * 86_400));
        log.wanting_details(&account(shop), &of_some, since, 20).await?;
    }
    log.erase(now, 5).await?;
    log.erase_details(now, 5).await?;
    log.erase_dead_letters(at(0), 5).await?;
    Ok(())
}

/// Metrics, the console and people.
async fn people(log: &Log) -> Result<(), LogError> {
    let now = history::present();
    assert_eq!(log.counts(now).await?.outlooks.len(), SHOPS.len());
    assert!(!log.alerts_firing().await?.is_empty());
    log.outbox_pending().await?;
    log.ready().await.unwrap();
    let waited_for: Vec<_> = (0..history::OPEN).map(history::open).collect();
    assert_eq!(log.versions_of(&waited_for).await?.len(), waited_for.len());
    for account in [None, Some(account("eu_shop"))] {
        let filter = Filter {
            which: Which::Unsettled,
            account,
            deadline_before: None,
            after: None,
            limit: 50,
        };
        let first = log.list(&filter).await?;
        assert_eq!(first.len(), 50);
        for which in [
            Which::Unsettled,
            Which::All,
            Which::In(vec![StateName::Confirmed]),
        ] {
            let filter = Filter {
                which,
                ..filter.clone()
            };
            let after = log.list(&filter).await?.last().map(|last| filter.place_of(last));
            let next = log.list(&Filter { after, ..filter }).await?;
            assert_eq!(next.len(), 50);
        }
    }
    assert!(!log.list_firing(20).await?.is_empty());
    log.list_by_reference("ORDER-1001", 50).await?;
    log.outcomes_since(now.minus(Duration::from_secs(86_400)), now)
        .await?;
    Ok(())
}

/// What belongs to no session.
async fn the_rest(log: &Log, round: u64) -> Result<(), LogError> {
    let condition = |n: u64, condition| AccountCondition {
        account: account("eu_shop"),
        condition,
        since: at(round * 10 + n),
        by: "confirmd".to_owned(),
        reason: "it says so".to_owned(),
    };
    let stopped = condition(0, Condition::Stopped);
    log.set(&stopped).await?;
    let seen = log.conditions().await?;
    log.set_after(seen.first(), &condition(1, Condition::Running))
        .await?;
    let notice = Notice {
        alert_id: format!("stopped-{round}"),
        kind: NoticeKind::AccountStopped,
        firing: true,
        summary: "look at it".to_owned(),
        account: Some(account("eu_shop")),
        key: "eu_shop".to_owned(),
        at: at(0),
    };
    log.record(&notice).await?;
    let kind = NoticeKind::AccountStopped;
    assert!(!log.firing(&account("eu_shop"), kind).await?.is_empty());
    let untold = NoticeLog::untold(log, 100).await?;
    NoticeLog::told(log, &untold).await?;
    let letter = DeadLetter {
        source: format!("completed/0/{round}"),
        key: None,
        payload: None,
        headers: Vec::new(),
        reason: "is missing".to_owned(),
        field: "checkoutSessionId".to_owned(),
        at: at(1),
    };
    log.keep(&letter).await?;
    for letter in log.kept(100).await? {
        log.taken(&letter.source).await?;
    }
    Ok(())
}
