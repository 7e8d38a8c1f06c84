//! `GET /v1/events`: the account's events as they are published, as Server-Sent Events.

use std::convert::Infallible;

use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use contracts::ErrorCode;
use contracts::event_type::EVENT_TYPES;
use flow_model::limits::CUSTOMER_ID_CHARS_MAX;
use flow_model::{ConversationId, ExecutionId, WorkflowId};
use futures::stream;

use super::caller::{CallerWithKey, bearer};
use super::error::ApiError;
use super::openapi::texts::NO_CONTROLS;
use super::operation::{Answer, CHANNEL, Kind, Operation, Parameter, RequestHeader, Shape};
use super::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;
use crate::tail::place::{PLACE_CHARS_MAX, Place};
use crate::tail::{Credential, TailError, Wanted};

const LAST_EVENT_ID: &str = "Last-Event-ID";
/// Tells nginx that an answer is not to be gathered.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// Seconds after which there may be a free place again: a caller that is gone is noticed by then.
const RETRY_AFTER_SECONDS: u64 = 15;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "tailEvents",
    method: Method::GET,
    path: "/v1/events",
    summary: "Follow events",
    description: "A stream of Server-Sent Events that does not end: each `data` is one event (CloudEvents 1.0, as in the AsyncAPI document), \
                  `event` its type, `id` a place to go on from. It begins with the next event, or after `Last-Event-ID`: then nothing is left out that \
                  is still kept. What is not kept any more is told by an event `gap`, and the stream goes on with the oldest there is. An event may \
                  come again with the same `data.id` after a crash, in another stream. Every 15 s comes a comment, with an `id` of its own; events \
                  pause, and the stream stays, while the bus is away. A gateway that stops ends its streams; ask again. A stream lasts no longer \
                  than what it was asked for with: when an access token is over, or within five seconds after a key or grant was revoked, it ends with an \
                  event `end`, whose `reason` is `token_expired` or `unauthorized`, and whose `id` is the place to go on from.\n\n\
                  An account may have 10 streams at once; more are refused with 503.",
    level: Level::ReadOnly,
    class: Class::Read,
    query: &[
        Parameter {
            name: "type",
            description: "Only events of these types, separated by commas, or each with a `type` of its own",
            required: false,
            kind: Kind::Choices(&EVENT_TYPES),
        },
        Parameter {
            name: "conversation_id",
            description: "Only of this conversation",
            required: false,
            kind: Kind::Id("conversation"),
        },
        Parameter {
            name: "workflow_id",
            description: "Only of this workflow",
            required: false,
            kind: Kind::Id("workflow"),
        },
        Parameter {
            name: "execution_id",
            description: "Only of this execution",
            required: false,
            kind: Kind::Id("execution"),
        },
        Parameter {
            name: "customer_id",
            description: "Only of this customer",
            required: false,
            kind: Kind::Text {
                chars_max: CUSTOMER_ID_CHARS_MAX,
                pattern: NO_CONTROLS,
                example: "customer-456",
            },
        },
        CHANNEL,
        Parameter {
            name: "last_event_id",
            description: "As the header `Last-Event-ID`, which takes its place when both are there",
            required: false,
            kind: Kind::Text { chars_max: PLACE_CHARS_MAX, pattern: NO_CONTROLS, example: "" },
        },
    ],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "Events, as they come",
        schema: Shape::Events,
        example: include_str!("openapi/examples/events.json"),
    }],
    errors: &[],
    headers: &[RequestHeader::LastEventId],
};

pub(in crate::http) async fn tail(
    CallerWithKey(holder): CallerWithKey,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request, &OPERATION)?;
    let wanted = wanted(&query)?;
    let from = place_of(&request, &query)?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((ACCEL_BUFFERING, "no"));
    if request.method() == Method::HEAD {
        return Ok(response.streaming(stream::empty::<Result<Bytes, Infallible>>()));
    }
    let credential = Credential::new(&state.auth, bearer(&request)?, &holder);
    let session = state.tails.open(*holder.account(), credential, wanted, from).await.map_err(refusal)?;
    let told = stream::unfold(session, |mut session| async move {
        let said = session.next().await?;
        Some((Ok::<Bytes, Infallible>(said), session))
    });
    Ok(response.streaming(told))
}

fn wanted(query: &Query) -> Result<Wanted, ApiError> {
    let customer = query.text("customer_id")?;
    if customer
        .is_some_and(|id| id.chars().count() > CUSTOMER_ID_CHARS_MAX || id.chars().any(char::is_control))
    {
        let details = format!(
            "The parameter 'customer_id' must be a text of at most {CUSTOMER_ID_CHARS_MAX} characters"
        );
        return Err(ApiError::invalid("customer_id", details));
    }
    Ok(Wanted {
        types: query.choices("type", &EVENT_TYPES)?,
        conversation: query.id::<ConversationId>("conversation_id", "conversation")?,
        workflow: query.id::<WorkflowId>("workflow_id", "workflow")?,
        execution: query.id::<ExecutionId>("execution_id", "execution")?,
        customer: customer.map(str::to_owned),
        channel: query.channel()?,
    })
}

/// Where the caller was. The header of one that comes again is newer than the address that it first asked for.
fn place_of(request: &HttpRequest, query: &Query) -> Result<Option<Place>, ApiError> {
    let in_query = query.text("last_event_id")?.map(|text| ("last_event_id", Some(text)));
    let header = request.headers().get(LAST_EVENT_ID).filter(|value| !value.is_empty());
    let in_header = header.map(|value| (LAST_EVENT_ID, value.to_str().ok()));
    let Some((field, text)) = in_header.or(in_query) else { return Ok(None) };
    let place = text.and_then(|text| text.parse().ok());
    place.map(Some).ok_or_else(|| ApiError::invalid(field, "It is not an id that a stream of events gave"))
}

fn refusal(error: TailError) -> ApiError {
    match error {
        TailError::TooMany(many) => ApiError::because(ErrorCode::ServiceUnavailable, many.to_string())
            .retrying_after(RETRY_AFTER_SECONDS),
        TailError::Unavailable(error) => {
            tracing::warn!(%error, "events cannot be read");
            ApiError::because(ErrorCode::ServiceUnavailable, "Events cannot be read now")
        }
    }
}
