//! Requests of other services, over the NATS services API.

use bus::rpc::{RunningServer, Server};
use bus::{Bus, Unavailable};
use contracts::subject::metrics;
use contracts::v1;
use platform::clock;

use crate::runner::Runner;
use crate::store::{Retention, Store};
use crate::usecase::erase::erase;
use crate::usecase::measure::measure;
use crate::usecase::rebuild::rebuild;
use crate::usecase::retention::retention;

/// Offers all endpoints.
pub(crate) async fn serve(bus: &Bus, store: Store, keeping: Retention) -> Result<RunningServer, Unavailable> {
    let runner = Runner::new(bus.clone());
    let (numbers, records) = ((store.clone(), runner.clone()), (store.clone(), runner));
    Server::new(bus, "metrics-aggregator")
        .handle(metrics::GET, move |request: v1::GetMetricsRequest| {
            let (store, runner) = numbers.clone();
            async move { measure(&store, &runner, request, clock::now_ms()).await }
        })
        .handle(metrics::REBUILD, move |request: v1::RebuildMetricsRequest| {
            let (store, runner) = records.clone();
            async move { rebuild(&store, &runner, request).await }
        })
        .handle(metrics::ERASE_WORKFLOW, move |request: v1::EraseWorkflowRequest| {
            let store = store.clone();
            async move { erase(&store, request).await }
        })
        .handle(metrics::RETENTION, move |request: v1::RetentionRequest| {
            let keeping = keeping.clone();
            async move { retention(&keeping, request, clock::now_ms()).await }
        })
        .start()
        .await
}
