//! One turn: an input meets its conversation, the flow runs until it ends or waits, and what happened is
//! written down. Pure but for the clock that it is given; a panic of the engine fails this one turn.

mod begun;
mod command;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use contracts::v1;
use flow_engine::{Cause, Ending, Failure, Object, State};
use flow_model::{ExecutionId, WorkflowId};
use uuid::Uuid;

use self::begun::{Begun, Ran, begin};
use super::arrival::{Arrival, What};
use super::catalog::Catalog;
use super::drill;
use super::flow::Flow;
use super::port::{Conversation, Person, Running, Wait, WaitsOn};
use super::{activity, tell};

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
    /// How long a person keeps a conversation without doing anything, unless it is said, milliseconds.
    pub return_after_ms: i64,
}

/// What became of an input.
#[derive(Debug)]
pub enum Taken {
    /// A flow ran, and the execution is over. The conversation has moved.
    Executed(Box<Executed>, Conversation),
    /// A flow ran, and its execution waits for an activity.
    Calls(Box<Calls>, Conversation),
    /// No workflow takes the message, or a person has the conversation.
    Ignored(Box<v1::IgnoredMessage>, Conversation),
    /// A command, or the end of a person's time, changed the conversation.
    Commanded(Box<Commanded>, Conversation),
    /// An API start that cannot be; nothing has changed.
    Refused(&'static str),
    /// A timer or a result of a wait that is over; nothing has changed.
    Stale,
    /// The turn needs this revision first; nothing has changed.
    NeedsFlow(WorkflowId, u32),
}

/// An execution that is over.
#[derive(Debug)]
pub struct Executed {
    /// It.
    pub execution: v1::Execution,
    /// How much of it was told by its parts.
    pub told: Told,
    /// Who waits for it, or empty.
    pub answer_to: String,
}

/// An execution that waits for an activity.
#[derive(Debug)]
pub struct Calls {
    /// It, as far as it is.
    pub running: Running,
    /// What it waits for.
    pub activity: v1::Activity,
    /// What is to be told of it now.
    pub part: v1::ExecutionPart,
}

/// What a command did, in this order.
#[derive(Debug, Default)]
pub struct Commanded {
    /// The execution that it ended.
    pub ended: Option<Executed>,
    /// The activity that this one waited for.
    pub activity_over: Option<Uuid>,
    /// What is to be told.
    pub note: Option<v1::ConversationNote>,
    /// The execution that it began.
    pub began: Option<Began>,
}

/// An execution that a command began.
#[derive(Debug)]
pub enum Began {
    /// It is over.
    Executed(Box<Executed>),
    /// It waits for an activity.
    Calls(Box<Calls>),
}

/// How many events and replies of an execution are told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// Events.
    pub events: u32,
    /// Replies.
    pub replies: u32,
}

/// The workflow that an API start names is not active.
pub const REFUSED_NOT_ACTIVE: &str = "workflow_not_active";
/// The conversation waits in a flow.
pub const REFUSED_BUSY: &str = "conversation_busy";
/// A person has the conversation.
pub const REFUSED_WITH_PERSON: &str = "with_person";
/// The bot has the conversation.
pub const REFUSED_WITH_BOT: &str = "with_bot";
/// The execution is not running (any more).
pub const REFUSED_NOT_RUNNING: &str = "execution_not_running";
/// The conversation was erased.
pub const REFUSED_ERASED: &str = "conversation_erased";
/// The conversation has moved on since the execution failed, or it failed where nothing can be tried again.
pub const REFUSED_MOVED_ON: &str = "conversation_moved_on";

/// The flow that takes an input, and where it goes on.
struct Course {
    workflow: WorkflowId,
    revision: u32,
    started_state_no: u64,
    state: Option<Vec<u8>>,
    keyword: Option<String>,
}

