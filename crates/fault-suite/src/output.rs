//! How a suite says what came of it, and what it leaves behind: the same flags and tables for all suites.

use std::path::PathBuf;

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

/// What a suite leaves, and how it says what came of it.
#[derive(Debug, Clone, clap::Args)]
pub struct Output {
    /// Where logs and data go; those of what held are removed
    #[arg(long)]
    pub directory: Option<PathBuf>,
    /// Keeps them in any case
    #[arg(long)]
    pub keep: bool,
    /// Prints the result as JSON
    #[arg(long, conflicts_with = "markdown")]
    pub json: bool,
    /// Prints the table as Markdown
    #[arg(long)]
    pub markdown: bool,
}

/// The table of a suite with `N` columns.
#[derive(Debug)]
pub struct Columns<R, const N: usize> {
    /// What they are called.
    pub headings: [&'static str; N],
    /// A row of it.
    pub cells: fn(&R) -> [String; N],
}

impl Output {
    /// Where logs and data go; `suite` is a part of its name unless it is set.
    #[must_use]
    pub fn directory(&self, suite: &str) -> PathBuf {
        let usual = || std::env::temp_dir().join(format!("turnloom-{suite}-{}", std::process::id()));
        self.directory.clone().unwrap_or_else(usual)
    }

    /// Prints what came of it; `head` is true of all rows.
    ///
    /// # Errors
    /// When rows cannot be written as JSON.
    pub fn print<R: Serialize, const N: usize>(
        &self,
        head: &str,
        columns: &Columns<R, N>,
        rows: &[R],
    ) -> Result<(), serde_json::Error> {
        if self.json {
            println!("{}", serde_json::to_string_pretty(rows)?);
        } else if self.markdown {
            println!("{}", columns.markdown(rows));
        } else {
            println!("\n{head}\n{}", columns.text(rows));
        }
        Ok(())
    }
}

impl<R, const N: usize> Columns<R, N> {
    fn text(&self, rows: &[R]) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(self.headings);
        table.add_rows(rows.iter().map(self.cells));
        table.trim_fmt()
    }

    fn markdown(&self, rows: &[R]) -> String {
        let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
        let headings = line(&self.headings.map(str::to_owned));
        let rule = line(&self.headings.map(|_| "---".to_owned()));
        let rows = rows.iter().map(|row| line(&(self.cells)(row)));
        [headings, rule].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns<u8, 2> =
        Columns { headings: ["n", "twice"], cells: |n| [n.to_string(), (n * 2).to_string()] };

    #[test]
    fn markdown_is_a_table_of_its_rows() {
        assert_eq!(COLUMNS.markdown(&[1, 2]), "| n | twice |\n| --- | --- |\n| 1 | 2 |\n| 2 | 4 |");
    }

    #[test]
    fn what_is_for_people_has_its_headings_above() {
        assert!(COLUMNS.text(&[7]).lines().next().is_some_and(|line| line.contains("twice")));
    }
}
