//! A language model that says what a test wants, over OpenAI's protocol: `POST /v1/chat/completions`, streaming when it is
//! asked to, and `POST /v1/embeddings`.

#![expect(clippy::indexing_slicing, reason = "what a JSON value does not have reads as null")]

use std::ops::Deref;
use std::time::Duration;

use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use crate::fake_server::{FakeServer, Reply, Request};

/// Numbers of an embedding unless the test wants another count.
const DIMENSIONS: usize = 256;

/// What the model says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// What it was told last.
    Echo,
    /// Always this.
    Text(String),
    /// This, but longer than it may be.
    Unfinished(String),
    /// That it does not want to.
    Refusal(String),
    /// Nothing.
    Nothing,
    /// No end.
    Endless,
    /// Something that is not the protocol.
    Nonsense,
    /// Half of an answer, then the connection is lost.
    Half,
    /// An error with this status.
    Status(u16),
    /// That it is asked too often, and for how many seconds it will be so.
    TooMuch(u64),
    /// That, when the test says [`FakeServer::release`].
    Held(Box<Says>),
    /// That, so much later.
    Late(Duration, Box<Says>),
    /// That, in pieces even when it is not asked to stream.
    Streamed(Box<Says>),
}

impl Says {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The same, so much later.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self::Late(wait, Box::new(self))
    }
}

/// The model, on a loopback port of its own. What it was asked: see [`FakeServer::requests`].
pub struct FakeModel {
    server: FakeServer,
}

impl FakeModel {
    /// Repeats what it is told.
    pub fn start() -> Self {
        Self::saying(|_| Says::Echo)
    }

    /// Says what `says` makes of the question.
    pub fn saying(says: impl Fn(&Value) -> Says + Send + Sync + 'static) -> Self {
        let server = FakeServer::start(move |request| match request.path.as_str() {
            "/v1/chat/completions" => chat(says(&request.body), &request.body),
            "/v1/embeddings" => embeddings(request),
            _ => error(404, "There is no such route"),
        });
        Self { server }
    }

    /// Its address as settings want it: `http://127.0.0.1:4711/v1`.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.server.url())
    }

    /// Says this to the next question that has not been given an answer in this way. `question` is what will be asked, as far
    /// as it matters: its last message is what [`Says::Echo`] repeats, its `stream` is obeyed.
    pub fn next_to(&self, question: &Value, says: Says) {
        self.server.next(chat(says, question));
    }

    /// Says this to the next question, which does not ask for a stream.
    pub fn next(&self, says: Says) {
        self.next_to(&Value::Null, says);
    }
}

impl Deref for FakeModel {
    type Target = FakeServer;

    fn deref(&self) -> &FakeServer {
        &self.server
    }
}

fn chat(says: Says, question: &Value) -> Reply {
    let streams = question["stream"] == true;
    match says {
        Says::Held(says) => chat(*says, question).held(),
        Says::Late(wait, says) => chat(*says, question).after(wait),
        Says::Streamed(says) => {
            let mut question = question.clone();
            question["stream"] = json!(true);
            chat(*says, &question)
        }
        Says::Echo => {
            let last = question["messages"].as_array().and_then(|messages| messages.last());
            let text = last.and_then(|message| message["content"].as_str()).unwrap_or_default();
            said(question, streams, text, "stop")
        }
        Says::Text(text) => said(question, streams, &text, "stop"),
        Says::Unfinished(text) => said(question, streams, &text, "length"),
        Says::Nothing => said(question, streams, "", "stop"),
        Says::Refusal(why) => {
            let message = json!({"role": "assistant", "content": null, "refusal": why});
            Reply::json(200, &whole(question, &message, "stop", 0))
        }
        Says::Endless if streams => Reply::Endless { headers: event_stream(), piece: piece("more ", None) },
        Says::Endless => {
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            Reply::Endless { headers, piece: b"                ".to_vec() }
        }
        Says::Nonsense => Reply::text(200, "text/html", "<html><body>It works!</body></html>"),
        Says::Half if streams => Reply::Cut { headers: event_stream(), begin: piece("Half", None) },
        Says::Half => {
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            Reply::Cut { headers, begin: br#"{"choices": [{"message": {"content": "Ha"#.to_vec() }
        }
        Says::Status(status) => error(status, "The model has a problem"),
        Says::TooMuch(seconds) => {
            error(429, "Rate limit reached").with_header("retry-after", &seconds.to_string())
        }
    }
}

fn said(question: &Value, streams: bool, text: &str, finish: &str) -> Reply {
    let tokens = text.split_whitespace().count();
    if !streams {
        let message = json!({"role": "assistant", "content": text, "refusal": null});
        return Reply::json(200, &whole(question, &message, finish, tokens));
    }
    let mut pieces: Vec<Vec<u8>> = text.split_inclusive(' ').map(|word| piece(word, None)).collect();
    pieces.push(piece("", Some(finish)));
    if question["stream_options"]["include_usage"] == true {
        pieces.push(event(&json!({"choices": [], "usage": usage(question, tokens)})));
    }
    pieces.push(b"data: [DONE]\n\n".to_vec());
    Reply::Pieces { headers: event_stream(), pieces }
}

fn whole(question: &Value, message: &Value, finish: &str, tokens: usize) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": question["model"],
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish}],
        "usage": usage(question, tokens),
    })
}

