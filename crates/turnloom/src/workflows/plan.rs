//! What `workflows apply` would do with one document, and how that is shown.

use anyhow::Context;
use serde_json::{Map, Value};
use similar::{ChangeTag, TextDiff};

use super::documents::Document;
use super::{find, validate};
use crate::api::Api;
use crate::output::{BOLD, DIM, GREEN, RED, YELLOW, member, styled};
use crate::printing::println;

/// Lines around a change.
const CONTEXT_LINES: usize = 3;
/// What a document may say of a workflow.
const MEMBERS: [&str; 4] = ["name", "description", "channel", "configuration"];

/// A workflow of the product, as it was when it was read.
pub(super) struct Stored {
    pub workflow: Value,
    /// Which version that is.
    pub version: String,
}

/// What is to be done with one document.
pub(super) struct Plan {
    pub origin: String,
    pub wanted: Value,
    pub stored: Option<Stored>,
    /// What the product says about the workflow that it would become; null when it stays as it is.
    pub found: Value,
}

impl Plan {
    /// Looks up what there is, and asks whether the product would take what is wanted.
    pub async fn of(document: Document, api: &Api) -> anyhow::Result<Self> {
        let Document { origin, value: wanted } = document;
        let name = wanted.get("name").and_then(Value::as_str).context("the document has no name")?;
        let stored = match find(api, name).await? {
            None => None,
            Some(summary) => {
                let path = format!("/v1/workflows/{}", member(&summary, "/id"));
                let (answer, version) = api.get_version(&path).await?;
                let workflow = answer.get("data").cloned().unwrap_or(Value::Null);
                Some(Stored { workflow, version })
            }
        };
        let mut plan = Self { origin, wanted, stored, found: Value::Null };
        if plan.changes() {
            plan.found = validate::ask(api, &plan.outcome()).await?;
        }
        Ok(plan)
    }

    pub fn name(&self) -> String {
        member(&self.wanted, "/name").trim().to_owned()
    }

    pub fn is_active(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| member(&stored.workflow, "/status") == "active")
    }

    pub fn changes(&self) -> bool {
        self.before() != self.after()
    }

    pub fn is_valid(&self) -> bool {
        self.found.is_null() || self.found.get("valid").and_then(Value::as_bool) == Some(true)
    }

    /// The stored workflow, as far as the document speaks of it.
    fn before(&self) -> Value {
        let Some(stored) = &self.stored else { return Value::Null };
        let of = |name: &String| (name.clone(), stored.workflow.get(name).cloned().unwrap_or(Value::Null));
        Value::Object(self.after().as_object().into_iter().flat_map(Map::keys).map(of).collect())
    }

    /// The document as it is kept: the name without outer blanks, and nothing of what is null.
    fn after(&self) -> Value {
        let mut after = self.wanted.clone();
        if let Some(members) = after.as_object_mut() {
            members.retain(|_, value| !value.is_null());
            members.insert("name".to_owned(), self.name().into());
        }
        after
    }

    /// The whole workflow that it would become: what the document does not say stays as it is.
    fn outcome(&self) -> Value {
        let Some(stored) = &self.stored else { return self.wanted.clone() };
        let kept = |name: &str| Some((name.to_owned(), stored.workflow.get(name)?.clone()));
        let mut outcome: Map<String, Value> = MEMBERS.into_iter().filter_map(kept).collect();
        for (name, value) in self.wanted.as_object().into_iter().flatten() {
            if !value.is_null() || !outcome.contains_key(name) {
                outcome.insert(name.clone(), value.clone());
            }
        }
        Value::Object(outcome)
    }

    pub fn show(&self) {
        let (sign, what) = match (&self.stored, self.changes()) {
            _ if !self.is_valid() => (styled(RED, "✗"), "cannot be used as it is"),
            (None, _) => (styled(GREEN, "+"), "is new"),
            (Some(_), true) => (styled(YELLOW, "~"), "changes"),
            (Some(_), false) => (styled(DIM, "="), "stays as it is"),
        };
        println!("{sign} {} {what}", styled(BOLD, &self.name()));
        validate::show_problems(&self.found, "errors");
        if self.stored.is_some() && self.changes() {
            show_diff(&pretty(&self.before()), &pretty(&self.after()));
        }
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn show_diff(before: &str, after: &str) {
    let diff = TextDiff::from_lines(before, after);
    for (number, group) in diff.grouped_ops(CONTEXT_LINES).iter().enumerate() {
        if number > 0 {
            println!("    {}", styled(DIM, "…"));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let line = change.value().trim_end();
            match change.tag() {
                ChangeTag::Delete => println!("    {}", styled(RED, &format!("- {line}"))),
                ChangeTag::Insert => println!("    {}", styled(GREEN, &format!("+ {line}"))),
                ChangeTag::Equal => println!("      {line}"),
            }
        }
    }
}
