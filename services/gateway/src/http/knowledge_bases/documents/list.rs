//! `GET /v1/knowledge-bases/{knowledge_base_id}/documents`: newest first.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::{ErrorCode, v1};

use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::knowledge_bases::view::DocumentView;
use crate::http::operation::{Answer, CURSOR, LIMIT, Operation, PAGE, Shape};
use crate::http::query::Query;
use crate::http::workflows::list::{Listed, Pagination};
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "listDocuments",
    method: Method::GET,
    path: "/v1/knowledge-bases/{knowledge_base_id}/documents",
    summary: "List documents",
    description: "All documents of the knowledge base, the one that was first put last first.",
    level: Level::ReadOnly,
    class: Class::Read,
    query: &[PAGE, LIMIT, CURSOR],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "A page of documents",
        schema: Shape::List("KnowledgeDocument"),
        example: include_str!("../../openapi/examples/knowledge_documents.json"),
    }],
    errors: &[ErrorCode::KnowledgeBaseNotFound],
    headers: &[],
};

pub(in crate::http) async fn list(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let page = Query::of(&request, &OPERATION)?.page()?;
    let wanted = v1::ListDocumentsRequest {
        account_id: account.to_vec().into(),
        base: path.into_inner(),
        page: page.number,
        limit: page.limit,
        cursor: page.cursor.clone(),
    };
    let found = state.services.list_documents(&wanted).await?;
    let data = found.documents.iter().map(DocumentView::from).collect();
    let pagination = Pagination::new(&page, found.total, found.next_cursor);
    Ok(HttpResponse::Ok().json(Listed::<DocumentView> { data, pagination }))
}
