//! `GET /oauth/authorize`: what a client asks for, shown to the person who may give it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{back, page};
use crate::oauth::Client;
use crate::oauth::StoreError;
use crate::oauth::params::Params;
use crate::oauth::request::{self, Refused, Request};
use crate::oauth::signing::SigningError;
use crate::state::State;

/// Bytes of a query at most.
const QUERY_BYTES_MAX: usize = 16 * 1024;

pub(in crate::http) async fn show(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    let query = request.query_string();
    if query.len() > QUERY_BYTES_MAX {
        return page::problem(StatusCode::URI_TOO_LONG, "It is too long.");
    }
    let params = Params::parse(query.as_bytes());
    match read(&params, &state).await {
        Ok((asked, client)) => ask(&state, StatusCode::OK, &asked, &client, None).await,
        Err(response) => response,
    }
}

async fn read(params: &Params, state: &State) -> Result<(Request, Client), HttpResponse> {
    let told = |refused| tell(refused, state);
    let id = request::client_of(params).map_err(told)?;
    let client = state.oauth.client(id).await.map_err(|error| away(&error))?;
    let client = client.ok_or_else(|| told(request::UNKNOWN))?;
    let asked = request::read(params, &client).map_err(told)?;
    Ok((asked, client))
}

/// Shows the page with the form.
pub(super) async fn ask(
    state: &State,
    status: StatusCode,
    asked: &Request,
    client: &Client,
    problem: Option<&str>,
) -> HttpResponse {
    let form = match state.oauth.form(asked).await {
        Ok(form) => form,
        Err(SigningError::Store(error)) => return away(&error),
        Err(SigningError::NoKey) => {
            tracing::error!("requests for consent cannot be signed");
            return page::problem(StatusCode::INTERNAL_SERVER_ERROR, "Turnloom has a fault.");
        }
    };
    let (name, level, redirect_uri) = (client.name.as_str(), asked.level, asked.redirect_uri.as_str());
    page::consent(status, &page::Consent { name, level, redirect_uri, form: &form, problem })
}

/// Tells a refusal to whom it is to be told. A client is trusted to be sent to: an account has registered it for itself.
fn tell(refused: Refused, state: &State) -> HttpResponse {
    match refused {
        Refused::Person(text) => page::problem(StatusCode::BAD_REQUEST, text),
        Refused::Client { redirect_uri, state: told, problem } => {
            let answer = vec![("error", problem.error), ("error_description", problem.description)];
            back(&redirect_uri, answer, told.as_deref(), state.oauth.issuer())
        }
    }
}

/// The database cannot be asked.
pub(super) fn away(error: &StoreError) -> HttpResponse {
    if error.is_unavailable() {
        tracing::warn!(%error, "the tables of OAuth cannot be reached");
        return page::problem(
            StatusCode::SERVICE_UNAVAILABLE,
            "Turnloom's database is away. Try again soon.",
        );
    }
    tracing::error!(error = error as &dyn std::error::Error, "the tables of OAuth cannot be used");
    page::problem(StatusCode::INTERNAL_SERVER_ERROR, "Turnloom has a fault.")
}
