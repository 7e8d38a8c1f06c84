//! The public API over HTTP: routes, and what all of them share.

mod account;
mod api_keys;
mod audit_log;
mod audited;
mod body;
mod bursts;
mod caller;
mod conditional;
mod conversations;
pub(crate) mod cors;
mod customers;
mod dead_letters;
mod deadline;
pub mod decode;
pub(crate) mod error;
mod events;
mod executions;
mod idempotent;
mod knowledge_bases;
mod listing;
mod messages;
mod oauth;
mod oauth_clients;
mod observe;
pub(crate) mod openapi;
pub(crate) mod operation;
mod plain_requests;
mod prefer;
mod query;
mod remote;
mod runners;
mod secrets;
mod security_headers;
mod workflows;

use actix_web::{Route, guard, web};
use contracts::ErrorCode;
use error::ApiError;

pub(crate) use audited::audited;
pub(crate) use bursts::bursts;
pub(crate) use conditional::conditional;
pub(crate) use cors::preflight;
pub(crate) use idempotent::idempotent;
pub(crate) use knowledge_bases::documents::put::DOCUMENT_BYTES_MAX;
pub(crate) use observe::{RequestTimeout, observe};
pub(crate) use plain_requests::plain_requests;
pub(crate) use security_headers::{Outside, security_headers};

/// All routes of the API, and its documentation. They are tried in this order, so the busiest ones come first.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/v1/messages")
                .route(web::post().to(messages::send::send))
                .default_service(web::to(|| not_allowed("POST"))),
        )
        .service(
            web::resource("/v1/workflows")
                .route(read().to(workflows::list::list))
                .route(web::post().to(workflows::create::create))
                .default_service(web::to(|| not_allowed("GET, HEAD, POST"))),
        )
        .service(
            web::resource("/v1/workflows/validate")
                .route(web::post().to(workflows::validate::validate))
                .default_service(web::to(|| not_allowed("POST"))),
        )
        .service(
            web::resource("/v1/workflows/{workflow_id}")
                .route(read().to(workflows::get::get))
                .route(web::put().to(workflows::update::update))
                .route(web::delete().to(workflows::delete::delete))
                .default_service(web::to(|| not_allowed("GET, HEAD, PUT, DELETE"))),
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
                .route(read().to(executions::list::list))
                .route(web::post().to(executions::start::start))
                .default_service(web::to(|| not_allowed("GET, HEAD, POST"))),
        )
        .service(
            web::resource("/v1/workflows/{workflow_id}/executions/{execution_id}")
                .route(read().to(executions::get::get))
                .default_service(web::to(|| not_allowed("GET, HEAD"))),
        )
        .service(
            web::resource("/v1/workflows/{workflow_id}/executions/{execution_id}/cancel")
                .route(web::post().to(executions::cancel::cancel))
                .default_service(web::to(|| not_allowed("POST"))),
        )
        .service(
            web::resource("/v1/workflows/{workflow_id}/executions/{execution_id}/retry")
                .route(web::post().to(executions::retry::retry))
                .default_service(web::to(|| not_allowed("POST"))),
        )
        .service(
            web::resource("/v1/workflows/{workflow_id}/metrics")
                .route(read().to(workflows::metrics::metrics))
                .default_service(web::to(|| not_allowed("GET, HEAD"))),
        )
        .service(
            web::resource("/v1/messages/{message_id}")
                .route(read().to(messages::get::get))
                .default_service(web::to(|| not_allowed("GET, HEAD"))),
        )
        .configure(of_conversations)
        .configure(of_knowledge)
        .configure(of_accounts)
        .configure(for_operators)
        .configure(of_oauth)
        .service(
            web::resource("/v1/openapi.json")
                .route(read().to(openapi::serve))
                .default_service(web::to(|| not_allowed("GET, HEAD"))),
        )
        .service(web::redirect("/docs", "/docs/"))
        .service(
            web::resource("/docs/{file:.*}")
                .route(read().to(openapi::page))
                .default_service(web::to(|| not_allowed("GET, HEAD"))),
        );
}

