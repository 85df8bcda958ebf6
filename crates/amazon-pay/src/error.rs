//! What went wrong with a call, cut by what the caller can know about the request.
//!
//! | error | was the request written? | did Amazon act on it? |
//! | --- | --- | --- |
//! | [`Error::NotSent`] | no byte of it | no |
//! | [`Error::Transport`] | perhaps | cannot be known |
//! | [`Error::Api`] | yes | as status and reason code say; a 5xx leaves it open, and so does a reason code that is lost |
//! | [`Error::Unreadable`] | yes | yes, but its answer is lost |
//!
//! A wrong key, a wrong region and a wrong clock all show as 403
//! [`InvalidRequestSignature`](crate::ReasonCode::InvalidRequestSignature). Which of them it is can be found out
//! from what [`Error::message`] quotes.
//!
//! No error shows a body, a header that we sent, or anything of the buyer. Amazon's own message may quote what was
//! sent: it is kept in [`ApiError::message`], and is in no `Display` and no `Debug`.

use std::fmt;
use std::io;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::InvalidAnswer;
use crate::reason::ReasonCode;

/// The cause underneath. Its chain names hosts and addresses, never the URL's path or a body.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a call did not bring the object that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Failed before any byte of the request was written. Amazon knows nothing of it.
    #[error("the request was not sent")]
    NotSent(#[source] NotSent),
    /// Failed after the request may have been written and before a status line came back: reset, closed, cut
    /// off, out of time. Amazon may have acted.
    ///
    /// A [`ClientConfig::timeout`](crate::ClientConfig::timeout) does not know how far the call came, so one that
    /// strikes while connecting is told as this too. With a
    /// [`connect_timeout`](crate::ClientConfig::connect_timeout) that is shorter, as it is from the start,
    /// connecting ends before that as [`NotSent::Connection`].
    #[error("the connection failed after the request may have been sent")]
    Transport(#[source] Cause),
    /// Amazon, or something in front of it, answered with anything but a 2xx.
    #[error(transparent)]
    Api(Box<ApiError>),
    /// A 2xx whose body could not be read: Amazon did what was asked, and what it said is lost.
    #[error(transparent)]
    Unreadable(Box<UnreadableAnswer>),
}

/// Why a request never left.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotSent {
    /// Its body is longer than [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES).
    #[error("its body is longer than 1 MiB")]
    BodyTooLarge,
    /// The private key could not sign it.
    #[error("the private key cannot sign")]
    Signing,
    /// One of its headers cannot be written.
    #[error("a header cannot be written")]
    Header,
    /// HTTP cannot carry it.
    #[error("it is not a valid HTTP request")]
    Http(#[source] Cause),
    /// The two sides could not agree on TLS: a certificate that is not trusted, of another name or of another
    /// time, or no common version. Trying again will not help.
    #[error("the TLS handshake failed")]
    Tls(#[source] Cause),
    /// No connection: the name could not be resolved, nobody listens, it was reset, or it took too long.
    #[error("no connection could be made")]
    Connection(#[source] Cause),
}

impl Error {
    /// Whether it is certain that no byte of the request was written.
    #[must_use]
    pub fn is_not_sent(&self) -> bool {
        matches!(self, Self::NotSent(_))
    }

    /// Whether Amazon may have acted on **this** request: it may have been written and nobody said no. Then only
    /// a repeat under the same idempotency key, or a look-up, tells what happened.
    ///
    /// `false` means that this request had no effect. It does not mean that nothing has happened: for example
    /// [`InvalidCheckoutSessionStatus`](ReasonCode::InvalidCheckoutSessionStatus) and
    /// [`DuplicateIdempotencyKey`](ReasonCode::DuplicateIdempotencyKey) can be the trace of an earlier request
    /// that succeeded. For a look-up it says nothing: look-ups change nothing.
    #[must_use]
    pub fn may_have_landed(&self) -> bool {
        match self {
            Self::NotSent(_) => false,
            Self::Transport(_) | Self::Unreadable(_) => true,
            Self::Api(error) => error.may_have_landed(),
        }
    }

    /// Whether TLS is what failed, in the handshake ([`NotSent::Tls`]) or later, and not the network below it.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        match self {
            Self::NotSent(NotSent::Tls(_)) => true,
            Self::Transport(cause) => is_tls(&**cause),
            Self::NotSent(_) | Self::Api(_) | Self::Unreadable(_) => false,
        }
    }

    /// The HTTP status, if there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::NotSent(_) | Self::Transport(_) => None,
            Self::Api(error) => Some(error.status),
            Self::Unreadable(answer) => Some(answer.status),
        }
    }

    /// Amazon's word for what is wrong.
    #[must_use]
    pub fn reason_code(&self) -> Option<&ReasonCode> {
        match self {
            Self::Api(error) => error.reason_code.as_ref(),
            Self::NotSent(_) | Self::Transport(_) | Self::Unreadable(_) => None,
        }
    }

    /// Amazon's own sentence, which no `Display` and no `Debug` shows: see [`ApiError::message`] for what may be in
    /// it before you print it.
    ///
    /// That of an [`InvalidRequestSignature`](ReasonCode::InvalidRequestSignature) quotes the string to sign that
    /// Amazon computed, which is a hash. Where it is the one of your request, which [`signing`](crate::signing)
    /// computes too, the private key is not the one that belongs to the id; where it differs, Amazon saw something
    /// else than what was signed, for example another region. Whether your clock is right, [`date`](Self::date)
    /// tells.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Api(error) => error.message.as_deref(),
            Self::NotSent(_) | Self::Transport(_) | Self::Unreadable(_) => None,
        }
    }

    /// Amazon's id of this call, which its support asks for. Log it.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::NotSent(_) | Self::Transport(_) => None,
            Self::Api(error) => error.request_id.as_deref(),
            Self::Unreadable(answer) => answer.request_id.as_deref(),
        }
    }

    /// How long to wait before another call, where the answer says so. Amazon promises no such header.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Api(error) => error.retry_after,
            Self::NotSent(_) | Self::Transport(_) | Self::Unreadable(_) => None,
        }
    }

    /// When the server says it answered.
    #[must_use]
    pub fn date(&self) -> Option<Timestamp> {
        match self {
            Self::NotSent(_) | Self::Transport(_) => None,
            Self::Api(error) => error.date,
            Self::Unreadable(answer) => answer.date,
        }
    }
}

