//! A folder with a configuration, and confirmd started in it.

use std::future::Future;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use kafka_topics::mock::EmbeddedBroker;
use rustix::pty::{self, OpenptFlags};
use rustix::termios::{Winsize, tcsetwinsize};
use sandbox::{NewSession, Options, Profile, Sandbox};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};

/// Nobody listens on the port of "tcpmux".
pub(crate) const NO_BROKER: &str = "127.0.0.1:1";

/// Whoever has not come to an end by then never will.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Place {
    pub(crate) sandbox: Sandbox,
    pub(crate) folder: tempfile::TempDir,
}

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Place {
    /// With a database that has been migrated, and a broker that is away.
    pub(crate) async fn migrated() -> Self {
        let place = Self::new().await;
        let migrated = place.command(&["migrate"]).await;
        assert_eq!(migrated.code(), Some(0), "{migrated:?}");
        place
    }

    /// With no database yet, and a broker that is away.
    pub(crate) async fn new() -> Self {
        let options = Options {
            profile: Profile::Unlimited,
            seed: Some(1),
            ..Options::default()
        };
        let place = Self {
            sandbox: Sandbox::start(options).await.unwrap(),
            folder: tempfile::tempdir().unwrap(),
        };
        place.configure(NO_BROKER, "", "");
        place
    }

    /// `kafka` and `account` are more lines of these tables. Of the files only one has a whole path.
    pub(crate) fn configure(&self, broker: &str, kafka: &str, account: &str) {
        let info = self.sandbox.info();
        let [eu, us] = ["eu_shop", "us_shop"].map(|name| {
            let merchant = info.merchants.iter().find(|it| it.account == name).unwrap();
            std::fs::copy(&merchant.private_key_file, self.path(&format!("{name}.pem"))).unwrap();
            &merchant.public_key_id
        });
        let (url, ca) = (&info.url, &info.ca_file);
        let text = format!(
            "[kafka]\nbootstrap_servers = {broker:?}\n{kafka}\n[store]\nurl = \"sqlite://log.db\"\n\
             [console]\nlisten = \"127.0.0.1:0\"\n\
             [accounts.eu_shop]\nregion = \"eu\"\npublic_key_id = {eu:?}\nprivate_key_file = \"eu_shop.pem\"\n\
             endpoint = {url:?}\nca_file = {ca:?}\n{account}\n\
             [accounts.us_shop]\nregion = \"na\"\npublic_key_id = {us:?}\nprivate_key_file = \"us_shop.pem\"\n\
             endpoint = {url:?}\nca_file = {ca:?}\nmode = \"watch\"\n"
        );
        std::fs::write(self.path("confirmd.toml"), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_confirmd"));
        program
            .arg("--config")
            .arg(self.path("confirmd.toml"))
            // Not where its files are.
            .current_dir("/")
            .env("USER", "ada")
            // Whatever whoever runs the tests has set for their own eyes.
            .env_remove("CLICOLOR_FORCE")
            .env_remove("SUDO_USER")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        program
    }

    /// Runs one command to its end.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Finished {
        self.command_in(arguments, &[]).await
    }

    /// The same with more in its environment.
    pub(crate) async fn command_in(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Finished {
        let output = self
            .program()
            .args(arguments)
            .envs(environment.iter().copied())
            .output();
        let output = in_time(&arguments.join(" "), output).await.unwrap();
        Finished {
            status: output.status,
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The same on a terminal that is so many columns wide; what it shows is told as standard output.
    pub(crate) async fn command_on_a_terminal(
        &self,
        columns: u16,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Finished {
        let terminal = pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        pty::grantpt(&terminal).unwrap();
        pty::unlockpt(&terminal).unwrap();
        let size = Winsize {
            ws_row: 50,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&terminal, size).unwrap();
        let inside = || pty::ioctl_tiocgptpeer(&terminal, OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        let mut program = self.program();
        program
            .args(arguments)
            .env("TERM", "xterm")
            .env_remove("COLUMNS")
            .env_remove("NO_COLOR")
            .envs(environment.iter().copied())
            .stdout(inside())
            .stderr(inside());
        let mut child = program.spawn().unwrap();
        // It keeps its end of the terminal open.
        drop(program);
        let shown = tokio::task::spawn_blocking(move || {
            let mut shown = Vec::new();
            // When nobody is inside any more, reading fails and does not end.
            let _ = std::fs::File::from(terminal).read_to_end(&mut shown);
            String::from_utf8(shown).unwrap()
        });
        let status = in_time(&arguments.join(" "), child.wait()).await.unwrap();
        Finished {
            status,
            stdout: in_time("the terminal", shown).await.unwrap(),
            stderr: String::new(),
        }
    }

    pub(crate) async fn daemon(&self) -> Daemon {
        let mut daemon = self.begin_daemon();
        let line = daemon.line("console listens on ").await;
        let (_, address) = line.rsplit_once("console listens on ").unwrap();
        daemon.console = address.trim().to_owned();
        daemon
    }

    /// Waits for nothing.
    pub(crate) fn begin_daemon(&self) -> Daemon {
        self.begin_daemon_in(&[])
    }

    /// The same with more in its environment.
    pub(crate) fn begin_daemon_in(&self, environment: &[(&str, &str)]) -> Daemon {
        let mut program = self.program();
        let mut child = program
            .arg("run")
            .envs(environment.iter().copied())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        Daemon {
            child,
            stderr,
            said: Vec::new(),
            console: String::new(),
        }
    }

    /// Moves Amazon's clock, and nobody else's.
    pub(crate) async fn advance(&self, by: &str) {
        let url = &self.sandbox.info().control_url;
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        let body = json!({ "advance": by }).to_string();
        let request = format!(
            "POST /clock HTTP/1.0\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = in_time("the sandbox's clock", async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        });
        let answer = answer.await;
        assert!(answer.split(' ').nth(1) == Some("200"), "{answer}");
    }

    /// What the shop says of a new session whose buyer has finished, with `changes` laid over it.
    pub(crate) fn checkout(&self, changes: Value) -> Value {
        let session = self.sandbox.make_session(NewSession::default()).unwrap();
        let details = &session["paymentDetails"];
        let mut checkout = json!({
            "checkoutSessionId": session["checkoutSessionId"],
            "account": "eu_shop",
            "merchantReferenceId": "ORDER-1001",
            "operation": "Finalize",
            "productType": session["productType"],
            "paymentIntent": details["paymentIntent"],
            "chargeAmount": details["chargeAmount"],
            "shippingAddress": session["shippingAddress"],
        });
        let Value::Object(changes) = changes else {
            panic!("changes are an object")
        };
        for (field, value) in changes {
            checkout[field] = value;
        }
        checkout
    }

    /// Writes lines into a file and imports it.
    pub(crate) async fn import(&self, lines: &[String], more: &[&str]) -> Finished {
        let file = self.path("orders.jsonl");
        std::fs::write(&file, lines.join("\n")).unwrap();
        let path = file.display().to_string();
        let arguments = ["sessions", "import", &path];
        self.command(&[&arguments[..], more].concat()).await
    }
}

pub(crate) fn id_of(checkout: &Value) -> String {
    checkout["checkoutSessionId"].as_str().unwrap().to_owned()
}

pub(crate) fn broker() -> EmbeddedBroker {
    EmbeddedBroker::start().unwrap()
}

/// A running confirmd. It ends with the test, however that ends.
pub(crate) struct Daemon {
    child: Child,
    stderr: Lines<BufReader<ChildStderr>>,
    said: Vec<String>,
    console: String,
}

impl Daemon {
    /// The first line on its standard error that has this in it, said before or still to come.
    pub(crate) async fn line(&mut self, part: &str) -> String {
        if let Some(line) = self.said.iter().find(|line| line.contains(part)) {
            return line.clone();
        }
        self.next_line(part).await
    }

    /// The first that it says from now on.
    pub(crate) async fn next_line(&mut self, part: &str) -> String {
        in_time(part, async {
            loop {
                let Some(line) = self.stderr.next_line().await.unwrap() else {
                    panic!("it ended without saying {part:?}: {:#?}", self.said)
                };
                self.said.push(line.clone());
                if line.contains(part) {
                    return line;
                }
            }
        })
        .await
    }

    /// Status and body of a GET at its console.
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let answer = in_time(path, async {
            let mut stream = TcpStream::connect(&self.console).await.unwrap();
            let request = format!("GET {path} HTTP/1.0\r\nhost: {}\r\n\r\n", self.console);
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        });
        let answer = answer.await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
        let body = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
        (status, body)
    }

    /// Where its console listens.
    pub(crate) fn console(&self) -> &str {
        &self.console
    }

    /// SIGHUP.
    pub(crate) fn hang_up(&self) {
        let id = self.child.id().expect("it runs").to_string();
        let told = std::process::Command::new("kill").args(["-HUP", &id]).status();
        assert!(told.unwrap().success());
    }

    /// SIGTERM.
    pub(crate) async fn terminate(self) -> Finished {
        let id = self.child.id().expect("it runs").to_string();
        let killed = std::process::Command::new("kill").args(["-TERM", &id]).status();
        assert!(killed.unwrap().success());
        self.finish().await
    }

    /// SIGKILL.
    pub(crate) async fn kill(mut self) -> Finished {
        self.child.start_kill().unwrap();
        self.finish().await
    }

    /// Waits until it has ended.
    pub(crate) async fn finish(mut self) -> Finished {
        in_time("the end", async {
            while let Some(line) = self.stderr.next_line().await.unwrap() {
                self.said.push(line);
            }
            Finished {
                status: self.child.wait().await.unwrap(),
                stdout: String::new(),
                stderr: self.said.join("\n"),
            }
        })
        .await
    }
}

/// Turns what would hang for ever into a failure that says what was waited for.
#[expect(
    clippy::disallowed_methods,
    reason = "the last resort of a test is the machine's time"
)]
pub(crate) async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
