//! Replies and events as a subscriber reads them from the streams: I3 (each effect once by its key), I4 (in order, and
//! numbered without a gap), I5 (nothing that nobody asked for).

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use bus::reader::{Reader, StreamMessage};
use bus::{Bus, BusConfig, reader};
use contracts::{subject, v1};
use flow_model::ExecutionId;
use prost::Message;
use serde::Deserialize;

use super::Told;
use super::stored::{Execution, Executions, Ignored};
use crate::failure::Failure;
use crate::fleet::WARM_UP;
use crate::load::script::Script;
use crate::row::Row;

/// Messages of a stream that are asked for at once.
const MESSAGES_MAX: usize = 1_000;
/// A stream that is read to its end gives the next message within this time.
const WAIT: Duration = Duration::from_secs(10);

/// Reads both streams from their beginnings, and compares them with the executions.
///
/// # Errors
/// When the broker does not answer.
pub async fn compare(
    row: &mut Row,
    nats: &str,
    executions: &Executions,
    ignored: &Ignored,
    told: &Told,
) -> Result<(), Failure> {
    let bus = Bus::connect(&BusConfig::for_url(nats), "oracle").await?;
    replies(row, &bus, executions, told).await?;
    events(row, &bus, executions, ignored, told).await
}

/// Shows each message of a stream, in order.
async fn read_all(
    bus: &Bus,
    stream: &str,
    mut show: impl FnMut(&StreamMessage) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let last_seq = reader::stream_state(bus, stream).await?.last_seq;
    let mut opened = Reader::open(bus, stream, 1).await?;
    let mut seq = 0;
    while seq < last_seq {
        let batch = opened.next_batch(MESSAGES_MAX, WAIT).await?;
        if batch.is_empty() {
            return Err(Failure::broken(format!("{stream} ends at {seq}, not at {last_seq}")));
        }
        for message in batch {
            seq = message.seq;
            show(&message)?;
        }
    }
    Ok(())
}

async fn replies(row: &mut Row, bus: &Bus, executions: &Executions, told: &Told) -> Result<(), Failure> {
    // The text of each reply, and its place: places follow the order of the conversations.
    let mut expected: HashMap<String, (&str, usize)> = HashMap::new();
    let mut optional: HashSet<String> = HashSet::new();
    for (customer, execution) in
        executions.iter().flat_map(|(customer, all)| all.iter().map(move |execution| (customer, execution)))
    {
        for (position, reply) in execution.record.replies.iter().enumerate() {
            let key = format!("{}.{position}", ExecutionId::new(execution.id));
            if is_before(execution, told.first(customer)) {
                optional.insert(key.clone());
            }
            let place = expected.len();
            expected.insert(key, (&reply.text, place));
        }
    }
    let mut heard: HashSet<String> = HashSet::new();
    let mut last: HashMap<String, usize> = HashMap::new();
    let mut repeated = 0;
    read_all(bus, subject::REPLIES_STREAM, |message| {
        let replies = v1::Replies::decode(message.payload.clone())
            .map_err(|error| Failure::broken(format!("replies cannot be read: {error}")))?;
        for reply in replies.replies {
            match expected.get(&reply.id) {
                None => row.problem(format!("I5: a reply to {} that no execution has", reply.customer_id)),
                Some((text, place)) => {
                    row.must(*text == reply.text, || format!("I3: {} says {}", reply.id, reply.text));
                    if !heard.insert(reply.id) {
                        repeated += 1;
                        continue;
                    }
                    let before = last.insert(reply.customer_id, *place);
                    row.out_of_order += usize::from(before.is_some_and(|before| before > *place));
                }
            }
        }
        Ok(())
    })
    .await?;
    let missing = expected.keys().filter(|key| !heard.contains(*key) && !optional.contains(*key)).count();
    row.must(missing == 0, || format!("I3: {missing} of {} replies were not sent", expected.len()));
    row.sent_again += repeated;
    row.note(format!("{} replies, {repeated} sent again", heard.len()));
    Ok(())
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    partition: u32,
    commit_no: u64,
    index: u32,
    conversation_seq: u64,
    #[serde(borrow)]
    customer_id: Cow<'a, str>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
}

/// What an event tells: its type, and what was said.
type Fact = (String, String);

