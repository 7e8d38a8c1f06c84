//! Executions as they are stored, beside what the scripts say: I1 (none lost), I2 (none twice), I4 (in order), I5 (none
//! that nobody asked for).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use contracts::v1;
use prost::Message;
use tokio_postgres::Client;
use uuid::Uuid;

use super::by_time;
use crate::failure::Failure;
use crate::fleet::WARM_UP;
use crate::load::script::{Ends, Script};
use crate::load::{Said, Spoken};
use crate::row::Row;

/// One execution.
pub struct Execution {
    /// Its id.
    pub id: Uuid,
    /// Its workflow.
    pub workflow: Uuid,
    /// Its channel's number.
    pub channel: i16,
    /// Its status, as in `v1::ExecutionStatus`.
    pub status: i16,
    /// When its message was accepted, Unix milliseconds.
    pub started_at_ms: i64,
    /// How long it took, milliseconds.
    pub duration_ms: i64,
    /// All of it that is no column.
    pub record: v1::ExecutionRecord,
}

impl Execution {
    /// Whether it failed.
    pub fn failed(&self) -> bool {
        i32::from(self.status) == i32::from(v1::ExecutionStatus::Failed)
    }

    /// Whether a timer made it.
    pub fn by_timer(&self) -> bool {
        self.record.started_by_timer
    }

    /// The number of its message in the script.
    pub fn sequence(&self) -> Option<usize> {
        Script::number_of(&self.record.message_id)
    }

    /// What it said.
    pub fn replies(&self) -> impl Iterator<Item = &str> {
        self.record.replies.iter().map(|reply| reply.text.as_str())
    }

    /// Whether it succeeded and said these texts; or that it gave up, as it may when whoever did what it waited for was killed
    /// again and again.
    pub fn says(&self, hears: &[String]) -> bool {
        !self.failed()
            && (self.replies().eq(hears) || (self.gave_up() && self.replies().count() == hears.len()))
    }

    /// Whether it waited in vain, for as long as it had to.
    pub fn gave_up(&self) -> bool {
        self.replies().last() == Some(GIVEN_UP) && self.duration_ms >= GIVE_UP_AFTER_MS
    }
}

/// What a flow says when nobody has ended its activity in time.
const GIVEN_UP: &str = "Sorry: ACTIVITY_TIMED_OUT";
/// No activity is given up earlier.
const GIVE_UP_AFTER_MS: i64 = 60_000;

/// All executions by customer, each customer's in the order of the conversation.
pub type Executions = BTreeMap<String, Vec<Execution>>;

/// What was said and no workflow took, by customer, as it may be.
pub type Ignored = HashMap<String, HashSet<String>>;

/// Reads all executions.
///
/// # Errors
/// When the database does not answer.
pub async fn read(client: &Client) -> Result<Executions, Failure> {
    let rows = client
        .query(
            "SELECT id, workflow_id, channel, status, started_at, completed_at, record, customer_id FROM runner.executions",
            &[],
        )
        .await?;
    let mut executions = Executions::new();
    for row in rows {
        let (started, completed): (DateTime<Utc>, DateTime<Utc>) = (row.get(4), row.get(5));
        let record: &[u8] = row.get(6);
        let record = v1::ExecutionRecord::decode(record)
            .map_err(|error| Failure::broken(format!("a record cannot be read: {error}")))?;
        let execution = Execution {
            id: row.get(0),
            workflow: row.get(1),
            channel: row.get(2),
            status: row.get(3),
            started_at_ms: started.timestamp_millis(),
            duration_ms: completed.timestamp_millis() - started.timestamp_millis(),
            record,
        };
        executions.entry(row.get(7)).or_default().push(execution);
    }
    for of_customer in executions.values_mut() {
        of_customer.sort_by_key(|execution| execution.record.first_conversation_seq);
    }
    Ok(executions)
}

