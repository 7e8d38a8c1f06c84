//! Requests that schemathesis makes from the OpenAPI document, good and bad ones, and what the document says of the
//! answers. `TURNLOOM_SEED=<number>` makes the same requests again.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::support::Product;
use crate::tools::{directory, file, python, succeed};
use reqwest::Method;
use serde_json::json;
use testkit::{Api, workflows};

/// Its configuration, and what it is told beyond the document.
const FILES: &str = "crates/turnloom/tests/schemathesis";

/// Workflows with an execution each, as `<workflow>/<execution>`.
async fn things_to_find(api: &Api) -> String {
    let mut pairs = Vec::new();
    for number in 0..3 {
        let keyword = format!("start{number}");
        let workflow = api.run(&workflows::survey(&format!("Survey {number}"), &keyword)).await;
        let execution = &api.say("ann", &keyword).await["execution"];
        assert_eq!(execution["workflow_id"], json!(workflow));
        api.post(&format!("/v1/workflows/{workflow}/deactivate"), &json!({"waiting": "cancel"}))
            .await
            .expect(200);
        api.activate(&workflow).await;
        pairs.push(format!("{workflow}/{}", execution["id"].as_str().unwrap()));
    }
    pairs.join(",")
}

/// Operations that nobody is let in to and that succeed for nobody else either: what a few of them are about may be gone by the time
/// they are tried. A run that was only ever refused would find nothing, and has all of them.
const REFUSED_MAX: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn what_the_document_says_holds_for_requests_that_nobody_thought_of() {
    let mut product = Product::start().await;
    let pairs = things_to_find(&product.api).await;
    let mut letters = Vec::new();
    for customer in ["bob", "cleo", "dan"] {
        letters.push(product.bury(customer, "m-1", "start0").await);
    }
    let mut conversations = Vec::new();
    for customer in ["eve", "finn", "gil"] {
        let id = product.api.say(customer, "nothing").await["conversation_id"].as_str().unwrap().to_owned();
        product.api.post(&format!("/v1/conversations/{id}/assign"), &json!({})).await.expect(200);
        conversations.push(id);
    }
    product.api.post("/v1/knowledge-bases", &json!({"name": "support-kb"})).await.expect(201);
    let document = "/v1/knowledge-bases/support-kb/documents/returns.md";
    let document = product.api.request(Method::PUT, document).header("content-type", "text/markdown");
    product.api.send(document.body("# Returns\n\nWithin 30 days.")).await.expect(201);
    let mut keys = Vec::new();
    for name in ["dashboard", "bot"] {
        let made =
            product.api.post("/v1/api-keys", &json!({"name": name, "level": "read_only"})).await.expect(201);
        keys.push(made["data"]["id"].as_str().unwrap().to_owned());
    }
    let directory = directory("schemathesis");
    for name in ["schemathesis.toml", "hooks.py"] {
        std::fs::copy(file(FILES).join(name), directory.join(name)).unwrap();
    }

    let mut program = python(&directory);
    program.args(["-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run"]);
    program.arg(format!("{}/v1/openapi.json", product.api.base()));
    program.args(["--seed", &testkit::seed().to_string()]);
    program.env("TURNLOOM_KEY", &product.key).env("TURNLOOM_EXECUTIONS", pairs);
    program.env("TURNLOOM_DEAD_LETTERS", letters.join(","));
    program.env("TURNLOOM_CONVERSATIONS", conversations.join(","));
    program.env("TURNLOOM_API_KEYS", keys.join(","));
    let said = succeed(&mut program).await;

    println!("{said}");
    assert!(said.contains("Tested: 58"), "{said}");
    let refused = said.split("Missing authentication: ").nth(1).and_then(|rest| rest.split(' ').next());
    let refused = refused.map_or(0, |count| count.parse::<usize>().unwrap());
    assert!(refused <= REFUSED_MAX, "{said}");
    product.stop().await;
}