/// Routes of conversations and customers.
fn of_conversations(config: &mut web::ServiceConfig) {
    let command = |path: &str| {
        web::resource(format!("/v1/conversations/{{conversation_id}}/{path}"))
            .default_service(web::to(|| not_allowed("POST")))
    };
    config
        .service(
            web::resource("/v1/conversations")
                .route(read().to(conversations::list::list))
                .default_service(web::to(|| not_allowed("GET, HEAD"))),
        )
        .service(
            web::resource("/v1/conversations/{conversation_id}")
                .route(read().to(conversations::get::get))
                .default_service(web::to(|| not_allowed("GET, HEAD"))),
        )
        .service(
            web::resource("/v1/conversations/{conversation_id}/messages")
                .route(read().to(conversations::messages::list))
                .route(web::post().to(conversations::say::say))
                .default_service(web::to(|| not_allowed("GET, HEAD, POST"))),
        )
        .service(
            web::resource("/v1/conversations/{conversation_id}/events")
                .route(read().to(conversations::events::list))
                .default_service(web::to(|| not_allowed("GET, HEAD"))),
        )
        .service(command("assign").route(web::post().to(conversations::assign::assign)))
        .service(command("release").route(web::post().to(conversations::release::release)))
        .service(command("cancel").route(web::post().to(conversations::cancel::cancel)))
        .service(
            web::resource("/v1/customers/{customer_id}")
                .route(web::delete().to(customers::erase::erase))
                .default_service(web::to(|| not_allowed("DELETE"))),
        );
}

/// Routes of knowledge bases.
fn of_knowledge(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/v1/knowledge-bases")
                .route(read().to(knowledge_bases::list::list))
                .route(web::post().to(knowledge_bases::create::create))
                .default_service(web::to(|| not_allowed("GET, HEAD, POST"))),
        )
        .service(
            web::resource("/v1/knowledge-bases/{knowledge_base_id}")
                .route(read().to(knowledge_bases::get::get))
                .route(web::delete().to(knowledge_bases::delete::delete))
                .default_service(web::to(|| not_allowed("GET, HEAD, DELETE"))),
        )
        .service(
            web::resource("/v1/knowledge-bases/{knowledge_base_id}/search")
                .route(web::post().to(knowledge_bases::search::search))
                .default_service(web::to(|| not_allowed("POST"))),
        )
        .service(
            web::resource("/v1/knowledge-bases/{knowledge_base_id}/documents")
                .route(read().to(knowledge_bases::documents::list::list))
                .default_service(web::to(|| not_allowed("GET, HEAD"))),
        )
        .service(
            web::resource("/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}")
                .route(read().to(knowledge_bases::documents::get::get))
                .route(web::put().to(knowledge_bases::documents::put::put))
                .route(web::delete().to(knowledge_bases::documents::delete::delete))
                .default_service(web::to(|| not_allowed("GET, HEAD, PUT, DELETE"))),
        );
}

/// Routes of the account, its keys and its audit log.
fn of_accounts(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/v1/account")
                .route(read().to(account::get))
                .default_service(web::to(|| not_allowed("GET, HEAD"))),
        )
        .service(
            web::resource("/v1/api-keys")
                .route(read().to(api_keys::list::list))
                .route(web::post().to(api_keys::create::create))
                .default_service(web::to(|| not_allowed("GET, HEAD, POST"))),
        )
        .service(
            web::resource("/v1/api-keys/{api_key_id}")
                .route(read().to(api_keys::get::get))
                .route(web::delete().to(api_keys::revoke::revoke))
                .default_service(web::to(|| not_allowed("GET, HEAD, DELETE"))),
        )
        .service(
            web::resource("/v1/api-keys/{api_key_id}/rotate")
                .route(web::post().to(api_keys::rotate::rotate))
                .default_service(web::to(|| not_allowed("POST"))),
        )
        .service(
            web::resource("/v1/audit-log")
                .route(read().to(audit_log::list))
                .default_service(web::to(|| not_allowed("GET, HEAD"))),
        );
}

