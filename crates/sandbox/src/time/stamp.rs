//! Moments as the API and the control API write them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// `YYYYMMDDTHHMMSSZ`, the form of all of Amazon's bodies.
const BASIC: &str = "%Y%m%dT%H%M%SZ";

pub(crate) fn basic(moment: Timestamp) -> String {
    moment.strftime(BASIC).to_string()
}

/// The HTTP `Date` header's form.
pub(crate) fn http_date(moment: Timestamp) -> String {
    moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Reads Amazon's basic form and RFC 3339, as the SDKs send either.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    if let Ok(plain) = DateTime::strptime(BASIC, text) {
        return plain.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    }
    text.parse().ok()
}

/// Bodies show whole seconds, so what is shown is kept in whole seconds.
pub(crate) fn whole_seconds(moment: Timestamp) -> Timestamp {
    Timestamp::from_second(moment.as_second()).unwrap_or(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_date_are_the_same_moment() {
        let moment = parse("20260105T101530Z").unwrap();
        assert_eq!(parse("2026-01-05T10:15:30Z"), Some(moment));
        assert_eq!(basic(moment), "20260105T101530Z");
        assert_eq!(http_date(moment), "Mon, 05 Jan 2026 10:15:30 GMT");
        assert_eq!(parse("yesterday"), None);
    }
}