/// Handles one input. `customer_created` when it is the first of its account and customer; `running` is the execution of
/// the conversation that waits for an activity, when the input is its result.
pub fn take(
    arrival: &Arrival,
    mut conversation: Conversation,
    customer_created: bool,
    running: Option<&Running>,
    around: &mut Surroundings<'_>,
) -> Taken {
    let with_person = conversation.person.is_some();
    let is_current = |wait_no: u64| conversation.wait_no == wait_no;
    match &arrival.what {
        What::Command(command) => return command::obey(command, arrival, conversation, running, around),
        What::Timer { wait_no } if with_person => {
            let is_current = is_current(*wait_no);
            if !is_current {
                return Taken::Stale;
            }
            return command::release(arrival, conversation, command::TIMEOUT, around);
        }
        What::Message { .. } if with_person => return ignore(arrival, conversation, customer_created),
        What::Start { .. } if with_person => return Taken::Refused(REFUSED_WITH_PERSON),
        What::Message { .. } | What::Start { .. } | What::Timer { .. } | What::Result { .. } => {}
    }
    let waiting = conversation.wait.take();
    let is_current = |wait_no: u64| conversation.wait_no == wait_no;
    let (course, cause) = match &arrival.what {
        What::Command(_) => return Taken::Stale,
        What::Result { wait_no, ended, .. } => match (waiting, running) {
            (Some(wait), Some(running)) if wait.on == WaitsOn::Activity && is_current(*wait_no) => {
                return go_on(arrival, conversation, wait, running, ended, around);
            }
            _ => return Taken::Stale,
        },
        What::Timer { wait_no } => match waiting {
            Some(wait) if wait.timer_at_ms.is_some() && is_current(*wait_no) => {
                if is_cancelled(&wait, around) {
                    return Taken::Stale;
                }
                (resume(wait), Cause::Timer)
            }
            _ => return Taken::Stale,
        },
        What::Message { text, workflow, .. } => {
            let waiting = waiting.filter(|wait| still_waits(wait, arrival, around));
            match waiting {
                Some(wait) if wait.on == WaitsOn::Input => (resume(wait), Cause::Message),
                waiting => {
                    let Some(course) = matching(arrival, text, *workflow, around) else {
                        // A delay goes on whatever is said meanwhile.
                        conversation.wait = waiting;
                        return ignore(arrival, conversation, customer_created);
                    };
                    (course, Cause::Message)
                }
            }
        }
        What::Start { workflow, replace, .. } => {
            let is_busy = |wait: Wait| wait.on != WaitsOn::Retry && still_waits(&wait, arrival, around);
            if !replace && waiting.is_some_and(is_busy) {
                return Taken::Refused(REFUSED_BUSY);
            }
            match active(*workflow, around) {
                Some(course) => (course, Cause::Message),
                None => return Taken::Refused(REFUSED_NOT_ACTIVE),
            }
        }
    };
    conversation.updated_at_ms = arrival.accepted_at_ms;
    let Some(flow) = around.flows.get(&(course.workflow, course.revision)) else {
        return Taken::NeedsFlow(course.workflow, course.revision);
    };
    let flow = flow.clone();
    let begun = begin(arrival, &conversation, customer_created, &course);
    let ran = run(arrival.text(), &begun, course.state.as_deref(), cause, flow.as_deref(), around);
    settle(begun, ran, conversation, &course, flow.as_deref(), around)
}

/// Goes on with an execution whose activity is over.
fn go_on(
    arrival: &Arrival,
    mut conversation: Conversation,
    wait: Wait,
    running: &Running,
    ended: &Result<Object, Failure>,
    around: &Surroundings<'_>,
) -> Taken {
    let cancelled = Failure::of("CANCELLED", "the workflow was deactivated or deleted");
    let is_cancelled = is_cancelled(&wait, around);
    let course = resume(wait);
    let Some(flow) = around.flows.get(&(course.workflow, course.revision)) else {
        return Taken::NeedsFlow(course.workflow, course.revision);
    };
    conversation.updated_at_ms = arrival.accepted_at_ms;
    let flow = flow.clone();
    let begun = Begun::of(running.clone());
    let text = begun.record.input_text.clone();
    let ran = if is_cancelled {
        Ran::failed(cancelled)
    } else {
        let cause = Cause::Result(ended.as_ref());
        run(&text, &begun, course.state.as_deref(), cause, flow.as_deref(), around)
    };
    settle(begun, ran, conversation, &course, flow.as_deref(), around)
}

/// Ends what a conversation waits in, since nobody can handle the input that would go on with it. Gives the execution that
/// was running.
pub fn give_up(conversation: &mut Conversation, running: Option<Running>, now_ms: i64) -> Option<Executed> {
    conversation.wait = None;
    if conversation.person.take().is_some() {
        conversation.owner_epoch += 1;
    }
    let begun = Begun::of(running?);
    let ran = Ran::failed(Failure::of("INTERNAL_ERROR", "what the flow waited for could not be handled"));
    Some(begun.end(ran, conversation, now_ms))
}

/// Whether the flow that the conversation waits in is still to be gone on with.
fn still_waits(wait: &Wait, arrival: &Arrival, around: &Surroundings<'_>) -> bool {
    arrival.accepted_at_ms < wait.until_ms && !is_cancelled(wait, around)
}

