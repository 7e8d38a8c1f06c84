//! What a workflow's call sends, what it gets, and how it fails.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use outbound::{CallCode, CallFailure, HttpAnswer, HttpCall, HttpCaller, Method, OutboundConfig, Retry};
use serde_json::{Value, json};
use testkit::{FakeTarget, PATIENCE, Reply};
use tokio::time::Instant;

/// Long enough to connect on this machine, and short for a test.
const SOON: Duration = Duration::from_millis(300);

struct Calling {
    target: FakeTarget,
    caller: HttpCaller,
}

impl Calling {
    fn start() -> Self {
        let outbound_allow = vec!["127.0.0.0/8".parse().unwrap()];
        let caller = HttpCaller::new(&OutboundConfig { outbound_allow }).unwrap();
        Self { target: FakeTarget::start(), caller }
    }

    fn to(&self, path: &str) -> HttpCall {
        HttpCall {
            method: Method::Get,
            url: format!("{}{path}", self.target.url()),
            headers: BTreeMap::new(),
            body: None,
            timeout: PATIENCE,
        }
    }

    async fn call(&self, call: &HttpCall) -> Result<HttpAnswer, CallFailure> {
        self.caller.call(call, "execution-1.node-1", Instant::now() + PATIENCE).await
    }

    async fn get(&self, reply: Reply) -> Result<HttpAnswer, CallFailure> {
        self.target.next(reply);
        self.call(&self.to("/")).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_carries_what_the_workflow_says_and_its_idempotency_key() {
    let calling = Calling::start();
    for (method, body, sent, kind) in [
        (Method::Post, Some(json!({"a": [1, "b"]})), r#"{"a":[1,"b"]}"#, Some("application/json")),
        (Method::Put, Some(json!("plain")), "plain", Some("text/plain; charset=utf-8")),
        (Method::Patch, Some(json!(null)), "null", Some("application/json")),
        (Method::Delete, None, "", None),
    ] {
        let headers = BTreeMap::from([("X-Order".to_owned(), "47".to_owned())]);
        let call = HttpCall { method, body, headers, ..calling.to("/orders?id=47") };
        calling.call(&call).await.unwrap();
        let request = calling.target.requests().pop().unwrap();
        assert_eq!(request.method, reqwest_name(method));
        assert_eq!((request.path.as_str(), request.query.as_str()), ("/orders", "id=47"));
        assert_eq!(request.text, sent);
        assert_eq!(request.headers.get("content-type").map(String::as_str), kind);
        assert_eq!(request.headers["x-order"], "47");
        assert_eq!(request.headers["idempotency-key"], "execution-1.node-1");
        assert!(request.headers["user-agent"].starts_with("Turnloom/"));
    }
}

fn reqwest_name(method: Method) -> String {
    format!("{method:?}").to_uppercase()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_json_or_a_text_or_nothing() {
    let calling = Calling::start();
    for (reply, status, body) in [
        (Reply::json(201, &json!({"id": 7})), 201, json!({"id": 7})),
        (Reply::text(200, "application/problem+json", "[1]"), 200, json!([1])),
        (Reply::text(200, "text/plain", "42"), 200, json!("42")),
        (Reply::text(200, "application/json", "{broken"), 200, json!("{broken")),
        (Reply::text(204, "application/json", ""), 204, Value::Null),
    ] {
        assert_eq!(calling.get(reply).await, Ok(HttpAnswer { status, body }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_status_says_whether_to_try_again() {
    let calling = Calling::start();
    let seconds = |seconds| Retry::After(Duration::from_secs(seconds));
    for (status, retry_after, retry) in [
        (400, None, Retry::Never),
        (404, Some("5"), Retry::Never),
        (408, None, Retry::Any),
        (425, None, Retry::Any),
        (429, Some("30"), seconds(30)),
        (500, None, Retry::Any),
        (501, None, Retry::Never),
        (503, Some("2"), seconds(2)),
        (503, Some("Thu, 01 Jan 1970 00:00:00 GMT"), seconds(0)),
        (504, Some("whenever"), Retry::Any),
    ] {
        let mut reply = Reply::json(status, &json!({"secret": "planted-secret"}));
        if let Some(value) = retry_after {
            reply = reply.with_header("retry-after", value);
        }
        let failure = calling.get(reply).await.unwrap_err();
        assert_eq!((failure.code, failure.status, failure.retry), (CallCode::Status, Some(status), retry));
        assert!(!failure.to_string().contains("planted-secret"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_read_up_to_its_bound_only() {
    let calling = Calling::start();
    let exactly = calling.get(Reply::text(200, "text/plain", vec![b'x'; 1 << 20])).await.unwrap();
    assert_eq!(exactly.body.as_str().map(str::len), Some(1 << 20));
    let announced = Reply::text(200, "text/plain", vec![b'x'; (1 << 20) + 1]);
    let endless = Reply::Endless { headers: Vec::new(), piece: b"more".to_vec() };
    for reply in [announced, endless] {
        let failure = calling.get(reply).await.unwrap_err();
        assert_eq!((failure.code, failure.retry), (CallCode::AnswerTooLarge, Retry::Never));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_is_given_up_and_may_be_tried_again() {
    let calling = Calling::start();
    let held = || Reply::json(200, &json!({})).held();
    calling.target.next(held());
    let slow = HttpCall { timeout: SOON, ..calling.to("/") };
    let by_call = calling.call(&slow).await.unwrap_err();
    calling.target.next(held());
    let by_deadline = calling.caller.call(&calling.to("/"), "key", Instant::now() + SOON).await.unwrap_err();
    for failure in [by_call, by_deadline] {
        assert_eq!((failure.code, failure.retry), (CallCode::TimedOut, Retry::Any));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_there_or_goes_away_may_be_asked_again() {
    let calling = Calling::start();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = HttpCall { url: format!("http://{nobody}/planted-secret?planted-secret"), ..calling.to("/") };
    let refused = calling.call(&away).await.unwrap_err();
    let unknown = HttpCall { url: "http://planted.invalid/planted-secret".to_owned(), ..calling.to("/") };
    let unknown = calling.call(&unknown).await.unwrap_err();
    let no_tls = HttpCall { url: calling.target.url().replace("http:", "https:"), ..calling.to("/") };
    let no_tls = calling.call(&no_tls).await.unwrap_err();
    let cut = calling.get(Reply::Cut { headers: Vec::new(), begin: b"hal".to_vec() }).await.unwrap_err();
    for failure in [refused, unknown, no_tls, cut] {
        assert_eq!((failure.code, failure.retry), (CallCode::Unreachable, Retry::Any), "{failure}");
        assert!(!format!("{failure:?}").contains("planted-secret"), "{failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_cannot_be_sent_are_refused_before_anything_is() {
    let calling = Calling::start();
    for (name, value) in
        [("Host", "planted-secret"), ("a b", "planted-secret"), ("x", "planted-secret\r\nY: z")]
    {
        let headers = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        let failure = calling.call(&HttpCall { headers, ..calling.to("/") }).await.unwrap_err();
        assert_eq!((failure.code, failure.retry), (CallCode::BadHeader, Retry::Never));
        assert!(!failure.to_string().contains("planted-secret"));
    }
    assert!(calling.target.requests().is_empty());
}
