//! Requests about knowledge bases.

use bus::rpc::Server;
use contracts::subject::knowledge as subject;
use contracts::v1;
use flow_model::KnowledgeBaseId;
use platform::clock;

use crate::store::Store;
use crate::usecase::knowledge::meaning::Meaning;
use crate::usecase::knowledge::{base, document, put, search};

/// Bases, and searching in them.
pub(super) fn bases(server: Server, store: &Store, meaning: &Meaning) -> Server {
    let [creates, reads, lists, deletes, searches] = std::array::from_fn(|_| store.clone());
    let meaning = meaning.clone();
    server
        .handle(subject::CREATE_BASE, move |request: v1::CreateKnowledgeBaseRequest| {
            let store = creates.clone();
            async move {
                let id = KnowledgeBaseId::new(clock::new_uuid_v7());
                base::create(&store, request, id, clock::now()).await
            }
        })
        .handle(subject::GET_BASE, move |request: v1::GetKnowledgeBaseRequest| {
            let store = reads.clone();
            async move { base::get(&store, request).await }
        })
        .handle(subject::LIST_BASES, move |request: v1::ListKnowledgeBasesRequest| {
            let store = lists.clone();
            async move { base::list(&store, request).await }
        })
        .handle(subject::DELETE_BASE, move |request: v1::DeleteKnowledgeBaseRequest| {
            let store = deletes.clone();
            async move { base::delete(&store, request).await }
        })
        .handle(subject::SEARCH, move |request: v1::SearchKnowledgeRequest| {
            let (store, meaning) = (searches.clone(), meaning.clone());
            async move { search::search(&store, &meaning, request).await }
        })
}

/// Their documents.
pub(super) fn documents(server: Server, store: &Store) -> Server {
    let [parts, puts, reads, lists, deletes] = std::array::from_fn(|_| store.clone());
    server
        .handle(subject::PUT_DOCUMENT_PART, move |request: v1::PutDocumentPartRequest| {
            let store = parts.clone();
            async move { put::part(&store, request, clock::now()).await }
        })
        .handle(subject::PUT_DOCUMENT, move |request: v1::PutDocumentRequest| {
            let store = puts.clone();
            async move { put::put(&store, request, clock::now()).await }
        })
        .handle(subject::GET_DOCUMENT, move |request: v1::GetDocumentRequest| {
            let store = reads.clone();
            async move { document::get(&store, request).await }
        })
        .handle(subject::LIST_DOCUMENTS, move |request: v1::ListDocumentsRequest| {
            let store = lists.clone();
            async move { document::list(&store, request).await }
        })
        .handle(subject::DELETE_DOCUMENT, move |request: v1::DeleteDocumentRequest| {
            let store = deletes.clone();
            async move { document::delete(&store, request).await }
        })
}
