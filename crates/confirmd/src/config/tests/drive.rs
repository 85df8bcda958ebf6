//! What the fuzz target does with its text. It stands here so that it runs, with fewer texts, wherever the tests do.

use figment::Figment;
use figment::providers::{Format, Toml};

use crate::config::Config;

/// Whatever a configuration holds, it is read, or every problem has a key, a source and words; all of which come back.
pub(crate) fn configuration(toml: &str) -> Option<String> {
    let figment = Figment::from(Toml::string(toml));
    let problems = Config::read(&figment, "confirmd.toml").err()?;
    assert!(!problems.is_empty(), "{toml}");
    for problem in &problems.0 {
        assert!(
            !problem.key.is_empty() && !problem.source.is_empty() && !problem.text.is_empty(),
            "{problem}"
        );
    }
    Some(problems.to_string())
}
