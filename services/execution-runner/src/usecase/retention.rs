//! How long things are kept, for operators: what there is, what is over its time, and having that dropped at once.

use std::time::Duration;

use contracts::ErrorCode;
use contracts::v1::{self, Failure};

use crate::store::{MaintenanceError, Retention};

/// So long a table is tried to be had that others use.
const PATIENCE: Duration = Duration::from_secs(5);

/// Shows it, or applies it.
pub(crate) async fn retention(
    retention: &Retention,
    request: v1::RetentionRequest,
    now_ms: i64,
) -> Result<v1::RetentionResponse, Failure> {
    let found =
        if request.apply { retention.apply(now_ms, PATIENCE).await } else { retention.look(now_ms).await };
    let classes = found.map_err(|error| match error {
        MaintenanceError::Unavailable(_) => {
            tracing::warn!(%error, "the database is away");
            Failure::because(ErrorCode::ServiceUnavailable, "The database is away")
        }
        MaintenanceError::Database(cause) => {
            tracing::error!(%cause, "what is kept cannot be seen to");
            Failure::of(ErrorCode::InternalError)
        }
    })?;
    Ok(v1::RetentionResponse { classes })
}
