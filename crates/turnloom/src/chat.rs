//! `turnloom chat <workflow>`: a customer in the terminal.

use std::io::IsTerminal;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::api::Api;
use crate::output::{self, BOLD, DIM, Format, GREEN, RED, member, styled};
use crate::printing::{self, eprintln, println};
use crate::workflows;

/// What `chat` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Arguments {
    /// The workflow's id or name; it must be active
    workflow: String,
    /// Who talks; a fresh customer unless given
    #[arg(long)]
    customer: Option<String>,
    /// Over which channel; the workflow's own unless given
    #[arg(long)]
    channel: Option<String>,
}

/// Takes lines, shows replies, until the end of the input.
///
/// # Errors
/// When the workflow cannot be talked to, or the API cannot be reached.
pub async fn run(arguments: Arguments, api: &Api, format: Format) -> anyhow::Result<()> {
    let id = workflows::id_of(api, &arguments.workflow).await?;
    let answer = api.get(&format!("/v1/workflows/{id}"), &[]).await?;
    let workflow = answer.get("data").context("the API's answer has no data")?;
    if member(workflow, "/status") != "active" {
        bail!("'{}' is not active: turnloom workflows activate {id}", member(workflow, "/name"));
    }
    let customer = arguments.customer.unwrap_or_else(|| format!("chat-{}", platform::clock::new_uuid_v4()));
    let channel = arguments.channel.unwrap_or_else(|| member(workflow, "/channel"));
    let terminal = std::io::stdin().is_terminal() && !format.json;
    if terminal {
        greet(workflow, &customer);
    }
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        if terminal {
            printing::write(format_args!("{} ", styled(BOLD, "you >")))?;
        }
        let Some(line) = lines.next_line().await? else { break };
        if line.trim().is_empty() {
            continue;
        }
        let message =
            json!({"customer_id": customer, "channel": channel, "message": line, "workflow_id": id});
        let told = api.say(&message).await?;
        if format.json {
            output::json(&told)?;
        } else {
            show(&told, workflow);
        }
    }
    Ok(())
}

fn greet(workflow: &Value, customer: &str) {
    println!("Talking to {} as {customer}. Ctrl-D ends.", styled(BOLD, &member(workflow, "/name")));
    if let Some(hint) = keywords(workflow) {
        println!("{}", styled(DIM, &hint));
    }
}

fn keywords(workflow: &Value) -> Option<String> {
    let keywords = workflow.pointer("/configuration/trigger/keywords")?.as_array()?;
    let keywords: Vec<&str> = keywords.iter().filter_map(Value::as_str).collect();
    Some(format!("It starts with: {}", keywords.join(", ")))
}

fn show(told: &Value, workflow: &Value) {
    let Some(execution) = told.get("execution").filter(|execution| execution.is_object()) else {
        let why = match member(told, "/status").as_str() {
            "ignored" => keywords(workflow).unwrap_or_else(|| "No trigger takes this message".to_owned()),
            "accepted" => "It takes longer than 30 s; the answer will be in the executions".to_owned(),
            other => format!("The message is {other}"),
        };
        eprintln!("{}", styled(DIM, &format!("({why})")));
        return;
    };
    let messages = execution.pointer("/output/messages").and_then(Value::as_array);
    for message in messages.into_iter().flatten().filter_map(Value::as_str) {
        println!("{} {message}", styled(GREEN, "bot >"));
    }
    if let Some(error) = execution.get("error") {
        let (code, why) = (member(error, "/code"), member(error, "/message"));
        eprintln!("{}", styled(RED, &format!("(failed at {}: {code} {why})", member(error, "/node_id"))));
    }
    if member(execution, "/output/next_action") == "none" {
        eprintln!("{}", styled(DIM, &format!("(the conversation is over: {})", member(execution, "/id"))));
    }
}
