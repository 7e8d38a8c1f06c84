//! `GET /v1/knowledge-bases`: newest first.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::v1;

use super::view::BaseView;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, CURSOR, LIMIT, Operation, PAGE, Shape};
use crate::http::query::Query;
use crate::http::workflows::list::{Listed, Pagination};
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "listKnowledgeBases",
    method: Method::GET,
    path: "/v1/knowledge-bases",
    summary: "List knowledge bases",
    description: "All knowledge bases of the account, newest first.",
    level: Level::ReadOnly,
    class: Class::Read,
    query: &[PAGE, LIMIT, CURSOR],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "A page of knowledge bases",
        schema: Shape::List("KnowledgeBase"),
        example: include_str!("../openapi/examples/knowledge_bases.json"),
    }],
    errors: &[],
    headers: &[],
};

pub(in crate::http) async fn list(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let page = Query::of(&request, &OPERATION)?.page()?;
    let wanted = v1::ListKnowledgeBasesRequest {
        account_id: account.to_vec().into(),
        page: page.number,
        limit: page.limit,
        cursor: page.cursor.clone(),
    };
    let found = state.services.list_knowledge_bases(&wanted).await?;
    let data = found.bases.iter().map(BaseView::from).collect();
    let pagination = Pagination::new(&page, found.total, found.next_cursor);
    Ok(HttpResponse::Ok().json(Listed::<BaseView> { data, pagination }))
}
