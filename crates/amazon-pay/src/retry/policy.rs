//! Whether to try again, and when: a pure function.

use std::time::Duration;

use crate::error::{BodyError, Error, NotSent};

/// How often and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many attempts there are in all, the first one included.
    pub max_attempts: u32,
    /// The bound of the first wait; it doubles with every attempt.
    pub first_wait: Duration,
    /// The bound of every wait. A `Retry-After` is not bound by it.
    pub longest_wait: Duration,
    /// How long one attempt may take.
    pub attempt_timeout: Duration,
    /// How long all of it may take, from the call's beginning. No wait goes beyond it: then the error is returned at
    /// once.
    pub deadline: Duration,
}

/// 4 attempts of at most 30 seconds, waits of at most 1, 2 and 4 seconds, and 2 minutes in all.
impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 4,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(20),
            attempt_timeout: Duration::from_secs(30),
            deadline: Duration::from_secs(120),
        }
    }
}

/// An attempt that failed, and what is known then.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// How it failed.
    pub error: &'a Error,
    /// [`Request::is_repeatable`](crate::Request::is_repeatable).
    pub is_repeatable: bool,
    /// How many there were, this one included.
    pub attempts: u32,
    /// Since the call began.
    pub elapsed: Duration,
    /// A number from 0 to 1 by chance.
    pub spread: f64,
}

/// What to do then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Try again after this wait.
    After(Duration),
    /// Return the error.
    Stop,
}

impl RetryPolicy {
    /// Whether to try again, and when.
    #[must_use]
    pub fn next(&self, attempt: &Attempt<'_>) -> Next {
        if attempt.attempts >= self.max_attempts || !may_help(attempt.error) {
            return Next::Stop;
        }
        if attempt.error.may_have_landed() && !attempt.is_repeatable {
            return Next::Stop;
        }
        let asked_for = attempt.error.retry_after().unwrap_or_default();
        let wait = asked_for.saturating_add(self.jittered(attempt.attempts, attempt.spread));
        if attempt.elapsed.saturating_add(wait) >= self.deadline {
            return Next::Stop;
        }
        Next::After(wait)
    }

    /// Evenly from nothing to `first_wait × 2^(attempts − 1)`, at most `longest_wait`.
    fn jittered(&self, attempts: u32, spread: f64) -> Duration {
        let doubled = 2u32.saturating_pow(attempts.saturating_sub(1));
        let bound = self.first_wait.saturating_mul(doubled).min(self.longest_wait);
        let spread = if spread.is_finite() {
            spread.clamp(0.0, 1.0)
        } else {
            1.0
        };
        // All of a bound without end is more than a duration holds.
        Duration::try_from_secs_f64(bound.as_secs_f64() * spread).unwrap_or(bound)
    }
}

