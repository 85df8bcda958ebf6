//! Connections, each bounded in what it may send and how long it may take for it.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Uri;
use axum::middleware;
use axum::response::Redirect;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use crate::access::{Access, Gate, from_our_pages, let_in, with_security_headers};
use crate::desk::Desk;
use crate::{acts, api, assets, pages};

/// Connections at a time; who comes then waits until one ends. More than may wait for an outcome, so that health and metrics
/// are answered beside them.
const CONNECTIONS: usize = 10_000;
/// Until the head of a request is there, the first and each further one of a connection.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
const LONGEST_HEAD: usize = 16 * 1_024;
/// Until whoever is answered has taken some more of the answer.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);
/// For the answers that are under way when it is to stop.
const GRACE: Duration = Duration::from_secs(1);

/// Serves until it is to stop, and a moment longer for the answers that are under way.
pub async fn serve<D: Desk>(listener: TcpListener, desk: Arc<D>, access: Access, stop: CancellationToken) {
    let router = router(desk.clone(), access);
    let mut connections = JoinSet::new();
    let sleep = |wait| desk.sleep(wait);
    accept(listener, CONNECTIONS, &mut connections, router, sleep, &stop).await;
    // A reader who holds a connection open does not keep the program from ending.
    tokio::select! {
        () = async { while connections.join_next().await.is_some() {} } => {}
        () = desk.sleep(GRACE) => {}
    }
}

/// Takes connections until it is to stop, so many at a time.
async fn accept<Sleep: Future<Output = ()>>(
    listener: TcpListener,
    most: usize,
    connections: &mut JoinSet<()>,
    router: Router,
    sleep: impl Fn(Duration) -> Sleep,
    stop: &CancellationToken,
) {
    let places = Arc::new(Semaphore::new(most));
    loop {
        while connections.try_join_next().is_some() {}
        let next = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = stop.cancelled() => return,
            next = next => next,
        };
        match accepted {
            Ok((stream, from)) => {
                // An answer is small, and somebody waits for it.
                let _ = stream.set_nodelay(true);
                let serving = serve_one(stream, from, router.clone(), stop.clone());
                connections.spawn(async move {
                    serving.await;
                    drop(place);
                });
            }
            // No more open files, as a rule: it gets better when others are closed.
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the console cannot take a connection"
                );
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve_one(
    stream: impl AsyncRead + AsyncWrite,
    from: SocketAddr,
    router: Router,
    stop: CancellationToken,
) {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(TAKEN_WITHIN));
    let stream = pin!(stream);
    let routed = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(from);
        routed.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // What a client does to its own connection is its affair: what came over it whole was answered.
    let is_to_end = tokio::select! {
        _ = connection.as_mut() => false,
        () = stop.cancelled() => true,
    };
    if is_to_end {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

fn router<D: Desk>(desk: Arc<D>, access: Access) -> Router {
    let gate = Arc::new(Gate::new(desk, access));
    let guarded = Router::new()
        .merge(api::routes())
        .merge(pages::routes())
        .merge(acts::routes())
        .merge(assets::routes())
        .route("/sessions/", get(|| async { Redirect::permanent("/sessions") }))
        .fallback(|uri: Uri| async move { pages::not_found(&uri) })
        .layer(middleware::from_fn(from_our_pages))
        .layer(middleware::from_fn_with_state(gate.clone(), let_in::<D>));
    api::open_routes()
        .merge(guarded)
        .layer(middleware::from_fn(with_security_headers))
        .with_state(gate)
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::task::{JoinHandle, JoinSet};
    use tokio::time::advance;
    use tokio_util::sync::CancellationToken;

    use super::{TAKEN_WITHIN, accept, serve_one};

    const LONG: usize = 100_000;

    #[tokio::test]
    async fn whoever_comes_when_all_places_are_taken_is_answered_when_one_is_free() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let heard = Arc::new(AtomicUsize::new(0));
        let counted = heard.clone();
        let answer = async move || (1 + counted.fetch_add(1, Ordering::SeqCst)).to_string();
        let router = Router::new().route("/", get(answer));
        let is_to_end = stop.clone();
        let serving = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            accept(listener, 2, &mut connections, router, |_| ready(()), &is_to_end).await;
        });
        // Each has been answered once, and holds its connection.
        let ask = async || {
            let mut client = TcpStream::connect(address).await.unwrap();
            client
                .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
                .await
                .unwrap();
            client
        };
        let answered = async |client: &mut TcpStream| {
            let mut answer = String::new();
            while !answer.contains("\r\n\r\n") {
                answer.push(char::from(client.read_u8().await.unwrap()));
            }
            client.read_u8().await.unwrap()
        };
        let (mut first, mut second) = (ask().await, ask().await);
        assert_eq!([answered(&mut first).await, answered(&mut second).await], *b"12");
        let mut third = ask().await;
        first
            .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await
            .unwrap();
        assert_eq!(answered(&mut first).await, b'3', "the third waits");
        drop(second);
        assert_eq!(answered(&mut third).await, b'4');
        stop.cancel();
        serving.await.unwrap();
    }

    /// Asks for a long answer of which a kilobyte is under way at a time.
    async fn asked() -> (DuplexStream, JoinHandle<()>) {
        let (mut client, server) = tokio::io::duplex(1_024);
        let router = Router::new().route("/", get(|| async { "x".repeat(LONG) }));
        let from = ([127, 0, 0, 1], 1).into();
        let serving = tokio::spawn(serve_one(server, from, router, CancellationToken::new()));
        let request = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        client.write_all(request).await.unwrap();
        (client, serving)
    }

    #[tokio::test(start_paused = true)]
    #[expect(
        clippy::disallowed_methods,
        reason = "the time stands still but for this, and moves where nobody has anything to do"
    )]
    async fn whoever_takes_nothing_of_an_answer_is_given_up() {
        let (mut client, serving) = asked().await;
        let given_up = tokio::time::timeout(TAKEN_WITHIN * 2, serving).await;
        given_up.expect("it is not waited for any longer").unwrap();
        let mut taken = Vec::new();
        client.read_to_end(&mut taken).await.unwrap();
        assert!(taken.len() <= 1_024, "{}", taken.len());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_it_slowly_gets_all_of_it() {
        let (mut client, _) = asked().await;
        let mut taken = 0;
        let mut some = [0; 10_000];
        loop {
            match client.read(&mut some).await.unwrap() {
                0 => break,
                more => taken += more,
            }
            advance(TAKEN_WITHIN / 2).await;
        }
        assert!(LONG < taken, "{taken}");
    }
}
