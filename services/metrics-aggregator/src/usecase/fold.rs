//! One batch of facts, counted in one transaction with how far they reach.

use flow_rollup::Fact;

use crate::store::{Progress, Store, StoreError};

/// A batch was not counted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FoldError {
    /// Another aggregator has counted it.
    #[error("another aggregator is further")]
    Moved,
    /// The numbers cannot be kept.
    #[error("the numbers cannot be kept")]
    Store(#[source] StoreError),
}

impl From<StoreError> for FoldError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Moved => Self::Moved,
            error => Self::Store(error),
        }
    }
}

/// Where the numbers stand.
pub(crate) async fn progress(store: &Store) -> Result<Progress, FoldError> {
    Ok(store.progress().await?)
}

/// Counts facts, if the numbers still stand where the caller thinks.
pub(crate) async fn fold(
    store: &Store,
    stored: Progress,
    reached: Progress,
    facts: Vec<Fact>,
) -> Result<(), FoldError> {
    Ok(store.fold(stored, reached, facts).await?)
}
