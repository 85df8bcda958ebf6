//! What a refusal means: one table, the reason code first, the HTTP status where that says nothing.
//!
//! Sources disagree about the status of some codes, so a code that is known decides. A 5xx is the exception:
//! whatever its code says, the request may have had its effect.

use checkout::Class;
use reconciler::ports::Call;

/// What to do next, and whether the request may have had its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) class: Class,
    pub(crate) may_have_landed: bool,
}

impl Verdict {
    pub(crate) fn nothing_done(class: Class) -> Self {
        Self {
            class,
            may_have_landed: false,
        }
    }

    pub(crate) fn may_have_landed(class: Class) -> Self {
        Self {
            class,
            may_have_landed: true,
        }
    }
}

/// An answer that is not a 2xx, to a call of this kind.
pub(crate) fn classify(call: Call, status: u16, reason_code: Option<&str>) -> Verdict {
    let verdict = confirmation(status, reason_code);
    match call {
        Call::Confirm => verdict,
        // A look-up has no content and changes nothing: nothing lands, and nobody is declined by it.
        Call::LookUp | Call::Charge | Call::Permission => Verdict::nothing_done(match verdict.class {
            Class::Final => Class::Ask,
            Class::Fix { .. } => Class::Fix { content: false },
            class @ (Class::Retry | Class::Slow | Class::Ask | Class::Lane) => class,
        }),
    }
}

/// Whether Amazon asks for fewer calls.
pub(crate) fn is_throttled(status: Option<u16>, reason_code: Option<&str>) -> bool {
    status == Some(429) || reason_code.is_some_and(|code| known(code) == Some(Class::Slow))
}

/// Whether a look-up was told that there is no such object. A gateway's page says nothing of Amazon's objects.
pub(crate) fn is_not_found(status: u16, reason_code: Option<&str>, content_type: Option<&str>) -> bool {
    match reason_code {
        Some(code) if known(code).is_some() || status != 404 => code == "ResourceNotFound",
        Some(_) => true,
        None => status == 404 && !content_type.is_some_and(|kind| kind.starts_with("text/html")),
    }
}

fn confirmation(status: u16, reason_code: Option<&str>) -> Verdict {
    let known = reason_code.and_then(known);
    match (status, known) {
        // The code is Amazon's and the effect is unknown: only transient ones are worth a plain retry.
        (500..=599, Some(Class::Retry | Class::Slow) | None) => Verdict::may_have_landed(Class::Retry),
        (500..=599, Some(Class::Ask | Class::Final | Class::Fix { .. } | Class::Lane)) => {
            Verdict::may_have_landed(Class::Ask)
        }
        (_, Some(class)) => Verdict {
            class,
            may_have_landed: status == 408 || reason_code.is_some_and(is_unclear),
        },
        // Without a code, a refusal may be one of those that say that Amazon had begun: it may have been cut off.
        (400..=499, None) if reason_code.is_none() && !precedes_any_work(status) => {
            Verdict::may_have_landed(if status == 408 { Class::Retry } else { Class::Ask })
        }
        (_, None) => by_status(status),
    }
}

/// Statuses that are said before anybody looks at what the request wants.
fn precedes_any_work(status: u16) -> bool {
    matches!(status, 401 | 403 | 404 | 405 | 413 | 425 | 426 | 429)
}

/// Codes that say that Amazon began and did not come to an end.
fn is_unclear(reason_code: &str) -> bool {
    matches!(
        reason_code,
        "RequestTimeout"
            | "InternalServerError"
            | "ServiceUnavailable"
            | "ProcessingFailure"
            | "TransactionTimedOut"
    )
}

/// The codes of the reference's sections 4.3 and 4.4.
fn known(reason_code: &str) -> Option<Class> {
    let class = match reason_code {
        // Offered: FIX, or LANE if date, region or host. Our headers are the same for every session but for the
        // idempotency key, whose form is checked: what Amazon dislikes in them, it dislikes for all.
        "InvalidHeaderValue" | "MissingHeader" | "MissingHeaderValue" => Class::Lane,
        "InvalidAPIVersion"
        | "UnauthorizedAccess"
        | "InvalidAuthentication"
        | "InvalidRequestSignature"
        | "InvalidAuthorizationToken"
        | "InvalidAccountStatus"
        | "TLSVersionNotSupported" => Class::Lane,

        // The bytes themselves are refused: they were always to be refused.
        "InvalidParameterValue"
        | "MissingParameterValue"
        | "UnrecognizedField"
        | "CurrencyMismatch"
        | "AmountMismatch" => Class::Fix { content: true },
        "InvalidRequest"
        | "InvalidRequestFormat"
        | "InvalidParameterCombination"
        | "InvalidSandboxSimulationSpecified"
        | "UnsupportedOperation"
        | "RequestNotSupported" => Class::Fix { content: false },
        // Offered: FIX or FINAL. The amount is the shop's, and a corrected event can still save the sale; a buyer
        // who tried again with it would be refused again.
        "TransactionAmountExceeded" => Class::Fix { content: false },

        "PeriodicAmountExceeded" => Class::Final,
        // Offered: ASK, then FINAL. The model looks up at once after a FINAL, and lets the look-up decide; as ASK,
        // one that is still open would be tried again without the buyer.
        "CheckoutSessionCanceled"
        | "HardDeclined"
        | "SoftDeclined"
        | "AmazonRejected"
        | "PaymentMethodNotAllowed"
        | "MFANotCompleted" => Class::Final,
        // Offered: ASK, FINAL unless still open. The authorization had begun, so it is in doubt as well.
        "TransactionTimedOut" => Class::Ask,

        // Completed, canceled or not finished by the buyer: only a look-up can tell.
        "InvalidCheckoutSessionStatus" => Class::Ask,
        // Offered: FIX; ASK once. It may be one that Amazon has not heard of everywhere yet; a look-up that says
        // "not found" too makes it "needs repair".
        "ResourceNotFound" => Class::Ask,
        "DuplicateIdempotencyKey" => Class::Ask,
        // Offered: ASK, then RETRY. Amazon had begun.
        "ProcessingFailure" => Class::Ask,

        "TooManyRequests" | "RequestThrottled" => Class::Slow,
        "RequestTimeout" | "InternalServerError" | "ServiceUnavailable" => Class::Retry,
        _ => return None,
    };
    Some(class)
}