/// Compares them with what was said, and gives what came too late to be taken.
pub fn compare(row: &mut Row, said: &Said, executions: &Executions) -> Ignored {
    let mut ignored = Ignored::new();
    let mut customers = BTreeSet::from([WARM_UP.to_owned()]);
    for spoken in &said.spoken {
        let customer = spoken.script.customer();
        let found = executions.get(&customer).map(Vec::as_slice).unwrap_or_default();
        let too_late = compare_customer(row, &customer, spoken, found);
        by_time::compare(row, &customer, spoken, found);
        if !too_late.is_empty() {
            ignored.insert(customer.clone(), too_late);
        }
        customers.insert(customer);
    }
    for customer in executions.keys().filter(|customer| !customers.contains(*customer)) {
        row.problem(format!("I5: executions of {customer}, who said nothing"));
    }
    let gave_up = executions.values().flatten().filter(|execution| execution.gave_up()).count();
    let too_late: usize = ignored.values().map(HashSet::len).sum();
    if gave_up + too_late > 0 {
        row.note(format!("{gave_up} flows gave up waiting, {too_late} answers came too late"));
    }
    ignored
}

/// The messages of one customer; gives those that came too late.
fn compare_customer(row: &mut Row, customer: &str, spoken: &Spoken, found: &[Execution]) -> HashSet<String> {
    let mut too_late = HashSet::new();
    let mut by_sequence: HashMap<usize, Vec<&Execution>> = HashMap::new();
    let mut last_of_lane: HashMap<usize, usize> = HashMap::new();
    for execution in found {
        compare_steps(row, customer, execution);
        if execution.by_timer() {
            continue;
        }
        let Some(sequence) = execution.sequence().filter(|sequence| *sequence < spoken.turns) else {
            let message = &execution.record.message_id;
            row.problem(format!("I5: an execution of {customer} {message}, which was not acknowledged"));
            continue;
        };
        by_sequence.entry(sequence).or_default().push(execution);
        let last = last_of_lane.insert(sequence % spoken.script.lanes, sequence);
        if last.is_some_and(|last| last > sequence) {
            row.out_of_order += 1;
            row.problem(format!("I4: {customer} m-{sequence} was handled after a later message"));
        }
    }
    for sequence in 0..spoken.turns {
        let turn = spoken.script.turn(sequence);
        let of_turn = by_sequence.remove(&sequence).unwrap_or_default();
        row.twice += of_turn.len().saturating_sub(1);
        match (&turn.ends, of_turn.first()) {
            (Ends::Dead, None) => {}
            (Ends::Dead, Some(_)) => {
                row.problem(format!("I2: {customer} {} is dead and has an execution", turn.message_id));
            }
            (Ends::AnsweredInTime(_), None) => {
                too_late.insert(turn.says);
            }
            (Ends::Answered(_) | Ends::Failed, None) => {
                row.lost += 1;
                row.problem(format!("I1: {customer} {} has no execution", turn.message_id));
            }
            (Ends::Failed, Some(execution)) => {
                row.must(execution.failed(), || format!("{customer} {} did not fail", turn.message_id));
            }
            (Ends::Answered(hears) | Ends::AnsweredInTime(hears), Some(execution)) => {
                let right = execution.record.input_text == turn.says && execution.says(hears);
                row.must(right, || {
                    let (got, error): (Vec<&str>, _) =
                        (execution.replies().collect(), &execution.record.error);
                    format!("{customer} {} was answered {got:?} ({error:?}), not {hears:?}", turn.message_id)
                });
            }
        }
    }
    too_late
}

/// None of these flows comes by a node twice in a turn.
fn compare_steps(row: &mut Row, customer: &str, execution: &Execution) {
    let nodes: BTreeSet<&str> = execution.record.steps.iter().map(|step| step.node_id.as_str()).collect();
    row.must(execution.failed() || nodes.len() == execution.record.steps.len(), || {
        format!("I2: {customer} {} has a step twice", execution.record.message_id)
    });
}
