//! The document that is kept in `proto-schemas/` is the one that is served.

mod support;

use support::Gateway;

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto-schemas/openapi.json");

#[test]
fn the_document_that_is_kept_is_fresh() {
    let kept = std::fs::read_to_string(KEPT).unwrap_or_default();
    assert!(kept == gateway::openapi(), "proto-schemas/openapi.json is stale: make generate");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_and_its_page_are_served_to_everyone_and_load_nothing_from_elsewhere() {
    let gateway = Gateway::start().await;
    let get = async |path: &str| reqwest::get(format!("{}{path}", gateway.base)).await.unwrap();
    assert_eq!(get("/v1/openapi.json").await.text().await.unwrap(), gateway::openapi());
    let page = get("/docs").await;
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
    let page = page.text().await.unwrap();
    let loaded: Vec<&str> = page.split(['"']).filter(|part| part.starts_with("/docs/")).collect();
    assert_eq!(loaded.len(), 3);
    for path in loaded {
        let file = get(path).await;
        assert_eq!(file.status(), 200, "{path}");
        assert!(!file.text().await.unwrap().is_empty(), "{path}");
    }
    assert!(!page.contains("http://") && !page.contains("https://"));
    assert_eq!(get("/docs/nothing").await.status(), 404);
}
