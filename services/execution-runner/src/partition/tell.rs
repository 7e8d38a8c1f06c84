//! What others are told: events and replies, as a pure function of the rows of a commit.
//!
//! The same rows always give the same ids, positions and order, so publishing them again after a crash repeats
//! and never contradicts. Within one partition's commit events are numbered in the order in which they are
//! published: by account, then by type, then as they happened; a consumer that keeps the last
//! (`commit_no`, `index`) of each partition may drop whatever is not newer.

pub mod event;
pub mod note;
pub mod usage;

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use contracts::v1::outbox_entry::Entry;
use contracts::{subject, v1};
use flow_model::{AccountId, ConversationId, ExecutionId, WorkflowId};
use prost::Message;

use self::event::{AiData, BATCH_CONTENT_TYPE, Data, ErrorData, EventType};
use super::port::{OutboxRow, Outgoing};

/// Bytes of events or replies in one bus message, so that with its frame it stays below the broker's 1 MiB. One
/// event is smaller than this: its texts are bounded where they come in.
const MESSAGE_BYTES_MAX: usize = 768 * 1024;
/// Bytes of an event of a short message, with what surrounds it.
const EVENT_BYTES_USUAL: usize = 1024;

/// How many events an execution tells: so many numbers of its conversation it takes.
pub fn count_of_execution(execution: &v1::Execution) -> u64 {
    types_of_execution(execution).len() as u64
}

/// How many events an ignored message tells.
pub fn count_of_ignored(ignored: &v1::IgnoredMessage) -> u64 {
    1 + u64::from(ignored.customer_created)
}

/// The events of an execution in the order in which they happened.
fn types_of_execution(execution: &v1::Execution) -> Vec<(EventType, usize)> {
    let Some(record) = &execution.record else { return Vec::new() };
    let mut types = Vec::with_capacity(6 + record.replies.len());
    if record.customer_created {
        types.push((EventType::CustomerCreated, 0));
    }
    if record.began_by_message() {
        types.push((EventType::MessageReceived, 0));
    }
    if record.keyword.is_some() {
        types.push((EventType::TriggerActivated, 0));
    }
    types.push((EventType::WorkflowStarted, 0));
    types.extend((0..record.replies.len()).map(|position| (EventType::MessageSent, position)));
    if execution.status() == v1::ExecutionStatus::Running {
        return types;
    }
    if record.handoff.is_some() {
        types.push((EventType::ConversationAssigned, 0));
    }
    types.push((EventType::WorkflowCompleted, 0));
    if execution.status() == v1::ExecutionStatus::Failed {
        types.push((EventType::WorkflowFailed, 0));
    }
    types
}

/// Where what was said stands among the events of an execution: what came in (none), and each reply by its place.
pub fn said_in(execution: &v1::Execution) -> impl Iterator<Item = (u64, Option<usize>)> {
    (0..).zip(types_of_execution(execution)).filter_map(|(offset, (event_type, position))| match event_type {
        EventType::MessageReceived => Some((offset, None)),
        EventType::MessageSent => Some((offset, Some(position))),
        _ => None,
    })
}

/// The events of an execution as one that reads its conversation gets them, with their numbers: they are not named after a
/// commit, as those on the bus are.
pub fn history_of_execution(execution: &v1::Execution) -> Vec<(u64, Bytes)> {
    let mut told = Vec::new();
    tell_execution(execution, 0, &mut told);
    told.iter().map(Told::for_history).collect()
}

/// The same of what happened beside the executions.
pub fn history_of_note(entry: &Entry) -> Vec<(u64, Bytes)> {
    let mut told = Vec::new();
    match entry {
        Entry::Ignored(ignored) => tell_ignored(ignored, &mut told),
        Entry::Note(note) => told.extend(note::told_by(note)),
        Entry::Execution(_) | Entry::Part(_) => {}
    }
    told.iter().map(Told::for_history).collect()
}

