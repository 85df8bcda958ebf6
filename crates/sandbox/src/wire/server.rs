//! The two listeners: the API over TLS, where connections can be reset or left hanging, and the control API.

use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::refusal::Refusal;
use crate::api::{self, Answer, Reply, Request};
use crate::control::{self, ControlAnswer, guard};
use crate::shared::Shared;
use crate::time::stamp::http_date;

/// Far more than any request of the API needs.
const MOST_BODY_BYTES: usize = 1 << 20;
/// What is read of a longer body before it is answered: a caller that is still sending would not hear it.
const MOST_DISCARDED_BYTES: usize = 16 << 20;

/// Nothing is loaded from anywhere, nothing frames it, and forms lead back to it. The referrer stays within the
/// origin: without any, a browser would not say where a form comes from.
const CONTROL_HEADERS: [(&str, &str); 4] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cache-control", "no-store"),
];

/// What every connection is served with. Calls are worked on apart from their connections: what has arrived is
/// done, whether or not its caller waits.
#[derive(Clone)]
pub(crate) struct Serving {
    pub(crate) shared: Arc<Shared>,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
    pub(crate) patience: Duration,
}

/// Counts the connections that are open. Clones are the same counter.
#[derive(Clone, Default)]
pub(crate) struct Connections(watch::Sender<usize>);

impl Connections {
    pub(crate) fn watch(&self) -> watch::Receiver<usize> {
        self.0.subscribe()
    }

    /// One more, until it is dropped.
    fn opened(&self) -> OpenConnection {
        self.0.send_modify(|open| *open += 1);
        OpenConnection(self.0.clone())
    }
}

struct OpenConnection(watch::Sender<usize>);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

/// Accepts until it is stopped; connections end with it.
pub(crate) async fn serve_api(
    listener: TcpListener,
    tls: TlsAcceptor,
    serving: Serving,
    connections: Connections,
) {
    while let Some(stream) = accept(&listener, &serving.stop).await {
        let (tls, serving, open) = (tls.clone(), serving.clone(), connections.opened());
        serving.tasks.clone().spawn(async move {
            let _counted = open;
            tokio::select! {
                () = serving.stop.cancelled() => {}
                () = api_connection(stream, tls, &serving) => {}
            }
        });
    }
}

pub(crate) async fn serve_control(listener: TcpListener, serving: Serving) {
    while let Some(stream) = accept(&listener, &serving.stop).await {
        let serving = serving.clone();
        serving.tasks.clone().spawn(async move {
            tokio::select! {
                () = serving.stop.cancelled() => {}
                () = control_connection(stream, &serving) => {}
            }
        });
    }
}

/// The next connection; none once stopped.
async fn accept(listener: &TcpListener, stop: &CancellationToken) -> Option<TcpStream> {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                // Answers are small and awaited: never held back to be sent together.
                let _not_fatal = stream.set_nodelay(true);
                return Some(stream);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::task::yield_now().await;
            }
        }
    }
}

impl Serving {
    /// The reply; none when the sandbox stops first.
    async fn answer(&self, request: Request) -> Option<Reply> {
        let (caller, reply) = oneshot::channel();
        let (shared, stop) = (self.shared.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            let answered = tokio::select! {
                () = stop.cancelled() => return,
                answered = api::answer(&shared, &request) => answered,
            };
            if let Err(answered) = caller.send(answered) {
                answered.nobody_listened(&shared);
            }
        });
        reply.await.ok().map(|answered| answered.reply)
    }
}

async fn api_connection(stream: TcpStream, tls: TlsAcceptor, serving: &Serving) {
    let stream = match in_real_time(serving.patience, tls.accept(stream)).await {
        Some(Ok(stream)) => stream,
        Some(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            return;
        }
        None => {
            tracing::debug!("a TLS handshake took too long");
            return;
        }
    };
    let reset = CancellationToken::new();
    let service = service_fn(|request| respond(serving.clone(), request, reset.clone()));
    let mut connection = http1::Builder::new()
        .auto_date_header(false)
        .timer(TokioTimer::new())
        .header_read_timeout(serving.patience)
        .serve_connection(TokioIo::new(stream), service);
    let ended = tokio::select! {
        ended = &mut connection => Some(ended),
        () = reset.cancelled() => None,
    };
    match ended {
        Some(Ok(())) => {}
        Some(Err(error)) => tracing::debug!(%error, "a connection ended early"),
        None => abort_on_close(connection.into_parts().io.inner()),
    }
}

/// Without linger, closing a socket sends RST instead of FIN.
fn abort_on_close(stream: &TlsStream<TcpStream>) {
    let (tcp, _) = stream.get_ref();
    if let Err(error) = tcp.set_zero_linger() {
        tracing::debug!(%error, "a connection is closed instead of reset");
    }
}

type ApiBody = Either<Full<Bytes>, CutShort>;

