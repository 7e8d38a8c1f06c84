//! `demo`, `chat`, `executions`, `metrics show`: a conversation and what is seen of it.

use serde_json::{Value, json};

use super::{told, told_with};
use crate::support::Product;

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_plays_three_customers_and_shows_what_there_is_to_see() {
    let mut product = Product::start().await;

    let shown = told(&product, &["demo"]).out();
    for expected in [
        "✓ New Customer Onboarding is active",
        "< Nice to meet you, Ann!",
        "< Nice to meet you, Zoë!",
        "STARTED",
        "collect_info  form     completed",
        "executions         6",
        "messages in / out  6 / 9",
        "unique customers   3",
        "████████████████████████ 6",
        "< You can return what you do not like within thirty days.",
        "from faq.md, confidence 0.",
        "< I had better ask a person.",
        "eve < Eve here. I sing for cake.",
        "< It is me again. Ask me anything.",
    ] {
        assert!(shown.contains(expected), "no {expected} in\n{shown}");
    }
    assert!(!shown.contains('\u{1b}'), "no colours where nobody sees them: {shown:?}");

    let again = told(&product, &["demo", "--json"]).json();
    assert_eq!(again["executions"].as_array().unwrap().len(), 6);
    assert_eq!(again["execution"]["steps"][1]["output"]["message_sent"], "Nice to meet you, Zoë!");
    assert_eq!(again["answer"]["steps"][0]["output"]["sources"][0]["document"], "faq.md");
    assert_eq!(again["messages"][1]["from"], "human");
    assert_eq!(again["metrics"]["metrics"]["total_executions"], 12, "the workflow is made once");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_talks_in_the_terminal_and_what_ran_is_listed_and_read() {
    let mut product = Product::start().await;
    product.api.run(&testkit::workflows::survey("Survey", "start")).await;

    let chat = told_with(&product, &["chat", "survey", "--customer", "ann"], "what?\nstart\nAnn\n\n42\n");
    assert_eq!(chat.err.lines().next(), Some("(It starts with: start)"));
    assert!(chat.err.contains("(the conversation is over: execution-"), "{}", chat.err);
    assert_eq!(
        chat.out(),
        "bot > What is your name?\nbot > How old are you, Ann?\nbot > Dear Ann, welcome\n"
    );
    let told_twice =
        told_with(&product, &["chat", "Survey", "--customer", "bob", "--json"], "start\n").json();
    assert_eq!(told_twice["execution"]["output"]["next_action"], "wait_for_input");

    let listed = told(&product, &["executions", "list", "Survey", "--customer", "ann", "--json"]).json();
    let responses: Vec<&Value> =
        listed.as_array().unwrap().iter().map(|row| &row["output"]["response"]).collect();
    assert_eq!(responses, ["Dear Ann, welcome", "How old are you, Ann?", "What is your name?"]);
    let id = listed[0]["id"].as_str().unwrap();
    let table =
        told(&product, &["executions", "list", "Survey", "--limit", "1", "--status", "success"]).out();
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(table.contains("wait_for_input"), "{table}");
    let shown = told(&product, &["executions", "get", "Survey", id]).out();
    assert!(shown.starts_with(&format!("{id} success in ")), "{shown}");
    assert!(shown.contains("check     condition  completed"), "{shown}");
    let read = told(&product, &["executions", "get", "Survey", id, "--json"]).json();
    assert_eq!(read["steps"][0]["output"]["fields"], json!({"name": "Ann", "age": 42}));

    let over = told(&product, &["chat", "nowhere"]).complaint(1);
    assert!(over.contains("there is no workflow named 'nowhere'"), "{over}");
    product.stop().await;
}
