//! Amazon's paths, in every form that SDKs send them.

use crate::api::operation::Operation;
use crate::api::refusal::Refusal;
use crate::options::Environment;

/// What a request's method and path ask for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Resource<'a> {
    pub(crate) operation: Operation,
    pub(crate) id: Option<&'a str>,
    /// Older keys name the environment in the path.
    pub(crate) environment: Option<Environment>,
    pub(crate) ends_with_slash: bool,
}

/// Reads `/v2/…`, `/live/v2/…` and `/sandbox/v2/…`, with or without a slash at the end.
pub(crate) fn resource<'a>(method: &str, path: &'a str) -> Result<Resource<'a>, Refusal> {
    let rest = path.strip_prefix('/').ok_or_else(unknown)?;
    let ends_with_slash = rest.ends_with('/');
    let mut segments: Vec<&str> = rest.strip_suffix('/').unwrap_or(rest).split('/').collect();
    let environment = match segments.first() {
        Some(&"live") => Some(Environment::Live),
        Some(&"sandbox") => Some(Environment::Sandbox),
        Some(_) | None => None,
    };
    if environment.is_some() {
        segments.remove(0);
    }
    let (id, taken): (Option<&str>, &[Operation]) = match segments[..] {
        ["v2", "checkoutSessions"] => (None, &[Operation::Create]),
        ["v2", "checkoutSessions", id] => (Some(id), &[Operation::Get, Operation::Update]),
        ["v2", "checkoutSessions", id, "complete"] => (Some(id), &[Operation::Complete]),
        ["v2", "checkoutSessions", id, "finalize"] => (Some(id), &[Operation::Finalize]),
        ["v2", "chargePermissions", id] => (Some(id), &[Operation::Permission, Operation::UpdatePermission]),
        ["v2", "chargePermissions", id, "close"] => (Some(id), &[Operation::Close]),
        ["v2", "charges"] => (None, &[Operation::CreateCharge]),
        ["v2", "charges", id] => (Some(id), &[Operation::Charge, Operation::UpdateCharge]),
        ["v2", "charges", id, "capture"] => (Some(id), &[Operation::Capture]),
        ["v2", "charges", id, "cancel"] => (Some(id), &[Operation::Cancel]),
        ["v2", "refunds"] => (None, &[Operation::CreateRefund]),
        ["v2", "refunds", id] => (Some(id), &[Operation::Refund]),
        ["v2", "buyers", token] => (Some(token), &[Operation::Buyer]),
        _ => return Err(unknown()),
    };
    if id.is_some_and(str::is_empty) {
        return Err(unknown());
    }
    let operation = taken.iter().find(|operation| operation.method() == method);
    let operation = *operation.ok_or_else(|| {
        Refusal::new(
            405,
            "UnsupportedOperation",
            format!("this path does not take {method}"),
        )
    })?;
    Ok(Resource {
        operation,
        id,
        environment,
        ends_with_slash,
    })
}

pub(crate) fn unknown() -> Refusal {
    Refusal::new(404, "ResourceNotFound", "there is nothing at this path")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_path_is_the_same_resource() {
        for (path, environment, ends_with_slash) in [
            ("/v2/checkoutSessions/a1/finalize", None, false),
            ("/v2/checkoutSessions/a1/finalize/", None, true),
            (
                "/live/v2/checkoutSessions/a1/finalize",
                Some(Environment::Live),
                false,
            ),
            (
                "/sandbox/v2/checkoutSessions/a1/finalize/",
                Some(Environment::Sandbox),
                true,
            ),
        ] {
            let expected = Resource {
                operation: Operation::Finalize,
                id: Some("a1"),
                environment,
                ends_with_slash,
            };
            assert_eq!(resource("POST", path).unwrap(), expected, "{path}");
        }
    }

    #[test]
    fn every_operation_has_its_path_and_its_method() {
        for (method, path, operation) in [
            ("POST", "checkoutSessions", Operation::Create),
            ("GET", "checkoutSessions/a1", Operation::Get),
            ("PATCH", "checkoutSessions/a1", Operation::Update),
            ("POST", "checkoutSessions/a1/complete", Operation::Complete),
            ("POST", "checkoutSessions/a1/finalize", Operation::Finalize),
            ("GET", "chargePermissions/a1", Operation::Permission),
            ("PATCH", "chargePermissions/a1", Operation::UpdatePermission),
            ("DELETE", "chargePermissions/a1/close", Operation::Close),
            ("POST", "charges", Operation::CreateCharge),
            ("GET", "charges/a1", Operation::Charge),
            ("PATCH", "charges/a1", Operation::UpdateCharge),
            ("POST", "charges/a1/capture", Operation::Capture),
            ("DELETE", "charges/a1/cancel", Operation::Cancel),
            ("POST", "refunds", Operation::CreateRefund),
            ("GET", "refunds/a1", Operation::Refund),
            ("GET", "buyers/a1", Operation::Buyer),
        ] {
            let path = format!("/v2/{path}");
            assert_eq!(resource(method, &path).unwrap().operation, operation, "{path}");
        }
    }

    #[test]
    fn unknown_paths_are_not_found_and_other_methods_unsupported() {
        for (method, path, status) in [
            ("GET", "/", 404),
            ("GET", "/v1/checkoutSessions/a1", 404),
            ("GET", "/v2/checkoutSessions//", 404),
            ("POST", "/v2/chargebacks", 404),
            ("DELETE", "/v2/checkoutSessions/a1", 405),
            ("GET", "/v2/checkoutSessions", 405),
            ("GET", "/v2/checkoutSessions/a1/complete", 405),
            ("POST", "/v2/charges/a1", 405),
            ("POST", "/v2/chargePermissions/a1/close", 405),
        ] {
            assert_eq!(
                resource(method, path).unwrap_err().status,
                status,
                "{method} {path}"
            );
        }
    }
}