/// Whether its workflow was deleted, or deactivated together with what waits in it.
fn is_cancelled(wait: &Wait, around: &Surroundings<'_>) -> bool {
    around.catalog.workflow(wait.workflow, around.seq).is_some_and(|marker| {
        marker.status() == v1::WorkflowStatus::Deleted
            || wait.started_state_no < marker.cancel_before_state_no
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
        What::Start { .. } | What::Timer { .. } | What::Result { .. } | What::Command(_) => String::new(),
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
        to_person: conversation.person.is_some(),
    };
    conversation.updated_at_ms = arrival.accepted_at_ms;
    conversation.seq += tell::count_of_ignored(&ignored);
    Taken::Ignored(Box::new(ignored), conversation)
}

/// Writes down what the engine did, and what the conversation waits for now.
fn settle(
    mut begun: Begun,
    mut ran: Ran,
    mut conversation: Conversation,
    course: &Course,
    flow: Option<&Flow>,
    around: &Surroundings<'_>,
) -> Taken {
    let now_ms = (around.clock)().max(begun.execution.started_at_ms);
    let wait_timeout_ms = flow.map_or(0, |flow| flow.wait_timeout_ms);
    let latest_ms = now_ms.saturating_add(wait_timeout_ms);
    let mut failed = None;
    let (on, until_ms, timer_at_ms) = match &ran.ending {
        Ending::Finished => {
            return Taken::Executed(Box::new(begun.end(ran, &mut conversation, now_ms)), conversation);
        }
        Ending::Failed { .. } => {
            if ran.waits_at.is_none() {
                return Taken::Executed(Box::new(begun.end(ran, &mut conversation, now_ms)), conversation);
            }
            failed = ExecutionId::from_slice(&begun.execution.id).ok();
            (WaitsOn::Retry, latest_ms, None)
        }
        Ending::WaitingForAgent { team, note } => {
            let return_after_ms = around.return_after_ms;
            conversation.owner_epoch += 1;
            conversation.person = Some(Person {
                team: team.clone(),
                agent: String::new(),
                note: note.clone(),
                since_ms: now_ms,
                until_ms: now_ms.saturating_add(return_after_ms),
                return_after_ms,
            });
            begun.record.handoff = command::handoff_of(&conversation);
            (WaitsOn::Agent, i64::MAX, None)
        }
        Ending::WaitingForInput { timeout_ms } => {
            let timer_at_ms = timeout_ms.map(|timeout_ms| now_ms.saturating_add(timeout_ms));
            (WaitsOn::Input, latest_ms, timer_at_ms.filter(|timer_at_ms| *timer_at_ms <= latest_ms))
        }
        Ending::WaitingForTimer { until_ms } => (WaitsOn::Time, i64::MAX, Some(*until_ms)),
        Ending::Calling(call) => {
            (WaitsOn::Activity, now_ms.saturating_add(activity::deadline_ms(call.kind)), None)
        }
    };
    conversation.wait_no += 1;
    conversation.wait = Some(Wait {
        workflow: course.workflow,
        revision: course.revision,
        started_state_no: course.started_state_no,
        node_id: ran.waits_at.take().unwrap_or_default(),
        state: std::mem::take(&mut ran.state),
        until_ms,
        on,
        since_ms: now_ms,
        timer_at_ms,
        failed,
    });
    if let Ending::Calling(call) = &ran.ending {
        let activity = activity::plan(call, &conversation, &begun.execution, now_ms);
        return Taken::Calls(Box::new(begun.call(ran, &mut conversation, activity)), conversation);
    }
    Taken::Executed(Box::new(begun.end(ran, &mut conversation, now_ms)), conversation)
}

fn run(
    text: &str,
    begun: &Begun,
    state: Option<&[u8]>,
    cause: Cause<'_>,
    flow: Option<&Flow>,
    around: &Surroundings<'_>,
) -> Ran {
    let Some(flow) = flow else {
        let message = "the workflow's revision does not exist any more";
        return Ran::failed(Failure::of("DEFINITION_MISSING", message));
    };
    let state = match state.map_or_else(|| Ok(State::fresh()), State::decode) {
        Ok(state) => state,
        Err(error) => return Ran::failed(Failure::of("STATE_UNREADABLE", error.to_string())),
    };
    let metadata = serde_json::from_slice(&begun.record.metadata_json).ok();
    let input = flow_engine::Input {
        text,
        message_id: &begun.record.message_id,
        customer_id: &begun.execution.customer_id,
        channel: &begun.execution.channel,
        metadata: metadata.as_ref(),
    };
    // The engine borrows nothing that outlives the call, so a panic leaves nothing half-changed behind.
    let turn = catch_unwind(AssertUnwindSafe(|| {
        if around.drill {
            drill::strike(input.text);
        }
        flow_engine::advance(&flow.graph, state, &input, cause, around.clock)
    }));
    match turn {
        Ok(turn) => Ran {
            waits_at: turn.state.waiting_node().map(str::to_owned),
            state: turn.state.encode(),
            steps: turn.steps,
            replies: turn.replies,
            ending: turn.ending,
        },
        Err(_) => Ran::failed(Failure::of("INTERNAL_ERROR", "the turn failed by a fault of Turnloom")),
    }
}
