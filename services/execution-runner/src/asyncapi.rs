//! The AsyncAPI 3 document of what subscribers get over the bus, made from the types that are published.
#![expect(clippy::indexing_slicing, reason = "assigning to a name of a JSON object inserts it")]

use contracts::subject;
use serde_json::{Map, Value, json};
use utoipa::PartialSchema;

use crate::partition::tell::event::{
    AiData, BATCH_CONTENT_TYPE, DATA_CONTENT_TYPE, Data, ErrorData, Event, EventType, SOURCE, SPECVERSION,
};

const DESCRIPTION: &str = "What Turnloom tells over NATS once it is committed.

**Once.** State changes exactly once; what is published may come again after a crash, also minutes later and gathered differently, with \
the same `id`. Drop an id that was handled before.

**Order.** Events of one conversation are numbered by `conversation_seq` without a gap. Within a partition (`commit_no`, `index`) only \
goes up as it is published, and `commit_no` has no hole; NATS delivers in that order to a consumer with `max_ack_pending` 1. Such a \
subscriber may keep the last pair of each partition with its own data, drop what is not newer, and know when something is missing.

**How.** A durable consumer with explicit acknowledgement on the stream, which keeps events for 72 hours unless set otherwise. Pass over \
members and types that you do not know: a later version may tell more.";

/// What every event's data have.
const PLACE: [&str; 7] =
    ["partition", "commit_no", "index", "conversation_seq", "conversation_id", "customer_id", "channel"];

/// The document, as it is kept in `proto-schemas/asyncapi.json`.
#[must_use]
pub fn text() -> String {
    // A tree of maps, lists and texts: writing it as JSON cannot fail.
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text.push('\n');
    text
}

fn document() -> Value {
    let mut channels = Map::new();
    let mut operations = Map::new();
    let mut messages = Map::new();
    let mut schemas = Map::from_iter([
        ("ai".to_owned(), json!(AiData::schema())),
        ("error".to_owned(), json!(ErrorData::schema())),
    ]);
    for event_type in EventType::ALL {
        let name = event_type.as_str().replace('.', "_");
        channels.insert(name.clone(), event_channel(event_type, &name));
        operations.insert(format!("tell_{name}"), operation(&name, meaning(event_type)));
        messages.insert(name.clone(), event_message(event_type, &name));
        schemas.insert(name, event(event_type));
    }
    channels.insert("replies".to_owned(), replies_channel());
    operations.insert("tell_replies".to_owned(), operation("replies", "Replies to be sent over a channel."));
    messages.insert("replies".to_owned(), replies_message());
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Turnloom events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": BATCH_CONTENT_TYPE,
        "servers": {"nats": {"host": "127.0.0.1:4222", "protocol": "nats", "description": "JetStream"}},
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    })
}

fn event_channel(event_type: EventType, name: &str) -> Value {
    json!({
        "address": format!("events.{{account}}.{}", event_type.as_str()),
        "title": event_type.as_str(),
        "description": format!("In the stream `{}`.", subject::EVENTS_STREAM),
        "parameters": {
            "account": {"description": "The account's id, 32 hexadecimal digits; `*` for all accounts"},
        },
        "messages": {"batch": {"$ref": format!("#/components/messages/{name}")}},
    })
}

fn event_message(event_type: EventType, name: &str) -> Value {
    json!({
        "name": event_type.as_str(),
        "title": "Events of one type, account and commit, in order",
        "summary": meaning(event_type),
        "contentType": BATCH_CONTENT_TYPE,
        "payload": {
            "type": "array", "minItems": 1,
            "items": {"$ref": format!("#/components/schemas/{name}")},
        },
    })
}

fn operation(channel: &str, summary: &str) -> Value {
    json!({
        "action": "send",
        "summary": summary,
        "channel": {"$ref": format!("#/channels/{channel}")},
    })
}

fn replies_channel() -> Value {
    json!({
        "address": "replies.{channel}.{group}",
        "title": "replies",
        "description": format!(
            "For the senders of a channel, in the stream `{}`: what has to be said to customers.",
            subject::REPLIES_STREAM
        ),
        "parameters": {
            "channel": {"description": "The channel", "enum": flow_model::Channel::ALL.map(flow_model::Channel::as_str)},
            "group": {"description": "A part of all customers, of which there is one, `0`, unless set up otherwise; `*` for all"},
        },
        "messages": {"replies": {"$ref": "#/components/messages/replies"}},
    })
}

