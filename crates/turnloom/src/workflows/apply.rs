//! `turnloom workflows apply -f …`: workflows as code. A workflow is known by its name.

use std::fs;
use std::io::{BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};

use anstream::{eprint, println};
use anyhow::{Context, bail};
use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

use super::{find, hint};
use crate::api::Api;
use crate::output::{self, BOLD, DIM, Format, GREEN, RED, YELLOW, member, styled};

/// Lines around a change.
const CONTEXT_LINES: usize = 3;

/// What `apply` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// JSON files as POST /v1/workflows takes them, directories of such files, or - for standard input
    #[arg(short, long = "file", required = true)]
    files: Vec<PathBuf>,
    /// Activates what was applied
    #[arg(long)]
    activate: bool,
    /// Only shows what would change
    #[arg(long)]
    dry_run: bool,
    /// Does not ask
    #[arg(long)]
    yes: bool,
}

/// What is to be done with one file.
struct Plan {
    wanted: Value,
    stored: Option<Value>,
    active: bool,
}

impl Plan {
    fn name(&self) -> String {
        member(&self.wanted, "/name")
    }

    /// The stored workflow, as far as the file speaks of it.
    fn before(&self) -> Value {
        let Some(stored) = &self.stored else { return Value::Null };
        let Some(wanted) = self.wanted.as_object() else { return Value::Null };
        let of = |name: &String| (name.clone(), stored.get(name).cloned().unwrap_or(Value::Null));
        Value::Object(wanted.keys().map(of).collect())
    }

    fn changes(&self) -> bool {
        self.before() != self.wanted
    }
}

/// Shows the changes, asks, and makes them.
pub(super) async fn run(arguments: Arguments, api: &Api, format: Format) -> anyhow::Result<()> {
    let mut plans = Vec::new();
    for (origin, wanted) in documents(&arguments.files)? {
        plans.push(plan(api, wanted).await.with_context(|| origin)?);
    }
    let activates = |plan: &Plan| arguments.activate && !plan.active;
    if !format.json {
        plans.iter().for_each(show);
    }
    let (changed, to_activate) = (
        plans.iter().filter(|plan| plan.changes()).count(),
        plans.iter().filter(|plan| activates(plan)).count(),
    );
    if arguments.dry_run || changed + to_activate == 0 {
        if format.json {
            return output::json(&json!({"changed": changed, "to_activate": to_activate, "applied": false}));
        }
        hint(&format!("{changed} of {} would change; nothing was changed", plans.len()));
        return Ok(());
    }
    if !arguments.yes && !confirmed(&format!("Apply {changed} changes?"))? {
        bail!("nothing was changed");
    }
    let mut applied = Vec::new();
    for plan in &plans {
        applied.push(apply(api, plan, activates(plan), format).await.with_context(|| plan.name())?);
    }
    if format.json { output::json(&Value::Array(applied)) } else { Ok(()) }
}

async fn plan(api: &Api, wanted: Value) -> anyhow::Result<Plan> {
    let name = wanted.get("name").and_then(Value::as_str).context("the document has no name")?;
    let Some(summary) = find(api, name).await? else {
        return Ok(Plan { wanted, stored: None, active: false });
    };
    let answer = api.get(&format!("/v1/workflows/{}", member(&summary, "/id")), &[]).await?;
    let stored = answer.get("data").cloned();
    let active = member(&summary, "/status") == "active";
    Ok(Plan { wanted, stored, active })
}

fn show(plan: &Plan) {
    let (sign, what) = match (&plan.stored, plan.changes()) {
        (None, _) => (styled(GREEN, "+"), "is new"),
        (Some(_), true) => (styled(YELLOW, "~"), "changes"),
        (Some(_), false) => (styled(DIM, "="), "stays as it is"),
    };
    println!("{sign} {} {what}", styled(BOLD, &plan.name()));
    if plan.stored.is_some() && plan.changes() {
        show_diff(&pretty(&plan.before()), &pretty(&plan.wanted));
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

async fn apply(api: &Api, plan: &Plan, activate: bool, format: Format) -> anyhow::Result<Value> {
    let answer = match &plan.stored {
        None => Some(api.post("/v1/workflows", &plan.wanted).await?),
        Some(stored) if plan.changes() => {
            Some(api.put(&format!("/v1/workflows/{}", member(stored, "/id")), &plan.wanted).await?)
        }
        Some(_) => None,
    };
    let workflow = answer.as_ref().and_then(|answer| answer.get("data")).or(plan.stored.as_ref());
    let workflow = workflow.cloned().unwrap_or(Value::Null);
    let id = member(&workflow, "/id");
    if activate {
        api.post(&format!("/v1/workflows/{id}/activate"), &json!({})).await?;
    }
    if !format.json {
        let done = match (&plan.stored, &answer) {
            (None, _) => "created",
            (Some(_), Some(_)) => "changed",
            (Some(_), None) => "unchanged",
        };
        let active = if activate { ", active" } else { "" };
        println!("{} {} {done}{active}  {}", styled(GREEN, "✓"), plan.name(), styled(DIM, &id));
        let warnings = answer.as_ref().and_then(|answer| answer.get("warnings")).and_then(Value::as_array);
        warnings.into_iter().flatten().for_each(show_problem);
    }
    Ok(workflow)
}

/// Checks documents without storing them.
pub(super) async fn validate(files: &[PathBuf], api: &Api, format: Format) -> anyhow::Result<()> {
    let mut told = Vec::new();
    let mut bad = 0;
    for (origin, document) in documents(files)? {
        let answer = api.post("/v1/workflows/validate", &document).await.with_context(|| origin.clone())?;
        let found = answer.get("data").cloned().unwrap_or(Value::Null);
        let valid = found.get("valid").and_then(Value::as_bool) == Some(true);
        bad += usize::from(!valid);
        if !format.json {
            let sign = if valid { styled(GREEN, "✓") } else { styled(RED, "✗") };
            println!("{sign} {origin}");
            let problems = ["errors", "warnings"].into_iter().filter_map(|kind| found.get(kind)?.as_array());
            problems.flatten().for_each(show_problem);
        }
        told.push(json!({"file": origin, "result": found}));
    }
    if format.json {
        output::json(&Value::Array(told))?;
    }
    if bad > 0 {
        bail!("{bad} cannot be used as they are");
    }
    Ok(())
}

fn show_problem(problem: &Value) {
    let place = member(problem, "/field");
    println!(
        "    {} {} {}",
        styled(YELLOW, &member(problem, "/code")),
        member(problem, "/message"),
        styled(DIM, &place)
    );
}

/// The documents of files, and of all `.json` files of directories, by name.
fn documents(files: &[PathBuf]) -> anyhow::Result<Vec<(String, Value)>> {
    let mut paths = Vec::new();
    for path in files {
        if path.is_dir() {
            let entries = fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
            let mut found: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
            found.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
            found.sort();
            if found.is_empty() {
                bail!("{} has no .json file", path.display());
            }
            paths.extend(found);
        } else {
            paths.push(path.clone());
        }
    }
    paths.iter().map(|path| document(path)).collect()
}

fn document(path: &Path) -> anyhow::Result<(String, Value)> {
    let origin = path.display().to_string();
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
        text
    } else {
        fs::read_to_string(path).with_context(|| format!("cannot read {origin}"))?
    };
    let document = serde_json::from_str(&text).with_context(|| format!("{origin} is not JSON"))?;
    Ok((origin, document))
}

/// Asks a person. A program has to say `--yes`.
pub(super) fn confirmed(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here: say --yes");
    }
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("standard input cannot be read")?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
