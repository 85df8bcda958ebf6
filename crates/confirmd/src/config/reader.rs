//! Reads values out of the merged configuration, notes every problem, and knows which keys were asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::value::{Dict, Value};
use figment::{Figment, Profile, Provider, Source};

use provider::Quota;

use super::duration;
use super::problem::{Problem, Problems};

pub(super) struct Reader<'a> {
    figment: &'a Figment,
    root: Dict,
    asked: BTreeSet<String>,
    problems: Vec<Problem>,
    /// That were read.
    files: Vec<PathBuf>,
}

impl<'a> Reader<'a> {
    /// Fails where the file is no TOML at all.
    pub(super) fn new(figment: &'a Figment, file: &str) -> Result<Self, Problems> {
        let mut data = figment.data().map_err(|error| {
            let listed = error.into_iter().map(|error| Problem {
                key: "(file)".to_owned(),
                source: error
                    .metadata
                    .as_ref()
                    .map_or_else(|| file.to_owned(), source_name),
                text: without_quotation(&error.kind.to_string()),
            });
            Problems(listed.collect())
        })?;
        let root = data.remove(&Profile::Default).unwrap_or_default();
        Ok(Self {
            figment,
            root,
            asked: BTreeSet::new(),
            problems: Vec::new(),
            files: Vec::new(),
        })
    }

    /// The problems, and the files that were read.
    pub(super) fn finish(self) -> (Problems, Vec<PathBuf>) {
        (Problems(self.problems), self.files)
    }

    /// Every key that there is.
    #[cfg(test)]
    pub(super) fn asked(&self) -> &BTreeSet<String> {
        &self.asked
    }

    #[cfg(test)]
    pub(super) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    pub(super) fn problem(&mut self, key: &str, text: &str) {
        let source = self.source_of(key);
        self.problems.push(Problem {
            key: key.to_owned(),
            source,
            text: text.to_owned(),
        });
    }

    /// Where the value of `key`, or failing that of the table around it, came from.
    fn source_of(&self, key: &str) -> String {
        let mut at = key;
        loop {
            if let Some(name) = self
                .find(at)
                .and_then(|value| self.figment.get_metadata(value.tag()))
                .map(source_name)
            {
                return name;
            }
            match at.rsplit_once('.') {
                Some((table, _)) => at = table,
                None => return "not set".to_owned(),
            }
        }
    }

    fn find(&self, key: &str) -> Option<&Value> {
        let mut parts = key.split('.');
        let mut value = self.root.get(parts.next()?)?;
        for part in parts {
            value = value.as_dict()?.get(part)?;
        }
        Some(value)
    }

    fn ask(&mut self, key: &str) -> Option<Value> {
        self.asked.insert(key.to_owned());
        self.find(key).cloned()
    }

    fn accept(&mut self, key: &str) {
        self.asked.insert(key.to_owned());
    }

    pub(super) fn optional_string(&mut self, key: &str) -> Option<String> {
        let value = self.ask(key)?;
        // The environment knows no types: `12345` stands there as a number.
        match value.into_string() {
            Some(text) => Some(text),
            None => match self.find(key).and_then(scalar_text) {
                Some(text) => Some(text),
                None => {
                    self.problem(key, "must be a text");
                    None
                }
            },
        }
    }

    pub(super) fn string(&mut self, key: &str, default: &str) -> String {
        let text = self.optional_string(key).unwrap_or_else(|| default.to_owned());
        if text.is_empty() {
            self.problem(key, "must not be empty");
        }
        text
    }

    pub(super) fn required_string(&mut self, key: &str) -> Option<String> {
        let text = self.optional_string(key);
        if text.as_deref().is_none_or(str::is_empty)
            && self.find(key).and_then(scalar_text).is_none_or(|t| t.is_empty())
        {
            self.problem(key, "is required");
            return None;
        }
        text
    }

    pub(super) fn bool(&mut self, key: &str, default: bool) -> bool {
        match self.ask(key) {
            None => default,
            Some(value) => value.to_bool().unwrap_or_else(|| {
                self.problem(key, "must be true or false");
                default
            }),
        }
    }

