//! Tables, and text, that fit where they are read.
//!
//! On a terminal no line is wider than it is: what may be long is cut first, then what can be spared is left out. Elsewhere
//! everything is there.

use std::fmt::Write as _;

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::paint::{HEADING, PLAIN, painted};

const BETWEEN: usize = 2;
/// What is cut tells something still.
const LEAST: usize = 6;
/// Before whatever belongs to the line above.
const INDENT: &str = "    ";

/// What may be done to a column where there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// It is there and whole.
    Needed,
    /// Its words are cut.
    Cut,
    /// It is left out; the highest number first.
    Spared(u8),
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) room: Room,
}

/// What stands in a column of a line.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn plain(text: &str) -> Self {
        Self::styled(text, PLAIN)
    }

    pub(crate) fn styled(text: &str, style: Style) -> Self {
        Self {
            text: one_line(text),
            style,
        }
    }
}

pub(crate) struct Table {
    columns: &'static [Column],
    lines: Vec<(Vec<Cell>, Vec<String>)>,
}

impl Table {
    pub(crate) fn new(columns: &'static [Column]) -> Self {
        Self {
            columns,
            lines: Vec::new(),
        }
    }

    /// A line with as many cells as there are columns, and what is to be said below it.
    pub(crate) fn line(&mut self, cells: Vec<Cell>, notes: Vec<String>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.lines.push((cells, notes));
    }

    /// For something that is so many columns wide; for a program if none.
    pub(crate) fn text(&self, width: Option<usize>) -> String {
        let widths = self.fitted(width);
        let heading = self.columns.iter();
        let heading: Vec<Cell> = heading.map(|column| Cell::styled(column.name, HEADING)).collect();
        let mut text = line_of(&heading, &widths) + "\n";
        for (cells, notes) in &self.lines {
            let _ = writeln!(text, "{}", line_of(cells, &widths));
            for note in notes {
                let _ = writeln!(text, "{INDENT}{}", wrapped(&one_line(note), width, INDENT));
            }
        }
        text
    }

    /// How wide each column is; none for one that is left out.
    fn fitted(&self, width: Option<usize>) -> Vec<Option<usize>> {
        let of_column = |at: usize| {
            let cells = self.lines.iter().map(|(cells, _)| cells[at].text.width());
            cells
                .chain([self.columns[at].name.width()])
                .max()
                .unwrap_or_default()
        };
        let natural: Vec<usize> = (0..self.columns.len()).map(of_column).collect();
        let mut widths: Vec<Option<usize>> = natural.iter().copied().map(Some).collect();
        let Some(width) = width else { return widths };
        loop {
            let mut cut = widths.clone();
            if self.shrink(&mut cut, width, LEAST, |room| room == Room::Cut) {
                return cut;
            }
            let Some(spared) = self.spared_first(&widths) else {
                self.shrink(&mut cut, width, 1, |_| true);
                return cut;
            };
            widths[spared] = None;
        }
    }

    fn spared_first(&self, widths: &[Option<usize>]) -> Option<usize> {
        let columns = self.columns.iter().enumerate();
        columns
            .filter(|(at, _)| widths[*at].is_some())
            .filter_map(|(at, column)| match column.room {
                Room::Spared(rank) => Some((rank, at)),
                Room::Needed | Room::Cut => None,
            })
            .max()
            .map(|(_, at)| at)
    }

    /// Takes from the widest first, and says whether that was enough.
    fn shrink(
        &self,
        widths: &mut [Option<usize>],
        width: usize,
        least: usize,
        gives: impl Fn(Room) -> bool,
    ) -> bool {
        while width < line_width(widths) {
            let given = self.columns.iter().zip(widths.iter_mut());
            let widest = given
                .filter(|(column, _)| gives(column.room))
                .filter_map(|(_, width)| width.as_mut())
                .filter(|width| least < **width)
                .max_by_key(|width| **width);
            match widest {
                Some(widest) => *widest -= 1,
                None => return false,
            }
        }
        true
    }
}

fn line_width(widths: &[Option<usize>]) -> usize {
    let shown = widths.iter().flatten().count();
    widths.iter().flatten().sum::<usize>() + shown.saturating_sub(1) * BETWEEN
}

fn line_of(cells: &[Cell], widths: &[Option<usize>]) -> String {
    let mut line = String::new();
    let mut missing = 0;
    for (cell, width) in cells.iter().zip(widths) {
        let Some(width) = width else { continue };
        let text = cut(&cell.text, *width);
        // No blanks at the end of a line.
        let _ = write!(line, "{:missing$}{}", "", painted(cell.style, &text));
        missing = width - text.width() + BETWEEN;
    }
    line
}

/// At most so many columns of a text; its end is missed.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut taken = 1;
    for character in text.chars() {
        taken += character.width().unwrap_or_default();
        if width < taken {
            break;
        }
        cut.push(character);
    }
    cut + "…"
}

