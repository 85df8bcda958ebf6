//! Who is worked on at the same time.

use std::collections::BTreeMap;
use std::future::pending;
use std::time::Duration;

use checkout::{
    Answer, Backoff, ChargeAnswer, ChargePermissionType, Class, ConfirmAnswer, LookUpAnswer, Mode, Near,
    Order, Policy, PrivateRef, Statement, Work as WhatToConfirm,
};
use reconciler::ports::Attempt;
use reconciler::turns::{Claim, Line, Window};
use reconciler::{Announcement, Personal, Policies};
use session_log::{Log, Options};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;
use crate::chance::Drawn;

/// Has a token for everybody and tells who asks.
struct Amazon {
    asks: UnboundedSender<AccountName>,
    /// Look-ups, and then that it failed.
    answers: bool,
}

impl Turns for Amazon {
    type Turn = ();

    fn knows(&self, _: &AccountName) -> bool {
        true
    }

    fn turn(&self, _: &AccountName, _: Call) -> Result<(), NoTurn> {
        Ok(())
    }
}

impl ConfirmCheckout for Amazon {
    fn request_body(&self, _: &Order, _: &Personal) -> Vec<u8> {
        Vec::new()
    }

    async fn confirm(&self, (): (), _: Attempt) -> ConfirmAnswer {
        pending().await
    }
}

impl LookUp for Amazon {
    async fn look_up(
        &self,
        (): (),
        account: &AccountName,
        _: &SessionId,
        _: Option<&str>,
    ) -> (LookUpAnswer, Option<Personal>) {
        self.asks.send(account.clone()).unwrap();
        if !self.answers {
            pending::<()>().await;
        }
        let failed = LookUpAnswer::Failed {
            class: Class::Retry,
            retry_after: Some(Duration::from_secs(300)),
            answer: Answer::default(),
        };
        (failed, None)
    }

    async fn look_up_charge(&self, (): (), _: &AccountName, _: &str, _: Option<&str>) -> ChargeAnswer {
        pending().await
    }
}

struct TellsNobody;

impl Outlet for TellsNobody {
    fn offer(&self, _: Vec<Announcement>) {}
}

type Tested = Reconciler<Log, Amazon, ProgramClock, Drawn, TellsNobody>;

/// Looks up what it sees first, and does no more.
fn watching() -> Policy {
    Policy {
        mode: Mode::Watch,
        near: Near::Alert,
        cancel_before: Duration::from_secs(45 * 60),
        alert_before: Vec::new(),
        last_attempt_before: Duration::from_secs(60),
        retry: Backoff {
            first: Duration::from_secs(1),
            max: Duration::from_secs(300),
        },
        attempt_timeout: Duration::from_secs(30),
        personal_data_for: Duration::from_secs(3600),
    }
}

async fn reconciler(answers: bool) -> (Arc<Tested>, UnboundedReceiver<AccountName>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/log.db", folder.path().display());
    let options = Options {
        usable_schema_only: false,
        ..Options::default()
    };
    let log = Log::open(&url, options).await.unwrap();
    log.migrate().await.unwrap();
    let (asks, asked) = unbounded_channel();
    let reconciler = Reconciler {
        log,
        amazon: Amazon { asks, answers },
        clock: ProgramClock::System,
        chance: Drawn::from_seed(1),
        outlet: TellsNobody,
        policies: Policies {
            otherwise: watching(),
            of_account: BTreeMap::new(),
        },
        line: Line::new(Window::new(WINDOW)),
    };
    (Arc::new(reconciler), asked, folder)
}

fn account(name: &str) -> AccountName {
    AccountName::parse(name).unwrap()
}

/// Sessions of an account, on record.
async fn sessions(reconciler: &Tested, account: &AccountName, count: usize) -> Vec<SessionId> {
    let order = Order {
        work: WhatToConfirm::SetUpWallet,
        permission_type: ChargePermissionType::PaymentMethodOnFile,
        total_order_amount: None,
        can_handle_pending: false,
        has_address: true,
    };
    let ids: Vec<SessionId> = (0..count)
        .map(|n| SessionId::parse(&format!("{account}-{n}")).unwrap())
        .collect();
    let arrivals = ids.iter().map(|id| Arrival {
        id: id.clone(),
        statement: Statement {
            account: Some(account.clone()),
            merchant_reference_id: None,
            order: Some(order),
            flaw: None,
            private: PrivateRef(0),
        },
        personal: Personal::default(),
        said_at: reconciler.clock.now(),
        session_created_at: Some(reconciler.clock.now()),
        traceparent: None,
        partition: 0,
    });
    reconciler.record_only(arrivals.collect()).await.unwrap();
    ids
}

