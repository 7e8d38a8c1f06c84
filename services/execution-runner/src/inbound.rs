//! Requests of other services, over the NATS services API.

use std::sync::Arc;

use bus::rpc::RunningServer;
use bus::rpc::Server;
use bus::{Bus, Unavailable};
use contracts::{subject, v1};
use platform::clock;

use crate::store::erase::Erasing;
use crate::store::read::Reads;
use crate::usecase::commit_events::{commit_events, commits as last_commits};
use crate::usecase::erase_workflow::erase_workflow;
use crate::usecase::find_message::MessageFinder;
use crate::usecase::list_executions::list_executions;
use crate::usecase::read::{get_execution, workflow_totals};

/// Offers all endpoints.
pub(crate) async fn serve(
    bus: &Bus,
    reads: Reads,
    finder: MessageFinder,
    erasing: Erasing,
) -> Result<RunningServer, Unavailable> {
    let finder = Arc::new(finder);
    let (lists, executions, totals) = (reads.clone(), reads.clone(), reads.clone());
    let (commits, events) = (reads.clone(), reads);
    Server::new(bus, "execution-runner")
        .handle(subject::runner::LIST_EXECUTIONS, move |request: v1::ListExecutionsRequest| {
            let reads = lists.clone();
            async move { list_executions(&reads, request).await }
        })
        .handle(subject::runner::GET_EXECUTION, move |request: v1::GetExecutionRequest| {
            let reads = executions.clone();
            async move { get_execution(&reads, request).await }
        })
        .handle(subject::runner::GET_MESSAGE, move |request: v1::GetMessageRequest| {
            let finder = Arc::clone(&finder);
            async move { finder.find(request, clock::now_ms()).await }
        })
        .handle(subject::runner::WORKFLOW_TOTALS, move |request: v1::WorkflowTotalsRequest| {
            let reads = totals.clone();
            async move { workflow_totals(&reads, request).await }
        })
        .handle(subject::runner::COMMITS, move |_: v1::CommitsRequest| {
            let reads = commits.clone();
            async move { last_commits(&reads).await }
        })
        .handle(subject::runner::COMMIT_EVENTS, move |request: v1::CommitEventsRequest| {
            let reads = events.clone();
            async move { commit_events(&reads, request).await }
        })
        .handle(subject::runner::ERASE_WORKFLOW, move |request: v1::EraseWorkflowRequest| {
            let erasing = erasing.clone();
            async move { erase_workflow(&erasing, request).await }
        })
        .start()
        .await
}