fn by_status(status: u16) -> Verdict {
    match status {
        401 | 403 | 426 => Verdict::nothing_done(Class::Lane),
        // 409 is also what servers say while an equal request is still being worked on, and 422 what they say of
        // a session already confirmed: no reason to call a person before Amazon was asked.
        404 | 409 | 422 => Verdict::nothing_done(Class::Ask),
        408 => Verdict::may_have_landed(Class::Retry),
        // Refused because it came too early: not acted on.
        425 => Verdict::nothing_done(Class::Retry),
        429 => Verdict::nothing_done(Class::Slow),
        400..=499 => Verdict::nothing_done(Class::Fix { content: false }),
        // A redirect, or no status of HTTP: whoever answered, it was not Amazon Pay as we know it.
        _ => Verdict::may_have_landed(Class::Ask),
    }
}

#[cfg(test)]
mod tests {
    use checkout::Class::{self, Ask, Final, Fix, Lane, Retry, Slow};
    use reconciler::ports::Call;

    use super::{Verdict, classify, is_not_found, is_throttled};

    const CLEAR: bool = false;
    const DOUBT: bool = true;
    const CONTENT: Class = Fix { content: true };
    const OURS: Class = Fix { content: false };

    /// Every code of the reference's sections 4.3 and 4.4, with the class of a POST and of a look-up.
    const CODES: [(u16, &str, Class, bool, Class); 46] = [
        (400, "InvalidHeaderValue", Lane, CLEAR, Lane),
        (400, "MissingHeader", Lane, CLEAR, Lane),
        (400, "MissingHeaderValue", Lane, CLEAR, Lane),
        (400, "InvalidRequest", OURS, CLEAR, OURS),
        (400, "InvalidRequestFormat", OURS, CLEAR, OURS),
        (400, "InvalidParameterValue", CONTENT, CLEAR, OURS),
        (400, "MissingParameterValue", CONTENT, CLEAR, OURS),
        (400, "UnrecognizedField", CONTENT, CLEAR, OURS),
        (400, "InvalidParameterCombination", OURS, CLEAR, OURS),
        (400, "DuplicateIdempotencyKey", Ask, CLEAR, Ask),
        (400, "InvalidSandboxSimulationSpecified", OURS, CLEAR, OURS),
        (400, "CurrencyMismatch", CONTENT, CLEAR, OURS),
        (400, "InvalidAPIVersion", Lane, CLEAR, Lane),
        (400, "TransactionAmountExceeded", OURS, CLEAR, OURS),
        (400, "PeriodicAmountExceeded", Final, CLEAR, Ask),
        (401, "UnauthorizedAccess", Lane, CLEAR, Lane),
        (403, "InvalidAuthentication", Lane, CLEAR, Lane),
        (403, "InvalidRequestSignature", Lane, CLEAR, Lane),
        (403, "InvalidAuthorizationToken", Lane, CLEAR, Lane),
        (403, "InvalidAccountStatus", Lane, CLEAR, Lane),
        (404, "ResourceNotFound", Ask, CLEAR, Ask),
        (405, "UnsupportedOperation", OURS, CLEAR, OURS),
        (405, "RequestNotSupported", OURS, CLEAR, OURS),
        (408, "RequestTimeout", Retry, DOUBT, Retry),
        (426, "TLSVersionNotSupported", Lane, CLEAR, Lane),
        (429, "TooManyRequests", Slow, CLEAR, Slow),
        (429, "RequestThrottled", Slow, CLEAR, Slow),
        (500, "InternalServerError", Retry, DOUBT, Retry),
        (500, "ProcessingFailure", Ask, DOUBT, Ask),
        (503, "ServiceUnavailable", Retry, DOUBT, Retry),
        (409, "AmountMismatch", CONTENT, CLEAR, OURS),
        (422, "InvalidCheckoutSessionStatus", Ask, CLEAR, Ask),
        (422, "CheckoutSessionCanceled", Final, CLEAR, Ask),
        (400, "CheckoutSessionCanceled", Final, CLEAR, Ask),
        (422, "HardDeclined", Final, CLEAR, Ask),
        (422, "SoftDeclined", Final, CLEAR, Ask),
        (422, "AmazonRejected", Final, CLEAR, Ask),
        (422, "PaymentMethodNotAllowed", Final, CLEAR, Ask),
        (422, "MFANotCompleted", Final, CLEAR, Ask),
        (422, "TransactionTimedOut", Ask, DOUBT, Ask),
        // The code decides where it comes with another status,
        (400, "AmountMismatch", CONTENT, CLEAR, OURS),
        (400, "TooManyRequests", Slow, CLEAR, Slow),
        (422, "ProcessingFailure", Ask, DOUBT, Ask),
        // except that a 5xx always leaves it open.
        (500, "AmountMismatch", Ask, DOUBT, Ask),
        (503, "TooManyRequests", Retry, DOUBT, Retry),
        (500, "HardDeclined", Ask, DOUBT, Ask),
    ];

