//! Answers of `ai_response` nodes: passages are looked up, and a model speaks when there is one; else the passages do.

use std::time::Duration;

use bus::Bus;
use bus::rpc::CallError;
use contracts::{ErrorCode, subject, v1};
use flow_engine::Object;
use flow_model::ConversationId;
use flow_model::workflow::ResponseType;
use knowledge::extract::{self, Found, FoundPassage, Source};
use knowledge::prompt::{self, Asked, Said, Speaker};
use knowledge::rank::Term;
use knowledge::reply;
use outbound::ChatModel;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::retry::{Failed, until_it_works};
use super::secret::without_marks;
use crate::store::read::Reads;

/// Passages that are looked up.
const PASSAGES: u32 = 6;
/// The catalog must have found them within this time.
const SEARCH_DEADLINE: Duration = Duration::from_secs(8);
/// Tokens of a model's answer.
const TOKENS_MAX: u32 = 1_000;
/// Executions of a conversation that are looked at for what was said.
const EXECUTIONS_MAX: u32 = 100;

/// Finds answers.
pub(crate) struct Answering {
    bus: Bus,
    reads: Reads,
    model: Option<ChatModel>,
}

/// What the engine has planned.
#[derive(Deserialize)]
struct Planned {
    question: String,
    knowledge_base: String,
    personality: Option<String>,
    response_type: String,
    context_length: u32,
}

impl Answering {
    pub fn new(bus: Bus, reads: Reads, model: Option<ChatModel>) -> Self {
        Self { bus, reads, model }
    }

    pub async fn perform(&self, activity: &v1::Activity) -> Result<Object, Failed> {
        let planned: Planned = serde_json::from_slice(&activity.request_json)
            .map_err(|_| Failed::for_good("INTERNAL_ERROR", "the question has no right form"))?;
        let planned = &planned;
        let found = until_it_works(activity, |_| Box::pin(self.search(activity, planned)));
        let Some(model) = &self.model else { return Ok(extracted(&found.await?)) };
        let (found, said) = tokio::join!(found, self.said(activity, planned.context_length));
        let found = found?;
        // What nothing speaks of cannot be answered, however eloquently.
        if found.passages.is_empty() {
            return Ok(extracted(&found));
        }
        let (found, said) = (&found, said.as_slice());
        until_it_works(activity, |deadline| Box::pin(ask(model, planned, found, said, deadline))).await
    }

    async fn search(&self, activity: &v1::Activity, planned: &Planned) -> Result<Found, Failed> {
        let request = v1::SearchKnowledgeRequest {
            account_id: activity.account_id.clone(),
            base: planned.knowledge_base.clone(),
            query: planned.question.clone(),
            limit: PASSAGES,
            language: String::new(),
        };
        if planned.question.trim().is_empty() {
            return Ok(Found::default());
        }
        let answer = self.bus.rpc().call(subject::knowledge::SEARCH, &request, SEARCH_DEADLINE).await;
        let later = || Failed::for_now("KNOWLEDGE_UNAVAILABLE", "the knowledge base cannot be searched now");
        let answer: v1::SearchKnowledgeResponse = answer.map_err(|error| match error {
            // Its database is away, or too many search at once.
            CallError::Refused(failure) if failure.code == ErrorCode::ServiceUnavailable.as_str() => later(),
            CallError::Refused(failure) => {
                let message = if failure.details.is_empty() { failure.message } else { failure.details };
                Failed::for_good(&failure.code, message)
            }
            CallError::Unavailable(_) | CallError::TimedOut => later(),
        })?;
        Ok(found(answer))
    }

    /// What was said before; a model can do without.
    async fn said(&self, activity: &v1::Activity, messages_max: u32) -> Vec<Said> {
        let Ok(conversation) = ConversationId::from_slice(&activity.conversation_id) else {
            return Vec::new();
        };
        // Mostly a message and a reply to it; more is read when it was not that.
        let mut executions = messages_max.div_ceil(2).min(EXECUTIONS_MAX);
        loop {
            let records = match self.reads.said_last(conversation, executions).await {
                Ok(records) => records,
                Err(error) => {
                    tracing::warn!(%error, "what was said before cannot be read");
                    return Vec::new();
                }
            };
            let are_all = records.len() < executions as usize || executions == EXECUTIONS_MAX;
            let mut said = texts(records);
            if said.len() >= messages_max as usize || are_all {
                let surplus = said.len().saturating_sub(messages_max as usize);
                return said.split_off(surplus);
            }
            executions = EXECUTIONS_MAX;
        }
    }
}

