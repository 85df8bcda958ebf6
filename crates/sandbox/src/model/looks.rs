//! Looks at objects through the API, and holds what they show against the ledger.

use std::rc::Rc;

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::acts::{euros, word};
use super::calls::Call;
use super::ledger::Did;
use super::lines::{Line, in_cents, standing};
use super::{Checked, Run};
use crate::world::books::{Books, PermissionBook};

impl Run<'_> {
    /// At a session and all that came of it. A stranger is shown nothing.
    pub(super) fn look(&mut self, session: usize, by_stranger: bool, books: &Books) -> Checked<()> {
        let owner = self.sessions[session].merchant;
        let caller = if by_stranger { 1 - owner } else { owner };
        let book = &books.sessions[session];
        let path = format!("checkoutSessions/{}", book.checkout_session_id);
        if let Some(shown) = self.get(&path, session, caller)? {
            self.compare_session(session, &shown)?;
        }
        let permissions = books.permissions.iter();
        let mut own =
            permissions.filter(|permission| permission.checkout_session_id == book.checkout_session_id);
        own.next().map_or(Ok(()), |permission| {
            self.look_at_permission(session, caller, permission)
        })
    }

    fn look_at_permission(&mut self, session: usize, caller: usize, book: &PermissionBook) -> Checked<()> {
        let path = format!("chargePermissions/{}", book.charge_permission_id);
        if let Some(shown) = self.get(&path, session, caller)? {
            let ours = self.permission(session);
            prop_assert_eq!(&shown["statusDetails"]["state"], &json!(standing(ours)));
            prop_assert_eq!(cents(&shown["limits"]["amountLimit"]), ours.limit);
            prop_assert_eq!(
                cents(&shown["limits"]["amountBalance"]),
                ours.balance(&self.rules)
            );
            prop_assert_eq!(
                &shown["merchantMetadata"]["merchantReferenceId"],
                &json!(ours.reference)
            );
        }
        for (index, charge) in book.charges.iter().enumerate() {
            if let Some(shown) = self.get(&format!("charges/{}", charge.charge_id), session, caller)? {
                let ours = &self.permission(session).charges[index];
                let counts_pending = self.rules.refunded_amount_counts_pending;
                let refunded =
                    ours.refunded(|given| given == Some(true) || (counts_pending && given.is_none()));
                prop_assert_eq!(
                    &shown["statusDetails"]["state"],
                    &json!(Line::of_ledger(ours).state)
                );
                prop_assert_eq!(cents(&shown["chargeAmount"]), Some(ours.cents));
                prop_assert_eq!(
                    cents(&shown["captureAmount"]).unwrap_or(0),
                    ours.captured + ours.capturing
                );
                prop_assert_eq!(cents(&shown["refundedAmount"]).unwrap_or(0), refunded);
            }
            for (nth, refund) in charge.refunds.iter().enumerate() {
                if let Some(shown) = self.get(&format!("refunds/{}", refund.refund_id), session, caller)? {
                    let ours = &self.permission(session).charges[index];
                    let (amount, state) = Line::of_ledger(ours).refunds[nth];
                    prop_assert_eq!(&shown["statusDetails"]["state"], &json!(state));
                    prop_assert_eq!(cents(&shown["refundAmount"]), Some(amount));
                }
            }
        }
        Ok(())
    }

    fn compare_session(&self, session: usize, shown: &Value) -> Checked<()> {
        let ours = &self.sessions[session];
        let (state, permission, charge) = ours.looked_up(self.now(), &self.rules);
        prop_assert_eq!(&shown["statusDetails"]["state"], state);
        prop_assert_eq!(shown["chargePermissionId"].is_string(), permission);
        prop_assert_eq!(shown["chargeId"].is_string(), charge);
        if state == "Open" {
            let details = &shown["paymentDetails"];
            prop_assert_eq!(&details["chargeAmount"], &json!(ours.details.cents.map(euros)));
            prop_assert_eq!(
                &details["totalOrderAmount"],
                &json!(ours.details.total.map(euros))
            );
            prop_assert_eq!(&details["paymentIntent"], &json!(ours.details.intent.map(word)));
            prop_assert_eq!(
                &details["canHandlePendingAuthorization"],
                ours.details.can_wait == Some(true)
            );
        }
        Ok(())
    }

    /// What the owner is shown, unless a fault spoils it.
    fn get(&mut self, path: &str, session: usize, caller: usize) -> Checked<Option<Value>> {
        let is_session = path.starts_with("checkoutSessions");
        let shown = self.call(Call {
            caller,
            method: "GET",
            path: format!("/v2/{path}"),
            body: Value::Null,
            key: None,
            code: None,
            session: Some(session),
            effect: Rc::new(move |sessions, moment, _| {
                if is_session && sessions[session].is_removed(moment.now) {
                    Did::Unseen
                } else {
                    Did::Done(None)
                }
            }),
        })?;
        Ok(shown.filter(|shown| shown["reasonCode"].is_null()))
    }
}

fn cents(price: &Value) -> Option<i64> {
    let amount: Decimal = price["amount"].as_str()?.parse().unwrap();
    Some(in_cents(amount))
}
