//! One turn: an input meets its conversation, the flow runs until it ends or waits, and what happened is
//! written down. Pure but for the clock that it is given; a panic of the engine fails this one turn.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use contracts::v1;
use flow_engine::{Ending, State, Step, StepStatus};
use flow_model::WorkflowId;

use super::arrival::{Arrival, What};
use super::catalog::Catalog;
use super::drill;
use super::flow::Flow;
use super::port::{Conversation, Wait};
use super::tell;

/// Format of `v1::ExecutionRecord` that this version writes.
const RECORD_FORMAT: u32 = 1;

/// Revisions that are at hand; none for one that does not exist.
pub type Flows = HashMap<(WorkflowId, u32), Option<Arc<Flow>>>;

/// What a turn can see besides its input.
pub struct Surroundings<'a> {
    /// Which workflows are active.
    pub catalog: &'a mut Catalog,
    /// Compiled revisions.
    pub flows: &'a Flows,
    /// The frame that the input came in.
    pub seq: u64,
    /// Whether certain texts make the turn fail; see `drill`.
    pub drill: bool,
    /// Unix milliseconds.
    pub clock: &'a dyn Fn() -> i64,
}

/// What became of an input.
#[derive(Debug)]
pub enum Taken {
    /// A flow ran. The conversation has moved.
    Executed(Box<v1::Execution>, Conversation),
    /// No workflow takes the message.
    Ignored(Box<v1::IgnoredMessage>, Conversation),
    /// An API start that cannot be; nothing has changed.
    Refused(&'static str),
    /// The turn needs this revision first; nothing has changed.
    NeedsFlow(WorkflowId, u32),
}

/// The workflow that an API start names is not active.
pub const REFUSED_NOT_ACTIVE: &str = "workflow_not_active";
/// The conversation waits in a flow.
pub const REFUSED_BUSY: &str = "conversation_busy";

/// The flow that takes an input, and where it goes on.
struct Course {
    workflow: WorkflowId,
    revision: u32,
    started_state_no: u64,
    state: Option<Vec<u8>>,
    keyword: Option<String>,
}

/// Handles one input. `customer_created` when it is the first of its account and customer.
pub fn take(
    arrival: &Arrival,
    mut conversation: Conversation,
    customer_created: bool,
    around: &mut Surroundings<'_>,
) -> Taken {
    let waiting = conversation.wait.take().filter(|wait| still_waits(wait, arrival, around));
    conversation.updated_at_ms = arrival.accepted_at_ms;
    let course = match &arrival.what {
        What::Message { text, workflow, .. } => match waiting {
            Some(wait) => resume(wait),
            None => match matching(arrival, text, *workflow, around) {
                Some(course) => course,
                None => return ignore(arrival, conversation, customer_created),
            },
        },
        What::Start { replace: false, .. } if waiting.is_some() => return Taken::Refused(REFUSED_BUSY),
        What::Start { workflow, .. } => match active(*workflow, around) {
            Some(course) => course,
            None => return Taken::Refused(REFUSED_NOT_ACTIVE),
        },
    };
    match around.flows.get(&(course.workflow, course.revision)) {
        None => Taken::NeedsFlow(course.workflow, course.revision),
        Some(flow) => execute(arrival, conversation, customer_created, course, flow.as_deref(), around),
    }
}

/// Whether the flow that the conversation waits in is still to be gone on with.
fn still_waits(wait: &Wait, arrival: &Arrival, around: &Surroundings<'_>) -> bool {
    arrival.accepted_at_ms < wait.until_ms
        && around.catalog.workflow(wait.workflow, around.seq).is_none_or(|marker| {
            marker.status() != v1::WorkflowStatus::Deleted
                && wait.started_state_no >= marker.cancel_before_state_no
        })
}

fn resume(wait: Wait) -> Course {
    Course {
        workflow: wait.workflow,
        revision: wait.revision,
        started_state_no: wait.started_state_no,
        state: Some(wait.state),
        keyword: None,
    }
}

/// The active workflow whose keyword the message holds.
fn matching(
    arrival: &Arrival,
    text: &str,
    only: Option<WorkflowId>,
    around: &mut Surroundings<'_>,
) -> Option<Course> {
    let found = match only {
        Some(workflow) => around.catalog.matcher_of(workflow, arrival.channel, around.seq)?.find(text),
        None => around.catalog.matcher(arrival.account, arrival.channel, around.seq)?.find(text),
    }?;
    let course = active(found.workflow, around)?;
    Some(Course { keyword: Some(found.keyword), ..course })
}

fn active(workflow: WorkflowId, around: &Surroundings<'_>) -> Option<Course> {
    let marker = around
        .catalog
        .workflow(workflow, around.seq)
        .filter(|marker| marker.status() == v1::WorkflowStatus::Active)?;
    Some(Course {
        workflow,
        revision: marker.revision,
        started_state_no: marker.state_no,
        state: None,
        keyword: None,
    })
}

fn ignore(arrival: &Arrival, mut conversation: Conversation, customer_created: bool) -> Taken {
    let message_id = match &arrival.what {
        What::Message { message_id, .. } => message_id.clone(),
        What::Start { .. } => String::new(),
    };
    let ignored = v1::IgnoredMessage {
        execution_id: arrival.execution.to_vec().into(),
        account_id: arrival.account.to_vec().into(),
        conversation_id: arrival.conversation.to_vec().into(),
        customer_id: arrival.customer_id.clone(),
        channel: arrival.channel.as_str().to_owned(),
        message_id,
        text: arrival.text().to_owned(),
        accepted_at_ms: arrival.accepted_at_ms,
        customer_created,
        first_conversation_seq: conversation.seq + 1,
    };
    conversation.seq += tell::count_of_ignored(&ignored);
    Taken::Ignored(Box::new(ignored), conversation)
}

/// Runs the flow and writes down what happened.
fn execute(
    arrival: &Arrival,
    mut conversation: Conversation,
    customer_created: bool,
    course: Course,
    flow: Option<&Flow>,
    around: &Surroundings<'_>,
) -> Taken {
    let ran = run(arrival, course.state.as_deref(), flow, around);
    let completed_at_ms = (around.clock)().max(arrival.accepted_at_ms);
    if let (Some(node_id), Some(flow)) = (ran.waits_at, flow) {
        conversation.wait_no += 1;
        conversation.wait = Some(Wait {
            workflow: course.workflow,
            revision: course.revision,
            started_state_no: course.started_state_no,
            node_id,
            state: ran.state,
            until_ms: completed_at_ms.saturating_add(flow.wait_timeout_ms),
        });
    }
    let (status, next_action, error) = verdict(ran.ending);
    let (message_id, metadata_json, started_by_api) = match &arrival.what {
        What::Message { message_id, metadata_json, .. } => (message_id.clone(), metadata_json.clone(), false),
        What::Start { .. } => (String::new(), bytes::Bytes::new(), true),
    };
    let record = v1::ExecutionRecord {
        format: RECORD_FORMAT,
        message_id,
        input_text: arrival.text().to_owned(),
        replies: ran
            .replies
            .into_iter()
            .map(|reply| v1::Reply { node_id: reply.node_id, text: reply.text })
            .collect(),
        next_action: next_action.into(),
        error,
        steps: ran.steps.into_iter().map(step).collect(),
        customer_created,
        keyword: course.keyword,
        first_conversation_seq: conversation.seq + 1,
        started_by_api,
        metadata_json,
    };
    let execution = v1::Execution {
        id: arrival.execution.to_vec().into(),
        account_id: arrival.account.to_vec().into(),
        workflow_id: course.workflow.to_vec().into(),
        revision: course.revision,
        conversation_id: arrival.conversation.to_vec().into(),
        customer_id: arrival.customer_id.clone(),
        channel: arrival.channel.as_str().to_owned(),
        status: status.into(),
        started_at_ms: arrival.accepted_at_ms,
        completed_at_ms: Some(completed_at_ms),
        replies_in_all: None,
        record: Some(record),
    };
    conversation.seq += tell::count_of_execution(&execution);
    Taken::Executed(Box::new(execution), conversation)
}

/// What a run of the engine gave, its state encoded.
struct Ran {
    state: Vec<u8>,
    waits_at: Option<String>,
    steps: Vec<Step>,
    replies: Vec<flow_engine::Reply>,
    ending: Ending,
}

impl Ran {
    fn failed(code: &'static str, message: &str) -> Self {
        let ending = Ending::Failed { code, message: message.to_owned(), node_id: String::new() };
        Self { state: Vec::new(), waits_at: None, steps: Vec::new(), replies: Vec::new(), ending }
    }
}

fn run(arrival: &Arrival, state: Option<&[u8]>, flow: Option<&Flow>, around: &Surroundings<'_>) -> Ran {
    let Some(flow) = flow else {
        return Ran::failed("DEFINITION_MISSING", "the workflow's revision does not exist any more");
    };
    let state = match state.map_or_else(|| Ok(State::fresh()), State::decode) {
        Ok(state) => state,
        Err(error) => return Ran::failed("STATE_UNREADABLE", &error.to_string()),
    };
    let (message_id, metadata) = match &arrival.what {
        What::Message { message_id, metadata_json, .. } => {
            (message_id.as_str(), serde_json::from_slice(metadata_json).ok())
        }
        What::Start { .. } => ("", None),
    };
    let input = flow_engine::Input {
        text: arrival.text(),
        message_id,
        customer_id: &arrival.customer_id,
        channel: arrival.channel.as_str(),
        metadata: metadata.as_ref(),
    };
    // The engine borrows nothing that outlives the call, so a panic leaves nothing half-changed behind.
    let turn = catch_unwind(AssertUnwindSafe(|| {
        if around.drill {
            drill::strike(input.text);
        }
        flow_engine::advance(&flow.graph, state, &input, around.clock)
    }));
    match turn {
        Ok(turn) => Ran {
            waits_at: turn
                .state
                .waiting_node()
                .filter(|_| matches!(turn.ending, Ending::WaitingForInput))
                .map(str::to_owned),
            state: turn.state.encode(),
            steps: turn.steps,
            replies: turn.replies,
            ending: turn.ending,
        },
        Err(_) => Ran::failed("INTERNAL_ERROR", "the turn failed by a fault of Turnloom"),
    }
}

fn verdict(ending: Ending) -> (v1::ExecutionStatus, v1::NextAction, Option<v1::ExecutionError>) {
    match ending {
        Ending::Finished => (v1::ExecutionStatus::Success, v1::NextAction::None, None),
        Ending::WaitingForInput => (v1::ExecutionStatus::Success, v1::NextAction::WaitForInput, None),
        Ending::Failed { code, message, node_id } => (
            v1::ExecutionStatus::Failed,
            v1::NextAction::None,
            Some(v1::ExecutionError { code: code.to_owned(), message, node_id }),
        ),
    }
}

fn step(step: Step) -> v1::Step {
    let status = match step.status {
        StepStatus::Completed => v1::StepStatus::Completed,
        StepStatus::Failed => v1::StepStatus::Failed,
        StepStatus::Running => v1::StepStatus::Running,
        StepStatus::Skipped => v1::StepStatus::Skipped,
    };
    v1::Step {
        node_id: step.node_id,
        r#type: step.node_type.to_owned(),
        status: status.into(),
        started_at_ms: step.started_at_ms,
        completed_at_ms: step.completed_at_ms,
        output_json: serde_json::Value::Object(step.output).to_string().into(),
    }
}
