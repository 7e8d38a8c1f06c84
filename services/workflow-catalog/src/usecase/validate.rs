//! What create would say, without storing anything.

use contracts::v1::{self, Failure};

use super::references::with_missing_bases;
use super::{account_of, check};
use crate::store::Store;

/// Checks the body of a create. Whether the name is taken is not looked at: that can change until then.
pub(crate) async fn validate(
    store: &Store,
    request: v1::ValidateWorkflowRequest,
) -> Result<v1::ValidateWorkflowResponse, Failure> {
    let account = account_of(&request.account_id)?;
    match check::draft(&request.body_json).await {
        Ok((draft, warnings)) => {
            let warnings = with_missing_bases(store, account, &draft.configuration, warnings).await?;
            Ok(v1::ValidateWorkflowResponse { errors: Vec::new(), warnings })
        }
        Err(failure) if failure.errors.is_empty() => Err(failure),
        Err(failure) => Ok(v1::ValidateWorkflowResponse { errors: failure.errors, warnings: Vec::new() }),
    }
}
