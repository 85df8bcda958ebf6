//! A bounded window of each account's due sessions, the earliest deadline first.
//!
//! Sessions wait here either for an instant, or for a token of their account's quota. Tokens pull work:
//! when one is free, the most urgent session that wants that kind of call goes next. What does not fit into
//! an account's window stays in the log's due index, so that a stopped account fills its own window only.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use checkout::{AccountName, SessionId, Timestamp};

use super::Plan;
use super::waiting::{Claim, Pace, Rank, Waiting};
use crate::ports::{Call, Due, PassedOver};

const TICK: Duration = Duration::from_micros(1);

fn long_ago() -> Timestamp {
    Timestamp::from_micros(i64::MIN)
}

#[derive(Debug, Clone)]
struct Entry {
    account: Option<AccountName>,
    claim: Claim,
    /// When it wants to be looked at, with or without a token.
    until: Option<Timestamp>,
    /// The token that it waits for.
    wants: Option<Call>,
    /// The log has just brought it up, and it has not been looked at since.
    brought_up: bool,
}

/// The due sessions of every account, each account's number bounded.
#[derive(Debug)]
pub struct Window {
    limit: usize,
    entries: HashMap<SessionId, Entry>,
    accounts: BTreeMap<Option<AccountName>, OfAccount>,
    /// The instant at which somebody of an account wants to be looked at next.
    waking: BTreeSet<Waking>,
    /// How often somebody was woken.
    looks: u64,
    /// Who waits for a token.
    lines: BTreeMap<(AccountName, Call), Waiting>,
    paces: BTreeMap<AccountName, Pace>,
    /// When it was last asked: whose deadline was past then leaves before anybody who can still be saved.
    now: Timestamp,
}

/// The sessions of one account: all, and those that only wait for an instant. Beside them, with as much room
/// of their own, those that the log has just brought up: however full the window is, they get to be looked at,
/// and take a place in it, or none, by what they want then.
#[derive(Debug, Default)]
struct OfAccount {
    by_deadline: BTreeSet<(Timestamp, SessionId)>,
    sleeping: BTreeSet<(Timestamp, SessionId)>,
    brought_up: BTreeSet<(Timestamp, SessionId)>,
    /// Those that wait for a token and are given up.
    given_up: BTreeSet<(Timestamp, SessionId)>,
    /// Everybody who wants to be looked at some time, by when.
    until: BTreeSet<(Timestamp, SessionId)>,
    /// Whose time has come, by their deadline.
    awake: BTreeSet<(Timestamp, SessionId)>,
    /// Which look at the account's sessions was the last, of all.
    looks: u64,
}

/// Whose time comes first; of those who wait alike, the account that has not been looked at for longest.
type Waking = (Timestamp, u64, Option<AccountName>);

impl OfAccount {
    fn is_empty(&self) -> bool {
        self.by_deadline.is_empty() && self.brought_up.is_empty()
    }

    /// When somebody wants to be looked at next, as it stands in the order of all accounts.
    fn waking(&self, account: &Option<AccountName>) -> Option<Waking> {
        let at = if self.awake.is_empty() {
            self.until.first().map(|(until, _)| *until)?
        } else {
            long_ago()
        };
        Some((at, self.looks, account.clone()))
    }
}

