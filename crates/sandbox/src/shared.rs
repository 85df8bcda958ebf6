//! What every connection shares, and what the control API and an embedding program do with it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch;

use crate::control::faults::Fault;
use crate::control::new_session::{Buyer, NewSession, PermissionBuyer, Shop};
use crate::ipn::outbox::{Next, Subscription};
use crate::ipn::post::Address;
use crate::ipn::signing::Signing;
use crate::ipn::{IpnFault, IpnInfo, IpnTarget, NotificationBook};
use crate::objects::session::Standing;
use crate::time::clock::{SandboxClock, SettableClock};
use crate::unknowns::Unknowns;
use crate::wire::merchants::{Merchant, MerchantStatus};
use crate::world::World;
use crate::world::books::Books;
use crate::world::changes::Change;

/// Why the control API did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// It can never be done as it was asked for.
    #[error("{0}")]
    Invalid(String),
    /// A file or a key could not be made.
    #[error("{0}")]
    Failed(String),
    /// There is no such session or merchant.
    #[error("{0}")]
    NotFound(String),
    /// It does not fit how things stand.
    #[error("{0}")]
    Conflict(String),
}

pub(crate) struct Shared {
    merchants: Vec<Merchant>,
    /// Indices of `merchants`, by public key id and by account.
    by_key: HashMap<String, usize>,
    by_account: HashMap<String, usize>,
    pub(crate) clock: Arc<dyn SandboxClock>,
    /// The same clock, where we may move it.
    pub(crate) settable: Option<SettableClock>,
    world: Mutex<World>,
    /// Where what signs notifications is kept, and that itself once it is needed.
    folder: PathBuf,
    signing: Mutex<Option<Arc<Signing>>>,
}

impl Shared {
    pub(crate) fn new(
        merchants: Vec<Merchant>,
        clock: Arc<dyn SandboxClock>,
        settable: Option<SettableClock>,
        world: World,
        folder: PathBuf,
    ) -> Self {
        let index = |name: fn(&Merchant) -> &String| -> HashMap<String, usize> {
            merchants
                .iter()
                .enumerate()
                .map(|(index, merchant)| (name(merchant).clone(), index))
                .collect()
        };
        let mut by_key: HashMap<String, usize> = index(|merchant| &merchant.public_key_id);
        by_key.extend(index(|merchant| &merchant.older_public_key_id));
        Self {
            by_key,
            by_account: index(|merchant| &merchant.account),
            merchants,
            clock,
            settable,
            world: Mutex::new(world),
            folder,
            signing: Mutex::new(None),
        }
    }

    /// Never held over an await: the guard is not `Send`, and connections are.
    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn merchant_of_key(&self, public_key_id: &str) -> Option<(usize, &Merchant)> {
        self.by_key
            .get(public_key_id)
            .map(|index| (*index, &self.merchants[*index]))
    }

    #[cfg(test)]
    pub(crate) fn merchant_at(&self, index: usize) -> Option<(usize, &Merchant)> {
        self.merchants.get(index).map(|merchant| (index, merchant))
    }

    fn merchant(&self, account: &str) -> Result<(usize, &Merchant), ControlError> {
        let index = self.by_account.get(account);
        let unknown = || ControlError::NotFound(format!("there is no merchant account `{account}`"));
        index
            .map(|index| (*index, &self.merchants[*index]))
            .ok_or_else(unknown)
    }

    pub(crate) fn make_session(&self, new: NewSession) -> Result<Value, ControlError> {
        let (index, merchant) = match &new.account {
            Some(account) => self.merchant(account)?,
            None => (0, &self.merchants[0]),
        };
        let shop = Shop {
            merchant: index,
            account: &merchant.account,
            region: merchant.region,
            environment: merchant.environment,
        };
        let now = self.now();
        let mut world = self.world();
        let id = new
            .checkout_session_id
            .clone()
            .unwrap_or_else(|| world.ids.uuid());
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(ControlError::Invalid(
                "checkoutSessionId: letters, digits and dashes".to_owned(),
            ));
        }
        let session = new.make(id, &shop, now).map_err(ControlError::Invalid)?;
        let shown = session.shown(now, &world.unknowns);
        if world.add(session) {
            Ok(shown)
        } else {
            Err(ControlError::Conflict(
                "checkoutSessionId: there is such a session already".to_owned(),
            ))
        }
    }

    pub(crate) fn buyer(&self, session: &str, buyer: Buyer) -> Result<Value, ControlError> {
        let now = self.now();
        let world = &mut *self.world();
        world.advance(now);
        let session = world
            .sessions
            .get_mut(session)
            .ok_or_else(|| ControlError::NotFound("there is no such session".to_owned()))?;
        session.settle(now, &world.unknowns);
        if session.standing(now, &world.unknowns) != Standing::Open {
            return Err(ControlError::Conflict("the session is not Open".to_owned()));
        }
        session.buyer(buyer, now, &world.unknowns);
        Ok(session.shown(now, &world.unknowns))
    }

    pub(crate) fn buyer_of_permission(&self, id: &str, buyer: PermissionBuyer) -> Result<(), ControlError> {
        let now = self.now();
        let mut world = self.world();
        world.advance(now);
        if world.buyer_of_permission(id, buyer, now) {
            Ok(())
        } else {
            let why = "there is no such charge permission, or it is Closed";
            Err(ControlError::NotFound(why.to_owned()))
        }
    }

    pub(crate) fn post_fault(&self, fault: Fault) -> Result<u64, ControlError> {
        if let Some(problem) = fault.problem() {
            return Err(ControlError::Invalid(problem.to_owned()));
        }
        if let Some(account) = &fault.account {
            self.merchant(account)?;
        }
        Ok(self.world().faults.post(fault))
    }

    pub(crate) fn clear_faults(&self) {
        self.world().faults.clear();
    }

    pub(crate) fn set_merchant(&self, account: &str, status: MerchantStatus) -> Result<(), ControlError> {
        let (_, merchant) = self.merchant(account)?;
        merchant.set_status(status);
        Ok(())
    }

    pub(crate) fn unknowns(&self) -> Unknowns {
        self.world().unknowns.clone()
    }

    pub(crate) fn set_unknowns(&self, unknowns: Unknowns) {
        self.world().unknowns = unknowns;
    }

    pub(crate) fn books(&self) -> Books {
        let now = self.now();
        self.world().books(now, &self.merchants)
    }

    /// The changes from the `first` on, every timer that is due having run out.
    pub(crate) fn changes(&self, first: usize) -> Vec<Change> {
        let now = self.now();
        let mut world = self.world();
        world.advance(now);
        world.changes.since(first).to_vec()
    }

    pub(crate) fn count_of_changes(&self) -> watch::Receiver<usize> {
        self.world().changes.count()
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.world().next_due()
    }
}

