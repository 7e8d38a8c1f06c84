//! The public API over HTTP: routes, and what all of them share.

mod body;
mod caller;
pub(crate) mod error;
mod executions;
mod messages;
mod observe;
pub(crate) mod openapi;
pub(crate) mod operation;
mod prefer;
mod query;
mod workflows;

use actix_web::web;
use contracts::ErrorCode;
use error::ApiError;

pub(crate) use observe::{RequestTimeout, observe};

/// All routes of the API, and its documentation.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/v1/openapi.json")
                .route(web::get().to(openapi::serve))
                .default_service(web::to(|| not_allowed("GET"))),
        )
        .service(web::redirect("/docs", "/docs/"))
        .service(
            web::resource("/docs/{file:.*}")
                .route(web::get().to(openapi::page))
                .default_service(web::to(|| not_allowed("GET"))),
        )
        .service(
            web::resource("/v1/workflows")
                .route(web::get().to(workflows::list::list))
                .route(web::post().to(workflows::create::create))
                .default_service(web::to(|| not_allowed("GET, POST"))),
        )
        .service(
            web::resource("/v1/workflows/validate")
                .route(web::post().to(workflows::validate::validate))
                .default_service(web::to(|| not_allowed("POST"))),
        )
        .service(
            web::resource("/v1/workflows/{workflow_id}")
                .route(web::get().to(workflows::get::get))
                .route(web::put().to(workflows::update::update))
                .route(web::delete().to(workflows::delete::delete))
                .default_service(web::to(|| not_allowed("GET, PUT, DELETE"))),
        )
        .service(
            web::resource("/v1/workflows/{workflow_id}/activate")
                .route(web::post().to(workflows::activate::activate))
                .default_service(web::to(|| not_allowed("POST"))),
        )
        .service(
            web::resource("/v1/workflows/{workflow_id}/deactivate")
                .route(web::post().to(workflows::deactivate::deactivate))
                .default_service(web::to(|| not_allowed("POST"))),
        )
        .service(
            web::resource("/v1/workflows/{workflow_id}/executions")
                .route(web::get().to(executions::list::list))
                .route(web::post().to(executions::start::start))
                .default_service(web::to(|| not_allowed("GET, POST"))),
        )
        .service(
            web::resource("/v1/workflows/{workflow_id}/executions/{execution_id}")
                .route(web::get().to(executions::get::get))
                .default_service(web::to(|| not_allowed("GET"))),
        )
        .service(
            web::resource("/v1/workflows/{workflow_id}/metrics")
                .route(web::get().to(workflows::metrics::metrics))
                .default_service(web::to(|| not_allowed("GET"))),
        )
        .service(
            web::resource("/v1/messages")
                .route(web::post().to(messages::send::send))
                .default_service(web::to(|| not_allowed("POST"))),
        )
        .service(
            web::resource("/v1/messages/{message_id}")
                .route(web::get().to(messages::get::get))
                .default_service(web::to(|| not_allowed("GET"))),
        );
}

/// Any other route.
pub(crate) fn not_found() -> std::future::Ready<Result<&'static str, ApiError>> {
    std::future::ready(Err(ApiError::because(ErrorCode::NotFound, "There is no such route")))
}

fn not_allowed(allowed: &'static str) -> std::future::Ready<Result<&'static str, ApiError>> {
    let details = format!("The route takes {allowed}");
    std::future::ready(Err(ApiError::because(ErrorCode::MethodNotAllowed, details).allowing(allowed)))
}
