//! What must be true afterwards: what came out is what comes out without any fault.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use contracts::v1;
use contracts::v1::outbox_entry::Entry;
use flow_model::ExecutionId;
use prost::Message;
use serde_json::Value;
use uuid::Uuid;

use crate::world::{Partition, World};

/// What is left to do; empty when nothing is.
pub fn unfinished(world: &World) -> String {
    let behind = world.database.partitions.iter().enumerate();
    let stream = &world.broker;
    let is_behind = |row: &Partition| {
        row.incarnation != stream.incarnation || row.applied_seq < stream.last_seq || row.owner.is_none()
    };
    let behind = behind.filter(|(_, row)| is_behind(row));
    let behind: Vec<usize> = behind.map(|(partition, _)| partition).collect();
    let database = &world.database;
    let open = database.partitions.iter().filter(|row| row.told_no < row.commit_no).count();
    let waits = [
        database.timers.len(),
        database.activities.len(),
        database.running.len(),
        database.mail.len(),
        database.conversations.values().filter(|conversation| conversation.timer().is_some()).count(),
    ];
    if behind.is_empty() && open == 0 && waits == [0; 5] {
        return String::new();
    }
    format!(
        "partitions {behind:?} are behind or free, {open} partitions are not told, timers, activities, running ones, mail and waits {waits:?}"
    )
}

/// Compares a game with faults with one without.
pub fn same(calm: &World, stormy: &World) -> Result<(), String> {
    if let Some(violation) = stormy.database.violations.first() {
        return Err(violation.clone());
    }
    let poison: BTreeSet<Uuid> = stormy.poison.keys().copied().collect();
    let dead = stormy.database.dead_letters.values();
    let dead: BTreeSet<Uuid> = dead.map(|letter| letter.input.as_ref().unwrap().key.unwrap()).collect();
    if poison != dead {
        return Err(format!("dead letters: {dead:?} instead of {poison:?}"));
    }
    equal("executions", &executions(calm), &executions(stormy))?;
    equal("conversations", &conversations(calm), &conversations(stormy))?;
    equal("notes", &notes(calm), &notes(stormy))?;
    equal("events", &events(calm)?, &events(stormy)?)?;
    equal("replies", &replies(calm), &replies(stormy))
}

fn equal<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    what: &str,
    expected: &BTreeMap<K, V>,
    found: &BTreeMap<K, V>,
) -> Result<(), String> {
    for (key, value) in expected {
        match found.get(key) {
            None => return Err(format!("{what}: {key:?} is missing")),
            Some(other) if other != value => {
                return Err(format!("{what}: {key:?} is {other:?} instead of {value:?}"));
            }
            Some(_) => {}
        }
    }
    match found.keys().find(|key| !expected.contains_key(key)) {
        Some(surplus) => Err(format!("{what}: {surplus:?} should not be there")),
        None => Ok(()),
    }
}

/// Executions without their times.
fn executions(world: &World) -> BTreeMap<String, v1::Execution> {
    let timeless = |execution: &v1::Execution| {
        let mut execution = execution.clone();
        execution.completed_at_ms = None;
        for step in execution.record.iter_mut().flat_map(|record| &mut record.steps) {
            (step.started_at_ms, step.completed_at_ms) = (0, 0);
            if step.r#type == "delay" {
                step.output_json.clear();
            }
        }
        if execution.record.as_ref().unwrap().started_by_timer {
            (execution.id, execution.started_at_ms) = (bytes::Bytes::new(), 0);
        }
        execution
    };
    let all = world.database.executions.values();
    all.map(|execution| (name(execution), timeless(execution))).collect()
}

/// What an execution is called: one that a timer made has an id of its time, so it is called by its place.
fn name(execution: &v1::Execution) -> String {
    let record = execution.record.as_ref().unwrap();
    if record.started_by_timer {
        return format!("{} from {}", execution.customer_id, record.first_conversation_seq);
    }
    ExecutionId::from_slice(&execution.id).unwrap().to_string()
}

/// Its events so far, its waits, the node at which it waits, who has it, and the owner's epoch.
type Stands = (u64, u64, Option<String>, Option<String>, u64);

/// Where each conversation stands.
fn conversations(world: &World) -> BTreeMap<String, Stands> {
    let stands = |conversation: &execution_runner::partition::port::Conversation| {
        let node = conversation.wait.as_ref().map(|wait| wait.node_id.clone());
        let agent = conversation.person.as_ref().map(|person| person.agent.clone());
        (conversation.seq, conversation.wait_no, node, agent, conversation.owner_epoch)
    };
    let all = world.database.conversations.values();
    all.map(|conversation| (conversation.customer_id.clone(), stands(conversation))).collect()
}

/// What is kept beside executions, without the time and the id of a note that a timer made; and how many conversations there
/// are.
fn notes(world: &World) -> BTreeMap<String, String> {
    let timeless = |entry: &Entry| match entry {
        Entry::Note(note) => {
            let (id, at_ms) = Default::default();
            format!("{:?}", v1::ConversationNote { id, at_ms, ..note.clone() })
        }
        entry => format!("{entry:?}"),
    };
    let notes = world.database.notes.iter();
    let notes =
        notes.map(|((conversation, seq), entry)| (format!("{conversation:?} {seq}"), timeless(entry)));
    notes.chain([("how many".to_owned(), world.database.there.to_string())]).collect()
}

/// Types and texts of events, by customer and number.
type Heard = BTreeMap<(String, u64), (String, String)>;

/// What a subscriber has, by conversation and number, that reads in order and drops what is not newer than the last event of
/// its partition.
fn events(world: &World) -> Result<Heard, String> {
    let mut last: HashMap<u64, (u64, u64)> = HashMap::new();
    let mut contents: HashMap<String, String> = HashMap::new();
    let mut heard = BTreeMap::new();
    let messages = world.broker.published.iter().filter(|message| message.subject.starts_with("events."));
    for event in messages.flat_map(|message| serde_json::from_slice::<Vec<Value>>(&message.payload).unwrap())
    {
        let text =
            |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |pointer: &str| event.pointer(pointer).and_then(Value::as_u64).unwrap();
        let place = (number("/data/commit_no"), number("/data/index"));
        let content = event.to_string();
        if contents.entry(text("/id")).or_insert_with(|| content.clone()) != &content {
            return Err(format!("events: {} is told with two contents", text("/id")));
        }
        let last = last.entry(number("/data/partition")).or_default();
        if *last >= place {
            continue;
        }
        *last = place;
        let key = (text("/data/customer_id"), number("/data/conversation_seq"));
        let told = (text("/type"), text("/data/message"));
        if heard.insert(key.clone(), told).is_some() {
            return Err(format!("events: {key:?} is told at two places"));
        }
    }
    Ok(heard)
}

/// What a channel sender has to send, by its key.
fn replies(world: &World) -> BTreeMap<String, (String, String)> {
    let messages = world.broker.published.iter().filter(|message| message.subject.starts_with("replies."));
    let replies = messages.flat_map(|message| v1::Replies::decode(message.payload.clone()).unwrap().replies);
    let sent = |reply: v1::OutboundReply| {
        if reply.execution_id.is_empty() {
            return (reply.id, (reply.agent, reply.text));
        }
        let execution = ExecutionId::from_slice(&reply.execution_id).unwrap();
        let (id, place) = reply.id.rsplit_once('.').unwrap();
        assert_eq!(id, execution.to_string());
        let name = world.database.executions.get(&execution).map_or(id.to_owned(), name);
        (format!("{name}.{place}"), (name, reply.text))
    };
    replies.map(sent).collect()
}
