//! Who is let in.

use crate::support::Gateway;
use gateway::key::{ApiKey, Level};
use local_stack::Postgres;
use serde_json::json;
use testkit::{Api, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn only_a_good_key_is_let_in() {
    let gateway = Gateway::start().await.with_catalog().await;
    let (good, _) = gateway.key(Level::ReadOnly).await;
    good.get("/v1/workflows").await.expect(200);
    for key in ["", "tl_", "nonsense", ApiKey::generate().expose()] {
        let answer = Api::new(&gateway.base, key).get("/v1/workflows").await;
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert_eq!(answer.expect(401)["error"]["code"], "UNAUTHORIZED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_level_lets_its_holder_do_what_it_says() {
    let gateway = Gateway::start().await.with_catalog().await;
    let (reader, _) = gateway.key(Level::ReadOnly).await;
    let (writer, _) = gateway.key(Level::ReadWrite).await;
    let (full, _) = gateway.key(Level::FullAccess).await;
    let message = json!({"customer_id": "a", "channel": "web", "message": "x"});
    let path = "/v1/workflows/workflow-01a20acf-9cb2-767f-9572-1d0534001a8a";

    assert_eq!(reader.post("/v1/messages", &message).await.expect(403)["error"]["code"], "FORBIDDEN");
    writer.post("/v1/messages", &message).await.expect(202);
    reader.put(path, &json!({})).await.expect(403);
    writer.delete(path).await.expect(403);
    for api in [&reader, &writer, &full] {
        api.get(path).await.expect(404);
    }
    // Nobody is there to answer those who may ask.
    let letter = "/v1/dead-letters/dead-letter-01a20acf-9e01-7d2c-8a4b-52b7c1f0a9d3";
    for (api, status) in [(&reader, 403), (&writer, 403), (&full, 503)] {
        for path in ["/v1/runners", "/v1/dead-letters", letter] {
            api.get(path).await.expect(status);
        }
        api.post(&format!("{letter}/retry"), &json!({})).await.expect(status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_revoked_or_over_is_refused_soon() {
    let gateway = Gateway::start().await.with_catalog().await;
    for change in ["revoked_at = now()", "expires_at = now()"] {
        let (api, _) = gateway.key(Level::ReadOnly).await;
        api.get("/v1/workflows").await.expect(200);
        gateway.sql(&format!("UPDATE api_keys SET {change}")).await;
        eventually("the key is refused", || async {
            (api.get("/v1/workflows").await.status == 401).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_key_goes_on_while_the_database_is_away_and_another_one_waits() {
    let mut postgres = Postgres::ephemeral().unwrap();
    let gateway = Gateway::on(&postgres.url(), &["--database-timeout-ms", "1000"]).await.with_catalog().await;
    let (known, _) = gateway.key(Level::ReadOnly).await;
    let (unknown, _) = gateway.key(Level::ReadOnly).await;
    known.get("/v1/workflows").await.expect(200);

    postgres.kill();

    known.get("/v1/workflows").await.expect(200);
    let answer = unknown.get("/v1/workflows").await;
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.expect(503)["error"]["code"], "SERVICE_UNAVAILABLE");
    postgres.start_again().unwrap();
    eventually("the other key is good again", || async {
        (unknown.get("/v1/workflows").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bootstrap_key_is_made_once() {
    let gateway = Gateway::start().await;
    let key = ApiKey::generate();
    for _ in 0..2 {
        let again =
            Gateway::on(&gateway.database_url, &["--bootstrap-key", key.expose()]).await.with_catalog().await;
        Api::new(&again.base, key.expose()).get("/v1/workflows").await.expect(200);
    }
}
