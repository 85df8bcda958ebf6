//! A real browser, driven from outside: Chromium without a window, behind its own driver.

use std::path::PathBuf;

use super::folder::Folder;
use super::port::Port;
use super::server::Running;
use super::{missing, program};

/// ChromeDriver, which starts a browser for whoever asks it to over HTTP (WebDriver). Dropping it ends both.
pub struct BrowserDriver {
    _running: Running,
    port: Port,
    chromium: PathBuf,
    profiles: Folder,
}

/// A driver with a browser behind it; `None` where one is missing.
///
/// # Panics
/// If one is missing and `CI=true`, or the driver does not start.
pub fn browser_driver() -> Option<BrowserDriver> {
    let (Some(driver), Some(chromium)) = (program("chromedriver", &[]), program("chromium", &[])) else {
        return missing(
            "install Chromium and its driver (Debian: packages `chromium` and `chromium-driver`), which look at the console",
        );
    };
    let profiles = Folder::create(&std::env::temp_dir(), "confirmd-browser").expect("a temporary folder");
    let port = Port::reserve();
    let command = [driver.display().to_string(), format!("--port={}", port.number())];
    let running = Running::start("ChromeDriver", &profiles, command, "was started successfully");
    Some(BrowserDriver {
        _running: running,
        port,
        chromium,
        profiles,
    })
}

impl BrowserDriver {
    /// Where the driver listens.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number())
    }

    /// What the driver needs to be told of the browser: where it is, and to leave nothing behind.
    pub fn browser(&self) -> (String, Vec<String>) {
        let profile = self.profiles.path().join(super::unique("profile"));
        let arguments = [
            "--headless=new".to_owned(),
            // Its own sandbox needs rights that a container does not give; what it looks at is ours.
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            format!("--user-data-dir={}", profile.display()),
        ];
        (self.chromium.display().to_string(), arguments.into())
    }
}
