//! `doctor` and `metrics rebuild`: is everything as it should be?

use metrics_aggregator::store::SCHEMA;
use pg::PgConfig;
use serde_json::{Value, json};
use testkit::{eventually, workflows};

use super::{bare, end, told};
use crate::support::Product;

fn verdicts(found: &Value) -> Vec<(&str, &str)> {
    found
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["about"].as_str().unwrap().trim(), row["verdict"].as_str().unwrap()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_a_healthy_product_good_and_says_what_to_do_about_a_sick_one() {
    let mut product = Product::start().await;
    let found = told(&product, &["doctor", "--json"]).json();
    let verdicts = verdicts(&found);
    for about in
        ["API", "key and services", "PostgreSQL", "fsync", "NATS", "JetStream", "sync_interval", "streams"]
    {
        assert!(verdicts.contains(&(about, "good")), "{about} in {verdicts:?}");
    }
    assert!(verdicts.iter().all(|(_, verdict)| *verdict != "bad"), "{verdicts:?}");

    let mut sick = bare();
    sick.args([
        "doctor",
        "--nats-url",
        "nats://127.0.0.1:1",
        "--database-url",
        "postgres://nobody@127.0.0.1:1/x",
    ])
    .env("TURNLOOM_URL", product.api.base())
    .env("TURNLOOM_API_KEY", "tl_wrong");
    let sick = end(sick, "");
    assert!(sick.out.contains("✗ NATS") && sick.out.contains("✗ PostgreSQL"), "{}", sick.out);
    assert!(sick.out.contains("→ check the key; look at /readyz of each service"), "{}", sick.out);
    assert!(sick.complaint(1).contains("3 things need attention"));
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_finds_no_difference_and_mends_one_that_somebody_made() {
    let mut product = Product::start().await;
    let workflow = product.api.run(&workflows::greet("Greet", "hello")).await;
    for customer in ["ann", "bob", "cleo"] {
        product.api.say(customer, "hello").await;
    }
    let path = format!("/v1/workflows/{workflow}/metrics");
    let total =
        async || product.api.get(&path).await.expect(200)["data"]["metrics"]["total_executions"].clone();
    eventually("the executions are counted", || async { (total().await == 3).then_some(()) }).await;

    let shown = told(&product, &["metrics", "show", "Greet"]).out();
    assert!(shown.contains("executions         3") && shown.contains("messages in / out  3 / 6"), "{shown}");
    let same = told(&product, &["metrics", "rebuild", "--json"]).json();
    let (since, until) = (&same[0]["since"], &same[0]["until"]);
    assert!(since.as_str() < until.as_str(), "{same}");
    let expected = json!([{"workflow_id": workflow, "since": since, "until": until, "executions": 3, "differences": []}]);
    assert_eq!(same, expected);

    let client = pg::raw::connect(&PgConfig::for_url(&product.database_url), SCHEMA).await.unwrap();
    client.batch_execute("UPDATE rollups SET succeeded = succeeded + 1; DELETE FROM visits").await.unwrap();
    let differs = told(&product, &["metrics", "rebuild", "Greet"]);
    for number in ["succeeded", "unique_customers"] {
        assert!(differs.out.contains(number), "{}", differs.out);
    }
    assert!(differs.complaint(1).contains("2 numbers differ; --apply puts them right"));
    told(&product, &["metrics", "rebuild", "Greet", "--apply"]).out();
    assert!(told(&product, &["metrics", "rebuild", "Greet"]).out().contains("0 differences"));
    assert_eq!(total().await, 3);
    product.stop().await;
}
