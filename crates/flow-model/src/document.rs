//! Reading a JSON document by hand, so that every problem is found, with its place, in the order of the document.
//!
//! A missing field counts as standing at the end of its object; several missing ones stand there in the order in
//! which they were asked for. Unknown fields are problems: a typo must not pass silently.

use serde_json::{Map, Value};

use crate::limits::PROBLEMS_MAX;
use crate::problem::{Problem, ProblemCode, Warning, WarningCode};

/// A place in a document.
#[derive(Debug, Clone, Default)]
pub struct At {
    path: String,
    order: Vec<usize>,
}

impl At {
    /// The whole document.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// Its path, such as `configuration.nodes[0].content`; empty for the whole document.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// An item of the list at this place.
    #[must_use]
    pub fn item(&self, index: usize) -> Self {
        self.child(format!("{}[{index}]", self.path), index)
    }

    /// An entry of the map at this place, whose keys are the user's own.
    #[must_use]
    pub fn key(&self, name: &str, position: usize) -> Self {
        let shown: String = name.chars().take(64).collect();
        self.field(&shown, position)
    }

    // There is a place for every field of a document, so it is put together without formatting.
    fn field(&self, name: &str, position: usize) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        self.child([self.path.as_str(), dot, name].concat(), position)
    }

    fn child(&self, path: String, position: usize) -> Self {
        let order = [self.order.as_slice(), &[position]].concat();
        Self { path, order }
    }
}

/// What was found in a document.
#[derive(Debug, Default)]
pub struct Report {
    problems: Vec<(Vec<usize>, Problem)>,
    warnings: Vec<Warning>,
}

impl Report {
    /// Notes a problem; beyond [`PROBLEMS_MAX`] they are not kept.
    pub fn problem(&mut self, at: &At, code: ProblemCode, message: impl Into<String>) {
        if self.problems.len() < PROBLEMS_MAX {
            let problem = Problem { code, field: at.path.clone(), message: message.into() };
            self.problems.push((at.order.clone(), problem));
        }
    }

    /// Notes something odd.
    pub fn warning(&mut self, at: &At, code: WarningCode, message: impl Into<String>) {
        if self.warnings.len() < PROBLEMS_MAX {
            self.warnings.push(Warning { code, field: at.path.clone(), message: message.into() });
        }
    }

    /// Whether the document is usable so far.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    /// The value, with what is odd, if there was no problem; else all problems in the order of the document.
    ///
    /// # Errors
    /// All problems; never an empty list.
    pub fn into_result<T>(self, value: Option<T>) -> Result<(T, Vec<Warning>), Vec<Problem>> {
        let mut problems = self.problems;
        if let (Some(value), true) = (value, problems.is_empty()) {
            return Ok((value, self.warnings));
        }
        problems.sort_by(|one, other| one.0.cmp(&other.0));
        if problems.is_empty() {
            let message = "the document cannot be read".to_owned();
            let problem = Problem { code: ProblemCode::InvalidRequest, field: String::new(), message };
            return Err(vec![problem]);
        }
        Err(problems.into_iter().map(|(_, problem)| problem).collect())
    }
}

/// An object being read. Call [`Object::finish`] when all known fields were asked for.
#[derive(Debug)]
pub struct Object<'a> {
    map: &'a Map<String, Value>,
    at: At,
    asked: Vec<&'static str>,
    missing: usize,
}

impl<'a> Object<'a> {
    /// The value as an object; notes a problem with this code when it is none.
    pub fn read(value: &'a Value, at: &At, code: ProblemCode, report: &mut Report) -> Option<Self> {
        match value {
            Value::Object(map) => Some(Self { map, at: at.clone(), asked: Vec::new(), missing: 0 }),
            other => {
                report.problem(at, code, format!("must be an object, not {}", kind(other)));
                None
            }
        }
    }

    /// The place of this object.
    #[must_use]
    pub fn at(&self) -> &At {
        &self.at
    }

    /// A field and its place. A field that is `null` counts as absent.
    pub fn get(&mut self, name: &'static str) -> (Option<&'a Value>, At) {
        self.asked.push(name);
        let value = self.map.get(name).filter(|value| !value.is_null());
        let position = if value.is_some() {
            self.map.keys().position(|key| key == name).unwrap_or_default()
        } else {
            self.missing += 1;
            self.map.len() + self.missing
        };
        (value, self.at.field(name, position))
    }

    /// A text field; notes a problem with this code when it is something else.
    pub fn text(
        &mut self,
        name: &'static str,
        code: ProblemCode,
        report: &mut Report,
    ) -> (Option<&'a str>, At) {
        let (value, at) = self.get(name);
        let text = value.and_then(|value| match value {
            Value::String(text) => Some(text.as_str()),
            other => {
                report.problem(&at, code, format!("must be a string, not {}", kind(other)));
                None
            }
        });
        (text, at)
    }

    /// Whether a field is there with a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null())
    }

    /// Notes every field that nobody asked for.
    pub fn finish(self, report: &mut Report) {
        for (position, name) in self.map.keys().enumerate() {
            if !self.asked.contains(&name.as_str()) {
                let shown: String = name.chars().take(64).collect();
                let at = self.at.key(name, position);
                report.problem(&at, ProblemCode::InvalidRequest, format!("Unknown field '{shown}'"));
            }
        }
    }
}

/// A whole number, also one that is written as `10.0` or `1e1`: JSON Schema counts those, too.
#[must_use]
pub fn whole_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_number()?.to_string().strip_suffix(".0")?.parse().ok())
}

/// The kind of a JSON value, with its article.
#[must_use]
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
