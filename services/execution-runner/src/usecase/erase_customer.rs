//! Erasing what is kept of a customer. The conversations themselves are ended by commands, through their partition; this is
//! what has become history.

use contracts::v1::{self, Failure};
use flow_model::AccountId;

use super::{failure, malformed};
use crate::store::erase::Erasing;

/// Executions changed in one transaction.
const ROWS_MAX: u32 = 500;

/// Erases a part.
pub(crate) async fn erase_customer(
    erasing: &Erasing,
    request: v1::EraseCustomerRequest,
) -> Result<v1::EraseCustomerResponse, Failure> {
    let account = AccountId::from_slice(&request.account_id).map_err(|_| malformed("account_id"))?;
    let erased = erasing.erase_customer(account, request.customer_id, request.erased_as, ROWS_MAX).await;
    erased.map_err(|error| failure(&error))
}
