//! The words of Amazon's vocabulary that we know. Each list is open: a word that is new to us is kept, not
//! refused.

use std::fmt::{self, Write};

/// A word is spelt as its variant is named, unless its text is given.
macro_rules! words {
    (@text $word:ident) => { stringify!($word) };
    (@text $word:ident $text:literal) => { $text };
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident $(= $text:literal)?),+ $(,)? }) => {
        $(#[$doc])*
        ///
        /// A word that is new is kept as [`Other`](Self::Other). `Display` shows it on one line, whatever is in it;
        /// [`as_str`](Self::as_str) gives it as it came.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$word_doc])* $word,)+
            /// A word that this version does not know, as Amazon writes it.
            Other(String),
        }

        impl $name {
            /// The word as Amazon writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$word => words!(@text $word $($text)?),)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                $(if word == words!(@text $word $($text)?) {
                    return Self::$word;
                })+
                Self::Other(word)
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                Self::from(word.to_owned())
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::model::write_on_one_line(f, self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                <String as ::serde::Deserialize>::deserialize(from).map(Self::from)
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;

/// A character that could make one line of a log into two, or turn its order around, is no part of a word or a
/// sentence.
pub(crate) fn is_disruptive(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

pub(crate) fn write_on_one_line(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.chars()
        .try_for_each(|c| f.write_char(if is_disruptive(c) { ' ' } else { c }))
}

words!(
    /// What happens to the money when the session is confirmed.
    PaymentIntent {
        /// Authorize and capture at once.
        AuthorizeWithCapture,
        /// Authorize; capture later.
        Authorize,
        /// Neither: only the permission to charge.
        Confirm,
    }
);
words!(
    /// How often a charge permission may be used.
    ChargePermissionType {
        /// For one order.
        OneTime,
        /// For a subscription.
        Recurring,
        /// A saved wallet.
        PaymentMethodOnFile,
    }
);
words!(
    /// What is sold, which decides the address that Finalize needs.
    ProductType {
        /// With delivery: the shipping address.
        PayAndShip,
        /// Without delivery: the billing address.
        PayOnly,
        /// Sign-in alone.
        SignIn,
        /// With deliveries to several addresses.
        PayAndShipMultiAddress,
    }
);
words!(
    /// State of a checkout session.
    CheckoutSessionState {
        /// Waits for the buyer or for confirmation; lapses 24 hours after creation.
        Open,
        /// Confirmed. Final.
        Completed,
        /// Will never be paid. Final.
        Canceled,
    }
);
words!(
    /// State of a charge.
    ChargeState {
        /// The authorization is being decided, for up to 24 hours.
        AuthorizationInitiated,
        /// Authorized; can be captured.
        Authorized,
        /// The capture is being decided.
        CaptureInitiated,
        /// Captured.
        Captured,
        /// Given up.
        Canceled,
        /// Refused.
        Declined,
    }
);
words!(
    /// State of a charge permission.
    ChargePermissionState {
        /// Can be charged.
        Chargeable,
        /// Cannot be charged now.
        NonChargeable,
        /// Cannot be charged any more.
        Closed,
    }
);
words!(
    /// State of a refund.
    RefundState {
        /// On its way. Every refund begins here, and none is decided at once.
        RefundInitiated,
        /// Given back. Final.
        Refunded,
        /// Not given back. Final.
        Declined,
    }
);
words!(
    /// Why a checkout session is `Canceled`.
    CheckoutSessionReason {
        /// The buyer backed out on Amazon's page.
        BuyerCanceled,
        /// 24 hours went by since its creation and nobody confirmed it.
        Expired,
        /// Trouble at Amazon; no verdict on the payment.
        AmazonCanceled,
        /// The payment was refused: fraud checks, strong authentication, or the instrument.
        Declined,
    }
);
words!(
    /// Why a charge is `Canceled` or `Declined`.
    ChargeReason {
        /// Canceled: authorized, and not captured within 30 days.
        ExpiredUnused,
        /// Canceled by the merchant.
        MerchantCanceled,
        /// Canceled by the buyer.
        BuyerCanceled,
        /// Canceled by Amazon.
        AmazonCanceled,
        /// Canceled because its permission was closed together with what was pending.
        ChargePermissionCanceled,
        /// Declined now; might work later.
        SoftDeclined,
        /// Declined: the payment instrument is refused for good.
        HardDeclined,
        /// Declined by Amazon's checks, which closes the permission too.
        AmazonRejected,
        /// Declined through a fault at Amazon; may be tried again while the permission is `Chargeable`.
        ProcessingFailure,
        /// Declined: the authorization did not end in time.
        TransactionTimedOut,
    }
);
words!(
    /// Why a charge permission is `NonChargeable` or `Closed`.
    ChargePermissionReason {
        /// Not chargeable: the payment instrument is not valid.
        PaymentMethodInvalid,
        /// Not chargeable: the buyer removed the payment instrument.
        PaymentMethodDeleted,
        /// Not chargeable: the buyer removed the billing address.
        BillingAddressDeleted,
        /// Not chargeable: the payment instrument is too old.
        PaymentMethodExpired,
        /// Not chargeable: the merchant may not take this payment instrument.
        PaymentMethodNotAllowed,
        /// Not chargeable: there is no payment instrument.
        PaymentMethodNotSet,
        /// Not chargeable while another charge is being made.
        ChargeInProgress,
        /// Not chargeable: the buyer failed the strong authentication.
        MFAFailed,
        /// Not chargeable: no amount is set.
        AmountNotSet,
        /// Not chargeable: more than the permission allows.
        TransactionAmountExceeded,
        /// Closed by the merchant.
        MerchantCanceled,
        /// Closed by the merchant.
        MerchantClosed,
        /// Closed by the buyer.
        BuyerCanceled,
        /// Closed by the buyer.
        BuyerClosed,
        /// Closed by Amazon.
        AmazonCanceled,
        /// Closed by Amazon: everything is charged.
        AmazonClosed,
        /// Closed: its time is over (180 days for one order, 13 months for a subscription).
        Expired,
    }
);
words!(
    /// Why a refund is `Declined`.
    RefundReason {
        /// Refused by Amazon.
        AmazonRejected,
        /// A fault at Amazon.
        ProcessingFailure,
    }
);
words!(
    /// What a checkout session still lacks.
    ConstraintId {
        /// The buyer has not signed in yet.
        BuyerNotAssociated,
        /// There is no `paymentDetails.chargeAmount`.
        ChargeAmountNotSet,
        /// There is no `webCheckoutDetails.checkoutResultReturnUrl`.
        CheckoutResultReturnUrlNotSet,
        /// There is no `paymentDetails.paymentIntent`.
        PaymentIntentNotSet,
        /// There is no `recurringMetadata.frequency`.
        RecurringFrequencyNotSet,
    }
);
words!(
    /// What happens after the buyer has signed in on Amazon's page.
    CheckoutMode {
        /// The order is placed there, without a review page at the shop.
        ProcessOrder,
    }
);
words!(
    /// Where an object lives.
    ReleaseEnvironment {
        /// Among test buyers.
        Sandbox,
        /// Among real ones.
        Live,
    }
);
words!(
    /// The unit of a subscription's frequency.
    FrequencyUnit {
        /// Years.
        Year,
        /// Months.
        Month,
        /// Weeks.
        Week,
        /// Days.
        Day,
        /// No fixed frequency; its value is 0.
        Variable,
    }
);
words!(
    /// Who asked for a charge, and whether it is one of a series.
    ChargeInitiator {
        /// The customer, with a saved wallet, once.
        CITU,
        /// The merchant, with a saved wallet, once.
        MITU,
        /// The customer, in a series.
        CITR,
        /// The merchant, in a series.
        MITR,
    }
);
words!(
    /// Where the buyer ordered.
    Channel {
        /// On a web page.
        Web,
        /// By telephone.
        Phone,
        /// In an app.
        App,
        /// By voice.
        Alexa,
        /// In a shop.
        PointOfSale,
        /// On television.
        FireTv,
        /// Without a connection.
        Offline,
        /// At Amazon.
        Amazon,
    }
);
