//! Who may use the control API from a browser: pages of its own, and no other page.

use http::HeaderMap;

/// Why a request is refused before it is looked at, if so.
///
/// A page from elsewhere can have the browser post a form here; and by having its own name lead to this machine
/// it could even read. The first gives itself away by where it comes from, the second by the name.
pub(crate) fn problem(method: &str, headers: &HeaderMap) -> Option<&'static str> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    let host = text("host");
    if host.is_some_and(|host| !is_loopback(host)) {
        return Some("the control API answers to loopback names only");
    }
    if matches!(method, "GET" | "HEAD") {
        return None;
    }
    let own = |origin: &str| host.is_some_and(|host| origin.strip_prefix("http://") == Some(host));
    let foreign_origin = text("origin").is_some_and(|origin| !own(origin));
    let foreign_site = text("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    (foreign_origin || foreign_site).then_some("a page from elsewhere may not change anything here")
}

fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<http::uri::Authority>() else {
        return false;
    };
    let name = authority.host().trim_matches(['[', ']']);
    let address: Option<std::net::IpAddr> = name.parse().ok();
    name == "localhost" || address.is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        problem(method, &headers).is_none()
    }

    #[test]
    fn pages_from_elsewhere_and_names_that_only_lead_here_are_refused() {
        let here = ("host", "127.0.0.1:9000");
        assert!(asked("POST", &[here]), "no browser");
        assert!(asked("POST", &[here, ("origin", "http://127.0.0.1:9000")]));
        assert!(asked(
            "POST",
            &[("host", "[::1]:9000"), ("origin", "http://[::1]:9000")]
        ));
        assert!(asked("POST", &[here, ("sec-fetch-site", "same-origin")]));
        assert!(asked("GET", &[here, ("sec-fetch-site", "cross-site")]), "a link");
        for foreign in [
            ("origin", "http://shop.example"),
            ("origin", "http://127.0.0.1:9001"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(!asked("POST", &[here, foreign]), "{foreign:?}");
            assert!(!asked("DELETE", &[here, foreign]), "{foreign:?}");
        }
        for name in [
            "shop.example",
            "127.0.0.1.shop.example",
            "localhost.shop.example:9000",
            "",
        ] {
            assert!(!asked("GET", &[("host", name)]), "{name}");
        }
    }
}
