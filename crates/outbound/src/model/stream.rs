//! Answers that come in pieces, as server-sent events: some endpoints stream whatever they are asked for.
//!
//! An event is a line `data: <JSON>`; the last one is `[DONE]`. Of the format (WHATWG HTML §9.2.6) this needs no more: the
//! protocol gives no event two lines.

use serde::Deserialize;

use super::protocol::{Answer, Said, Usage};
use super::{ModelCode, ModelFailure};

/// What ends a stream.
const DONE: &str = "[DONE]";

#[derive(Deserialize)]
struct Piece {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    delta: Said,
    #[serde(default)]
    finish_reason: Option<String>,
}

/// Puts an answer together. One that has no end is one that was cut.
pub(super) fn answer(bytes: &[u8]) -> Result<Answer, ModelFailure> {
    let nonsense = || ModelFailure::of(ModelCode::Nonsense);
    let text = str::from_utf8(bytes).map_err(|_| nonsense())?;
    let mut answer = Answer::default();
    let mut pieces = 0_usize;
    for data in text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim) {
        if data == DONE {
            return Ok(answer);
        }
        let piece: Piece = serde_json::from_str(data).map_err(|_| nonsense())?;
        pieces += 1;
        answer.count(piece.usage.as_ref());
        // Only one choice was asked for.
        for choice in piece.choices.into_iter().filter(|choice| choice.index == 0) {
            answer.text.push_str(choice.delta.content.as_deref().unwrap_or_default());
            answer.refused |= choice.delta.refusal.is_some_and(|text| !text.is_empty());
            answer.finish_reason = choice.finish_reason.or(answer.finish_reason);
        }
    }
    match (&answer.finish_reason, pieces) {
        (Some(_), _) => Ok(answer),
        (None, 0) => Err(nonsense()),
        (None, _) => Err(ModelFailure::of(ModelCode::Unavailable)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(content: &str) -> String {
        format!("data: {{\"choices\": [{{\"index\": 0, \"delta\": {{\"content\": \"{content}\"}}}}]}}\n\n")
    }

    #[test]
    fn pieces_are_put_together_until_the_end() {
        let usage =
            "data: {\"choices\": [], \"usage\": {\"prompt_tokens\": 5, \"completion_tokens\": 2}}\n\n";
        let role =
            "data: {\"choices\": [{\"delta\": {\"role\": \"assistant\"}, \"finish_reason\": null}]}\r\n\r\n";
        let stream =
            format!(": ping\n\n{role}{}{}{usage}data: [DONE]\n\n{}", piece("Hel"), piece("lo"), piece("!"));
        let read = answer(stream.as_bytes()).unwrap();
        assert_eq!((read.text.as_str(), read.input_tokens, read.output_tokens), ("Hello", 5, 2));
    }

    #[test]
    fn a_stream_that_ends_without_its_end_was_cut() {
        let cut = answer(piece("Hel").as_bytes()).unwrap_err();
        assert_eq!(cut.code, ModelCode::Unavailable);
        let ended = "data: {\"choices\": [{\"delta\": {}, \"finish_reason\": \"length\"}]}\n";
        assert_eq!(answer(ended.as_bytes()).unwrap().finish_reason.as_deref(), Some("length"));
    }

    #[test]
    fn what_is_not_the_protocol_is_nonsense() {
        for stream in ["", "event: x\n", "data: {}\n\n", "data: no\n\n"] {
            assert_eq!(answer(stream.as_bytes()).unwrap_err().code, ModelCode::Nonsense, "{stream:?}");
        }
        assert_eq!(answer(b"data: \xff").unwrap_err().code, ModelCode::Nonsense);
    }
}