async fn events(
    row: &mut Row,
    bus: &Bus,
    executions: &Executions,
    ignored: &Ignored,
    told: &Told,
) -> Result<(), Failure> {
    // As ARCHITECTURE.md says that a subscriber hears each event once: what is not newer than the last is dropped.
    let mut reached: HashMap<u32, (u64, u32)> = HashMap::new();
    let mut seen: HashSet<(u32, u64, u32)> = HashSet::new();
    let mut heard: HashMap<String, BTreeMap<u64, Fact>> = HashMap::new();
    let mut repeated = 0;
    read_all(bus, subject::EVENTS_STREAM, |message| {
        let events: Vec<Event<'_>> = serde_json::from_slice(&message.payload)
            .map_err(|error| Failure::broken(format!("events cannot be read: {error}")))?;
        for event in events {
            let data = event.data;
            let is_first = seen.insert((data.partition, data.commit_no, data.index));
            let last = reached.get(&data.partition).copied();
            let is_newer = last < Some((data.commit_no, data.index));
            if is_newer {
                reached.insert(data.partition, (data.commit_no, data.index));
            } else {
                repeated += 1;
            }
            let may_be_late = matches!(told, Told::InAnyOrder);
            row.must(is_newer || !is_first || may_be_late, || {
                let place = (data.partition, data.commit_no, data.index);
                format!("I3: the event at {place:?} comes after {last:?}, so a subscriber misses it")
            });
            if !is_first || data.customer_id == WARM_UP {
                continue;
            }
            let fact = (event.r#type.into_owned(), data.message.unwrap_or_default().into_owned());
            let customer = heard.entry(data.customer_id.into_owned()).or_default();
            if let Some(before) = customer.insert(data.conversation_seq, fact) {
                row.problem(format!("I4: two events have the number {}: {before:?}", data.conversation_seq));
            }
        }
        Ok(())
    })
    .await?;
    for (customer, all) in executions {
        let mut facts = heard.remove(customer).unwrap_or_default();
        let mut ignored = ignored.get(customer).cloned().unwrap_or_default();
        compare_events(row, customer, all, &mut facts, &mut ignored, told.first(customer));
    }
    for customer in heard.keys() {
        row.problem(format!("I5: events of {customer}, who has no execution"));
    }
    row.sent_again += repeated;
    row.note(format!("{} events, {repeated} told again", seen.len()));
    Ok(())
}

/// Whether its message comes before the one of this number.
fn is_before(execution: &Execution, first: usize) -> bool {
    Script::number_of(&execution.record.message_id).is_some_and(|number| number < first)
}

/// The executions of one customer say which numbers have which events. What no workflow took has one, too.
fn compare_events(
    row: &mut Row,
    customer: &str,
    executions: &[Execution],
    facts: &mut BTreeMap<u64, Fact>,
    ignored: &mut HashSet<String>,
    first: usize,
) {
    let mut next = 1;
    for execution in executions {
        let message = &execution.record.message_id;
        let begins = execution.record.first_conversation_seq;
        next = after_ignored(next, facts, ignored);
        row.must(begins == next, || {
            format!("I4: {customer} {message} begins with number {begins}, not {next}")
        });
        next = begins;
        let is_optional = is_before(execution, first);
        for fact in facts_of(execution) {
            let told = facts.remove(&next);
            let right = told.as_ref() == Some(&fact) || (told.is_none() && is_optional);
            row.must(right, || format!("I3: {customer} {message}: event {next} is {told:?}, not {fact:?}"));
            next += 1;
        }
    }
    after_ignored(next, facts, ignored);
    row.must(ignored.is_empty(), || format!("I3: {customer} is not told to have said {ignored:?}"));
    row.must(facts.is_empty(), || format!("I5: {customer} has events of no execution: {facts:?}"));
}

/// The number after those of messages that no workflow took, and that begin with this one.
fn after_ignored(mut next: u64, facts: &mut BTreeMap<u64, Fact>, ignored: &mut HashSet<String>) -> u64 {
    while let Some((kind, text)) = facts.get(&next)
        && kind == "message.received"
        && ignored.remove(text)
    {
        facts.remove(&next);
        next += 1;
    }
    next
}

/// What an execution tells, in the order of its conversation.
fn facts_of(execution: &Execution) -> Vec<Fact> {
    let record = &execution.record;
    let fact = |kind: &str, text: &str| (kind.to_owned(), text.to_owned());
    let mut facts = Vec::new();
    if record.customer_created {
        facts.push(fact("customer.created", ""));
    }
    if !execution.by_timer() {
        facts.push(fact("message.received", &record.input_text));
    }
    if record.keyword.is_some() {
        facts.push(fact("trigger.activated", ""));
    }
    facts.push(fact("workflow.started", ""));
    facts.extend(record.replies.iter().map(|reply| fact("message.sent", &reply.text)));
    facts.push(fact("workflow.completed", ""));
    if execution.failed() {
        facts.push(fact("workflow.failed", ""));
    }
    facts
}
