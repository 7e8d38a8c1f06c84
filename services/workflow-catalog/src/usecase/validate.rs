//! What create would say, without storing anything.

use contracts::v1::{self, Failure};

use super::{account_of, check};

/// Checks the body of a create. Whether the name is taken is not looked at: that can change until then.
pub(crate) async fn validate(
    request: v1::ValidateWorkflowRequest,
) -> Result<v1::ValidateWorkflowResponse, Failure> {
    account_of(&request.account_id)?;
    match check::draft(&request.body_json).await {
        Ok((_, warnings)) => Ok(v1::ValidateWorkflowResponse { errors: Vec::new(), warnings }),
        Err(failure) if failure.errors.is_empty() => Err(failure),
        Err(failure) => Ok(v1::ValidateWorkflowResponse { errors: failure.errors, warnings: Vec::new() }),
    }
}
