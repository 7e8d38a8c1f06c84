//! Knowledge bases and their rules, over the bus.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use crate::support::Catalog;
use contracts::subject::knowledge as subject;
use contracts::{ErrorCode, subject::catalog, v1};
use flow_model::{AccountId, KnowledgeBaseId};
use serde_json::json;

const MARKDOWN: &str = "text/markdown";

async fn with_base() -> Catalog {
    let catalog = Catalog::start().await;
    catalog.create_base("support-kb").await.unwrap();
    catalog
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_is_called_by_its_id_or_its_name() {
    let catalog = Catalog::start().await;
    let base = catalog.create_base("Support-KB").await.unwrap();
    let id = KnowledgeBaseId::from_slice(&base.id).unwrap().to_string();
    for called in [id.as_str(), "Support-KB", "support-kb"] {
        assert_eq!(catalog.base_of(catalog.account, called).await.unwrap().id, base.id, "{called}");
    }
    let taken = catalog.create_base("SUPPORT-kb").await.unwrap_err();
    assert_eq!((taken.error_code(), taken.field.as_str()), (ErrorCode::KnowledgeBaseAlreadyExists, "name"));
    for called in ["other", "", "\0", "knowledge-base-00000000-0000-0000-0000-000000000007"] {
        let missing = catalog.base_of(catalog.account, called).await.unwrap_err();
        assert_eq!(missing.error_code(), ErrorCode::KnowledgeBaseNotFound, "{called:?}");
    }
    let stranger = catalog.base_of(AccountId::named("stranger"), &id).await.unwrap_err();
    assert_eq!(stranger.error_code(), ErrorCode::KnowledgeBaseNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_takes_the_place_of_the_one_before_at_once() {
    let catalog = Arc::new(with_base().await);
    let text = |word: &str| format!("# Delivery\n\n{}", format!("Parcels take {word} days.\n\n").repeat(800));
    catalog.put("support-kb", "delivery", MARKDOWN, text("three").as_bytes()).await.unwrap();
    let searching = {
        let catalog = Arc::clone(&catalog);
        tokio::spawn(async move {
            for _ in 0..40 {
                let found = catalog.search("support-kb", "parcels days", 20).await.unwrap().passages;
                assert_eq!(found.len(), 20);
                let three = found.iter().filter(|passage| passage.text.contains("three")).count();
                assert!(three == 0 || three == found.len(), "passages of both were found together");
            }
        })
    };
    for word in ["five", "three", "five", "three", "five"] {
        let put = catalog.put("support-kb", "delivery", MARKDOWN, text(word).as_bytes()).await.unwrap();
        assert!(!put.created);
    }
    searching.await.unwrap();
    let base = catalog.base_of(catalog.account, "support-kb").await.unwrap();
    let document =
        catalog.put("support-kb", "delivery", "text/plain", b"Gone.").await.unwrap().document.unwrap();
    assert_eq!((base.documents, document.passages), (1, 1));
    assert!(catalog.search("support-kb", "parcels days", 20).await.unwrap().passages.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_found_in_the_forms_of_their_language() {
    let catalog = with_base().await;
    for (id, text) in [
        (
            "returns.md",
            "# Returns\n\nYou can send the parcel back to us within thirty days after you have received it.",
        ),
        (
            "rueckgabe.md",
            "# Rückgabe\n\nSie können das Paket innerhalb von dreißig Tagen nach Erhalt an uns zurückschicken.",
        ),
        (
            "retours.md",
            "# Retours\n\nVous pouvez nous renvoyer les colis dans les trente jours qui suivent leur réception.",
        ),
    ] {
        catalog.put("support-kb", id, MARKDOWN, text.as_bytes()).await.unwrap();
    }
    for (question, document, language) in [
        ("returning parcels", "returns.md", "en"),
        ("Pakete nach dreißig Tagen?", "rueckgabe.md", "de"),
        ("renvoyer un colis", "retours.md", "fr"),
    ] {
        let found = catalog.search("support-kb", question, 3).await.unwrap().passages;
        assert_eq!(
            (found[0].document.as_str(), found[0].language.as_str()),
            (document, language),
            "{question}"
        );
        assert!(found[0].coverage > 0.5, "{question} {}", found[0].coverage);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_question_is_searched_for() {
    let catalog = with_base().await;
    catalog.put("support-kb", "a", "text/plain", b"It's a 'quoted' C:\\path & more.").await.unwrap();
    let long = "word ".repeat(1000);
    for question in
        ["", "?", "'", "\\", "it's 'quoted' C:\\path", "a & b | !c <-> (d)", "\0", ":*", "%_", long.as_str()]
    {
        catalog.search("support-kb", question, 20).await.unwrap();
    }
    assert_eq!(catalog.search("support-kb", "quoted path", 20).await.unwrap().passages.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_as_large_as_may_be_comes_in_parts() {
    let catalog = with_base().await;
    let line =
        "The quick customer asks the lazy shop about number {n} again and again, until it answers.\n\n";
    let mut text = String::new();
    for n in 0.. {
        let line = line.replace("{n}", &format!("{n}th"));
        if text.len() + line.len() > 10 * 1024 * 1024 {
            break;
        }
        text.push_str(&line);
    }
    let document =
        catalog.put("support-kb", "large", "text/plain", text.as_bytes()).await.unwrap().document.unwrap();
    assert!(document.passages > 10_000, "{}", document.passages);
    let found = catalog.search("support-kb", "about number 4711th", 1).await.unwrap().passages;
    assert!(found[0].text.contains("number 4711th"), "{}", found[0].text);
    text.push_str(line);
    text.push_str(line);
    let refused = catalog.put("support-kb", "large", "text/plain", text.as_bytes()).await.unwrap_err();
    assert_eq!(refused.error_code(), ErrorCode::PayloadTooLarge);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_leaves_the_document_before_in_its_place() {
    let catalog = with_base().await;
    catalog.put("support-kb", "a", "text/plain", b"Parcels take three days.").await.unwrap();
    for (content_type, bytes, code) in [
        ("application/pdf", &b"no PDF"[..], ErrorCode::DocumentUnreadable),
        ("text/plain", b"\xff", ErrorCode::DocumentUnreadable),
        ("text/html", b"<p></p>", ErrorCode::DocumentUnreadable),
        ("image/png", b"a", ErrorCode::UnsupportedMediaType),
        ("text/plain; charset=latin1", b"a", ErrorCode::UnsupportedMediaType),
    ] {
        let refused = catalog.put("support-kb", "a", content_type, bytes).await.unwrap_err();
        assert_eq!(refused.error_code(), code, "{content_type}: {}", refused.details);
    }
    let refused = catalog.put("support-kb", "a b", "text/plain", b"a").await.unwrap_err();
    assert_eq!((refused.error_code(), refused.field.as_str()), (ErrorCode::InvalidRequest, "document_id"));
    assert_eq!(catalog.search("support-kb", "parcels", 3).await.unwrap().passages.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_cursors_give_every_document_once() {
    let catalog = with_base().await;
    for n in 0..7 {
        catalog.put("support-kb", &format!("doc-{n}"), "text/plain", b"Text.").await.unwrap();
    }
    let request = v1::ListDocumentsRequest {
        account_id: catalog.account.to_vec().into(),
        base: "support-kb".to_owned(),
        page: 1,
        limit: 3,
        cursor: String::new(),
    };
    let list = async |request: v1::ListDocumentsRequest| {
        catalog.call::<_, v1::ListDocumentsResponse>(subject::LIST_DOCUMENTS, &request).await.unwrap()
    };
    let (mut by_page, mut by_cursor) = (Vec::new(), Vec::new());
    for page in 1..=3 {
        let found = list(v1::ListDocumentsRequest { page, ..request.clone() }).await;
        assert_eq!(found.total, 7);
        by_page.extend(found.documents.into_iter().map(|document| document.id));
    }
    let mut cursor = String::new();
    loop {
        let found = list(v1::ListDocumentsRequest { cursor, ..request.clone() }).await;
        by_cursor.extend(found.documents.into_iter().map(|document| document.id));
        cursor = found.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }
    let newest_first: Vec<String> = (0..7).rev().map(|n| format!("doc-{n}")).collect();
    assert_eq!((by_page, by_cursor), (newest_first.clone(), newest_first));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_that_names_a_base_that_is_not_there_is_warned() {
    let catalog = with_base().await;
    let body = json!({"name": "Ask", "channel": "web", "configuration": {
        "trigger": {"type": "message", "keywords": ["ask"]},
        "nodes": [
            {"id": "hi", "type": "message", "content": "Hi", "next": "known"},
            {"id": "known", "type": "ai_response", "knowledge_base": "Support-KB", "next": "unknown"},
            {"id": "unknown", "type": "ai_response", "knowledge_base": "faq", "next": "nowhere"}]}});
    let expected = [
        ("DANGLING_NEXT".to_owned(), "configuration.nodes[2].next".to_owned()),
        ("KNOWLEDGE_BASE_MISSING".to_owned(), "configuration.nodes[2].knowledge_base".to_owned()),
    ];
    let told = |warnings: Vec<v1::Problem>| -> Vec<(String, String)> {
        warnings.into_iter().map(|warning| (warning.code, warning.field)).collect()
    };
    let request = v1::ValidateWorkflowRequest {
        account_id: catalog.account.to_vec().into(),
        body_json: body.to_string().into(),
    };
    let validated: v1::ValidateWorkflowResponse = catalog.call(catalog::VALIDATE, &request).await.unwrap();
    assert_eq!(told(validated.warnings), expected);
    let created = catalog.try_create(&body).await.unwrap();
    assert_eq!(told(created.warnings), expected);
    catalog.create_base("faq").await.unwrap();
    let update = json!({"configuration": body["configuration"]});
    let updated = catalog.update(&created.id, &update, "").await.unwrap();
    assert_eq!(told(updated.warnings), expected[..1]);
    let renamed = catalog.update(&created.id, &json!({"name": "Ask more"}), "").await.unwrap();
    assert_eq!(told(renamed.warnings), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_is_not_found() {
    let catalog = with_base().await;
    catalog.put("support-kb", "a", "text/plain", b"Parcels take three days.").await.unwrap();
    catalog.put("support-kb", "b", "text/plain", b"Parcels are brown.").await.unwrap();
    let account_id: bytes::Bytes = catalog.account.to_vec().into();
    let request = v1::DeleteDocumentRequest {
        account_id: account_id.clone(),
        base: "support-kb".to_owned(),
        document: "a".to_owned(),
    };
    catalog.call::<_, v1::DeleteDocumentResponse>(subject::DELETE_DOCUMENT, &request).await.unwrap();
    let again = catalog.call::<_, v1::DeleteDocumentResponse>(subject::DELETE_DOCUMENT, &request).await;
    assert_eq!(again.unwrap_err().error_code(), ErrorCode::DocumentNotFound);
    assert_eq!(catalog.search("support-kb", "parcels", 3).await.unwrap().passages.len(), 1);
    let request = v1::DeleteKnowledgeBaseRequest { account_id, base: "support-kb".to_owned() };
    catalog.call::<_, v1::DeleteKnowledgeBaseResponse>(subject::DELETE_BASE, &request).await.unwrap();
    let gone = catalog.search("support-kb", "parcels", 3).await.unwrap_err();
    assert_eq!(gone.error_code(), ErrorCode::KnowledgeBaseNotFound);
    catalog.create_base("support-kb").await.unwrap();
    assert!(catalog.search("support-kb", "parcels", 3).await.unwrap().passages.is_empty());
}
