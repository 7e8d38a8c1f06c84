//! What a language model is asked, and what is made of each kind of answer.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::TcpListener;
use std::time::Duration;

use outbound::{ChatMessage, ChatModel, Completion, ModelCode, ModelConfig, ModelFailure, Retry, Role};
use serde_json::json;
use testkit::{FakeModel, PATIENCE, Says};
use tokio::time::Instant;

/// Long enough to connect on this machine, and short for a test.
const SOON: Duration = Duration::from_millis(300);

fn model(url: &str) -> ChatModel {
    let config = ModelConfig {
        llm_key: Some("sk-planted-secret".to_owned().into()),
        llm_input_price: 2.0,
        llm_output_price: 8.0,
        ..ModelConfig::for_url(url, "small-1")
    };
    ChatModel::new(&config).unwrap().unwrap()
}

async fn ask(fake: &FakeModel) -> Result<Completion, ModelFailure> {
    ask_until(&fake.base_url(), Instant::now() + PATIENCE).await
}

async fn ask_until(url: &str, deadline: Instant) -> Result<Completion, ModelFailure> {
    let say = |role, content: &str| ChatMessage { role, content: content.to_owned() };
    let messages = [say(Role::System, "Be brief"), say(Role::User, "What time is it?")];
    model(url).complete(&messages, 100, deadline).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_asked_as_the_protocol_wants_it_and_its_answer_has_a_price() {
    let fake = FakeModel::start();
    let completion = ask(&fake).await.unwrap();
    assert_eq!(completion.text, "What time is it?");
    assert_eq!((completion.input_tokens, completion.output_tokens), (6, 4));
    assert!((completion.cost - (6.0 * 2.0 + 4.0 * 8.0) / 1e6).abs() < 1e-12);
    let request = fake.requests().pop().unwrap();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(request.headers["authorization"], "Bearer sk-planted-secret");
    let messages = json!([
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "What time is it?"},
    ]);
    let asked = json!({"model": "small-1", "messages": messages, "max_tokens": 100, "stream": false});
    assert_eq!(request.body, asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_streams_unasked_is_read_as_well() {
    let fake = FakeModel::start();
    fake.next(Says::Streamed(Box::new(Says::text("It is half past ten."))));
    assert_eq!(ask(&fake).await.unwrap().text, "It is half past ten.");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_bad_answer_has_a_code_and_says_whether_to_ask_again() {
    let fake = FakeModel::start();
    let streamed = |says| Says::Streamed(Box::new(says));
    for (says, code, retry) in [
        (Says::Status(400), ModelCode::Refused, Retry::Never),
        (Says::Status(401), ModelCode::Refused, Retry::Never),
        (Says::Status(404), ModelCode::Refused, Retry::Never),
        (Says::Refusal("no".to_owned()), ModelCode::Refused, Retry::Never),
        (Says::Status(408), ModelCode::TimedOut, Retry::Any),
        (Says::Status(429), ModelCode::RateLimited, Retry::Any),
        (Says::TooMuch(20), ModelCode::RateLimited, Retry::After(Duration::from_secs(20))),
        (Says::Status(500), ModelCode::Unavailable, Retry::Any),
        (Says::Status(503), ModelCode::Unavailable, Retry::Any),
        (Says::Half, ModelCode::Unavailable, Retry::Any),
        (streamed(Says::Half), ModelCode::Unavailable, Retry::Any),
        (Says::Nothing, ModelCode::Empty, Retry::Any),
        (Says::text(" \n"), ModelCode::Empty, Retry::Any),
        (streamed(Says::Nothing), ModelCode::Empty, Retry::Any),
        (Says::Endless, ModelCode::Endless, Retry::Never),
        (streamed(Says::Endless), ModelCode::Endless, Retry::Never),
        (Says::Unfinished("It is half".to_owned()), ModelCode::Endless, Retry::Never),
        (Says::text("x".repeat(300_000)), ModelCode::Endless, Retry::Never),
        (Says::Nonsense, ModelCode::Nonsense, Retry::Any),
    ] {
        fake.next(says.clone());
        let failure = ask(&fake).await.unwrap_err();
        assert_eq!((failure.code, failure.retry), (code, retry), "{says:?}: {failure}");
        assert!(!format!("{failure:?}").contains("planted-secret"), "{failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_slow_or_away_may_be_asked_again() {
    let fake = FakeModel::start();
    fake.next(Says::Held(Box::new(Says::text("late"))));
    let slow = ask_until(&fake.base_url(), Instant::now() + SOON).await.unwrap_err();
    assert_eq!((slow.code, slow.retry), (ModelCode::TimedOut, Retry::Any));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = ask_until(&format!("http://{nobody}/v1"), Instant::now() + PATIENCE).await.unwrap_err();
    assert_eq!((away.code, away.retry), (ModelCode::Unavailable, Retry::Any));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_held_comes_when_it_is_released() {
    let fake = FakeModel::start();
    fake.next(Says::Held(Box::new(Says::text("late"))));
    fake.release();
    assert_eq!(ask(&fake).await.unwrap().text, "late");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_have_embeddings() {
    let fake = FakeModel::start();
    let body = json!({"model": "e", "input": ["opening hours", "hours opening"], "dimensions": 8});
    let client = testkit::Api::new(fake.url(), "");
    let told = client.post("/v1/embeddings", &body).await.expect(200);
    assert_eq!(told["data"][0]["embedding"], told["data"][1]["embedding"]);
    assert_eq!(told["data"][0]["embedding"].as_array().map(Vec::len), Some(8));
}

#[test]
fn a_model_does_not_show_its_key() {
    assert!(!format!("{:?}", model("http://localhost")).contains("planted-secret"));
}
