//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Confirms every Amazon Pay checkout before its 24-hour deadline, and proves it.
#[derive(Debug, Parser)]
#[command(name = "confirmd", version, propagate_version = true)]
pub(crate) struct Cli {
    /// The configuration file; `confirmd.toml` in the working directory if there is one.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole thing in one process, nothing to install: a day of checkouts in about a minute.
    Demo(Demo),
    /// The daemon.
    Run,
    /// Every problem of the configuration at once.
    Check {
        /// Also ask the broker, the database and Amazon Pay, with each account's key; and compare the clock.
        #[arg(long)]
        online: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Brings the database to this version.
    Migrate {
        /// Only says whether it is there already; exit status 3 if not.
        #[arg(long)]
        check: bool,
        /// Also makes the state of every session anew from its events. A daemon of this version may run meanwhile.
        #[arg(long)]
        rebuild: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Asks the daemon of this configuration, on this machine, whether it lives; exit status 1 if not.
    Health {
        /// Whether it can do its work, too: whether anything can be recorded.
        #[arg(long)]
        ready: bool,
    },
    /// Looks at sessions and acts on them.
    #[command(subcommand)]
    Sessions(Sessions),
    /// Looks at merchant accounts, pauses and resumes them.
    #[command(subcommand)]
    Accounts(Accounts),
    /// The Amazon Pay sandbox alone, for shops and tests in any language.
    ///
    /// Its first line on standard output is one JSON object: `url` serves the Amazon Pay API with TLS, `ca_file` and
    /// `merchants` say whom to trust and with which keys to sign, and `control_url` serves the control API in plain
    /// http: POST /sessions makes a checkout whose buyer has finished, POST /sessions/ID/buyer, /clock, /faults and
    /// /unknowns make things happen, GET /books tells the truth.
    #[command(after_long_help = SANDBOX_CALLS)]
    Sandbox {
        /// Where the Amazon Pay API is served, with TLS.
        #[arg(long, default_value = "127.0.0.1:8443")]
        listen: std::net::SocketAddr,
        /// Where the control API is served, in plain http; port 0 takes any that is free.
        #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
        control_listen: std::net::SocketAddr,
        /// Whose quotas and key ids it has.
        #[arg(long, value_enum, default_value = "sandbox")]
        profile: Profile,
        /// Where its certificate and keys go; a temporary folder if left out.
        #[arg(long)]
        tls_dir: Option<PathBuf>,
    },
    /// Writes the manual's pages, one a command, into a folder.
    Man {
        /// Such as /usr/local/share/man/man1.
        folder: PathBuf,
    },
    /// Prints a completion script.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Demo {
    /// How many checkouts the shop makes.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=5_000))]
    pub(crate) sessions: u32,
    /// Repeats a run's choices.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// What goes wrong at Amazon Pay and in the shop.
    #[arg(long, value_enum, default_value = "calm")]
    pub(crate) weather: Weather,
    /// Leave the console up at the end.
    #[arg(long)]
    pub(crate) stay: bool,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Weather {
    /// Every call is answered; a few buyers do not finish, and a few cards are declined.
    Calm,
    /// Resets, errors, declines, slow answers, unreadable events, buyers who never finish.
    Rough,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// Amazon's production quotas.
    Live,
    /// Amazon's sandbox quotas, which are smaller.
    Sandbox,
}

/// For whoever has the program and not its source.
const SANDBOX_CALLS: &str = r#"The control API, JSON over plain http at control_url (a browser finds a page for people at its root):
  POST   /sessions                  a checkout whose buyer has finished: {"account": "eu_shop", "card": "3434", ...}
  POST   /sessions/ID/buyer         {"action": "finish" | "cancel" | "decline" | "leave"}
  POST   /permissions/ID/buyer      {"action": "update" | "close"}
  POST   /merchants/ACCOUNT         {"status": "refused" | "active"}
  GET    /clock                     POST: {"advance": "23h"}, {"set": "2026-01-05T10:00:00Z"}, {"speed": 60}
  POST   /faults                    {"operation": "finalize", "when": "before" | "after", "kind": "reset" | "status" | ..., "times": 1};
                                    DELETE clears them
  GET    /unknowns                  what Amazon does not document: each switch, its meaning and default; POST sets some
  GET    /books                     every call, its effect, the money
  POST   /ipn                       {"url": "http://127.0.0.1:8080/ipn"}: where notifications go; GET shows it, DELETE ends it
  GET    /ipn/ca.pem                who has issued the certificate of notifications
  GET    /ipn/certificate.pem       that certificate: notifications name it by a URL of Amazon's, which is not served here
  POST   /ipn/faults                {"kind": "duplicate" | "reorder" | "drop"}; DELETE clears them"#;

#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// One line a session; the unsettled ones unless --state says otherwise.
    List(List),
    /// Its facts: state, deadline, history, evidence.
    Show {
        /// The checkout session id.
        id: String,
        /// Also what the side table holds: addresses. Needs database access.
        #[arg(long)]
        personal: bool,
        #[command(flatten)]
        output: Output,
    },
    /// What would be done now, or then, and why; since when and what happened last; what you can do. Changes nothing.
    Explain {
        /// The checkout session id.
        id: String,
        /// RFC 3339; now if left out.
        #[arg(long)]
        at: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Its next step is due now.
    Retry(Act),
    /// Ends needs-repair or forsworn, or acknowledges a conflict or contradiction.
    Release(Act),
    /// Records that it will not be confirmed.
    Forswear(Act),
    /// Takes checkouts from a file, one JSON object a line as in the topic.
    Import {
        /// The file; `-` for standard input.
        file: PathBuf,
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// A state, or `all`. States: ready, waiting, in-doubt, needs-repair, forsworn, payment-pending, confirmed,
    /// declined, cancelled, expired, unresolved.
    #[arg(long)]
    pub(crate) state: Option<String>,
    /// One merchant account.
    #[arg(long)]
    pub(crate) account: Option<String>,
    /// Deadline within this, such as 2h.
    #[arg(long)]
    pub(crate) due_within: Option<String>,
    /// Those that may be lost as things stand.
    #[arg(long)]
    pub(crate) at_risk: bool,
    /// At most this many.
    #[arg(long, default_value_t = 100)]
    pub(crate) limit: u32,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
pub(crate) struct Act {
    /// The checkout session id.
    pub(crate) id: String,
    /// Why; recorded with your name.
    #[arg(long, value_parser = something)]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Accounts {
    /// Condition, quota, backlog.
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Nothing more is sent for this account until it is resumed.
    Pause(OnAccount),
    /// Ends a pause.
    Resume(OnAccount),
}

#[derive(Debug, Args)]
pub(crate) struct OnAccount {
    /// The account's name in the configuration.
    pub(crate) name: String,
    /// Why; recorded with your name.
    #[arg(long, value_parser = something)]
    pub(crate) reason: String,
    #[command(flatten)]
    pub(crate) output: Output,
}

/// A text that says something.
fn something(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        return Err("it must say something".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod runbooks;

#[cfg(test)]
mod tests {
    use checkout::StateName;
    use clap::{CommandFactory, Parser};

    use super::Cli;

    #[test]
    fn an_act_without_a_reason_is_bad_usage() {
        for act in [["sessions", "retry", "S-1"], ["accounts", "pause", "eu_shop"]] {
            for reason in ["", "  "] {
                let line = ["confirmd"].into_iter().chain(act).chain(["--reason", reason]);
                let refused = Cli::try_parse_from(line).unwrap_err();
                assert_eq!(refused.exit_code(), 2, "{refused}");
            }
        }
    }

    #[test]
    fn help_names_every_state() {
        let cli = Cli::command();
        let list = cli
            .find_subcommand("sessions")
            .and_then(|it| it.find_subcommand("list"));
        let help = list.unwrap().clone().render_long_help().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for state in StateName::ALL {
            assert!(help.contains(state.as_str()), "{state:?}: {help}");
        }
    }
}