    pub(super) fn duration(&mut self, key: &str, default: Duration) -> Duration {
        let Some(text) = self.optional_string(key) else {
            return default;
        };
        match duration::parse(&text).filter(|duration| !duration.is_zero()) {
            Some(duration) => duration,
            None => {
                let text = format!(
                    "must be a duration such as \"25s\", \"30m\" or \"24h\", and `{}` is none",
                    quoted(&text)
                );
                self.problem(key, &text);
                default
            }
        }
    }

    pub(super) fn durations(&mut self, key: &str, default: &[Duration]) -> Vec<Duration> {
        let Some(value) = self.ask(key) else {
            return default.to_vec();
        };
        let Some(items) = value.as_array() else {
            self.problem(key, "must be a list of durations such as [\"6h\", \"45m\"]");
            return default.to_vec();
        };
        let mut parsed = Vec::with_capacity(items.len());
        for item in items {
            let text = scalar_text(item).unwrap_or_default();
            match duration::parse(&text) {
                Some(duration) => parsed.push(duration),
                None => {
                    let text = format!(
                        "must be a list of durations such as [\"6h\", \"45m\"], and `{}` is none",
                        quoted(&text)
                    );
                    self.problem(key, &text);
                    return default.to_vec();
                }
            }
        }
        parsed
    }

    pub(super) fn optional_choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.optional_string(key)?;
        let found = choices
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, choice)| *choice);
        if found.is_none() {
            let names: Vec<String> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            self.problem(key, &format!("must be {}", names.join(" or ")));
        }
        found
    }

    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &str,
        default: Option<T>,
        choices: &[(&str, T)],
    ) -> Option<T> {
        if self.find(key).is_none() && default.is_none() {
            self.accept(key);
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            self.problem(key, &format!("is required: {}", names.join(", ")));
            return None;
        }
        match self.ask(key) {
            None => default,
            Some(_) => self.optional_choice(key, choices),
        }
    }

    pub(super) fn bucket(&mut self, key: &str, default: Quota) -> Quota {
        self.accept(&format!("{key}.burst"));
        self.accept(&format!("{key}.per_second"));
        let Some(value) = self.ask(key) else {
            return default;
        };
        let number = |name: &str| {
            value
                .as_dict()
                .and_then(|table| table.get(name))
                .and_then(number_of)
        };
        let bucket = match (number("burst"), number("per_second")) {
            (Some(burst), Some(per_second)) if burst >= 1.0 && per_second > 0.0 => {
                Some(Quota { burst, per_second })
            }
            _ => None,
        };
        bucket.unwrap_or_else(|| {
            self.problem(
                key,
                "must be { burst = 20, per_second = 4 }: at least 1 at once, and more than 0 a second",
            );
            default
        })
    }

    pub(super) fn share(&mut self, key: &str, default: f64) -> f64 {
        let Some(value) = self.ask(key) else {
            return default;
        };
        number_of(&value)
            .filter(|share| (0.0..1.0).contains(share))
            .unwrap_or_else(|| {
                self.problem(key, "must be a share of at least 0 and less than 1, such as 0.25");
                default
            })
    }

    /// Every key of a table whose keys hold dots themselves (`sasl.mechanism`).
    pub(super) fn table(&mut self, key: &str) -> BTreeMap<String, String> {
        let mut flat = BTreeMap::new();
        if let Some(value) = self.ask(key) {
            match value.as_dict() {
                Some(dict) => flatten("", dict, &mut flat),
                None => self.problem(key, "must be a table"),
            }
        }
        flat
    }

    pub(super) fn keys(&mut self, key: &str) -> Vec<String> {
        match self
            .find(key)
            .map(|value| value.as_dict().map(|dict| dict.keys().cloned().collect()))
        {
            None => Vec::new(),
            Some(Some(keys)) => keys,
            Some(None) => {
                self.problem(key, "must be a table");
                Vec::new()
            }
        }
    }

    /// Where a file lies that `key` names: beside the configuration file if that says so, beneath the working directory
    /// if the environment does.
    pub(super) fn path(&self, key: &str, file: &str) -> PathBuf {
        let metadata = self
            .find(key)
            .and_then(|value| self.figment.get_metadata(value.tag()));
        let folder = match metadata.and_then(|metadata| metadata.source.as_ref()) {
            Some(Source::File(configuration)) => configuration.parent().map(Path::to_owned),
            _ => None,
        };
        super::absolute(&folder.unwrap_or_default().join(file))
    }

    pub(super) fn read_file(&mut self, key: &str, file: &Path) -> Option<String> {
        self.files.push(file.to_owned());
        match std::fs::read_to_string(file) {
            Ok(text) => Some(text),
            // A URL under the wrong key may hold a password.
            Err(_) if file.to_string_lossy().contains(":/") => {
                self.problem(key, "must be the path of a file, and what stands there is a URL");
                None
            }
            Err(error) => {
                self.problem(
                    key,
                    &format!("the file `{}` cannot be read: {error}", file.display()),
                );
                None
            }
        }
    }

    /// A key that nobody asked for is a typing mistake, and a wrong default is worse than an error.
    pub(super) fn refuse_unknown(&mut self) {
        let mut unknown = Vec::new();
        collect_unknown("", &self.root, &self.asked, &mut unknown);
        for key in unknown {
            self.problem(&key, "is not a key of confirmd: check the spelling");
        }
    }
}

