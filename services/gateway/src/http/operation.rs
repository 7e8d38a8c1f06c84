//! What the router, the limits and the documentation know of each operation: one description for all three.

use actix_web::HttpRequest;
use actix_web::http::Method;
use contracts::ErrorCode;

use super::openapi::texts::NO_CONTROLS;
use super::{
    account, api_keys, audit_log, conversations, customers, dead_letters, events, executions,
    knowledge_bases, messages, oauth_clients, runners, secrets, workflows,
};
use crate::key::Level;
use crate::limit::Class;

/// One operation of the API.
#[derive(Debug)]
pub(crate) struct Operation {
    /// Its name in clients that are generated from the documentation.
    pub id: &'static str,
    /// The method.
    pub method: Method,
    /// The route.
    pub path: &'static str,
    /// What it does, in some words.
    pub summary: &'static str,
    /// What else there is to know.
    pub description: &'static str,
    /// The level that a key needs.
    pub level: Level,
    /// The limit that it counts against.
    pub class: Class,
    /// The parameters of the query. Others are refused.
    pub query: &'static [Parameter],
    /// The body that it takes.
    pub body: Option<Body>,
    /// What it answers when all is well.
    pub answers: &'static [Answer],
    /// Why it may refuse, beside what every operation may: see [`COMMON_ERRORS`].
    pub errors: &'static [ErrorCode],
    /// The headers that it understands beside `If-None-Match`, which every conditional read does, and `Idempotency-Key`, which
    /// every `POST` does.
    pub headers: &'static [RequestHeader],
}

/// A header that changes what an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestHeader {
    /// `Prefer: wait=<seconds>`
    Prefer,
    /// The version that the caller has read.
    IfMatch,
    /// The last event that the caller has heard.
    LastEventId,
}

/// A parameter of the query.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub name: &'static str,
    pub description: &'static str,
    pub required: bool,
    pub kind: Kind,
}

/// The values of a parameter.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A whole number.
    Number { min: u32, max: u32, default: u32 },
    /// One of these.
    Choice(&'static [&'static str]),
    /// Some of these, separated by commas.
    Choices(&'static [&'static str]),
    /// A text of so many characters at most.
    Text { chars_max: usize, pattern: &'static str, example: &'static str },
    /// A date or a time.
    Time { example: &'static str },
    /// The name of a time zone.
    Zone,
    /// An id of this kind.
    Id(&'static str),
}

/// A body in JSON.
#[derive(Debug)]
pub(crate) struct Body {
    /// The name of its schema.
    pub schema: &'static str,
    /// Whether it may be left out.
    pub optional: bool,
    /// One that works, as JSON.
    pub example: &'static str,
}

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub description: &'static str,
    /// What it looks like.
    pub schema: Shape,
    /// One, as JSON.
    pub example: &'static str,
}

