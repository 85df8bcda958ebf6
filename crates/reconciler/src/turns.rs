//! Whose turn it is. Pure: a bounded window of each account's due sessions, the earliest deadline first.
//!
//! Sessions wait here either for an instant, or for a token of their account's quota. Tokens pull work:
//! when one is free, the most urgent session that wants that kind of call goes next. What does not fit into
//! an account's window stays in the log's due index, so that a stopped account fills its own window only.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use checkout::{AccountName, SessionId, Timestamp};

use crate::ports::Call;

/// Where a session waits.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Until(Timestamp),
    For(Call),
}

#[derive(Debug, Clone)]
struct Entry {
    account: Option<AccountName>,
    deadline: Timestamp,
    place: Place,
}

/// The due sessions of every account, each account's number bounded.
#[derive(Debug)]
pub struct Window {
    limit: usize,
    entries: HashMap<SessionId, Entry>,
    sleeping: BTreeSet<(Timestamp, SessionId)>,
    wanting: BTreeMap<(AccountName, Call), BTreeSet<(Timestamp, SessionId)>>,
    by_deadline: BTreeMap<Option<AccountName>, BTreeSet<(Timestamp, SessionId)>>,
}

impl Window {
    /// Holds at most `limit` sessions of each account.
    pub fn new(limit: usize) -> Self {
        Self {
            limit: limit.max(1),
            entries: HashMap::new(),
            sleeping: BTreeSet::new(),
            wanting: BTreeMap::new(),
            by_deadline: BTreeMap::new(),
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
        self.put(id, account, deadline, Place::Until(until));
    }

    /// The session wants a token for `call`.
    pub fn want(&mut self, id: &SessionId, account: &AccountName, deadline: Timestamp, call: Call) {
        self.put(id, Some(account), deadline, Place::For(call));
    }

    /// The sessions whose instant has come, the earliest deadline first.
    pub fn wake(&mut self, now: Timestamp) -> Vec<SessionId> {
        let mut awake = Vec::new();
        while let Some((until, id)) = self.sleeping.first().cloned() {
            if now < until {
                break;
            }
            let deadline = self.entries.get(&id).map(|entry| entry.deadline);
            self.remove(&id);
            awake.push((deadline, id));
        }
        awake.sort();
        awake.into_iter().map(|(_, id)| id).collect()
    }

    /// When the next session wants to be looked at.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.sleeping.first().map(|(until, _)| *until)
    }

    /// The accounts and calls that sessions want tokens for.
    pub fn wanted(&self) -> impl Iterator<Item = &(AccountName, Call)> {
        self.wanting.keys()
    }

    /// The most urgent session that wants this call, and can still be saved. Those past their deadline
    /// come last: nothing can be lost there any more, and they are asked about all the same.
    pub fn pull(&mut self, account: &AccountName, call: Call, now: Timestamp) -> Option<SessionId> {
        let wanting = self.wanting.get(&(account.clone(), call))?;
        let saved = wanting
            .iter()
            .find(|(deadline, _)| now < *deadline)
            .or_else(|| wanting.first());
        let id = saved.map(|(_, id)| id.clone())?;
        self.remove(&id);
        Some(id)
    }

    /// How many sessions stand before this one for the same account, and it: 1 for the next.
    pub fn place(&self, id: &SessionId) -> Option<usize> {
        let entry = self.entries.get(id)?;
        let all = self.by_deadline.get(&entry.account)?;
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

    fn put(&mut self, id: &SessionId, account: Option<&AccountName>, deadline: Timestamp, place: Place) {
        self.remove(id);
        let account = account.cloned();
        let entry = Entry {
            account: account.clone(),
            deadline,
            place,
        };
        match &entry.place {
            Place::Until(until) => {
                self.sleeping.insert((*until, id.clone()));
            }
            Place::For(call) => {
                if let Some(account) = &account {
                    let key = (account.clone(), *call);
                    self.wanting
                        .entry(key)
                        .or_default()
                        .insert((deadline, id.clone()));
                }
            }
        }
        let all = self.by_deadline.entry(account).or_default();
        all.insert((deadline, id.clone()));
        let overflow = (all.len() > self.limit)
            .then(|| all.last().map(|(_, id)| id.clone()))
            .flatten();
        self.entries.insert(id.clone(), entry);
        // The least urgent one leaves; the log's due index brings it back when there is room.
        if let Some(least_urgent) = overflow {
            self.remove(&least_urgent);
        }
    }

    /// Forgets a session.
    pub fn remove(&mut self, id: &SessionId) {
        let Some(entry) = self.entries.remove(id) else {
            return;
        };
        match entry.place {
            Place::Until(until) => {
                self.sleeping.remove(&(until, id.clone()));
            }
            Place::For(call) => {
                if let Some(account) = &entry.account {
                    let key = (account.clone(), call);
                    if let Some(wanting) = self.wanting.get_mut(&key) {
                        wanting.remove(&(entry.deadline, id.clone()));
                        if wanting.is_empty() {
                            self.wanting.remove(&key);
                        }
                    }
                }
            }
        }
        if let Some(all) = self.by_deadline.get_mut(&entry.account) {
            all.remove(&(entry.deadline, id.clone()));
            if all.is_empty() {
                self.by_deadline.remove(&entry.account);
            }
        }
    }
}
