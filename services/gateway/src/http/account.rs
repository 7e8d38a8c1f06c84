//! `GET /v1/account`: the account of the key, and what the key is and may do.

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::ErrorCode;
use platform::clock::rfc3339;
use serde::Serialize;
use utoipa::ToSchema;

use super::api_keys::failed;
use super::api_keys::view::LimitsView;
use super::caller::CallerWithKey;
use super::error::ApiError;
use super::oauth_clients;
use super::openapi::schemas;
use super::operation::{Answer, OPERATIONS, Operation, Shape};
use super::query::Query;
use crate::audit::By;
use crate::auth::Verified;
use crate::key::Level;
use crate::keys::{AccountRecord, AccountSeen};
use crate::limit::{Class, Quotas};
use crate::oauth::Client;
use crate::state::State;

pub(super) static OPERATION: Operation = Operation {
    id: "getAccount",
    method: Method::GET,
    path: "/v1/account",
    summary: "Get the account",
    description: "The account that the key belongs to, what the key is, and the operations that it may call. Of an access token the OAuth client stands in the place of the key.",
    level: Level::ReadOnly,
    class: Class::Read,
    query: &[],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "The account and the key",
        schema: Shape::One("Account"),
        example: include_str!("openapi/examples/account.json"),
    }],
    errors: &[],
    headers: &[],
};

/// An account as the holder of one of its keys sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = Account)]
pub(super) struct AccountView {
    #[schema(examples("account-1f6b2c1e-7a0d-5b58-9d5e-0f3a52c5b0b4"))]
    id: String,
    name: String,
    /// What each of its keys may ask for unless something else is set for the key.
    limits: LimitsView,
    #[schema(format = DateTime)]
    created_at: String,
    key: CallingKeyView,
}

/// The key that asks, or the OAuth client with its access token.
#[derive(Serialize, ToSchema)]
#[schema(as = CallingKey)]
pub(super) struct CallingKeyView {
    #[schema(examples("api-key-01a20acf-9cb2-767f-9572-1d0534001a8a"))]
    id: String,
    name: String,
    #[schema(value_type = schemas::keys::KeyLevel)]
    level: &'static str,
    /// Null when it never does.
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
    /// Until when a secret that was replaced is still valid; null when none is.
    #[schema(required, format = DateTime)]
    overlap_until: Option<String>,
    /// What it may ask for.
    limits: LimitsView,
    /// The operations that it may call, by their `operationId`.
    operations: Vec<&'static str>,
}

#[derive(Serialize)]
struct One {
    data: AccountView,
}

pub(super) async fn get(
    CallerWithKey(holder): CallerWithKey,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let data = match holder.by() {
        By::Key(key) => {
            let seen = state.keys.seen_by(holder.account, key).await;
            of_key(seen.map_err(|error| failed(&error))?)
        }
        By::Client(client) => {
            let client = state.oauth.get(holder.account, client).await;
            let client = client.map_err(|error| oauth_clients::failed(&error))?;
            let account = state.keys.account(holder.account).await;
            of_client(&holder, client, account.map_err(|error| failed(&error))?)
        }
        By::Operator => return Err(ApiError::of(ErrorCode::InternalError)),
    };
    Ok(HttpResponse::Ok().json(One { data }))
}

fn of_key(seen: AccountSeen) -> AccountView {
    let AccountSeen { account, key } = seen;
    let limits = Quotas::USUAL.with(account.limits).with(key.limits);
    AccountView::new(
        account,
        CallingKeyView {
            id: key.id.to_string(),
            name: key.name,
            level: key.level.as_str(),
            expires_at: key.expires_at_ms.map(rfc3339),
            overlap_until: key.overlap_until_ms.map(rfc3339),
            limits: LimitsView::new(limits),
            operations: operations(key.level),
        },
    )
}

fn of_client(holder: &Verified, client: Client, account: AccountRecord) -> AccountView {
    let limits = Quotas::USUAL.with(account.limits);
    AccountView::new(
        account,
        CallingKeyView {
            id: client.id.to_string(),
            name: client.name,
            level: holder.level.as_str(),
            expires_at: holder.ends_at_ms.map(rfc3339),
            overlap_until: None,
            limits: LimitsView::new(limits),
            operations: operations(holder.level),
        },
    )
}

fn operations(level: Level) -> Vec<&'static str> {
    let may = |operation: &&&Operation| level >= operation.level;
    OPERATIONS.iter().filter(may).map(|operation| operation.id).collect()
}

impl AccountView {
    fn new(account: AccountRecord, key: CallingKeyView) -> Self {
        Self {
            id: account.id.to_string(),
            name: account.name,
            limits: LimitsView::new(Quotas::USUAL.with(account.limits)),
            created_at: rfc3339(account.created_at_ms),
            key,
        }
    }
}
