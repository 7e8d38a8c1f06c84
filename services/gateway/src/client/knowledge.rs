//! Knowledge bases, which the workflow catalog keeps.

use std::time::Duration;

use bytes::Bytes;
use contracts::{subject::knowledge, v1};
use platform::clock;

use super::Client;
use crate::auth::Account;
use crate::http::error::ApiError;

/// Bytes of a document in one message, well below the broker's 1 MiB.
const PART_BYTES: usize = 512 * 1024;
/// A document that takes longer to be read and stored is too much.
const PUT_DEADLINE: Duration = Duration::from_secs(30);

/// A document to be put.
#[derive(Debug)]
pub(crate) struct DocumentToPut {
    pub account: Account,
    pub base: String,
    pub document: String,
    pub content_type: String,
    pub title: String,
    pub bytes: Bytes,
}

impl Client {
    pub async fn create_knowledge_base(
        &self,
        request: &v1::CreateKnowledgeBaseRequest,
    ) -> Result<v1::KnowledgeBase, ApiError> {
        self.call(knowledge::CREATE_BASE, request).await
    }

    pub async fn knowledge_base(
        &self,
        account: Account,
        base: String,
    ) -> Result<v1::KnowledgeBase, ApiError> {
        let request = v1::GetKnowledgeBaseRequest { account_id: account.to_vec().into(), base };
        self.call(knowledge::GET_BASE, &request).await
    }

    pub async fn list_knowledge_bases(
        &self,
        request: &v1::ListKnowledgeBasesRequest,
    ) -> Result<v1::ListKnowledgeBasesResponse, ApiError> {
        self.call(knowledge::LIST_BASES, request).await
    }

    pub async fn delete_knowledge_base(
        &self,
        account: Account,
        base: String,
    ) -> Result<v1::DeleteKnowledgeBaseResponse, ApiError> {
        let request = v1::DeleteKnowledgeBaseRequest { account_id: account.to_vec().into(), base };
        self.call(knowledge::DELETE_BASE, &request).await
    }

    /// Puts a document, one that is large in parts: any catalog takes each, and any puts them together.
    pub async fn put_document(&self, put: DocumentToPut) -> Result<v1::PutDocumentResponse, ApiError> {
        let account_id: Bytes = put.account.to_vec().into();
        let mut request = v1::PutDocumentRequest {
            account_id: account_id.clone(),
            base: put.base,
            document: put.document,
            content_type: put.content_type,
            title: put.title,
            ..v1::PutDocumentRequest::default()
        };
        if put.bytes.len() <= PART_BYTES {
            request.data = put.bytes;
            return self.call_within(PUT_DEADLINE, knowledge::PUT_DOCUMENT, &request).await;
        }
        let upload_id: Bytes = clock::new_uuid_v7().as_bytes().to_vec().into();
        let mut rest = put.bytes;
        while !rest.is_empty() {
            let data = rest.split_to(rest.len().min(PART_BYTES));
            let part = v1::PutDocumentPartRequest {
                account_id: account_id.clone(),
                upload_id: upload_id.clone(),
                part: request.parts,
                data,
            };
            let _: v1::PutDocumentPartResponse = self.call(knowledge::PUT_DOCUMENT_PART, &part).await?;
            request.parts += 1;
        }
        request.upload_id = upload_id;
        self.call_within(PUT_DEADLINE, knowledge::PUT_DOCUMENT, &request).await
    }

    pub async fn document(
        &self,
        account: Account,
        base: String,
        document: String,
    ) -> Result<v1::KnowledgeDocument, ApiError> {
        let request = v1::GetDocumentRequest { account_id: account.to_vec().into(), base, document };
        self.call(knowledge::GET_DOCUMENT, &request).await
    }

    pub async fn list_documents(
        &self,
        request: &v1::ListDocumentsRequest,
    ) -> Result<v1::ListDocumentsResponse, ApiError> {
        self.call(knowledge::LIST_DOCUMENTS, request).await
    }

    pub async fn delete_document(
        &self,
        account: Account,
        base: String,
        document: String,
    ) -> Result<v1::DeleteDocumentResponse, ApiError> {
        let request = v1::DeleteDocumentRequest { account_id: account.to_vec().into(), base, document };
        self.call(knowledge::DELETE_DOCUMENT, &request).await
    }

    pub async fn search_knowledge(
        &self,
        request: &v1::SearchKnowledgeRequest,
    ) -> Result<v1::SearchKnowledgeResponse, ApiError> {
        self.call(knowledge::SEARCH, request).await
    }
}
