//! Every example of the reference page: requests as they stand there, answers as it shows them.
//!
//! Each group of requests has a workflow of its own. What a request determines is compared by value.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod shape;

use crate::support::Product;
use crate::support::answering::with_document;
use gateway::Switch;
use reqwest::Method;
use serde_json::{Value, json};
use shape::assert_same;
use testkit::{Api, eventually};

fn page() -> Value {
    serde_json::from_str(include_str!("page.json")).unwrap()
}

/// A customer writes over WhatsApp; the execution.
async fn writes(api: &Api, message: &str) -> Value {
    let body = json!({"customer_id": "customer-456", "channel": "whatsapp", "message": message});
    let request = api.request(Method::POST, "/v1/messages").header("prefer", "wait=30").json(&body);
    api.send(request).await.expect(200)["data"]["execution"].clone()
}

/// The members of `answer` that `sent` has.
fn of(answer: &Value, sent: &Value) -> Value {
    sent.as_object().unwrap().keys().map(|name| (name.clone(), answer[name].clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn workflows_are_created_updated_and_deleted() {
    let mut product = Product::start().await;
    let (api, page) = (&product.api, page());

    let created = api.post("/v1/workflows", &page["onboarding"]).await.expect(201);
    assert_same(&page["created"], &created);
    let mut determined = page["onboarding"].clone();
    determined.as_object_mut().unwrap().remove("configuration");
    assert_eq!(of(&created["data"], &determined), determined);
    assert_eq!(created["data"]["created_at"], created["data"]["updated_at"]);
    let warning = json!({"code": "DANGLING_NEXT", "field": "configuration.nodes[1].next"});
    assert_eq!(of(&created["warnings"][0], &warning), warning);

    let path = format!("/v1/workflows/{}", created["data"]["id"].as_str().unwrap());
    let updated = api.put(&path, &page["update"]).await.expect(200);
    assert_same(&page["updated"], &updated);
    assert_eq!(updated["data"]["name"], page["update"]["name"]);
    assert_eq!(updated["data"]["description"], page["update"]["description"]);
    assert_eq!(updated["data"]["channel"], "whatsapp");
    assert_eq!(updated["data"]["created_at"], created["data"]["created_at"]);
    let read = api.get(&path).await.expect(200);
    assert_eq!(read["data"]["configuration"], page["update"]["configuration"]);

    assert_eq!(api.delete(&path).await.expect(200), page["deleted"]);
    assert_eq!(api.get(&path).await.expect(404)["error"]["code"], "WORKFLOW_NOT_FOUND");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workflows_are_listed_read_activated_and_deactivated() {
    let mut product = Product::start().await;
    let (api, page) = (&product.api, page());
    let id = api.create(&page["support_bot"]).await;
    let path = format!("/v1/workflows/{id}");

    let activated = api.post(&format!("{path}/activate"), &json!({})).await.expect(200);
    assert_same(&page["activated"], &activated);
    assert_eq!((&activated["data"]["id"], &activated["data"]["status"]), (&json!(id), &json!("active")));
    let execution = writes(api, "I need help with my order").await;
    assert_eq!(execution["steps"][0]["output"], json!({"message_sent": "Hi! How can I help you today?"}));

    let read = api.get(&path).await.expect(200);
    assert_same(&page["got"], &read);
    assert_eq!(of(&read["data"], &page["support_bot"]), page["support_bot"]);
    assert_eq!(read["data"]["execution_count"], 1);
    let query = "page=1&limit=20&status=active&channel=whatsapp&search=SUPPORT";
    let listed = api.get(&format!("/v1/workflows?{query}")).await.expect(200);
    assert_same(&page["listed"], &listed);
    let pagination = json!({"page": 1, "limit": 20, "total": 1, "pages": 1});
    assert_eq!(of(&listed["pagination"], &pagination), pagination);
    for other in ["status=draft", "channel=voice", "search=onboarding"] {
        assert_eq!(api.get(&format!("/v1/workflows?{other}")).await.expect(200)["data"], json!([]));
    }

    // Without a body, as on the page.
    let request = api.request(Method::POST, &format!("{path}/deactivate"));
    let deactivated = api.send(request).await.expect(200);
    assert_same(&page["deactivated"], &deactivated);
    assert_eq!(
        (&deactivated["data"]["id"], &deactivated["data"]["status"]),
        (&json!(id), &json!("inactive"))
    );
    assert_eq!(writes(api, "I need help with my order").await, Value::Null);
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn executions_are_listed() {
    let mut product = Product::start().await;
    let (api, page) = (&product.api, page());
    let id = api.run(&page["onboarding"]).await;
    let path = format!("/v1/workflows/{id}/executions");

    let executed = writes(api, "I want to start").await;
    let nodes: Vec<&Value> =
        executed["steps"].as_array().unwrap().iter().map(|step| &step["node_id"]).collect();
    assert_eq!(nodes, ["welcome", "collect_info"]);

    let listed = api.get(&format!("{path}?page=1&limit=20&status=success")).await.expect(200);
    assert_same(&page["executions"], &listed);
    let row = json!({
        "id": executed["id"], "workflow_id": id, "status": "success", "customer_id": "customer-456", "channel": "whatsapp",
        "input": {"message": "I want to start"},
        "output": {"response": "What's your name?", "next_action": "wait_for_input"},
    });
    assert_eq!(of(&listed["data"][0], &row), row);
    let started = executed["started_at"].as_str().unwrap();
    for (query, total) in [
        (format!("start_date={started}&end_date={started}"), 1),
        ("start_date=2024-01-01&end_date=2024-01-31".to_owned(), 0),
        ("status=failed".to_owned(), 0),
        ("status=running".to_owned(), 0),
    ] {
        let listed = api.get(&format!("{path}?{query}")).await.expect(200);
        assert_eq!(listed["pagination"]["total"], total, "{query}");
    }
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_execution_is_read_with_its_steps_and_the_answer_of_the_knowledge_base() {
    let mut product = Product::start().await;
    let (api, page) = (&product.api, page());
    let answer = &page["execution"]["data"]["output"]["response"];
    with_document(api, "text/plain", answer.as_str().unwrap()).await;
    let id = api.run(&page["support_bot"]).await;
    let input = &page["execution"]["data"]["input"];

    let executed = writes(api, input["message"].as_str().unwrap()).await;

    let path = format!("/v1/workflows/{id}/executions/{}", executed["id"].as_str().unwrap());
    let read = api.get(&path).await.expect(200);
    assert_same(&page["execution"], &read);
    let data = &read["data"];
    assert_eq!((&data["status"], &data["input"]), (&json!("success"), input));
    let steps = data["steps"].as_array().unwrap();
    let nodes: Vec<&Value> = steps.iter().map(|step| &step["node_id"]).collect();
    assert_eq!(nodes, ["node-1", "node-2"]);
    for (step, of_page) in steps.iter().zip(page["execution"]["data"]["steps"].as_array().unwrap()) {
        for member in ["type", "status", "input"] {
            assert_eq!(step[member], of_page[member]);
        }
    }
    assert_eq!(steps[0]["output"], page["execution"]["data"]["steps"][0]["output"]);
    let answered = &steps[1]["output"];
    assert!(answer.as_str().unwrap().starts_with(answered["response"].as_str().unwrap()), "{answered}");
    assert!(answered["confidence"].as_f64().unwrap() >= 0.5, "{answered}");
    assert_eq!(answered["sources"][0]["document"], "faq");
    assert_eq!(data["output"]["response"], answered["response"]);
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_count_what_the_lists_show() {
    let mut product = Product::start().await;
    let (api, page) = (&product.api, page());
    let id = api.run(&page["onboarding"]).await;
    writes(api, "I want to start").await;
    writes(api, "Ann").await;
    let path = format!("/v1/workflows/{id}/metrics");

    let shown = eventually("both executions are counted", || async {
        let shown = api.get(&path).await.expect(200);
        (shown["data"]["metrics"]["total_executions"] == 2).then_some(shown)
    })
    .await;
    let mut today = shown.clone();
    let series = shown["data"]["daily_metrics"].as_array().unwrap();
    assert_eq!(series.len(), 30);
    today["data"]["daily_metrics"] = json!([series.iter().find(|day| day["executions"] == 2).unwrap()]);
    assert_same(&page["metrics"], &today);
    let numbers = json!({
        "total_executions": 2, "successful_executions": 2, "failed_executions": 0, "success_rate": 1.0,
        "total_messages_sent": 2, "total_messages_received": 2, "unique_customers": 1, "channel_breakdown": {"whatsapp": 2},
    });
    assert_eq!(of(&shown["data"]["metrics"], &numbers), numbers);
    let listed = api.get(&format!("/v1/workflows/{id}")).await.expect(200);
    assert_eq!(
        (&listed["data"]["execution_count"], &listed["data"]["success_rate"]),
        (&json!(2), &json!(1.0))
    );

    let january = api
        .get(&format!("{path}?start_date=2024-01-01&end_date=2024-01-31&granularity=day"))
        .await
        .expect(200);
    assert_eq!(january["data"]["period"], page["metrics"]["data"]["period"]);
    let days = january["data"]["daily_metrics"].as_array().unwrap();
    assert_eq!(
        (days.len(), &days[0]["date"], &days[0]["success_rate"]),
        (31, &json!("2024-01-01"), &Value::Null)
    );
    for (granularity, name, buckets, first) in [
        ("hour", "hourly_metrics", 744, "2024-01-01T00:00:00Z"),
        ("week", "weekly_metrics", 5, "2024-01-01"),
        ("month", "monthly_metrics", 1, "2024-01-01"),
    ] {
        let query = format!("start_date=2024-01-01&end_date=2024-01-31&granularity={granularity}");
        let data = api.get(&format!("{path}?{query}")).await.expect(200)["data"].clone();
        assert_eq!(data[name].as_array().unwrap().len(), buckets, "{granularity}");
        assert_eq!(data[name][0]["date"], first);
    }
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_the_codes_of_the_page() {
    let mut product = Product::start().await;
    let (api, page) = (&product.api, page());
    let post = async |body: &Value| api.post("/v1/workflows", body).await;
    let mut without_content = page["onboarding"].clone();
    without_content["configuration"]["nodes"][0].as_object_mut().unwrap().remove("content");
    let mut without_name = page["onboarding"].clone();
    without_name.as_object_mut().unwrap().remove("name");
    let mut odd_field = page["onboarding"].clone();
    odd_field["configuration"]["nodes"][1]["fields"][0]["type"] = json!("colour");
    let failing = api.run(&page["support_bot"]).await;
    api.create(&page["onboarding"]).await;

    let refused = post(&without_content).await.expect(400);
    assert_same(&page["refused"], &refused);
    assert_eq!(of(&refused["error"], &page["refused"]["error"]), page["refused"]["error"]);
    let start = api
        .request(Method::POST, &format!("/v1/workflows/{failing}/executions"))
        .header("prefer", "wait=30")
        .json(&json!({"customer_id": "customer-456", "input": {"message": "help"}}));
    for (answer, status, code, message) in [
        (post(&without_name).await, 400, "MISSING_REQUIRED_FIELD", "Required field is missing"),
        (api.get("/v1/workflows/workflow-123").await, 404, "WORKFLOW_NOT_FOUND", "Workflow does not exist"),
        (
            post(&page["onboarding"]).await,
            409,
            "WORKFLOW_ALREADY_EXISTS",
            "Workflow with this name already exists",
        ),
        (post(&odd_field).await, 422, "INVALID_NODE_CONFIG", "Node configuration is invalid"),
        (api.send(start).await, 500, "WORKFLOW_EXECUTION_FAILED", "Workflow execution failed"),
    ] {
        let error = answer.expect(status)["error"].clone();
        assert_eq!((&error["code"], &error["message"]), (&json!(code), &json!(message)));
    }
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_class_of_operations_has_the_limit_of_the_page() {
    let mut product = Product::with_rate_limits(Switch::On).await;
    let (api, page) = (&product.api, page());
    let created = api.post("/v1/workflows", &page["onboarding"]).await;
    let path = format!("/v1/workflows/{}", created.body["data"]["id"].as_str().unwrap());

    for (answer, limit) in [
        (api.get("/v1/workflows").await, "1000"),
        (api.get(&path).await, "1000"),
        (created, "100"),
        (api.put(&path, &page["update"]).await, "100"),
        (api.get(&format!("{path}/executions")).await, "500"),
        (api.delete(&path).await, "50"),
    ] {
        assert_eq!(answer.header("x-ratelimit-limit"), limit, "{}", answer.text);
    }
    product.stop().await;
}
