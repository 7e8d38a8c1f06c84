//! The second part of the demo: an answer from documents with its source, and a person who takes part.

use serde_json::{Value, json};

use super::{heading, talk};
use crate::api::{Api, ApiError};
use crate::output::{BOLD, DIM, GREEN, member, styled};
use crate::printing::println;
use crate::workflows;

/// The name of the workflow.
const NAME: &str = "Shop Help";
/// The name of the knowledge base.
const BASE: &str = "demo-shop";
/// Who asks.
const CUSTOMER: &str = "dora";
/// The person who helps.
const AGENT: &str = "eve";
/// What the answers are taken from.
const FAQ: &str = "# Shop\n\n## Opening hours\n\nThe shop is open from nine to six on weekdays, and on Saturdays until noon.\n\n\
    ## Returns\n\nYou can return what you do not like within thirty days. We pay for the parcel.\n\n\
    ## Delivery\n\nParcels within the country arrive after two working days, others after a week.\n";

/// What there was to see.
pub struct Seen {
    /// The execution that answered from a document.
    pub answered: Value,
    /// The conversation's messages, newest first.
    pub messages: Value,
}

/// Plays it.
///
/// # Errors
/// When the API refuses or cannot be reached.
pub async fn play(api: &Api, show: bool) -> anyhow::Result<Seen> {
    knowledge(api).await?;
    let id = workflow(api).await?;
    if show {
        heading("Answers from your documents");
        println!("{}", styled(DIM, &format!("  {BASE} holds one page, faq.md; no model is needed")));
    }
    let say = async |text: &str| -> Result<Value, ApiError> {
        let message = json!({"customer_id": CUSTOMER, "channel": "web", "message": text, "workflow_id": id});
        let told = api.say(&message).await?;
        if show {
            talk(text, &told);
        }
        Ok(told)
    };
    let answered = say("A question: how many days do I have to return something?").await?;
    let output = answered.pointer("/execution/steps/0/output").cloned().unwrap_or_default();
    if show {
        let source = output.pointer("/sources/0").cloned().unwrap_or_default();
        let confidence = output.get("confidence").and_then(Value::as_f64).unwrap_or_default();
        let told = format!("    from {}, confidence {confidence:.2}", member(&source, "/document"));
        println!("{}", styled(DIM, &told));
        heading("What it does not know goes to a person");
    }
    let handed = say("A question: can you sing at my birthday?").await?;
    let conversation = member(&handed, "/conversation_id");
    let path = format!("/v1/conversations/{conversation}");
    say("Hello? Anybody?").await?;
    api.post(&format!("{path}/assign"), &json!({"team": "support", "agent": AGENT})).await?;
    let line = "Eve here. I sing for cake.";
    api.post(&format!("{path}/messages"), &json!({"message": line})).await?;
    if show {
        println!("  {} {line}  {}", styled(BOLD, &format!("{AGENT} <")), styled(DIM, "the bot is silent"));
    }
    api.post(&format!("{path}/release"), &json!({})).await?;
    let messages = api.get(&format!("{path}/messages"), &[("limit", "1".to_owned())]).await?;
    if show {
        println!("  {}", styled(DIM, &format!("{AGENT} gives the conversation back")));
        println!("  {} {}", styled(GREEN, "<"), member(&messages, "/data/0/message"));
    }
    let messages = api.get(&format!("{path}/messages"), &[]).await?;
    Ok(Seen {
        answered: answered.get("execution").cloned().unwrap_or_default(),
        messages: messages.get("data").cloned().unwrap_or_default(),
    })
}

/// The page that is asked about.
async fn knowledge(api: &Api) -> Result<(), ApiError> {
    match api.post("/v1/knowledge-bases", &json!({"name": BASE})).await {
        Err(error) if error.code() != Some("KNOWLEDGE_BASE_ALREADY_EXISTS") => return Err(error),
        Ok(_) | Err(_) => {}
    }
    let path = format!("/v1/knowledge-bases/{BASE}/documents/faq.md");
    api.put_document(&path, "text/markdown", FAQ).await.map(|_| ())
}

async fn workflow(api: &Api) -> anyhow::Result<String> {
    let wanted = json!({
        "name": NAME,
        "description": "Answers from the shop's pages, and asks a person when it does not know",
        "channel": "web",
        "configuration": {
            "trigger": {"type": "message", "keywords": ["question"]},
            "nodes": [
                {"id": "answer", "type": "ai_response", "knowledge_base": BASE, "fallback": "sorry", "next": "end"},
                {"id": "end", "type": "end"},
                {"id": "sorry", "type": "message", "content": "I had better ask a person.", "next": "hand_over"},
                {"id": "hand_over", "type": "handoff", "team": "support", "note": "{{ message.text }}", "next": "back"},
                {"id": "back", "type": "message", "content": "It is me again. Ask me anything."}
            ]
        }
    });
    let id = match workflows::id_of(api, NAME).await {
        Ok(id) => id,
        Err(error) if error.downcast_ref::<ApiError>().is_some() => return Err(error),
        Err(_) => member(&api.post("/v1/workflows", &wanted).await?, "/data/id"),
    };
    api.post(&format!("/v1/workflows/{id}/activate"), &json!({})).await?;
    Ok(id)
}
