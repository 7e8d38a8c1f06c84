//! What was counted beside what is committed.

use std::collections::BTreeSet;

use comfy_table::{CellAlignment, Table, presets};

use crate::counts::Counts;

/// So much more than the committed count is a failure. Hash tables with random seeds move a count by less than one percent.
pub(crate) const WORSE_MAX_PERCENT: u64 = 5;

const HEADINGS: [&str; 4] = ["benchmark", "instructions", "committed", "change"];

/// What was counted, and what was before.
#[derive(Debug)]
pub(crate) struct Comparison<'a> {
    pub counted: &'a Counts,
    pub committed: Option<&'a Counts>,
}

impl Comparison<'_> {
    /// Whether both come from the same compiler, so that only the code can be what makes a difference.
    pub fn is_fair(&self) -> bool {
        self.committed.is_some_and(|committed| committed.compiler == self.counted.compiler)
    }

    /// Benches that take too many instructions more than before, by name; none when the comparison is not fair.
    pub fn worse(&self) -> Vec<&str> {
        if !self.is_fair() {
            return Vec::new();
        }
        let is_worse = |name: &str, now: u64| {
            self.before(name).is_some_and(|before| now * 100 > before * (100 + WORSE_MAX_PERCENT))
        };
        let all = self.counted.instructions.iter();
        all.filter(|(name, now)| is_worse(name, **now)).map(|(name, _)| name.as_str()).collect()
    }

    /// A row for each bench. One that is not in both has no change; of one that was not counted only what is committed is shown.
    pub fn table(&self, all: bool) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(HEADINGS);
        let committed = self.committed.iter().flat_map(|committed| committed.instructions.keys());
        let names: BTreeSet<&String> =
            self.counted.instructions.keys().chain(committed.filter(|_| all)).collect();
        for name in names {
            let counted = self.counted.instructions.get(name);
            let change = match (self.change(name), counted) {
                (Some(percent), _) => format!("{percent:+.2} %"),
                (None, Some(_)) => "new".to_owned(),
                (None, None) => "gone".to_owned(),
            };
            table.add_row([name.clone(), number(counted), number(self.before(name)), change]);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table.trim_fmt()
    }

    fn before(&self, name: &str) -> Option<&u64> {
        self.committed.and_then(|committed| committed.instructions.get(name))
    }

    #[expect(clippy::cast_precision_loss, reason = "a percentage of counts far below 2^52")]
    fn change(&self, name: &str) -> Option<f64> {
        let (now, before) = (self.counted.instructions.get(name)?, self.before(name)?);
        Some((*now as f64 / *before as f64 - 1.0) * 100.0)
    }
}

/// With commas between thousands; nothing when there is none.
fn number(count: Option<&u64>) -> String {
    let digits = count.map(u64::to_string).unwrap_or_default();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::Compiler;

    fn counts(rustc: &str, instructions: &[(&str, u64)]) -> Counts {
        let compiler = Compiler { rustc: rustc.to_owned(), target: "a-machine".to_owned() };
        let instructions = instructions.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        Counts { compiler, instructions }
    }

    #[test]
    fn what_takes_more_than_five_percent_more_is_worse() {
        let committed = counts("1", &[("a", 1000), ("b", 1000), ("gone", 1)]);
        let counted = counts("1", &[("a", 1050), ("b", 1051), ("new", 9_999_999)]);
        let comparison = Comparison { counted: &counted, committed: Some(&committed) };
        assert_eq!(comparison.worse(), ["b"]);
        let table = comparison.table(true);
        assert!(
            table.contains("+5.10 %") && table.contains("9,999,999") && table.contains("gone"),
            "{table}"
        );
        assert!(!comparison.table(false).contains("gone"));
    }

    #[test]
    fn another_compiler_is_compared_but_never_worse() {
        let (committed, counted) = (counts("1", &[("a", 1)]), counts("2", &[("a", 9)]));
        let comparison = Comparison { counted: &counted, committed: Some(&committed) };
        assert!(!comparison.is_fair() && comparison.worse().is_empty());
        assert!(comparison.table(true).contains("+800.00 %"));
    }
}
