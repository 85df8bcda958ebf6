//! The catalogue is what the code records, what the contract lists, what the document says and what rules may ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use checkout::StateName;
use reconciler::NoticeKind;

use super::{Kind, METRICS, Measure, Metric, Together, describe, with_buckets};
use crate::daemon::announcer::OUTCOMES;

/// Every label, and what its values are.
const LABELS: [(&str, &str); 8] = [
    (
        "account",
        "The account's name in the configuration; `-` for sessions that name none",
    ),
    (
        "currency",
        "ISO 4217, such as `EUR`; amounts are never added across currencies",
    ),
    (
        "kind",
        "Of an alert: `deadline-near`, `in-doubt`, `needs-repair`, `conflict`, `forsworn`, `contradiction`, \
         `payment-overdue`, `account-stopped`, `predicted-loss`",
    ),
    (
        "operation",
        "Of a call: `finalize`, `complete`, `look-up`, `charge`, `permission`, `probe`. Of a quota: `confirm`, `look-up`, \
         `charge`, `permission`",
    ),
    (
        "result",
        "Of a call: `ok`; `not-sent` (no byte left); `retry` (a failure that passes); `slow` (throttled); `ask` (what became of \
         it has to be asked); `final` (refused for good); `fix` (something has to be repaired); `lane` (nothing is accepted \
         from this account)",
    ),
    (
        "state",
        "As in `confirmd sessions list --state`: `ready`, `waiting`, `in-doubt`, `needs-repair`, `forsworn`, `payment-pending`, \
         `confirmed`, `declined`, `cancelled`, `expired`, `unresolved`",
    ),
    (
        "type",
        "Of an outcome: `confirmed`, `declined`, `cancelled`, `expired`, `unresolved`",
    ),
    (
        "what",
        "Of an erasure: `personal-data`, `permission-details`, `dead-letters`",
    ),
];

/// What others were promised: names, and the labels that they may use.
const CONTRACT: [(&str, &[&str]); 20] = [
    ("confirmd_sessions", &["account", "state"]),
    ("confirmd_observed_total", &[]),
    ("confirmd_dead_letters_total", &[]),
    ("confirmd_attempts_total", &["account", "operation", "result"]),
    ("confirmd_provider_request_seconds", &[]),
    ("confirmd_outcomes_total", &["account", "type"]),
    ("confirmd_outcome_latency_seconds", &[]),
    ("confirmd_next_deadline_seconds", &["account"]),
    ("confirmd_backlog", &["account"]),
    ("confirmd_quota_per_second", &["account", "operation"]),
    ("confirmd_account_stopped", &["account"]),
    ("confirmd_in_doubt", &["account"]),
    ("confirmd_value_at_risk", &["account", "currency"]),
    ("confirmd_alerts_firing", &["kind"]),
    ("confirmd_outbox_pending", &[]),
    ("confirmd_clock_skew_seconds", &["account"]),
    ("confirmd_predicted_misses", &["account"]),
    ("confirmd_predicted_loss", &["account", "currency"]),
    ("confirmd_append_seconds", &[]),
    ("confirmd_build_info", &["version"]),
];

/// What begins like a metric and is none: the headers of a dead letter.
const HEADERS: [&str; 3] = ["confirmd_reason", "confirmd_field", "confirmd_source"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn kind_of(metric: &Metric) -> &'static str {
    match metric.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram(_) => "histogram",
    }
}

/// Kind, and labels in alphabetical order, of everything that has the name.
type Uses = BTreeMap<String, BTreeSet<(String, Vec<String>)>>;

/// Every file below `folder` whose name ends so.
fn files(folder: &Path, ends: &[&str], found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, ends, found);
        } else if ends.iter().any(|end| path.to_string_lossy().ends_with(end)) {
            found.push(path);
        }
    }
}

/// What a source records: each use of one of the three macros, with its literal name and labels.
fn uses_in(source: &str, uses: &mut Uses) {
    for kind in ["counter", "gauge", "histogram"] {
        let call = format!("metrics::{kind}!(");
        for (at, _) in source.match_indices(&call) {
            let inside = &source[at + call.len()..];
            let mut depth = 1_usize;
            let end = inside.char_indices().find_map(|(at, character)| {
                match character {
                    '(' => depth += 1,
                    ')' => depth -= 1,
                    _ => {}
                }
                (depth == 0).then_some(at)
            });
            let inside = &inside[..end.expect("what is opened is closed")];
            let mut literals = inside.split('"').skip(1).step_by(2);
            let name = literals.next().expect("the name is a literal");
            assert!(
                inside.trim_start().starts_with('"'),
                "the name of a metric is a literal: {inside}"
            );
            let mut labels: Vec<String> = inside
                .match_indices("=>")
                .map(|(at, _)| {
                    let label = inside[..at].rsplit('"').nth(1);
                    label.expect("a label is a literal").to_owned()
                })
                .collect();
            labels.sort();
            uses.entry(name.to_owned())
                .or_default()
                .insert((kind.to_owned(), labels));
        }
    }
}

