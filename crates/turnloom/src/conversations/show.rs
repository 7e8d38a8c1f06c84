//! How conversations look to people.

use serde_json::Value;

use crate::output::{self, BOLD, DIM, GREEN, YELLOW, member, short, styled, time};
use crate::printing::println;

/// A table.
pub(super) fn list(conversations: &[Value]) {
    let row = |conversation: &Value| {
        vec![
            time(conversation, "/created_at"),
            state(conversation),
            owner(conversation),
            member(conversation, "/customer_id"),
            member(conversation, "/channel"),
            member(conversation, "/waiting_because/reason"),
            member(conversation, "/node_id"),
            member(conversation, "/id"),
        ]
    };
    let headings = ["BEGAN", "STATE", "HAS IT", "CUSTOMER", "CHANNEL", "WAITS FOR", "AT NODE", "ID"];
    output::table(&headings, conversations.iter().map(row).collect());
}

fn state(conversation: &Value) -> String {
    let state = member(conversation, "/state");
    let style = match state.as_str() {
        "with_human" => YELLOW,
        "idle" => DIM,
        _ => GREEN,
    };
    styled(style, &state)
}

/// Who answers the customer.
pub(super) fn owner(conversation: &Value) -> String {
    let known = |name: &str| {
        conversation.pointer(&format!("/owner/{name}")).and_then(Value::as_str).map(str::to_owned)
    };
    if known("kind").as_deref() != Some("human") {
        return "the bot".to_owned();
    }
    match (known("agent"), known("team")) {
        (Some(agent), Some(team)) => format!("{agent} of {team}"),
        (Some(agent), None) => agent,
        (None, Some(team)) => format!("somebody of {team}"),
        (None, None) => "somebody".to_owned(),
    }
}

/// One with everything that is known of it.
pub(super) fn one(conversation: &Value) {
    let text = |pointer: &str| member(conversation, pointer);
    let line = |name: &str, value: &str| println!("  {} {value}", styled(DIM, &format!("{name:<9}")));
    let known =
        |pointer: &str| conversation.pointer(pointer).is_some_and(|value| !value.is_null() && *value != 0);
    println!("{} {}, {}", styled(BOLD, &text("/id")), state(conversation), time(conversation, "/created_at"));
    line("customer", &format!("{} over {}", text("/customer_id"), text("/channel")));
    line("has it", &format!("{}{}", owner(conversation), span(conversation, "/owner")));
    if known("/owner/note") {
        line("note", &short(&text("/owner/note"), 100));
    }
    if known("/workflow_id") {
        let (workflow, revision) = (text("/workflow_id"), text("/revision"));
        line("flow", &format!("{workflow}, revision {revision}, at {}", text("/node_id")));
    }
    if known("/waiting_because") {
        let reason = text("/waiting_because/reason");
        line("waits for", &format!("{reason}{}", span(conversation, "/waiting_because")));
    }
    for (name, pointer) in [
        ("runs", "/running_execution_id"),
        ("failed", "/failed_execution_id"),
        ("messages", "/messages_waiting"),
    ] {
        if known(pointer) {
            line(name, &text(pointer));
        }
    }
    for (name, value) in conversation.get("variables").and_then(Value::as_object).into_iter().flatten() {
        line("variable", &format!("{name} = {}", short(&output::plain(Some(value)), 80)));
    }
    line("events", &text("/last_seq"));
}

/// Since when, and until when where that is known.
fn span(conversation: &Value, pointer: &str) -> String {
    let part = |name: &str, word: &str| {
        let at = format!("{pointer}/{name}");
        let is_known = conversation.pointer(&at).is_some_and(Value::is_string);
        if is_known { format!(" {word} {}", time(conversation, &at)) } else { String::new() }
    };
    format!("{}{}", part("since", "since"), part("until", "until"))
}

/// What was said, as a table.
pub(super) fn messages(said: &[Value]) {
    let row = |message: &Value| {
        let from = member(message, "/from");
        let style = match from.as_str() {
            "customer" => BOLD,
            "bot" => GREEN,
            _ => YELLOW,
        };
        let by = message.get("agent").and_then(Value::as_str).unwrap_or(&from).to_owned();
        vec![
            time(message, "/at"),
            member(message, "/conversation_seq"),
            styled(style, &by),
            short(&member(message, "/message"), 100),
        ]
    };
    output::table(&["AT", "EVENT", "FROM", "MESSAGE"], said.iter().map(row).collect());
}