/// A word is a token.
fn usage(question: &Value, said: usize) -> Value {
    let messages = question["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let read: usize = messages
        .iter()
        .filter_map(|message| message["content"].as_str())
        .map(|text| text.split_whitespace().count())
        .sum();
    json!({"prompt_tokens": read, "completion_tokens": said, "total_tokens": read + said})
}

fn event_stream() -> Vec<(String, String)> {
    vec![("content-type".to_owned(), "text/event-stream".to_owned())]
}

fn piece(text: &str, finish: Option<&str>) -> Vec<u8> {
    let delta = if text.is_empty() { json!({}) } else { json!({"content": text}) };
    event(&json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_700_000_000,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }))
}

fn event(data: &Value) -> Vec<u8> {
    format!("data: {data}\n\n").into_bytes()
}

fn error(status: u16, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({"error": {"message": message, "type": "fake_error", "param": null, "code": null}}),
    )
}

fn embeddings(request: &Request) -> Reply {
    let texts: Vec<&str> = match &request.body["input"] {
        Value::String(text) => vec![text],
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
        _ => return error(400, "'input' is missing"),
    };
    let wanted = request.body["dimensions"].as_u64().and_then(|count| usize::try_from(count).ok());
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| {
            json!({"object": "embedding", "index": index, "embedding": embedding(text, wanted.unwrap_or(DIMENSIONS))})
        })
        .collect();
    let read: usize = texts.iter().map(|text| text.split_whitespace().count()).sum();
    Reply::json(
        200,
        &json!({
            "object": "list", "model": request.body["model"], "data": data,
            "usage": {"prompt_tokens": read, "total_tokens": read},
        }),
    )
}

/// A vector of length 1 that is the same for the same words in any order and case, and near for texts with words in common.
fn embedding(text: &str, dimensions: usize) -> Vec<f64> {
    let mut vector = vec![0.0; dimensions.max(1)];
    let words = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    for word in words {
        let hash = xxh3_64(word.to_lowercase().as_bytes());
        let place = usize::try_from(hash % vector.len() as u64).unwrap_or(0);
        if let Some(number) = vector.get_mut(place) {
            *number += 1.0;
        }
    }
    let length = vector.iter().map(|number| number * number).sum::<f64>().sqrt();
    if length > 0.0 {
        for number in &mut vector {
            *number /= length;
        }
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_with_words_in_common_are_near_each_other() {
        let nearness = |one: &str, other: &str| -> f64 {
            embedding(one, DIMENSIONS).iter().zip(embedding(other, DIMENSIONS)).map(|(a, b)| a * b).sum()
        };
        assert!((nearness("Opening hours", "hours, OPENING") - 1.0).abs() < 1e-9);
        assert!(
            nearness("when do you open", "when do you close") > nearness("when do you open", "parcel lost")
        );
    }
}
