//! The metrics aggregator.

use contracts::{subject::metrics, v1};

use super::Client;
use crate::http::error::ApiError;

impl Client {
    pub async fn metrics(&self, request: &v1::GetMetricsRequest) -> Result<v1::GetMetricsResponse, ApiError> {
        self.ask(metrics::GET, request).await
    }
}
