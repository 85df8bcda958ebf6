//! A sandbox in a process of its own, so that its processor time can be told from its client's.
//!
//! This program starts itself again as the sandbox, and gives it orders on its standard input; each is answered by one
//! line of JSON.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use sandbox::{Fault, NewSession, Options, Profile, Sandbox, When};
use serde_json::{Value, json};

/// What this program is, where it is not itself.
pub(crate) const AS: &str = "LOAD_AS";

/// Serves without quotas, with every check on, until its orders end.
///
/// ```text
///   {"make": N, …}          N sessions whose buyers have finished, with these fields: an array of them
///   {"answerAfter": "20ms"} every call is answered after this
/// ```
pub(crate) async fn serve() {
    let options = Options {
        profile: Profile::Unlimited,
        ..Options::default()
    };
    let sandbox = Sandbox::start(options).await.expect("a sandbox");
    println!("{}", json!(sandbox.info()));
    loop {
        let line = tokio::task::spawn_blocking(|| std::io::stdin().lines().next()).await;
        let Ok(Some(Ok(line))) = line else { return };
        let mut order: Value = serde_json::from_str(&line).expect("an order is JSON");
        println!("{}", carry_out(&sandbox, &mut order));
    }
}

fn carry_out(sandbox: &Sandbox, order: &mut Value) -> Value {
    if let Some(after) = order.get("answerAfter") {
        sandbox.clear_faults();
        let mut delayed = Fault::new("*", When::Before, None);
        delayed.delay = Some(serde_json::from_value(after.clone()).expect("a time span"));
        sandbox.fault(delayed).expect("a delay");
        return Value::Null;
    }
    let number = order["make"].take().as_u64().expect("how many");
    order.as_object_mut().expect("an object").remove("make");
    let new: NewSession = serde_json::from_value(order.take()).expect("fields of a session");
    let made = (0..number).map(|_| sandbox.make_session(new.clone()).expect("a session"));
    made.collect()
}

/// The sandbox as its client sees it. It ends with this.
pub(crate) struct Apart {
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    pub(crate) info: Value,
}

impl Apart {
    pub(crate) fn start() -> Self {
        let this = std::env::current_exe().expect("this program's path");
        let mut process = Command::new(this)
            .env(AS, "sandbox")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the sandbox's process");
        let mut apart = Self {
            orders: process.stdin.take().expect("piped"),
            answers: BufReader::new(process.stdout.take().expect("piped")),
            process,
            info: Value::Null,
        };
        apart.info = apart.answer();
        apart
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Sessions of the first merchant, as Amazon would show them.
    pub(crate) fn make(&mut self, number: usize) -> Vec<Value> {
        let made = self.order(&json!({"make": number}));
        made.as_array().expect("an array").clone()
    }

    pub(crate) fn answer_after(&mut self, span: Duration) {
        self.order(&json!({"answerAfter": format!("{}ms", span.as_millis())}));
    }

    fn order(&mut self, order: &Value) -> Value {
        writeln!(self.orders, "{order}").expect("it listens");
        self.answer()
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).expect("JSON")
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
