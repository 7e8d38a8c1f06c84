//! An open tail of events ends with what it was opened with.

use serde_json::json;
use testkit::Api;

use super::tokens::{parts, signed, signing_key};
use super::{CLIENTS, Stage};
use crate::tailing::{Listener, Publisher, listen};

/// It ends with this event, which tells where to go on from, and nothing comes after it.
async fn ends(tail: &mut Listener, reason: &str) -> String {
    let end = tail.event().await;
    assert_eq!((end.event.as_str(), &end.data), ("end", &json!({"reason": reason})));
    assert!(tail.next().await.is_none(), "the stream ends as a whole");
    end.id.unwrap()
}

async fn tells(tail: &mut Listener, told: &mut Publisher<'_>, number: u64) {
    told.tell("message.sent", &[number]).await;
    assert_eq!(tail.numbers(1).await, [number]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_ends_when_its_key_is_revoked_and_others_go_on() {
    let stage = Stage::start().await;
    let made = stage.full.post("/v1/api-keys", &json!({"name": "a", "level": "read_only"})).await.expect(201);
    let reader = stage.full.with_key(made["data"]["secret"].as_str().unwrap());
    let mut told = Publisher::new(&stage.gateway.bus, "default", 3);
    let (mut tail, mut others) = (listen(&reader, "", None).await, listen(&stage.full, "", None).await);
    tells(&mut tail, &mut told, 1).await;
    let path = format!("/v1/api-keys/{}", made["data"]["id"].as_str().unwrap());
    stage.full.delete(&path).await.expect(200);
    let place = ends(&mut tail, "unauthorized").await;
    // It is told nothing in place of that, and may come again where it was with a key that is good.
    reader.get("/v1/events").await.expect(401);
    told.tell("message.sent", &[2]).await;
    assert_eq!(others.numbers(2).await, [1, 2]);
    assert_eq!(listen(&stage.full, "", Some(&place)).await.numbers(1).await, [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_ends_when_its_keys_time_is_over() {
    let stage = Stage::start().await;
    let made = stage.full.post("/v1/api-keys", &json!({"name": "a", "level": "read_only"})).await.expect(201);
    let mut tail = listen(&stage.full.with_key(made["data"]["secret"].as_str().unwrap()), "", None).await;
    stage.gateway.sql("UPDATE api_keys SET expires_at = now() WHERE name = 'a'").await;
    ends(&mut tail, "unauthorized").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_ends_when_its_grant_does() {
    let stage = Stage::start().await;
    let client = stage.client("public", "read_only").await;
    let (api, refresh) = stage.tokens(&client, "read_only").await;
    let mut told = Publisher::new(&stage.gateway.bus, "default", 3);
    let mut tail = listen(&api, "", None).await;
    tells(&mut tail, &mut told, 1).await;
    // A refresh gives another token and leaves the one before as it is.
    let (_, refresh) = stage.both(&stage.refresh(&client, &refresh).await.expect(200));
    tells(&mut tail, &mut told, 2).await;
    assert_eq!(stage.revoke(&client, &refresh).await.status, 200);
    ends(&mut tail, "unauthorized").await;

    let robot = stage.robot("read_only").await;
    let mut tail = listen(&stage.own_token(&robot, "read_only").await, "", None).await;
    stage.full.delete(&format!("{CLIENTS}/{}", robot.id)).await.expect(200);
    ends(&mut tail, "unauthorized").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_ends_when_its_access_token_is_over_and_goes_on_with_the_next() {
    let stage = Stage::start().await;
    let client = stage.client("public", "read_only").await;
    let (api, refresh) = stage.tokens(&client, "read_only").await;
    let (header, mut claims) = parts(api.key());
    let (_, pair) = signing_key(&stage).await;
    // The same token, but for its end.
    claims["exp"] = json!(platform::clock::now().timestamp() + 3);
    let short = Api::new(&stage.gateway.base, signed(&pair, &header, &claims));
    let mut told = Publisher::new(&stage.gateway.bus, "default", 3);
    let mut tail = listen(&short, "", None).await;
    tells(&mut tail, &mut told, 1).await;
    let place = ends(&mut tail, "token_expired").await;
    told.tell("message.sent", &[2]).await;
    let (next, _) = stage.both(&stage.refresh(&client, &refresh).await.expect(200));
    let mut tail = listen(&next, "", Some(&place)).await;
    assert_eq!(tail.numbers(1).await, [2]);
}
