//! What is too long, too slow or no HTTP at all ends, and nobody else notices.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Console, OPERATE, basic, in_time};

#[tokio::test]
async fn what_is_no_http_or_too_long_is_refused() {
    let console = Console::with(None, Some(OPERATE)).await;
    let long = "x".repeat(20_000);
    for (request, statuses) in [
        ("\u{0}\u{1}nonsense\r\n\r\n".to_owned(), &[400, 0][..]),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), &[400, 0]),
        (
            format!("GET /{long} HTTP/1.1\r\nhost: localhost\r\n\r\n"),
            &[414, 431],
        ),
        (
            format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {long}\r\n\r\n"),
            &[431],
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n",
                "x: y\r\n".repeat(150)
            ),
            &[431],
        ),
    ] {
        let answer = in_time(console.raw(&request)).await;
        assert!(
            statuses.contains(&answer.status),
            "{}: {}",
            &request[..20],
            answer.head
        );
    }
    let form = "content-type: application/x-www-form-urlencoded";
    let body = format!("reason={long}");
    let answer = console
        .send(
            "POST",
            "/sessions/S-1/retry",
            &[form, &basic("ada", OPERATE)],
            &body,
        )
        .await;
    assert_eq!(answer.status, 413, "{}", answer.head);
    assert_eq!(*console.desk.done.lock().unwrap(), []);
    assert_eq!(console.get("/livez", &[]).await.status, 200);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_waited_for_no_longer_than_it_should() {
    let console = Console::impatient().await;
    let head = format!(
        "POST /sessions/S-1/retry HTTP/1.1\r\nhost: localhost\r\n{}\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: 14\r\n\r\nreason",
        basic("ada", OPERATE)
    );
    let answer = in_time(console.raw(head)).await;
    assert_eq!(answer.status, 408, "{}", answer.head);
    assert_eq!(*console.desk.done.lock().unwrap(), []);
}

#[tokio::test]
async fn whoever_holds_connections_open_keeps_nobody_else_from_being_served() {
    let console = Console::with(None, None).await;
    let mut held = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(console.address).await.unwrap();
        stream.write_all(b"GET / HT").await.unwrap();
        held.push(stream);
    }
    assert_eq!(in_time(console.get("/livez", &[])).await.status, 200);
    // Each of them is closed in the end, by the machine's clock.
    let mut rest = Vec::new();
    let _ = in_time(held[0].read_to_end(&mut rest)).await;
}