fn replies_message() -> Value {
    json!({
        "name": "turnloom.v1.Replies",
        "title": "Replies of one channel that were committed together, in order of each partition",
        "summary": "`id` is the same however often a reply is published: the key under which it is to be sent once.",
        "contentType": "application/protobuf",
        "payload": {
            "schemaFormat": "application/vnd.google.protobuf;version=3",
            "schema": contracts::REPLIES_PROTO,
        },
    })
}

/// What happened.
fn meaning(event_type: EventType) -> &'static str {
    match event_type {
        EventType::CustomerCreated => "A customer of the account was heard of for the first time.",
        EventType::MessageReceived => {
            "A customer's message was taken in; without an execution when no workflow took it."
        }
        EventType::TriggerActivated => "A message's keyword started a workflow.",
        EventType::WorkflowStarted => "An execution began: one turn of a conversation.",
        EventType::MessageSent => {
            "A reply was recorded, and is on its way to the customer; without an execution when a person said it."
        }
        EventType::WorkflowCompleted => "An execution is over, whether it succeeded or failed.",
        EventType::WorkflowFailed => "An execution failed; told beside `workflow.completed`.",
        EventType::ConversationAssigned => {
            "A conversation went to a person, or to another one; by a handoff of a workflow, with its execution."
        }
        EventType::ConversationReleased => "The bot has a conversation again.",
    }
}

/// The members that the data of a type have besides [`PLACE`], and those that they may have.
fn members(event_type: EventType) -> (&'static [&'static str], &'static [&'static str]) {
    match event_type {
        EventType::CustomerCreated => (&[], &[]),
        EventType::MessageReceived => (&["message_id", "message"], &["execution_id", "workflow_id"]),
        EventType::TriggerActivated => (&["execution_id", "workflow_id", "keyword"], &[]),
        EventType::WorkflowStarted => (&["execution_id", "workflow_id", "revision"], &[]),
        EventType::MessageSent => {
            (&["reply_id", "message"], &["execution_id", "workflow_id", "node_id", "agent", "owner_epoch"])
        }
        EventType::ConversationAssigned => {
            (&["team", "agent", "owner_epoch"], &["note", "execution_id", "workflow_id"])
        }
        EventType::ConversationReleased => (&["owner_epoch", "reason"], &[]),
        EventType::WorkflowCompleted => (
            &["execution_id", "workflow_id", "status", "started_at", "completed_at", "duration_ms"],
            &["error", "ai"],
        ),
        EventType::WorkflowFailed => (
            &["execution_id", "workflow_id", "status", "started_at", "completed_at", "duration_ms", "error"],
            &[],
        ),
    }
}

/// The schema of the events of a type.
fn event(event_type: EventType) -> Value {
    let (required, optional) = members(event_type);
    let whole = json!(Data::schema());
    let mut properties = Map::new();
    for name in PLACE.iter().chain(required).chain(optional) {
        properties.insert((*name).to_owned(), whole["properties"][*name].clone());
    }
    for shared in ["ai", "error"] {
        if properties.contains_key(shared) {
            let reference = json!({"$ref": format!("#/components/schemas/{shared}")});
            properties.insert(shared.to_owned(), reference);
        }
    }
    let required: Vec<&str> = PLACE.iter().chain(required).copied().collect();
    let mut event = json!(Event::schema());
    event["description"] = json!(meaning(event_type));
    let fixed = [
        ("specversion", SPECVERSION),
        ("source", SOURCE),
        ("type", event_type.as_str()),
        ("datacontenttype", DATA_CONTENT_TYPE),
    ];
    for (name, value) in fixed {
        event["properties"][name]["const"] = json!(value);
    }
    event["properties"]["data"] = json!({"type": "object", "required": required, "properties": properties});
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto-schemas/asyncapi.json");

    #[test]
    fn the_document_that_is_kept_is_fresh() {
        assert_eq!(std::fs::read_to_string(KEPT).unwrap(), text(), "make generate");
    }

    #[test]
    fn the_types_that_others_know_are_all_there_are() {
        assert_eq!(EventType::ALL.map(EventType::as_str), contracts::event_type::EVENT_TYPES);
    }

    #[test]
    fn every_member_has_a_schema() {
        for event_type in EventType::ALL {
            let schema = event(event_type);
            let properties = schema["properties"]["data"]["properties"].as_object().unwrap();
            assert!(properties.values().all(Value::is_object), "{event_type:?}: {properties:?}");
        }
    }
}
