//! `turnloom demo`: a workflow, three customers, and what there is to see of them; answers from a document, and a person.

mod help;

use serde_json::{Value, json};

use crate::api::Api;
use crate::output::{self, BOLD, DIM, Format, GREEN, member, styled};
use crate::printing::println;
use crate::{executions, metrics, workflows};

/// The name of the workflow; it is made once.
const NAME: &str = "New Customer Onboarding";
/// What the customers say, one after the other.
const TALKS: [(&str, &[&str]); 3] = [
    ("ann", &["Hi, I want to start", "Ann"]),
    ("bob", &["begin please", "Bob"]),
    ("zoë", &["something new?", "Zoë"]),
];

/// Shows what Turnloom does.
///
/// # Errors
/// When the API refuses or cannot be reached.
pub async fn run(api: &Api, format: Format) -> anyhow::Result<()> {
    let show = !format.json;
    let id = workflow(api, show).await?;
    for (customer, lines) in TALKS {
        if show {
            println!("\n{} writes", styled(BOLD, customer));
        }
        for line in lines {
            let told = api
                .say(&json!({"customer_id": customer, "channel": "whatsapp", "message": line, "workflow_id": id}))
                .await?;
            if show {
                talk(line, &told);
            }
        }
    }
    let listed = api.get(&format!("/v1/workflows/{id}/executions"), &[("limit", "6".to_owned())]).await?;
    let listed = listed.get("data").and_then(Value::as_array).cloned().unwrap_or_default();
    let newest = listed.first().map(|execution| member(execution, "/id")).unwrap_or_default();
    let newest = api.get(&format!("/v1/workflows/{id}/executions/{newest}"), &[]).await?;
    let numbers = counted(api, &id).await?;
    if show {
        heading("Each turn is an execution");
        executions::show_list(&listed);
        heading("What happened in the last one, step by step");
        executions::show_one(newest.get("data").unwrap_or(&newest));
        heading("The numbers of the last week");
        metrics::show(numbers.get("data").unwrap_or(&numbers));
    }
    let help::Seen { answered, messages } = help::play(api, show).await?;
    if format.json {
        return output::json(&json!({
            "workflow_id": id, "executions": listed, "execution": newest.get("data"), "metrics": numbers.get("data"),
            "answer": answered, "messages": messages,
        }));
    }
    println!("\nGo on:  {}", styled(BOLD, &format!("turnloom chat '{NAME}'")));
    Ok(())
}

fn heading(text: &str) {
    println!("\n{}", styled(BOLD, text));
}

/// The reference's onboarding workflow with the confirmation that it names, active.
async fn workflow(api: &Api, show: bool) -> anyhow::Result<String> {
    let wanted = json!({
        "name": NAME,
        "description": "Welcome new customers and collect information",
        "channel": "whatsapp",
        "configuration": {
            "trigger": {"type": "message", "keywords": ["start", "begin", "new"]},
            "nodes": [
                {"id": "welcome", "type": "message", "content": "Welcome! Let's get you started.", "next": "collect_info"},
                {"id": "collect_info", "type": "form", "next": "confirmation",
                 "fields": [{"name": "name", "type": "text", "required": true, "label": "What's your name?"}]},
                {"id": "confirmation", "type": "message", "content": "Nice to meet you, {{ vars.name }}!"}
            ]
        }
    });
    let id = match workflows::id_of(api, NAME).await {
        Ok(id) => id,
        Err(error) if error.downcast_ref::<crate::api::ApiError>().is_some() => return Err(error),
        Err(_) => {
            let created = api.post("/v1/workflows", &wanted).await?;
            member(&created, "/data/id")
        }
    };
    api.post(&format!("/v1/workflows/{id}/activate"), &json!({})).await?;
    if show {
        println!("{} {NAME} is active  {}", styled(GREEN, "✓"), styled(DIM, &id));
        println!("{}", styled(DIM, "  welcome → collect_info (asks for a name) → confirmation"));
    }
    Ok(id)
}

fn talk(line: &str, told: &Value) {
    println!("  {} {line}", styled(DIM, ">"));
    let replies = told.pointer("/execution/output/messages").and_then(Value::as_array);
    for reply in replies.into_iter().flatten().filter_map(Value::as_str) {
        println!("  {} {reply}", styled(GREEN, "<"));
    }
}

/// The numbers, once everything that was said is counted.
async fn counted(api: &Api, id: &str) -> anyhow::Result<Value> {
    const LOOKS_MAX: usize = 30;
    let week_ago = platform::clock::now() - chrono::Duration::days(6);
    let query = [("start_date", week_ago.format("%Y-%m-%d").to_string())];
    let mut looks = 0;
    loop {
        let found = api.get(&format!("/v1/workflows/{id}/metrics"), &query).await?;
        looks += 1;
        if found.pointer("/data/complete").and_then(Value::as_bool) == Some(true) || looks == LOOKS_MAX {
            return Ok(found);
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}