/// A text in lines of so many columns, of which all but the first begin with `indent`, as the first is taken to. A word
/// stays whole, so that a command can be copied.
pub(crate) fn wrapped(text: &str, width: Option<usize>, indent: &str) -> String {
    let Some(width) = width else {
        return text.to_owned();
    };
    let mut wrapped = String::new();
    let mut at = indent.width();
    for word in text.split(' ') {
        let is_first = at == indent.width();
        // A colour takes no room.
        let room = anstream::adapter::strip_str(word).to_string().width();
        if !is_first && width < at + 1 + room {
            let _ = write!(wrapped, "\n{indent}");
            at = indent.width();
        } else if !is_first {
            wrapped.push(' ');
            at += 1;
        }
        wrapped.push_str(word);
        at += room;
    }
    wrapped
}

/// What others write has neither lines nor anything else that moves a terminal.
pub(crate) fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars()
        .map(|character| {
            if character.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                character
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::super::paint::BAD;
    use super::{Cell, Column, Room, Table, cut, one_line, wrapped};

    const COLUMNS: &[Column] = &[
        Column {
            name: "ID",
            room: Room::Needed,
        },
        Column {
            name: "STATE",
            room: Room::Needed,
        },
        Column {
            name: "SINCE",
            room: Room::Spared(2),
        },
        Column {
            name: "AMOUNT",
            room: Room::Spared(1),
        },
        Column {
            name: "ORDER",
            room: Room::Cut,
        },
    ];

    fn table() -> Table {
        let mut table = Table::new(COLUMNS);
        for (id, order) in [
            ("s-0001", "ORDER-1001"),
            ("s-0002", "the order of somebody who writes much"),
        ] {
            let cells = [id, "ready", "10:00:00Z", "23.45 EUR", order];
            table.line(cells.map(Cell::plain).to_vec(), Vec::new());
        }
        table
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_program_gets_everything() {
        assert_eq!(
            plain(&table().text(None)),
            "ID      STATE  SINCE      AMOUNT     ORDER\n\
             s-0001  ready  10:00:00Z  23.45 EUR  ORDER-1001\n\
             s-0002  ready  10:00:00Z  23.45 EUR  the order of somebody who writes much\n"
        );
    }

    #[test]
    fn what_may_be_long_is_cut_first_and_what_can_be_spared_goes_then() {
        assert_eq!(
            plain(&table().text(Some(50))),
            "ID      STATE  SINCE      AMOUNT     ORDER\n\
             s-0001  ready  10:00:00Z  23.45 EUR  ORDER-1001\n\
             s-0002  ready  10:00:00Z  23.45 EUR  the order of…\n"
        );
        assert_eq!(
            plain(&table().text(Some(40))),
            "ID      STATE  AMOUNT     ORDER\n\
             s-0001  ready  23.45 EUR  ORDER-1001\n\
             s-0002  ready  23.45 EUR  the order of …\n"
        );
        assert_eq!(
            plain(&table().text(Some(24))),
            "ID      STATE  ORDER\n\
             s-0001  ready  ORDER-10…\n\
             s-0002  ready  the orde…\n"
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in 24..=90 {
            for line in plain(&table().text(Some(width))).lines() {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn a_colour_takes_no_room_and_what_is_below_a_line_is_wrapped() {
        let mut table = Table::new(COLUMNS);
        let mut cells = ["s-1", "bad", "-", "-", "-"].map(Cell::plain).to_vec();
        cells[1] = Cell::styled("bad", BAD);
        table.line(cells, vec!["of which there is much to say".to_owned()]);
        let text = table.text(Some(24));
        assert!(text.contains("\u{1b}[1m\u{1b}[31mbad\u{1b}[0m"), "{text:?}");
        assert_eq!(
            plain(&text),
            "ID   STATE  ORDER\n\
             s-1  bad    -\n    \
                 of which there is\n    \
                 much to say\n"
        );
    }

    #[test]
    fn letters_that_take_two_columns_are_counted_as_two() {
        assert_eq!(cut("注文番号", 8), "注文番号");
        assert_eq!(cut("注文番号", 7), "注文番…");
        assert_eq!(cut("注文番号", 6), "注文…");
        assert_eq!(cut("order", 5), "order");
        assert_eq!(cut("orders", 5), "orde…");
    }

    #[test]
    fn a_word_stays_whole_and_what_nobody_reads_on_a_terminal_one_line() {
        assert_eq!(
            wrapped("a commandthatislong b", Some(10), "  "),
            "a\n  commandthatislong\n  b"
        );
        assert_eq!(
            wrapped("a commandthatislong b", None, "  "),
            "a commandthatislong b"
        );
    }

    #[test]
    fn what_others_write_moves_no_terminal() {
        assert_eq!(one_line("a\n\tb\u{1b}[2J"), "a b\u{fffd}[2J");
    }
}
