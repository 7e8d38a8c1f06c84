//! The workflow catalog.

use contracts::{subject::catalog, v1};
use flow_model::{AccountId, WorkflowId};

use super::Client;
use crate::http::error::ApiError;

impl Client {
    pub async fn create_workflow(&self, account: AccountId, body: Vec<u8>) -> Result<v1::Workflow, ApiError> {
        let request =
            v1::CreateWorkflowRequest { account_id: account.to_vec().into(), body_json: body.into() };
        self.call(catalog::CREATE, &request).await
    }

    /// What create would say of a body.
    pub async fn validate_workflow(
        &self,
        account: AccountId,
        body: Vec<u8>,
    ) -> Result<v1::ValidateWorkflowResponse, ApiError> {
        let request =
            v1::ValidateWorkflowRequest { account_id: account.to_vec().into(), body_json: body.into() };
        self.ask(catalog::VALIDATE, &request).await
    }

    pub async fn workflow(&self, account: AccountId, id: WorkflowId) -> Result<v1::Workflow, ApiError> {
        let request =
            v1::GetWorkflowRequest { account_id: account.to_vec().into(), workflow_id: id.to_vec().into() };
        self.ask(catalog::GET, &request).await
    }

    pub async fn list_workflows(
        &self,
        request: &v1::ListWorkflowsRequest,
    ) -> Result<v1::ListWorkflowsResponse, ApiError> {
        self.ask(catalog::LIST, request).await
    }

    pub async fn update_workflow(
        &self,
        account: AccountId,
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
        account: AccountId,
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
        account: AccountId,
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
        account: AccountId,
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
