//! A database or a broker that hangs: every request is answered in time, and all is well when it goes on.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::support::Product;
use gateway::Switch;
use local_stack::Postgres;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Api, eventually, workflows};
use tokio::task::JoinSet;

/// A tenth and less of what the client waits.
const REQUEST_TIMEOUT_MS: &str = "3000";
/// Rounds of requests of every kind: more than there are connections to the database.
const ROUNDS: usize = 12;

/// A request of every kind, named.
fn requests(workflow: &str, execution: &str) -> Vec<(Method, String, Option<Value>)> {
    let one = format!("/v1/workflows/{workflow}");
    let message =
        |id: &str| json!({"customer_id": "ann", "channel": "web", "message": "hello", "message_id": id});
    let survey = workflows::survey("Another", "another");
    vec![
        (Method::GET, "/v1/workflows".to_owned(), None),
        (Method::POST, "/v1/workflows".to_owned(), Some(survey.clone())),
        (Method::GET, one.clone(), None),
        (Method::PUT, one.clone(), Some(json!({"name": "Greeting"}))),
        (Method::POST, format!("{one}/activate"), Some(json!({}))),
        (Method::GET, format!("{one}/executions"), None),
        (Method::GET, format!("{one}/executions/{execution}"), None),
        (
            Method::POST,
            format!("{one}/executions"),
            Some(json!({"customer_id": "bob", "input": {"message": "x"}})),
        ),
        (Method::GET, format!("{one}/metrics"), None),
        (Method::POST, "/v1/messages".to_owned(), Some(message("m-hanging"))),
        (Method::GET, "/v1/messages/m-1?channel=web&customer_id=ann".to_owned(), None),
    ]
}

/// Sends a request of every kind many times at once, and gives what they were answered.
async fn all_answers(api: &Api, requests: &[(Method, String, Option<Value>)]) -> Vec<(String, Answer)> {
    let mut sending = JoinSet::new();
    for _ in 0..ROUNDS {
        for (method, path, body) in requests {
            let request = api.request(method.clone(), path);
            let request = match body {
                Some(body) => request.json(body),
                None => request,
            };
            let (api, name) = (api.clone(), format!("{method} {path}"));
            // One that hangs is no answer, and fails here.
            sending.spawn(async move { (name, api.send(request).await) });
        }
    }
    sending.join_all().await
}

async fn all_is_well(product: &Product, api: &Api, workflow: &str) {
    eventually("every service is ready", || async {
        product.health.failures().await.is_empty().then_some(())
    })
    .await;
    let path = format!("/v1/workflows/{workflow}");
    for path in ["/v1/workflows", &path, &format!("{path}/executions"), &format!("{path}/metrics")] {
        eventually(&format!("{path} is answered"), || async {
            (api.get(path).await.status == 200).then_some(())
        })
        .await;
    }
    eventually("messages are handled", || async {
        let body =
            json!({"customer_id": "cleo", "channel": "web", "message": "hello", "message_id": "m-well"});
        let request =
            product.api.request(Method::POST, "/v1/messages").header("prefer", "wait=30").json(&body);
        let answer = product.api.send(request).await;
        (answer.status == 200 && answer.body["data"]["execution"].is_object()).then_some(())
    })
    .await;
}

/// Each message that was acknowledged is handled, and none twice.
async fn acknowledged_is_handled(api: &Api, workflow: &str, expected: u64) {
    let path = format!("/v1/workflows/{workflow}/executions?limit=1");
    eventually("what was acknowledged is handled", || async {
        let total = api.get(&path).await.body["pagination"]["total"].as_u64()?;
        assert!(total <= expected, "{total} of {expected}");
        (total == expected).then_some(())
    })
    .await;
}

fn is_refused_for_now(answer: &Answer) -> bool {
    [503, 504].contains(&answer.status) && !answer.header("retry-after").is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_ends_in_refusals_and_costs_no_restart() {
    let postgres = Postgres::ephemeral().unwrap();
    let mut product = Product::on(postgres.url(), Switch::Off).await;
    let api = product.gateway_with(&["--request-timeout-ms", REQUEST_TIMEOUT_MS]).await;
    let workflow = api.run(&workflows::greet("Greet", "hello")).await;
    let execution = api.say("ann", "hello").await["execution"]["id"].as_str().unwrap().to_owned();

    postgres.pause();
    let answers = all_answers(&api, &requests(&workflow, &execution)).await;
    let failing = product.health.failures().await;
    postgres.resume();

    assert!(failing.iter().any(|(name, _)| name == "runner database"), "{failing:?}");
    for (request, answer) in &answers {
        // The stream keeps messages also then.
        let kept = answer.status == 202 && request == "POST /v1/messages";
        assert!(kept || is_refused_for_now(answer), "{request}: {} {}", answer.status, answer.body);
    }
    all_is_well(&product, &api, &workflow).await;
    acknowledged_is_handled(&api, &workflow, 3).await;
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_hangs_ends_in_refusals_and_costs_no_restart() {
    let mut product = Product::start().await;
    let api = product.gateway_with(&["--request-timeout-ms", REQUEST_TIMEOUT_MS]).await;
    let workflow = api.run(&workflows::greet("Greet", "hello")).await;
    let execution = api.say("ann", "hello").await["execution"]["id"].as_str().unwrap().to_owned();

    product.nats.pause();
    let answers = all_answers(&api, &requests(&workflow, &execution)).await;
    let failing = product.health.failures().await;
    product.nats.resume();

    assert!(failing.iter().any(|(name, _)| name == "gateway bus"), "{failing:?}");
    for (request, answer) in &answers {
        assert!(is_refused_for_now(answer), "{request}: {} {}", answer.status, answer.body);
    }
    all_is_well(&product, &api, &workflow).await;
    product.stop().await;
}
