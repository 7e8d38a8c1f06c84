//! `POST /v1/workflows/validate`: what create would say, without storing anything.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::{ErrorCode, v1};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::body;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Body, Operation, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "validateWorkflow",
    method: Method::POST,
    path: "/v1/workflows/validate",
    summary: "Validate a workflow",
    description: "Takes the body of create and tells every problem and every oddity of it. Stores nothing.",
    level: Level::ReadOnly,
    class: Class::Read,
    query: &[],
    body: Some(Body {
        schema: "NewWorkflow",
        optional: false,
        example: include_str!("../openapi/examples/new_workflow.json"),
    }),
    answers: &[Answer {
        status: 200,
        description: "What there is to say about it",
        schema: Shape::One("Validation"),
        example: include_str!("../openapi/examples/validation.json"),
    }],
    errors: &[ErrorCode::PayloadTooLarge, ErrorCode::UnsupportedMediaType],
    headers: &[],
};

/// What there is to say about a workflow.
#[derive(Serialize, ToSchema)]
#[schema(as = Validation)]
pub(in crate::http) struct ValidationView {
    /// Whether create would take it.
    valid: bool,
    /// Why it would not, in the order of the document.
    errors: Vec<ProblemView>,
    /// What is odd about it.
    warnings: Vec<ProblemView>,
}

/// A problem, or an oddity, and its place.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(in crate::http) struct ProblemView {
    /// Such as `INVALID_NODE_CONFIG` or `DANGLING_NEXT`.
    code: String,
    /// The path of the field that is to blame.
    #[schema(examples("configuration.nodes[0].content"))]
    field: String,
    /// What is wrong with it.
    message: String,
}

impl From<&v1::Problem> for ProblemView {
    fn from(problem: &v1::Problem) -> Self {
        Self { code: problem.code.clone(), field: problem.field.clone(), message: problem.message.clone() }
    }
}

#[derive(Serialize)]
struct One {
    data: ValidationView,
}

pub(in crate::http) async fn validate(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let document = body::json(&request, payload, state.body_bytes_max).await?;
    let found = state.services.validate_workflow(account, body::compact(&document)?).await?;
    let data = ValidationView {
        valid: found.errors.is_empty(),
        errors: found.errors.iter().map(ProblemView::from).collect(),
        warnings: found.warnings.iter().map(ProblemView::from).collect(),
    };
    Ok(HttpResponse::Ok().json(One { data }))
}