/// Routes of OAuth 2.0, and of its clients.
fn of_oauth(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/v1/oauth-clients")
                .route(read().to(oauth_clients::list::list))
                .route(web::post().to(oauth_clients::create::create))
                .default_service(web::to(|| not_allowed("GET, HEAD, POST"))),
        )
        .service(
            web::resource("/v1/oauth-clients/{oauth_client_id}")
                .route(read().to(oauth_clients::get::get))
                .route(web::delete().to(oauth_clients::delete::delete))
                .default_service(web::to(|| not_allowed("GET, HEAD, DELETE"))),
        )
        .service(
            web::resource("/oauth/authorize")
                .route(read().to(oauth::authorize::show))
                .route(web::post().to(oauth::consent::decide))
                .default_service(web::to(|| not_allowed("GET, HEAD, POST"))),
        )
        .service(
            web::resource("/oauth/token")
                .route(web::post().to(oauth::token::give))
                .default_service(web::to(|| not_allowed("POST"))),
        )
        .service(
            web::resource("/oauth/revoke")
                .route(web::post().to(oauth::revoke::revoke))
                .default_service(web::to(|| not_allowed("POST"))),
        )
        .service(
            web::resource("/oauth/jwks")
                .route(read().to(oauth::metadata::jwks))
                .default_service(web::to(|| not_allowed("GET, HEAD"))),
        )
        .service(
            web::resource("/.well-known/oauth-authorization-server")
                .route(read().to(oauth::metadata::metadata))
                .default_service(web::to(|| not_allowed("GET, HEAD"))),
        );
}

/// Routes of those who run Turnloom.
fn for_operators(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/v1/events")
                .route(read().to(events::tail))
                .default_service(web::to(|| not_allowed("GET, HEAD"))),
        )
        .service(
            web::resource("/v1/runners")
                .route(read().to(runners::list))
                .default_service(web::to(|| not_allowed("GET, HEAD"))),
        )
        .service(
            web::resource("/v1/dead-letters")
                .route(read().to(dead_letters::list::list))
                .default_service(web::to(|| not_allowed("GET, HEAD"))),
        )
        .service(
            web::resource("/v1/dead-letters/{dead_letter_id}")
                .route(read().to(dead_letters::get::get))
                .default_service(web::to(|| not_allowed("GET, HEAD"))),
        )
        .service(
            web::resource("/v1/dead-letters/{dead_letter_id}/retry")
                .route(web::post().to(dead_letters::retry::retry))
                .default_service(web::to(|| not_allowed("POST"))),
        )
        .service(
            web::resource("/v1/secrets")
                .route(read().to(secrets::list::list))
                .default_service(web::to(|| not_allowed("GET, HEAD"))),
        )
        .service(
            web::resource("/v1/secrets/{name}")
                .route(web::put().to(secrets::put::put))
                .route(web::delete().to(secrets::delete::delete))
                .default_service(web::to(|| not_allowed("PUT, DELETE"))),
        );
}

/// A read. `HEAD` is answered by the same handler; the server leaves the body out.
fn read() -> Route {
    Route::new().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// Any other route.
pub(crate) fn not_found() -> std::future::Ready<Result<&'static str, ApiError>> {
    std::future::ready(Err(no_such_route()))
}

fn no_such_route() -> ApiError {
    ApiError::because(ErrorCode::NotFound, "There is no such route")
}

fn not_allowed(allowed: &'static str) -> std::future::Ready<Result<&'static str, ApiError>> {
    let details = format!("The route takes {allowed}");
    std::future::ready(Err(ApiError::because(ErrorCode::MethodNotAllowed, details).allowing(allowed)))
}
