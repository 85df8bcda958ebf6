//! Over TLS: Kafka by password and by certificate, PostgreSQL by a name and an authority that are checked.

mod authority;

use std::path::PathBuf;

use serde_json::json;
use testkit::real::{self, KafkaServer, PostgresServer, ServerIdentity};

use self::authority::{Authority, Identity};
use crate::world::{Finished, World, in_a_thread};

const USER: &str = "guarded";
const PASSWORD: &str = "correct-horse-battery-staple";

/// Who proves what to whom.
struct Proofs {
    authority: Authority,
    server: Identity,
    client: Identity,
    /// Of another authority, which nobody here believes.
    strangers: Authority,
}

impl Proofs {
    fn new() -> Self {
        let authority = Authority::new("ours");
        Self {
            server: authority.issue_to_server("127.0.0.1"),
            client: authority.issue_to_client("confirmd"),
            strangers: Authority::new("somebody's"),
            authority,
        }
    }

    fn of_server(&self) -> ServerIdentity {
        ServerIdentity {
            certificate: self.server.certificate_pem(),
            key: self.server.key_pem(),
            authority: self.authority.pem(),
        }
    }
}

fn file(world: &World, name: &str, pem: &str) -> String {
    let path: PathBuf = world.dir().join(name);
    std::fs::write(&path, pem).unwrap();
    path.display().to_string()
}

/// It names this part of the configuration and says why; nothing secret is in it.
fn refused(finished: &Finished, part: &str, why: &str) {
    assert_eq!(finished.code(), 3, "{finished:?}");
    let mut lines = finished.stdout.lines();
    let problem = lines.find(|line| line.trim_start().starts_with(part));
    assert!(
        problem.is_some_and(|line| line.contains(why)),
        "{why}: {finished:?}"
    );
    let said = format!("{}{}", finished.stdout, finished.stderr);
    assert!(
        !said.contains(PASSWORD) && !said.contains("BEGIN"),
        "{finished:?}"
    );
}

/// It takes an event, confirms the session and tells it, over what is configured.
async fn works(world: &mut World) {
    let checked = world.command(&["check", "--online"]).await;
    assert_eq!(checked.code(), 0, "{checked:?}");
    let daemon = world.daemon_at_work().await;
    let id = world.completed(json!({}), json!({})).await;
    let told = world.outcome(&id).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    let finished = daemon.terminate().await;
    assert!(finished.status.success(), "{finished:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn kafka_is_spoken_to_over_tls_by_password_or_by_certificate() {
    let proofs = Proofs::new();
    let identity = proofs.of_server();
    let Some(kafka) = in_a_thread(move || KafkaServer::start_new_guarded(&identity, USER, PASSWORD)).await
    else {
        return;
    };
    let Some(postgres) = in_a_thread(real::postgres).await else {
        return;
    };
    let mut world = World::over("secured", kafka.bootstrap(), postgres.database("secured")).await;
    let ours = file(&world, "ours.crt", &proofs.authority.pem());
    let strangers = file(&world, "strangers.crt", &proofs.strangers.pem());

    world.set("kafka.bootstrap_servers", kafka.bootstrap_by_password());
    world.set("kafka.properties.security.protocol", "SASL_SSL");
    world.set("kafka.properties.sasl.mechanism", "SCRAM-SHA-512");
    world.set("kafka.properties.sasl.username", USER);
    world.set("kafka.properties.sasl.password", PASSWORD);
    world.set("kafka.properties.ssl.ca.location", ours.clone());
    works(&mut world).await;
    world.set("kafka.properties.sasl.password", format!("not-{PASSWORD}"));
    let checked = world.command(&["check", "--online"]).await;
    refused(&checked, "kafka.bootstrap_servers", "Authentication failed");
    world.set("kafka.properties.sasl.password", PASSWORD);
    world.set("kafka.properties.ssl.ca.location", strangers);
    let checked = world.command(&["check", "--online"]).await;
    refused(&checked, "kafka.bootstrap_servers", "certificate");

    world.set("kafka.bootstrap_servers", kafka.bootstrap_by_certificate());
    world.set("kafka.properties.security.protocol", "SSL");
    world.set("kafka.properties.ssl.ca.location", ours);
    let checked = world.command(&["check", "--online"]).await;
    refused(&checked, "kafka.bootstrap_servers", "certificate");
    let certificate = file(&world, "client.crt", &proofs.client.certificate_pem());
    let key = file(&world, "client.key", &proofs.client.key_pem());
    world.set("kafka.properties.ssl.certificate.location", certificate);
    world.set("kafka.properties.ssl.key.location", key);
    works(&mut world).await;
    world.check_books().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_is_spoken_to_only_where_it_proves_its_name() {
    let proofs = Proofs::new();
    let identity = proofs.of_server();
    let Some(postgres) =
        in_a_thread(move || PostgresServer::start_new_guarded(&identity, USER, PASSWORD)).await
    else {
        return;
    };
    let Some(kafka) = in_a_thread(real::kafka).await else {
        return;
    };
    let plain = postgres.database("secured");
    let mut world = World::over("secured", kafka.bootstrap(), plain.clone()).await;
    let ours = file(&world, "ours.crt", &proofs.authority.pem());
    let strangers = file(&world, "strangers.crt", &proofs.strangers.pem());
    let of_user = plain.replace("confirmd@", &format!("{USER}:{PASSWORD}@"));
    let verified = |url: &str, authority: &str| format!("{url}?sslmode=verify-full&sslrootcert={authority}");

    world.set("store.url", verified(&of_user, &ours));
    works(&mut world).await;
    let (_, name) = plain.rsplit_once('/').unwrap();
    let speak_tls = format!(
        "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
         WHERE usename = '{USER}' AND datname = '{name}'"
    );
    let daemon = world.daemon_at_work().await;
    assert_eq!(world.sql(&speak_tls).trim(), "t");
    assert!(daemon.terminate().await.status.success());

    let elsewhere = of_user.replace("127.0.0.1", "localhost");
    for (url, why) in [
        (format!("{of_user}?sslmode=disable"), "no encryption"),
        (verified(&of_user, &strangers), "certificate"),
        // A name that is not in the certificate.
        (verified(&elsewhere, &ours), "certificate"),
    ] {
        world.set("store.url", url);
        refused(&world.command(&["check", "--online"]).await, "store.url", why);
    }
    world.set(
        "store.url",
        verified(&elsewhere, &ours).replace("verify-full", "verify-ca"),
    );
    works(&mut world).await;
    world.check_books().await;
}
