//! An execution from its beginning to its end, over all the times that the engine runs for it.

use contracts::v1;
use flow_engine::{Ending, Failure, Step, StepStatus};

use super::{Calls, Course, Executed, Told};
use crate::partition::arrival::{Arrival, Command, What};
use crate::partition::port::{Conversation, Running};
use crate::partition::tell;

/// Format of `v1::ExecutionRecord` that this version writes.
const RECORD_FORMAT: u32 = 1;

/// An execution that has begun: what is known before the engine runs, and what earlier parts of it did.
pub(super) struct Begun {
    pub partition: u32,
    pub execution: v1::Execution,
    pub record: v1::ExecutionRecord,
    pub told: Told,
    pub answer_to: String,
}

impl Begun {
    pub fn of(running: Running) -> Self {
        let mut execution = running.execution;
        let record = execution.record.take().unwrap_or_default();
        let told = Told { events: running.events_told, replies: running.replies_told };
        Self { partition: running.partition, execution, record, told, answer_to: running.answer_to }
    }

    /// Takes in what the engine did.
    fn add(&mut self, steps: Vec<Step>, replies: Vec<flow_engine::Reply>) {
        let mut steps: Vec<v1::Step> = steps.into_iter().map(step).collect();
        // The step that was under way is the first one now; it began when it was planned.
        if self.record.steps.last().is_some_and(|last| last.status() == v1::StepStatus::Running)
            && let Some(planned) = self.record.steps.pop()
        {
            match steps.first_mut() {
                Some(over) => over.started_at_ms = planned.started_at_ms,
                None => steps.push(v1::Step { status: v1::StepStatus::Failed.into(), ..planned }),
            }
        }
        self.record.steps.extend(steps);
        let replies = replies.into_iter();
        self.record
            .replies
            .extend(replies.map(|reply| v1::Reply { node_id: reply.node_id, text: reply.text }));
    }

    /// Writes down how it ended.
    pub fn end(mut self, ran: Ran, conversation: &mut Conversation, completed_at_ms: i64) -> Executed {
        self.add(ran.steps, ran.replies);
        let (status, next_action, error) = verdict(ran.ending);
        self.record.next_action = next_action.into();
        self.record.error = error;
        let mut execution = self.execution;
        execution.status = status.into();
        execution.completed_at_ms = Some(completed_at_ms.max(execution.started_at_ms));
        execution.record = Some(self.record);
        let events = tell::count_of_execution(&execution);
        conversation.seq += events - u64::from(self.told.events);
        Executed { execution, told: self.told, answer_to: self.answer_to }
    }

    /// Writes down that it waits for an activity.
    pub fn call(mut self, ran: Ran, conversation: &mut Conversation, activity: v1::Activity) -> Calls {
        self.add(ran.steps, ran.replies);
        let mut execution = self.execution;
        execution.status = v1::ExecutionStatus::Running.into();
        execution.record = Some(self.record);
        let events = tell::count_of_execution(&execution);
        conversation.seq += events - u64::from(self.told.events);
        let mut part = execution.clone();
        part.completed_at_ms = Some(activity.planned_at_ms);
        if let Some(record) = &mut part.record {
            record.steps.clear();
        }
        let replies = execution.record.as_ref().map_or(0, |record| record.replies.len());
        Calls {
            running: Running {
                partition: self.partition,
                execution,
                answer_to: self.answer_to,
                events_told: u32::try_from(events).unwrap_or(u32::MAX),
                replies_told: u32::try_from(replies).unwrap_or(u32::MAX),
            },
            activity,
            part: v1::ExecutionPart {
                execution: Some(part),
                events_told: self.told.events,
                replies_told: self.told.replies,
            },
        }
    }
}

/// An execution begins with this input.
pub(super) fn begin(
    arrival: &Arrival,
    conversation: &Conversation,
    customer_created: bool,
    course: &Course,
) -> Begun {
    let (message_id, metadata_json) = match &arrival.what {
        What::Message { message_id, metadata_json, .. } => (message_id.clone(), metadata_json.clone()),
        What::Command(Command::Retry(retried)) => (retried.message_id.clone(), retried.metadata_json.clone()),
        What::Start { .. } | What::Timer { .. } | What::Result { .. } | What::Command(_) => {
            Default::default()
        }
    };
    let retry_of = match &arrival.what {
        What::Command(Command::Retry(retried)) => retried.execution.to_vec().into(),
        _ => bytes::Bytes::new(),
    };
    let record = v1::ExecutionRecord {
        format: RECORD_FORMAT,
        message_id,
        input_text: arrival.text().to_owned(),
        customer_created,
        keyword: course.keyword.clone(),
        first_conversation_seq: conversation.seq + 1,
        started_by_api: matches!(arrival.what, What::Start { .. }),
        started_by_timer: matches!(arrival.what, What::Timer { .. }),
        started_by_release: matches!(arrival.what, What::Command(Command::Release)),
        retry_of,
        owner_epoch: conversation.owner_epoch,
        metadata_json,
        ..v1::ExecutionRecord::default()
    };
    let execution = v1::Execution {
        id: arrival.execution.to_vec().into(),
        account_id: arrival.account.to_vec().into(),
        workflow_id: course.workflow.to_vec().into(),
        revision: course.revision,
        conversation_id: arrival.conversation.to_vec().into(),
        customer_id: arrival.customer_id.clone(),
        channel: arrival.channel.as_str().to_owned(),
        started_at_ms: arrival.accepted_at_ms,
        ..v1::Execution::default()
    };
    let answer_to = arrival.answer_to.clone();
    Begun { partition: arrival.partition, execution, record, told: Told::default(), answer_to }
}

/// What a run of the engine gave, its state encoded.
pub(super) struct Ran {
    pub state: Vec<u8>,
    pub waits_at: Option<String>,
    pub steps: Vec<Step>,
    pub replies: Vec<flow_engine::Reply>,
    pub ending: Ending,
}

impl Ran {
    pub fn failed(failure: Failure) -> Self {
        let Failure { code, message } = failure;
        let ending = Ending::Failed { code, message, node_id: String::new() };
        Self { state: Vec::new(), waits_at: None, steps: Vec::new(), replies: Vec::new(), ending }
    }
}

fn verdict(ending: Ending) -> (v1::ExecutionStatus, v1::NextAction, Option<v1::ExecutionError>) {
    match ending {
        Ending::Finished | Ending::Calling(_) => (v1::ExecutionStatus::Success, v1::NextAction::None, None),
        Ending::WaitingForInput { .. } => (v1::ExecutionStatus::Success, v1::NextAction::WaitForInput, None),
        Ending::WaitingForTimer { .. } => (v1::ExecutionStatus::Success, v1::NextAction::WaitForTimer, None),
        Ending::WaitingForAgent { .. } => (v1::ExecutionStatus::Success, v1::NextAction::WaitForAgent, None),
        Ending::Failed { code, message, node_id } => (
            v1::ExecutionStatus::Failed,
            v1::NextAction::None,
            Some(v1::ExecutionError { code, message, node_id }),
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