#[test]
fn what_the_code_records_is_in_the_catalogue_and_the_other_way_round() {
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(root().join("crates")).unwrap() {
        files(&entry.unwrap().path().join("src"), &[".rs"], &mut sources);
    }
    let mut recorded = Uses::new();
    for source in sources {
        let text = std::fs::read_to_string(&source).unwrap();
        let bare = [
            "use metrics::{",
            "use metrics::counter",
            "use metrics::gauge",
            "use metrics::histogram",
        ];
        let imports = text
            .lines()
            .any(|line| bare.iter().any(|bare| line.starts_with(bare)));
        assert!(
            !imports,
            "{}: written out, each use can be found",
            source.display()
        );
        // The tests' own metrics are nobody's; those of a file's tests stand at its end.
        if !source.ends_with("tests.rs") {
            uses_in(
                text.split("#[cfg(test)]\nmod tests {").next().unwrap(),
                &mut recorded,
            );
        }
    }
    let mut catalogue = Uses::new();
    for metric in METRICS {
        let mut labels: Vec<String> = metric.labels.iter().map(ToString::to_string).collect();
        labels.sort();
        let entry = catalogue.entry(metric.name.to_owned()).or_default();
        assert!(
            entry.insert((kind_of(metric).to_owned(), labels)),
            "{} stands there twice",
            metric.name
        );
    }
    assert_eq!(recorded, catalogue, "left: the code; right: the catalogue");
}

#[test]
fn what_the_contract_lists_is_in_the_catalogue() {
    for (name, labels) in CONTRACT {
        let metric = METRICS.iter().find(|metric| metric.name == name);
        let metric = metric.unwrap_or_else(|| panic!("{name} is not in the catalogue"));
        for label in labels {
            assert!(metric.labels.contains(label), "{name} has no label {label}");
        }
    }
}

#[test]
fn names_and_labels_are_as_prometheus_wants_them() {
    let mut names: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
    names.sort_unstable();
    assert!(
        names.iter().eq(METRICS.iter().map(|metric| &metric.name)),
        "not in the order of the alphabet"
    );
    for Metric {
        name,
        kind,
        unit,
        labels,
        help,
        ..
    } in METRICS
    {
        assert!(name.starts_with("confirmd_"), "{name}");
        assert_eq!(*kind == Kind::Counter, name.ends_with("_total"), "{name}");
        assert_eq!(*unit == Measure::Seconds, name.ends_with("_seconds"), "{name}");
        assert_eq!(*unit == Measure::Money, labels.contains(&"currency"), "{name}");
        assert!(!help.is_empty() && !help.ends_with('.'), "{name}: {help}");
        let unexplained = labels
            .iter()
            .find(|label| **label != "version" && !LABELS.iter().any(|(known, _)| known == *label));
        assert_eq!(unexplained, None, "{name}");
        if let Kind::Histogram(bounds) = kind {
            assert!(
                bounds.is_sorted_by(|less, more| less < more),
                "{name}: {bounds:?}"
            );
        }
    }
}

#[test]
fn labels_name_every_value_that_there_is() {
    let states = StateName::ALL.map(StateName::as_str);
    // Dead letters are counted by themselves.
    let notices = NoticeKind::ALL
        .into_iter()
        .filter(|kind| *kind != NoticeKind::DeadLetter);
    let notices: Vec<&str> = notices.map(NoticeKind::name).collect();
    for (label, values) in [("state", &states[..]), ("type", &OUTCOMES), ("kind", &notices)] {
        let (_, told) = LABELS.iter().find(|(known, _)| *known == label).unwrap();
        for value in values {
            assert!(told.contains(&format!("`{value}`")), "{label}: {value}");
        }
    }
}

#[test]
fn metrics_are_served_with_help_and_kind_and_histograms_with_their_buckets() {
    let builder = metrics_exporter_prometheus::PrometheusBuilder::new();
    let recorder = with_buckets(builder).unwrap().build_recorder();
    metrics::with_local_recorder(&recorder, || {
        describe();
        for metric in METRICS {
            match metric.kind {
                Kind::Counter => metrics::counter!(metric.name).increment(1),
                Kind::Gauge => metrics::gauge!(metric.name).set(1.0),
                Kind::Histogram(_) => metrics::histogram!(metric.name).record(1.0),
            }
        }
    });
    let served = recorder.handle().render();
    let has = |line: String| {
        assert!(
            served.lines().any(|served| served == line),
            "{line} is missing: {served}"
        );
    };
    for metric in METRICS {
        has(format!("# HELP {} {}", metric.name, metric.help));
        has(format!("# TYPE {} {}", metric.name, kind_of(metric)));
        if let Kind::Histogram(bounds) = metric.kind {
            for bound in bounds {
                let count = u8::from(1.0 <= *bound);
                has(format!("{}_bucket{{le=\"{bound}\"}} {count}", metric.name));
            }
        }
    }
}

