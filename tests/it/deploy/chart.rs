//! The chart: Helm renders it, Kubernetes knows what comes of it, and the program takes its configuration.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use testkit::real;

use super::compose::Prepared;
use super::yaml;
use crate::tidy::root;

const MINIMAL: &str = "ci/minimal-values.yaml";
const FULL: &str = "ci/full-values.yaml";

/// The oldest and the newest Kubernetes whose schemas are at hand; the chart says the oldest too.
const KUBERNETES: [&str; 2] = ["1.25", "1.37"];

/// Kinds of the Prometheus operator, for which Kubernetes has no schema.
const OF_THE_OPERATOR: [&str; 2] = ["PrometheusRule", "ServiceMonitor"];

fn chart() -> PathBuf {
    root().join("deploy/helm/confirmd")
}

fn helm(arguments: &[&str]) -> Option<Output> {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(real::helm()?)
        .args(arguments)
        .current_dir(chart())
        // No setting and no plugin of whoever runs the tests, and nothing left with them.
        .env("HELM_CACHE_HOME", folder.path())
        .env("HELM_CONFIG_HOME", folder.path())
        .env("HELM_DATA_HOME", folder.path())
        .output()
        .unwrap();
    Some(output)
}

/// `helm template` with the values of a file, and more arguments.
fn template(values: &str, more: &[&str]) -> Option<Output> {
    let usual = [
        "template",
        "shop",
        ".",
        "--kube-version",
        KUBERNETES[1],
        "--values",
        values,
    ];
    helm(&[&usual[..], more].concat())
}

/// Every resource that the chart makes with these values.
fn rendered(values: &str) -> Option<Vec<Value>> {
    let output = template(values, &[])?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8(output.stdout).unwrap();
    let resources: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    Some(
        resources
            .into_iter()
            .filter(|resource| !resource.is_null())
            .collect(),
    )
}

fn of_kind<'a>(resources: &'a [Value], kind: &str) -> Vec<&'a Value> {
    resources
        .iter()
        .filter(|resource| resource["kind"] == kind)
        .collect()
}

/// The pods of the daemon and of the migration.
fn pods(resources: &[Value]) -> Vec<&Value> {
    let pods = ["Deployment", "Job"].map(|kind| &of_kind(resources, kind)[0]["spec"]["template"]["spec"]);
    pods.to_vec()
}

#[test]
fn helm_finds_nothing_wrong_with_the_chart() {
    for values in [MINIMAL, FULL] {
        let usual = ["lint", ".", "--strict", "--kube-version", KUBERNETES[1]];
        let Some(output) = helm(&[&usual[..], &["--values", values]].concat()) else {
            return;
        };
        assert!(output.status.success(), "{values}: {output:?}");
    }
}

#[test]
fn kubernetes_knows_everything_that_the_chart_makes() {
    let Some(validate) = real::kubernetes_validate() else {
        return;
    };
    let (folder, mut files) = (tempfile::tempdir().unwrap(), Vec::new());
    for values in [MINIMAL, FULL] {
        let Some(resources) = rendered(values) else { return };
        let known = |resource: &&Value| !OF_THE_OPERATOR.contains(&resource["kind"].as_str().unwrap());
        for resource in resources.iter().filter(known) {
            let file = folder.path().join(format!("{}.json", files.len()));
            std::fs::write(&file, resource.to_string()).unwrap();
            files.push(file);
        }
    }
    assert!(files.len() > 15, "{files:?}");
    for version in KUBERNETES {
        let output = validate.command(version, &files).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{version}: {said}");
    }
}

#[test]
fn the_chart_makes_what_a_production_needs_and_only_what_is_asked_for() {
    let (Some(minimal), Some(full)) = (rendered(MINIMAL), rendered(FULL)) else {
        return;
    };
    let kinds = |resources: &[Value]| -> BTreeSet<String> {
        let kinds = resources
            .iter()
            .map(|resource| resource["kind"].as_str().unwrap());
        kinds.map(str::to_owned).collect()
    };
    let usual = [
        "ConfigMap",
        "Deployment",
        "Job",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Service",
        "ServiceAccount",
    ];
    assert_eq!(kinds(&minimal), usual.map(str::to_owned).into());
    let more: BTreeSet<String> = OF_THE_OPERATOR.map(str::to_owned).into();
    assert_eq!(&kinds(&full) - &kinds(&minimal), more);
    for resources in [minimal, full] {
        let migration = of_kind(&resources, "Job")[0];
        assert_eq!(
            migration["metadata"]["annotations"]["helm.sh/hook"],
            "pre-install,pre-upgrade"
        );
    }
}

