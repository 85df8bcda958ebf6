//! What the shop said: the statement of one `checkout.completed` event, without personal data.

use crate::{AccountName, Amount, PrivateRef};

/// Which of Amazon's two calls confirms the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Finalize Checkout Session: JavaScript and mobile flows.
    Finalize,
    /// Complete Checkout Session: redirect flows and Saved Wallet.
    Complete,
}

/// Decides which address Finalize needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProductType {
    /// Needs the shipping address.
    PayAndShip,
    /// Needs the billing address.
    PayOnly,
}

/// What Finalize asks Amazon to do with the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentIntent {
    /// Authorize and capture at once.
    AuthorizeWithCapture,
    /// Authorize; the shop captures later.
    Authorize,
    /// Neither; the shop creates charges later.
    Confirm,
}

/// What the buyer's consent is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChargePermissionType {
    /// One order.
    OneTime,
    /// A subscription.
    Recurring,
    /// A saved wallet.
    PaymentMethodOnFile,
}

/// The work that confirming an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    /// Finalize Checkout Session.
    Finalize {
        /// Which address goes along.
        product: ProductType,
        /// What happens to the money.
        intent: PaymentIntent,
        /// What the order says the buyer owes.
        amount: Amount,
    },
    /// Complete Checkout Session.
    Complete {
        /// What the order says the buyer owes.
        amount: Amount,
    },
    /// Complete Checkout Session with `{}`: the Saved Wallet setup, which moves no money.
    SetUpWallet,
}

/// A complete order to confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Order {
    /// What is to be done.
    pub work: Work,
    /// What the consent is good for.
    pub permission_type: ChargePermissionType,
    /// What may be charged in all, where that is more than the charge.
    pub total_order_amount: Option<Amount>,
    /// Whether the shop can wait up to 24 hours for the authorization.
    pub can_handle_pending: bool,
    /// Whether the event brought the address that Finalize needs. Always true where none is needed.
    pub has_address: bool,
}

impl Order {
    /// Which of Amazon's calls confirms it.
    pub fn operation(&self) -> Operation {
        match self.work {
            Work::Finalize { .. } => Operation::Finalize,
            Work::Complete { .. } | Work::SetUpWallet => Operation::Complete,
        }
    }

    /// What the buyer owes; none for a Saved Wallet setup.
    pub fn charge_amount(&self) -> Option<Amount> {
        match self.work {
            Work::Finalize { amount, .. } | Work::Complete { amount } => Some(amount),
            Work::SetUpWallet => None,
        }
    }

    /// Whether the amounts of an equal order are written alike too: `14` and `14.00` are equal.
    pub(crate) fn is_written_as(&self, other: &Self) -> bool {
        let written = |order: &Self| {
            [order.charge_amount(), order.total_order_amount]
                .map(|amount| amount.map(|it| it.value().scale()))
        };
        written(self) == written(other)
    }

    /// What Finalize says of the money; Complete says nothing.
    pub fn intent(&self) -> Option<PaymentIntent> {
        match self.work {
            Work::Finalize { intent, .. } => Some(intent),
            Work::Complete { .. } | Work::SetUpWallet => None,
        }
    }
}

/// What keeps a session from being confirmed, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Flaw {
    /// The field of the event or of Amazon's request, such as `chargeAmount`; `checkoutSessionId` for
    /// what Amazon does not know.
    pub field: String,
    /// What is wrong with it. Never holds the value of a personal field.
    pub problem: String,
}

impl Flaw {
    /// Where the account stands in an event.
    const ACCOUNT: &str = "account";

    /// The account of this name is not configured; without a name, the event has none that could be one.
    pub fn of_account(name: Option<&AccountName>) -> Self {
        let problem = match name {
            Some(name) => format!("no account `{name}` is configured"),
            None => "it names no account that could be one".to_owned(),
        };
        Self {
            field: Self::ACCOUNT.to_owned(),
            problem,
        }
    }

    /// Whether it is the account that is wrong. Nothing else is, then: of an event's flaws this is the last.
    pub fn is_of_account(&self) -> bool {
        self.field == Self::ACCOUNT
    }
}

/// One event's content. Two statements are equal when they say the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Statement {
    /// The merchant account; none where the event's name is not one.
    pub account: Option<AccountName>,
    /// The shop's own order number.
    pub merchant_reference_id: Option<String>,
    /// What to confirm; none where a field is missing or unreadable, which `flaw` then names.
    pub order: Option<Order>,
    /// What must be repaired before it can be confirmed.
    pub flaw: Option<Flaw>,
    /// The addresses and supplementary data that came along.
    pub private: PrivateRef,
}

impl Statement {
    /// What must be repaired before it can be confirmed, if anything: an order that is missing needs no
    /// other flaw.
    pub fn needs_repair(&self) -> Option<Flaw> {
        self.flaw.clone().or_else(|| {
            self.order.is_none().then(|| Flaw {
                field: "operation".to_owned(),
                problem: "the event says nothing that could be confirmed".to_owned(),
            })
        })
    }
}
