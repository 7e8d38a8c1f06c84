//! Around every request that changes something: its row in the audit log, before its answer. See [`crate::audit`].
//!
//! Reads cost nothing here, and neither do messages and starts of executions: those are what the product is for, and have records of their
//! own. An answer that is given again for an `Idempotency-Key` does not come here. The request and its row are carried out in a task of their own, so that a caller who goes away leaves no change without a row.

use std::cell::OnceCell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::LOCATION;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, ResponseError, web};
use contracts::ErrorCode;
use flow_model::AccountId;
use futures::FutureExt;
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};
use tracing::Instrument;

use super::deadline::Deadline;
use super::error::{ApiError, REQUEST_ID};
use super::operation::Operation;
use super::{customers, executions, knowledge_bases, messages, remote, workflows};
use crate::audit::{Change, RESOURCE_CHARS_MAX};
use crate::auth::Verified;
use crate::state::State;

/// What is sent with a `POST` and changes nothing, and what is no change but what the product is for.
static NO_CHANGES: [&Operation; 4] = [
    &workflows::validate::OPERATION,
    &knowledge_bases::search::OPERATION,
    &messages::send::OPERATION,
    &executions::start::OPERATION,
];

/// Where whoever lets a caller in leaves who it is.
#[derive(Debug, Clone, Default)]
pub(super) struct Known(Rc<OnceCell<Verified>>);

impl Known {
    /// Tells it.
    pub fn tell(request: &HttpRequest, holder: Verified) {
        // It is the same one when it is told twice.
        Self::of(request).0.set(holder).ok();
    }

    /// That of a request; whoever asks first makes it.
    fn of(request: &HttpRequest) -> Self {
        let mut extensions = request.extensions_mut();
        if let Some(known) = extensions.get::<Self>() {
            return known.clone();
        }
        let known = Self::default();
        extensions.insert(known.clone());
        known
    }
}

/// Wraps every request.
pub(crate) async fn audited(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let operation = Operation::of(request.request()).filter(|operation| is_change(operation));
    let (Some(operation), Some(state)) = (operation, request.app_data::<web::Data<State>>().cloned()) else {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    };
    let id = REQUEST_ID.try_with(Clone::clone).unwrap_or_default();
    let begun = Begun {
        operation,
        path: request.path().to_owned(),
        request_id: id.clone(),
        remote_address: remote::address(request.request(), &state.trusted_proxies),
        known: Known::of(request.request()),
    };
    let time = Deadline::of(request.request()).left();
    let work = carry_out(request, next, begun, state, time);
    let work = actix_web::rt::spawn(REQUEST_ID.scope(id, work).in_current_span());
    work.await.unwrap_or_else(|_| Err(ApiError::of(ErrorCode::InternalError).into()))
}

fn is_change(operation: &Operation) -> bool {
    !operation.reads() && !NO_CHANGES.iter().any(|other| other.id == operation.id)
}

/// A change that may be made.
struct Begun {
    operation: &'static Operation,
    path: String,
    request_id: String,
    remote_address: Option<std::net::IpAddr>,
    known: Known,
}

async fn carry_out(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    begun: Begun,
    state: web::Data<State>,
    time: Duration,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let handling = AssertUnwindSafe(tokio::time::timeout(time, next.call(request))).catch_unwind();
    let outcome: Result<ServiceResponse<BoxBody>, Error> = match handling.await {
        Ok(Ok(outcome)) => outcome.map(ServiceResponse::map_into_boxed_body),
        Ok(Err(_)) => Err(ApiError::because(ErrorCode::Timeout, "The request took too long").into()),
        Err(_) => {
            tracing::error!(operation = begun.operation.id, "a request handler panicked");
            Err(ApiError::of(ErrorCode::InternalError).into())
        }
    };
    let (status, location) = match &outcome {
        Ok(response) => (response.status().as_u16(), location(response.response())),
        Err(error) => (error.as_response_error().status_code().as_u16(), None),
    };
    let Some(change) = begun.change(status, location) else { return outcome };
    let Err(error) = state.audit.write(&change).await else { return outcome };
    metrics::counter!("turnloom_gateway_audit_failures_total").increment(1);
    tracing::error!(%error, ?change, "a change could not be written to the audit log");
    let unwritten = ApiError::because(
        ErrorCode::ServiceUnavailable,
        "What became of the request could not be written to the audit log: look whether it was done before you send it again",
    );
    match outcome {
        Ok(response) => Ok(response.into_response(unwritten.error_response())),
        Err(_) => Err(unwritten.into()),
    }
}

