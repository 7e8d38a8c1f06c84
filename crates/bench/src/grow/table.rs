//! What came of growing: one row for each kind of request, small beside grown.

use serde::Serialize;

use crate::figure::shown;
use crate::report;

/// Each answer takes at most so long, milliseconds, at the 99th percentile.
const P99_MS_MAX: f64 = 20.0;
/// And at most so many times as long as it took with few executions.
const RATIO_MAX: f64 = 2.0;

const HEADINGS: [&str; 8] =
    ["request", "p50 small", "p99 small", "p50 grown", "p99 grown", "ratio of p99", "target", "met"];

/// How long requests of one kind took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Times {
    /// Requests that were counted.
    pub requests: u64,
    /// Median, milliseconds.
    pub p50: f64,
    /// 99th percentile, milliseconds.
    pub p99: f64,
}

/// One kind of request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// What was asked for.
    pub request: String,
    /// Among few executions.
    pub small: Times,
    /// Among many.
    pub grown: Times,
}

impl Row {
    /// How many times as long the slow ones take.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        if self.small.p99 > 0.0 { self.grown.p99 / self.small.p99 } else { 0.0 }
    }

    /// Whether it is as it should be.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.grown.p99 <= P99_MS_MAX && self.ratio() <= RATIO_MAX
    }

    fn cells(&self) -> [String; 8] {
        let ms = |time: f64| format!("{} ms", shown(time));
        [
            self.request.clone(),
            ms(self.small.p50),
            ms(self.small.p99),
            ms(self.grown.p50),
            ms(self.grown.p99),
            format!("{:.2}", self.ratio()),
            format!("≤ {} ms, ≤ {} ×", shown(P99_MS_MAX), shown(RATIO_MAX)),
            if self.is_met() { "met".to_owned() } else { "NOT MET".to_owned() },
        ]
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Grown {
    /// In the order in which it was asked.
    pub rows: Vec<Row>,
    /// What was wrong: totals and rows that are not what was filled in.
    pub problems: Vec<String>,
    /// What else is good to know.
    pub notes: Vec<String>,
}

impl Grown {
    /// The table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = report::table(&HEADINGS);
        self.rows.iter().for_each(|row| {
            table.add_row(row.cells());
        });
        report::with_words(&table, &self.notes, &self.problems)
    }

    /// Everything on one line.
    #[must_use]
    pub fn json(&self) -> String {
        let judged = |row: &Row| {
            serde_json::json!({
                "request": row.request, "small": row.small, "grown": row.grown, "ratio": row.ratio(), "met": row.is_met(),
            })
        };
        let rows: Vec<serde_json::Value> = self.rows.iter().map(judged).collect();
        let all = serde_json::json!({
            "rows": rows, "problems": self.problems, "notes": self.notes, "ok": self.is_well(),
        });
        all.to_string()
    }

    /// Whether everything that was filled in is told exactly. How long it took is not asked.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.problems.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(small: f64, grown: f64) -> Row {
        let times = |p99: f64| Times { requests: 300, p50: p99 / 2.0, p99 };
        Row { request: "newest page".to_owned(), small: times(small), grown: times(grown) }
    }

    #[test]
    fn a_row_is_met_when_it_is_quick_and_flat() {
        for (small, grown, met) in
            [(4.0, 8.0, true), (4.0, 8.1, false), (15.0, 20.0, true), (15.0, 20.1, false), (4.0, 1.0, true)]
        {
            assert_eq!(row(small, grown).is_met(), met, "{small} {grown}");
        }
    }

    #[test]
    fn the_table_and_the_line_say_the_same() {
        let problems = vec!["a total is wrong".to_owned()];
        let grown = Grown { rows: vec![row(4.0, 10.0)], problems, notes: Vec::new() };
        let table = grown.table();
        assert!(table.contains("2.50") && table.contains("NOT MET"), "{table}");
        assert!(table.contains("PROBLEM: a total is wrong"), "{table}");
        let line: serde_json::Value = serde_json::from_str(&grown.json()).unwrap();
        assert_eq!((&line["rows"][0]["ratio"], &line["rows"][0]["met"]), (&2.5.into(), &false.into()));
        assert_eq!(line["ok"], false);
    }
}
