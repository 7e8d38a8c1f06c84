//! What is left of a deleted workflow goes away when its time has come, whoever was away meanwhile.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{Catalog, eventually};
use bus::rpc::{RunningServer, Server};
use contracts::subject::{metrics, runner};
use contracts::v1;
use workflow_catalog::store::SCHEMA;

/// A service that has three parts to remove; it counts how often it is asked.
async fn keeper(catalog: &Catalog, subject: &'static str) -> (RunningServer, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let server = Server::new(&catalog.bus, "test")
        .handle(subject, move |_: v1::EraseWorkflowRequest| {
            let parts = count.fetch_add(1, Ordering::SeqCst) + 1;
            async move { Ok(v1::EraseWorkflowResponse { done: parts >= 3 }) }
        })
        .start()
        .await
        .unwrap();
    (server, asked)
}

/// Rows of workflows and of revisions.
async fn rows(catalog: &Catalog) -> (i64, i64) {
    let client = pg::raw::connect(&pg::PgConfig::for_url(&catalog.database_url), SCHEMA).await.unwrap();
    let query = "SELECT (SELECT count(*) FROM workflows), (SELECT count(*) FROM revisions)";
    let row = client.query_one(query, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_removes_its_part_before_the_last_trace_goes() {
    let catalog = Catalog::with(&["--erase-after-hours", "0"]).await;
    let gone = catalog.create("Gone").await;
    catalog.create("Kept").await;
    catalog.activate(&gone).await.unwrap();
    let (_runner, of_runner) = keeper(&catalog, runner::ERASE_WORKFLOW).await;
    catalog.delete(&gone, "").await.unwrap();
    eventually("the runner has removed its part", || async { of_runner.load(Ordering::SeqCst) >= 3 }).await;
    assert_eq!(rows(&catalog).await, (2, 2), "the metrics aggregator is away: the catalog remembers");

    let (_metrics, of_metrics) = keeper(&catalog, metrics::ERASE_WORKFLOW).await;
    eventually("the last trace is gone", || async { rows(&catalog).await == (1, 1) }).await;
    assert_eq!(of_metrics.load(Ordering::SeqCst), 3);
    assert!(catalog.definition(&gone, 1).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_erased_before_its_time() {
    let catalog = Catalog::start().await;
    let (_runner, asked) = keeper(&catalog, runner::ERASE_WORKFLOW).await;
    let gone = catalog.create("Gone").await;
    catalog.delete(&gone, "").await.unwrap();
    // A later change is told, so the catalog has been at work since.
    let other = catalog.create("Other").await;
    catalog.activate(&other).await.unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    assert_eq!(rows(&catalog).await, (2, 2));
}