/// Notifications.
impl Shared {
    /// Made when it is first asked for: most sandboxes never notify anybody.
    pub(crate) fn signing(&self) -> Result<Arc<Signing>, ControlError> {
        let mut kept = self.signing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signing) = &*kept {
            return Ok(signing.clone());
        }
        let made = Signing::make(&self.folder).map_err(|error| ControlError::Failed(error.to_string()))?;
        Ok(kept.insert(Arc::new(made)).clone())
    }

    pub(crate) fn set_ipn(&self, target: IpnTarget) -> Result<IpnInfo, ControlError> {
        let IpnTarget {
            account,
            url,
            signature_version,
        } = target;
        let (index, merchant) = match &account {
            Some(account) => self.merchant(account)?,
            None => (0, &self.merchants[0]),
        };
        let address = Address::parse(&url).map_err(ControlError::Invalid)?;
        let signing = self.signing()?;
        let subscription = Subscription {
            address,
            version: signature_version,
            topic: merchant.topic_arn.clone(),
            merchant_id: merchant.merchant_id.clone(),
            region: merchant.region,
            signing: signing.clone(),
        };
        let now = self.now();
        let mut world = self.world();
        // What has changed until now is nothing to the new address.
        world.notify(now).subscribe(index, subscription);
        Ok(ipn_info(merchant, world.outbox.subscription(index), &signing))
    }

    pub(crate) fn clear_ipn(&self, account: Option<&str>) -> Result<(), ControlError> {
        let chosen = match account {
            Some(account) => vec![self.merchant(account)?.0],
            None => (0..self.merchants.len()).collect(),
        };
        let now = self.now();
        let mut world = self.world();
        let outbox = world.notify(now);
        chosen
            .into_iter()
            .for_each(|merchant| outbox.unsubscribe(merchant));
        Ok(())
    }

    pub(crate) fn ipn(&self) -> Result<Vec<IpnInfo>, ControlError> {
        let signing = self.signing()?;
        let world = self.world();
        let merchants = self.merchants.iter().enumerate();
        let infos =
            merchants.map(|(index, merchant)| ipn_info(merchant, world.outbox.subscription(index), &signing));
        Ok(infos.collect())
    }

    pub(crate) fn post_ipn_fault(&self, fault: IpnFault) -> Result<(), ControlError> {
        if !(0.0..=1.0).contains(&fault.probability) {
            return Err(ControlError::Invalid("probability: 0 to 1".to_owned()));
        }
        let merchant = match &fault.account {
            Some(account) => Some(self.merchant(account)?.0),
            None => None,
        };
        let now = self.now();
        self.world().notify(now).post_fault(fault, merchant);
        Ok(())
    }

    pub(crate) fn clear_ipn_faults(&self) {
        let now = self.now();
        self.world().notify(now).clear_faults();
    }

    pub(crate) fn notifications(&self) -> Vec<NotificationBook> {
        let now = self.now();
        self.world().notify(now).books(&self.merchants)
    }

    pub(crate) fn merchants(&self) -> &[Merchant] {
        &self.merchants
    }

    /// Wake a task that posts: something changed; an address came or went.
    pub(crate) fn mail_signals(&self) -> (watch::Receiver<usize>, watch::Receiver<()>) {
        let world = self.world();
        (world.changes.count(), world.outbox.configured())
    }

    pub(crate) fn next_mail(&self, merchant: usize) -> Next {
        let now = self.now();
        let mut world = self.world();
        match world.notify(now).next(merchant, now) {
            Next::Wait(until) => Next::Wait([until, world.next_due()].into_iter().flatten().min()),
            next @ (Next::Post { .. } | Next::Rest) => next,
        }
    }

    pub(crate) fn mail_posted(&self, notice: usize, status: Option<u16>) {
        let now = self.now();
        self.world().outbox.posted(notice, status, now);
    }
}

fn ipn_info(merchant: &Merchant, subscription: Option<&Subscription>, signing: &Signing) -> IpnInfo {
    IpnInfo {
        account: merchant.account.clone(),
        merchant_id: merchant.merchant_id.clone(),
        topic_arn: merchant.topic_arn.clone(),
        url: subscription.map(|subscription| subscription.address.url()),
        signature_version: subscription.map(|subscription| subscription.version),
        signing_cert_url: signing.url(merchant.region),
    }
}
