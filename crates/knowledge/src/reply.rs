//! Reading what a model has answered: in the form that it was asked for, or not at all.

use flow_model::workflow::ResponseType;
use serde_json::{Map, Value};

use crate::limits::{PROMPT_PASSAGES_MAX, REPLY_BYTES_MAX, REPLY_CHARS_MAX};

/// What a model has answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// For the customer; empty in a structured answer.
    pub text: String,
    /// Named values, in a structured or hybrid answer.
    pub data: Option<Map<String, Value>>,
    /// The passages that it was taken from, counted from 0 as they were given; each once.
    pub sources: Vec<usize>,
    /// How sure the model is, in 0..=1, when it says so.
    pub confidence: Option<f64>,
}

/// Why an answer is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Nonsense {
    /// Nothing was said.
    #[error("the model's answer is empty")]
    Empty,
    /// More was said than can be sent.
    #[error("the model's answer is too long")]
    TooLong,
    /// It should be a JSON object.
    #[error("the model's answer is not a JSON object")]
    NotJson,
    /// There is nothing for the customer in it.
    #[error("the model's answer has no text")]
    NoText,
    /// The values are missing.
    #[error("the model's answer has no data")]
    NoData,
    /// The sources are not numbers of passages.
    #[error("the model's answer names a source that it was not given")]
    UnknownSource,
    /// The confidence is not a number from 0 to 1.
    #[error("the model's answer has a confidence that is none")]
    BadConfidence,
}

/// Reads an answer to a question that was asked with so many passages. Plain text is taken as a conversational answer:
/// small models often give that, with sources as `[1]`.
///
/// # Errors
/// When it is not of the form that was asked for.
pub fn read(answer: &str, response_type: ResponseType, passages: usize) -> Result<Reply, Nonsense> {
    let answer = unfenced(answer.trim());
    if answer.is_empty() {
        return Err(Nonsense::Empty);
    }
    if answer.len() > REPLY_BYTES_MAX {
        return Err(Nonsense::TooLong);
    }
    let passages = passages.min(PROMPT_PASSAGES_MAX);
    match (serde_json::from_str(answer), response_type) {
        (Ok(Value::Object(object)), _) => from_object(object, response_type, passages),
        (_, ResponseType::Conversational) if !answer.starts_with(['{', '[']) => from_text(answer, passages),
        (_, _) => Err(Nonsense::NotJson),
    }
}

/// Models like to put a fence around JSON.
fn unfenced(answer: &str) -> &str {
    let Some(inner) = answer.strip_prefix("```").and_then(|rest| rest.strip_suffix("```")) else {
        return answer;
    };
    inner.split_once('\n').map_or(inner, |(_, body)| body).trim()
}

fn from_object(
    mut object: Map<String, Value>,
    form: ResponseType,
    passages: usize,
) -> Result<Reply, Nonsense> {
    let text = match object.remove("text") {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(_) | None => String::new(),
    };
    let data = match object.remove("data") {
        Some(Value::Object(data)) if !data.is_empty() => Some(data),
        Some(_) | None => None,
    };
    let (wants_text, wants_data) = match form {
        ResponseType::Conversational => (true, false),
        ResponseType::Structured => (false, true),
        ResponseType::Hybrid => (true, true),
    };
    if wants_text && text.is_empty() {
        return Err(Nonsense::NoText);
    }
    if wants_data && data.is_none() {
        return Err(Nonsense::NoData);
    }
    if text.chars().count() > REPLY_CHARS_MAX {
        return Err(Nonsense::TooLong);
    }
    Ok(Reply {
        text: if wants_text { text } else { String::new() },
        data: data.filter(|_| wants_data),
        sources: sources(object.get("sources"), passages)?,
        confidence: confidence(object.get("confidence"))?,
    })
}

