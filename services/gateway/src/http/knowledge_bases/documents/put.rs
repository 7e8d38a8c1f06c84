//! `PUT /v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}`: the document itself is the body.

use actix_web::http::Method;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;

use super::One;
use crate::client::knowledge::DocumentToPut;
use crate::http::body;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::knowledge_bases::view::DocumentView;
use crate::http::openapi::texts::NO_CONTROLS;
use crate::http::operation::{Answer, Kind, Operation, Parameter, Shape};
use crate::http::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

/// What documents may be written in.
pub(in crate::http) const MEDIA_TYPES: [&str; 4] =
    ["text/plain", "text/markdown", "text/html", "application/pdf"];
/// Bytes of a document.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Characters of a title.
const TITLE_CHARS_MAX: usize = 200;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "putDocument",
    method: Method::PUT,
    path: "/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}",
    summary: "Put a document",
    description: "The body is the document: text, Markdown or HTML in UTF-8, or a PDF with text in it, as `Content-Type` says; at most 10 MiB. It takes the place of the one with its id at once: a search meets the one or the other.",
    level: Level::ReadWrite,
    class: Class::Write,
    query: &[Parameter {
        name: "title",
        description: "The document's title; its own unless given",
        required: false,
        kind: Kind::Text { chars_max: TITLE_CHARS_MAX, pattern: NO_CONTROLS, example: "Returns and refunds" },
    }],
    // Not JSON: see `document::documents_body` of the documentation.
    body: None,
    answers: &[
        Answer {
            status: 200,
            description: "It has taken the place of the one before",
            schema: Shape::One("KnowledgeDocument"),
            example: include_str!("../../openapi/examples/knowledge_document.json"),
        },
        Answer {
            status: 201,
            description: "It is new",
            schema: Shape::One("KnowledgeDocument"),
            example: include_str!("../../openapi/examples/knowledge_document.json"),
        },
    ],
    errors: &[
        ErrorCode::KnowledgeBaseNotFound,
        ErrorCode::Conflict,
        ErrorCode::PayloadTooLarge,
        ErrorCode::UnsupportedMediaType,
        ErrorCode::DocumentUnreadable,
    ],
    headers: &[],
};

pub(in crate::http) async fn put(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let title = title(&Query::of(&request, &OPERATION)?)?;
    let (base, document) = path.into_inner();
    let content_type = media_type(&request)?;
    // Before megabytes are sent around for nothing.
    state.services.knowledge_base(account, base.clone()).await?;
    let bytes = body::read(&request, payload, DOCUMENT_BYTES_MAX).await?.into();
    let put = DocumentToPut { account, base, document, content_type, title, bytes };
    let answer = state.services.put_document(put).await?;
    let document = answer.document.ok_or_else(|| ApiError::of(ErrorCode::InternalError))?;
    let mut response = if answer.created { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(response.json(One { data: DocumentView::from(&document) }))
}

fn title(query: &Query) -> Result<String, ApiError> {
    let title = query.text("title")?.unwrap_or_default();
    if title.chars().count() > TITLE_CHARS_MAX || title.chars().any(char::is_control) {
        let details = format!("The parameter 'title' must be a line of at most {TITLE_CHARS_MAX} characters");
        return Err(ApiError::invalid("title", details));
    }
    Ok(title.to_owned())
}

/// The whole `Content-Type`; what its parameters mean is known where documents are read.
fn media_type(request: &HttpRequest) -> Result<String, ApiError> {
    let header =
        request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = header.split(';').next().unwrap_or_default().trim();
    if MEDIA_TYPES.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return Ok(header.to_owned());
    }
    let details = format!("Send the document as one of {}", MEDIA_TYPES.join(", "));
    Err(ApiError::because(ErrorCode::UnsupportedMediaType, details))
}
