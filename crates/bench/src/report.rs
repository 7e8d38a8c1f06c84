//! What came of it: one table for people, one line of JSON for programs.

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::figure::Figure;

const HEADINGS: [&str; 7] = ["scenario", "figure", "Turnloom", "floor", "ratio", "target", "met"];

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// What was measured, in the order in which it was done.
    pub figures: Vec<Figure>,
    /// What was wrong: acknowledged and not there, refused, or not as it should be.
    pub problems: Vec<String>,
    /// What else is good to know.
    pub notes: Vec<String>,
}

impl Report {
    /// The table.
    #[must_use]
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(HEADINGS);
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
        let mut out = table.trim_fmt();
        for note in &self.notes {
            out.push_str(&format!("\n{note}"));
        }
        for problem in &self.problems {
            out.push_str(&format!("\nPROBLEM: {problem}"));
        }
        out
    }

    /// Everything on one line.
    ///
    /// # Errors
    /// When it is no JSON, which does not happen.
    pub fn json(&self) -> anyhow::Result<String> {
        let figures: Vec<serde_json::Value> = self
            .figures
            .iter()
            .map(|figure| {
                let mut value = serde_json::to_value(figure)?;
                value["percent_of_floor"] = serde_json::to_value(figure.percent_of_floor())?;
                value["met"] = serde_json::to_value(figure.is_met())?;
                Ok(value)
            })
            .collect::<anyhow::Result<_>>()?;
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
    fn the_json_is_one_line_with_every_judgement() {
        let line = report().json().unwrap();
        assert_eq!(line.lines().count(), 1);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["figures"][0]["met"], true);
        assert_eq!(value["figures"][1]["met"], false);
        assert_eq!(value["ok"], false);
    }
}
