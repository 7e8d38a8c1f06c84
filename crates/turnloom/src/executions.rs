//! `turnloom executions …`: what ran, ending what runs, and trying again what failed.

use serde_json::{Value, json};

use crate::api::Api;
use crate::output::{self, BOLD, DIM, Format, GREEN, RED, YELLOW, bar, member, short, styled, time};
use crate::printing::println;
use crate::workflows;

/// What to do with executions.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Lists the executions of a workflow, newest first
    List {
        /// Its id or name
        workflow: String,
        /// Only with this status: success, failed, running
        #[arg(long)]
        status: Option<String>,
        /// Only of this customer
        #[arg(long)]
        customer: Option<String>,
        /// Only of this channel
        #[arg(long)]
        channel: Option<String>,
        /// Only since this date or time
        #[arg(long)]
        since: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Shows one, step by step
    Get {
        /// The workflow's id or name
        workflow: String,
        /// Its id
        execution: String,
    },
    /// Ends one that is running
    Cancel {
        /// The workflow's id or name
        workflow: String,
        /// Its id
        execution: String,
    },
    /// Tries one that failed again, from the node that failed, as a new execution
    Retry {
        /// The workflow's id or name
        workflow: String,
        /// Its id
        execution: String,
    },
}

/// Does it.
///
/// # Errors
/// When the API refuses or cannot be reached.
pub async fn run(command: Command, api: &Api, format: Format) -> anyhow::Result<()> {
    match command {
        Command::List { workflow, status, customer, channel, since, limit } => {
            let id = workflows::id_of(api, &workflow).await?;
            let filters: Vec<(&str, String)> =
                [("status", status), ("customer_id", customer), ("channel", channel), ("start_date", since)]
                    .into_iter()
                    .filter_map(|(name, value)| Some((name, value?)))
                    .collect();
            let path = format!("/v1/workflows/{id}/executions");
            let found = workflows::pages(api, &path, &filters, limit).await?;
            if format.json {
                return output::json(&Value::Array(found));
            }
            show_list(&found);
            Ok(())
        }
        Command::Get { workflow, execution } => {
            let id = workflows::id_of(api, &workflow).await?;
            let answer = api.get(&format!("/v1/workflows/{id}/executions/{execution}"), &[]).await?;
            let execution = answer.get("data").unwrap_or(&answer);
            if format.json {
                return output::json(execution);
            }
            show_one(execution);
            Ok(())
        }
        Command::Cancel { workflow, execution } => {
            let id = workflows::id_of(api, &workflow).await?;
            let path = format!("/v1/workflows/{id}/executions/{execution}/cancel");
            let answer = api.post(&path, &json!({})).await?;
            output::done(format, &answer, |_| format!("{execution} is cancelled"))
        }
        Command::Retry { workflow, execution } => {
            let id = workflows::id_of(api, &workflow).await?;
            let path = format!("/v1/workflows/{id}/executions/{execution}/retry");
            let answer = api.post(&path, &json!({})).await?;
            output::done(format, &answer, |new| format!("{} tries it again", member(new, "/id")))
        }
    }
}

/// A table.
pub(crate) fn show_list(executions: &[Value]) {
    let row = |execution: &Value| {
        vec![
            time(execution, "/started_at"),
            status_of(&member(execution, "/status")),
            member(execution, "/customer_id"),
            short(&member(execution, "/input/message"), 24),
            short(&member(execution, "/output/response"), 40),
            member(execution, "/output/next_action"),
            format!("{} ms", member(execution, "/duration_ms")),
            member(execution, "/id"),
        ]
    };
    let headings = ["STARTED", "STATUS", "CUSTOMER", "IN", "OUT", "NEXT", "TOOK", "ID"];
    output::table(&headings, executions.iter().map(row).collect());
}

fn status_of(status: &str) -> String {
    let style = match status {
        "success" | "completed" => GREEN,
        "failed" => RED,
        _ => YELLOW,
    };
    styled(style, status)
}

/// One execution with a timeline of its steps.
pub(crate) fn show_one(execution: &Value) {
    let text = |pointer: &str| member(execution, pointer);
    println!(
        "{} {} in {} ms, {}",
        styled(BOLD, &text("/id")),
        status_of(&text("/status")),
        text("/duration_ms"),
        time(execution, "/started_at")
    );
    println!("  {} {} over {}", styled(DIM, "customer"), text("/customer_id"), text("/channel"));
    println!("  {} {}", styled(DIM, "in      "), short(&text("/input/message"), 100));
    let steps = execution.get("steps").and_then(Value::as_array).cloned().unwrap_or_default();
    let total = execution.get("duration_ms").and_then(Value::as_u64).unwrap_or(0);
    let row = |step: &Value| {
        let took = step.get("duration_ms").and_then(Value::as_u64).unwrap_or(0);
        vec![
            format!("  {}", member(step, "/node_id")),
            member(step, "/type"),
            status_of(&member(step, "/status")),
            format!("{took} ms"),
            bar(took, total, 16),
            short(&output_of(step), 70),
        ]
    };
    output::table(&["  NODE", "TYPE", "STATUS", "TOOK", "", "OUTPUT"], steps.iter().map(row).collect());
    println!("  {} {}", styled(DIM, "out     "), short(&text("/output/response"), 100));
    println!("  {} {}", styled(DIM, "next    "), text("/output/next_action"));
    if let Some(error) = execution.get("error") {
        let error = |pointer: &str| member(error, pointer);
        println!(
            "  {} {} {} at {}",
            styled(RED, "error   "),
            error("/code"),
            error("/message"),
            error("/node_id")
        );
    }
}

/// The most telling part of a step's output.
fn output_of(step: &Value) -> String {
    let Some(output) = step.get("output").and_then(Value::as_object) else { return String::new() };
    let part = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name}: {text}"),
        other => format!("{name}: {other}"),
    };
    output.iter().map(part).collect::<Vec<_>>().join(", ")
}
