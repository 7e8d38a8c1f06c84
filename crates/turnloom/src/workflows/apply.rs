//! `turnloom workflows apply -f …`: workflows as code. A workflow is known by its name.

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use contracts::ErrorCode;
use serde_json::{Value, json};

use super::plan::{Plan, Stored};
use super::{documents, hint, validate};
use crate::api::{Api, ApiError};
use crate::output::{self, DIM, Format, GREEN, member, styled};
use crate::printing::{self, println};

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

/// Shows the changes, asks, and makes them.
pub(super) async fn run(arguments: Arguments, api: &Api, format: Format) -> anyhow::Result<()> {
    let documents = documents::read(&arguments.files)?;
    documents::refuse_twins(&documents)?;
    let mut plans = Vec::new();
    for document in documents {
        let origin = document.origin.clone();
        plans.push(Plan::of(document, api).await.context(origin)?);
    }
    if !format.json {
        plans.iter().for_each(Plan::show);
    }
    let activates = |plan: &Plan| arguments.activate && !plan.is_active();
    let count = |what: &dyn Fn(&Plan) -> bool| plans.iter().filter(|plan| what(plan)).count();
    let (changed, to_activate, invalid) =
        (count(&Plan::changes), count(&activates), count(&|plan| !plan.is_valid()));
    if arguments.dry_run || changed + to_activate == 0 || invalid > 0 {
        if format.json {
            let problems = plans.iter().filter(|plan| !plan.is_valid());
            let problems: Vec<Value> =
                problems.map(|plan| json!({"file": plan.origin, "result": plan.found})).collect();
            let mut told = json!({"changed": changed, "to_activate": to_activate, "applied": false});
            if let (Some(told), false) = (told.as_object_mut(), problems.is_empty()) {
                told.insert("invalid".to_owned(), problems.into());
            }
            output::json(&told)?;
        }
        if invalid > 0 {
            bail!("{invalid} of {} cannot be used as they are; nothing was changed", plans.len());
        }
        if !format.json {
            hint(&format!("{changed} of {} would change; nothing was changed", plans.len()));
        }
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

async fn apply(api: &Api, plan: &Plan, activate: bool, format: Format) -> anyhow::Result<Value> {
    let answer = match &plan.stored {
        None => Some(api.post("/v1/workflows", &plan.wanted).await?),
        Some(Stored { workflow, version }) if plan.changes() => {
            let path = format!("/v1/workflows/{}", member(workflow, "/id"));
            Some(api.put(&path, &plan.wanted, version).await.map_err(overtaken)?)
        }
        Some(_) => None,
    };
    let stored = plan.stored.as_ref().map(|stored| &stored.workflow);
    let workflow = answer.as_ref().and_then(|answer| answer.get("data")).or(stored);
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
        if let Some(answer) = &answer {
            validate::show_problems(answer, "warnings");
        }
    }
    Ok(workflow)
}

/// Of a version that nobody was shown nothing is overwritten.
fn overtaken(error: ApiError) -> anyhow::Error {
    if error.code() == Some(ErrorCode::PreconditionFailed.as_str()) {
        anyhow!(
            "somebody else changed it meanwhile, and that was kept: apply again to see what would change now"
        )
    } else {
        error.into()
    }
}

/// Asks a person. A program has to say `--yes`.
pub(super) fn confirmed(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here: say --yes");
    }
    printing::write_error(format_args!("{question} [y/N] "));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("standard input cannot be read")?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}
