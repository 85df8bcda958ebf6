//! The smaller parts of format 1, each beside the model's type that it stands for.

use std::time::Duration;

use checkout::{
    AccountName, AlertKind, Amount, Answer, Because, ChargeFound, ChargePermissionType, Evidence, Flaw,
    ForswornBy, Found, Ids, Order, Payment, PaymentIntent, PrivateRef, ProductType, Refusal, Statement,
    Timestamp, Work,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Stands for a word of the model, spelled in kebab case.
macro_rules! words {
    ($($name:ident for $model:ident { $($variant:ident),+ })+) => {$(
        #[derive(Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub(super) enum $name { $($variant),+ }

        impl From<&$model> for $name {
            fn from(word: &$model) -> Self {
                match word { $($model::$variant => Self::$variant),+ }
            }
        }

        impl From<$name> for $model {
            fn from(word: $name) -> Self {
                match word { $($name::$variant => Self::$variant),+ }
            }
        }
    )+};
}

words! {
    ProductTypeV1 for ProductType { PayAndShip, PayOnly }
    PaymentIntentV1 for PaymentIntent { AuthorizeWithCapture, Authorize, Confirm }
    ChargePermissionTypeV1 for ChargePermissionType { OneTime, Recurring, PaymentMethodOnFile }
    EvidenceV1 for Evidence { Answer, LookUp, None }
    PaymentV1 for Payment { Captured, Authorized, None }
    ForswornByV1 for ForswornBy { Policy, Operator }
    BecauseV1 for Because { Throttled, AccountStopped, Transient }
    RefusalV1 for Refusal { Status, Final }
}

/// RFC 3339 in UTC, to the microsecond.
pub(super) struct TimeV1(pub(super) Timestamp);

impl Serialize for TimeV1 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TimeV1 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse(&text)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

pub(super) fn time(at: Timestamp) -> TimeV1 {
    TimeV1(at)
}

pub(super) fn maybe_time(at: Option<Timestamp>) -> Option<TimeV1> {
    at.map(TimeV1)
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AmountV1 {
    amount: String,
    currency_code: String,
}

impl From<Amount> for AmountV1 {
    fn from(amount: Amount) -> Self {
        Self {
            amount: amount.value().to_string(),
            currency_code: amount.currency().code().to_owned(),
        }
    }
}

impl TryFrom<AmountV1> for Amount {
    type Error = String;

    fn try_from(stored: AmountV1) -> Result<Self, String> {
        Self::parse(&stored.amount, &stored.currency_code).map_err(|error| error.to_string())
    }
}

fn maybe_amount(stored: Option<AmountV1>) -> Result<Option<Amount>, String> {
    stored.map(Amount::try_from).transpose()
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
enum WorkV1 {
    Finalize {
        product: ProductTypeV1,
        intent: PaymentIntentV1,
        amount: AmountV1,
    },
    Complete {
        amount: AmountV1,
    },
    SetUpWallet,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderV1 {
    work: WorkV1,
    permission_type: ChargePermissionTypeV1,
    total_order_amount: Option<AmountV1>,
    can_handle_pending: bool,
    has_address: bool,
}

impl From<&Order> for OrderV1 {
    fn from(order: &Order) -> Self {
        Self {
            work: match order.work {
                Work::Finalize {
                    product,
                    intent,
                    amount,
                } => WorkV1::Finalize {
                    product: (&product).into(),
                    intent: (&intent).into(),
                    amount: amount.into(),
                },
                Work::Complete { amount } => WorkV1::Complete {
                    amount: amount.into(),
                },
                Work::SetUpWallet => WorkV1::SetUpWallet,
            },
            permission_type: (&order.permission_type).into(),
            total_order_amount: order.total_order_amount.map(AmountV1::from),
            can_handle_pending: order.can_handle_pending,
            has_address: order.has_address,
        }
    }
}

impl TryFrom<OrderV1> for Order {
    type Error = String;

    fn try_from(stored: OrderV1) -> Result<Self, String> {
        Ok(Self {
            work: match stored.work {
                WorkV1::Finalize {
                    product,
                    intent,
                    amount,
                } => Work::Finalize {
                    product: product.into(),
                    intent: intent.into(),
                    amount: amount.try_into()?,
                },
                WorkV1::Complete { amount } => Work::Complete {
                    amount: amount.try_into()?,
                },
                WorkV1::SetUpWallet => Work::SetUpWallet,
            },
            permission_type: stored.permission_type.into(),
            total_order_amount: maybe_amount(stored.total_order_amount)?,
            can_handle_pending: stored.can_handle_pending,
            has_address: stored.has_address,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct FlawV1 {
    field: String,
    problem: String,
}

impl From<&Flaw> for FlawV1 {
    fn from(flaw: &Flaw) -> Self {
        Self {
            field: flaw.field.clone(),
            problem: flaw.problem.clone(),
        }
    }
}

impl From<FlawV1> for Flaw {
    fn from(stored: FlawV1) -> Self {
        Self {
            field: stored.field,
            problem: stored.problem,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatementV1 {
    account: Option<String>,
    merchant_reference_id: Option<String>,
    order: Option<OrderV1>,
    flaw: Option<FlawV1>,
    private: u32,
}

impl From<&Statement> for StatementV1 {
    fn from(statement: &Statement) -> Self {
        Self {
            account: statement.account.as_ref().map(|name| name.as_str().to_owned()),
            merchant_reference_id: statement.merchant_reference_id.clone(),
            order: statement.order.as_ref().map(OrderV1::from),
            flaw: statement.flaw.as_ref().map(FlawV1::from),
            private: statement.private.0,
        }
    }
}

impl TryFrom<StatementV1> for Statement {
    type Error = String;

    fn try_from(stored: StatementV1) -> Result<Self, String> {
        let account = stored.account.as_deref().map(AccountName::parse).transpose();
        Ok(Self {
            account: account.map_err(|error| error.to_string())?,
            merchant_reference_id: stored.merchant_reference_id,
            order: stored.order.map(Order::try_from).transpose()?,
            flaw: stored.flaw.map(Flaw::from),
            private: PrivateRef(stored.private),
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnswerV1 {
    status: Option<u16>,
    reason_code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
}

impl From<&Answer> for AnswerV1 {
    fn from(answer: &Answer) -> Self {
        Self {
            status: answer.status,
            reason_code: answer.reason_code.clone(),
            message: answer.message.clone(),
            request_id: answer.request_id.clone(),
        }
    }
}

impl From<AnswerV1> for Answer {
    fn from(stored: AnswerV1) -> Self {
        Self {
            status: stored.status,
            reason_code: stored.reason_code,
            message: stored.message,
            request_id: stored.request_id,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IdsV1 {
    charge_permission_id: String,
    charge_permission_type: Option<ChargePermissionTypeV1>,
    charge_id: Option<String>,
}

impl From<&Ids> for IdsV1 {
    fn from(ids: &Ids) -> Self {
        Self {
            charge_permission_id: ids.charge_permission_id.clone(),
            charge_permission_type: ids.charge_permission_type.as_ref().map(Into::into),
            charge_id: ids.charge_id.clone(),
        }
    }
}

impl From<IdsV1> for Ids {
    fn from(stored: IdsV1) -> Self {
        Self {
            charge_permission_id: stored.charge_permission_id,
            charge_permission_type: stored.charge_permission_type.map(Into::into),
            charge_id: stored.charge_id,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(super) enum FoundV1 {
    Open { ids: Option<IdsV1>, has_address: bool },
    Completed { ids: IdsV1 },
    Canceled { reason: Option<String> },
    NotFound,
}

impl From<&Found> for FoundV1 {
    fn from(found: &Found) -> Self {
        match found {
            Found::Open { ids, has_address } => Self::Open {
                ids: ids.as_ref().map(IdsV1::from),
                has_address: *has_address,
            },
            Found::Completed(ids) => Self::Completed { ids: ids.into() },
            Found::Canceled { reason } => Self::Canceled {
                reason: reason.clone(),
            },
            Found::NotFound => Self::NotFound,
        }
    }
}

impl From<FoundV1> for Found {
    fn from(stored: FoundV1) -> Self {
        match stored {
            FoundV1::Open { ids, has_address } => Self::Open {
                ids: ids.map(Into::into),
                has_address,
            },
            FoundV1::Completed { ids } => Self::Completed(ids.into()),
            FoundV1::Canceled { reason } => Self::Canceled { reason },
            FoundV1::NotFound => Self::NotFound,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum ChargeFoundV1 {
    Pending,
    Authorized,
    Captured,
    Declined { reason: Option<String> },
    Canceled { reason: Option<String> },
    NotFound,
}

impl From<&ChargeFound> for ChargeFoundV1 {
    fn from(found: &ChargeFound) -> Self {
        match found {
            ChargeFound::Pending => Self::Pending,
            ChargeFound::Authorized => Self::Authorized,
            ChargeFound::Captured => Self::Captured,
            ChargeFound::Declined { reason } => Self::Declined {
                reason: reason.clone(),
            },
            ChargeFound::Canceled { reason } => Self::Canceled {
                reason: reason.clone(),
            },
            ChargeFound::NotFound => Self::NotFound,
        }
    }
}

impl From<ChargeFoundV1> for ChargeFound {
    fn from(stored: ChargeFoundV1) -> Self {
        match stored {
            ChargeFoundV1::Pending => Self::Pending,
            ChargeFoundV1::Authorized => Self::Authorized,
            ChargeFoundV1::Captured => Self::Captured,
            ChargeFoundV1::Declined { reason } => Self::Declined { reason },
            ChargeFoundV1::Canceled { reason } => Self::Canceled { reason },
            ChargeFoundV1::NotFound => Self::NotFound,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(super) enum AlertKindV1 {
    DeadlineNear { before_seconds: u64 },
    InDoubt,
    NeedsRepair,
    Conflict,
    Forsworn,
    Contradiction,
    PaymentOverdue,
}

impl From<AlertKind> for AlertKindV1 {
    fn from(kind: AlertKind) -> Self {
        match kind {
            AlertKind::DeadlineNear { before } => Self::DeadlineNear {
                before_seconds: before.as_secs(),
            },
            AlertKind::InDoubt => Self::InDoubt,
            AlertKind::NeedsRepair => Self::NeedsRepair,
            AlertKind::Conflict => Self::Conflict,
            AlertKind::Forsworn => Self::Forsworn,
            AlertKind::Contradiction => Self::Contradiction,
            AlertKind::PaymentOverdue => Self::PaymentOverdue,
        }
    }
}

impl From<AlertKindV1> for AlertKind {
    fn from(stored: AlertKindV1) -> Self {
        match stored {
            AlertKindV1::DeadlineNear { before_seconds } => Self::DeadlineNear {
                before: Duration::from_secs(before_seconds),
            },
            AlertKindV1::InDoubt => Self::InDoubt,
            AlertKindV1::NeedsRepair => Self::NeedsRepair,
            AlertKindV1::Conflict => Self::Conflict,
            AlertKindV1::Forsworn => Self::Forsworn,
            AlertKindV1::Contradiction => Self::Contradiction,
            AlertKindV1::PaymentOverdue => Self::PaymentOverdue,
        }
    }
}
