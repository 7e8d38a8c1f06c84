//! The execution runners: any of them answers for all.

use std::collections::HashMap;

use bus::Bus;
use contracts::{subject::runner, v1};
use flow_model::{AccountId, DeadLetterId, ExecutionId, WorkflowId};
use futures::FutureExt;

use super::gather::{Answer, Gather};
use super::{Client, ask, failed};
use crate::auth::Account;
use crate::http::error::ApiError;

/// A page that does not fit into one bus message is fetched in so many parts at most.
const PARTS_MAX: usize = 20;

/// How many executions workflows have.
pub(super) fn totals(bus: &Bus) -> Gather<v1::WorkflowTotals> {
    let bus = bus.clone();
    Gather::by(move |account, ids| counted(bus.clone(), account, ids).boxed())
}

async fn counted(bus: Bus, account: AccountId, ids: Vec<WorkflowId>) -> Answer<v1::WorkflowTotals> {
    let workflow_ids = ids.iter().map(|id| id.to_vec().into()).collect();
    let request = v1::WorkflowTotalsRequest { account_id: account.to_vec().into(), workflow_ids };
    let answer: v1::WorkflowTotalsResponse = ask(&bus, runner::WORKFLOW_TOTALS, &request).await?;
    let of = |totals: v1::WorkflowTotals| Some((WorkflowId::from_slice(&totals.workflow_id).ok()?, totals));
    Ok(answer.totals.into_iter().filter_map(of).collect())
}

impl Client {
    /// A page of executions, put together from as many parts as it takes.
    pub async fn list_executions(
        &self,
        mut request: v1::ListExecutionsRequest,
    ) -> Result<v1::ListExecutionsResponse, ApiError> {
        let wanted = request.limit as usize;
        let mut page: v1::ListExecutionsResponse = self.ask(runner::LIST_EXECUTIONS, &request).await?;
        for _ in 1..PARTS_MAX {
            let missing = wanted.saturating_sub(page.executions.len());
            if missing == 0 || page.next_cursor.is_empty() {
                break;
            }
            request.cursor = std::mem::take(&mut page.next_cursor);
            request.limit = u32::try_from(missing).unwrap_or(u32::MAX);
            let part: v1::ListExecutionsResponse = self.ask(runner::LIST_EXECUTIONS, &request).await?;
            page.executions.extend(part.executions);
            page.next_cursor = part.next_cursor;
        }
        Ok(page)
    }

    pub async fn execution(
        &self,
        account: Account,
        workflow: WorkflowId,
        id: ExecutionId,
    ) -> Result<v1::Execution, ApiError> {
        let request = v1::GetExecutionRequest {
            account_id: account.to_vec().into(),
            workflow_id: workflow.to_vec().into(),
            execution_id: id.to_vec().into(),
        };
        self.ask(runner::GET_EXECUTION, &request).await
    }

    pub async fn message(&self, request: &v1::GetMessageRequest) -> Result<v1::GetMessageResponse, ApiError> {
        self.ask(runner::GET_MESSAGE, request).await
    }

    /// Who owns what.
    pub async fn runners(&self) -> Result<v1::ListRunnersResponse, ApiError> {
        self.ask(runner::LIST_RUNNERS, &v1::ListRunnersRequest {}).await
    }

    /// A page of dead letters, without payloads.
    pub async fn list_dead_letters(
        &self,
        request: &v1::ListDeadLettersRequest,
    ) -> Result<v1::ListDeadLettersResponse, ApiError> {
        self.ask(runner::LIST_DEAD_LETTERS, request).await
    }

    /// A dead letter with its payload.
    pub async fn dead_letter(&self, account: Account, id: DeadLetterId) -> Result<v1::DeadLetter, ApiError> {
        let request =
            v1::GetDeadLetterRequest { account_id: account.to_vec().into(), id: id.to_vec().into() };
        self.ask(runner::GET_DEAD_LETTER, &request).await
    }

    /// Has a dead letter tried again.
    pub async fn retry_dead_letter(
        &self,
        account: Account,
        id: DeadLetterId,
    ) -> Result<v1::DeadLetter, ApiError> {
        let request =
            v1::RetryDeadLetterRequest { account_id: account.to_vec().into(), id: id.to_vec().into() };
        self.call(runner::RETRY_DEAD_LETTER, &request).await
    }

    /// How many executions a workflow has.
    pub async fn totals(&self, account: Account, id: WorkflowId) -> Result<v1::WorkflowTotals, ApiError> {
        let counted = self.totals.get(*account, id).await;
        Ok(counted.map_err(|error| failed(runner::WORKFLOW_TOTALS, error))?.unwrap_or_default())
    }

    /// How many executions each of these workflows has.
    pub async fn totals_of(
        &self,
        account: Account,
        workflows: Vec<WorkflowId>,
    ) -> Result<HashMap<WorkflowId, v1::WorkflowTotals>, ApiError> {
        if workflows.is_empty() {
            return Ok(HashMap::new());
        }
        let counted = counted(self.bus.clone(), *account, workflows).await;
        counted.map_err(|error| failed(runner::WORKFLOW_TOTALS, error))
    }
}