async fn respond(
    serving: Serving,
    request: http::Request<Incoming>,
    reset: CancellationToken,
) -> Result<Response<ApiBody>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = match read(body, serving.patience).await {
        Ok(body) => body,
        Err(Unread::Broken) => {
            // It did not arrive whole: there is nobody left to answer.
            reset.cancel();
            return pending().await;
        }
        Err(unread) => return Ok(unread.response(&serving.shared)),
    };
    let request = Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    };
    match serving.answer(request).await {
        Some(Reply::Answer(answer)) => Ok(response(answer, |body| Either::Left(Full::new(body)))),
        Some(Reply::Truncated(answer)) => Ok(response(answer, |body| Either::Right(CutShort::new(&body)))),
        Some(Reply::Reset) => {
            reset.cancel();
            pending().await
        }
        Some(Reply::Hang) | None => pending().await,
    }
}

/// Why a body was not read.
enum Unread {
    TooLong,
    TooSlow,
    Broken,
}

impl Unread {
    fn response(self, shared: &Shared) -> Response<ApiBody> {
        let refusal = match self {
            Self::TooLong => Refusal::new(400, "InvalidRequest", "the body has more than a mebibyte"),
            Self::TooSlow | Self::Broken => Refusal::new(
                408,
                "RequestTimeout",
                "the rest of the body was waited for in vain",
            ),
        };
        let answer = api::unread(shared, refusal);
        let mut response = response(answer, |body| Either::Left(Full::new(body)));
        // Whatever is still on its way is no request.
        let headers = response.headers_mut();
        headers.insert("connection", HeaderValue::from_static("close"));
        response
    }
}

async fn read(body: Incoming, patience: Duration) -> Result<Bytes, Unread> {
    in_real_time(patience, whole(body))
        .await
        .unwrap_or(Err(Unread::TooSlow))
}

async fn whole(mut body: Incoming) -> Result<Bytes, Unread> {
    let mut bytes = BytesMut::new();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Unread::Broken)?;
        let Some(data) = frame.data_ref() else { continue };
        length = length.saturating_add(data.len());
        if length > MOST_DISCARDED_BYTES {
            break;
        }
        if length <= MOST_BODY_BYTES {
            bytes.extend_from_slice(data);
        }
    }
    if length > MOST_BODY_BYTES {
        return Err(Unread::TooLong);
    }
    Ok(bytes.freeze())
}

/// None when it took longer than `patience`.
#[expect(
    clippy::disallowed_methods,
    reason = "a slow caller is slow in real time, whatever the sandbox's clock shows"
)]
pub(crate) async fn in_real_time<T>(patience: Duration, what: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(patience, what).await.ok()
}

fn response(answer: Answer, body: impl FnOnce(Bytes) -> ApiBody) -> Response<ApiBody> {
    let length = answer.body.len();
    let mut response = Response::new(body(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(answer.content_type));
    headers.insert("content-length", HeaderValue::from(length));
    if let Ok(id) = HeaderValue::from_str(&answer.request_id) {
        headers.insert("x-amz-pay-request-id", id);
    }
    if let Ok(date) = HeaderValue::from_str(&http_date(answer.date)) {
        headers.insert("date", date);
    }
    if let Some(seconds) = answer.retry_after {
        headers.insert("retry-after", HeaderValue::from(seconds));
    }
    response
}

/// Half of a body, then an error, upon which hyper ends the connection.
struct CutShort {
    promised: u64,
    half: Option<Bytes>,
    flushed: bool,
}

impl CutShort {
    fn new(whole: &Bytes) -> Self {
        let promised = u64::try_from(whole.len()).unwrap_or(u64::MAX);
        Self {
            promised,
            half: Some(whole.slice(..whole.len() / 2)),
            flushed: false,
        }
    }
}

impl Body for CutShort {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        // One pause, in which hyper flushes what it has: the caller is to see the first half.
        if !std::mem::replace(&mut self.flushed, true) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(std::io::Error::other(
            "cut short, as a fault asked for",
        ))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.promised)
    }
}

async fn control_connection(stream: TcpStream, serving: &Serving) {
    let service = service_fn(|request| respond_control(serving.clone(), request));
    let served = http1::Builder::new()
        .auto_date_header(false)
        .timer(TokioTimer::new())
        .header_read_timeout(serving.patience)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = served.await {
        tracing::debug!(%error, "a control connection ended early");
    }
}

async fn respond_control(
    serving: Serving,
    request: http::Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = read(body, serving.patience).await else {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return Ok(response);
    };
    let answer = match guard::problem(head.method.as_str(), &head.headers) {
        Some(why) => ControlAnswer::forbidden(why),
        None => control::answer(&serving.shared, head.method.as_str(), head.uri.path(), &body),
    };
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    for (name, value) in CONTROL_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("content-type", HeaderValue::from_static(answer.content_type));
    if let Some(location) = answer.location {
        headers.insert("location", HeaderValue::from_static(location));
    }
    Ok(response)
}
