//! What came of it: one table for people, one line of JSON for programs.

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::figure::Figure;

const HEADINGS: [&str; 7] = ["scenario", "figure", "Turnloom", "floor", "ratio", "target", "met"];

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// What was measured, in the order in which it was done.
    pub figures: Vec<Figure>,
    /// What was wrong: acknowledged and not there, refused, or not as it should be.
    pub problems: Vec<String>,
    /// What else is good to know.
    pub notes: Vec<String>,
}

/// A table that has only its headings.
pub(crate) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(headings);
    table
}

/// A table, and below it what else is to be said.
pub(crate) fn with_words(table: &Table, notes: &[String], problems: &[String]) -> String {
    let problems = problems.iter().map(|problem| format!("PROBLEM: {problem}"));
    let lines = std::iter::once(table.trim_fmt()).chain(notes.iter().cloned()).chain(problems);
    lines.collect::<Vec<_>>().join("\n")
}

impl Report {
    /// The table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = table(&HEADINGS);
        let mut last = "";
        for figure in &self.figures {
            let mut cells = figure.cells();
            if figure.scenario == last
                && let Some(cell) = cells.first_mut()
            {
                cell.clear();
            }
            last = &figure.scenario;
            table.add_row(cells);
        }
        with_words(&table, &self.notes, &self.problems)
    }

    /// Keeps the median of each figure that was measured several times, and that of its floor.
    pub fn take_medians(&mut self) {
        let mut all: Vec<Vec<Figure>> = Vec::new();
        for figure in std::mem::take(&mut self.figures) {
            let same = |others: &&mut Vec<Figure>| {
                let known = others.first();
                known.is_some_and(|known| known.scenario == figure.scenario && known.figure == figure.figure)
            };
            match all.iter_mut().find(same) {
                Some(others) => others.push(figure),
                None => all.push(vec![figure]),
            }
        }
        self.figures = all.into_iter().filter_map(median_of).collect();
    }

    /// Everything on one line.
    ///
    /// # Errors
    /// When it is no JSON, which does not happen.
    pub fn json(&self) -> anyhow::Result<String> {
        let judged = |figure| Judged {
            figure,
            percent_of_floor: Figure::percent_of_floor(figure),
            met: Figure::is_met(figure),
        };
        let figures: Vec<Judged<'_>> = self.figures.iter().map(judged).collect();
        let all = serde_json::json!({
            "figures": figures, "problems": self.problems, "notes": self.notes, "ok": self.is_well(),
        });
        Ok(all.to_string())
    }

    /// Whether everything that was acknowledged is there.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.problems.is_empty()
    }
}

/// One figure for several of the same kind.
fn median_of(same: Vec<Figure>) -> Option<Figure> {
    let value = median(same.iter().map(|figure| figure.value).collect());
    let floor = median(same.iter().filter_map(|figure| figure.floor).collect());
    let first = same.into_iter().next()?;
    Some(Figure { value: value?, floor, ..first })
}

/// The one in the middle; of two in the middle the lower one, so that it was measured.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied()
}

/// A figure with what is made of it.
#[derive(Serialize)]
struct Judged<'a> {
    #[serde(flatten)]
    figure: &'a Figure,
    percent_of_floor: Option<f64>,
    met: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Target;

    fn report() -> Report {
        let greet = |figure: &str, value| Figure::new("greet", figure, value, "");
        let figures = vec![
            greet("executions/s", 16_000.0).wants(Some(Target::AtLeast(15_000.0))),
            greet("CPU", 130.0).wants(Some(Target::AtMost(120.0))),
        ];
        Report { figures, problems: vec!["lost".to_owned()], notes: Vec::new() }
    }

    #[test]
    fn a_scenario_is_named_once() {
        let table = report().table();
        assert_eq!(table.matches("greet").count(), 1);
        assert!(table.contains("NOT MET") && table.contains("PROBLEM: lost"), "{table}");
    }

    #[test]
    fn a_figure_that_was_measured_several_times_is_the_one_in_the_middle() {
        let measured = |figure: &str, value, floor| Figure::new("greet", figure, value, "").beside(floor);
        let figures = vec![
            measured("a", 3.0, Some(30.0)),
            measured("b", 7.0, None),
            measured("a", 1.0, Some(10.0)),
            measured("b", 8.0, None),
            measured("a", 2.0, Some(20.0)),
        ];
        let mut report = Report { figures, ..Report::default() };
        report.take_medians();
        assert_eq!(report.figures, [measured("a", 2.0, Some(20.0)), measured("b", 7.0, None)]);
    }

    #[test]
    fn the_json_is_one_line_with_every_judgement() {
        let line = report().json().unwrap();
        assert_eq!(line.lines().count(), 1);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["figures"][0]["met"], true);
        assert_eq!(value["figures"][1]["met"], false);
        assert_eq!(value["ok"], false);
    }
}
