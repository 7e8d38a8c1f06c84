//! Finding the executions that outbox rows and callers speak of.

use std::collections::HashMap;

use contracts::v1;
use contracts::v1::outbox_entry::Entry;
use flow_model::ExecutionId;

use super::batch::{AnswerWith, PendingAnswer};
use super::port::OutboxRow;

/// The executions that outbox rows name.
pub(super) fn named_by(rows: &[OutboxRow]) -> Vec<ExecutionId> {
    rows.iter()
        .flat_map(|row| &row.outbox.entries)
        .filter_map(|entry| match entry.entry.as_ref()? {
            Entry::Execution(reference) => ExecutionId::from_slice(&reference.id).ok(),
            Entry::Ignored(_) | Entry::Part(_) | Entry::Note(_) => None,
        })
        .collect()
}

/// Executions by their id.
pub(super) fn by_id(executions: impl Iterator<Item = v1::Execution>) -> HashMap<ExecutionId, v1::Execution> {
    executions
        .filter_map(|execution| Some((ExecutionId::from_slice(&execution.id).ok()?, execution)))
        .collect()
}

/// What a caller is told; none when its execution is not known.
pub(super) fn answer_of<'a>(
    pending: &PendingAnswer,
    known: impl Fn(ExecutionId) -> Option<&'a v1::Execution>,
) -> Option<v1::Answer> {
    let input_execution_id = pending.input.to_vec().into();
    Some(match pending.what {
        AnswerWith::Execution(id) => v1::Answer {
            input_execution_id,
            outcome: v1::Outcome::Executed.into(),
            reason: String::new(),
            execution: Some(known(id)?.clone()),
        },
        AnswerWith::Ignored => v1::Answer {
            input_execution_id,
            outcome: v1::Outcome::Ignored.into(),
            reason: "no_matching_workflow".to_owned(),
            execution: None,
        },
        AnswerWith::Done => v1::Answer {
            input_execution_id,
            outcome: v1::Outcome::Done.into(),
            reason: String::new(),
            execution: None,
        },
        AnswerWith::Dead => v1::Answer {
            input_execution_id,
            outcome: v1::Outcome::Dead.into(),
            reason: "failed_too_often".to_owned(),
            execution: None,
        },
        AnswerWith::Refused(reason) => v1::Answer {
            input_execution_id,
            outcome: v1::Outcome::Refused.into(),
            reason: reason.to_owned(),
            execution: None,
        },
    })
}
