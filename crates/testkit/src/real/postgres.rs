//! PostgreSQL from the binaries on this machine, in a cluster of its own.

use std::cmp::Reverse;
use std::env;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::folder::Folder;
use super::port::Port;
use super::server::Running;
use super::tls::ServerIdentity;
use super::{missing, program, text, unique};

const INSTALL: &str = "PostgreSQL (initdb, postgres and psql on PATH), or set DATABASE_URL";

/// What PostgreSQL would do in production (fsync, full-page writes), at the price of a small machine. The connections
/// are for every test of a process at once.
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
max_connections = 300
shared_buffers = '32MB'
wal_level = minimal
max_wal_senders = 0
jit = off
timezone = 'UTC'
log_checkpoints = off
";

/// The server that the tests of this process share: started with the first call, or the one that `DATABASE_URL` names.
/// `None` where PostgreSQL is missing.
///
/// # Panics
/// If it does not start, or if it is missing and `CI=true`.
pub fn postgres() -> Option<&'static Postgres> {
    static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
    SHARED.get_or_init(Postgres::find_or_start).as_ref()
}

/// What a database answers to one statement: a line a row, its columns with `|` between them.
///
/// # Panics
/// If `psql` is missing or the server refuses.
pub fn psql(url: &str, statement: &str) -> String {
    let psql = program("psql", &installed()).unwrap_or_else(|| panic!("install psql"));
    let asked = Command::new(psql)
        .args([
            "-X",
            "-q",
            "-t",
            "-A",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            url,
            "-c",
            statement,
        ])
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("psql did not start: {error}"));
    assert!(
        asked.status.success(),
        "{statement}: {}",
        String::from_utf8_lossy(&asked.stderr)
    );
    String::from_utf8_lossy(&asked.stdout).into_owned()
}

/// Puts what the database at `from` holds into the empty one at `to`, as from a backup.
///
/// # Panics
/// If `pg_dump` or `psql` is missing or the server refuses.
pub fn copy_database(from: &str, to: &str) {
    let [dump, psql] = ["pg_dump", "psql"]
        .map(|name| program(name, &installed()).unwrap_or_else(|| panic!("install {name}")));
    let mut dumping = Command::new(dump)
        .args(["--no-owner", "--dbname", from])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("pg_dump did not start: {error}"));
    let dumped = dumping.stdout.take().expect("it is piped");
    let restored = Command::new(psql)
        .args([
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "--output",
            "/dev/null",
            "-d",
            to,
        ])
        .stdin(dumped)
        .status()
        .unwrap_or_else(|error| panic!("psql did not start: {error}"));
    let dumped = dumping.wait().unwrap_or_else(|error| panic!("pg_dump: {error}"));
    assert!(
        dumped.success() && restored.success(),
        "pg_dump: {dumped}, psql: {restored}"
    );
}

/// A running PostgreSQL that other tests use too.
pub struct Postgres(Whose);

enum Whose {
    Ours(Box<PostgresServer>),
    Theirs {
        admin: Admin,
        /// One for each database of ours: removes it when this process is gone.
        guards: Mutex<Vec<Child>>,
    },
}

impl Postgres {
    fn find_or_start() -> Option<Self> {
        let Ok(url) = env::var("DATABASE_URL") else {
            return PostgresServer::start_new().map(|server| Self(Whose::Ours(Box::new(server))));
        };
        let scheme = url.split("://").next();
        assert!(
            matches!(scheme, Some("postgres" | "postgresql")),
            "DATABASE_URL must name a PostgreSQL server (postgres://…)"
        );
        let Some(psql) = program("psql", &installed()) else {
            return missing(
                "install psql: DATABASE_URL is set, and the tests' databases are created with it",
            );
        };
        Some(Self(Whose::Theirs {
            admin: Admin { url, psql },
            guards: Mutex::default(),
        }))
    }

    /// Creates an empty database, whose name begins with `prefix`, and returns its URL. It goes with the test process.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn database(&self, prefix: &str) -> String {
        match &self.0 {
            Whose::Ours(server) => server.database(prefix),
            Whose::Theirs { admin, guards } => {
                let name = unique(prefix);
                // First who cleans up, then what is to be cleaned up.
                let guard = admin.drop_at_our_end(&name);
                guards.lock().unwrap_or_else(PoisonError::into_inner).push(guard);
                admin.create_database(&name)
            }
        }
    }
}