/// What was said in these executions.
fn texts(records: Vec<v1::ExecutionRecord>) -> Vec<Said> {
    let mut said = Vec::new();
    for record in records {
        said.push(Said { by: Speaker::Customer, text: record.input_text });
        let replies = record.replies.into_iter();
        said.extend(replies.map(|reply| Said { by: Speaker::Assistant, text: reply.text }));
    }
    said.retain(|said| !said.text.is_empty());
    said
}

async fn ask(
    model: &ChatModel,
    planned: &Planned,
    found: &Found,
    said: &[Said],
    deadline: Instant,
) -> Result<Object, Failed> {
    let response_type = match planned.response_type.as_str() {
        "structured" => ResponseType::Structured,
        "hybrid" => ResponseType::Hybrid,
        _ => ResponseType::Conversational,
    };
    let asked = Asked {
        question: &planned.question,
        personality: planned.personality.as_deref(),
        response_type,
        passages: &found.passages,
        conversation: said,
    };
    let messages = prompt::messages(&asked).map(|message| outbound::ChatMessage {
        role: match message.role {
            prompt::Role::System => outbound::Role::System,
            prompt::Role::User => outbound::Role::User,
        },
        content: message.content,
    });
    let completion = model.complete(&messages, TOKENS_MAX, deadline).await.map_err(|failure| Failed {
        code: failure.code.as_str().to_owned(),
        message: failure.message,
        retry: failure.retry,
    })?;
    let reply = reply::read(&completion.text, response_type, found.passages.len())
        .map_err(|nonsense| Failed::for_now("MODEL_NONSENSE", nonsense.to_string()))?;
    let cited: Vec<&FoundPassage> =
        reply.sources.iter().filter_map(|number| found.passages.get(*number)).collect();
    // A model that says nothing of its own sureness is as sure as what it cites; one that cites nothing has made it up.
    let sureness = |passage: &&FoundPassage| extract::confidence(&found.terms, passage);
    let of_sources = cited.iter().map(sureness).fold(0.0, f64::max);
    let confidence = reply.confidence.filter(|_| !cited.is_empty()).unwrap_or(of_sources);
    let text = match &reply.data {
        Some(data) if reply.text.is_empty() => Value::Object(data.clone()).to_string(),
        _ => reply.text,
    };
    Ok(object(json!({
        "response": text,
        "data": reply.data,
        "confidence": rounded(confidence),
        "sources": cited.into_iter().map(|passage| source(&extract::source(passage))).collect::<Vec<_>>(),
        "model": model.name(),
        "input_tokens": completion.input_tokens,
        "output_tokens": completion.output_tokens,
        "cost": completion.cost,
    })))
}

/// The best passage's own words.
fn extracted(found: &Found) -> Object {
    let extract = extract::extract(found);
    object(json!({
        "response": extract.text,
        "confidence": rounded(extract.confidence),
        "sources": extract.sources.iter().map(source).collect::<Vec<_>>(),
    }))
}

fn source(source: &Source) -> Value {
    json!({
        "document": source.document,
        "title": source.title,
        "heading": source.heading,
        "position": source.position,
    })
}

fn found(answer: v1::SearchKnowledgeResponse) -> Found {
    let terms = answer.terms.into_iter();
    let passages = answer.passages.into_iter();
    Found {
        terms: terms.map(|term| Term { lexeme: term.lexeme, weight: term.weight }).collect(),
        passages: passages
            .map(|passage| FoundPassage {
                document: passage.document,
                title: passage.title,
                headings: passage.headings,
                position: passage.position,
                text: passage.text,
                score: passage.score,
                coverage: passage.coverage,
                similarity: passage.similarity,
            })
            .collect(),
    }
}

/// To two decimals, as the API shows it.
fn rounded(confidence: f64) -> f64 {
    (confidence.clamp(0.0, 1.0) * 100.0).round() / 100.0
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(members) => {
            without_marks(members.into_iter().filter(|(_, value)| !value.is_null()).collect())
        }
        _ => Object::new(),
    }
}