/// `docs/metrics.md`.
fn document() -> String {
    let mut text = "# Metrics\n\n\
        Written from `crates/confirmd/src/telemetry/catalogue.rs`; after a change there:\n\
        `UPDATE_DOCS=1 cargo test -p confirmd catalogue`.\n\n\
        confirmd serves these at `/metrics`, in Prometheus' text format. Times are seconds. No label ever names a session or a buyer. The\n\
        counters of outcomes, events and dead letters begin at 0 when confirmd starts, so that a rule sees the first of them.\n\n\
        \"Together\" says what to do with several replicas: `sum` where each tells of its own work, `max` or `min` where each tells of all\n\
        there is, as the database has it, or where the worst counts. The rules in `deploy/prometheus` do so, except where they ask whether no replica\n\
        at all reaches broker or database.\n\n\
        | metric | kind | unit | labels | together | what it tells |\n\
        | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for metric in METRICS {
        let unit = match metric.unit {
            Measure::Count => "count",
            Measure::Seconds => "seconds",
            Measure::PerSecond => "per second",
            Measure::Money => "units of the currency",
            Measure::Truth => "1 or 0",
        };
        let together = match metric.together {
            Together::Sum => "sum",
            Together::Max => "max",
            Together::Min => "min",
        };
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let _ = writeln!(
            text,
            "| `{}` | {} | {unit} | {} | {together} | {} |",
            metric.name,
            kind_of(metric),
            labels.join(", "),
            metric.help
        );
    }
    text.push_str("\n## Labels\n\n| label | its values |\n| --- | --- |\n");
    for (label, values) in LABELS {
        let _ = writeln!(text, "| `{label}` | {values} |");
    }
    text.push_str("\n## Buckets\n\n| histogram | upper bounds, in seconds |\n| --- | --- |\n");
    for metric in METRICS {
        if let Kind::Histogram(bounds) = metric.kind {
            let bounds: Vec<String> = bounds.iter().map(ToString::to_string).collect();
            let _ = writeln!(text, "| `{}` | {} |", metric.name, bounds.join(", "));
        }
    }
    text
}

#[test]
fn the_document_is_written_from_the_catalogue() {
    let path = root().join("docs/metrics.md");
    let document = document();
    if std::env::var("UPDATE_DOCS").as_deref() == Ok("1") {
        std::fs::write(&path, &document).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == document,
        "docs/metrics.md is not what the catalogue says: UPDATE_DOCS=1 cargo test -p confirmd catalogue"
    );
}

/// The words of a text that a metric or a rule may be called, with those of a histogram's series as the histogram.
fn asked_for(text: &str) -> BTreeSet<String> {
    let words =
        text.split(|character: char| !(character.is_ascii_alphanumeric() || "_:".contains(character)));
    words
        .filter(|word| word.contains("confirmd_") && !HEADERS.contains(word))
        .map(|word| {
            let series = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|end| word.strip_suffix(end));
            let of_histogram = series.filter(|name| {
                let metric = METRICS.iter().find(|metric| metric.name == *name);
                metric.is_some_and(|metric| matches!(metric.kind, Kind::Histogram(_)))
            });
            of_histogram.unwrap_or(word).to_owned()
        })
        .collect()
}

#[test]
fn rules_dashboards_and_runbooks_ask_for_what_there_is() {
    let deploy = root().join("deploy");
    let rules = std::fs::read_to_string(deploy.join("prometheus/recording.yaml")).unwrap();
    let recorded: BTreeSet<&str> = rules
        .lines()
        .filter_map(|line| line.trim_start_matches([' ', '-']).strip_prefix("record: "))
        .collect();
    let mut asking = Vec::new();
    for folder in ["prometheus", "grafana", "runbook"] {
        files(
            &deploy.join(folder),
            &[".yaml", ".yml", ".json", ".md"],
            &mut asking,
        );
    }
    assert!(3 <= asking.len(), "{asking:?}");
    for path in asking {
        let text = std::fs::read_to_string(&path).unwrap();
        for name in asked_for(&text) {
            let is_known = if name.contains(':') {
                recorded.contains(name.as_str())
            } else {
                METRICS.iter().any(|metric| metric.name == name)
            };
            assert!(
                is_known,
                "{}: {name} is neither a metric nor a recording rule",
                path.display()
            );
        }
    }
}
