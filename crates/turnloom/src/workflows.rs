//! `turnloom workflows …`: what runs.

mod apply;
mod documents;
mod plan;
mod validate;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::api::Api;
use crate::output::{self, DIM, Format, GREEN, RED, YELLOW, member, percent, short, styled, time};
use crate::printing::println;

/// What to do with workflows.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Lists workflows, newest first
    List {
        /// Only with this status: draft, active, inactive
        #[arg(long)]
        status: Option<String>,
        /// Only of this channel
        #[arg(long)]
        channel: Option<String>,
        /// Only with this text in name or description
        #[arg(long)]
        search: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Shows one, with its configuration
    Get {
        /// Its id or name
        workflow: String,
    },
    /// Creates or changes workflows from JSON files; shows what would change and asks first
    Apply(apply::Arguments),
    /// Checks JSON files without storing anything
    Validate {
        /// Files, or - for standard input
        #[arg(required = true)]
        files: Vec<std::path::PathBuf>,
    },
    /// Activates one: the next message can start it
    Activate {
        /// Its id or name
        workflow: String,
    },
    /// Deactivates one: it starts nothing new
    Deactivate {
        /// Its id or name
        workflow: String,
        /// Also ends the conversations that wait inside it
        #[arg(long)]
        cancel_waiting: bool,
    },
    /// Deletes one, with its executions and metrics
    Delete {
        /// Its id or name
        workflow: String,
        /// Does not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Does it.
///
/// # Errors
/// When the API refuses or cannot be reached.
pub async fn run(command: Command, api: &Api, format: Format) -> anyhow::Result<()> {
    match command {
        Command::List { status, channel, search, limit } => {
            list(api, format, status, channel, search, limit).await
        }
        Command::Get { workflow } => get(api, &workflow).await,
        Command::Apply(arguments) => apply::run(arguments, api, format).await,
        Command::Validate { files } => validate::run(&files, api, format).await,
        Command::Activate { workflow } => {
            let id = id_of(api, &workflow).await?;
            let answer = api.post(&format!("/v1/workflows/{id}/activate"), &json!({})).await?;
            told(format, &answer, &format!("{id} is active"))
        }
        Command::Deactivate { workflow, cancel_waiting } => {
            let id = id_of(api, &workflow).await?;
            let waiting = if cancel_waiting { "cancel" } else { "finish" };
            let path = format!("/v1/workflows/{id}/deactivate");
            let answer = api.post(&path, &json!({"waiting": waiting})).await?;
            told(format, &answer, &format!("{id} is inactive"))
        }
        Command::Delete { workflow, yes } => {
            let id = id_of(api, &workflow).await?;
            if !yes && !apply::confirmed(&format!("Delete {id} with its executions and metrics?"))? {
                bail!("nothing was deleted");
            }
            let answer = api.delete(&format!("/v1/workflows/{id}")).await?;
            told(format, &answer, &format!("{id} is gone"))
        }
    }
}

fn told(format: Format, answer: &Value, sentence: &str) -> anyhow::Result<()> {
    if format.json {
        return output::json(answer);
    }
    println!("{} {sentence}", styled(GREEN, "✓"));
    Ok(())
}

async fn list(
    api: &Api,
    format: Format,
    status: Option<String>,
    channel: Option<String>,
    search: Option<String>,
    limit: u32,
) -> anyhow::Result<()> {
    let filters: Vec<(&str, String)> = [("status", status), ("channel", channel), ("search", search)]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let found = pages(api, "/v1/workflows", &filters, limit).await?;
    if format.json {
        return output::json(&Value::Array(found));
    }
    let row = |workflow: &Value| {
        vec![
            member(workflow, "/id"),
            short(&member(workflow, "/name"), 40),
            status_of(workflow),
            member(workflow, "/channel"),
            member(workflow, "/execution_count"),
            percent(workflow.get("success_rate")),
            time(workflow, "/updated_at"),
        ]
    };
    let headings = ["ID", "NAME", "STATUS", "CHANNEL", "EXECUTIONS", "SUCCESS", "CHANGED"];
    output::table(&headings, found.iter().map(row).collect());
    Ok(())
}

fn status_of(workflow: &Value) -> String {
    let status = member(workflow, "/status");
    let style = match status.as_str() {
        "active" => GREEN,
        "inactive" => RED,
        _ => YELLOW,
    };
    styled(style, &status)
}

async fn get(api: &Api, workflow: &str) -> anyhow::Result<()> {
    let id = id_of(api, workflow).await?;
    let answer = api.get(&format!("/v1/workflows/{id}"), &[]).await?;
    output::json(answer.get("data").unwrap_or(&answer))
}

/// The rows of a list, page after page.
///
/// # Errors
/// When the API refuses or cannot be reached.
pub async fn pages(
    api: &Api,
    path: &str,
    filters: &[(&str, String)],
    limit: u32,
) -> anyhow::Result<Vec<Value>> {
    let mut found: Vec<Value> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let missing = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
        if missing == 0 {
            return Ok(found);
        }
        let mut query = filters.to_vec();
        query.push(("limit", missing.min(100).to_string()));
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let page = api.get(path, &query).await?;
        found.extend(page.get("data").and_then(Value::as_array).cloned().unwrap_or_default());
        cursor = page.pointer("/pagination/next_cursor").and_then(Value::as_str).map(str::to_owned);
        if cursor.is_none() {
            return Ok(found);
        }
    }
}

/// The id of a workflow that is named by id or by name.
///
/// # Errors
/// When there is none, or the API cannot be reached.
pub async fn id_of(api: &Api, workflow: &str) -> anyhow::Result<String> {
    if workflow.starts_with("workflow-") {
        return Ok(workflow.to_owned());
    }
    find(api, workflow)
        .await?
        .with_context(|| format!("there is no workflow named '{workflow}'"))
        .map(|found| member(&found, "/id"))
}

/// The workflow with this name, without regard to case and outer blanks.
async fn find(api: &Api, name: &str) -> anyhow::Result<Option<Value>> {
    let wanted = same_name(name);
    let found = pages(api, "/v1/workflows", &[("search", name.trim().to_owned())], u32::MAX).await?;
    Ok(found.into_iter().find(|workflow| same_name(&member(workflow, "/name")) == wanted))
}

/// What names of one workflow have in common.
fn same_name(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A hint beside the point.
fn hint(text: &str) {
    println!("{}", styled(DIM, text));
}
