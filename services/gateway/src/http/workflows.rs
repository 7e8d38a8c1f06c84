//! `/v1/workflows`.

pub(super) mod activate;
pub(super) mod create;
pub(super) mod deactivate;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
pub(super) mod metrics;
pub(super) mod update;
mod usage;
pub(super) mod validate;
pub(super) mod view;

use actix_web::HttpRequest;
use actix_web::http::header::IF_MATCH;
use contracts::{ErrorCode, v1};
use flow_model::WorkflowId;

use super::error::ApiError;
use crate::auth::Account;
use crate::state::State;

/// The workflow of a path. What is not an id names no workflow.
pub(super) fn id_of(text: &str) -> Result<WorkflowId, ApiError> {
    text.parse().map_err(|_| ApiError::of(ErrorCode::WorkflowNotFound))
}

/// Why a message that was handled names no execution any more.
pub(super) const WORKFLOW_DELETED: &str = "workflow_deleted";

/// Whether a workflow that ran is gone.
pub(super) async fn is_deleted(state: &State, account: Account, id: WorkflowId) -> Result<bool, ApiError> {
    match state.services.workflow(account, id).await {
        Ok(_) => Ok(false),
        Err(error) if error.code() == ErrorCode::WorkflowNotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// Between a workflow's version and that of its numbers.
const NUMBERS: char = '.';

/// What a read of a workflow is told apart by: its version, and its numbers, which change by themselves.
fn etag(version: &str, totals: Option<&v1::WorkflowTotals>) -> String {
    match (version.strip_suffix('"'), totals) {
        (Some(open), Some(totals)) => {
            let v1::WorkflowTotals { succeeded, failed, running, .. } = totals;
            format!("{open}{NUMBERS}{succeeded}-{failed}-{running}\"")
        }
        (_, _) => version.to_owned(),
    }
}

/// The versions that `If-Match` names, of all its lines and without their numbers; an empty text when there is none.
fn if_match(request: &HttpRequest) -> Result<String, ApiError> {
    let refused = || ApiError::of(ErrorCode::PreconditionFailed);
    let mut versions = Vec::new();
    for line in request.headers().get_all(IF_MATCH) {
        let tags = line.to_str().map_err(|_| refused())?.split(',').map(str::trim);
        versions.extend(tags.filter(|tag| !tag.is_empty()).map(version));
    }
    if versions.is_empty() && request.headers().contains_key(IF_MATCH) {
        return Err(refused());
    }
    Ok(versions.join(", "))
}

fn version(etag: &str) -> String {
    match etag.split_once(NUMBERS) {
        Some((version, _)) => format!("{version}\""),
        None => etag.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn numbers_are_part_of_the_etag_and_not_of_the_version() {
        let totals = v1::WorkflowTotals { succeeded: 3, failed: 1, ..v1::WorkflowTotals::default() };
        let shown = etag("\"1-0-77\"", Some(&totals));
        assert_eq!(shown, "\"1-0-77.3-1-0\"");
        assert_eq!(version(&shown), "\"1-0-77\"");
        assert_eq!(etag("\"1-0-77\"", None), "\"1-0-77\"");
    }

    #[test]
    fn all_lines_of_if_match_count() {
        for (lines, versions) in [
            (&[][..], Some("")),
            (&["\"a\""], Some("\"a\"")),
            (&["\"a\", \"b.1-2-3\"", "*"], Some("\"a\", \"b\", *")),
            (&["", "\"a\""], Some("\"a\"")),
            (&[" , "], None),
        ] {
            let mut request = TestRequest::default();
            for line in lines {
                request = request.append_header((IF_MATCH, *line));
            }
            assert_eq!(if_match(&request.to_http_request()).ok().as_deref(), versions, "{lines:?}");
        }
    }
}
