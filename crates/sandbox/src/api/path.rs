//! Amazon's paths, in every form that SDKs send them.

use crate::api::refusal::Refusal;
use crate::control::faults::Operation;
use crate::options::Environment;

/// What a request's method and path ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Resource<'a> {
    pub(crate) operation: Operation,
    pub(crate) id: Option<&'a str>,
    /// Older keys name the environment in the path.
    pub(crate) environment: Option<Environment>,
}

/// Reads `/v2/…`, `/live/v2/…` and `/sandbox/v2/…`, with or without a slash at the end.
pub(crate) fn resource<'a>(method: &str, path: &'a str) -> Result<Resource<'a>, Refusal> {
    let unknown = || Refusal::new(404, "ResourceNotFound", "there is nothing at this path");
    let path = path.strip_prefix('/').ok_or_else(unknown)?;
    let mut segments: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
    let environment = match segments.first() {
        Some(&"live") => Some(Environment::Live),
        Some(&"sandbox") => Some(Environment::Sandbox),
        Some(_) | None => None,
    };
    if environment.is_some() {
        segments.remove(0);
    }
    let (operation, id, expected) = match segments[..] {
        ["v2", "checkoutSessions"] => (Operation::Create, None, "POST"),
        ["v2", "checkoutSessions", id] if method == "PATCH" => (Operation::Update, Some(id), "PATCH"),
        ["v2", "checkoutSessions", id] => (Operation::Get, Some(id), "GET"),
        ["v2", "checkoutSessions", id, "complete"] => (Operation::Complete, Some(id), "POST"),
        ["v2", "checkoutSessions", id, "finalize"] => (Operation::Finalize, Some(id), "POST"),
        ["v2", "charges", id] => (Operation::Charge, Some(id), "GET"),
        ["v2", "chargePermissions", id] => (Operation::Permission, Some(id), "GET"),
        _ => return Err(unknown()),
    };
    if id.is_some_and(str::is_empty) {
        return Err(unknown());
    }
    if method != expected {
        return Err(Refusal::new(
            405,
            "UnsupportedOperation",
            format!("this path does not take {method}"),
        ));
    }
    Ok(Resource {
        operation,
        id,
        environment,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_path_is_the_same_resource() {
        for (path, environment) in [
            ("/v2/checkoutSessions/a1/finalize", None),
            ("/v2/checkoutSessions/a1/finalize/", None),
            ("/live/v2/checkoutSessions/a1/finalize", Some(Environment::Live)),
            (
                "/sandbox/v2/checkoutSessions/a1/finalize/",
                Some(Environment::Sandbox),
            ),
        ] {
            let expected = Resource {
                operation: Operation::Finalize,
                id: Some("a1"),
                environment,
            };
            assert_eq!(resource("POST", path).unwrap(), expected, "{path}");
        }
    }

    #[test]
    fn unknown_paths_are_not_found_and_other_methods_unsupported() {
        for (method, path, status) in [
            ("GET", "/", 404),
            ("GET", "/v1/checkoutSessions/a1", 404),
            ("GET", "/v2/checkoutSessions//", 404),
            ("POST", "/v2/refunds", 404),
            ("DELETE", "/v2/checkoutSessions/a1", 405),
            ("GET", "/v2/checkoutSessions", 405),
            ("GET", "/v2/checkoutSessions/a1/complete", 405),
            ("POST", "/v2/charges/a1", 405),
        ] {
            assert_eq!(
                resource(method, path).unwrap_err().status,
                status,
                "{method} {path}"
            );
        }
    }
}