/// One event before it is numbered.
struct Told<'a> {
    account: AccountId,
    event_type: EventType,
    time_ms: i64,
    conversation_seq: u64,
    data: Data<'a>,
}

impl Told<'_> {
    fn for_history(&self) -> (u64, Bytes) {
        let event =
            event::encode_for_history(self.event_type, self.time_ms, self.conversation_seq, &self.data);
        (self.conversation_seq, event)
    }
}

/// What these rows have to tell, in the order in which it is to be published.
///
/// Rows of one partition are told one commit after the other, so that a consumer that drops what is not newer drops
/// nothing new. What all partitions of the group have to say in one batch is together: each message costs the broker as much as
/// what it holds.
///
/// `executions` holds every execution that a row names; one that is missing is an error of the caller and is left
/// out with an error in the log.
pub fn outgoing(
    group: u32,
    rows: &[OutboxRow],
    executions: &HashMap<ExecutionId, v1::Execution>,
) -> Vec<Outgoing> {
    let mut rounds: Vec<Vec<&OutboxRow>> = Vec::new();
    let mut told: HashMap<u32, usize> = HashMap::new();
    for row in rows {
        let round = told.entry(row.key.partition).or_default();
        match rounds.get_mut(*round) {
            Some(rows) => rows.push(row),
            None => rounds.push(vec![row]),
        }
        *round += 1;
    }
    rounds.iter().flat_map(|rows| one_commit_each(group, rows, executions)).collect()
}

/// The same for rows of as many partitions.
fn one_commit_each(
    group: u32,
    rows: &[&OutboxRow],
    executions: &HashMap<ExecutionId, v1::Execution>,
) -> Vec<Outgoing> {
    let mut events: BTreeMap<(AccountId, EventType), Events> = BTreeMap::new();
    let mut replies: BTreeMap<String, Vec<v1::OutboundReply>> = BTreeMap::new();
    for row in rows {
        for event in numbered(row, executions) {
            events.entry((event.account, event.event_type)).or_default().add(&event);
        }
        for reply in replies_of(row, executions) {
            replies.entry(reply.channel.clone()).or_default().push(reply);
        }
    }
    let events = events.into_iter().flat_map(|((account, event_type), events)| {
        events.into_messages(subject::events(account, event_type.as_str()))
    });
    let replies = replies.into_iter().flat_map(|(channel, replies)| {
        let subject = subject::replies(&channel, group);
        in_messages(replies).into_iter().map(move |replies| Outgoing {
            subject: subject.clone(),
            content_type: "application/protobuf",
            items: replies.len(),
            payload: v1::Replies { replies }.encode_to_vec().into(),
        })
    });
    replies.chain(events).collect()
}

/// The events of one commit after its first `skip`, each as a message of its own, in the order of their index.
pub fn events_of(
    row: &OutboxRow,
    executions: &HashMap<ExecutionId, v1::Execution>,
    skip: usize,
) -> Vec<v1::PublishedEvents> {
    let told = numbered(row, executions).into_iter().skip(skip);
    told.flat_map(|event| {
        let mut events = Events::default();
        events.add(&event);
        events.into_messages(subject::events(event.account, event.event_type.as_str()))
    })
    .map(|message| v1::PublishedEvents { subject: message.subject, payload: message.payload })
    .collect()
}

/// The events of one commit with their places.
fn numbered<'a>(row: &'a OutboxRow, executions: &'a HashMap<ExecutionId, v1::Execution>) -> Vec<Told<'a>> {
    let mut told = told_by(row, executions);
    // A stable sort: of one account and type they stay as they happened.
    told.sort_by_key(|event| (event.account, event.event_type));
    for (index, event) in told.iter_mut().enumerate() {
        event.data.partition = row.key.partition;
        event.data.commit_no = row.key.commit_no;
        event.data.index = u32::try_from(index).unwrap_or(u32::MAX);
        event.data.conversation_seq = event.conversation_seq;
    }
    told
}

