//! `workflows …`: files are applied, shown, changed and checked.

use std::fs;

use serde_json::{Value, json};
use testkit::workflows;

use super::{told, told_with};
use crate::support::Product;

fn write(directory: &tempfile::TempDir, name: &str, document: &Value) -> String {
    let path = directory.path().join(name);
    fs::write(&path, serde_json::to_string_pretty(document).unwrap()).unwrap();
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_applied_with_a_diff_and_only_what_differs_changes() {
    let mut product = Product::start().await;
    let directory = tempfile::tempdir().unwrap();
    let mut greet = workflows::greet("Greet", "hello");
    let file = write(&directory, "greet.json", &greet);
    write(&directory, "survey.json", &workflows::survey("Survey", "start"));
    let all = directory.path().display().to_string();

    let plan = told(&product, &["workflows", "apply", "-f", &all, "--dry-run"]).out();
    assert_eq!(plan, "+ Greet is new\n+ Survey is new\n2 of 2 would change; nothing was changed\n");
    let refused = told(&product, &["workflows", "apply", "-f", &all]).complaint(1);
    assert!(refused.contains("nobody can be asked here: say --yes"), "{refused}");
    assert_eq!(told(&product, &["workflows", "list", "--json"]).json(), json!([]));

    let applied = told(&product, &["workflows", "apply", "-f", &all, "--yes", "--activate"]).out();
    assert!(applied.contains("✓ Greet created, active"), "{applied}");
    let same = told(&product, &["workflows", "apply", "-f", &all, "--yes", "--activate"]).out();
    assert!(same.contains("= Greet stays as it is"), "{same}");

    greet["configuration"]["trigger"]["keywords"] = json!(["hello", "ahoy"]);
    write(&directory, "greet.json", &greet);
    let changed = told(&product, &["workflows", "apply", "-f", &file, "--yes"]).out();
    assert!(changed.contains("~ Greet changes"), "{changed}");
    assert!(changed.contains("    +         \"ahoy\"\n"), "{changed}");
    assert!(changed.contains("✓ Greet changed"), "{changed}");
    let stored = told(&product, &["workflows", "get", "greet"]).json();
    assert_eq!(stored["configuration"], greet["configuration"]);
    assert_eq!(stored["status"], "active");
    let piped = told_with(&product, &["workflows", "apply", "-f", "-", "--json"], &greet.to_string()).json();
    assert_eq!(piped, json!({"changed": 0, "to_activate": 0, "applied": false}));
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workflows_are_listed_switched_and_deleted_by_name() {
    let mut product = Product::start().await;
    product.api.create(&workflows::greet("Greet", "hello")).await;
    product.api.create(&workflows::survey("Survey", "start")).await;

    assert!(told(&product, &["workflows", "activate", "Greet"]).out().contains("is active"));
    let table = told(&product, &["workflows", "list", "--status", "active"]).out();
    assert_eq!(table.lines().count(), 2, "{table}");
    assert!(table.lines().nth(1).unwrap().contains("Greet  active  web"), "{table}");
    let found = told(&product, &["workflows", "list", "--search", "SURV", "--json"]).json();
    assert_eq!(found[0]["name"], "Survey");
    let told_so = told(&product, &["workflows", "deactivate", "Greet", "--cancel-waiting", "--json"]).json();
    assert_eq!(told_so["data"]["status"], "inactive");
    let refused = told(&product, &["workflows", "delete", "Greet"]).complaint(1);
    assert!(refused.contains("say --yes"), "{refused}");
    told(&product, &["workflows", "delete", "Greet", "--yes"]).out();
    let gone = told(&product, &["workflows", "get", "Greet"]).complaint(1);
    assert!(gone.contains("there is no workflow named 'Greet'"), "{gone}");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_checked_without_storing_anything() {
    let mut product = Product::start().await;
    let directory = tempfile::tempdir().unwrap();
    let good = write(&directory, "good.json", &workflows::greet("Greet", "hello"));
    let mut bad = workflows::greet("Bad", "hello");
    bad["configuration"]["nodes"][0].as_object_mut().unwrap().remove("content");
    bad["configuration"]["nodes"][1]["branches"][0]["when"] = json!("1 +");
    let bad = write(&directory, "bad.json", &bad);

    let checked = told(&product, &["workflows", "validate", &good, &bad]);
    assert!(checked.out.contains(&format!("✓ {good}")), "{}", checked.out);
    for problem in ["configuration.nodes[0].content", "configuration.nodes[1].branches[0].when"] {
        assert!(checked.out.contains(problem), "{}", checked.out);
    }
    assert!(checked.complaint(1).contains("1 cannot be used as they are"));
    for how in ["--yes", "--dry-run"] {
        let refused = told(&product, &["workflows", "apply", "-f", &good, "-f", &bad, how]);
        assert!(refused.out.contains("+ Greet is new\n✗ Bad cannot be used as it is\n"), "{}", refused.out);
        for problem in ["INVALID_WORKFLOW_CONFIG ", "INVALID_NODE_CONFIG "] {
            assert!(refused.out.contains(problem), "all problems are shown: {}", refused.out);
        }
        assert!(refused.complaint(1).contains("1 of 2 cannot be used as they are; nothing was changed"));
    }
    let for_programs = told(&product, &["workflows", "apply", "-f", &bad, "--dry-run", "--json"]);
    let found: Value = serde_json::from_str(&for_programs.out).unwrap();
    assert_eq!(found["invalid"][0]["result"]["errors"][0]["field"], "configuration.nodes[0].content");
    for_programs.complaint(1);
    assert_eq!(told(&product, &["workflows", "list", "--json"]).json(), json!([]));
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_otherwise_and_means_the_same_changes_nothing() {
    let mut product = Product::start().await;
    let directory = tempfile::tempdir().unwrap();
    let mut greet = workflows::greet("  Greet ", "hello");
    greet["description"] = Value::Null;
    let file = write(&directory, "greet.json", &greet);
    let apply = |how: &str| told(&product, &["workflows", "apply", "-f", &file, how]).out();

    assert!(apply("--yes").contains("✓ Greet created"));
    assert!(apply("--dry-run").contains("= Greet stays as it is"));
    greet["description"] = json!("");
    write(&directory, "greet.json", &greet);
    assert!(apply("--dry-run").contains("= Greet stays as it is"));
    // A file may say a part only; it is checked together with the rest.
    write(&directory, "greet.json", &json!({"name": "Greet", "description": "new"}));
    assert!(apply("--dry-run").contains("1 of 1 would change"));
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_files_of_one_workflow_are_refused() {
    let mut product = Product::start().await;
    let directory = tempfile::tempdir().unwrap();
    write(&directory, "one.json", &workflows::greet("Greet", "hello"));
    write(&directory, "two.json", &workflows::greet(" GREET", "ahoy"));
    let all = directory.path().display().to_string();

    let refused = told(&product, &["workflows", "apply", "-f", &all, "--yes"]).complaint(1);
    assert!(refused.contains("one.json and ") && refused.contains("two.json both say"), "{refused}");
    assert_eq!(told(&product, &["workflows", "list", "--json"]).json(), json!([]));
    product.stop().await;
}
