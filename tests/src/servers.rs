//! Apache Kafka and PostgreSQL for as long as a command runs, to try confirmd out with: a shell, say.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::Parser;
use testkit::real::{KafkaServer, PostgresServer, java_with_kafka};

/// What PostgreSQL's administrator is called everywhere.
const SUPERUSER: &str = "postgres";

/// Starts Apache Kafka and PostgreSQL, both empty and on ports that are free, and runs a command that finds them: `KAFKA` and
/// `CONFIRMD_KAFKA__BOOTSTRAP_SERVERS` say where the broker is, `PGHOST`, `PGPORT` and `PGUSER` where the database is, and on `PATH`
/// are the tools of both. They end with the command, and what they have stored is gone then.
///
/// Needs a JDK 17, Maven (which fetches Kafka the first time) and PostgreSQL's server programs, on PATH or in /usr/lib/postgresql.
#[derive(Debug, Parser)]
struct Arguments {
    /// The command with its arguments, such as `bash`.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let tools = tempfile::tempdir().expect("a temporary folder");
    let Some(java) = java_with_kafka() else {
        return ExitCode::FAILURE;
    };
    java.write_tools(tools.path())
        .expect("the temporary folder is ours");
    let Some((kafka, postgres)) =
        KafkaServer::start_new().zip(PostgresServer::start_new_administered_by(SUPERUSER))
    else {
        return ExitCode::FAILURE;
    };
    let path = env::var_os("PATH").unwrap_or_default();
    let ours = [PathBuf::from(tools.path()), PathBuf::from(postgres.programs())];
    let path = env::join_paths(ours.into_iter().chain(env::split_paths(&path)));
    let ran = Command::new(&command[0])
        .args(&command[1..])
        .env("KAFKA", kafka.bootstrap())
        .env("CONFIRMD_KAFKA__BOOTSTRAP_SERVERS", kafka.bootstrap())
        .env("PGHOST", "127.0.0.1")
        .env("PGPORT", postgres.port().to_string())
        .env("PGUSER", SUPERUSER)
        .env("PATH", path.expect("a folder of PATH has no colon in its name"))
        .status();
    match ran {
        Ok(status) => status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => {
            eprintln!("{}: {error}", command[0].display());
            ExitCode::FAILURE
        }
    }
}
