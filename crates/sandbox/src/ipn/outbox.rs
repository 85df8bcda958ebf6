//! What is to be posted, to whom and when: decides, and posts nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rand::RngExt as _;
use rand::rngs::StdRng;
use tokio::sync::watch;

use crate::ipn::mail::{self, Mail};
use crate::ipn::post::Address;
use crate::ipn::signing::Signing;
use crate::ipn::{IpnFault, IpnFaultKind, NotificationBook, NotificationState, SnsSignature};
use crate::objects::later;
use crate::options::Region;
use crate::wire::merchants::Merchant;
use crate::world::changes::Change;
use crate::world::ids::Ids;

/// Redelivery is hourly, for about three hours.
const AGAIN_AFTER: Duration = Duration::from_hours(1);
const MOST_FAILURES: u32 = 4;
/// How long a notification waits for another that overtakes it.
const HELD_BACK_FOR: Duration = Duration::from_secs(60);

/// Where a merchant's notifications go, and as whose.
#[derive(Clone)]
pub(crate) struct Subscription {
    pub(crate) address: Address,
    pub(crate) version: SnsSignature,
    pub(crate) topic: String,
    pub(crate) merchant_id: String,
    pub(crate) region: Region,
    pub(crate) signing: Arc<Signing>,
}

/// A notification on its way.
struct Notice {
    change: Change,
    id: String,
    mail: Mail,
    to: Arc<Subscription>,
    state: NotificationState,
    /// How many deliveries are still owed.
    copies: u32,
    due: Timestamp,
    /// Waits for the merchant's next one.
    held: bool,
    tries: u32,
    delivered: u32,
    failures: u32,
    last_status: Option<u16>,
    fault: Option<IpnFaultKind>,
}

/// What a merchant's task does next.
pub(crate) enum Next {
    Post {
        notice: usize,
        to: Arc<Subscription>,
        mail: Mail,
    },
    /// Something is due then, or nothing is yet.
    Wait(Option<Timestamp>),
    /// Nothing is sent for this merchant.
    Rest,
}

struct Posted {
    fault: IpnFault,
    merchant: Option<usize>,
    struck: u64,
}

pub(crate) struct Outbox {
    /// How many changes have been looked at.
    read: usize,
    subscriptions: BTreeMap<usize, Arc<Subscription>>,
    notices: Vec<Notice>,
    faults: Vec<Posted>,
    chance: StdRng,
    ids: Ids,
    configured: watch::Sender<()>,
}

impl Outbox {
    pub(crate) fn new(chance: StdRng, ids: Ids) -> Self {
        Self {
            read: 0,
            subscriptions: BTreeMap::new(),
            notices: Vec::new(),
            faults: Vec::new(),
            chance,
            ids,
            configured: watch::Sender::new(()),
        }
    }

    /// Wakes the tasks when an address comes or goes.
    pub(crate) fn configured(&self) -> watch::Receiver<()> {
        self.configured.subscribe()
    }

    pub(crate) fn subscription(&self, merchant: usize) -> Option<&Subscription> {
        self.subscriptions.get(&merchant).map(Arc::as_ref)
    }

    /// What changes from now on is posted there. To be called after [`take_in`](Self::take_in).
    pub(crate) fn subscribe(&mut self, merchant: usize, subscription: Subscription) {
        self.subscriptions.insert(merchant, Arc::new(subscription));
        self.configured.send_replace(());
    }

    /// Nothing more is posted, not even what waits.
    pub(crate) fn unsubscribe(&mut self, merchant: usize) {
        self.subscriptions.remove(&merchant);
        for notice in &mut self.notices {
            if notice.change.merchant == merchant && notice.state == NotificationState::Waiting {
                notice.state = NotificationState::Dropped;
            }
        }
        self.configured.send_replace(());
    }

    pub(crate) fn post_fault(&mut self, fault: IpnFault, merchant: Option<usize>) {
        self.faults.push(Posted {
            fault,
            merchant,
            struck: 0,
        });
    }

    pub(crate) fn clear_faults(&mut self) {
        self.faults.clear();
    }

