//! `POST /oauth/revoke` (RFC 7009): ends the whole family of a token.

use actix_web::{HttpRequest, HttpResponse, web};

use super::refusal::Refusal;
use super::{NO_STORE, client, form};
use crate::state::State;

pub(in crate::http) async fn revoke(
    state: web::Data<State>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let params = form::read(&request, payload).await?;
    let client = client::known(&request, &params, &state).await?;
    let token = params.one("token")?.ok_or(Refusal::invalid_request("The token is missing"))?;
    // Only a hint: what a token is can be seen.
    params.one("token_type_hint")?;
    if state.oauth.revoke(client.id, token).await? {
        Ok(HttpResponse::Ok().insert_header(NO_STORE).finish())
    } else {
        Err(Refusal::invalid_grant("The token was given to another client"))
    }
}
