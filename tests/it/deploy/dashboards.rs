//! The dashboards for Grafana: what each panel asks is asked of a real Prometheus that scrapes a real confirmd, and what
//! each points to is there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use testkit::real::PrometheusServer;

use super::{Alert, files};
use crate::tidy::root;
use crate::world::{UNREADABLE, World, get};

/// What no panel can be seen to show here: dashboard, panel, and why. It is only asked whether Prometheus takes the query.
const SHOWS_NOTHING_HERE: [(&str, &str, &str); 2] = [
    ("overview", "Will be lost", "the quota saves all"),
    ("account", "Will be lost", "the quota saves all"),
];

struct Dashboard {
    name: String,
    json: Value,
}

impl Dashboard {
    fn all() -> Vec<Self> {
        let files = files("deploy/grafana/dashboards", ".json").into_iter();
        let dashboards: Vec<Self> = files
            .map(|file| Self {
                name: file.file_stem().unwrap().to_string_lossy().into_owned(),
                json: serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap(),
            })
            .collect();
        let names: Vec<&str> = dashboards
            .iter()
            .map(|dashboard| dashboard.name.as_str())
            .collect();
        assert_eq!(names, ["account", "engine", "overview"]);
        dashboards
    }

    /// What shows something, which rows do not.
    fn panels(&self) -> impl Iterator<Item = &Value> {
        let panels = self.json["panels"].as_array().unwrap().iter();
        panels.filter(|panel| panel["type"] != "row")
    }

    fn variables(&self) -> &Vec<Value> {
        self.json["templating"]["list"].as_array().unwrap()
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key}: {value}"))
}

fn targets(panel: &Value) -> impl Iterator<Item = &str> {
    let targets = panel["targets"].as_array().unwrap().iter();
    targets.map(|target| text(target, "expr"))
}

/// Each `$name` and `${name}`, without what Grafana itself knows.
fn variables_in(text: &str) -> BTreeSet<&str> {
    let names = text.split('$').skip(1).map(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let end = rest.find(|character: char| !character.is_ascii_alphanumeric() && character != '_');
        &rest[..end.unwrap_or(rest.len())]
    });
    names.filter(|name| !name.starts_with("__")).collect()
}

#[test]
fn every_panel_has_a_unit_and_says_what_to_do_and_no_two_lie_on_each_other() {
    for dashboard in Dashboard::all() {
        let name = &dashboard.name;
        assert_eq!(text(&dashboard.json, "uid"), format!("confirmd-{name}"));
        let mut taken = BTreeSet::new();
        let mut titles = BTreeSet::new();
        for panel in dashboard.json["panels"].as_array().unwrap() {
            let title = text(panel, "title");
            assert!(titles.insert(title), "{name} has {title} twice");
            let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            let (x, y) = (place("x"), place("y"));
            assert!(x + place("w") <= 24, "{name}: {title} is too wide");
            for x in x..x + place("w") {
                for y in y..y + place("h") {
                    assert!(taken.insert((x, y)), "{name}: {title} lies on another");
                }
            }
        }
        for panel in dashboard.panels() {
            let title = text(panel, "title");
            // Room for what it means, and for what to do.
            assert!(80 < text(panel, "description").len(), "{name}: {title}");
            assert_eq!(
                text(&panel["datasource"], "uid"),
                "${datasource}",
                "{name}: {title}"
            );
            let shows_numbers = matches!(text(panel, "type"), "timeseries" | "stat");
            let defaults = &panel["fieldConfig"]["defaults"];
            assert!(!shows_numbers || defaults["unit"].is_string(), "{name}: {title}");
            if panel["type"] == "timeseries" {
                for target in panel["targets"].as_array().unwrap() {
                    assert!(target["legendFormat"].is_string(), "{name}: {title}");
                }
            }
        }
    }
}

#[test]
fn every_variable_that_is_used_is_there_and_every_one_that_is_there_is_used() {
    for dashboard in Dashboard::all() {
        let defined: BTreeSet<&str> = dashboard
            .variables()
            .iter()
            .map(|variable| text(variable, "name"))
            .collect();
        let all = dashboard.json.to_string();
        assert_eq!(variables_in(&all), defined, "{}", dashboard.name);
    }
    // The data source is the one that is provisioned, until somebody chooses another.
    let file = root().join("deploy/grafana/provisioning/datasources/prometheus.yaml");
    let provisioned = super::yaml(&file);
    for dashboard in Dashboard::all() {
        let source = &dashboard.variables()[0];
        assert_eq!(source["type"], "datasource");
        assert_eq!(source["current"]["value"], provisioned["datasources"][0]["uid"]);
    }
}

#[test]
fn every_runbook_is_linked_and_every_link_leads_to_one() {
    let alerts: BTreeSet<String> = Alert::all().into_iter().map(|alert| alert.name).collect();
    let mut linked = BTreeSet::new();
    for dashboard in Dashboard::all() {
        for panel in dashboard.panels() {
            for link in panel["links"].as_array().into_iter().flatten() {
                let title = text(link, "title");
                assert_eq!(text(link, "url"), format!("${{runbooks}}/{title}.md"));
                linked.insert(title.to_owned());
            }
        }
    }
    assert_eq!(
        linked, alerts,
        "left: linked; right: alerts, each with its runbook"
    );
}

