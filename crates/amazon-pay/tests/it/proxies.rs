//! The system's proxies. Which there are is read from the environment, which belongs to the whole process: the case
//! runs in a process of its own.

use std::process::Command;

use amazon_pay::{Client, ClientConfig};

use crate::fixtures::{COMPLETED, at, config, finalize, json};
use crate::server::Server;

/// Set for the process that makes the call.
const ENDPOINT: &str = "AMAZON_PAY_TEST_ENDPOINT";

#[tokio::test]
async fn a_proxy_of_the_system_is_not_used() {
    if let Ok(endpoint) = std::env::var(ENDPOINT) {
        let client = Client::new(ClientConfig {
            endpoint: Some(endpoint),
            ..config("SANDBOX-AEXAMPLE")
        });
        client.unwrap().call(&finalize("{}"), at()).await.unwrap();
        return;
    }
    let answer = json("200 OK", COMPLETED);
    let (amazon, proxy) = (
        Server::answering(answer.clone()).await,
        Server::answering(answer).await,
    );
    let mut call = Command::new(std::env::current_exe().unwrap());
    call.args(["--exact", "proxies::a_proxy_of_the_system_is_not_used"])
        .env(ENDPOINT, amazon.url());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        call.env(name, proxy.url()).env(name.to_lowercase(), proxy.url());
    }
    for name in ["NO_PROXY", "no_proxy", "REQUEST_METHOD"] {
        call.env_remove(name);
    }
    let made = tokio::task::spawn_blocking(move || call.output())
        .await
        .unwrap()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
    assert_eq!((amazon.received().len(), proxy.received().len()), (1, 0));
}
