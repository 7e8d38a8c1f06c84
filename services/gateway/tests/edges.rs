//! What the gateway says when something behind it is away, and how it stops.

use std::future::pending;
use std::time::Duration;

use crate::support::Gateway;
use contracts::{subject, v1};
use gateway::key::Level;
use reqwest::Method;
use serde_json::json;
use testkit::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_missing_is_a_503_that_says_when_to_come_again() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let answer = api.get("/v1/workflows").await;
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.expect(503)["error"]["code"], "SERVICE_UNAVAILABLE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_is_a_503_and_nothing_hangs() {
    let mut gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let message = json!({"customer_id": "a", "channel": "web", "message": "x"});
    api.post("/v1/messages", &message).await.expect(202);
    gateway.nats.kill();
    for _ in 0..3 {
        let sending =
            api.request(Method::POST, "/v1/messages").timeout(Duration::from_secs(15)).json(&message);
        let answer = api.send(sending).await;
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(answer.expect(503)["error"]["code"], "SERVICE_UNAVAILABLE");
    }
    assert!(!gateway.health.failures().await.is_empty(), "it is not ready");
    gateway.nats.start_again().unwrap();
    eventually("messages are taken again", || async {
        (api.post("/v1/messages", &message).await.status == 202).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_that_is_not_over_in_time_is_a_202() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let message = json!({"customer_id": "a", "channel": "web", "message": "x", "message_id": "m-1"});
    let request = api.request(Method::POST, "/v1/messages").header("prefer", "wait=1").json(&message);
    let accepted = api.send(request).await.expect(202);
    assert_eq!(accepted["data"]["message_id"], "m-1");
    assert_eq!(accepted["data"]["status"], "accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_in_time_for_the_answer_even_when_nobody_says_what_became_of_the_message() {
    let database = Gateway::start().await.database_url.clone();
    let gateway = Gateway::on(&database, &["--request-timeout-ms", "4000"]).await;
    let gateway = gateway.behind_it(|server| {
        server
            .handle(subject::catalog::GET, |asked: v1::GetWorkflowsRequest| async {
                let status = v1::WorkflowStatus::Active.into();
                let one =
                    |id| v1::Workflow { id, status, channel: "web".to_owned(), ..v1::Workflow::default() };
                let workflows = asked.workflow_ids.into_iter().map(one).collect();
                Ok(v1::GetWorkflowsResponse { workflows, left_out: vec![] })
            })
            .handle(subject::runner::GET_MESSAGE, |_: v1::GetMessageRequest| {
                pending::<Result<v1::GetMessageResponse, v1::Failure>>()
            })
            .handle(subject::runner::GET_EXECUTION, |_: v1::GetExecutionRequest| {
                pending::<Result<v1::Execution, v1::Failure>>()
            })
    });
    let gateway = gateway.await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let message = json!({"customer_id": "a", "channel": "web", "message": "x"});
    let start = json!({"customer_id": "b", "input": {"message": "x"}});
    let executions = "/v1/workflows/workflow-01a20acf-9cb2-767f-9572-1d0534001a8a/executions";
    for (path, body) in [("/v1/messages", message), (executions, start)] {
        let request = api.request(Method::POST, path).header("prefer", "wait=30").json(&body);
        let accepted = api.send(request).await.expect(202);
        assert_eq!(accepted["data"]["status"], "accepted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_dead_is_said_to_be_and_where_it_is() {
    let gateway = Gateway::start().await.behind_it(|server| {
        server.handle(subject::runner::GET_MESSAGE, |_: v1::GetMessageRequest| async {
            let state = v1::MessageState::Dead.into();
            Ok(v1::GetMessageResponse { state, ..v1::GetMessageResponse::default() })
        })
    });
    let gateway = gateway.await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let message = json!({"customer_id": "a", "channel": "web", "message": "x", "message_id": "m-1"});
    let request = api.request(Method::POST, "/v1/messages").header("prefer", "wait=1").json(&message);
    let sent = api.send(request).await.expect(200)["data"].clone();
    assert_eq!((&sent["status"], &sent["execution"]), (&json!("dead"), &json!(null)));
    let shown = api.get("/v1/messages/m-1?channel=web&customer_id=a").await.expect(200)["data"].clone();
    for told in [sent, shown] {
        assert_eq!((&told["status"], &told["reason"]), (&json!("dead"), &json!("in_dead_letters")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_an_id_takes_the_idempotency_key() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let message = json!({"customer_id": "a", "channel": "web", "message": "x"});
    let request = api.request(Method::POST, "/v1/messages").header("idempotency-key", "key-1").json(&message);
    assert_eq!(api.send(request).await.expect(202)["data"]["message_id"], "key-1");
    for key in ["", "x\ty", &"x".repeat(129)] {
        let request = api.request(Method::POST, "/v1/messages").header("idempotency-key", key).json(&message);
        assert_eq!(api.send(request).await.expect(400)["error"]["field"], "Idempotency-Key", "{key}");
    }
    let minted = api.post("/v1/messages", &message).await.expect(202);
    assert!(minted["data"]["message_id"].as_str().unwrap().starts_with("message-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_id_of_its_request() {
    let gateway = Gateway::start().await.with_catalog().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let asked = api.request(Method::GET, "/v1/workflows").header("x-request-id", "mine-1");
    assert_eq!(api.send(asked).await.header("x-request-id"), "mine-1");
    let refused = api.request(Method::GET, "/v1/nothing").header("x-request-id", "not mine");
    let answer = api.send(refused).await;
    assert!(answer.header("x-request-id").starts_with("request-"));
    assert_eq!(answer.body["error"]["request_id"], answer.header("x-request-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_that_a_route_does_not_take_are_told_those_that_it_takes() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let answer = api.send(api.request(Method::PATCH, "/v1/workflows")).await;
    assert_eq!(answer.header("allow"), "GET, HEAD, POST");
    answer.expect(405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stops_finishes_what_it_has_begun() {
    let mut gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let message = json!({"customer_id": "a", "channel": "web", "message": "x"});
    let request = api.request(Method::POST, "/v1/messages").header("prefer", "wait=2").json(&message);
    let waiting = tokio::spawn({
        let api = api.clone();
        async move { api.send(request).await.status }
    });
    // The request is under way when its input stands in the stream.
    eventually("the message is accepted", || async {
        (bus::frames::stream(&gateway.bus, 0).await.unwrap().last_seq > 0).then_some(())
    })
    .await;
    gateway.stop().await;
    assert_eq!(waiting.await.unwrap(), 202);
    assert!(api.try_send(api.request(Method::GET, "/v1/workflows")).await.is_none());
}