    #[test]
    fn every_code_of_the_reference_has_its_class() {
        for (status, code, class, may_have_landed, looking) in CODES {
            let post = classify(Call::Confirm, status, Some(code));
            assert_eq!(
                post,
                Verdict {
                    class,
                    may_have_landed
                },
                "{status} {code}"
            );
            for call in [Call::LookUp, Call::Charge, Call::Permission] {
                let get = classify(call, status, Some(code));
                assert_eq!(get, Verdict::nothing_done(looking), "{call:?} {status} {code}");
            }
        }
    }

    #[test]
    fn a_code_that_nobody_knows_leaves_it_to_the_status() {
        for (status, class, may_have_landed) in [
            (301, Ask, DOUBT),
            (307, Ask, DOUBT),
            (400, OURS, CLEAR),
            (401, Lane, CLEAR),
            (403, Lane, CLEAR),
            (404, Ask, CLEAR),
            (405, OURS, CLEAR),
            (408, Retry, DOUBT),
            (409, Ask, CLEAR),
            (410, OURS, CLEAR),
            (413, OURS, CLEAR),
            (422, Ask, CLEAR),
            (425, Retry, CLEAR),
            (426, Lane, CLEAR),
            (429, Slow, CLEAR),
            (500, Retry, DOUBT),
            (502, Retry, DOUBT),
            (503, Retry, DOUBT),
            (504, Retry, DOUBT),
            (599, Retry, DOUBT),
        ] {
            let verdict = classify(Call::Confirm, status, Some("BornYesterday"));
            assert_eq!(
                verdict,
                Verdict {
                    class,
                    may_have_landed
                },
                "{status}"
            );
        }
    }

    #[test]
    fn a_4xx_without_a_code_is_in_doubt_unless_its_status_is_said_before_any_work() {
        for (status, class, may_have_landed) in [
            (301, Ask, DOUBT),
            (400, Ask, DOUBT),
            (401, Lane, CLEAR),
            (402, Ask, DOUBT),
            (403, Lane, CLEAR),
            (404, Ask, CLEAR),
            (405, OURS, CLEAR),
            (408, Retry, DOUBT),
            (409, Ask, DOUBT),
            (410, Ask, DOUBT),
            (413, OURS, CLEAR),
            (422, Ask, DOUBT),
            (425, Retry, CLEAR),
            (426, Lane, CLEAR),
            (429, Slow, CLEAR),
            (499, Ask, DOUBT),
            (502, Retry, DOUBT),
        ] {
            let verdict = classify(Call::Confirm, status, None);
            assert_eq!(
                verdict,
                Verdict {
                    class,
                    may_have_landed
                },
                "{status}"
            );
            assert!(!classify(Call::LookUp, status, None).may_have_landed, "{status}");
        }
    }

    #[test]
    fn fewer_calls_are_asked_for_by_status_or_by_code() {
        assert!(is_throttled(Some(429), None));
        assert!(is_throttled(Some(503), Some("RequestThrottled")));
        assert!(is_throttled(Some(400), Some("TooManyRequests")));
        assert!(!is_throttled(Some(503), Some("ServiceUnavailable")));
        assert!(!is_throttled(None, None));
    }

    #[test]
    fn not_found_is_amazons_word_and_not_a_gateways_page() {
        let json = Some("application/json");
        for (status, code, content_type, not_found) in [
            (404, Some("ResourceNotFound"), json, true),
            (400, Some("ResourceNotFound"), json, true),
            (404, Some("BornYesterday"), json, true),
            (404, None, json, true),
            (404, None, None, true),
            (404, None, Some("text/html; charset=utf-8"), false),
            (404, Some("InvalidAuthentication"), json, false),
            (400, Some("BornYesterday"), json, false),
            (403, None, json, false),
        ] {
            assert_eq!(
                is_not_found(status, code, content_type),
                not_found,
                "{status} {code:?}"
            );
        }
    }
}