fn collect_unknown(prefix: &str, dict: &Dict, asked: &BTreeSet<String>, unknown: &mut Vec<String>) {
    for (name, value) in dict {
        let key = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        let inner = format!("{key}.");
        let has_inner = asked.iter().any(|asked| asked.starts_with(&inner));
        match value.as_dict() {
            Some(table) if has_inner => collect_unknown(&key, table, asked, unknown),
            _ if asked.contains(&key) => {}
            _ => unknown.push(key),
        }
    }
}

/// A value that is not what it should be, for people; nothing that may be a secret put under the wrong key.
fn quoted(text: &str) -> &str {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " .,-+".contains(c);
    if text.len() <= 24 && text.chars().all(is_plain) {
        text
    } else {
        "\u{2026}"
    }
}

fn flatten(prefix: &str, dict: &Dict, flat: &mut BTreeMap<String, String>) {
    for (name, value) in dict {
        let key = if prefix.is_empty() {
            name.clone()
        } else {
            format!("{prefix}.{name}")
        };
        match value.as_dict() {
            Some(inner) => flatten(&key, inner, flat),
            None => {
                if let Some(text) = scalar_text(value) {
                    flat.insert(key, text);
                }
            }
        }
    }
}

fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(_, text) => Some(text.clone()),
        Value::Char(_, c) => Some(c.to_string()),
        Value::Bool(_, yes) => Some(yes.to_string()),
        Value::Num(_, number) => Some(match (number.to_i128(), number.to_u128(), number.to_f64()) {
            (Some(whole), _, _) => whole.to_string(),
            (_, Some(whole), _) => whole.to_string(),
            (_, _, Some(real)) => real.to_string(),
            (None, None, None) => return None,
        }),
        Value::Empty(..) | Value::Dict(..) | Value::Array(..) => None,
    }
}

fn number_of(value: &Value) -> Option<f64> {
    scalar_text(value)?.parse().ok()
}

fn source_name(metadata: &figment::Metadata) -> String {
    match &metadata.source {
        Some(Source::File(path)) => path.display().to_string(),
        Some(other) => other.to_string(),
        None => "environment".to_owned(),
    }
}

/// A TOML error quotes the line that it is about, which may hold a password: its place and its reason are told.
fn without_quotation(text: &str) -> String {
    let is_quotation = |line: &&str| {
        line.trim_start()
            .starts_with(|c: char| c == '|' || c.is_ascii_digit())
    };
    let told: Vec<&str> = text
        .lines()
        .filter(|line| !is_quotation(line))
        .map(str::trim)
        .collect();
    told.join(" ").trim().to_owned()
}
