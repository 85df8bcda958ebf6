//! What to do next, for whoever reads an error. Where an error says so itself, nothing is added.

use reconciler::ports::LogError;
use session_log::OpenError;

use crate::config::Problems;

/// By what lies at the bottom of it.
pub(crate) fn advice(error: &anyhow::Error) -> Option<&'static str> {
    let of_log = |error: &LogError| {
        matches!(error, LogError::Unavailable(_))
            .then_some("`confirmd check --online` says what is wrong with it")
    };
    let of_query = error.downcast_ref::<crate::query::NotAQuery>();
    let log = error.downcast_ref::<LogError>().or(match of_query {
        Some(crate::query::NotAQuery::Log(log)) => Some(log),
        Some(_) | None => None,
    });
    if error.is::<Problems>() {
        return Some(
            "mend these, and `confirmd check`; deploy/confirmd.example.toml has every key with its default",
        );
    }
    error
        .downcast_ref::<OpenError>()
        .and_then(advice_on)
        .or(log.and_then(of_log))
}

/// What to do about a database that cannot be used.
pub(crate) fn advice_on(error: &OpenError) -> Option<&'static str> {
    Some(match error {
        OpenError::Unreachable(_) => "is the database up, and may this machine and the URL's user reach it?",
        OpenError::NoFolder { .. } => {
            "make the folder, for the user that confirmd runs as, then `confirmd migrate`"
        }
        OpenError::NoUsableFile { .. } => {
            "may the user that confirmd runs as read and write it, and its folder?"
        }
        OpenError::Url(_) => {
            "it is like postgres://confirmd@localhost/confirmd or sqlite:///var/lib/confirmd/log.db"
        }
        OpenError::Migration { .. } => {
            "nothing of it was applied: may the URL's user make tables? Mend that, and migrate again"
        }
        OpenError::NoFile { .. } | OpenError::Older { .. } => "`confirmd migrate`",
        // They say what to do.
        OpenError::Newer { .. } | OpenError::UnknownScheme { .. } | OpenError::Held { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context;
    use reconciler::ports::LogError;
    use session_log::OpenError;

    use super::advice;
    use crate::config::Problems;
    use crate::query::NotAQuery;

    #[test]
    fn an_error_is_followed_by_what_to_do_however_deep_it_lies() {
        let away = || LogError::Unavailable("refused".into());
        for (error, part) in [
            (
                Err::<(), _>(OpenError::Unreachable("refused".into())).context("store.url"),
                "is the database up",
            ),
            (
                Err(OpenError::Older {
                    found: 1,
                    expected: 2,
                })
                .context("store.url"),
                "confirmd migrate",
            ),
            (Err(away()).context("listing"), "check --online"),
            (Err(NotAQuery::Log(away()).into()), "check --online"),
            (
                Err(Problems::one("a.b", "c", "d").into()),
                "confirmd.example.toml",
            ),
        ] {
            let error = error.unwrap_err();
            let told = advice(&error).unwrap_or_default();
            assert!(told.contains(part), "{error:#}: {told}");
        }
        let newer = OpenError::Newer {
            found: 3,
            expected: 2,
        };
        assert_eq!(advice(&newer.into()), None);
        assert_eq!(advice(&anyhow::anyhow!("something else")), None);
    }
}
