//! Checking what a user wrote, away from the threads that answer requests: expressions want a deep stack and time.

use contracts::ErrorCode;
use contracts::v1::{self, Failure};
use flow_engine::Syntax;
use flow_model::Channel;
use flow_model::problem::{Problem, Warning};
use flow_model::validate::{WorkflowDraft, WorkflowPatch};

/// Checks the body of create.
pub(super) async fn draft(body: &[u8]) -> Result<(WorkflowDraft, Vec<v1::Problem>), Failure> {
    let body = json(body)?;
    checked(move || WorkflowDraft::parse(&body, &Syntax)).await
}

/// Checks the body of update, for a workflow of this channel.
pub(super) async fn patch(
    body: &[u8],
    channel: Channel,
) -> Result<(WorkflowPatch, Vec<v1::Problem>), Failure> {
    let body = json(body)?;
    checked(move || WorkflowPatch::parse(&body, channel, &Syntax)).await
}

fn json(body: &[u8]) -> Result<serde_json::Value, Failure> {
    serde_json::from_slice(body).map_err(|error| {
        Failure::because(ErrorCode::InvalidRequest, format!("The body is not JSON: {error}"))
    })
}

async fn checked<T, F>(check: F) -> Result<(T, Vec<v1::Problem>), Failure>
where
    F: FnOnce() -> Result<(T, Vec<Warning>), Vec<Problem>> + Send + 'static,
    T: Send + 'static,
{
    match tokio::task::spawn_blocking(check).await {
        Ok(Ok((value, warnings))) => Ok((value, warnings.into_iter().map(warning).collect())),
        Ok(Err(problems)) => Err(Failure::from_problems(problems.into_iter().map(problem).collect())),
        Err(error) => {
            tracing::error!(%error, "checking a workflow panicked");
            Err(Failure::of(ErrorCode::InternalError))
        }
    }
}

fn problem(problem: Problem) -> v1::Problem {
    v1::Problem { code: problem.code.as_str().to_owned(), field: problem.field, message: problem.message }
}

fn warning(warning: Warning) -> v1::Problem {
    v1::Problem { code: warning.code.as_str().to_owned(), field: warning.field, message: warning.message }
}
