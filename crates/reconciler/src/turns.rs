//! Whose turn it is. Pure: a bounded window of each account's due sessions, the earliest deadline first.
//!
//! Sessions wait here either for an instant, or for a token of their account's quota. Tokens pull work:
//! when one is free, the most urgent session that wants that kind of call goes next. What does not fit into
//! an account's window stays in the log's due index, so that a stopped account fills its own window only.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use checkout::{AccountName, SessionId, Timestamp};

use crate::ports::{Call, Due};

#[derive(Debug, Clone)]
struct Entry {
    account: Option<AccountName>,
    deadline: Timestamp,
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
    sleeping: BTreeSet<(Timestamp, SessionId)>,
    wanting: BTreeMap<(AccountName, Call), BTreeSet<(Timestamp, SessionId)>>,
    accounts: BTreeMap<Option<AccountName>, OfAccount>,
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
}

impl Window {
    /// Holds at most `limit` sessions of each account, and as many that the log has just brought up.
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            entries: HashMap::new(),
            sleeping: BTreeSet::new(),
            wanting: BTreeMap::new(),
            accounts: BTreeMap::new(),
            now: Timestamp::from_micros(i64::MIN),
        }
    }

    /// The session wants to be looked at when `until` has come.
    pub fn sleep(
        &mut self,
        id: &SessionId,
        account: Option<&AccountName>,
        deadline: Timestamp,
        until: Timestamp,
    ) {
        let account = account.cloned();
        self.put(
            id,
            Entry {
                account,
                deadline,
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
        deadline: Timestamp,
        call: Call,
        look_at: Option<Timestamp>,
    ) {
        self.put(
            id,
            Entry {
                account: Some(account.clone()),
                deadline,
                until: look_at,
                wants: Some(call),
                brought_up: false,
            },
        );
    }

    /// A session whose instant has come, whoever's came first.
    pub fn wake(&mut self, now: Timestamp) -> Option<SessionId> {
        self.wake_where(now, |_| true).map(|(id, _)| id)
    }

    /// When the next session wants to be looked at.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.next_wake_where(|_| true)
    }

    /// The same, and its account, of those whose account there is room for.
    pub fn wake_where(
        &mut self,
        now: Timestamp,
        has_room: impl Fn(Option<&AccountName>) -> bool,
    ) -> Option<(SessionId, Option<AccountName>)> {
        self.now = now;
        let (until, id) = self.next_where(has_room)?;
        if now < *until {
            return None;
        }
        let id = id.clone();
        let account = self.entries.get(&id).and_then(|entry| entry.account.clone());
        self.remove(&id);
        Some((id, account))
    }

    /// The same, of those whose account there is room for.
    pub fn next_wake_where(&self, has_room: impl Fn(Option<&AccountName>) -> bool) -> Option<Timestamp> {
        self.next_where(has_room).map(|(until, _)| *until)
    }

    fn next_where(&self, has_room: impl Fn(Option<&AccountName>) -> bool) -> Option<&(Timestamp, SessionId)> {
        self.sleeping.iter().find(|(_, id)| {
            let entry = self.entries.get(id);
            has_room(entry.and_then(|entry| entry.account.as_ref()))
        })
    }

    /// The accounts and calls that sessions want tokens for.
    pub fn wanted(&self) -> impl Iterator<Item = &(AccountName, Call)> {
        self.wanting.keys()
    }

    /// The most urgent session that wants this call, and can still be saved. Those past their deadline
    /// come last: nothing can be lost there any more, and they are asked about all the same.
    pub fn pull(&mut self, account: &AccountName, call: Call, now: Timestamp) -> Option<SessionId> {
        self.now = now;
        let wanting = self.wanting.get(&(account.clone(), call))?;
        let saved = wanting
            .iter()
            .find(|(deadline, _)| now < *deadline)
            .or_else(|| wanting.first());
        let id = saved.map(|(_, id)| id.clone())?;
        self.remove(&id);
        Some(id)
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
                    deadline: due.deadline,
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
        if let Some(of_account) = self.accounts.get_mut(&entry.account) {
            of_account.by_deadline.remove(&(entry.deadline, id.clone()));
            if let (Some(until), None) = (entry.until, entry.wants) {
                of_account.sleeping.remove(&(until, id.clone()));
                of_account.brought_up.remove(&(until, id.clone()));
            }
            if of_account.by_deadline.is_empty() && of_account.brought_up.is_empty() {
                self.accounts.remove(&entry.account);
            }
        }
        if let Some(until) = entry.until {
            self.sleeping.remove(&(until, id.clone()));
        }
        if let (Some(account), Some(call)) = (entry.account, entry.wants) {
            let key = (account, call);
            if let Some(wanting) = self.wanting.get_mut(&key) {
                wanting.remove(&(entry.deadline, id.clone()));
                if wanting.is_empty() {
                    self.wanting.remove(&key);
                }
            }
        }
    }

    fn put(&mut self, id: &SessionId, entry: Entry) {
        self.remove(id);
        let of_account = self.accounts.entry(entry.account.clone()).or_default();
        if !entry.brought_up {
            of_account.by_deadline.insert((entry.deadline, id.clone()));
        }
        if let Some(until) = entry.until {
            self.sleeping.insert((until, id.clone()));
            if entry.brought_up {
                of_account.brought_up.insert((until, id.clone()));
            } else if entry.wants.is_none() {
                of_account.sleeping.insert((until, id.clone()));
            }
        }
        if let (Some(account), Some(call)) = (&entry.account, entry.wants) {
            let wanting = self.wanting.entry((account.clone(), call)).or_default();
            wanting.insert((entry.deadline, id.clone()));
        }
        // Whoever sleeps longest leaves first, then of those past their deadline the latest, then the least urgent:
        // the log's due index brings it back.
        let overflow = if of_account.by_deadline.len() > self.limit {
            let now = self.now;
            let too_late = || {
                of_account
                    .by_deadline
                    .iter()
                    .take_while(|(deadline, _)| *deadline <= now)
                    .last()
            };
            let sleeper = of_account.sleeping.last();
            sleeper
                .or_else(too_late)
                .or_else(|| of_account.by_deadline.last())
                .cloned()
        } else if of_account.brought_up.len() > self.limit {
            of_account.brought_up.last().cloned()
        } else {
            None
        };
        self.entries.insert(id.clone(), entry);
        if let Some((_, leaving)) = overflow {
            self.remove(&leaving);
        }
    }
}