impl Window {
    /// Holds at most `limit` sessions of each account, and as many that the log has just brought up.
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            entries: HashMap::new(),
            accounts: BTreeMap::new(),
            waking: BTreeSet::new(),
            looks: 0,
            lines: BTreeMap::new(),
            paces: BTreeMap::new(),
            now: long_ago(),
        }
    }

    /// The part of this account's tokens, 0 to 1, that goes to checkouts whose buyers wait while there is a backlog.
    /// None of it before this is set; and none while somebody would be lost by it.
    pub fn set_fresh_share(&mut self, account: &AccountName, fresh_share: f64) {
        self.paces.entry(account.clone()).or_default().fresh_share = fresh_share;
    }

    /// What is planned for the account from now on.
    pub fn set_plan(&mut self, account: &AccountName, plan: Plan) {
        let pace = self.paces.entry(account.clone()).or_default();
        let same_order = pace.plan.has_same_order_as(&plan);
        pace.plan = plan;
        if same_order {
            return;
        }
        let of_account = self.accounts.entry(Some(account.clone())).or_default();
        of_account.given_up.clear();
        for ((of, _), line) in &mut self.lines {
            if of != account {
                continue;
            }
            let waiting: Vec<_> = std::mem::take(&mut line.kept)
                .into_iter()
                .chain(std::mem::take(&mut line.given_up))
                .collect();
            for (deadline, id) in waiting {
                let Some(entry) = self.entries.get(&id) else {
                    continue;
                };
                match pace.rank(&entry.claim, self.now) {
                    Rank::Kept => line.kept.insert((deadline, id)),
                    Rank::GivenUp => {
                        of_account.given_up.insert((deadline, id.clone()));
                        line.given_up.insert((deadline, id))
                    }
                    Rank::Late => line.late.insert((deadline, id)),
                };
            }
        }
        if of_account.is_empty() {
            self.accounts.remove(&Some(account.clone()));
        }
    }

    /// What is planned for the account.
    pub fn plan(&self, account: &AccountName) -> Option<&Plan> {
        self.paces.get(account).map(|pace| &pace.plan)
    }

    /// Whom the plans give up, for the log's due index.
    pub fn passed_over(&self) -> Vec<PassedOver> {
        let of_account = |(account, pace): (&AccountName, &Pace)| {
            let account = account.clone();
            let given_up = pace.plan.given_up().into_iter();
            given_up.map(move |given_up| PassedOver {
                account: account.clone(),
                given_up,
            })
        };
        self.paces.iter().flat_map(of_account).collect()
    }

    /// The session wants to be looked at when `until` has come.
    pub fn sleep(
        &mut self,
        id: &SessionId,
        account: Option<&AccountName>,
        deadline: Timestamp,
        until: Timestamp,
    ) {
        self.put(
            id,
            Entry {
                account: account.cloned(),
                claim: Claim {
                    deadline,
                    amount: None,
                    fresh_until: long_ago(),
                },
                until: Some(until),
                wants: None,
                brought_up: false,
            },
        );
    }

    /// The session wants a token for `call`; while it waits, it wants to be looked at when `look_at` has come.
    pub fn want(
        &mut self,
        id: &SessionId,
        account: &AccountName,
        claim: Claim,
        call: Call,
        look_at: Option<Timestamp>,
    ) {
        self.put(
            id,
            Entry {
                account: Some(account.clone()),
                claim,
                until: look_at,
                wants: Some(call),
                brought_up: false,
            },
        );
    }

    /// A session whose instant has come.
    pub fn wake(&mut self, now: Timestamp) -> Option<SessionId> {
        self.wake_where(now, |_| true).map(|(id, _)| id)
    }

    /// When the next session wants to be looked at.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.next_wake_where(|_| true)
    }

    /// A session whose instant has come, and its account, of those whose account there is room for: the account
    /// that has waited longest, and of its sessions the most urgent.
    pub fn wake_where(
        &mut self,
        now: Timestamp,
        has_room: impl Fn(Option<&AccountName>) -> bool,
    ) -> Option<(SessionId, Option<AccountName>)> {
        self.now = now;
        let just_woken = self
            .waking
            .range((long_ago().plus(TICK), 0, None)..(now.plus(TICK), 0, None));
        for account in just_woken
            .map(|(_, _, account)| account.clone())
            .collect::<Vec<_>>()
        {
            self.rouse(&account);
        }
        let (at, _, account) = self.next_where(has_room)?.clone();
        if now < at {
            return None;
        }
        self.rouse(&account);
        self.looks += 1;
        let of_account = self.accounts.get_mut(&account)?;
        let before = of_account.waking(&account);
        of_account.looks = self.looks;
        let after = of_account.waking(&account);
        let can_be_saved = of_account.awake.iter().find(|(deadline, _)| now < *deadline);
        let first = can_be_saved.or_else(|| of_account.awake.first());
        let id = first.map(|(_, id)| id.clone());
        self.note_waking(before, after);
        let id = id?;
        self.remove(&id);
        Some((id, account))
    }

    /// Those of the account whose time has come are awake.
    fn rouse(&mut self, account: &Option<AccountName>) {
        let Some(of_account) = self.accounts.get_mut(account) else {
            return;
        };
        let before = of_account.waking(account);
        while of_account
            .until
            .first()
            .is_some_and(|(until, _)| *until <= self.now)
        {
            let Some((_, id)) = of_account.until.pop_first() else {
                break;
            };
            if let Some(entry) = self.entries.get(&id) {
                of_account.awake.insert((entry.claim.deadline, id));
            }
        }
        let after = of_account.waking(account);
        self.note_waking(before, after);
    }

    /// When the next session of an account that there is room for wants to be looked at.
    pub fn next_wake_where(&self, has_room: impl Fn(Option<&AccountName>) -> bool) -> Option<Timestamp> {
        self.next_where(has_room).map(|(at, _, _)| *at)
    }

    fn next_where(&self, has_room: impl Fn(Option<&AccountName>) -> bool) -> Option<&Waking> {
        self.waking
            .iter()
            .find(|(_, _, account)| has_room(account.as_ref()))
    }

    /// The accounts and calls that sessions want tokens for.
    pub fn wanted(&self) -> impl Iterator<Item = &(AccountName, Call)> {
        self.lines.keys()
    }

    /// Whose turn it is to make this call: the most urgent session that wants it and can still be saved, or now and
    /// then one whose buyer waits. Those that the plan gives up come after all of these, and those past their deadline
    /// last: nothing can be lost there any more, and they are asked about all the same.
    pub fn pull(&mut self, account: &AccountName, call: Call, now: Timestamp) -> Option<SessionId> {
        self.now = now;
        let line = self.lines.get_mut(&(account.clone(), call))?;
        line.go_on(now);
        let pace = self.paces.entry(account.clone()).or_default();
        // Whoever came last is the likeliest to be still there.
        let fresh = line.fresh.last().filter(|_| pace.has_one_for_the_fresh(call));
        let id = if let Some((_, id)) = fresh {
            pace.spend_on_the_fresh(call);
            id.clone()
        } else {
            pace.spend_in_order(call);
            line.first()?.1.1.clone()
        };
        self.remove(&id);
        Some(id)
    }

    /// Whether a session that has not stood in line may have a token that is free: nobody waits for it who would go
    /// first.
    pub fn may_go_first(&mut self, account: &AccountName, call: Call, claim: &Claim, now: Timestamp) -> bool {
        self.now = self.now.max(now);
        let Some(line) = self.lines.get_mut(&(account.clone(), call)) else {
            return true;
        };
        line.go_on(now);
        let pace = self.paces.entry(account.clone()).or_default();
        let rank = pace.rank(claim, now);
        let first = line.first();
        if first.is_none_or(|(first, (deadline, _))| (rank, claim.deadline) < (first, *deadline)) {
            pace.spend_in_order(call);
            return true;
        }
        let fresh = now < claim.fresh_until && pace.has_one_for_the_fresh(call);
        if fresh {
            pace.spend_on_the_fresh(call);
        }
        fresh
    }

    /// How many sessions stand before this one for the same account, and it: 1 for the next. None for one
    /// that has no place yet.
    pub fn place(&self, id: &SessionId) -> Option<usize> {
        let entry = self.entries.get(id)?;
        let all = &self.accounts.get(&entry.account)?.by_deadline;
        all.iter()
            .position(|(_, other)| other == id)
            .map(|before| before + 1)
    }

    /// How many sessions it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The log says that the session is due: it is taken in, or woken earlier than it meant to be. One that
    /// waits for a token goes on waiting: it has said itself when it wants to be looked at meanwhile.
    pub fn note_due(&mut self, due: &Due) {
        let asleep_past_it = match self.entries.get(&due.id) {
            None => true,
            Some(known) => known.wants.is_none() && known.until.is_none_or(|until| due.due_at < until),
        };
        if asleep_past_it {
            self.put(
                &due.id,
                Entry {
                    account: due.account.clone(),
                    claim: Claim {
                        deadline: due.deadline,
                        amount: None,
                        fresh_until: long_ago(),
                    },
                    until: Some(due.due_at),
                    wants: None,
                    brought_up: true,
                },
            );
        }
    }

    /// Forgets a session.
    pub fn remove(&mut self, id: &SessionId) {
        let Some(entry) = self.entries.remove(id) else {
            return;
        };
        let deadline = entry.claim.deadline;
        if let Some(of_account) = self.accounts.get_mut(&entry.account) {
            let before = of_account.waking(&entry.account);
            of_account.by_deadline.remove(&(deadline, id.clone()));
            of_account.awake.remove(&(deadline, id.clone()));
            of_account.given_up.remove(&(deadline, id.clone()));
            if let Some(until) = entry.until {
                let by_time = (until, id.clone());
                of_account.sleeping.remove(&by_time);
                of_account.brought_up.remove(&by_time);
                of_account.until.remove(&by_time);
            }
            let (after, is_empty) = (of_account.waking(&entry.account), of_account.is_empty());
            self.note_waking(before, after);
            if is_empty {
                self.accounts.remove(&entry.account);
            }
        }
        if let (Some(account), Some(call)) = (entry.account, entry.wants) {
            let key = (account, call);
            if let Some(line) = self.lines.get_mut(&key) {
                line.remove(&entry.claim, id);
                if line.is_empty() {
                    self.lines.remove(&key);
                }
            }
        }
    }

    fn note_waking(&mut self, before: Option<Waking>, after: Option<Waking>) {
        if before != after {
            if let Some(before) = before {
                self.waking.remove(&before);
            }
            self.waking.extend(after);
        }
    }

    fn put(&mut self, id: &SessionId, entry: Entry) {
        self.remove(id);
        let deadline = entry.claim.deadline;
        let of_account = self.accounts.entry(entry.account.clone()).or_default();
        let before = of_account.waking(&entry.account);
        if !entry.brought_up {
            of_account.by_deadline.insert((deadline, id.clone()));
        }
        if let Some(until) = entry.until {
            of_account.until.insert((until, id.clone()));
            if entry.brought_up {
                of_account.brought_up.insert((until, id.clone()));
            } else if entry.wants.is_none() {
                of_account.sleeping.insert((until, id.clone()));
            }
        }
        if let (Some(account), Some(call)) = (&entry.account, entry.wants) {
            let pace = self.paces.get(account);
            let rank = pace.map_or(Rank::Kept, |pace| pace.rank(&entry.claim, self.now));
            let line = self.lines.entry((account.clone(), call)).or_default();
            match rank {
                Rank::Kept => line.kept.insert((deadline, id.clone())),
                Rank::GivenUp => {
                    of_account.given_up.insert((deadline, id.clone()));
                    line.given_up.insert((deadline, id.clone()))
                }
                Rank::Late => line.late.insert((deadline, id.clone())),
            };
            if self.now < entry.claim.fresh_until {
                line.fresh.insert((entry.claim.fresh_until, id.clone()));
            }
        }
        let after = of_account.waking(&entry.account);
        let leaving = of_account.leaving(self.limit, self.now);
        self.note_waking(before, after);
        self.entries.insert(id.clone(), entry);
        if let Some(leaving) = leaving {
            self.remove(&leaving);
        }
    }
}

impl OfAccount {
    /// Who leaves where there are too many: whoever sleeps longest, then of those given up and of those past their
    /// deadline the latest, then the least urgent. The log's due index brings it back.
    fn leaving(&self, limit: usize, now: Timestamp) -> Option<SessionId> {
        let leaving = if self.by_deadline.len() > limit {
            let too_late = || {
                let by_deadline = self.by_deadline.iter();
                by_deadline.take_while(|(deadline, _)| *deadline <= now).last()
            };
            let sleeper = self.sleeping.last();
            let given_up = self.given_up.last();
            sleeper
                .or(given_up)
                .or_else(too_late)
                .or_else(|| self.by_deadline.last())
        } else if self.brought_up.len() > limit {
            self.brought_up.last()
        } else {
            None
        };
        leaving.map(|(_, id)| id.clone())
    }
}
