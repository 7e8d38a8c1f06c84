//! Lines of a passage: each is a paragraph or an item, a row of a table, or a line of code, told by how it begins.
//!
//! They look as in Markdown, so that people and models read them without being told: `| Size: 42 | Price: 80 EUR` and four
//! blanks before code. A row names its columns, so it is understood wherever it is cut off from its table.

/// How a row begins, and what stands before each of its cells.
const ROW: &str = "| ";
/// How a line of code begins.
const CODE: &str = "    ";
/// What stands between a column's name and a cell.
const NAME_END: &str = ": ";
/// Bytes of a column's name that is told with each of its cells.
const NAME_BYTES_MAX: usize = 60;
/// Blanks that a line of code is indented by at most.
const INDENT_MAX: usize = 24;

/// A line of a passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// A paragraph or an item.
    Prose(&'a str),
    /// The cells of a row, with the names of their columns.
    Row(Vec<&'a str>),
    /// A line of code.
    Code(&'a str),
}

/// How the lines of a block begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of a paragraph or an item.
    Prose,
    /// Of a row.
    Row,
    /// Of code.
    Code,
}

impl Kind {
    /// What stands before the text.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Prose => "",
            Self::Row => ROW,
            Self::Code => CODE,
        }
    }
}

/// The text of a row, without its beginning; the names are those of the columns, as far as there are any.
pub(crate) fn row(names: &[String], cells: &[String]) -> String {
    let names = names.iter().map(|name| name_of(name)).chain(std::iter::repeat(""));
    let mut row = String::new();
    for (cell, name) in cells.iter().map(|cell| cell.trim()).zip(names).filter(|(cell, _)| !cell.is_empty()) {
        if !row.is_empty() {
            row.push(' ');
            row.push_str(ROW);
        }
        if !name.is_empty() {
            row.push_str(name);
            row.push_str(NAME_END);
        }
        row.push_str(cell);
    }
    row
}

/// A column's name as it stands before its cells; none when it is too long to be told with each of them.
fn name_of(column: &str) -> &str {
    let name = column.trim().trim_end_matches(':');
    if name.len() > NAME_BYTES_MAX { "" } else { name }
}

/// Blanks before a line of code.
pub(crate) fn indent(line: &str) -> String {
    line.chars().take_while(|letter| *letter == ' ').take(INDENT_MAX).collect()
}

/// What kind of line this is.
pub(crate) fn parse(line: &str) -> Line<'_> {
    if let Some(code) = line.strip_prefix(CODE) {
        return Line::Code(code);
    }
    match line.strip_prefix(ROW) {
        Some(row) => {
            let cells = row.split(" | ").map(str::trim).filter(|cell| !cell.is_empty());
            Line::Row(cells.collect())
        }
        None => Line::Prose(line),
    }
}

/// Cells as a sentence: what the row is about, and then the rest.
pub(crate) fn prose(cells: &[&str]) -> String {
    let Some((first, rest)) = cells.split_first() else { return String::new() };
    if rest.is_empty() {
        return (*first).to_owned();
    }
    let between = if first.contains(NAME_END) { "; " } else { NAME_END };
    format!("{first}{between}{}", rest.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_row_names_its_columns_and_reads_like_a_sentence() {
        for (names, cells, line, sentence) in [
            (
                &["Size", "Price"][..],
                &["42", "80 EUR"][..],
                "Size: 42 | Price: 80 EUR",
                "Size: 42; Price: 80 EUR",
            ),
            (&[], &["Size", "42", "80 EUR"], "Size | 42 | 80 EUR", "Size: 42; 80 EUR"),
            (&["", "Price:"], &["42", "", "x"], "42 | x", "42: x"),
            (&["Size"], &["42"], "Size: 42", "Size: 42"),
        ] {
            let text = row(&owned(names), &owned(cells));
            assert_eq!(text, line);
            let marked = format!("{}{text}", Kind::Row.mark());
            let Line::Row(read) = parse(&marked) else { unreachable!("{marked}") };
            assert_eq!(prose(&read), sentence);
        }
    }

    #[test]
    fn lines_are_told_by_how_they_begin() {
        assert_eq!(parse("a | b"), Line::Prose("a | b"));
        assert_eq!(parse("      make run"), Line::Code("  make run"));
        assert_eq!(parse("| "), Line::Row(Vec::new()));
        assert_eq!(indent("  x"), "  ");
    }
}