fn sources(value: Option<&Value>, passages: usize) -> Result<Vec<usize>, Nonsense> {
    let items = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(Nonsense::UnknownSource),
    };
    let mut sources = Vec::new();
    for item in items {
        let number = item.as_u64().and_then(|number| usize::try_from(number).ok());
        let number =
            number.filter(|number| (1..=passages).contains(number)).ok_or(Nonsense::UnknownSource)?;
        if !sources.contains(&(number - 1)) {
            sources.push(number - 1);
        }
    }
    Ok(sources)
}

fn confidence(value: Option<&Value>) -> Result<Option<f64>, Nonsense> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let number = value.as_f64().filter(|number| (0.0..=1.0).contains(number));
            number.map(Some).ok_or(Nonsense::BadConfidence)
        }
    }
}

fn from_text(text: &str, passages: usize) -> Result<Reply, Nonsense> {
    if text.chars().count() > REPLY_CHARS_MAX {
        return Err(Nonsense::TooLong);
    }
    if !text.chars().any(char::is_alphanumeric) {
        return Err(Nonsense::NoText);
    }
    let mut sources = Vec::new();
    for (number, index) in (1..=passages).zip(0..) {
        if text.contains(&format!("[{number}]")) {
            sources.push(index);
        }
    }
    Ok(Reply { text: text.to_owned(), data: None, sources, confidence: None })
}

#[cfg(test)]
mod tests {
    use flow_model::workflow::ResponseType::{Conversational, Hybrid, Structured};
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_read_in_its_form() {
        let whole =
            r#"{"text": " Within 30 days. ", "data": {"days": 30}, "sources": [2, 1, 2], "confidence": 0.9}"#;
        let read = |form| read(whole, form, 3).unwrap();
        let data = json!({"days": 30}).as_object().cloned();
        let reply = |text: &str, data| Reply {
            text: text.to_owned(),
            data,
            sources: vec![1, 0],
            confidence: Some(0.9),
        };
        assert_eq!(read(Conversational), reply("Within 30 days.", None));
        assert_eq!(read(Structured), reply("", data.clone()));
        assert_eq!(read(Hybrid), reply("Within 30 days.", data));
    }

    #[test]
    fn a_fence_and_plain_text_are_understood() {
        let fenced = read("```json\n{\"text\": \"Yes.\"}\n```", Conversational, 1).unwrap();
        assert_eq!((fenced.text.as_str(), fenced.confidence), ("Yes.", None));
        let plain = read("Within 30 days [2].", Conversational, 2).unwrap();
        assert_eq!((plain.text.as_str(), plain.sources), ("Within 30 days [2].", vec![1]));
    }

    #[test]
    fn nonsense_is_named() {
        for (answer, form, nonsense) in [
            ("", Conversational, Nonsense::Empty),
            (" \n", Structured, Nonsense::Empty),
            ("```\n```", Conversational, Nonsense::Empty),
            ("Within 30 days.", Structured, Nonsense::NotJson),
            ("[1, 2]", Conversational, Nonsense::NotJson),
            ("{\"text\": \"cut off", Conversational, Nonsense::NotJson),
            ("…", Conversational, Nonsense::NoText),
            ("{}", Conversational, Nonsense::NoText),
            ("{\"text\": 7}", Conversational, Nonsense::NoText),
            ("{\"text\": \"Yes\"}", Hybrid, Nonsense::NoData),
            ("{\"data\": {}}", Structured, Nonsense::NoData),
            ("{\"text\": \"Yes\", \"sources\": [4]}", Conversational, Nonsense::UnknownSource),
            ("{\"text\": \"Yes\", \"sources\": [\"1\"]}", Conversational, Nonsense::UnknownSource),
            ("{\"text\": \"Yes\", \"confidence\": 90}", Conversational, Nonsense::BadConfidence),
        ] {
            assert_eq!(read(answer, form, 3), Err(nonsense), "{answer}");
        }
        assert_eq!(read(&"x".repeat(5000), Conversational, 3), Err(Nonsense::TooLong));
    }
}