impl From<NotSent> for Error {
    fn from(cause: NotSent) -> Self {
        Self::NotSent(cause)
    }
}

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        Self::Api(Box::new(error))
    }
}

impl From<UnreadableAnswer> for Error {
    fn from(answer: UnreadableAnswer) -> Self {
        Self::Unreadable(Box::new(answer))
    }
}

/// Whether TLS is among the causes. An `io::Error` shows what it carries to those alone who ask for it.
pub(crate) fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        #[cfg(feature = "rustls")]
        if error.is::<rustls::Error>() {
            return true;
        }
        let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if carried.is_some_and(|carried| is_tls(carried)) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// An answer that is not a 2xx. Decide on `reason_code` first and on `status` second: for some codes Amazon's
/// own pages differ on the status. A redirect is such an answer too, and is never followed.
///
/// Neither `Display` nor `Debug` shows the message.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// Amazon's word for it; absent when the body is not Amazon's JSON.
    pub reason_code: Option<ReasonCode>,
    /// Whether there may have been a reason code that is lost: the body was cut off, was longer than
    /// [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES), is not a JSON object, or its code is not a word.
    pub reason_is_lost: bool,
    /// Amazon's sentence, in one line of at most 1,000 characters. For people: do not match on it.
    ///
    /// It names the parameter at fault and may quote its value. **Do not log it** where names and addresses have
    /// no business.
    pub message: Option<String>,
    /// Amazon's id of this call.
    pub request_id: Option<String>,
    /// How long to wait, where the answer says so.
    ///
    /// A `Retry-After` that is a date counts from the answer's own `Date`; without one it says nothing. A number
    /// beyond 64 bits is [`Duration::MAX`], and a fraction of a second is rounded up to a whole one.
    pub retry_after: Option<Duration>,
    /// When the server says it answered.
    pub date: Option<Timestamp>,
    /// What the body claims to be, for example `text/html` from a gateway.
    pub content_type: Option<String>,
}

impl ApiError {
    /// See [`Error::may_have_landed`]: a 5xx, a 408, a code that says that Amazon had begun, an answer that is
    /// not Amazon's, such as a redirect, or a 4xx [whose code is lost](Self::reason_is_lost), since it might have
    /// been such a code. Of the latter, those statuses are excepted that are said before a request is looked at:
    /// 401, 403, 404, 405, 413, 425, 426, 429.
    #[must_use]
    pub fn may_have_landed(&self) -> bool {
        match (self.status, &self.reason_code) {
            (408 | 500..=599, _) => true,
            (400..=499, Some(code)) => code.is_unclear(),
            (401 | 403 | 404 | 405 | 413 | 425 | 426 | 429, None) => false,
            (400..=499, None) => self.reason_is_lost,
            _ => true,
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Amazon Pay answered {}", self.status)?;
        if let Some(code) = &self.reason_code {
            write!(f, " {code}")?;
        } else if let Some(content_type) = &self.content_type {
            write!(f, " without a reason code ({content_type})")?;
        }
        if let Some(request_id) = &self.request_id {
            write!(f, " (request id {request_id})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("status", &self.status)
            .field("reason_code", &self.reason_code)
            .field("reason_is_lost", &self.reason_is_lost)
            .field("request_id", &self.request_id)
            .field("retry_after", &self.retry_after)
            .field("date", &self.date)
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for ApiError {}

/// A 2xx whose body could not be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct UnreadableAnswer {
    /// The HTTP status; 202 means that a payment is being decided.
    pub status: u16,
    /// Amazon's id of this call.
    pub request_id: Option<String>,
    /// When the server says it answered.
    pub date: Option<Timestamp>,
    /// What the body claims to be.
    pub content_type: Option<String>,
    /// What is wrong with it.
    pub because: BodyError,
}

impl fmt::Display for UnreadableAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the body of Amazon Pay's answer {} cannot be read",
            self.status
        )?;
        if let Some(request_id) = &self.request_id {
            write!(f, " (request id {request_id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for UnreadableAnswer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.because)
    }
}

/// What is wrong with a body.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The connection ended, or the time did, before the body did.
    #[error("it ended early")]
    CutOff(#[source] Cause),
    /// More than [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES).
    #[error("it is longer than 1 MiB")]
    TooLarge,
    /// Not the object that was asked for.
    #[error("it is not what was asked for")]
    Invalid(#[source] InvalidAnswer),
}