/// Cuts replies, in order, into parts of at most [`MESSAGE_BYTES_MAX`] bytes; each has at least one.
fn in_messages(replies: Vec<v1::OutboundReply>) -> Vec<Vec<v1::OutboundReply>> {
    let mut parts: Vec<Vec<v1::OutboundReply>> = Vec::new();
    let mut bytes = 0;
    for reply in replies {
        bytes += reply.encoded_len() + 8;
        match parts.last_mut() {
            Some(part) if bytes <= MESSAGE_BYTES_MAX => part.push(reply),
            _ => {
                bytes = reply.encoded_len() + 8;
                parts.push(vec![reply]);
            }
        }
    }
    parts
}

/// Events of one account and type as JSON arrays of at most [`MESSAGE_BYTES_MAX`] bytes, each with at least one event.
#[derive(Default)]
struct Events {
    /// Arrays that are not closed, and how many events each has.
    arrays: Vec<(Vec<u8>, usize)>,
}

impl Events {
    fn add(&mut self, event: &Told<'_>) {
        let mut array = self.arrays.pop().unwrap_or_else(|| (Vec::with_capacity(EVENT_BYTES_USUAL), 0));
        let before = array.0.len();
        array.0.push(if array.1 == 0 { b'[' } else { b',' });
        event::write(&mut array.0, event.event_type, event.time_ms, &event.data);
        if array.1 == 0 || array.0.len() < MESSAGE_BYTES_MAX {
            array.1 += 1;
            self.arrays.push(array);
            return;
        }
        let mut next = array.0.split_off(before);
        if let Some(first) = next.first_mut() {
            *first = b'[';
        }
        self.arrays.extend([array, (next, 1)]);
    }

    fn into_messages(self, subject: String) -> impl Iterator<Item = Outgoing> {
        self.arrays.into_iter().map(move |(mut payload, items)| {
            payload.push(b']');
            let (subject, payload) = (subject.clone(), payload.into());
            Outgoing { subject, content_type: BATCH_CONTENT_TYPE, items, payload }
        })
    }
}

fn told_by<'a>(row: &'a OutboxRow, executions: &'a HashMap<ExecutionId, v1::Execution>) -> Vec<Told<'a>> {
    let mut told = Vec::new();
    for entry in row.outbox.entries.iter().filter_map(|entry| entry.entry.as_ref()) {
        match entry {
            Entry::Execution(reference) => {
                if let Some(execution) = find(reference, executions) {
                    tell_execution(execution, reference.events_told, &mut told);
                } else {
                    tracing::error!(?row.key, "an execution of the outbox is not stored");
                }
            }
            Entry::Ignored(ignored) => tell_ignored(ignored, &mut told),
            Entry::Note(note) => told.extend(note::told_by(note)),
            Entry::Part(part) => {
                if let Some(execution) = &part.execution {
                    tell_execution(execution, part.events_told, &mut told);
                }
            }
        }
    }
    told
}

fn find<'a>(
    reference: &v1::ExecutionRef,
    executions: &'a HashMap<ExecutionId, v1::Execution>,
) -> Option<&'a v1::Execution> {
    executions.get(&ExecutionId::from_slice(&reference.id).ok()?)
}

fn tell_ignored<'a>(ignored: &'a v1::IgnoredMessage, told: &mut Vec<Told<'a>>) {
    let Ok(account) = AccountId::from_slice(&ignored.account_id) else { return };
    let types = [EventType::CustomerCreated, EventType::MessageReceived];
    let types = types.into_iter().skip(usize::from(!ignored.customer_created));
    for (conversation_seq, event_type) in (ignored.first_conversation_seq..).zip(types) {
        let received = event_type == EventType::MessageReceived;
        told.push(Told {
            account,
            event_type,
            time_ms: ignored.accepted_at_ms,
            conversation_seq,
            data: Data {
                conversation_id: conversation_id(&ignored.conversation_id),
                customer_id: &ignored.customer_id,
                channel: &ignored.channel,
                message_id: received.then_some(ignored.message_id.as_str()),
                message: received.then_some(ignored.text.as_str()),
                ..Data::default()
            },
        });
    }
}