/// What surrounds the schema of an answer.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Nothing.
    Plain(&'static str),
    /// `{"data": …}`
    One(&'static str),
    /// `{"data": …, "warnings": […]}`
    Changed(&'static str),
    /// `{"data": […], "pagination": …}`
    List(&'static str),
    /// The same where one goes on by cursor only.
    Onward(&'static str),
    /// An event stream (WHATWG HTML §9.2), as long as the caller wants it. Its example is a JSON text.
    Events,
}

/// Every operation may refuse with these.
pub(crate) const COMMON_ERRORS: [ErrorCode; 10] = [
    ErrorCode::InvalidRequest,
    ErrorCode::Unauthorized,
    ErrorCode::Forbidden,
    ErrorCode::RequestTimeout,
    ErrorCode::UriTooLong,
    ErrorCode::RateLimitExceeded,
    ErrorCode::HeadersTooLarge,
    ErrorCode::InternalError,
    ErrorCode::ServiceUnavailable,
    ErrorCode::Timeout,
];

/// All of them, in the order of the documentation.
pub(crate) static OPERATIONS: [&Operation; 53] = [
    &workflows::list::OPERATION,
    &workflows::create::OPERATION,
    &workflows::validate::OPERATION,
    &workflows::get::OPERATION,
    &workflows::update::OPERATION,
    &workflows::delete::OPERATION,
    &workflows::activate::OPERATION,
    &workflows::deactivate::OPERATION,
    &workflows::metrics::OPERATION,
    &executions::list::OPERATION,
    &executions::start::OPERATION,
    &executions::get::OPERATION,
    &executions::cancel::OPERATION,
    &executions::retry::OPERATION,
    &messages::send::OPERATION,
    &messages::get::OPERATION,
    &conversations::list::OPERATION,
    &conversations::get::OPERATION,
    &conversations::messages::OPERATION,
    &conversations::say::OPERATION,
    &conversations::events::OPERATION,
    &conversations::assign::OPERATION,
    &conversations::release::OPERATION,
    &conversations::cancel::OPERATION,
    &customers::erase::OPERATION,
    &knowledge_bases::list::OPERATION,
    &knowledge_bases::create::OPERATION,
    &knowledge_bases::get::OPERATION,
    &knowledge_bases::delete::OPERATION,
    &knowledge_bases::search::OPERATION,
    &knowledge_bases::documents::list::OPERATION,
    &knowledge_bases::documents::put::OPERATION,
    &knowledge_bases::documents::get::OPERATION,
    &knowledge_bases::documents::delete::OPERATION,
    &events::OPERATION,
    &runners::OPERATION,
    &dead_letters::list::OPERATION,
    &dead_letters::get::OPERATION,
    &dead_letters::retry::OPERATION,
    &secrets::list::OPERATION,
    &secrets::put::OPERATION,
    &secrets::delete::OPERATION,
    &account::OPERATION,
    &api_keys::list::OPERATION,
    &api_keys::create::OPERATION,
    &api_keys::get::OPERATION,
    &api_keys::revoke::OPERATION,
    &api_keys::rotate::OPERATION,
    &oauth_clients::list::OPERATION,
    &oauth_clients::create::OPERATION,
    &oauth_clients::get::OPERATION,
    &oauth_clients::delete::OPERATION,
    &audit_log::OPERATION,
];

impl Operation {
    /// The operation that a request is or will be routed to. It is found by the path that the router goes by, in which escapes are
    /// undone, so that no spelling of a path passes anything by. `HEAD` is the read without its body.
    pub fn of(request: &HttpRequest) -> Option<&'static Self> {
        let path = Self::pattern(request)?;
        let method = if request.method() == Method::HEAD { &Method::GET } else { request.method() };
        let same = |operation: &&&Self| operation.path == path && operation.method == *method;
        OPERATIONS.iter().find(same).copied()
    }

    /// The pattern of the operations at a request's path, whatever its method.
    pub fn pattern(request: &HttpRequest) -> Option<&'static str> {
        let path = request.match_info().get_ref().path();
        let patterns = || OPERATIONS.iter().map(|operation| operation.path);
        patterns().find(|pattern| *pattern == path).or_else(|| patterns().find(|pattern| fits(pattern, path)))
    }

    /// Whether it only reads.
    pub fn reads(&self) -> bool {
        self.method == Method::GET
    }

    /// Whether its answer has an `ETag`, and is not sent again to who has it.
    pub fn is_conditional(&self) -> bool {
        self.reads() && !self.answers.iter().any(|answer| matches!(answer.schema, Shape::Events))
    }

    /// Whether it is done once for an `Idempotency-Key`, however often it is sent.
    pub fn takes_idempotency_key(&self) -> bool {
        self.method == Method::POST
    }

    /// Whether its answer holds a secret that nobody else may ever read.
    pub fn answers_a_secret(&self) -> bool {
        self.answers
            .iter()
            .any(|answer| matches!(answer.schema, Shape::One("ApiKeyWithSecret" | "OAuthClientWithSecret")))
    }

    /// Whether it understands this header.
    pub fn understands(&self, header: RequestHeader) -> bool {
        self.headers.contains(&header)
    }
}

/// Whether a path has the parts of a pattern; a parameter is any part but an empty one.
fn fits(pattern: &str, path: &str) -> bool {
    let (mut wanted, mut parts) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), parts.next()) {
            (None, None) => return true,
            (Some(wanted), Some(part)) if wanted == part || (wanted.starts_with('{') && !part.is_empty()) => {
            }
            _ => return false,
        }
    }
}

/// Parameters that several operations take.
pub(super) const PAGE: Parameter = Parameter {
    name: "page",
    description: "Page number, from 1",
    required: false,
    kind: Kind::Number { min: 1, max: super::query::PAGE_MAX, default: 1 },
};
pub(super) const LIMIT: Parameter = Parameter {
    name: "limit",
    description: "Items per page",
    required: false,
    kind: Kind::Number { min: 1, max: super::query::LIMIT_MAX, default: super::query::LIMIT_DEFAULT },
};
pub(super) const CURSOR: Parameter = Parameter {
    name: "cursor",
    description: "`pagination.next_cursor` of the page before; takes the place of `page`",
    required: false,
    kind: Kind::Text { chars_max: super::query::CURSOR_CHARS_MAX, pattern: NO_CONTROLS, example: "" },
};
pub(super) const CHANNEL: Parameter = Parameter {
    name: "channel",
    description: "Filter by communication channel",
    required: false,
    kind: Kind::Choice(&CHANNELS),
};

/// The channels, as parameters and bodies spell them.
pub(super) const CHANNELS: [&str; 5] = ["whatsapp", "instagram", "voice", "web", "api"];

#[cfg(test)]
mod tests {
    use flow_model::Channel;

    #[test]
    fn a_path_fits_a_pattern_part_by_part() {
        let fits = |path| super::fits("/v1/workflows/{workflow_id}/activate", path);
        assert!(fits("/v1/workflows/a b/activate"));
        for other in [
            "/v1/workflows//activate",
            "/v1/workflows/a/activate/",
            "/v1/workflows/a",
            "/v1/workflows/a/b/activate",
            "v1/workflows/a/activate",
        ] {
            assert!(!fits(other), "{other}");
        }
    }

    #[test]
    fn the_channels_are_all_there_are() {
        assert_eq!(super::CHANNELS, Channel::ALL.map(Channel::as_str));
    }
}
