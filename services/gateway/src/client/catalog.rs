//! The workflow catalog.

use std::collections::HashMap;

use bus::Bus;
use bus::rpc::CallError;
use bytes::Bytes;
use contracts::{ErrorCode, subject::catalog, v1};
use flow_model::{AccountId, WorkflowId};
use futures::FutureExt;

use super::gather::{Answer, Gather};
use super::{Client, ask, failed};
use crate::auth::Account;
use crate::http::error::ApiError;

/// Workflows with their configurations.
pub(super) fn workflows(bus: &Bus) -> Gather<v1::Workflow> {
    let bus = bus.clone();
    Gather::by(move |account, ids| found(bus.clone(), account, ids).boxed())
}

async fn found(bus: Bus, account: AccountId, ids: Vec<WorkflowId>) -> Answer<v1::Workflow> {
    let mut found = HashMap::new();
    let mut wanted: Vec<Bytes> = ids.iter().map(|id| id.to_vec().into()).collect();
    while !wanted.is_empty() {
        let asked = wanted.len();
        let request = v1::GetWorkflowsRequest { account_id: account.to_vec().into(), workflow_ids: wanted };
        let answer: v1::GetWorkflowsResponse = ask(&bus, catalog::GET, &request).await?;
        if answer.left_out.len() >= asked {
            return Err(CallError::Unavailable("the catalog leaves out all that it is asked for".to_owned()));
        }
        for workflow in answer.workflows {
            if let Ok(id) = WorkflowId::from_slice(&workflow.id) {
                found.insert(id, workflow);
            }
        }
        wanted = answer.left_out;
    }
    Ok(found)
}

impl Client {
    pub async fn create_workflow(&self, account: Account, body: Vec<u8>) -> Result<v1::Workflow, ApiError> {
        let request =
            v1::CreateWorkflowRequest { account_id: account.to_vec().into(), body_json: body.into() };
        self.call(catalog::CREATE, &request).await
    }

    /// What create would say of a body.
    pub async fn validate_workflow(
        &self,
        account: Account,
        body: Vec<u8>,
    ) -> Result<v1::ValidateWorkflowResponse, ApiError> {
        let request =
            v1::ValidateWorkflowRequest { account_id: account.to_vec().into(), body_json: body.into() };
        self.ask(catalog::VALIDATE, &request).await
    }

    pub async fn workflow(&self, account: Account, id: WorkflowId) -> Result<v1::Workflow, ApiError> {
        let found = self.workflows.get(*account, id).await.map_err(|error| failed(catalog::GET, error))?;
        found.ok_or_else(|| ApiError::of(ErrorCode::WorkflowNotFound))
    }

    pub async fn list_workflows(
        &self,
        request: &v1::ListWorkflowsRequest,
    ) -> Result<v1::ListWorkflowsResponse, ApiError> {
        self.ask(catalog::LIST, request).await
    }

    pub async fn update_workflow(
        &self,
        account: Account,
        id: WorkflowId,
        body: Vec<u8>,
        if_match: String,
    ) -> Result<v1::Workflow, ApiError> {
        let request = v1::UpdateWorkflowRequest {
            account_id: account.to_vec().into(),
            workflow_id: id.to_vec().into(),
            body_json: body.into(),
            if_match,
        };
        self.call(catalog::UPDATE, &request).await
    }

    pub async fn delete_workflow(
        &self,
        account: Account,
        id: WorkflowId,
        if_match: String,
    ) -> Result<v1::DeleteWorkflowResponse, ApiError> {
        let request = v1::DeleteWorkflowRequest {
            account_id: account.to_vec().into(),
            workflow_id: id.to_vec().into(),
            if_match,
        };
        self.call(catalog::DELETE, &request).await
    }

    pub async fn activate_workflow(
        &self,
        account: Account,
        id: WorkflowId,
    ) -> Result<v1::Workflow, ApiError> {
        let request = v1::ActivateWorkflowRequest {
            account_id: account.to_vec().into(),
            workflow_id: id.to_vec().into(),
        };
        self.call(catalog::ACTIVATE, &request).await
    }

    pub async fn deactivate_workflow(
        &self,
        account: Account,
        id: WorkflowId,
        cancel_waiting: bool,
    ) -> Result<v1::Workflow, ApiError> {
        let request = v1::DeactivateWorkflowRequest {
            account_id: account.to_vec().into(),
            workflow_id: id.to_vec().into(),
            cancel_waiting,
        };
        self.call(catalog::DEACTIVATE, &request).await
    }
}
