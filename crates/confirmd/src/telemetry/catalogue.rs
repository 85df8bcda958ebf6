//! Every metric, once: what `/metrics` says of it, its buckets, and `docs/metrics.md`, which the tests write.

use metrics::Unit;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder};

/// What is counted or measured.
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) unit: Measure,
    /// In the order of the alphabet.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "held against the code, and told in docs/metrics.md")
    )]
    pub(super) labels: &'static [&'static str],
    /// What the replicas' numbers are together.
    #[cfg_attr(not(test), expect(dead_code, reason = "told in docs/metrics.md"))]
    pub(super) together: Together,
    /// One sentence or two, without a full stop at the end of the last.
    pub(super) help: &'static str,
}

/// As Prometheus has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    /// With the upper bounds of its buckets.
    Histogram(&'static [f64]),
}

/// The base unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    /// So many of something.
    Count,
    Seconds,
    PerSecond,
    /// Units of the currency that the label `currency` names.
    Money,
    /// 1 or 0.
    Truth,
}

impl Measure {
    fn of_the_recorder(self) -> Option<Unit> {
        match self {
            Self::Count => Some(Unit::Count),
            Self::Seconds => Some(Unit::Seconds),
            Self::PerSecond => Some(Unit::CountPerSecond),
            Self::Money | Self::Truth => None,
        }
    }
}

/// What one has of the numbers of several replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Together {
    /// Each replica tells of its own work.
    Sum,
    /// Each tells of all there is, as the database has it, a few seconds apart; or the worst counts.
    Max,
    /// The same, where less is worse.
    Min,
}

use Kind::{Counter, Gauge, Histogram};
use Measure::{Count, Money, PerSecond, Seconds, Truth};
use Together::{Max, Min, Sum};

/// A call to Amazon Pay: the quickest answer of a busy day to the longest that an attempt may take.
const CALL: Kind = Histogram(&[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0,
]);

/// From the event to the outcome: while a buyer looks at a page, while a person waits, and by the hours of the deadline.
const OUTCOME: Kind = Histogram(&[
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 10_800.0, 21_600.0, 43_200.0,
    64_800.0, 79_200.0, 86_400.0,
]);

/// One append to the log: a write into memory to the patience with a database.
const APPEND: Kind = Histogram(&[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
]);

const fn metric(
    name: &'static str,
    kind: Kind,
    unit: Measure,
    labels: &'static [&'static str],
    together: Together,
    help: &'static str,
) -> Metric {
    Metric {
        name,
        kind,
        unit,
        labels,
        together,
        help,
    }
}

