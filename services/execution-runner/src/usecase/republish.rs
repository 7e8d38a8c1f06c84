//! Telling a span again: for those who have lost what they had heard of it.

use contracts::ErrorCode;
use contracts::v1::{self, Failure};

use super::failure;
use crate::store::republish::Republishing;

/// Has the commits of a span told again, with the same ids and in order. It has happened when the partitions' next owners
/// have told them, which they begin with at once.
pub(crate) async fn republish(
    republishing: &Republishing,
    request: v1::RepublishRequest,
) -> Result<v1::RepublishResponse, Failure> {
    if request.from_ms >= request.to_ms {
        return Err(Failure::because(ErrorCode::InvalidRequest, "The span ends before it begins"));
    }
    let commits = republishing.republish(request.from_ms, request.to_ms).await;
    let commits = commits.map_err(|error| failure(&error))?;
    tracing::info!(from_ms = request.from_ms, to_ms = request.to_ms, commits, "commits are told again");
    Ok(v1::RepublishResponse { commits })
}