/// A query, with everything that is no letter, digit or dot in hexadecimal.
fn encoded(query: &str) -> String {
    let bytes = query.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    bytes.collect()
}

/// What Prometheus' HTTP API answers.
async fn asked(prometheus: &PrometheusServer, path: &str) -> Value {
    let (status, body) = get(&prometheus.address(), path).await;
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str::<Value>(&body).unwrap()["data"].take()
}

/// Whether there is a number to show. What cannot be computed is none.
async fn shows(prometheus: &PrometheusServer, query: &str) -> bool {
    let data = asked(prometheus, &format!("/api/v1/query?query={}", encoded(query))).await;
    let series = data["result"].as_array().unwrap();
    series.iter().any(|one| one["value"][1] != "NaN")
}

/// The values of a dashboard's variables, as Grafana would find them and put them in.
async fn values(
    world: &World,
    prometheus: &PrometheusServer,
    dashboard: &Dashboard,
) -> BTreeMap<String, String> {
    let mut values: BTreeMap<String, String> = [("__rate_interval", "1m"), ("__range", "1h")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    for variable in dashboard.variables() {
        if variable["type"] != "query" {
            continue;
        }
        let query = filled(text(&variable["query"], "query"), &values);
        let inner = query
            .strip_prefix("label_values(")
            .unwrap()
            .strip_suffix(')')
            .unwrap();
        let (series, label) = inner.rsplit_once(", ").unwrap();
        let path = format!("/api/v1/label/{label}/values?match%5B%5D={}", encoded(series));
        let mut found = Vec::new();
        let name = text(variable, "name");
        let what = format!("{}: {name} to have a value", dashboard.name);
        world
            .until(&what, async || {
                let values = asked(prometheus, &path).await;
                found = serde_json::from_value::<Vec<String>>(values).unwrap();
                !found.is_empty()
            })
            .await;
        let value = if variable["includeAll"] == true {
            format!("({})", found.join("|"))
        } else {
            found.remove(0)
        };
        values.insert(name.to_owned(), value);
    }
    values
}

fn filled(query: &str, values: &BTreeMap<String, String>) -> String {
    let filled = values.iter().fold(query.to_owned(), |query, (name, value)| {
        query.replace(&format!("${name}"), value)
    });
    assert!(!filled.contains('$'), "{filled}");
    filled
}

#[tokio::test(flavor = "multi_thread")]
async fn every_panel_shows_what_a_running_confirmd_tells() {
    let Some(mut world) = World::new("dashboards").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let rules = files("deploy/prometheus", ".yaml");
    let started = tokio::task::block_in_place(|| PrometheusServer::start_new(daemon.address(), &rules));
    let Some(prometheus) = started else { return };
    // It has to see the counters begin, or it never sees the first of what they count.
    world
        .until("the first scrape", async || {
            shows(&prometheus, r#"confirmd_dead_letters_total{job="confirmd"} == 0"#).await
        })
        .await;

    let fine = world.completed_many(3).await;
    world.outcomes(&fine).await;
    world.unfinished(&daemon).await;
    let flawed = world
        .completed(json!({}), json!({"paymentIntent": "Perhaps"}))
        .await;
    world.alert(&flawed, "needs-repair", "firing").await;
    world.publish_bytes("nobody", UNREADABLE).await;
    // The answer is lost, and nobody can be asked.
    let lost = world.session(json!({}));
    let id = text(&lost, "checkoutSessionId");
    world.fault(json!({"operation": "get", "when": "before", "kind": "reset", "session": id}));
    world.fault(json!({"operation": "finalize", "when": "after", "kind": "reset", "session": id}));
    let id = world.say(&lost, json!({})).await;
    world.until_state(&daemon, &id, "in-doubt").await;

    for dashboard in Dashboard::all() {
        let values = values(&world, &prometheus, &dashboard).await;
        for panel in dashboard.panels() {
            let (name, title) = (dashboard.name.as_str(), text(panel, "title"));
            let shows_nothing = SHOWS_NOTHING_HERE
                .iter()
                .any(|(dashboard, panel, _)| (*dashboard, *panel) == (name, title));
            for query in targets(panel) {
                let query = filled(query, &values);
                if shows_nothing {
                    assert!(
                        !shows(&prometheus, &query).await,
                        "{name}: {title} shows something"
                    );
                    continue;
                }
                world
                    .until(
                        &format!("{name}: {title} to show something: {query}"),
                        async || {
                            // Rates are of what goes on.
                            world.completed_many(1).await;
                            shows(&prometheus, &query).await
                        },
                    )
                    .await;
            }
        }
    }
    let finished = daemon.terminate().await;
    assert!(finished.status.success(), "{finished:?}");
}
