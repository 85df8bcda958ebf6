//! The example that is delivered shows every key, and every default as it is.

use figment::Figment;
use figment::providers::{Format, Toml};

use super::tests::Folder;
use super::{Config, Reader};

const EXAMPLE: &str = include_str!("../../../../deploy/confirmd.example.toml");

/// The example with those lines in force that show a key and that `wanted` likes.
fn with_lines(wanted: impl Fn(&str) -> bool) -> String {
    let in_force = |line: &str| -> String {
        match line.strip_prefix('#') {
            Some(shown) if shown.starts_with(|c: char| c.is_ascii_lowercase()) && wanted(shown) => {
                shown.to_owned()
            }
            _ => line.to_owned(),
        }
    };
    EXAMPLE.lines().map(in_force).collect::<Vec<_>>().join("\n")
}

/// What a configuration comes to, beside the keys that are set to no effect, and where it lies.
fn read(toml: &str) -> String {
    let folder = Folder::new();
    std::fs::rename(folder.path("key.pem"), folder.path("amazon-pay.pem")).unwrap();
    let file = folder.write("confirmd.toml", toml.as_bytes());
    let figment = Figment::from(Toml::file_exact(&file));
    let mut config = Config::read(&figment, "confirmd.toml").unwrap();
    config.files.clear();
    format!("{config:#?}")
}

#[test]
fn the_example_can_be_used_and_its_defaults_are_the_programs() {
    let defaults = with_lines(|line| !line.contains("no default"));
    assert_ne!(defaults, EXAMPLE);
    assert_eq!(read(EXAMPLE), read(&defaults));
}

#[test]
fn the_example_has_every_key() {
    let all = with_lines(|_| true);
    let figment = Figment::from(Toml::string(&all));
    let mut reader = Reader::new(&figment, "example").unwrap();
    assert!(Config::read_all(&mut reader).is_none(), "it names two stores");
    reader.refuse_unknown();
    let missing: Vec<_> = reader.asked().iter().filter(|key| !reader.has(key)).collect();
    assert!(missing.is_empty(), "the example does not show {missing:?}");
    assert!(reader.asked().len() > 40, "{:?}", reader.asked());
    let (problems, _) = reader.finish();
    let unknown = problems
        .0
        .iter()
        .find(|problem| problem.text.contains("is not a key"));
    assert_eq!(unknown, None);
}
