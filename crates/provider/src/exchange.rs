//! One request, sent at most once, within its time.

use std::error::Error as StdError;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use amazon_pay::{ApiError, Error, ReasonCode, Request, Response, UnreadableAnswer};
use checkout::{Answer, Class, Timestamp};
use reconciler::ports::{Call, Clock};

use crate::account::{Account, Turn};
use crate::classify::{Verdict, classify};
use crate::scrub::scrub;

/// A gateway's odd idea of a wait must not outlast a deadline.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(5 * 60);

/// When it may be sent, and how long an answer is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) send_by: Option<Timestamp>,
    pub(crate) answer_by: Timestamp,
}

/// Why there is no object.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Provably before any byte left.
    NotSent(String),
    /// No answer: the connection broke, or the time is up.
    Silence(String),
    Refused(Box<ApiError>),
    /// A 2xx that cannot be read, or that does not say what a success says.
    Unreadable {
        status: u16,
        request_id: Option<String>,
        because: String,
    },
}

impl Failure {
    pub(crate) fn verdict(&self, call: Call) -> Verdict {
        match self {
            Self::NotSent(_) => Verdict::nothing_done(Class::Retry),
            Self::Silence(_) => Verdict::may_have_landed(Class::Retry),
            Self::Refused(error) => classify(
                call,
                error.status,
                error.reason_code.as_ref().map(ReasonCode::as_str),
            ),
            Self::Unreadable { .. } => Verdict::may_have_landed(Class::Ask),
        }
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(error) => error.retry_after.map(|wait| wait.min(LONGEST_RETRY_AFTER)),
            Self::NotSent(_) | Self::Silence(_) | Self::Unreadable { .. } => None,
        }
    }

    /// For the record of a look-up. Amazon may quote what the session holds, and there is no body of ours to know
    /// that by: of a refusal's sentence nothing is kept. Code, status and request id say what to do.
    pub(crate) fn answer_to_look_up(&self) -> Answer {
        let mut answer = self.answer(b"");
        if let Self::Refused(_) = self {
            answer.message = None;
        }
        answer
    }

    /// For the record, without anything of `body`.
    pub(crate) fn answer(&self, body: &[u8]) -> Answer {
        match self {
            Self::NotSent(because) | Self::Silence(because) => Answer {
                message: Some(scrub(because, body)),
                ..Answer::default()
            },
            Self::Refused(error) => Answer {
                status: Some(error.status),
                reason_code: error.reason_code.as_ref().map(ToString::to_string),
                message: error.message.as_deref().map(|message| scrub(message, body)),
                request_id: error.request_id.clone(),
            },
            Self::Unreadable {
                status,
                request_id,
                because,
            } => Answer {
                status: Some(*status),
                reason_code: None,
                message: Some(scrub(because, body)),
                request_id: request_id.clone(),
            },
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::NotSent(_) => Self::NotSent(chain(&error)),
            Error::Transport(_) => Self::Silence(chain(&error)),
            Error::Api(refusal) => Self::Refused(refusal),
            Error::Unreadable(answer) => answer.into(),
        }
    }
}

impl From<Box<UnreadableAnswer>> for Failure {
    fn from(answer: Box<UnreadableAnswer>) -> Self {
        Self::Unreadable {
            status: answer.status,
            request_id: answer.request_id.clone(),
            because: format!("the answer cannot be read: {}", chain(&answer.because)),
        }
    }
}

/// Signs by Amazon's clock, sends, and waits no longer than `window` allows. Learns the skew from whatever
/// answers.
pub(crate) async fn exchange<T: amazon_pay::Answer>(
    account: &Account,
    clock: &impl Clock,
    turn: Option<&mut Turn>,
    request: &Request<T>,
    window: Window,
) -> Result<Response<T>, Failure> {
    let begun_at = clock.now();
    let client = account.client();
    let signed = client.sign(request, account.corrected(begun_at))?;
    // Asked last: signing takes its time, and so may whoever runs us.
    let now = clock.now();
    if window.send_by.is_some_and(|send_by| send_by < now) {
        return Err(Failure::NotSent("too late to send it".to_owned()));
    }
    if let Some(turn) = turn {
        if !turn.may_send() {
            return Err(Failure::NotSent(
                "the account was stopped or paused meanwhile".to_owned(),
            ));
        }
        turn.spend();
    }
    let Some(answered) = before(clock.sleep_until(window.answer_by), client.send(signed)).await else {
        return Err(Failure::Silence("no answer in time".to_owned()));
    };
    let date = match &answered {
        Ok(response) => response.date,
        Err(error) => error.date(),
    };
    if let Some(date) = date {
        account.learn_date(date, begun_at, clock.now());
    }
    answered.map_err(Failure::from)
}

/// What `work` brings, unless `end` is over first.
async fn before<T>(end: impl Future<Output = ()>, work: impl Future<Output = T>) -> Option<T> {
    let (mut end, mut work) = (pin!(end), pin!(work));
    poll_fn(|context| {
        if let Poll::Ready(value) = work.as_mut().poll(context) {
            return Poll::Ready(Some(value));
        }
        end.as_mut().poll(context).map(|()| None)
    })
    .await
}

fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