    /// Makes notifications of the changes that it has not seen.
    pub(crate) fn take_in(&mut self, changes: &[Change], now: Timestamp) {
        let unseen = changes.get(self.read..).unwrap_or_default();
        self.read = changes.len();
        for change in unseen {
            let Some(to) = self.subscriptions.get(&change.merchant).cloned() else {
                continue;
            };
            let fault = self.strike(change.merchant);
            let id = self.ids.uuid();
            let mail = Mail {
                topic: to.topic.clone(),
                message_id: self.ids.uuid(),
                published: now,
                message: mail::message(&to.merchant_id, &id, change),
                region: to.region,
                version: to.version,
            };
            let held = fault == Some(IpnFaultKind::Reorder);
            self.notices.push(Notice {
                change: change.clone(),
                id,
                mail,
                to,
                state: match fault {
                    Some(IpnFaultKind::Drop) => NotificationState::Dropped,
                    Some(IpnFaultKind::Duplicate | IpnFaultKind::Reorder) | None => {
                        NotificationState::Waiting
                    }
                },
                copies: if fault == Some(IpnFaultKind::Duplicate) {
                    2
                } else {
                    1
                },
                due: if held { later(now, HELD_BACK_FOR) } else { now },
                held,
                tries: 0,
                delivered: 0,
                failures: 0,
                last_status: None,
                fault,
            });
        }
    }

    fn strike(&mut self, merchant: usize) -> Option<IpnFaultKind> {
        for posted in &mut self.faults {
            let fault = &posted.fault;
            let fits = posted.merchant.is_none_or(|only| only == merchant)
                && fault.times.is_none_or(|times| posted.struck < times);
            if fits && self.chance.random_bool(fault.probability) {
                posted.struck += 1;
                return Some(fault.kind);
            }
        }
        None
    }

    pub(crate) fn next(&self, merchant: usize, now: Timestamp) -> Next {
        if !self.subscriptions.contains_key(&merchant) {
            return Next::Rest;
        }
        let waiting = self.notices.iter().enumerate().filter(|(_, notice)| {
            notice.change.merchant == merchant && notice.state == NotificationState::Waiting
        });
        match waiting.min_by_key(|(index, notice)| (notice.due, *index)) {
            Some((index, notice)) if notice.due <= now => Next::Post {
                notice: index,
                to: notice.to.clone(),
                mail: notice.mail.clone(),
            },
            waiting => Next::Wait(waiting.map(|(_, notice)| notice.due)),
        }
    }

    /// How posting went; no status where no answer came.
    pub(crate) fn posted(&mut self, index: usize, status: Option<u16>, now: Timestamp) {
        let Some(notice) = self.notices.get_mut(index) else {
            return;
        };
        notice.tries += 1;
        notice.last_status = status;
        notice.held = false;
        let merchant = notice.change.merchant;
        match status {
            Some(200..=299) => {
                notice.delivered += 1;
                notice.copies -= 1;
                if notice.copies == 0 {
                    notice.state = NotificationState::Delivered;
                }
            }
            Some(500..=599) | None => {
                notice.failures += 1;
                notice.due = later(now, AGAIN_AFTER);
                if notice.failures >= MOST_FAILURES {
                    notice.state = NotificationState::Failed;
                }
            }
            Some(_) => notice.state = NotificationState::Failed,
        }
        // What was to be overtaken has been.
        for earlier in &mut self.notices[..index] {
            if earlier.held && earlier.change.merchant == merchant {
                (earlier.held, earlier.due) = (false, now);
            }
        }
    }

    pub(crate) fn books(&self, merchants: &[Merchant]) -> Vec<NotificationBook> {
        let book = |notice: &Notice| NotificationBook {
            notification_id: notice.id.clone(),
            account: merchants[notice.change.merchant].account.clone(),
            object_type: notice.change.object_type,
            object_id: notice.change.object_id.clone(),
            notification_type: notice.change.kind,
            at: notice.change.at,
            state: notice.state,
            tries: notice.tries,
            delivered: notice.delivered,
            last_status: notice.last_status,
            next_try: (notice.state == NotificationState::Waiting).then_some(notice.due),
            fault: notice.fault,
        };
        self.notices.iter().map(book).collect()
    }
}
