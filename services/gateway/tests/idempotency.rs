//! `Idempotency-Key`: what is sent again is done once, and answered as at first.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::Gateway;
use contracts::{ErrorCode, subject, v1};
use futures::future::join_all;
use gateway::key::{ApiKey, Level};
use local_stack::Postgres;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Api, eventually};
use tokio::sync::Semaphore;

const WORKFLOWS: &str = "/v1/workflows";

/// What stands in the catalog's place.
struct Catalog {
    /// Workflows that it was asked to create.
    asked: AtomicUsize,
    /// One is created for each permit.
    permits: Semaphore,
    /// So many fail first.
    failures: AtomicUsize,
}

impl Catalog {
    fn with_permits(permits: usize) -> Arc<Self> {
        Arc::new(Self {
            asked: AtomicUsize::new(0),
            permits: Semaphore::new(permits),
            failures: AtomicUsize::new(0),
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn behind(self: &Arc<Self>, gateway: Gateway) -> Gateway {
        let catalog = Arc::clone(self);
        let create = move |_: v1::CreateWorkflowRequest| {
            let catalog = Arc::clone(&catalog);
            async move { catalog.create().await }
        };
        gateway.behind_it(|server| server.handle(subject::catalog::CREATE, create)).await
    }

    async fn create(&self) -> Result<v1::Workflow, v1::Failure> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.permits.acquire().await.unwrap().forget();
        if asked <= self.failures.load(Ordering::SeqCst) {
            return Err(v1::Failure::of(ErrorCode::ServiceUnavailable));
        }
        let id = platform::clock::new_uuid_v7().as_bytes().to_vec().into();
        let status = v1::WorkflowStatus::Draft.into();
        Ok(v1::Workflow { id, status, etag: "\"1-0\"".to_owned(), ..v1::Workflow::default() })
    }
}

async fn send(api: &Api, path: &str, key: &str, body: &Value) -> Answer {
    api.send(api.request(Method::POST, path).header("idempotency-key", key).json(body)).await
}

fn replayed(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == "true"
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_create_one_and_are_answered_alike() {
    let catalog = Catalog::with_permits(0);
    let gateway = catalog.behind(Gateway::start().await).await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let body = json!({"name": "a"});
    let sending = join_all((0..50).map(|_| send(&api, WORKFLOWS, "k", &body)));
    let (answers, ()) = tokio::join!(sending, async {
        eventually("one is carried out", async || (catalog.asked() > 0).then_some(())).await;
        catalog.permits.add_permits(50);
    });
    assert_eq!(catalog.asked(), 1);
    assert_eq!(answers.iter().filter(|answer| !replayed(answer)).count(), 1);
    let first = &answers[0];
    assert!(first.header("location").starts_with("/v1/workflows/workflow-"));
    for answer in &answers {
        assert_eq!((answer.status, &answer.text), (201, &first.text));
        for header in ["content-type", "location", "etag"] {
            assert_eq!(answer.headers.get(header), first.headers.get(header), "{header}");
        }
    }
    // Each has an id of its own.
    assert_ne!(answers[0].header("x-request-id"), answers[1].header("x-request-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_request_with_the_same_key_is_refused() {
    let catalog = Catalog::with_permits(10);
    let gateway = catalog.behind(Gateway::start().await).await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    send(&api, WORKFLOWS, "k", &json!({"name": "a"})).await.expect(201);
    for (path, body) in [(WORKFLOWS, json!({"name": "b"})), ("/v1/workflows?x=1", json!({"name": "a"}))] {
        let error = send(&api, path, "k", &body).await.expect(409)["error"].clone();
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("IDEMPOTENCY_KEY_REUSED"), &json!("Idempotency-Key"))
        );
    }
    assert_eq!(catalog.asked(), 1);
    // Other operations and other accounts know nothing of it.
    let other =
        send(&api, "/v1/messages", "k", &json!({"customer_id": "a", "channel": "web", "message": "x"})).await;
    other.expect(202);
    let key = ApiKey::generate();
    gateway.store.add_key("other", "test", Level::FullAccess, &key).await.unwrap();
    let other = send(&api.with_key(key.expose()), WORKFLOWS, "k", &json!({"name": "b"})).await;
    assert!(!replayed(&other));
    other.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_gateway_answers_byte_for_byte_what_the_first_one_did() {
    let catalog = Catalog::with_permits(1);
    let mut gateway = catalog.behind(Gateway::start().await).await;
    let (api, key) = gateway.key(Level::FullAccess).await;
    let (good, bad) = (json!({"name": "a"}), json!([]));
    let created = send(&api, WORKFLOWS, "good", &good).await;
    let refused = send(&api, "/v1/messages", "bad", &bad).await;
    gateway.stop().await;

    // Nobody is behind it.
    let again = Gateway::on(&gateway.database_url, &[]).await;
    let api = Api::new(&again.base, key.expose());
    for (first, path, key, body) in
        [(created, WORKFLOWS, "good", good), (refused, "/v1/messages", "bad", bad)]
    {
        assert!(!replayed(&first));
        let answer = send(&api, path, key, &body).await;
        assert!(replayed(&answer));
        assert_eq!((answer.status, &answer.text), (first.status, &first.text));
        for header in ["content-type", "location", "etag"] {
            assert_eq!(answer.headers.get(header), first.headers.get(header), "{header}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_a_secret_is_kept_so_that_only_its_caller_can_have_it_again() {
    let gateway = Gateway::start().await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let (other, _) = gateway.key(Level::FullAccess).await;
    let body = json!({"name": "CI", "level": "read_only"});
    let made = send(&api, "/v1/api-keys", "k", &body).await;
    let again = send(&api, "/v1/api-keys", "k", &body).await;
    assert!(!replayed(&made) && replayed(&again));
    assert_eq!((again.status, &again.text), (201, &made.text));
    let made = made.expect(201);
    let secret = made["data"]["secret"].as_str().unwrap();
    let read = "position(convert_to('{}', 'UTF8') IN body) > 0";
    let with = async |text: &str| {
        gateway.count(&format!("idempotency_keys WHERE {}", read.replace("{}", text))).await
    };
    assert_eq!((with(secret).await, with("\"secret\"").await), (0, 0));
    let refused = send(&other, "/v1/api-keys", "k", &body).await.expect(409);
    assert_eq!(refused["error"]["code"], "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(api.get("/v1/api-keys?status=active").await.expect(200)["pagination"]["total"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_by_our_fault_is_carried_out_again() {
    let catalog = Catalog::with_permits(10);
    catalog.failures.store(1, Ordering::SeqCst);
    let gateway = catalog.behind(Gateway::start().await).await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let body = json!({"name": "a"});
    let failed = send(&api, WORKFLOWS, "k", &body).await;
    assert!(!replayed(&failed));
    failed.expect(503);
    // It is still the key of that request.
    send(&api, WORKFLOWS, "k", &json!({"name": "b"})).await.expect(409);
    assert!(!replayed(&send(&api, WORKFLOWS, "k", &body).await));
    assert!(replayed(&send(&api, WORKFLOWS, "k", &body).await));
    assert_eq!(catalog.asked(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_finished_is_carried_out_again_when_its_time_is_over() {
    let catalog = Catalog::with_permits(10);
    let database = Gateway::start().await.database_url.clone();
    let gateway = Gateway::on(&database, &["--request-timeout-ms", "2000"]).await;
    let gateway = catalog.behind(gateway).await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let body = json!({"name": "a"});
    send(&api, WORKFLOWS, "k", &body).await.expect(201);
    let running = "UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL, running_until =";
    gateway.sql(&format!("{running} now() + interval '1 hour'")).await;

    let refused = send(&api, WORKFLOWS, "k", &body).await.expect(409);
    assert_eq!(refused["error"]["code"], "CONFLICT");
    assert_eq!(
        send(&api, WORKFLOWS, "k", &json!({})).await.expect(409)["error"]["code"],
        "IDEMPOTENCY_KEY_REUSED"
    );
    assert_eq!(catalog.asked(), 1);

    gateway.sql(&format!("{running} now()")).await;
    let again = send(&api, WORKFLOWS, "k", &body).await;
    assert!(!replayed(&again));
    again.expect(201);
    assert_eq!(catalog.asked(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_went_away_asks_for_the_answer_again() {
    let catalog = Catalog::with_permits(0);
    let gateway = catalog.behind(Gateway::start().await).await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let body = json!({"name": "a"});
    let gone = tokio::spawn({
        let (api, body) = (api.clone(), body.clone());
        async move { send(&api, WORKFLOWS, "k", &body).await }
    });
    eventually("it is carried out", async || (catalog.asked() == 1).then_some(())).await;
    gone.abort();
    assert!(gone.await.is_err_and(|error| error.is_cancelled()));
    catalog.permits.add_permits(10);
    let answer = send(&api, WORKFLOWS, "k", &body).await;
    assert!(replayed(&answer));
    answer.expect(201);
    assert_eq!(catalog.asked(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_a_key_is_refused_and_the_rest_goes_on() {
    let mut postgres = Postgres::ephemeral().unwrap();
    let gateway = Gateway::on(&postgres.url(), &["--database-timeout-ms", "1000"]).await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    let message = json!({"customer_id": "a", "channel": "web", "message": "x"});
    send(&api, "/v1/messages", "before", &message).await.expect(202);
    postgres.kill();
    for key in ["before", "after"] {
        let refused = send(&api, "/v1/messages", key, &message).await;
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(refused.expect(503)["error"]["code"], "SERVICE_UNAVAILABLE");
    }
    api.post("/v1/messages", &message).await.expect(202);
    postgres.start_again().unwrap();
    eventually("what was answered before is answered again", async || {
        replayed(&send(&api, "/v1/messages", "before", &message).await).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_day_a_key_is_free_and_what_is_over_is_removed() {
    let catalog = Catalog::with_permits(10);
    let gateway = catalog.behind(Gateway::start().await).await;
    let (api, _) = gateway.key(Level::FullAccess).await;
    send(&api, WORKFLOWS, "k", &json!({"name": "a"})).await.expect(201);
    gateway.sql("UPDATE idempotency_keys SET expires_at = expires_at - interval '24 hours'").await;
    let other = send(&api, WORKFLOWS, "k", &json!({"name": "b"})).await;
    assert!(!replayed(&other));
    other.expect(201);
    assert!(!gateway.store.forget_answers().await.unwrap());
    assert_eq!(gateway.count("idempotency_keys").await, 1, "it is kept for another day");

    gateway
        .sql(
            "INSERT INTO idempotency_keys
                 SELECT account_id, operation, n::text, request_sha256, owner, running_until, status, headers, body,
                        now() - interval '1 second'
                 FROM idempotency_keys, generate_series(1, 501) AS n",
        )
        .await;
    assert!(gateway.store.forget_answers().await.unwrap(), "a piece of them");
    assert!(!gateway.store.forget_answers().await.unwrap(), "the rest");
    assert_eq!(gateway.count("idempotency_keys").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_leaves_nothing_and_a_repetition_counts_once() {
    let catalog = Catalog::with_permits(10);
    let gateway = catalog.behind(Gateway::start().await).await;
    let reader = gateway.key(Level::ReadOnly).await.0;
    let writer = gateway.key(Level::ReadWrite).await.0;
    let body = json!({"name": "a"});
    send(&reader, WORKFLOWS, "k", &body).await.expect(403);
    send(&reader.with_key(""), WORKFLOWS, "k", &body).await.expect(401);
    for key in ["", &"x".repeat(129)] {
        assert_eq!(
            send(&writer, WORKFLOWS, key, &body).await.expect(400)["error"]["field"],
            "Idempotency-Key"
        );
    }
    assert_eq!(gateway.count("idempotency_keys").await, 0);
    let remaining = async |is_replayed: bool| {
        let answer = send(&writer, WORKFLOWS, "k", &body).await;
        assert_eq!((answer.status, replayed(&answer)), (201, is_replayed));
        answer.header("x-ratelimit-remaining").parse::<u32>().unwrap()
    };
    let first = remaining(false).await;
    assert_eq!(remaining(true).await, first - 1);
    // Reads have no use for it.
    let read = reader.request(Method::GET, WORKFLOWS).header("idempotency-key", "k");
    assert!(!replayed(&reader.send(read).await));
}
