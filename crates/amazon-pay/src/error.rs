//! What went wrong with a call, cut by what the caller can know about the request.
//!
//! | error | was the request written? | did Amazon act on it? |
//! | --- | --- | --- |
//! | [`Error::NotSent`] | no byte of it | no |
//! | [`Error::Transport`] | perhaps | cannot be known |
//! | [`Error::Api`] | yes | as status and reason code say; a 5xx leaves it open |
//! | [`Error::Unreadable`] | yes | yes, but its answer is lost |
//!
//! No error holds a body, a header that we sent, or anything of the buyer, beyond the message that Amazon
//! wrote.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::InvalidAnswer;

/// The cause underneath. Its chain names hosts and addresses, never the URL's path or a body.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a call did not bring the object that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Failed before any byte of the request was written: the name could not be resolved, the connection or
    /// the TLS handshake failed, or the request could not be signed. Amazon knows nothing of it.
    #[error("the request was not sent")]
    NotSent(#[source] Cause),
    /// Failed after the request may have been written and before a status line came back: reset, closed, cut
    /// off. Amazon may have acted.
    #[error("the connection failed after the request may have been sent")]
    Transport(#[source] Cause),
    /// Amazon, or something in front of it, answered with anything but a 2xx.
    #[error(transparent)]
    Api(Box<ApiError>),
    /// A 2xx whose body could not be read: Amazon did what was asked, and what it said is lost.
    #[error(transparent)]
    Unreadable(Box<UnreadableAnswer>),
}

impl Error {
    /// Amazon's id of this call, which its support asks for.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::NotSent(_) | Self::Transport(_) => None,
            Self::Api(error) => error.request_id.as_deref(),
            Self::Unreadable(answer) => answer.request_id.as_deref(),
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

/// An answer that is not a 2xx. Decide on `reason_code` first and on `status` second: for some codes Amazon's
/// own pages differ on the status. A redirect is such an answer too, and is never followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// Amazon's word for it; absent when the body is not Amazon's JSON.
    pub reason_code: Option<String>,
    /// Amazon's sentence, of at most 1,000 characters. For people: do not match on it.
    pub message: Option<String>,
    /// Amazon's id of this call.
    pub request_id: Option<String>,
    /// How long to wait, where the answer says so. A `Retry-After` that is a date counts from the answer's
    /// own `Date`.
    pub retry_after: Option<Duration>,
    /// When the server says it answered.
    pub date: Option<Timestamp>,
    /// What the body claims to be, for example `text/html` from a gateway.
    pub content_type: Option<String>,
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Amazon Pay answered {}", self.status)?;
        if let Some(code) = &self.reason_code {
            write!(f, " {code}")?;
        } else if let Some(content_type) = &self.content_type {
            write!(f, " without a reason code ({content_type})")?;
        }
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        }
        if let Some(request_id) = &self.request_id {
            write!(f, " (request id {request_id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}

/// A 2xx whose body could not be read.
#[derive(Debug)]
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
    /// The connection ended before the body did.
    #[error("it ended early")]
    CutOff(#[source] Cause),
    /// More than [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES).
    #[error("it is longer than 1 MiB")]
    TooLarge,
    /// Not the object that was asked for.
    #[error("it is not what was asked for")]
    Invalid(#[source] InvalidAnswer),
}
