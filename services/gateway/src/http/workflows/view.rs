//! A workflow as the API shows it.

use contracts::v1::{self, WorkflowStatus};
use flow_model::WorkflowId;
use platform::clock::rfc3339;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::validate::ProblemView;
use crate::http::openapi::schemas;

/// A workflow, as lists and answers to changes have it.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkflowSummary)]
pub(in crate::http) struct SummaryView {
    #[schema(examples("workflow-01a20acf-9cb2-767f-9572-1d0534001a8a"))]
    id: String,
    name: String,
    description: String,
    #[schema(value_type = schemas::WorkflowStatus)]
    status: &'static str,
    #[schema(value_type = schemas::Channel)]
    channel: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
    /// Executions in all; null when they cannot be counted now.
    #[schema(required)]
    execution_count: Option<u64>,
    /// Successful ones among those that are over, 0 to 1, rounded to two decimals; null when nothing is over.
    #[schema(required)]
    success_rate: Option<f64>,
}

/// A workflow with its configuration.
#[derive(Serialize, ToSchema)]
#[schema(as = Workflow)]
pub(in crate::http) struct WorkflowView {
    #[serde(flatten)]
    summary: SummaryView,
    /// As it was written.
    #[schema(value_type = schemas::Configuration)]
    configuration: Box<RawValue>,
}

/// A workflow that was changed, with what is odd about it.
#[derive(Serialize)]
pub(super) struct Changed {
    pub data: SummaryView,
    pub warnings: Vec<ProblemView>,
}

impl WorkflowView {
    /// With its numbers, if they are known.
    pub fn new(workflow: &v1::Workflow, totals: Option<&v1::WorkflowTotals>) -> Self {
        let configuration = String::from_utf8(workflow.configuration_json.to_vec()).ok();
        let configuration = configuration.and_then(|text| RawValue::from_string(text).ok());
        Self {
            summary: SummaryView::new(workflow, totals),
            configuration: configuration.unwrap_or_else(|| RawValue::NULL.to_owned()),
        }
    }
}

impl SummaryView {
    /// With its numbers, if they are known.
    pub fn new(workflow: &v1::Workflow, totals: Option<&v1::WorkflowTotals>) -> Self {
        Self {
            id: id(workflow),
            name: workflow.name.clone(),
            description: workflow.description.clone(),
            status: status(workflow.status()),
            channel: workflow.channel.clone(),
            created_at: rfc3339(workflow.created_at_ms),
            updated_at: rfc3339(workflow.updated_at_ms),
            execution_count: totals.map(|totals| totals.succeeded + totals.failed + totals.running),
            success_rate: totals.and_then(|totals| rate(totals.succeeded, totals.failed)),
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
pub(super) fn warnings(workflow: &v1::Workflow) -> Vec<ProblemView> {
    workflow.warnings.iter().map(ProblemView::from).collect()
}

/// Successful ones among those that are over, rounded to two decimals; none when nothing is over.
pub(super) fn rate(succeeded: u64, failed: u64) -> Option<f64> {
    let over = succeeded + failed;
    if over == 0 {
        return None;
    }
    // In hundredths, rounded half up, by whole numbers: exact for any count.
    let hundredths = (u128::from(succeeded) * 200 + u128::from(over)) / (u128::from(over) * 2);
    u32::try_from(hundredths).ok().map(|hundredths| f64::from(hundredths) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_rounded_to_two_decimals() {
        assert_eq!(rate(0, 0), None);
        assert_eq!(rate(2, 1), Some(0.67));
        assert_eq!(rate(1, 2), Some(0.33));
        assert_eq!(rate(199, 1), Some(1.0));
        assert_eq!(rate(0, 5), Some(0.0));
    }
}
