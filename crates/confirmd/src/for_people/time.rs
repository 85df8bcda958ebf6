//! Times as people read them.

use checkout::Timestamp;
use console::distance;

/// An RFC 3339 time in UTC without its fraction of a second; any other text as it is.
pub(crate) fn to_the_second(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, fraction)) if fraction.ends_with('Z') => format!("{whole}Z"),
        _ => time.to_owned(),
    }
}

/// The time, and how far away it is.
pub(crate) fn with_distance(at: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", to_the_second(&at.to_string()), distance(at, now))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use checkout::Timestamp;

    use super::{to_the_second, with_distance};

    #[test]
    fn people_read_whole_seconds() {
        assert_eq!(
            to_the_second("2026-01-05T10:00:00.123456Z"),
            "2026-01-05T10:00:00Z"
        );
        assert_eq!(to_the_second("2026-01-05T10:00:00Z"), "2026-01-05T10:00:00Z");
        assert_eq!(to_the_second("-"), "-");
    }

    #[test]
    fn a_time_is_told_with_how_far_away_it_is() {
        let now = Timestamp::parse("2026-01-05T10:00:00Z").unwrap();
        for (seconds, told) in [
            (0, "in 0 s"),
            (61, "in 1 min 1 s"),
            (2 * 3_600 + 600, "in 2 h 10 min"),
            (26 * 3_600 + 60, "in 1 d 2 h"),
        ] {
            let at = now.plus(Duration::from_secs(seconds));
            let with = with_distance(at, now);
            assert!(with.ends_with(&format!(" ({told})")), "{with}");
        }
        let later = now.plus(Duration::from_secs(7_300));
        assert_eq!(with_distance(now, later), "2026-01-05T10:00:00Z (2 h 1 min ago)");
    }
}