/// All of them, in the order of the alphabet.
pub(super) const METRICS: &[Metric] = &[
    metric(
        "confirmd_account_paused",
        Gauge,
        Truth,
        &["account"],
        Max,
        "1 while an operator has paused the account: nothing is sent for it",
    ),
    metric(
        "confirmd_account_stopped",
        Gauge,
        Truth,
        &["account"],
        Max,
        "1 while Amazon Pay accepts nothing from the account; it is probed",
    ),
    metric(
        "confirmd_alerts_firing",
        Gauge,
        Count,
        &["kind"],
        Max,
        "Sessions, or accounts, of which people have been told and for which it is not over; dead letters, which \
         are never over, are counted by themselves",
    ),
    metric(
        "confirmd_append_seconds",
        APPEND,
        Seconds,
        &[],
        Sum,
        "How long it took to put facts on record, one observation a call to the session log",
    ),
    metric(
        "confirmd_attempts_total",
        Counter,
        Count,
        &["account", "operation", "result"],
        Sum,
        "Calls to Amazon Pay that have come to an end",
    ),
    metric(
        "confirmd_backlog",
        Gauge,
        Count,
        &["account"],
        Max,
        "Unsettled sessions whose next step is due",
    ),
    metric(
        "confirmd_broker_connected",
        Gauge,
        Truth,
        &[],
        Min,
        "1 while the Kafka broker answers, as far as the last attempt to reach it tells",
    ),
    metric(
        "confirmd_build_info",
        Gauge,
        Truth,
        &["version"],
        Max,
        "Always 1; its label tells which version runs",
    ),
    metric(
        "confirmd_clock_skew_seconds",
        Gauge,
        Seconds,
        &["account"],
        Max,
        "How far the clock of Amazon Pay's answers is ahead of ours; negative if ours is ahead",
    ),
    metric(
        "confirmd_database_writable",
        Gauge,
        Truth,
        &[],
        Min,
        "1 while the session log can be written and its schema is this version's; at 0 the numbers that come from \
         it stand still",
    ),
    metric(
        "confirmd_dead_letters_total",
        Counter,
        Count,
        &[],
        Sum,
        "Events that were set aside because they have no readable session id",
    ),
    metric(
        "confirmd_erased_total",
        Counter,
        Count,
        &["what"],
        Sum,
        "What was erased because its keep is over",
    ),
    metric(
        "confirmd_in_doubt",
        Gauge,
        Count,
        &["account"],
        Max,
        "Open sessions whose confirmation may have landed",
    ),
    metric(
        "confirmd_in_doubt_deadline_seconds",
        Gauge,
        Seconds,
        &["account"],
        Min,
        "Time left to the nearest deadline of a session in doubt; 0 once it has passed, +Inf where none is in doubt",
    ),
    metric(
        "confirmd_next_deadline_seconds",
        Gauge,
        Seconds,
        &["account"],
        Min,
        "Time left to the next deadline of a session that is still to be confirmed; +Inf where there is none",
    ),
    metric(
        "confirmd_observed_total",
        Counter,
        Count,
        &[],
        Sum,
        "Events that were read and are on record, redeliveries among them",
    ),
    metric(
        "confirmd_outbox_pending",
        Gauge,
        Count,
        &[],
        Max,
        "Facts on record that are still to be told on the topics",
    ),
    metric(
        "confirmd_outcome_latency_seconds",
        OUTCOME,
        Seconds,
        &[],
        Sum,
        "From the event's time to its outcome on the topic",
    ),
    metric(
        "confirmd_outcomes_total",
        Counter,
        Count,
        &["account", "type"],
        Sum,
        "Outcomes that the topic has taken",
    ),
    metric(
        "confirmd_predicted_loss",
        Gauge,
        Money,
        &["account", "currency"],
        Sum,
        "What the sessions are worth that will be lost, by the plan for the account's quota",
    ),
    metric(
        "confirmd_predicted_misses",
        Gauge,
        Count,
        &["account"],
        Sum,
        "Sessions that will come too late, by the plan for the account's quota",
    ),
    metric(
        "confirmd_provider_request_seconds",
        CALL,
        Seconds,
        &["account", "operation"],
        Sum,
        "How long a call to Amazon Pay took, whatever its result",
    ),
    metric(
        "confirmd_quota_per_second",
        Gauge,
        PerSecond,
        &["account", "operation"],
        Sum,
        "Calls that this replica may make for the account, as throttling has taught",
    ),
    metric(
        "confirmd_sessions",
        Gauge,
        Count,
        &["account", "state"],
        Max,
        "Sessions in each state",
    ),
    metric(
        "confirmd_value_at_risk",
        Gauge,
        Money,
        &["account", "currency"],
        Max,
        "What the unsettled sessions are worth",
    ),
];

/// The same recorder, with the buckets of every histogram.
pub(super) fn with_buckets(mut builder: PrometheusBuilder) -> Result<PrometheusBuilder, BuildError> {
    for metric in METRICS {
        if let Histogram(bounds) = metric.kind {
            builder = builder.set_buckets_for_metric(Matcher::Full(metric.name.to_owned()), bounds)?;
        }
    }
    Ok(builder)
}

/// Tells the recorder what each metric is.
pub(super) fn describe() {
    for Metric {
        name,
        kind,
        unit,
        help,
        ..
    } in METRICS
    {
        match (kind, unit.of_the_recorder()) {
            (Counter, Some(unit)) => metrics::describe_counter!(*name, unit, *help),
            (Counter, None) => metrics::describe_counter!(*name, *help),
            (Gauge, Some(unit)) => metrics::describe_gauge!(*name, unit, *help),
            (Gauge, None) => metrics::describe_gauge!(*name, *help),
            (Histogram(_), Some(unit)) => metrics::describe_histogram!(*name, unit, *help),
            (Histogram(_), None) => metrics::describe_histogram!(*name, *help),
        }
    }
}

#[cfg(test)]
mod tests;