fn needs_turn(account: &AccountName, now: Timestamp) -> Advanced {
    Advanced::NeedsTurn {
        account: account.clone(),
        call: Call::LookUp,
        because: NoTurn::Until(now),
        claim: Claim {
            deadline: now.plus(Policy::LIFETIME),
            amount: None,
            fresh_until: now,
        },
        look_at: None,
    }
}

#[tokio::test]
async fn an_account_that_does_not_answer_leaves_room_for_the_others() {
    for asleep in [false, true] {
        let (reconciler, mut asked, _folder) = reconciler(false).await;
        let (inbox, handed) = inbox();
        let now = reconciler.clock.now();
        for (name, count) in [("slow", AT_ONCE + 1), ("quick", 1)] {
            let account = account(name);
            let advanced = if asleep {
                Advanced::Waits {
                    until: now,
                    account: Some(account.clone()),
                    deadline: now.plus(Policy::LIFETIME),
                }
            } else {
                needs_turn(&account, now)
            };
            let ids = sessions(&reconciler, &account, count).await;
            let ids = ids.into_iter().map(|id| (id, advanced.clone())).collect();
            inbox.hand(Handed::ToAdvance(ids)).await;
        }
        let others = async {
            let mut slow = 0;
            while asked.recv().await != Some(account("quick")) {
                slow += 1;
                assert!(slow <= AT_ONCE_OF_ONE, "{slow} of one account");
            }
        };
        tokio::select! {
            ended = work(reconciler.clone(), handed, CancellationToken::new()) => panic!("{ended:?}"),
            () = others => {}
        }
    }
}

#[tokio::test]
async fn whoever_is_done_makes_room_for_the_next_of_its_account() {
    let (reconciler, mut asked, _folder) = reconciler(true).await;
    let shop = account("shop");
    let needs_turn = needs_turn(&shop, reconciler.clock.now());
    let ids = sessions(&reconciler, &shop, AT_ONCE_OF_ONE + 1).await;
    let mut work = Work {
        busy: HashSet::new(),
        slots: Slots::default(),
        running: JoinSet::new(),
        token_at: None,
        reconciler,
    };
    let waiting = ids.into_iter().map(|id| (id, needs_turn.clone())).collect();
    work.handed(Handed::ToAdvance(waiting));
    work.dispatch();
    assert_eq!(work.running.len(), AT_ONCE_OF_ONE);
    while let Some(ended) = work.running.join_next().await {
        work.ended(ended).unwrap();
        work.dispatch();
    }
    drop(work);
    let mut count = 0;
    while asked.recv().await.is_some() {
        count += 1;
    }
    assert_eq!(count, AT_ONCE_OF_ONE + 1);
}

#[test]
fn everybody_finds_some_room_when_slow_accounts_have_taken_all() {
    let mut slots = Slots::default();
    let mut taken = 0;
    for slow in ["a", "b", "c", "d", "e"].map(account) {
        while slots.has_room(Some(&slow)) {
            slots.take(Some(&slow));
            taken += 1;
        }
    }
    assert_eq!(taken, AT_ONCE + ALWAYS);
    for _ in 0..ALWAYS {
        assert!(slots.has_room(Some(&account("f"))) && slots.has_room(None));
        slots.take(Some(&account("f")));
        slots.take(None);
    }
    assert!(!slots.has_room(Some(&account("f"))) && !slots.has_room(None));
    slots.give_back(Some(&account("f")));
    slots.give_back(None);
    assert!(slots.has_room(Some(&account("f"))) && slots.has_room(None));
    assert!(!slots.has_room(Some(&account("a"))));
}

#[test]
fn whoever_wakes_leaves_room_for_those_whose_turn_comes() {
    let mut slots = Slots::default();
    let shop = account("shop");
    while slots.has_room_for_the_woken(Some(&shop)) {
        slots.take(Some(&shop));
    }
    let mut left = 0;
    while slots.has_room(Some(&shop)) {
        slots.take(Some(&shop));
        left += 1;
    }
    assert_eq!(left, FOR_TOKENS);
}
