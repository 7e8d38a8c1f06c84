//! The document that is kept in `proto-schemas/` is the one that is served.

use crate::support::Gateway;
use testkit::Api;

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto-schemas/openapi.json");

#[test]
fn the_document_that_is_kept_is_fresh() {
    let kept = std::fs::read_to_string(KEPT).unwrap_or_default();
    assert!(kept == gateway::openapi(), "proto-schemas/openapi.json is stale: make generate");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_and_its_page_are_served_to_everyone_and_load_nothing_from_elsewhere() {
    let gateway = Gateway::start().await;
    let api = Api::new(&gateway.base, "");
    assert_eq!(api.get("/v1/openapi.json").await.text, gateway::openapi());
    let page = api.get("/docs").await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
    let loaded: Vec<&str> = page.text.split(['"']).filter(|part| part.starts_with("/docs/")).collect();
    assert_eq!(loaded.len(), 3);
    for path in loaded {
        let file = api.get(path).await;
        assert_eq!(file.status, 200, "{path}");
        assert!(!file.text.is_empty(), "{path}");
    }
    assert!(!page.text.contains("http://") && !page.text.contains("https://"));
    let nothing = api.get("/docs/nothing").await.expect(404);
    assert_eq!(nothing["error"]["code"], "NOT_FOUND");
}
