//! Who is let in: keys, signatures, dates, regions, and paths that name an environment.

use jiff::{SignedDuration, Timestamp};

use crate::api::refusal::Refusal;
use crate::api::signature::{self, Authorization, Signed};
use crate::api::{ApiCall, path, text};
use crate::options::Region;
use crate::time::span::Span;
use crate::time::stamp;
use crate::unknowns::{Mismatch, Unknowns};
use crate::wire::merchants::Merchant;

impl<'a> ApiCall<'a> {
    /// Whose call it is, proven; held against the moment of its arrival.
    pub(super) fn authenticate(&self, now: Timestamp) -> Result<(usize, &'a Merchant), Refusal> {
        let headers = &self.request.headers;
        let authorization = Authorization::from_headers(headers)?;
        for name in ["x-amz-pay-date", "x-amz-pay-host", "x-amz-pay-region"] {
            match text(headers, name).map(str::trim) {
                None => return Err(Refusal::new(400, "MissingHeader", format!("{name} is required"))),
                Some("") => {
                    return Err(Refusal::new(
                        400,
                        "MissingHeaderValue",
                        format!("{name} is empty"),
                    ));
                }
                Some(_) => {}
            }
        }
        let denied = |why: &str| Refusal::new(403, "InvalidAuthentication", why);
        let key_id = authorization.public_key_id;
        let (index, merchant) = self
            .merchant
            .ok_or_else(|| denied(&format!("the public key id '{key_id}' is not known")))?;
        if merchant.is_refused() {
            return Err(denied("the account's key is not accepted"));
        }
        let rules = Rules::of(&self.shared.world().unknowns);
        self.check_environment(merchant, key_id, &rules)?;
        let signed = Signed {
            method: &self.request.method,
            path: &self.request.path,
            query: &self.request.query,
            headers,
            body_sha256: &self.body_sha256,
        };
        signature::check(&authorization, &signed, &merchant.public_key)?;
        self.check_date(now, &rules)?;
        self.check_region(merchant, &rules)?;
        Ok((index, merchant))
    }

    fn check_environment(&self, merchant: &Merchant, key_id: &str, rules: &Rules) -> Result<(), Refusal> {
        let is_older = key_id == merchant.older_public_key_id;
        match self.resource.environment {
            None if is_older => {
                let why = format!("the public key id '{key_id}' needs /live or /sandbox in the path");
                Err(Refusal::new(403, "InvalidAuthentication", why))
            }
            Some(_) if !is_older && !rules.prefixed_key_may_name_environment => Err(path::unknown()),
            Some(environment) if environment != merchant.environment => {
                let why = format!("the public key id '{key_id}' belongs to the other environment");
                Err(rules.wrong_environment.refusal(why))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn check_date(&self, now: Timestamp, rules: &Rules) -> Result<(), Refusal> {
        let given = text(&self.request.headers, "x-amz-pay-date").unwrap_or_default();
        let Some(date) = stamp::parse(given.trim()) else {
            let why = format!("x-amz-pay-date: '{given}' is not a date");
            return Err(Refusal::new(400, "InvalidHeaderValue", why));
        };
        // A call that a fault held up was in time if it was when it came.
        let skew = [self.arrived, now].map(|moment| date.duration_since(moment).abs());
        let allowed = rules
            .allowed_clock_skew
            .and_then(|span| SignedDuration::try_from(span.0).ok());
        if allowed.is_some_and(|allowed| skew.iter().all(|skew| *skew > allowed)) {
            let now = stamp::basic(now);
            let why = format!("x-amz-pay-date: '{given}' is too far from the time here, which is {now}");
            return Err(rules.clock_skew_refusal.refusal(why));
        }
        Ok(())
    }

    fn check_region(&self, merchant: &Merchant, rules: &Rules) -> Result<(), Refusal> {
        let given = text(&self.request.headers, "x-amz-pay-region").unwrap_or_default();
        let region = Region::parse(given.trim());
        let as_written = rules.region_in_any_case || given.trim() == merchant.region.word();
        if rules.check_region && (region != Some(merchant.region) || !as_written) {
            let why = format!("x-amz-pay-region: '{given}' is not the account's region");
            return Err(Refusal::new(403, "InvalidRequestSignature", why));
        }
        Ok(())
    }
}

/// The switches that decide who is let in, copied so that the world is not locked while a signature is checked.
struct Rules {
    allowed_clock_skew: Option<Span>,
    clock_skew_refusal: Mismatch,
    check_region: bool,
    region_in_any_case: bool,
    prefixed_key_may_name_environment: bool,
    wrong_environment: Mismatch,
}

impl Rules {
    fn of(unknowns: &Unknowns) -> Self {
        Self {
            allowed_clock_skew: unknowns.allowed_clock_skew,
            clock_skew_refusal: unknowns.clock_skew_refusal.clone(),
            check_region: unknowns.check_region,
            region_in_any_case: unknowns.region_in_any_case,
            prefixed_key_may_name_environment: unknowns.prefixed_key_may_name_environment,
            wrong_environment: unknowns.wrong_environment.clone(),
        }
    }
}