/// A PostgreSQL of one test's own, which the test may stop, kill and start again. Dropping it ends it.
pub struct PostgresServer {
    running: Option<Running>,
    binary: PathBuf,
    admin: Admin,
    // The folder goes last: it waits for all who work in it.
    port: Port,
    folder: Folder,
}

impl PostgresServer {
    /// Starts a new, empty server, whatever `DATABASE_URL` says. Takes about a second. `None` where PostgreSQL is missing.
    ///
    /// # Panics
    /// If it does not start, or if it is missing and `CI=true`.
    pub fn start_new() -> Option<Self> {
        Self::started("confirmd", None)
    }

    /// The same, where another user than `confirmd` may do anything, and `confirmd` is not known.
    ///
    /// # Panics
    /// As [`start_new`](Self::start_new) does.
    pub fn start_new_administered_by(superuser: &str) -> Option<Self> {
        Self::started(superuser, None)
    }

    /// The same, speaking TLS; of this user, who may do anything, it takes nothing else, and asks for the password.
    ///
    /// # Panics
    /// As [`start_new`](Self::start_new) does.
    pub fn start_new_guarded(identity: &ServerIdentity, user: &str, password: &str) -> Option<Self> {
        let server = Self::started("confirmd", Some((identity, user)))?;
        let role = format!("CREATE ROLE {user} LOGIN SUPERUSER PASSWORD '{password}'");
        psql(&server.admin.url, &role);
        Some(server)
    }

    fn started(superuser: &str, guard: Option<(&ServerIdentity, &str)>) -> Option<Self> {
        let installed = installed();
        let find = |name: &str| program(name, &installed);
        let (Some(initdb), Some(binary), Some(psql)) = (find("initdb"), find("postgres"), find("psql"))
        else {
            return missing(format_args!("install {INSTALL}"));
        };
        let folder = Folder::create(&env::temp_dir(), "confirmd-postgres")
            .and_then(Folder::not_as_root)
            .unwrap_or_else(|error| panic!("no folder for PostgreSQL: {error}"));
        let port = Port::reserve();
        initialize(&initdb, superuser, &folder, &port);
        if let Some((identity, user)) = guard {
            speak_tls(&folder, identity, user);
        }
        let url = format!("postgres://{superuser}@127.0.0.1:{}/postgres", port.number());
        let admin = Admin { url, psql };
        let mut server = Self {
            running: None,
            binary,
            admin,
            port,
            folder,
        };
        server.start();
        Some(server)
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Where its programs are that need not be on `PATH`: `createdb`, `pg_dump` and the like.
    pub fn programs(&self) -> &Path {
        self.binary.parent().expect("it is in a folder")
    }

    /// Creates an empty database, whose name begins with `prefix`, and returns its URL.
    ///
    /// # Panics
    /// If the server refuses, or does not run.
    pub fn database(&self, prefix: &str) -> String {
        self.admin.create_database(&unique(prefix))
    }

    /// Shuts down in an orderly way: open transactions are rolled back, and their clients told. Blocks until it is done.
    pub fn stop(&mut self) {
        self.end("INT");
    }

    /// Kills the server and all its processes, as a crash would. What it has acknowledged is there after the next start.
    pub fn kill(&mut self) {
        self.end("KILL");
    }

    fn end(&mut self, signal: &str) {
        if let Some(running) = self.running.take() {
            running.end(signal);
        }
    }

    /// Starts it again, on the same port and with the same data. Does nothing while it runs.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(&mut self) {
        let command = [text(&self.binary), "-D", text(&data_folder(&self.folder))].map(str::to_owned);
        self.running.get_or_insert_with(|| {
            Running::start(
                "PostgreSQL",
                &self.folder,
                command,
                "database system is ready to accept connections",
            )
        });
    }
}

fn data_folder(folder: &Folder) -> PathBuf {
    folder.path().join("data")
}