impl Begun {
    /// What is to be written; nothing when nobody was let in, or when nothing was changed and it was not the key's level that
    /// forbade it. Of what ended in a failure nobody knows whether it was done.
    fn change(self, status: u16, location: Option<String>) -> Option<Change> {
        let holder = self.known.0.get().copied()?;
        if !matches!(status, 200..=299 | 403 | 500..=599) {
            return None;
        }
        let named = named(self.operation, &self.path, holder.account).or(location);
        Some(Change {
            account: holder.account,
            by: holder.by(),
            action: self.operation.id,
            resource: named.map(|resource| storable(&resource)),
            status,
            request_id: self.request_id,
            remote_address: self.remote_address,
        })
    }
}

/// What a path names: its parameters, from the outermost. A customer who is to be forgotten is not remembered here: of their id only
/// a hash is kept, in which who knows it finds it again.
fn named(operation: &Operation, path: &str, account: AccountId) -> Option<String> {
    let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
    let parts = operation.path.split('/').zip(path.split('/'));
    let named: Vec<String> =
        parts.filter(|(name, _)| name.starts_with('{')).map(|(_, part)| decoded(part)).collect();
    if named.is_empty() {
        return None;
    }
    let named = named.join("/");
    Some(if operation.id == customers::erase::OPERATION.id { hashed(account, &named) } else { named })
}

/// The first 128 bits of the SHA-256 of account and customer.
fn hashed(account: AccountId, customer: &str) -> String {
    let hash = Sha256::new().chain_update(account.as_uuid()).chain_update(customer).finalize();
    hash.iter().take(16).fold("sha256-".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// What was made.
fn location(response: &HttpResponse<BoxBody>) -> Option<String> {
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    location.rsplit('/').next().map(str::to_owned)
}

/// What the database takes, as long as it may be.
fn storable(text: &str) -> String {
    let shown = |letter: char| if letter.is_control() { '\u{fffd}' } else { letter };
    text.chars().take(RESOURCE_CHARS_MAX).map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::operation::OPERATIONS;

    #[test]
    fn everything_that_is_no_read_is_a_change_but_for_four() {
        let others: Vec<&str> = OPERATIONS
            .iter()
            .filter(|operation| !operation.reads() && !is_change(operation))
            .map(|operation| operation.id)
            .collect();
        assert_eq!(others, ["validateWorkflow", "startExecution", "sendMessage", "searchKnowledgeBase"]);
        assert!(!OPERATIONS.iter().any(|operation| operation.reads() && is_change(operation)));
    }

    #[test]
    fn a_path_names_what_is_changed() {
        let account = AccountId::named("a");
        let named = |operation: &Operation, path: &str| named(operation, path, account);
        let document = &knowledge_bases::documents::put::OPERATION;
        assert_eq!(
            named(document, "/v1/knowledge-bases/kb/documents/a%20b.md"),
            Some("kb/a b.md".to_owned())
        );
        assert_eq!(named(&workflows::create::OPERATION, "/v1/workflows"), None);
        let customer = named(&customers::erase::OPERATION, "/v1/customers/%2B49123").unwrap();
        assert_eq!(customer, hashed(account, "+49123"));
        assert!(customer.starts_with("sha256-") && customer.len() == 7 + 32 && !customer.contains("49123"));
        assert_ne!(customer, hashed(AccountId::named("b"), "+49123"));
    }

    #[test]
    fn what_is_kept_of_a_path_is_short_and_can_be_stored() {
        assert_eq!(storable("a\0b\n"), "a\u{fffd}b\u{fffd}");
        assert_eq!(storable(&"ä".repeat(9999)).chars().count(), RESOURCE_CHARS_MAX);
    }
}
