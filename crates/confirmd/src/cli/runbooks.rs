//! Whoever follows a runbook at night types commands that exist.

use std::path::{Path, PathBuf};

use checkout::{SessionId, StateName};
use clap::Parser;

use super::{Cli, Command, List, Sessions};
use crate::config::parse_duration;

/// The commands in a text: lines of its fenced blocks, and what stands in backticks.
fn commands_in(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    for (at, block) in text.split("```").enumerate() {
        if at % 2 == 1 {
            commands.extend(
                block
                    .lines()
                    .map(|line| line.split(" #").next().unwrap_or(line).trim()),
            );
        } else {
            commands.extend(block.split('`').skip(1).step_by(2));
        }
    }
    commands.retain(|command| command.starts_with("confirmd "));
    commands.into_iter().map(str::to_owned).collect()
}

/// As a shell would, as far as runbooks go: quotes keep words together.
fn words_of(command: &str) -> Vec<String> {
    let parts = command.split('"').enumerate();
    parts
        .flat_map(|(at, part)| match at % 2 {
            1 => vec![part.to_owned()],
            _ => part.split_whitespace().map(str::to_owned).collect(),
        })
        .collect()
}

/// What is wrong with it; nothing if the program would do it.
fn mistake_in(command: &str) -> Option<String> {
    let cli = match Cli::try_parse_from(words_of(command)) {
        Ok(cli) => cli,
        Err(error) => return Some(error.to_string()),
    };
    match cli.command {
        Command::Sessions(Sessions::List(List {
            state, due_within, ..
        })) => {
            let state = state.filter(|state| state != "all" && StateName::parse(state).is_none());
            let within = due_within.filter(|text| parse_duration(text).is_none());
            let wrong = state.or(within)?;
            Some(format!("`{wrong}` is neither a state nor a duration"))
        }
        Command::Sessions(Sessions::Show { id, .. } | Sessions::Explain { id, .. }) => {
            SessionId::parse(&id).err().map(|error| error.to_string())
        }
        _ => None,
    }
}

#[test]
fn the_commands_of_runbooks_and_alerts_are_commands() {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    let runbooks = std::fs::read_dir(deploy.join("runbook")).unwrap();
    let mut files: Vec<PathBuf> = runbooks.map(|entry| entry.unwrap().path()).collect();
    files.push(deploy.join("prometheus/alerts.yaml"));
    let mut seen = 0;
    let mut wrong = Vec::new();
    for file in files {
        for command in commands_in(&std::fs::read_to_string(&file).unwrap()) {
            seen += 1;
            // A group of commands may be named without saying which: `confirmd accounts pause`.
            let is_named =
                ["confirmd accounts pause", "confirmd accounts resume"].contains(&command.as_str());
            let mistake = mistake_in(&command).filter(|_| !is_named);
            wrong.extend(mistake.map(|mistake| format!("{}: `{command}`: {mistake}", file.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(50 <= seen, "only {seen} commands were found");
}

#[test]
fn a_command_that_does_not_exist_is_found() {
    let text = "Say `confirmd sessions drop ID`.\n```sh\nconfirmd check --onlin   # soon\ncurl -s x\n```\nThe job `confirmd`.";
    let commands = commands_in(text);
    assert_eq!(commands, ["confirmd sessions drop ID", "confirmd check --onlin"]);
    for command in [
        "confirmd sessions list --state doubtful",
        "confirmd sessions list --due-within soon",
        "confirmd sessions retry ID",
        "confirmd accounts pause NAME --reason \"\"",
    ]
    .into_iter()
    .chain(commands.iter().map(String::as_str))
    {
        assert!(mistake_in(command).is_some(), "{command}");
    }
    assert_eq!(
        mistake_in("confirmd sessions retry ID --reason \"two words\""),
        None
    );
}
