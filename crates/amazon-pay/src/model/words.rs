//! The words of Amazon's vocabulary that we know. Each list is open: a word that is new to us is kept, not
//! refused.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$word_doc])* $word,)+
            /// A word that this version does not know.
            Other(String),
        }

        impl $name {
            /// The word as Amazon writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$word => stringify!($word),)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $(stringify!($word) => Self::$word,)+
                    _ => Self::Other(word),
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                Self::from(word.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from).map(Self::from)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }
    };
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
