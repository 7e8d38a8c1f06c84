//! With an embedding endpoint, passages are found by their meaning, too; without it, or while it is away, by their words.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::net::TcpListener;

use crate::support::{Catalog, eventually};
use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

/// Words of one meaning are one direction.
const MEANINGS: [&[&str]; 3] =
    [&["reimburse", "money", "refund"], &["kettle", "boil", "pot"], &["open", "hours", "morning"]];

/// An endpoint that knows a few words, and does not take texts about pineapples.
async fn embeddings(asked: web::Json<Value>) -> HttpResponse {
    let texts: Vec<String> =
        asked["input"].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_lowercase()).collect();
    if texts.iter().any(|text| text.contains("pineapple")) {
        return HttpResponse::BadRequest().finish();
    }
    let vector = |text: &String| -> Vec<f64> {
        let said = |words: &&[&str]| words.iter().filter(|word| text.contains(**word)).count();
        let mut vector: Vec<f64> =
            MEANINGS.iter().map(|words| f64::from(u8::try_from(said(words)).unwrap())).collect();
        vector.push(0.1);
        vector
    };
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| json!({"object": "embedding", "index": index, "embedding": vector(text)}))
        .collect();
    HttpResponse::Ok().json(json!({"object": "list", "model": asked["model"], "data": data}))
}

/// The endpoint's address and what stops it.
fn endpoint() -> (String, actix_web::dev::ServerHandle) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let server = HttpServer::new(|| App::new().route("/v1/embeddings", web::post().to(embeddings)))
        .workers(1)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run();
    let handle = server.handle();
    tokio::spawn(server);
    (url, handle)
}

async fn best(catalog: &Catalog, question: &str) -> Option<(String, Option<f64>)> {
    let found = catalog.search("support-kb", question, 3).await.unwrap().passages;
    found.into_iter().next().map(|passage| (passage.document, passage.similarity))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_without_a_common_word_is_found_by_its_meaning() {
    let (url, handle) = endpoint();
    let catalog = Catalog::with(&["--embedding-url", &url, "--embedding-model", "toy"]).await;
    catalog.create_base("support-kb").await.unwrap();
    for (document, text) in [
        ("prices", "We reimburse the full price."),
        ("kettles", "Every kettle is tested before it leaves."),
        ("pineapples", "Pineapples are sold in pairs."),
    ] {
        catalog.put("support-kb", document, "text/plain", text.as_bytes()).await.unwrap();
    }
    eventually("vectors are made", || async {
        matches!(best(&catalog, "Where is my money?").await, Some((document, Some(_))) if document == "prices")
    })
    .await;
    let (document, similarity) = best(&catalog, "a pot").await.unwrap();
    assert_eq!(document, "kettles");
    assert!(similarity.unwrap() > 0.9);
    assert_eq!(best(&catalog, "pineapples in pairs").await.unwrap(), ("pineapples".to_owned(), None));

    catalog.put("support-kb", "prices", "text/plain", b"Shop hours are nine to five.").await.unwrap();
    eventually("the vectors are those of the new text", || async {
        matches!(best(&catalog, "in the morning").await, Some((document, Some(near))) if document == "prices" && near > 0.9)
    })
    .await;

    handle.stop(false).await;
    assert_eq!(best(&catalog, "tested kettles").await.unwrap(), ("kettles".to_owned(), None));
    assert_eq!(best(&catalog, "a pot").await, None);
}
