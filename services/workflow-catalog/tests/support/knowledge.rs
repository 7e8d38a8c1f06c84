//! Knowledge bases over the bus.

use contracts::subject::knowledge as subject;
use contracts::v1::{self, Failure};
use flow_model::AccountId;
use knowledge::extract::{Found, FoundPassage};
use knowledge::rank::Term;

use super::Catalog;

/// Bytes of a document in one message.
const PART_BYTES: usize = 512 * 1024;

impl Catalog {
    pub async fn create_base(&self, name: &str) -> Result<v1::KnowledgeBase, Failure> {
        let request = v1::CreateKnowledgeBaseRequest {
            account_id: self.account.to_vec().into(),
            name: name.to_owned(),
            ..v1::CreateKnowledgeBaseRequest::default()
        };
        self.call(subject::CREATE_BASE, &request).await
    }

    pub async fn base_of(&self, account: AccountId, base: &str) -> Result<v1::KnowledgeBase, Failure> {
        let request =
            v1::GetKnowledgeBaseRequest { account_id: account.to_vec().into(), base: base.to_owned() };
        self.call(subject::GET_BASE, &request).await
    }

    /// Puts a document into the base of this name, a large one in parts.
    pub async fn put(
        &self,
        base: &str,
        document: &str,
        content_type: &str,
        bytes: &[u8],
    ) -> Result<v1::PutDocumentResponse, Failure> {
        let account_id: bytes::Bytes = self.account.to_vec().into();
        let mut request = v1::PutDocumentRequest {
            account_id: account_id.clone(),
            base: base.to_owned(),
            document: document.to_owned(),
            content_type: content_type.to_owned(),
            ..v1::PutDocumentRequest::default()
        };
        if bytes.len() <= PART_BYTES {
            request.data = bytes.to_vec().into();
            return self.call(subject::PUT_DOCUMENT, &request).await;
        }
        request.upload_id = platform::clock::new_uuid_v7().as_bytes().to_vec().into();
        for data in bytes.chunks(PART_BYTES) {
            let part = v1::PutDocumentPartRequest {
                account_id: account_id.clone(),
                upload_id: request.upload_id.clone(),
                part: request.parts,
                data: data.to_vec().into(),
            };
            self.call::<_, v1::PutDocumentPartResponse>(subject::PUT_DOCUMENT_PART, &part).await?;
            request.parts += 1;
        }
        self.call(subject::PUT_DOCUMENT, &request).await
    }

    pub async fn search(
        &self,
        base: &str,
        query: &str,
        limit: u32,
    ) -> Result<v1::SearchKnowledgeResponse, Failure> {
        let request = v1::SearchKnowledgeRequest {
            account_id: self.account.to_vec().into(),
            base: base.to_owned(),
            query: query.to_owned(),
            limit,
            language: String::new(),
        };
        self.call(subject::SEARCH, &request).await
    }
}

/// What was found, as an answer is taken from it.
pub fn found(response: &v1::SearchKnowledgeResponse) -> Found {
    let term = |term: &v1::SearchTerm| Term { lexeme: term.lexeme.clone(), weight: term.weight };
    let passage = |passage: &v1::FoundPassage| FoundPassage {
        document: passage.document.clone(),
        title: passage.title.clone(),
        headings: passage.headings.clone(),
        position: passage.position,
        text: passage.text.clone(),
        score: passage.score,
        coverage: passage.coverage,
        similarity: passage.similarity,
    };
    Found {
        terms: response.terms.iter().map(term).collect(),
        passages: response.passages.iter().map(passage).collect(),
    }
}
