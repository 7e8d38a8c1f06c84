//! One number of the table, beside its floor and its target.

use serde::Serialize;

use crate::number::{real, whole};

/// What is wanted of a number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum Target {
    /// So much or more.
    AtLeast(f64),
    /// So much or less.
    AtMost(f64),
    /// So many percent of the floor or more.
    PercentOfFloor(f64),
}

/// A number that was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What was done.
    pub scenario: String,
    /// What the number tells.
    pub figure: String,
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// The same of what does it with no product between.
    pub floor: Option<f64>,
    /// What it should be.
    pub target: Option<Target>,
}

impl Figure {
    /// A number without anything beside it.
    pub fn new(scenario: &str, figure: &str, value: f64, unit: &'static str) -> Self {
        let (scenario, figure) = (scenario.to_owned(), figure.to_owned());
        Self { scenario, figure, value, unit, floor: None, target: None }
    }

    /// With what it should be, when there is such a thing.
    #[must_use]
    pub fn wants(self, target: Option<Target>) -> Self {
        Self { target, ..self }
    }

    /// With the same of what has no product between.
    #[must_use]
    pub fn beside(self, floor: Option<f64>) -> Self {
        Self { floor, ..self }
    }

    /// Its part of the floor, percent.
    #[must_use]
    pub fn percent_of_floor(&self) -> Option<f64> {
        self.floor.filter(|floor| *floor > 0.0).map(|floor| self.value / floor * 100.0)
    }

    /// Whether it is as it should be; none when nobody said how, or the floor is not known.
    #[must_use]
    pub fn is_met(&self) -> Option<bool> {
        Some(match self.target? {
            Target::AtLeast(least) => self.value >= least,
            Target::AtMost(most) => self.value <= most,
            Target::PercentOfFloor(percent) => self.percent_of_floor()? >= percent,
        })
    }

    /// As cells of the table.
    #[must_use]
    pub fn cells(&self) -> [String; 7] {
        let with_unit = |number: f64| format!("{} {}", shown(number), self.unit).trim_end().to_owned();
        let target = self.target.map(|target| match target {
            Target::AtLeast(least) => format!("≥ {}", with_unit(least)),
            Target::AtMost(most) => format!("≤ {}", with_unit(most)),
            Target::PercentOfFloor(percent) => format!("≥ {percent:.0} %"),
        });
        [
            self.scenario.clone(),
            self.figure.clone(),
            with_unit(self.value),
            self.floor.map(with_unit).unwrap_or_default(),
            self.percent_of_floor().map(|percent| format!("{percent:.0} %")).unwrap_or_default(),
            target.unwrap_or_default(),
            match self.is_met() {
                Some(true) => "met".to_owned(),
                Some(false) => "NOT MET".to_owned(),
                None => String::new(),
            },
        ]
    }
}

/// A number as people read it: small ones with a fraction, large ones with separators.
#[must_use]
pub fn shown(number: f64) -> String {
    if number.abs() < 100.0 && (number - number.round()).abs() > 0.004 {
        return format!("{number:.2}");
    }
    let digits = whole(number.abs().round()).to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if number < 0.0 { format!("-{out}") } else { out }
}

/// Microseconds as milliseconds.
#[must_use]
pub fn millis(micros: u64) -> f64 {
    real(micros) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(value: f64) -> Figure {
        Figure::new("greet", "executions/s", value, "")
    }

    #[test]
    fn a_target_is_met_at_its_very_value() {
        for (value, target, met) in [
            (15_000.0, Target::AtLeast(15_000.0), true),
            (14_999.9, Target::AtLeast(15_000.0), false),
            (120.0, Target::AtMost(120.0), true),
            (120.1, Target::AtMost(120.0), false),
        ] {
            assert_eq!(figure(value).wants(Some(target)).is_met(), Some(met), "{value} {target:?}");
        }
    }

    #[test]
    fn a_part_of_the_floor_is_judged_only_when_there_is_one() {
        let wanted = figure(30.0).wants(Some(Target::PercentOfFloor(60.0)));
        assert_eq!(wanted.is_met(), None);
        assert_eq!(wanted.clone().beside(Some(50.0)).is_met(), Some(true));
        assert_eq!(wanted.clone().beside(Some(51.0)).is_met(), Some(false));
        assert_eq!(wanted.beside(Some(0.0)).is_met(), None);
        assert_eq!(figure(30.0).is_met(), None);
    }

    #[test]
    fn numbers_are_shown_as_people_read_them() {
        let all = [0.0, 1.5, 2.0, 99.999, 123.4, 1234.0, 15_000.0, 1_234_567.0, -1234.0];
        let all = all.map(shown);
        assert_eq!(all, ["0", "1.50", "2", "100", "123", "1,234", "15,000", "1,234,567", "-1,234"]);
    }

    #[test]
    fn a_row_says_whether_it_is_met() {
        let row = figure(12_000.0).wants(Some(Target::AtLeast(15_000.0))).beside(Some(48_000.0));
        assert_eq!(row.cells(), ["greet", "executions/s", "12,000", "48,000", "25 %", "≥ 15,000", "NOT MET"]);
    }
}
