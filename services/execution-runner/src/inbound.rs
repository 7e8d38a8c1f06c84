//! Requests of other services, over the NATS services API.

use std::sync::Arc;

use bus::rpc::RunningServer;
use bus::rpc::Server;
use bus::{Bus, Unavailable};
use contracts::{subject, v1};
use platform::clock;

use crate::store::Retention;
use crate::store::erase::Erasing;
use crate::store::read::Reads;
use crate::store::republish::Republishing;
use crate::usecase::commit_events::{commit_events, commits as last_commits};
use crate::usecase::conversations;
use crate::usecase::dead_letters::LetterDesk;
use crate::usecase::erase_customer::erase_customer;
use crate::usecase::erase_workflow::erase_workflow;
use crate::usecase::find_message::MessageFinder;
use crate::usecase::list_executions::list_executions;
use crate::usecase::list_runners::list_runners;
use crate::usecase::read::{get_execution, workflow_totals};
use crate::usecase::republish::republish;
use crate::usecase::retention::retention;

/// What answers.
pub(crate) struct Desks {
    pub reads: Reads,
    pub finder: MessageFinder,
    pub letters: LetterDesk,
    pub erasing: Erasing,
    pub republishing: Republishing,
    pub retention: Retention,
}

/// Offers all endpoints.
pub(crate) async fn serve(bus: &Bus, desks: Desks) -> Result<RunningServer, Unavailable> {
    let Desks { reads, finder, letters, erasing, republishing, retention } = desks;
    let server = with_reads(Server::new(bus, "execution-runner"), reads.clone(), finder);
    let server = with_conversations(server, reads.clone(), erasing.clone());
    let server = with_history(server, erasing, republishing, retention);
    with_operations(server, (reads, bus.clone()), letters).start().await
}

/// What callers of the API and other services read.
fn with_reads(server: Server, reads: Reads, finder: MessageFinder) -> Server {
    let finder = Arc::new(finder);
    let (lists, executions, totals) = (reads.clone(), reads.clone(), reads.clone());
    let (commits, events) = (reads.clone(), reads);
    server
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
}

/// Conversations and customers.
fn with_conversations(server: Server, reads: Reads, erasing: Erasing) -> Server {
    let (get, list, messages, events) = (reads.clone(), reads.clone(), reads.clone(), reads);
    server
        .handle(subject::runner::GET_CONVERSATION, move |request: v1::GetConversationRequest| {
            let reads = get.clone();
            async move { conversations::get(&reads, request, clock::now_ms()).await }
        })
        .handle(subject::runner::LIST_CONVERSATIONS, move |request: v1::ListConversationsRequest| {
            let reads = list.clone();
            async move { conversations::list(&reads, request, clock::now_ms()).await }
        })
        .handle(
            subject::runner::CONVERSATION_MESSAGES,
            move |request: v1::ListConversationMessagesRequest| {
                let reads = messages.clone();
                async move { conversations::messages(&reads, request, clock::now_ms()).await }
            },
        )
        .handle(subject::runner::CONVERSATION_EVENTS, move |request: v1::ConversationEventsRequest| {
            let reads = events.clone();
            async move { conversations::events(&reads, request, clock::now_ms()).await }
        })
        .handle(subject::runner::ERASE_CUSTOMER, move |request: v1::EraseCustomerRequest| {
            let erasing = erasing.clone();
            async move { erase_customer(&erasing, request).await }
        })
}

/// What operators see and do.
fn with_operations(server: Server, runners: (Reads, Bus), letters: LetterDesk) -> Server {
    let (list, get, retry) = (letters.clone(), letters.clone(), letters);
    server
        .handle(subject::runner::LIST_RUNNERS, move |_: v1::ListRunnersRequest| {
            let (reads, bus) = runners.clone();
            async move { list_runners(&reads, &bus).await }
        })
        .handle(subject::runner::LIST_DEAD_LETTERS, move |request: v1::ListDeadLettersRequest| {
            let letters = list.clone();
            async move { letters.list(request).await }
        })
        .handle(subject::runner::GET_DEAD_LETTER, move |request: v1::GetDeadLetterRequest| {
            let letters = get.clone();
            async move { letters.get(request).await }
        })
        .handle(subject::runner::RETRY_DEAD_LETTER, move |request: v1::RetryDeadLetterRequest| {
            let letters = retry.clone();
            async move { letters.retry(request).await }
        })
}

/// What becomes of what has happened: it is told again, goes when it is over its time, and the catalog has it erased.
fn with_history(server: Server, erasing: Erasing, republishing: Republishing, keeping: Retention) -> Server {
    server
        .handle(subject::runner::REPUBLISH, move |request: v1::RepublishRequest| {
            let republishing = republishing.clone();
            async move { republish(&republishing, request).await }
        })
        .handle(subject::runner::RETENTION, move |request: v1::RetentionRequest| {
            let keeping = keeping.clone();
            async move { retention(&keeping, request, clock::now_ms()).await }
        })
        .handle(subject::runner::ERASE_WORKFLOW, move |request: v1::EraseWorkflowRequest| {
            let erasing = erasing.clone();
            async move { erase_workflow(&erasing, request).await }
        })
}
