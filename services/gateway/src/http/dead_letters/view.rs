//! A dead letter as the API shows it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use contracts::v1::input::Kind;
use contracts::v1::{self, DeadLetterKind, DeadLetterStatus};
use flow_model::{DeadLetterId, ExecutionId, WorkflowId};
use platform::clock::rfc3339;
use prost::Message;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::http::openapi::schemas;

/// An input that could not be handled, or a whole frame of them. What is not known of it is null. Lists leave `payload_base64` and
/// `input` out.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetter)]
pub(in crate::http) struct DeadLetterView {
    #[schema(examples("dead-letter-01a20acf-9e01-7d2c-8a4b-52b7c1f0a9d3"))]
    id: String,
    #[schema(value_type = schemas::DeadLetterKind)]
    kind: &'static str,
    #[schema(value_type = schemas::DeadLetterStatus)]
    status: &'static str,
    #[schema(format = DateTime)]
    dead_at: String,
    #[schema(required, format = DateTime)]
    retried_at: Option<String>,
    /// For people.
    error: String,
    /// How often it was begun.
    attempts: u32,
    #[schema(required)]
    channel: Option<String>,
    #[schema(required)]
    customer_id: Option<String>,
    /// The sender's own id.
    #[schema(required)]
    message_id: Option<String>,
    /// The execution that it has when it is tried again and a workflow takes it.
    #[schema(required)]
    execution_id: Option<String>,
    payload_bytes: u64,
    /// The payload as it came: a protobuf message `turnloom.v1.Input`, or `turnloom.v1.Frame` of a frame. One that fits no answer is cut,
    /// and then shorter than `payload_bytes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    payload_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = InputView, required = false)]
    input: Option<InputView>,
}

/// What can be read of an input.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetterInput)]
pub(in crate::http) struct InputView {
    #[schema(format = DateTime)]
    accepted_at: String,
    channel: String,
    customer_id: String,
    /// Null when it has none.
    #[schema(required)]
    message: Option<String>,
    /// The sender's own id; null of a start.
    #[schema(required)]
    message_id: Option<String>,
    /// The only workflow that may take it.
    #[schema(required)]
    workflow_id: Option<String>,
    /// As it was sent along.
    #[schema(value_type = Option<std::collections::BTreeMap<String, serde_json::Value>>, required)]
    metadata: Option<Box<RawValue>>,
}

impl DeadLetterView {
    /// With its payload.
    pub fn whole(letter: v1::DeadLetter) -> Self {
        let payload = letter.payload.clone();
        let is_input = letter.kind() != DeadLetterKind::Frame;
        let mut view = Self::brief(letter);
        view.payload_base64 = Some(STANDARD.encode(&payload));
        view.input = v1::Input::decode(payload).ok().filter(|_| is_input).map(InputView::new);
        view
    }

    /// As lists have it.
    pub fn brief(letter: v1::DeadLetter) -> Self {
        let kind = match letter.kind() {
            DeadLetterKind::Frame => "frame",
            DeadLetterKind::Input | DeadLetterKind::Unspecified => "input",
            DeadLetterKind::Message => "message",
            DeadLetterKind::Start => "start",
            DeadLetterKind::Timer => "timer",
            DeadLetterKind::Result => "result",
            DeadLetterKind::Command => "command",
        };
        let status = match letter.status() {
            DeadLetterStatus::Retried => "retried",
            DeadLetterStatus::Open | DeadLetterStatus::Unspecified => "open",
        };
        Self {
            id: DeadLetterId::from_slice(&letter.id).map(|id| id.to_string()).unwrap_or_default(),
            kind,
            status,
            dead_at: rfc3339(letter.dead_at_ms),
            retried_at: letter.retried_at_ms.map(rfc3339),
            error: letter.error,
            attempts: letter.attempts,
            channel: known(letter.channel),
            customer_id: known(letter.customer_id),
            message_id: known(letter.message_id),
            execution_id: ExecutionId::from_slice(&letter.execution_id).ok().map(|id| id.to_string()),
            payload_bytes: letter.payload_bytes,
            payload_base64: None,
            input: None,
        }
    }
}

impl InputView {
    fn new(input: v1::Input) -> Self {
        let (message, message_id, workflow_id, metadata) = match input.kind {
            Some(Kind::Message(message)) => {
                let metadata = String::from_utf8(message.metadata_json.to_vec()).ok();
                (Some(message.text), known(message.message_id), message.workflow_id, metadata)
            }
            Some(Kind::Start(start)) => (Some(start.text), None, start.workflow_id, None),
            Some(Kind::Timer(_) | Kind::Result(_) | Kind::Command(_)) | None => {
                (None, None, bytes::Bytes::new(), None)
            }
        };
        Self {
            accepted_at: rfc3339(input.accepted_at_ms),
            channel: input.channel,
            customer_id: input.customer_id,
            message,
            message_id,
            workflow_id: WorkflowId::from_slice(&workflow_id).ok().map(|id| id.to_string()),
            metadata: metadata
                .filter(|text| text.starts_with('{'))
                .and_then(|text| RawValue::from_string(text).ok()),
        }
    }
}

/// A text that is not empty.
fn known(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_can_be_read_of_an_input_is_shown_and_a_frame_is_only_bytes() {
        let message = v1::InboundMessage {
            text: "hello".to_owned(),
            metadata_json: "{\"a\":1}".into(),
            ..v1::InboundMessage::default()
        };
        let input = v1::Input {
            customer_id: "ann".to_owned(),
            kind: Some(Kind::Message(message)),
            ..v1::Input::default()
        };
        let letter = |kind: DeadLetterKind| v1::DeadLetter {
            kind: kind.into(),
            payload: input.encode_to_vec().into(),
            ..v1::DeadLetter::default()
        };
        let shown = serde_json::to_value(DeadLetterView::whole(letter(DeadLetterKind::Message))).unwrap();
        assert_eq!(shown["input"]["message"], "hello");
        assert_eq!(shown["input"]["metadata"], json!({"a": 1}));
        assert_eq!(shown["input"]["message_id"], json!(null));
        let frame = serde_json::to_value(DeadLetterView::whole(letter(DeadLetterKind::Frame))).unwrap();
        assert_eq!((frame.get("input"), &frame["payload_base64"]), (None, &shown["payload_base64"]));
        let listed = serde_json::to_value(DeadLetterView::brief(letter(DeadLetterKind::Input))).unwrap();
        assert_eq!((listed.get("input"), listed.get("payload_base64")), (None, None));
    }
}