/// Whether the same request may fare better later: no connection, no answer, and the statuses that Amazon's own
/// clients repeat.
fn may_help(error: &Error) -> bool {
    match error {
        Error::NotSent(NotSent::Connection(_)) | Error::Transport(_) => true,
        Error::NotSent(
            NotSent::BodyTooLarge | NotSent::Signing | NotSent::Header | NotSent::Http(_) | NotSent::Tls(_),
        ) => false,
        Error::Api(error) => matches!(error.status, 408 | 425 | 429 | 500 | 502 | 503 | 504),
        Error::Unreadable(answer) => match answer.because {
            BodyError::CutOff(_) => true,
            // Under the same key the same answer would come again.
            BodyError::TooLarge | BodyError::Invalid(_) => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Attempt, Next, RetryPolicy};
    use crate::error::{ApiError, BodyError, Error, NotSent, UnreadableAnswer};
    use crate::model::InvalidAnswer;

    fn answered(status: u16, code: Option<&str>, retry_after: Option<u64>) -> Error {
        ApiError {
            status,
            reason_code: code.map(Into::into),
            reason_is_lost: false,
            message: None,
            request_id: None,
            retry_after: retry_after.map(Duration::from_secs),
            date: None,
            content_type: None,
        }
        .into()
    }

    fn unreadable(because: BodyError) -> Error {
        UnreadableAnswer {
            status: 200,
            request_id: None,
            date: None,
            content_type: None,
            because,
        }
        .into()
    }

    fn next(error: &Error, is_repeatable: bool, attempts: u32, elapsed: u64, spread: f64) -> Next {
        RetryPolicy::default().next(&Attempt {
            error,
            is_repeatable,
            attempts,
            elapsed: Duration::from_secs(elapsed),
            spread,
        })
    }

    #[test]
    fn only_what_may_be_repeated_is_and_only_where_it_may_help() {
        let place = InvalidAnswer { line: 1, column: 1 };
        // Each with: is a request that may land twice repeated, is one that may not?
        for (error, repeatable, other) in [
            (NotSent::Connection("refused".into()).into(), true, true),
            (NotSent::Tls("not trusted".into()).into(), false, false),
            (NotSent::Signing.into(), false, false),
            (NotSent::BodyTooLarge.into(), false, false),
            (Error::Transport("reset".into()), true, false),
            (unreadable(BodyError::CutOff("reset".into())), true, false),
            (unreadable(BodyError::TooLarge), false, false),
            (unreadable(BodyError::Invalid(place)), false, false),
            (answered(301, None, None), false, false),
            (answered(400, Some("InvalidParameterValue"), None), false, false),
            (answered(400, Some("DuplicateIdempotencyKey"), None), false, false),
            (answered(401, None, None), false, false),
            (answered(403, Some("InvalidRequestSignature"), None), false, false),
            (answered(404, None, None), false, false),
            (answered(408, None, None), true, false),
            (answered(409, Some("AmountMismatch"), None), false, false),
            (
                answered(422, Some("InvalidCheckoutSessionStatus"), None),
                false,
                false,
            ),
            (answered(422, Some("SoftDeclined"), None), false, false),
            // Refused before anything was done.
            (answered(425, None, None), true, true),
            (answered(429, Some("TooManyRequests"), None), true, true),
            (answered(500, Some("InternalServerError"), None), true, false),
            (answered(500, Some("ProcessingFailure"), None), true, false),
            (answered(501, None, None), false, false),
            (answered(502, None, None), true, false),
            (answered(503, None, None), true, false),
            (answered(504, None, None), true, false),
        ] {
            for (is_repeatable, again) in [(true, repeatable), (false, other)] {
                let next = next(&error, is_repeatable, 1, 0, 0.5);
                assert_eq!(next != Next::Stop, again, "{error:?} repeatable: {is_repeatable}");
            }
        }
    }

    #[test]
    fn waits_double_and_are_drawn_evenly_below_their_bound() {
        let policy = RetryPolicy {
            max_attempts: 99,
            deadline: Duration::from_secs(3600),
            ..RetryPolicy::default()
        };
        let error = answered(503, None, None);
        for (attempts, spread, millis) in [
            (1, 0.0, 0),
            (1, 0.5, 500),
            (1, 1.0, 1_000),
            (2, 1.0, 2_000),
            (3, 0.25, 1_000),
            (5, 1.0, 16_000),
            (6, 1.0, 20_000),
            (60, 1.0, 20_000),
            (2, 7.0, 2_000),
            (2, -7.0, 0),
            (2, f64::NAN, 2_000),
        ] {
            let next = policy.next(&Attempt {
                error: &error,
                is_repeatable: true,
                attempts,
                elapsed: Duration::ZERO,
                spread,
            });
            assert_eq!(
                next,
                Next::After(Duration::from_millis(millis)),
                "{attempts} {spread}"
            );
        }
    }

    #[test]
    fn bounds_without_end_are_drawn_from_too() {
        let policy = RetryPolicy {
            first_wait: Duration::MAX,
            longest_wait: Duration::MAX,
            deadline: Duration::MAX,
            ..RetryPolicy::default()
        };
        let error = answered(503, None, None);
        for (spread, next) in [
            (0.0, Next::After(Duration::ZERO)),
            (0.5, Next::After(Duration::from_secs(1 << 63))),
            // Not before the deadline, which is the same.
            (1.0, Next::Stop),
        ] {
            let attempt = Attempt {
                error: &error,
                is_repeatable: true,
                attempts: 1,
                elapsed: Duration::ZERO,
                spread,
            };
            assert_eq!(policy.next(&attempt), next, "{spread}");
        }
    }

    #[test]
    fn retry_after_is_waited_for_and_jittered() {
        let error = answered(429, None, Some(7));
        assert_eq!(
            next(&error, true, 1, 0, 0.5),
            Next::After(Duration::from_millis(7_500))
        );
    }

    #[test]
    fn no_wait_goes_beyond_the_deadline_or_the_last_attempt() {
        let error = answered(503, None, None);
        for (attempts, elapsed, stops) in [(3, 115, false), (3, 116, true), (3, 500, true), (4, 0, true)] {
            let next = next(&error, true, attempts, elapsed, 1.0);
            assert_eq!(next == Next::Stop, stops, "{attempts} {elapsed}");
        }
        let patience = answered(429, None, Some(3600));
        assert_eq!(next(&patience, true, 1, 0, 0.0), Next::Stop);
        let for_ever = answered(429, None, Some(u64::MAX));
        assert_eq!(next(&for_ever, true, 1, 0, 1.0), Next::Stop);
    }
}
