//! What service managers and containers ask of the daemon.

use tokio::net::UnixDatagram;

use crate::support::{Place, in_time};

#[tokio::test(flavor = "multi_thread")]
async fn a_service_manager_hears_that_it_is_ready_that_it_goes_on_and_that_it_stops() {
    let place = Place::migrated().await;
    let path = place.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let path = path.display().to_string();
    let told = async || {
        let mut bytes = [0; 200];
        let length = in_time("word from the daemon", socket.recv(&mut bytes))
            .await
            .unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    };
    let mut daemon = place.begin_daemon_in(&[("NOTIFY_SOCKET", &path), ("WATCHDOG_USEC", "60000000")]);
    let mut words = Vec::new();
    while words.iter().filter(|word| *word == "WATCHDOG=1\n").count() < 3 {
        words.push(told().await);
    }
    assert!(words.contains(&"READY=1\n".to_owned()), "{words:?}");
    daemon.line("confirmd runs").await;
    let (finished, last) = tokio::join!(daemon.terminate(), async {
        loop {
            let word = told().await;
            if word != "WATCHDOG=1\n" {
                return word;
            }
        }
    });
    assert_eq!((finished.code(), last.as_str()), (Some(0), "STOPPING=1\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_where_nobody_asks() {
    let place = Place::migrated().await;
    let mut daemon = place.daemon().await;
    daemon.line("confirmd runs").await;
    let finished = daemon.terminate().await;
    assert!(
        !finished.stderr.contains("service manager"),
        "{}",
        finished.stderr
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn health_says_whether_the_daemon_of_this_configuration_lives() {
    let place = Place::migrated().await;
    let daemon = place.daemon().await;
    let here = ("CONFIRMD_CONSOLE__LISTEN", daemon.console());
    let alive = place.command_in(&["health"], &[here]).await;
    assert_eq!(
        (alive.code(), alive.stdout.as_str()),
        (Some(0), "ok\n"),
        "{alive:?}"
    );
    let ready = place.command_in(&["health", "--ready"], &[here]).await;
    assert_eq!(ready.code(), Some(0), "{ready:?}");
    assert_eq!(ready.json()["database"], "writable");
    let address = daemon.console().to_owned();
    daemon.terminate().await;
    let gone = place
        .command_in(&["health"], &[("CONFIRMD_CONSOLE__LISTEN", &address)])
        .await;
    assert_eq!(gone.code(), Some(1), "{gone:?}");
    assert!(gone.stderr.contains("console.listen"), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manual_has_a_page_for_every_command() {
    let place = Place::new().await;
    let folder = place.path("man");
    std::fs::create_dir(&folder).unwrap();
    let written = place.command(&["man", &folder.display().to_string()]).await;
    assert_eq!(written.code(), Some(0), "{written:?}");
    for (page, told) in [
        ("confirmd.1", "Amazon Pay"),
        ("confirmd-run.1", "daemon"),
        ("confirmd-sessions-explain.1", "why"),
        ("confirmd-accounts-pause.1", "reason"),
    ] {
        let text = std::fs::read_to_string(folder.join(page)).unwrap();
        assert!(text.contains(told), "{page}: {text}");
    }
    let nowhere = place.command(&["man", "/nowhere/at/all"]).await;
    assert_eq!(nowhere.code(), Some(1), "{nowhere:?}");
    assert!(nowhere.stderr.contains("/nowhere/at/all"), "{nowhere:?}");
}
