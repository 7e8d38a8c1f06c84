//! Questions and whole answers, as OpenAI's "Create chat completion" has them. What else an answer holds is passed over.

use serde::{Deserialize, Serialize};

use super::{ChatMessage, ModelCode, ModelFailure};

/// What is asked.
#[derive(Serialize)]
pub(super) struct Question<'a> {
    pub model: &'a str,
    pub messages: &'a [ChatMessage],
    pub max_tokens: u32,
    pub stream: bool,
}

/// What is answered, whole or put together from a stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub text: String,
    pub refused: bool,
    pub finish_reason: Option<String>,
    pub input_tokens: u64,
    pub output_tokens: u64,
}

#[derive(Deserialize)]
struct Told {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Said,
    #[serde(default)]
    finish_reason: Option<String>,
}

/// What was said; in a stream, a piece of it.
#[derive(Deserialize)]
pub(super) struct Said {
    #[serde(default)]
    pub content: Option<String>,
    #[serde(default)]
    pub refusal: Option<String>,
}

/// How much was read and said.
#[derive(Deserialize)]
pub(super) struct Usage {
    #[serde(default)]
    pub prompt_tokens: u64,
    #[serde(default)]
    pub completion_tokens: u64,
}

/// Reads a whole answer.
pub(super) fn answer(bytes: &[u8]) -> Result<Answer, ModelFailure> {
    let nonsense = || ModelFailure::of(ModelCode::Nonsense);
    let told: Told = serde_json::from_slice(bytes).map_err(|_| nonsense())?;
    let choice = told.choices.into_iter().next().ok_or_else(nonsense)?;
    let mut answer = Answer {
        text: choice.message.content.unwrap_or_default(),
        refused: choice.message.refusal.is_some_and(|text| !text.is_empty()),
        finish_reason: choice.finish_reason,
        ..Answer::default()
    };
    answer.count(told.usage.as_ref());
    Ok(answer)
}

impl Answer {
    pub(super) fn count(&mut self, usage: Option<&Usage>) {
        if let Some(usage) = usage {
            self.input_tokens = usage.prompt_tokens;
            self.output_tokens = usage.completion_tokens;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_holds_besides_is_passed_over() {
        let bytes = br#"{"id": "x", "object": "chat.completion", "choices": [{"index": 0, "logprobs": null,
            "message": {"role": "assistant", "content": "Hi", "refusal": null, "tool_calls": []}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}}"#;
        let read = answer(bytes).unwrap();
        assert_eq!((read.text.as_str(), read.input_tokens, read.output_tokens), ("Hi", 3, 1));
        assert_eq!((read.refused, read.finish_reason.as_deref()), (false, Some("stop")));
    }

    #[test]
    fn what_is_not_the_protocol_is_nonsense() {
        for bytes in ["", "<html>", "[]", "{}", r#"{"choices": []}"#, r#"{"choices": [{"text": "x"}]}"#] {
            assert_eq!(answer(bytes.as_bytes()).unwrap_err().code, ModelCode::Nonsense, "{bytes}");
        }
    }
}
