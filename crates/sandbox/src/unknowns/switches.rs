//! The switches themselves: what each means, how it stands by default, and why it stands so.

use serde::{Deserialize, Serialize};

use super::{AddressComparison, Mismatch, PendingState, Switch};
use crate::time::span::Span;

/// Makes the struct, its default and its documentation from one list.
macro_rules! switches {
    ($( $(#[doc = $meaning:literal])+ $field:ident: $type:ty = $default:expr, $allowed:literal, $why:literal; )+) => {
        /// How the sandbox behaves where no document says how Amazon does. The defaults are the likelier guesses.
        ///
        /// `GET /unknowns` lists them with their meaning; `POST /unknowns` with some of the fields sets those.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
        pub struct Unknowns {
            $( $(#[doc = $meaning])+ pub $field: $type, )+
        }

        impl Default for Unknowns {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        pub(super) const ALL: &[Switch] = &[
            $( Switch {
                field: stringify!($field),
                meaning: &[$($meaning),+],
                allowed: $allowed,
                why: $why,
            }, )+
        ];
    };
}

switches! {
    // Requests and their signatures.

    /// How far `x-amz-pay-date` may be off; null: as far as it likes.
    allowed_clock_skew: Option<Span> = Span::parse("15m"), "a length of time, or null",
        "no limit is published; a quarter of an hour is what signed requests usually get";
    /// How a date that is too far off is refused.
    clock_skew_refusal: Mismatch = Mismatch::new(403, "InvalidRequestSignature"), "a status and a reasonCode",
        "no code of its own is published, and a date is part of the signature";
    /// Must `x-amz-pay-region` be the account's?
    check_region: bool = true, "true or false",
        "merchants report that a wrong region makes a signature invalid";
    /// Is the region read in any case, and by the countries that SDKs take for one (us, de, uk)?
    region_in_any_case: bool = true, "true or false",
        "one SDK sends it in capitals and works in production";
    /// May a path end with a slash?
    trailing_slash_accepted: bool = true, "true or false",
        "two SDKs send one and work in production";
    /// May a key id that says its environment be used with /live or /sandbox in the path?
    prefixed_key_may_name_environment: bool = true, "true or false; false: 404",
        "one SDK always puts it there";
    /// How a key is refused at the other environment's path.
    wrong_environment: Mismatch = Mismatch::new(403, "InvalidAuthentication"), "a status and a reasonCode",
        "to that environment the key id is unknown";
    /// Seconds of a `Retry-After` on 429; null: none is sent.
    retry_after: Option<u32> = None, "a number, or null",
        "the header is mentioned nowhere";
    /// Have the operations that the published table of quotas leaves out (Finalize, Update Charge, Get Buyer) one
    /// too: that of Complete, of Update Charge Permission and of Get Charge?
    unlisted_operations_throttled: bool = true, "true or false",
        "a client that expects a quota is safe without one, and not the other way round";
    /// Do Finalize and Complete draw on one quota?
    finalize_shares_complete_quota: bool = false, "true or false",
        "quotas are published per operation";
    /// Have answers fields that no document knows?
    answers_have_new_fields: bool = false, "true or false",
        "fields are added without a new version of the API, but none is known now";
    /// Does `reasonDescription` hold text where there is a reason?
    describe_reasons: bool = false, "true or false",
        "there is text in real answers, but no document says which";

    // Idempotency.

    /// Are refusals and posted `status` faults (throttling aside) saved under their idempotency key and replayed?
    replay_errors: bool = false, "true or false",
        "the documents speak of results, and a saved error would never let a repetition succeed";
    /// Is the first answer replayed for confirmations too, once the session is completed?
    replay_confirmations: bool = true, "true or false",
        "the rule is written for every POST; that it holds for these was not seen";
    /// Does a replayed creation answer 200 instead of 201?
    replayed_creation_answers_200: bool = false, "true or false",
        "the saved result is returned; one SDK's sample takes 200 as well";
    /// Is a key that comes again on another path a duplicate? False: keys count per path.
    key_is_bound_to_path: bool = true, "true or false",
        "another object is another value";
    /// Are idempotency keys over 32 characters, or with other characters than `A-Za-z0-9-_`, refused?
    enforce_key_format: bool = true, "true or false",
        "the form is documented; whether it is enforced is not, and one SDK's sample breaks it";

    // Create and Update Checkout Session.

    /// The most characters of `merchantMetadata.customInformation`; null: as many as it likes.
    custom_information_limit: Option<u32> = Some(4096), "a number, or null",
        "remembered from elsewhere, not read";
    /// How a charge amount above the region's maximum is refused.
    amount_above_maximum: Mismatch = Mismatch::new(400, "TransactionAmountExceeded"), "a status and a reasonCode",
        "the maximum is documented, its code is not; this one speaks of amounts that are not allowed";
    /// Are constraints `[null]` instead of `[]` when nothing is missing?
    clear_constraints_are_null: bool = false, "true or false",
        "samples show both";
    /// Does Update Checkout Session pass over a simulation code? False: it refuses it.
    update_takes_simulation_codes: bool = true, "true or false",
        "a cartridge sends it there, to no known effect";
    /// Do the cards ending in 3434 and 3064 cancel a session when its buyer comes back, before it is confirmed?
    bad_cards_cancel_on_return: bool = false, "true or false",
        "flows on one page have no return, so confirming is the first that a shop can see of it";
    /// How long after its 24 hours a session turns Canceled.
    expiry_lag: Span = Span::ZERO, "a length of time",
        "nothing says that it is late";
    /// Does a Canceled session keep its `expirationTimestamp`?
    canceled_keeps_expiration: bool = false, "true or false",
        "the rest of it is null too";
    /// Does a Canceled session keep its `creationTimestamp`?
    canceled_keeps_creation: bool = true, "true or false",
        "a Completed one keeps it in the samples";
    /// Does a Completed session still tell its `chargePermissionType`?
    completed_shows_permission_type: bool = true, "true or false",
        "a sample shows it, a real log does not";
    /// How long Get Checkout Session goes on to show Open after the session was confirmed.
    look_up_lag: Span = Span::ZERO, "a length of time",
        "a look-up right after a lost answer may be too early, but nobody has measured it";

    // Finalize and Complete Checkout Session.

    /// May a session made for one of Finalize and Complete be confirmed with the other?
    either_operation_confirms: bool = true, "true or false",
        "no document forbids it";
    /// Does a confirmation that arrived before the expiry count if it is booked after it?
    arrival_counts: bool = false, "true or false",
        "the harder guess: nobody may rely on it";
    /// Does Finalize answer 202 while the payment is pending, as Complete does? False: 200.
    finalize_answers_202: bool = true, "true or false",
        "one SDK's guide takes 202 as a success of both";
    /// What a session shows while its payment is pending.
    pending_session_state: PendingState = PendingState::Completed, "Completed or Open",
        "the table of states says Completed, a plug-in has met Open";
    /// Does Finalize answer with payment details, billing address and buyer, as in the mobile flows?
    finalize_answers_in_full: bool = false, "true or false",
        "the sparse form is the harder one for a client";
    /// Does Finalize take `merchantMetadata`?
    finalize_takes_merchant_metadata: bool = false, "true or false",
        "the request type of one SDK lacks it";
    /// Does Finalize take simulation codes?
    finalize_takes_simulation_codes: bool = true, "true or false",
        "those of Complete, whose place it takes";
    /// Does finalizing with the intent Confirm show a `chargeId`? No charge lies behind it.
    finalize_confirm_shows_charge_id: bool = false, "true or false",
        "Complete shows none";
    /// Does completing a Saved Wallet setup show a `chargeId`? No charge lies behind it.
    setup_shows_charge_id: bool = false, "true or false",
        "a sample shows one, and no money moved";
    /// Must the intent be the session's? False: the session's is carried out, whatever was sent.
    check_payment_intent: bool = true, "true or false",
        "it is required, so it is presumably compared";
    /// Must supplementary data be the session's?
    check_supplementary_data: bool = true, "true or false",
        "it is required, so it is presumably compared";
    /// Is a value that the session does not have accepted in a confirmation (an address, a total, …)?
    ignore_what_session_lacks: bool = false, "true or false",
        "the harder guess";
    /// How addresses are compared.
    address_comparison: AddressComparison = AddressComparison::Values, "Literal, Values or Loose",
        "samples send null for what is absent; nothing says that case or spaces are passed over";
    /// Are amounts compared as they are written, so that 14 is not 14.00?
    amounts_compare_as_text: bool = false, "true or false",
        "half of the SDKs send numbers, which lose their zeros";
    /// How a difference in `chargeAmount` is refused.
    charge_amount_mismatch: Mismatch = Mismatch::new(409, "AmountMismatch"), "a status and a reasonCode",
        "documented for Complete";
    /// How a difference in `totalOrderAmount` is refused.
    total_order_amount_mismatch: Mismatch = Mismatch::new(409, "AmountMismatch"), "a status and a reasonCode",
        "as the other amount";
    /// How another currency is refused.
    currency_mismatch: Mismatch = Mismatch::new(400, "CurrencyMismatch"), "a status and a reasonCode",
        "the code is listed, though not for Finalize";
    /// How a difference in an address is refused.
    address_mismatch: Mismatch = Mismatch::new(400, "InvalidParameterValue"), "a status and a reasonCode",
        "no code was found anywhere; this one names the parameter";
    /// How a difference in `supplementaryData` is refused.
    supplementary_data_mismatch: Mismatch = Mismatch::new(400, "InvalidParameterValue"), "a status and a reasonCode",
        "no code was found anywhere";
    /// How a difference in `paymentIntent` is refused.
    payment_intent_mismatch: Mismatch = Mismatch::new(400, "InvalidParameterValue"), "a status and a reasonCode",
        "no code was found anywhere";
    /// How a confirmation without the address that it needs is refused.
    missing_address: Mismatch = Mismatch::new(400, "MissingParameterValue"), "a status and a reasonCode",
        "what the code says";
    /// How a confirmation without the session's total is refused.
    missing_total_order_amount: Mismatch = Mismatch::new(400, "MissingParameterValue"), "a status and a reasonCode",
        "what the code says; AmountMismatch is as possible";
    /// How a confirmation without the session's supplementary data is refused.
    missing_supplementary_data: Mismatch = Mismatch::new(400, "MissingParameterValue"), "a status and a reasonCode",
        "what the code says";
    /// How confirming a session that is Canceled already is refused.
    canceled_session_refusal: Mismatch = Mismatch::new(422, "InvalidCheckoutSessionStatus"),
        "a status and a reasonCode",
        "the FAQ lists Canceled among its causes; CheckoutSessionCanceled is listed too";
    /// The HTTP status when confirming makes a session Canceled: 422 or 400.
    session_canceled_status: u16 = 422, "422 or 400",
        "two lists disagree";
    /// The code when confirming makes a session Canceled.
    session_canceled_reason_code: String = "CheckoutSessionCanceled".to_owned(), "a reasonCode",
        "what the code says; InvalidCheckoutSessionStatus is as possible";

    // Charge permissions.

    /// Does the id of a recurring permission begin with B?
    recurring_ids_have_own_letter: bool = false, "true or false",
        "plug-ins have met it; ids are opaque";
    /// Is a one-time permission closed as soon as its whole limit is authorized, before it is captured?
    closes_when_authorized: bool = false, "true or false",
        "one page says when the balance is zero, another when the full amount is captured";
    /// Does what a capture leaves of its charge go back to the permission's balance?
    uncaptured_rest_returns: bool = true, "true or false",
        "a charge is captured once, so the rest can go nowhere else";
    /// Must closing say why?
    closure_reason_required: bool = true, "true or false",
        "every sample sends it";
    /// How closing or changing a Closed permission is refused.
    closed_permission_refusal: Mismatch = Mismatch::new(422, "ChargePermissionNotModifiable"),
        "a status and a reasonCode",
        "listed for it; so is InvalidChargePermissionStatus";
    /// May a Closed permission's metadata still be changed?
    closed_permission_takes_metadata: bool = false, "true or false",
        "its refusal is listed for Update too";

    // Charges.

    /// Is a charge captured once, whatever is left of it?
    one_capture_per_charge: bool = true, "true or false",
        "no document speaks of a second";
    /// How a capture that Amazon rejects is answered.
    rejected_capture: Mismatch = Mismatch::new(422, "AmazonRejected"), "a status and a reasonCode",
        "as a rejected charge is";
    /// Must cancelling say why?
    cancellation_reason_required: bool = true, "true or false",
        "every sample sends it";
    /// The most characters of `cancellationReason`; null: as many as it likes.
    cancellation_reason_limit: Option<u32> = Some(255), "a number, or null",
        "as of closureReason";
    /// Does Create Charge take `Pending-SoftDeclined` and its like, for a decision that comes later?
    pending_charge_simulation_codes: bool = true, "true or false",
        "such codes exist, but no list of them could be read";
    /// May every merchant call Update Charge? False: 401, it is for payment service providers.
    update_charge_for_everyone: bool = true, "true or false",
        "the sandbox knows no providers, and SDKs are to be tried";

    // Refunds.

    /// Does Create Refund take the simulation codes AmazonRejected and ProcessingFailure?
    refund_simulation_codes: bool = true, "true or false",
        "both are a refund's reasons, and nothing else leads to them";
    /// May 15 % more be refunded in currencies for which no amount is published?
    refund_surplus_elsewhere: bool = false, "true or false",
        "75 is published for USD, GBP and EUR alone";
    /// Does `refundedAmount` count a refund from its beginning? False: once it is Refunded.
    refunded_amount_counts_pending: bool = false, "true or false",
        "what is called refunded is";
}
