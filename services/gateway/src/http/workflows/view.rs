//! A workflow as the API shows it.

use contracts::v1::{self, WorkflowStatus};
use flow_model::WorkflowId;
use platform::clock::rfc3339;
use serde::Serialize;
use serde_json::value::RawValue;

/// A workflow. Lists and answers to changes leave the configuration out.
#[derive(Serialize)]
pub(super) struct WorkflowView {
    id: String,
    name: String,
    description: String,
    status: &'static str,
    channel: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<Box<RawValue>>,
    created_at: String,
    updated_at: String,
    execution_count: Option<u64>,
    success_rate: Option<f64>,
}

/// Something odd about a workflow that works.
#[derive(Serialize)]
pub(super) struct WarningView {
    code: String,
    field: String,
    message: String,
}

/// One of them, with what is odd about it.
#[derive(Serialize)]
pub(super) struct Changed {
    pub data: WorkflowView,
    pub warnings: Vec<WarningView>,
}

impl WorkflowView {
    /// With its numbers, if they are known.
    pub fn new(workflow: &v1::Workflow, totals: Option<&v1::WorkflowTotals>) -> Self {
        let configuration = std::str::from_utf8(&workflow.configuration_json)
            .ok()
            .filter(|text| !text.is_empty())
            .and_then(|text| RawValue::from_string(text.to_owned()).ok());
        Self {
            id: id(workflow),
            name: workflow.name.clone(),
            description: workflow.description.clone(),
            status: status(workflow.status()),
            channel: workflow.channel.clone(),
            configuration,
            created_at: rfc3339(workflow.created_at_ms),
            updated_at: rfc3339(workflow.updated_at_ms),
            execution_count: totals.map(|totals| totals.succeeded + totals.failed + totals.running),
            success_rate: totals.and_then(success_rate),
        }
    }
}

/// Its id, as the API writes it.
pub(super) fn id(workflow: &v1::Workflow) -> String {
    WorkflowId::from_slice(&workflow.id).map(|id| id.to_string()).unwrap_or_default()
}

/// Its status, as the API writes it.
pub(super) fn status(status: WorkflowStatus) -> &'static str {
    match status {
        WorkflowStatus::Draft => "draft",
        WorkflowStatus::Active => "active",
        WorkflowStatus::Inactive => "inactive",
        WorkflowStatus::Deleted | WorkflowStatus::Unspecified => "deleted",
    }
}

/// What is odd, in the order of the document.
pub(super) fn warnings(workflow: &v1::Workflow) -> Vec<WarningView> {
    workflow
        .warnings
        .iter()
        .map(|warning| WarningView {
            code: warning.code.clone(),
            field: warning.field.clone(),
            message: warning.message.clone(),
        })
        .collect()
}

/// Successful ones among those that are over, rounded to two decimals; none when nothing is over.
fn success_rate(totals: &v1::WorkflowTotals) -> Option<f64> {
    let over = totals.succeeded + totals.failed;
    if over == 0 {
        return None;
    }
    // In hundredths, rounded half up, by whole numbers: exact for any count.
    let hundredths = (u128::from(totals.succeeded) * 200 + u128::from(over)) / (u128::from(over) * 2);
    u32::try_from(hundredths).ok().map(|hundredths| f64::from(hundredths) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_rounded_to_two_decimals() {
        let rate = |succeeded, failed| {
            success_rate(&v1::WorkflowTotals { succeeded, failed, ..v1::WorkflowTotals::default() })
        };
        assert_eq!(rate(0, 0), None);
        assert_eq!(rate(2, 1), Some(0.67));
        assert_eq!(rate(1, 2), Some(0.33));
        assert_eq!(rate(199, 1), Some(1.0));
        assert_eq!(rate(0, 5), Some(0.0));
    }
}
