//! Answers from a knowledge base with nothing to configure, and what happens when it does not know.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::support::Product;
use bus::{Bus, BusConfig};
use contracts::{subject, v1};
use flow_model::{AccountId, WorkflowId};
use platform::clock;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Api, PATIENCE, eventually};

const FAQ: &str = "# Shop\n\n## Opening hours\n\nThe shop is open from nine to six on weekdays, and on Saturdays until noon.\n\n\
    ## Returns\n\nYou can return what you do not like within thirty days. We pay for the parcel.\n";

async fn ask(api: &Api, id: &str, text: &str) -> Value {
    let body = json!({"customer_id": "ann", "channel": "web", "message": text, "message_id": id});
    let request = api.request(Method::POST, "/v1/messages").header("prefer", "wait=30").json(&body);
    api.send(request).await.expect(200)["data"]["execution"].clone()
}

/// What differs between the numbers of a workflow and its records.
async fn differences(product: &Product, workflow: &str) -> Vec<v1::MetricsDifference> {
    let bus = Bus::connect(&BusConfig::for_url(&product.nats.url()), "test").await.unwrap();
    let now = clock::now_ms();
    let request = v1::RebuildMetricsRequest {
        account_id: AccountId::named("default").to_vec().into(),
        workflow_id: workflow.parse::<WorkflowId>().unwrap().to_vec().into(),
        start_ms: now - 24 * 60 * 60 * 1000,
        end_ms: now,
        apply: false,
    };
    let answer: v1::RebuildMetricsResponse =
        bus.rpc().call(subject::metrics::REBUILD, &request, PATIENCE).await.unwrap();
    answer.differences
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_from_the_documents_or_handed_to_the_fallback() {
    let mut product = Product::start().await;
    let api = &product.api;
    let workflow = json!({
        "name": "Help", "description": "answers", "channel": "web",
        "configuration": {
            "trigger": {"type": "message", "keywords": ["question"]},
            "nodes": [
                {"id": "mood", "type": "sentiment", "branches": {"negative": "calm"}, "next": "answer"},
                {"id": "answer", "type": "ai_response", "knowledge_base": "support-kb", "fallback_message": "A colleague will help."},
                {"id": "calm", "type": "message", "content": "I am sorry to hear that."}
            ]
        }
    });
    let created = api.post("/v1/workflows", &workflow).await.expect(201);
    assert_eq!(created["warnings"][0]["code"], "KNOWLEDGE_BASE_MISSING");
    let id = created["data"]["id"].as_str().unwrap().to_owned();
    api.post(&format!("/v1/workflows/{id}/activate"), &json!({})).await.expect(200);

    let unknown = ask(api, "m-1", "question: when is the shop open on Saturdays?").await;
    assert_eq!(unknown["output"]["response"], "A colleague will help.");
    assert_eq!(unknown["steps"][1]["output"]["error"]["code"], "KNOWLEDGE_BASE_NOT_FOUND");

    api.post("/v1/knowledge-bases", &json!({"name": "support-kb"})).await.expect(201);
    let path = "/v1/knowledge-bases/support-kb/documents/faq";
    let put = api.request(Method::PUT, path).header("content-type", "text/markdown").body(FAQ);
    api.send(put).await.expect(201);
    let answered = ask(api, "m-2", "question: when is the shop open on Saturdays?").await;
    let step = &answered["steps"][1];
    assert!(answered["output"]["response"].as_str().unwrap().contains("until noon"), "{answered:#}");
    assert_eq!(step["output"]["sources"][0]["document"], "faq");
    assert!(step["output"]["confidence"].as_f64().unwrap() >= 0.5);

    let unsure = ask(api, "m-3", "question: which insurance covers a ship?").await;
    assert_eq!(unsure["output"]["response"], "A colleague will help.", "{unsure:#}");
    let sad = ask(api, "m-4", "question: why is this terrible, horrible thing so bad?").await;
    assert_eq!(sad["output"]["response"], "I am sorry to hear that.");

    let path = format!("/v1/workflows/{id}/metrics");
    let counted = eventually("the executions are counted", || async {
        let found = api.get(&path).await.expect(200)["data"]["metrics"].clone();
        (found["total_executions"] == 4).then_some(found)
    });
    let took = json!({"answers": 1, "fallbacks": 2, "prompt_tokens": 0, "completion_tokens": 0, "cost": 0.0});
    assert_eq!(counted.await["ai"], took);
    assert_eq!(differences(&product, &id).await, []);
    product.stop().await;
}
