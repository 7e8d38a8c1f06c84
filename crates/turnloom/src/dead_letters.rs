//! `turnloom dead-letters …`: what could not be handled, and trying it again.

use anyhow::bail;
use serde_json::{Value, json};

use crate::api::{Api, ApiError};
use crate::output::{self, BOLD, DIM, Format, GREEN, RED, YELLOW, member, short, styled, time};
use crate::printing::{eprintln, println};
use crate::workflows;

/// Kinds of letters that can be tried again; of the others nobody can read anything.
const RETRIABLE: [&str; 2] = ["message", "start"];

/// What to do with dead letters.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Lists them, newest first
    List {
        /// Only with this status: open, retried
        #[arg(long)]
        status: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Shows one, with what can be read of it
    Show {
        /// Its id
        dead_letter: String,
    },
    /// Puts messages and starts into the stream again, as they were accepted
    Retry {
        /// Their ids
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        dead_letters: Vec<String>,
        /// All that are open and can be read
        #[arg(long)]
        all: bool,
    },
}

/// Does it.
///
/// # Errors
/// When the API refuses or cannot be reached.
pub async fn run(command: Command, api: &Api, format: Format) -> anyhow::Result<()> {
    match command {
        Command::List { status, limit } => {
            let filters: Vec<(&str, String)> = status.map(|status| ("status", status)).into_iter().collect();
            let found = workflows::pages(api, "/v1/dead-letters", &filters, limit).await?;
            if format.json {
                return output::json(&Value::Array(found));
            }
            show_list(&found);
            Ok(())
        }
        Command::Show { dead_letter } => {
            let answer = api.get(&format!("/v1/dead-letters/{dead_letter}"), &[]).await?;
            let letter = answer.get("data").unwrap_or(&answer);
            if format.json {
                return output::json(letter);
            }
            show_one(letter);
            Ok(())
        }
        Command::Retry { dead_letters, all: false } => retry(&dead_letters, api, format).await,
        Command::Retry { all: true, .. } => retry(&open(api, format).await?, api, format).await,
    }
}

fn show_list(letters: &[Value]) {
    let row = |letter: &Value| {
        vec![
            time(letter, "/dead_at"),
            member(letter, "/kind"),
            status_of(letter),
            member(letter, "/attempts"),
            member(letter, "/channel"),
            member(letter, "/customer_id"),
            short(&member(letter, "/error"), 40),
            member(letter, "/id"),
        ]
    };
    let headings = ["DEAD SINCE", "KIND", "STATUS", "ATTEMPTS", "CHANNEL", "CUSTOMER", "ERROR", "ID"];
    output::table(&headings, letters.iter().map(row).collect());
}

fn status_of(letter: &Value) -> String {
    let status = member(letter, "/status");
    styled(if status == "open" { RED } else { GREEN }, &status)
}

fn show_one(letter: &Value) {
    let text = |pointer: &str| member(letter, pointer);
    println!("{} {}, {}", styled(BOLD, &text("/id")), status_of(letter), time(letter, "/dead_at"));
    let line = |name: &str, value: &str| println!("  {} {value}", styled(DIM, &format!("{name:<10}")));
    line("kind", &text("/kind"));
    line("error", &text("/error"));
    line("attempts", &text("/attempts"));
    if letter.get("input").is_some() {
        line("customer", &format!("{} over {}", text("/input/customer_id"), text("/input/channel")));
        line("message", &short(&text("/input/message"), 100));
        line("accepted", &time(letter, "/input/accepted_at"));
        line("message id", &text("/message_id"));
        line("workflow", &text("/input/workflow_id"));
    }
    line("execution", &text("/execution_id"));
    line("retried", &time(letter, "/retried_at"));
    line("payload", &format!("{} bytes; --json shows them", text("/payload_bytes")));
}

/// The letters that `--all` stands for.
async fn open(api: &Api, format: Format) -> anyhow::Result<Vec<String>> {
    let status = [("status", "open".to_owned())];
    let open = workflows::pages(api, "/v1/dead-letters", &status, u32::MAX).await?;
    let (retriable, others): (Vec<&Value>, Vec<&Value>) =
        open.iter().partition(|letter| RETRIABLE.contains(&member(letter, "/kind").as_str()));
    if !others.is_empty() && !format.json {
        println!("{} {} cannot be read, and stay", styled(YELLOW, "!"), others.len());
    }
    // The oldest first: so the messages of a customer come in the order in which they were sent.
    Ok(retriable.iter().rev().map(|letter| member(letter, "/id")).collect())
}

async fn retry(ids: &[String], api: &Api, format: Format) -> anyhow::Result<()> {
    let mut retried = Vec::new();
    for id in ids {
        match api.post(&format!("/v1/dead-letters/{id}/retry"), &json!({})).await {
            Ok(answer) => {
                if !format.json {
                    println!("{} {id} is tried again", styled(GREEN, "✓"));
                }
                retried.push(answer.get("data").cloned().unwrap_or(answer));
            }
            Err(error @ ApiError::Refused(_)) => eprintln!("{id}: {error}"),
            Err(error) => return Err(error.into()),
        }
    }
    let count = retried.len();
    if format.json {
        output::json(&Value::Array(retried))?;
    } else if ids.is_empty() {
        println!("there is nothing to try again");
    }
    if count < ids.len() {
        bail!("{} of {} were not tried again", ids.len() - count, ids.len());
    }
    Ok(())
}
