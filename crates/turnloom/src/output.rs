//! What people and programs see: tables, colours, small charts, JSON.
//!
//! Colours go away by themselves when the output is not a terminal or `NO_COLOR` is set.

use anstyle::{AnsiColor, Style};
use comfy_table::{Attribute, Cell, ContentArrangement, Table, presets};
use serde_json::Value;

use crate::printing::println;

/// How results are shown.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Format {
    /// Prints JSON, for programs
    #[arg(long, global = true)]
    pub json: bool,
}

/// Good.
pub const GREEN: Style = AnsiColor::Green.on_default();
/// Bad.
pub const RED: Style = AnsiColor::Red.on_default();
/// Odd.
pub const YELLOW: Style = AnsiColor::Yellow.on_default();
/// Beside the point.
pub const DIM: Style = Style::new().dimmed();
/// A heading.
pub const BOLD: Style = Style::new().bold();

/// A text in a style.
#[must_use]
pub fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Prints JSON.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn json(value: &Value) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Prints what the API answered to something that was done: its `data`, or a sentence about it for people.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn done(format: Format, answer: &Value, sentence: impl FnOnce(&Value) -> String) -> anyhow::Result<()> {
    let data = answer.get("data").unwrap_or(answer);
    if format.json {
        return json(data);
    }
    println!("{} {}", styled(GREEN, "✓"), sentence(data));
    Ok(())
}

/// Prints a table.
pub fn table(headings: &[&str], rows: Vec<Vec<String>>) {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(headings.iter().map(|heading| Cell::new(heading).add_attribute(Attribute::Bold)));
    table.add_rows(rows);
    println!("{}", table.trim_fmt());
}

/// A value as people read it: texts without quotes, nothing as a dash.
#[must_use]
pub fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "–".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// A member of an object, as people read it.
#[must_use]
pub fn member(value: &Value, pointer: &str) -> String {
    plain(value.pointer(pointer))
}

/// A time without its date when that is not needed, and without the `T`.
#[must_use]
pub fn time(value: &Value, pointer: &str) -> String {
    member(value, pointer).replace('T', " ").replace(".000Z", "Z")
}

/// A share as percent.
#[must_use]
pub fn percent(value: Option<&Value>) -> String {
    value.and_then(Value::as_f64).map_or_else(|| "–".to_owned(), |share| format!("{:.0} %", share * 100.0))
}

/// A text in at most so many characters, on one line.
#[must_use]
pub fn short(text: &str, chars_max: usize) -> String {
    let line = text.replace(['\n', '\r'], " ");
    if line.chars().count() <= chars_max {
        return line;
    }
    let kept: String = line.chars().take(chars_max.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// A bar whose length is `value` of `largest`, at most `width` characters.
#[must_use]
pub fn bar(value: u64, largest: u64, width: u64) -> String {
    let eighths = (value * width * 8).checked_div(largest).unwrap_or(0).max(u64::from(value > 0));
    let full = usize::try_from(eighths / 8).unwrap_or(0);
    let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let rest = usize::try_from(eighths % 8).ok().and_then(|eighth| rest.get(eighth)).copied().unwrap_or("");
    format!("{}{rest}", "█".repeat(full))
}

/// A row of columns, one for each value.
#[must_use]
pub fn sparkline(values: &[u64]) -> String {
    const COLUMNS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let largest = values.iter().copied().max().unwrap_or(0);
    let column = |value: &u64| {
        let height = (value * 7).checked_div(largest).unwrap_or(0).max(u64::from(*value > 0));
        usize::try_from(height).ok().and_then(|height| COLUMNS.get(height)).copied().unwrap_or('▁')
    };
    values.iter().map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_by_eighths() {
        assert_eq!(bar(0, 10, 4), "");
        assert_eq!(bar(10, 10, 4), "████");
        assert_eq!(bar(5, 10, 3), "█▌");
        assert_eq!(bar(1, 1000, 4), "▏");
        assert_eq!(bar(1, 0, 4), "▏");
    }

    #[test]
    fn a_sparkline_has_a_column_for_each_value() {
        assert_eq!(sparkline(&[0, 1, 7, 3]), "▁▂█▄");
        assert_eq!(sparkline(&[]), "");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(short("a\nb", 10), "a b");
        assert_eq!(short("abcdef", 4), "abc…");
    }
}