fn initialize(initdb: &Path, superuser: &str, folder: &Folder, port: &Port) {
    let data = data_folder(folder);
    // The cluster itself need not survive a power failure, what tests write into it is flushed as ever.
    let made = folder
        .command(initdb)
        .and_then(|mut command| {
            command
                .args([
                    "--auth=trust",
                    "--encoding=UTF8",
                    "--no-locale",
                    "--no-sync",
                    "--username",
                    superuser,
                ])
                .arg("-D")
                .arg(&data)
                .output()
        })
        .unwrap_or_else(|error| panic!("initdb did not start: {error}"));
    assert!(
        made.status.success(),
        "initdb: {}",
        String::from_utf8_lossy(&made.stderr)
    );
    let configuration = data.join("postgresql.conf");
    let settings = format!(
        "{SETTINGS}port = {}\nunix_socket_directories = '{}'\n",
        port.number(),
        text(folder.path())
    );
    fs::read_to_string(&configuration)
        .and_then(|defaults| fs::write(&configuration, defaults + &settings))
        .unwrap_or_else(|error| panic!("postgresql.conf: {error}"));
}

fn speak_tls(folder: &Folder, identity: &ServerIdentity, user: &str) {
    let [certificate, key, _, _] = identity.write(folder);
    let data = data_folder(folder);
    let prepend = |name: &str, lines: String| {
        let file = data.join(name);
        fs::read_to_string(&file)
            .and_then(|defaults| fs::write(&file, lines + &defaults))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    };
    let (certificate, key) = (text(&certificate), text(&key));
    let files = format!("ssl = on\nssl_cert_file = '{certificate}'\nssl_key_file = '{key}'\n");
    prepend("postgresql.conf", files);
    // The first line that fits counts.
    let who = format!("hostssl all {user} all scram-sha-256\nhostnossl all {user} all reject\n");
    prepend("pg_hba.conf", who);
}

/// Where Debian and its like keep the server's programs off `PATH`: the newest version first.
fn installed() -> Vec<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort_by_key(|folder| {
        let version = folder
            .parent()
            .and_then(Path::file_name)
            .and_then(|name| name.to_str());
        Reverse(version.and_then(|version| version.parse::<u32>().ok()))
    });
    folders
}

/// The right to create databases in a server. By `psql`, since SQL clients live in `session-log` alone.
struct Admin {
    url: String,
    psql: PathBuf,
}

impl Admin {
    fn create_database(&self, name: &str) -> String {
        let created = Command::new(&self.psql)
            .args(self.arguments(&format!(r#"CREATE DATABASE "{name}""#)))
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("psql did not start: {error}"));
        assert!(
            created.status.success(),
            "CREATE DATABASE: {}",
            String::from_utf8_lossy(&created.stderr)
        );
        with_database(&self.url, name)
    }

    /// A process that waits for our end, then drops the database.
    fn drop_at_our_end(&self, name: &str) -> Child {
        Command::new("/bin/sh")
            .args(["-c", r#"read -r _; exec "$@""#, "database-guard"])
            .arg(&self.psql)
            .args(self.arguments(&format!(r#"DROP DATABASE IF EXISTS "{name}" WITH (FORCE)"#)))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("/bin/sh did not start: {error}"))
    }

    fn arguments(&self, statement: &str) -> [String; 6] {
        ["-X", "-q", "-d", &self.url, "-c", statement].map(str::to_owned)
    }
}

/// `url` with its database replaced, and its parameters kept.
fn with_database(url: &str, name: &str) -> String {
    let (place, parameters) = url.split_at(url.find('?').unwrap_or(url.len()));
    let authority = place.find("://").map_or(0, |scheme| scheme + 3);
    let end = place[authority..]
        .find('/')
        .map_or(place.len(), |path| authority + path);
    format!("{}/{name}{parameters}", &place[..end])
}

#[cfg(test)]
mod tests {
    use super::with_database;

    #[test]
    fn only_the_database_of_a_url_is_replaced() {
        for (url, expected) in [
            (
                "postgres://confirmd@127.0.0.1:5432/postgres",
                "postgres://confirmd@127.0.0.1:5432/orders-1",
            ),
            ("postgres://me:secret@db", "postgres://me:secret@db/orders-1"),
            (
                "postgresql://db/app?sslmode=require",
                "postgresql://db/orders-1?sslmode=require",
            ),
            (
                "postgres:///app?host=/run/postgresql",
                "postgres:///orders-1?host=/run/postgresql",
            ),
        ] {
            assert_eq!(with_database(url, "orders-1"), expected);
        }
    }
}