#[test]
fn a_pod_has_no_right_that_it_does_not_need() {
    for values in [MINIMAL, FULL] {
        let Some(resources) = rendered(values) else { return };
        for pod in pods(&resources) {
            let security = &pod["securityContext"];
            assert_eq!(security["runAsNonRoot"], true);
            // As in the image.
            assert_eq!(security["runAsUser"], 65532);
            assert_eq!(security["fsGroup"], 65532);
            assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault");
            assert_eq!(pod["automountServiceAccountToken"], false);
            // Kubernetes' names for a service called confirmd begin like confirmd's settings, which it would refuse to know.
            assert_eq!(pod["enableServiceLinks"], false);
            let container = &pod["containers"][0];
            let expected = json!({
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": { "drop": ["ALL"] },
            });
            assert_eq!(container["securityContext"], expected);
            assert!(container["resources"]["limits"]["memory"].is_string());
        }
    }
}

/// Writes what the pod's volumes bring, as if `folder` were its root.
fn mount(pod: &Value, folder: &Path, prepared: &Prepared) {
    let volume = pod["volumes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|volume| volume["name"] == "secrets");
    let sources = volume.unwrap()["projected"]["sources"].as_array().unwrap();
    let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
    let place = mounts.iter().find(|mount| mount["name"] == "secrets").unwrap();
    let place = place["mountPath"].as_str().unwrap();
    let key = std::fs::read_to_string(prepared.state().join("sandbox/eu_shop.pem")).unwrap();
    for item in sources
        .iter()
        .flat_map(|source| source["secret"]["items"].as_array().unwrap())
    {
        let path = item["path"].as_str().unwrap();
        let content = match path.split('/').next().unwrap() {
            "database" => "postgres://confirmd@localhost/confirmd",
            "accounts" => &key,
            _ => "a token of some length",
        };
        let file = folder.join(place.trim_start_matches('/')).join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
    }
}

#[test]
fn the_program_takes_the_configuration_with_the_secrets_where_they_are_mounted() {
    let prepared = Prepared::new();
    for (values, accounts) in [
        (MINIMAL, "eu_shop (confirm)"),
        (FULL, "eu_shop (watch), us_shop (confirm)"),
    ] {
        let Some(resources) = rendered(values) else { return };
        let configurations: BTreeSet<&str> = of_kind(&resources, "ConfigMap")
            .iter()
            .map(|map| map["data"]["confirmd.toml"].as_str().unwrap())
            .collect();
        assert_eq!(
            configurations.len(),
            1,
            "the daemon's and the migration's are the same"
        );
        for pod in pods(&resources) {
            let folder = tempfile::tempdir().unwrap();
            mount(pod, folder.path(), &prepared);
            let here = format!("\"{}/run/", folder.path().display());
            let text = configurations.first().unwrap().replace("\"/run/", &here);
            let file = folder.path().join("confirmd.toml");
            std::fs::write(&file, text).unwrap();
            let mut check = Command::new(env!("CARGO_BIN_EXE_confirmd-under-test"));
            check.arg("--config").arg(file).arg("check");
            for variable in pod["containers"][0]["env"].as_array().into_iter().flatten() {
                let name = variable["name"].as_str().unwrap();
                // What values.yaml says of kafka.existingSecret.
                check.env(name, r#"{"sasl.username" = "confirmd", "sasl.password" = "…"}"#);
            }
            let output = check.output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{values}: {said}");
            assert!(
                said.contains(&format!("accounts: {accounts}")),
                "{values}: {said}"
            );
        }
    }
}

#[test]
fn the_alert_rules_are_those_of_prometheus_and_know_the_job_by_its_name() {
    let Some(resources) = rendered(FULL) else { return };
    let rules = of_kind(&resources, "PrometheusRule");
    assert_eq!(rules.len(), 2);
    for (rule, name) in rules.iter().zip(["alerts", "recording"]) {
        assert_eq!(rule["apiVersion"], "monitoring.coreos.com/v1");
        assert_eq!(rule["metadata"]["name"], format!("payments-confirmd-{name}"));
        let file = root().join(format!("deploy/prometheus/{name}.yaml"));
        assert_eq!(rule["spec"], yaml(&file), "{name}");
    }
    let monitor = of_kind(&resources, "ServiceMonitor")[0];
    assert_eq!(monitor["apiVersion"], "monitoring.coreos.com/v1");
    let service = of_kind(&resources, "Service")[0];
    let selected = monitor["spec"]["selector"]["matchLabels"].as_object().unwrap();
    for (label, value) in selected {
        assert_eq!(&service["metadata"]["labels"][label], value);
    }
    let endpoint = &monitor["spec"]["endpoints"][0];
    assert_eq!(endpoint["port"], service["spec"]["ports"][0]["name"]);
    let credentials = json!({ "name": "payments-tokens", "key": "read" });
    assert_eq!(
        endpoint["authorization"],
        json!({ "type": "Bearer", "credentials": credentials })
    );
    let job = &endpoint["relabelings"][0];
    assert_eq!(
        (&job["targetLabel"], &job["replacement"]),
        (&json!("job"), &json!("confirmd"))
    );
}

#[test]
fn the_service_and_the_budget_mean_the_daemons_pods() {
    for values in [MINIMAL, FULL] {
        let Some(resources) = rendered(values) else { return };
        let deployment = &of_kind(&resources, "Deployment")[0]["spec"];
        let labels = &deployment["template"]["metadata"]["labels"];
        let migration = &of_kind(&resources, "Job")[0]["spec"]["template"]["metadata"]["labels"];
        let selectors = [
            &deployment["selector"]["matchLabels"],
            &of_kind(&resources, "Service")[0]["spec"]["selector"],
            &of_kind(&resources, "PodDisruptionBudget")[0]["spec"]["selector"]["matchLabels"],
        ];
        let fits = |selector: &Value, labels: &Value| {
            let mut wanted = selector.as_object().unwrap().iter();
            wanted.all(|(label, value)| &labels[label] == value)
        };
        for selector in selectors {
            assert!(fits(selector, labels), "{values}: {selector}");
            assert!(!fits(selector, migration), "{values}: {selector}");
        }
        // What may be reached goes for both.
        let policy = &of_kind(&resources, "NetworkPolicy")[0]["spec"];
        let selector = &policy["podSelector"]["matchLabels"];
        assert!(fits(selector, labels) && fits(selector, migration), "{values}");
    }
}

#[test]
fn only_those_who_are_named_reach_the_console() {
    let Some(resources) = rendered(FULL) else { return };
    let policy = &of_kind(&resources, "NetworkPolicy")[0]["spec"];
    assert_eq!(policy["policyTypes"], json!(["Ingress", "Egress"]));
    let ingress = policy["ingress"].as_array().unwrap();
    assert_eq!(ingress.len(), 1);
    assert_eq!(ingress[0]["ports"], json!([{ "port": 8080, "protocol": "TCP" }]));
    let ports: Vec<&Value> = policy["egress"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|rule| rule["ports"].as_array().unwrap())
        .map(|port| &port["port"])
        .collect();
    assert_eq!(ports, [53, 53, 9093, 5432, 443, 4318]);
    // Nobody named is nobody let in, and not everybody.
    let output = template(FULL, &["--set-json", "networkPolicy.from=[]"]).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\n  ingress: []\n"), "{text}");
}

#[test]
fn what_cannot_work_is_refused_before_it_is_installed() {
    for (set, told) in [
        (r#"accounts=null"#, "accounts"),
        (r#"accounts={}"#, "accounts"),
        (r#"accounts.eu_shop.config.region="mars""#, "region"),
        (
            r#"config.kafka.properties={"sasl.password": "in the open"}"#,
            "sasl.password",
        ),
        (r#"config.store={"url": "postgres://u:p@h/d"}"#, "store"),
        (r#"replica=3"#, "replica"),
    ] {
        let Some(output) = template(FULL, &["--set-json", set]) else {
            return;
        };
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{set}");
        assert!(said.contains("schema") && said.contains(told), "{set}: {said}");
    }
}

#[test]
fn the_chart_is_of_this_version_and_gives_the_program_time_to_end() {
    let about = yaml(&chart().join("Chart.yaml"));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        (&about["version"], &about["appVersion"]),
        (&json!(version), &json!(version))
    );
    assert_eq!(about["kubeVersion"], format!(">={}.0-0", KUBERNETES[0]));
    let values = yaml(&chart().join("values.yaml"));
    let given = values["terminationGracePeriodSeconds"].as_u64().unwrap();
    assert!(super::shutdown_grace() < given);
}
