//! The servers are there, and do as they are told.

use testkit::real::{self, Kafka, KafkaServer, PostgresServer};

use crate::client::{kafka_answers, psql};

#[test]
fn names_are_unique() {
    let (first, second) = (real::unique("orders"), real::unique("orders"));
    assert!(first.starts_with("orders-") && second.starts_with("orders-"));
    assert_ne!(first, second);
}

#[test]
fn each_database_of_the_shared_server_is_fresh() {
    let Some(server) = real::postgres() else { return };
    let (first, second) = (server.database("first"), server.database("second"));
    psql(&first, "CREATE TABLE here ()");
    let tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'here'";
    assert_eq!(psql(&first, tables), "1");
    assert_eq!(psql(&second, tables), "0");
}

#[test]
fn postgres_flushes_what_it_acknowledges() {
    let Some(server) = real::postgres() else { return };
    assert_eq!(psql(&server.database("flushes"), "SHOW fsync"), "on");
}

#[tokio::test]
async fn tests_that_run_at_once_share_one_server() {
    let calls = [(); 4].map(|()| tokio::task::spawn_blocking(|| real::kafka().map(Kafka::bootstrap)));
    let mut places = Vec::new();
    for call in calls {
        places.push(call.await.unwrap());
    }
    let Some(kafka) = real::kafka() else { return };
    assert_eq!(places, [Some(kafka.bootstrap()); 4]);
    assert!(kafka_answers(kafka.bootstrap()).unwrap());
}

#[test]
fn a_stopped_and_a_killed_postgres_come_back_in_the_same_place_with_their_data() {
    let Some(mut server) = PostgresServer::start_new() else {
        return;
    };
    let url = server.database("orders");
    psql(&url, "CREATE TABLE paid (session text)");
    for (end, expected) in [
        (PostgresServer::stop as fn(&mut PostgresServer), "1"),
        (PostgresServer::kill, "2"),
    ] {
        psql(&url, "INSERT INTO paid VALUES ('one more')");
        end(&mut server);
        let refused = std::net::TcpStream::connect(address(&url));
        assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
        server.start();
        assert_eq!(psql(&url, "SELECT count(*) FROM paid"), expected);
    }
}

fn address(url: &str) -> &str {
    url.split(['@', '/']).nth(3).unwrap()
}

#[test]
fn a_killed_postgres_takes_its_clients_along() {
    let Some(mut server) = PostgresServer::start_new() else {
        return;
    };
    let url = server.database("orders");
    // It says that it has begun, then stays in the middle of its work.
    let mut client = std::process::Command::new("psql")
        .args(["-X", "-A", "-t", "-q", "-d", &url])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let statements = b"SELECT 'begun';\nSELECT count(*) FROM generate_series(1, 1000000000000);\n";
    std::io::Write::write_all(client.stdin.as_mut().unwrap(), statements).unwrap();
    let mut said = String::new();
    let mut out = std::io::BufReader::new(client.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut out, &mut said).unwrap();
    assert_eq!(said, "begun\n");
    server.kill();
    assert!(!client.wait().unwrap().success());
    server.start();
    assert_eq!(psql(&url, "SELECT 1"), "1");
}

#[test]
fn a_stopped_and_a_killed_kafka_come_back_in_the_same_place() {
    let Some(mut server) = KafkaServer::start_new() else {
        return;
    };
    for end in [KafkaServer::stop as fn(&mut KafkaServer), KafkaServer::kill] {
        end(&mut server);
        let refused = kafka_answers(server.bootstrap());
        assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
        server.start();
        assert!(kafka_answers(server.bootstrap()).unwrap());
    }
}