/// Tells the events of an execution but for the first, which are told.
fn tell_execution<'a>(execution: &'a v1::Execution, events_told: u32, told: &mut Vec<Told<'a>>) {
    let (Some(record), Ok(account)) = (&execution.record, AccountId::from_slice(&execution.account_id))
    else {
        return;
    };
    let types = types_of_execution(execution).into_iter().enumerate().skip(events_told as usize);
    for (offset, (event_type, position)) in types {
        told.push(Told {
            account,
            event_type,
            time_ms: match event_type {
                EventType::CustomerCreated
                | EventType::MessageReceived
                | EventType::TriggerActivated
                | EventType::WorkflowStarted => execution.started_at_ms,
                EventType::MessageSent
                | EventType::WorkflowCompleted
                | EventType::WorkflowFailed
                | EventType::ConversationAssigned
                | EventType::ConversationReleased => {
                    execution.completed_at_ms.unwrap_or(execution.started_at_ms)
                }
            },
            conversation_seq: record.first_conversation_seq + offset as u64,
            data: execution_data(execution, record, event_type, position),
        });
    }
}

fn execution_data<'a>(
    execution: &'a v1::Execution,
    record: &'a v1::ExecutionRecord,
    event_type: EventType,
    position: usize,
) -> Data<'a> {
    let mut data = Data {
        conversation_id: conversation_id(&execution.conversation_id),
        customer_id: &execution.customer_id,
        channel: &execution.channel,
        ..Data::default()
    };
    if event_type == EventType::CustomerCreated {
        return data;
    }
    data.execution_id = ExecutionId::from_slice(&execution.id).ok();
    data.workflow_id = WorkflowId::from_slice(&execution.workflow_id).ok();
    match event_type {
        EventType::CustomerCreated | EventType::ConversationReleased => {}
        EventType::ConversationAssigned => note::add_handoff(record.handoff.as_ref(), &mut data),
        EventType::MessageReceived => {
            data.message_id = Some(&record.message_id);
            data.message = Some(&record.input_text);
        }
        EventType::TriggerActivated => data.keyword = record.keyword.as_deref(),
        EventType::WorkflowStarted => data.revision = Some(execution.revision),
        EventType::MessageSent => {
            data.reply_id = Some(reply_id(execution, position));
            let reply = record.replies.get(position);
            data.node_id = reply.map(|reply| reply.node_id.as_str());
            data.message = reply.map(|reply| reply.text.as_str());
        }
        EventType::WorkflowCompleted | EventType::WorkflowFailed => {
            let completed_at_ms = execution.completed_at_ms.unwrap_or(execution.started_at_ms);
            let failed = execution.status() == v1::ExecutionStatus::Failed;
            data.status = Some(if failed { "failed" } else { "success" });
            data.started_at = Some(platform::clock::rfc3339(execution.started_at_ms));
            data.completed_at = Some(platform::clock::rfc3339(completed_at_ms));
            data.duration_ms = Some(completed_at_ms - execution.started_at_ms);
            if event_type == EventType::WorkflowCompleted {
                data.ai = usage::of(record).map(AiData::from);
            }
            data.error = record.error.as_ref().map(|error| ErrorData {
                code: &error.code,
                message: &error.message,
                node_id: &error.node_id,
            });
        }
    }
    data
}

/// The stable key under which a reply is sent: its execution and its place in it.
pub fn reply_id(execution: &v1::Execution, position: usize) -> String {
    let id = ExecutionId::from_slice(&execution.id).map_or_else(|_| String::new(), |id| id.to_string());
    format!("{id}.{position}")
}

/// All of a commit were checked when they came in.
fn conversation_id(bytes: &[u8]) -> ConversationId {
    ConversationId::from_slice(bytes).unwrap_or_default()
}

