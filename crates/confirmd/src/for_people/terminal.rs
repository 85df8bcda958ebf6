//! How wide what people read may be.

use std::io::{IsTerminal, stdout};

use terminal_size::{Width, terminal_size_of};

/// Nothing that is told in columns can be read on less.
const NARROWEST: usize = 24;

/// The columns of the terminal that standard output is, `COLUMNS` before what the terminal says itself. None where it is
/// none: what reads there is a program, and nothing is to be kept from it.
pub(crate) fn width() -> Option<usize> {
    let stdout = stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let said = std::env::var("COLUMNS").ok();
    let asked = || terminal_size_of(&stdout).map(|(Width(columns), _)| usize::from(columns));
    said.as_deref()
        .and_then(columns)
        .or_else(asked)
        // What does not know its own width, such as a serial line, cuts nothing by itself either.
        .filter(|columns| 0 < *columns)
        .map(|columns| columns.max(NARROWEST))
}

/// As shells say it; nothing where it is no number of columns.
fn columns(said: &str) -> Option<usize> {
    said.trim().parse().ok().filter(|columns| 0 < *columns)
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn only_a_number_of_columns_is_one() {
        assert_eq!(columns("80"), Some(80));
        assert_eq!(columns(" 132 "), Some(132));
        for said in ["", "0", "-1", "wide", "80.5"] {
            assert_eq!(columns(said), None, "{said:?}");
        }
    }
}
