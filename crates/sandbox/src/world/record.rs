//! Puts calls on record, and reads the books.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::api::operation::Operation;
use crate::objects::charge::Charge;
use crate::objects::permission::Permission;
use crate::objects::session::Session;
use crate::wire::merchants::Merchant;
use crate::world::World;
use crate::world::books::{
    Books, Call, ChargeBook, ChargeLedger, PermissionBook, RefundBook, SessionBook, Totals,
};

/// Where on record a call stands.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    session: String,
    index: usize,
}

impl World {
    /// Puts a call on its session's record; [`finished`](Self::finished) says how it went.
    pub(crate) fn arrived(&mut self, session: Option<&str>, call: Call) -> Option<Entry> {
        let session = self.sessions.get_mut(session?)?;
        session.calls.push(call);
        Some(Entry {
            session: session.id.clone(),
            index: session.calls.len() - 1,
        })
    }

    pub(crate) fn finished(
        &mut self,
        operation: Operation,
        entry: Option<&Entry>,
        status: Option<u16>,
        change: impl FnOnce(&mut Call),
    ) {
        let answered = status.map_or_else(|| "lost".to_owned(), |status| status.to_string());
        *self
            .answers
            .entry(operation.word())
            .or_default()
            .entry(answered)
            .or_default() += 1;
        let call = entry.and_then(|entry| self.sessions.get_mut(&entry.session)?.calls.get_mut(entry.index));
        if let Some(call) = call {
            call.status = status;
            change(call);
        }
    }

    /// An answer that [`finished`](Self::finished) counted did not reach its caller.
    pub(crate) fn lost(&mut self, operation: Operation, entry: Option<&Entry>, status: u16) {
        if let Some(counts) = self.answers.get_mut(operation.word()) {
            if let Some(count) = counts.get_mut(&status.to_string()) {
                *count -= 1;
            }
            counts.retain(|_, count| *count > 0);
        }
        self.finished(operation, entry, None, |_| {});
    }

    pub(crate) fn books(&mut self, now: Timestamp, merchants: &[Merchant]) -> Books {
        self.advance(now);
        for session in self.sessions.values_mut() {
            session.settle(now, &self.unknowns);
        }
        let mut books = Books {
            at: now,
            sessions: Vec::with_capacity(self.order.len()),
            permissions: Vec::new(),
            totals: BTreeMap::new(),
            faults: self.faults.books(),
            answers: self.answers.clone(),
        };
        for session in self.order.iter().filter_map(|id| self.sessions.get(id)) {
            let account = &merchants[session.merchant].account;
            if let Some(permission) = &session.permission {
                for charge in &permission.charges {
                    let currency = charge.order.amount.currency_code.clone();
                    books.totals.entry(currency).or_default().add(charge);
                }
                books
                    .permissions
                    .push(self.permission_book(session, permission, account));
            }
            books.sessions.push(self.session_book(session, now, account));
        }
        books
    }

    fn session_book(&self, session: &Session, now: Timestamp, account: &str) -> SessionBook {
        let standing = session.standing(now, &self.unknowns);
        let permission = session.permission.as_ref();
        let charges = permission.iter().flat_map(|permission| &permission.charges);
        let charges = charges.map(|charge| ChargeBook {
            charge_id: charge.id.clone(),
            charge_amount: charge.order.amount.clone(),
            state: charge.state,
            reason_code: charge.reason,
        });
        SessionBook {
            checkout_session_id: session.id.clone(),
            account: account.to_owned(),
            creation_timestamp: session.created,
            expiration_timestamp: session.expires(),
            state: standing.state(),
            reason_code: standing.reason(),
            charge_permission_id: permission.map(|permission| permission.id.clone()),
            charges: charges.collect(),
            calls: session.calls.clone(),
        }
    }

    fn permission_book(&self, session: &Session, permission: &Permission, account: &str) -> PermissionBook {
        PermissionBook {
            charge_permission_id: permission.id.clone(),
            charge_permission_type: permission.kind.name(),
            account: account.to_owned(),
            checkout_session_id: session.id.clone(),
            state: permission.state,
            reason_code: permission.reason,
            creation_timestamp: permission.made,
            expiration_timestamp: permission.expires,
            amount_limit: permission.limit.clone(),
            amount_balance: permission.balance(&self.unknowns),
            charges: permission.charges.iter().map(ledger).collect(),
        }
    }
}

fn ledger(charge: &Charge) -> ChargeLedger {
    let refunds = charge.refunds.iter().map(|refund| RefundBook {
        refund_id: refund.id.clone(),
        refund_amount: refund.amount.clone(),
        state: refund.state,
        reason_code: refund.reason,
    });
    ChargeLedger {
        charge_id: charge.id.clone(),
        charge_amount: charge.order.amount.clone(),
        captured: charge.captured,
        capturing: charge.capturing,
        state: charge.state,
        reason_code: charge.reason,
        refunds: refunds.collect(),
    }
}

impl Totals {
    fn add(&mut self, charge: &Charge) {
        use crate::objects::charge::ChargeState;
        use crate::objects::refund::RefundState;

        let whole = charge.order.amount.amount;
        self.charges += 1;
        match charge.state {
            ChargeState::AuthorizationInitiated => self.pending += whole,
            ChargeState::Authorized => self.authorized += whole,
            ChargeState::CaptureInitiated => {
                self.capturing += charge.capturing;
                self.captured += charge.captured;
                self.released += whole - charge.capturing - charge.captured;
            }
            ChargeState::Captured => {
                self.captured += charge.captured;
                self.released += whole - charge.captured;
            }
            ChargeState::Declined => {
                self.captured += charge.captured;
                self.declined += whole - charge.captured;
            }
            ChargeState::Canceled => self.canceled += whole,
        }
        self.refunded += charge.refunded(|state| state == RefundState::Refunded);
        self.refunding += charge.refunded(|state| state == RefundState::RefundInitiated);
    }
}