fn replies_of(row: &OutboxRow, executions: &HashMap<ExecutionId, v1::Execution>) -> Vec<v1::OutboundReply> {
    let mut replies = Vec::new();
    for entry in row.outbox.entries.iter().filter_map(|entry| entry.entry.as_ref()) {
        let (execution, told) = match entry {
            Entry::Execution(reference) => (find(reference, executions), reference.replies_told),
            Entry::Part(part) => (part.execution.as_ref(), part.replies_told),
            Entry::Note(note) => {
                replies.extend(note::reply(note, row.key, replies.len()));
                continue;
            }
            Entry::Ignored(_) => continue,
        };
        let Some((execution, record)) =
            execution.and_then(|execution| Some((execution, execution.record.as_ref()?)))
        else {
            continue;
        };
        for (position, reply) in record.replies.iter().enumerate().skip(told as usize) {
            replies.push(v1::OutboundReply {
                id: reply_id(execution, position),
                account_id: execution.account_id.clone(),
                conversation_id: execution.conversation_id.clone(),
                execution_id: execution.id.clone(),
                customer_id: execution.customer_id.clone(),
                channel: execution.channel.clone(),
                node_id: reply.node_id.clone(),
                text: reply.text.clone(),
                partition: row.key.partition,
                commit_no: row.key.commit_no,
                index: u32::try_from(replies.len()).unwrap_or(u32::MAX),
                owner_epoch: record.owner_epoch,
                agent: String::new(),
            });
        }
    }
    replies
}

#[cfg(test)]
mod tests {
    use platform::clock;

    use super::super::port::OutboxKey;
    use super::*;

    /// A commit in which one execution says this over this channel.
    fn commit(
        (partition, commit_no): (u32, u64),
        channel: &str,
        text: &str,
        executions: &mut HashMap<ExecutionId, v1::Execution>,
    ) -> OutboxRow {
        let id = ExecutionId::new(clock::new_uuid_v7());
        let reply = v1::Reply { node_id: "hello".to_owned(), text: text.to_owned() };
        let record = v1::ExecutionRecord { replies: vec![reply], ..Default::default() };
        let execution = v1::Execution {
            id: id.to_vec().into(),
            channel: channel.to_owned(),
            record: Some(record),
            ..Default::default()
        };
        executions.insert(id, execution);
        let reference = v1::ExecutionRef { id: id.to_vec().into(), ..Default::default() };
        let entries = vec![v1::OutboxEntry { entry: Some(Entry::Execution(reference)) }];
        OutboxRow { key: OutboxKey { partition, commit_no }, outbox: v1::Outbox { entries } }
    }

    #[test]
    fn what_a_batch_says_over_a_channel_is_one_message_and_later_commits_of_a_partition_are_another() {
        let mut executions = HashMap::new();
        let rows = [
            ((3, 7), "web", "one"),
            ((9, 2), "web", "two"),
            ((9, 3), "web", "three"),
            ((5, 1), "voice", "four"),
        ]
        .map(|(place, channel, text)| commit(place, channel, text, &mut executions));
        let told = outgoing(1, &rows, &executions);
        let said: Vec<(String, Vec<String>)> = told
            .into_iter()
            .filter(|message| message.subject.starts_with("replies."))
            .map(|message| {
                let replies = v1::Replies::decode(message.payload).unwrap_or_default().replies;
                let place = |reply: v1::OutboundReply| {
                    format!("{}@{}.{}", reply.text, reply.partition, reply.commit_no)
                };
                (message.subject, replies.into_iter().map(place).collect())
            })
            .collect();
        let expected = [
            ("replies.voice.1", vec!["four@5.1"]),
            ("replies.web.1", vec!["one@3.7", "two@9.2"]),
            ("replies.web.1", vec!["three@9.3"]),
        ];
        let said: Vec<(&str, Vec<&str>)> = said
            .iter()
            .map(|(subject, replies)| (subject.as_str(), replies.iter().map(String::as_str).collect()))
            .collect();
        assert_eq!(said, expected);
    }
}
