//! Knowledge bases over the API.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::support::Product;
use gateway::key::Level;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Api};

const BASES: &str = "/v1/knowledge-bases";
const DOCUMENTS: &str = "/v1/knowledge-bases/support-kb/documents";
const PDF: &[u8] = include_bytes!("../../knowledge/tests/hello.pdf");

async fn put(api: &Api, document: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    let path = format!("{DOCUMENTS}/{document}");
    api.send(api.request(Method::PUT, &path).header("content-type", content_type).body(body)).await
}

async fn found(api: &Api, query: &str) -> Vec<Value> {
    let result = api.post(&format!("{BASES}/support-kb/search"), &json!({"query": query})).await.expect(200);
    result["data"]["passages"].as_array().unwrap().clone()
}

async fn with_base() -> Product {
    let product = Product::start().await;
    product.api.post(BASES, &json!({"name": "support-kb", "description": "FAQ"})).await.expect(201);
    product
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_is_created_read_listed_and_deleted() {
    let mut product = Product::start().await;
    let api = &product.api;
    let created = api.post(BASES, &json!({"name": "support-kb", "language": "en"})).await;
    let location = created.header("location").to_owned();
    let base = created.expect(201)["data"].clone();
    assert_eq!(location, format!("{BASES}/{}", base["id"].as_str().unwrap()));
    let expected = json!({
        "id": base["id"], "name": "support-kb", "description": "", "language": "en", "document_count": 0, "passage_count": 0,
        "created_at": base["created_at"], "updated_at": base["created_at"],
    });
    assert_eq!(base, expected);
    for path in [&location, "/v1/knowledge-bases/support-kb"] {
        assert_eq!(api.get(path).await.expect(200)["data"], base, "{path}");
    }
    let taken = api.post(BASES, &json!({"name": "Support-KB"})).await.expect(409);
    assert_eq!(
        (&taken["error"]["code"], &taken["error"]["field"]),
        (&json!("KNOWLEDGE_BASE_ALREADY_EXISTS"), &json!("name"))
    );
    let second = api.post(BASES, &json!({"name": "faq"})).await.expect(201)["data"].clone();
    let first_page = api.get(&format!("{BASES}?limit=1")).await.expect(200);
    assert_eq!((&first_page["data"], &first_page["pagination"]["total"]), (&json!([second]), &json!(2)));
    let cursor = first_page["pagination"]["next_cursor"].as_str().unwrap();
    let last_page = api.get(&format!("{BASES}?limit=1&cursor={cursor}")).await.expect(200);
    assert_eq!((&last_page["data"], &last_page["pagination"]["next_cursor"]), (&json!([base]), &Value::Null));

    let deleted = api.delete("/v1/knowledge-bases/support-kb").await.expect(200);
    assert_eq!(deleted, json!({"message": "Knowledge base deleted successfully"}));
    assert_eq!(api.get(&location).await.expect(404)["error"]["code"], "KNOWLEDGE_BASE_NOT_FOUND");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_each_kind_are_put_found_replaced_and_deleted() {
    let mut product = with_base().await;
    let api = &product.api;
    for (document, content_type, body) in [
        (
            "delivery.md",
            "text/markdown; charset=utf-8",
            b"# Delivery\n\nWe ship kettles within two days.".to_vec(),
        ),
        ("opening.txt", "text/plain", b"Opening hours\n\nThe shop opens at nine.".to_vec()),
        ("shop.html", "text/html", b"<title>The shop</title><p>We sell <b>umbrellas</b>.</p>".to_vec()),
        ("returns.pdf", "application/pdf", PDF.to_vec()),
    ] {
        let size = body.len();
        let data = put(api, document, content_type, body).await.expect(201)["data"].clone();
        assert_eq!(
            (&data["id"], &data["bytes"], &data["passage_count"]),
            (&json!(document), &json!(size), &json!(1))
        );
        assert_eq!(api.get(&format!("{DOCUMENTS}/{document}")).await.expect(200)["data"], data);
    }
    for (question, document, title) in [
        ("When do you ship my kettle?", "delivery.md", "Delivery"),
        ("When does the shop open?", "opening.txt", "Opening hours"),
        ("Do you have an umbrella?", "shop.html", "The shop"),
        ("How many days do refunds take?", "returns.pdf", "Returns of parcels"),
    ] {
        let best = found(api, question).await[0].clone();
        assert_eq!((&best["document_id"], &best["title"]), (&json!(document), &json!(title)), "{question}");
    }
    let listed = api.get(&format!("{DOCUMENTS}?limit=2")).await.expect(200);
    assert_eq!(
        (&listed["data"][0]["id"], &listed["pagination"]["total"]),
        (&json!("returns.pdf"), &json!(4))
    );
    let base = api.get("/v1/knowledge-bases/support-kb").await.expect(200)["data"].clone();
    assert_eq!((&base["document_count"], &base["passage_count"]), (&json!(4), &json!(4)));

    put(api, "delivery.md", "text/plain", "We ship toasters.").await.expect(200);
    assert!(found(api, "kettles").await.is_empty());
    assert_eq!(found(api, "toaster").await[0]["document_id"], "delivery.md");
    let titled = format!("{DOCUMENTS}/delivery.md?title=Our%20delivery");
    let request =
        api.request(Method::PUT, &titled).header("content-type", "text/plain").body("We ship toasters.");
    assert_eq!(api.send(request).await.expect(200)["data"]["title"], "Our delivery");

    let deleted = api.delete(&format!("{DOCUMENTS}/delivery.md")).await.expect(200);
    assert_eq!(deleted, json!({"message": "Document deleted successfully"}));
    assert!(found(api, "toaster").await.is_empty());
    let gone = api.get(&format!("{DOCUMENTS}/delivery.md")).await.expect(404);
    assert_eq!(gone["error"]["code"], "DOCUMENT_NOT_FOUND");
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_is_refused_with_its_reason() {
    let mut product = with_base().await;
    let api = &product.api;
    let large = |bytes: usize| "A sentence of some words. ".repeat(bytes / 26).into_bytes();
    for (document, content_type, body, status, code) in [
        ("a", "application/pdf", b"%PDF-1.7 cut off".to_vec(), 422, "DOCUMENT_UNREADABLE"),
        ("a", "application/pdf", PDF[..500].to_vec(), 422, "DOCUMENT_UNREADABLE"),
        ("a", "text/plain", b"\xff\xfe".to_vec(), 422, "DOCUMENT_UNREADABLE"),
        ("a", "text/plain", Vec::new(), 422, "DOCUMENT_UNREADABLE"),
        ("a", "image/png", b"x".to_vec(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("a", "text/plain; charset=latin1", b"x".to_vec(), 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("a", "text/plain", large(11 << 20), 413, "PAYLOAD_TOO_LARGE"),
        ("a%20b", "text/plain", b"x".to_vec(), 400, "INVALID_REQUEST"),
    ] {
        let refused = put(api, document, content_type, body).await.expect(status);
        assert_eq!(refused["error"]["code"], code, "{content_type}: {}", refused["error"]["details"]);
    }
    let data = put(api, "large", "text/plain", large(9 << 20)).await.expect(201)["data"].clone();
    assert!(data["passage_count"].as_u64().unwrap() > 5000, "{data}");
    for (body, status, code, field) in [
        (json!({}), 400, "MISSING_REQUIRED_FIELD", "name"),
        (json!({"name": " "}), 400, "MISSING_REQUIRED_FIELD", "name"),
        (json!({"name": "a/b"}), 400, "INVALID_REQUEST", "name"),
        (json!({"name": 7}), 400, "INVALID_REQUEST", "name"),
        (json!({"name": "a", "language": "xx"}), 400, "INVALID_REQUEST", "language"),
        (json!({"name": "a", "colour": "red"}), 400, "INVALID_REQUEST", "colour"),
    ] {
        let refused = api.post(BASES, &body).await.expect(status);
        assert_eq!(
            (&refused["error"]["code"], &refused["error"]["field"]),
            (&json!(code), &json!(field)),
            "{body}"
        );
    }
    for (body, code, field) in [
        (json!({}), "MISSING_REQUIRED_FIELD", "query"),
        (json!({"query": "x", "limit": 21}), "INVALID_REQUEST", "limit"),
        (json!({"query": "x", "language": "xx"}), "INVALID_REQUEST", "language"),
        (json!({"query": "x".repeat(1001)}), "INVALID_REQUEST", "query"),
    ] {
        let refused = api.post(&format!("{BASES}/support-kb/search"), &body).await.expect(400);
        assert_eq!(
            (&refused["error"]["code"], &refused["error"]["field"]),
            (&json!(code), &json!(field)),
            "{body}"
        );
    }
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_accounts_base_is_not_there() {
    let mut product = with_base().await;
    put(&product.api, "a", "text/plain", "Parcels take three days.").await.expect(201);
    let id = product.api.get("/v1/knowledge-bases/support-kb").await.expect(200)["data"]["id"].clone();
    let stranger = product.key_of("stranger", Level::FullAccess).await;
    for called in [id.as_str().unwrap(), "support-kb", "nothing"] {
        let path = format!("{BASES}/{called}");
        let search = json!({"query": "parcels"});
        let document = stranger.request(Method::PUT, &format!("{path}/documents/a"));
        for answer in [
            stranger.get(&path).await,
            stranger.get(&format!("{path}/documents")).await,
            stranger.get(&format!("{path}/documents/a")).await,
            stranger.post(&format!("{path}/search"), &search).await,
            stranger.send(document.header("content-type", "text/plain").body("Mine.")).await,
            stranger.delete(&format!("{path}/documents/a")).await,
            stranger.delete(&path).await,
        ] {
            assert_eq!(answer.expect(404)["error"]["code"], "KNOWLEDGE_BASE_NOT_FOUND", "{called}");
        }
    }
    assert_eq!(stranger.get(BASES).await.expect(200)["data"], json!([]));
    stranger.post(BASES, &json!({"name": "support-kb"})).await.expect(201);
    assert_eq!(found(&product.api, "parcels").await.len(), 1);
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_level_of_key_may_do_what_it_says() {
    let mut product = with_base().await;
    put(&product.api, "a", "text/plain", "Parcels take three days.").await.expect(201);
    let read_only = product.key_of("default", Level::ReadOnly).await;
    let read_write = product.key_of("default", Level::ReadWrite).await;
    assert_eq!(found(&read_only, "parcels").await.len(), 1);
    read_only.get(DOCUMENTS).await.expect(200);
    read_only.post(BASES, &json!({"name": "faq"})).await.expect(403);
    put(&read_only, "b", "text/plain", "x").await.expect(403);
    read_write.post(BASES, &json!({"name": "faq"})).await.expect(201);
    put(&read_write, "b", "text/plain", "x").await.expect(201);
    for path in ["/v1/knowledge-bases/faq".to_owned(), format!("{DOCUMENTS}/a")] {
        assert_eq!(read_write.delete(&path).await.expect(403)["error"]["code"], "FORBIDDEN");
        product.api.delete(&path).await.expect(200);
    }
    product.stop().await;
}
