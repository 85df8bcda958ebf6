//! What a call costs the client, and a finalization the sandbox: `cargo bench -p scenarios --bench calls`.
//!
//! The sandbox serves over TLS in a process of its own, with every check on, so that the processor time of either side
//! can be told from the other's. Requests are signed beforehand. All figures are of one run, and the last column holds
//! them against the signing of the same run: that is what to compare between machines.

mod merchant;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use amazon_pay::{CheckoutSession, Client, Request, SignedRequest, Timestamp};
use futures::StreamExt as _;
use rustix::time::{ClockId, clock_gettime};
use sandbox::{NewSession, Options, Profile, Sandbox};
use serde_json::{Value, json};

use merchant::{client, finalization};

const CALLS: usize = 2_000;
/// Not counted: connections are made, and memory is warm.
const WARM_UP: usize = 200;
const AT_ONCE: usize = 4;
/// Milliseconds of processor time.
const CLIENT_AT_MOST: f64 = 0.2;
const SANDBOX_AT_MOST: f64 = 0.25;

const SERVE: &str = "--serve";

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    if std::env::args().any(|argument| argument == SERVE) {
        runtime.block_on(serve());
    } else {
        runtime.block_on(measure());
    }
}

/// Says how to reach it and which sessions there are, and then at each line how much time it has used.
async fn serve() {
    let options = Options {
        profile: Profile::Unlimited,
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await.expect("a sandbox");
    let sessions: Vec<Value> = (0..WARM_UP + CALLS)
        .map(|_| sandbox.make_session(NewSession::default()).expect("a session"))
        .collect();
    println!("{}", json!({"info": sandbox.info(), "sessions": sessions}));
    loop {
        let line = tokio::task::spawn_blocking(|| std::io::stdin().lines().next()).await;
        if !matches!(line, Ok(Some(Ok(_)))) {
            return;
        }
        println!("{}", processor_time(ClockId::ProcessCPUTime));
    }
}

struct Served {
    process: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Served {
    fn start() -> (Self, Value) {
        let this = std::env::current_exe().expect("this program's path");
        let mut process = Command::new(this)
            .arg(SERVE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the sandbox's process");
        let mut served = Self {
            ask: process.stdin.take().expect("piped"),
            answers: BufReader::new(process.stdout.take().expect("piped")),
            process,
        };
        let first = served.line();
        (served, serde_json::from_str(&first).expect("JSON"))
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("a line");
        line
    }

    fn processor_time(&mut self) -> f64 {
        self.ask.write_all(b"\n").expect("it listens");
        self.line().trim().parse().expect("a number")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn measure() {
    let (mut served, told) = Served::start();
    let client = client(&told["info"]);
    let sessions = told["sessions"].as_array().expect("an array");
    let requests: Vec<Request<CheckoutSession>> = sessions.iter().map(finalization).collect();

    #[expect(
        clippy::disallowed_methods,
        reason = "the sandbox in the other process has the machine's clock"
    )]
    let now = Timestamp::now();
    let before = processor_time(ClockId::ThreadCPUTime);
    let signed: Vec<_> = requests
        .iter()
        .map(|request| client.sign(request, now).expect("it signs"))
        .collect();
    let signing = (processor_time(ClockId::ThreadCPUTime) - before) / as_f64(signed.len());

    let mut signed = signed.into_iter();
    send(&client, signed.by_ref().take(WARM_UP)).await;
    let (ours, theirs) = (processor_time(ClockId::ThreadCPUTime), served.processor_time());
    send(&client, signed).await;
    let sending = (processor_time(ClockId::ThreadCPUTime) - ours) / as_f64(CALLS);
    let serving = (served.processor_time() - theirs) / as_f64(CALLS);

    println!("processor time of a finalization over TLS, {CALLS} calls, {AT_ONCE} at once");
    let row = |what: &str, seconds: f64, wanted: &str| {
        println!(
            "  {what:<22}{:8.3} ms   {:6.3} x signing   {wanted}",
            seconds * 1e3,
            seconds / signing
        );
    };
    row("the client signs", signing, "");
    row(
        "the client sends",
        sending,
        &format!("(wanted: at most {CLIENT_AT_MOST} ms)"),
    );
    row(
        "the sandbox serves",
        serving,
        &format!("(wanted: at most {SANDBOX_AT_MOST} ms)"),
    );
}

async fn send(client: &Client, signed: impl Iterator<Item = SignedRequest<CheckoutSession>>) {
    futures::stream::iter(signed)
        .for_each_concurrent(AT_ONCE, async |request| {
            client.send(request).await.expect("it is confirmed");
        })
        .await;
}

#[expect(
    clippy::cast_precision_loss,
    reason = "seconds and nanoseconds of a short run"
)]
fn processor_time(of: ClockId) -> f64 {
    let time = clock_gettime(of);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn as_f64(count: usize) -> f64 {
    count as f64
}
