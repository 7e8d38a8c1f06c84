//! Access tokens: what they let their holders do, wherever they are shown, and what is none.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway::key::Level;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};
use testkit::{Api, eventually};
use uuid::Uuid;

use super::{CLIENTS, ISSUER, Stage, error_of, is_good};

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

pub fn parts(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut next = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (next(), next())
}

/// The newest signing key, as it lies in the database of an installation without a key for secrets.
pub async fn signing_key(stage: &Stage) -> (Uuid, EcdsaKeyPair) {
    let query = "SELECT id, private_key FROM oauth_signing_keys ORDER BY number DESC LIMIT 1";
    let row = stage.row(query).await;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &row.bytes, &SystemRandom::new());
    (row.id, pair.unwrap())
}

pub fn signed(pair: &EcdsaKeyPair, header: &Value, claims: &Value) -> String {
    let text = format!("{}.{}", part(header), part(claims));
    let signature = pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_says_what_the_standards_ask_for() {
    let stage = Stage::start().await;
    let robot = stage.robot("read_write").await;
    let given = stage.token(&robot, &[("grant_type", "client_credentials")]).await.expect(200);
    assert!(given.get("refresh_token").is_none());
    assert_eq!(given["scope"], "read_only");
    let (header, claims) = parts(given["access_token"].as_str().unwrap());
    assert_eq!((&header["alg"], &header["typ"]), (&json!("ES256"), &json!("at+jwt")));
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(ISSUER), &json!(ISSUER)));
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!(robot.id), &json!(robot.id)));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);

    let metadata = stage.get("/.well-known/oauth-authorization-server").await.expect(200);
    assert_eq!(metadata["issuer"], ISSUER);
    assert_eq!(metadata["jwks_uri"], format!("{ISSUER}/oauth/jwks"));
    assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
    let keys = stage.get("/oauth/jwks").await.expect(200)["keys"].clone();
    let key = keys.as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap().clone();
    assert_eq!((&key["kty"], &key["crv"], &key["use"]), (&json!("EC"), &json!("P-256"), &json!("sig")));
    assert!(key.get("d").is_none());
    let user = stage.client("public", "read_only").await;
    let (api, _) = stage.tokens(&user, "read_only").await;
    assert!(parts(api.key()).1["sub"].as_str().unwrap().starts_with("account-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scope_lets_its_holder_do_what_a_key_of_that_level_may() {
    let stage = Stage::start().await;
    let robot = stage.robot("full_access").await;
    let message = json!({"customer_id": "a", "channel": "web", "message": "x"});
    let workflow = "/v1/workflows/workflow-01a20acf-9cb2-767f-9572-1d0534001a8a";
    let key = "/v1/api-keys/api-key-01a20acf-9cb2-767f-9572-1d0534001a8a";
    for (level, post, manage) in
        [(Level::ReadOnly, 403, 403), (Level::ReadWrite, 202, 403), (Level::FullAccess, 202, 404)]
    {
        let token = stage.own_token(&robot, level.as_str()).await;
        let (own, _) = stage.gateway.key(level).await;
        for api in [token, own] {
            api.get(workflow).await.expect(404);
            assert_eq!(api.post("/v1/messages", &message).await.status, post, "{level:?}");
            assert_eq!(api.delete(key).await.status, manage, "{level:?}");
            assert_eq!(
                api.get("/v1/api-keys").await.status,
                if manage == 403 { 403 } else { 200 },
                "{level:?}"
            );
        }
    }
    let reader = stage.robot("read_only").await;
    let asked = [("grant_type", "client_credentials"), ("scope", "read_write")];
    assert_eq!(error_of(stage.token(&reader, &asked).await, 400), "invalid_scope");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_count_against_the_client_and_are_written_down_as_its_own() {
    let stage = Stage::start().await;
    let robot = stage.robot("full_access").await;
    let (one, other) =
        (stage.own_token(&robot, "full_access").await, stage.own_token(&robot, "full_access").await);
    let left = |answer: testkit::Answer| answer.header("x-ratelimit-remaining").parse::<u32>().unwrap();
    let first = left(one.get("/v1/workflows").await);
    assert_eq!(left(other.get("/v1/workflows").await), first - 1);
    let made = one.post("/v1/api-keys", &json!({"name": "a", "level": "read_only"})).await.expect(201);

    let rows = stage.full.get(&format!("/v1/audit-log?actor={}", robot.id)).await.expect(200)["data"].clone();
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert_eq!((&rows[0]["client_id"], &rows[0]["key_id"]), (&json!(robot.id), &Value::Null));
    assert_eq!((&rows[0]["key_name"], &rows[0]["resource_id"]), (&json!("Robot"), &made["data"]["id"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_removed_is_refused_soon() {
    let stage = Stage::start().await;
    let robot = stage.robot("read_only").await;
    let api = stage.own_token(&robot, "read_only").await;
    assert!(is_good(&api).await);
    stage.full.delete(&format!("{CLIENTS}/{}", robot.id)).await.expect(200);
    eventually("the access token is refused", async || (!is_good(&api).await).then_some(())).await;
    let refused = stage.token(&robot, &[("grant_type", "client_credentials")]).await;
    assert_eq!(error_of(refused, 401), "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_token_of_ours_is_refused() {
    let stage = Stage::start().await;
    let robot = stage.robot("full_access").await;
    let good = stage.own_token(&robot, "read_only").await;
    let (header, claims) = parts(good.key());
    let (kid, pair) = signing_key(&stage).await;
    assert_eq!(header["kid"], json!(kid));
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let now = platform::clock::now().timestamp();
    let status = async |token: String| good.with_key(token).get("/v1/workflows").await.status;
    assert_eq!(status(signed(&pair, &header, &claims)).await, 200, "the forger's means are right");
    for (name, value) in [
        ("exp", json!(now)),
        ("exp", json!(now - 1)),
        ("iat", json!(now + 3600)),
        ("iss", json!("https://evil.example")),
        ("aud", json!("https://evil.example")),
        ("client_id", json!("oauth-client-01a20acf-9cb2-767f-9572-1d0534001a8a")),
        ("grant_id", json!(Uuid::nil())),
        ("scope", json!("everything")),
        ("admin", json!(true)),
    ] {
        assert_eq!(status(signed(&pair, &header, &with(name, value.clone()))).await, 401, "{name} {value}");
    }
    // It may not say more than was granted, even if it is signed.
    let more = good.with_key(signed(&pair, &header, &with("scope", json!("full_access"))));
    more.get("/v1/api-keys").await.expect(403);

    let typ = |typ: &str| json!({"alg": "ES256", "typ": typ, "kid": kid});
    for other in ["JWT", "oauth-request+jwt"] {
        assert_eq!(status(signed(&pair, &typ(other), &claims)).await, 401, "{other}");
    }
    let unknown = json!({"alg": "ES256", "typ": "at+jwt", "kid": Uuid::nil()});
    assert_eq!(status(signed(&pair, &unknown, &claims)).await, 401);
    let none = json!({"alg": "none", "typ": "at+jwt", "kid": kid});
    assert_eq!(status(format!("{}.{}.", part(&none), part(&claims))).await, 401);
    let public = ring::signature::KeyPair::public_key(&pair).as_ref();
    let symmetric = json!({"alg": "HS256", "typ": "at+jwt", "kid": kid});
    let text = format!("{}.{}", part(&symmetric), part(&claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, public), text.as_bytes());
    assert_eq!(status(format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag))).await, 401);
    let (_, signature) = good.key().rsplit_once('.').unwrap();
    let tampered = with("scope", json!("full_access"));
    assert_eq!(status(format!("{}.{}.{signature}", part(&header), part(&tampered))).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_survive_a_restart_and_are_good_at_every_gateway() {
    let mut first = Stage::start().await;
    let client = first.client("public", "read_only").await;
    let (api, refresh) = first.tokens(&client, "read_only").await;
    let second = Stage::on(&first.gateway.database_url).await;
    let at = |stage: &Stage| Api::new(&stage.gateway.base, api.key());
    assert!(is_good(&at(&second)).await);
    let theirs = second.own_token(&second.robot("read_only").await, "read_only").await;
    assert!(is_good(&Api::new(&first.gateway.base, theirs.key())).await);
    assert_eq!(parts(theirs.key()).0["kid"], parts(api.key()).0["kid"]);
    let keys = first.get("/oauth/jwks").await.expect(200);
    assert_eq!(
        (&keys, keys["keys"].as_array().unwrap().len()),
        (&second.get("/oauth/jwks").await.expect(200), 1)
    );

    first.gateway.stop().await;
    let third = Stage::on(&first.gateway.database_url).await;
    assert!(is_good(&at(&third)).await);
    third.refresh(&client, &refresh).await.expect(200);
    third.revoke(&client, api.key()).await;
    for stage in [&second, &third] {
        eventually("the access token is refused", async || (!is_good(&at(stage)).await).then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_signs_after_ninety_days_and_the_old_ones_tokens_stay_good() {
    let first = Stage::start().await;
    let robot = first.robot("read_only").await;
    let old = first.own_token(&robot, "read_only").await;
    first.gateway.sql("UPDATE oauth_signing_keys SET signs_until = now()").await;
    let second = Stage::on(&first.gateway.database_url).await;
    let new = second.own_token(&robot, "read_only").await;
    assert_ne!(parts(new.key()).0["kid"], parts(old.key()).0["kid"]);
    for stage in [&first, &second] {
        for token in [&old, &new] {
            assert!(is_good(&Api::new(&stage.gateway.base, token.key())).await);
        }
    }
    assert_eq!(second.get("/oauth/jwks").await.expect(200)["keys"].as_array().unwrap().len(), 2);
    let long_ago = "UPDATE oauth_signing_keys SET signs_until = now() - interval '2 days' WHERE number = 1";
    first.gateway.sql(long_ago).await;
    first.gateway.store.forget_grants().await.unwrap();
    let third = Stage::on(&first.gateway.database_url).await;
    assert_eq!(third.get("/oauth/jwks").await.expect(200)["keys"].as_array().unwrap().len(), 1);
    assert!(!is_good(&Api::new(&third.gateway.base, old.key())).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_key_for_secrets_no_signing_key_lies_open() {
    let database = crate::support::Gateway::start().await.database_url.clone();
    let key = format!("{}=", "A".repeat(43));
    let stage = Stage::with(&database, &["--secrets-key", &key]).await;
    let robot = stage.robot("read_only").await;
    assert!(is_good(&stage.own_token(&robot, "read_only").await).await);
    let row = stage.row("SELECT id, private_key FROM oauth_signing_keys WHERE sealed").await;
    let read = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &row.bytes, &SystemRandom::new());
    assert!(read.is_err());
    let again = Stage::with(&database, &["--secrets-key", &key]).await;
    assert!(is_good(&again.own_token(&robot, "read_only").await).await);
    assert_eq!(stage.gateway.count("oauth_signing_keys WHERE sealed").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_token_goes_on_while_the_database_is_away() {
    let mut postgres = local_stack::Postgres::ephemeral().unwrap();
    let stage = Stage::with(&postgres.url(), &["--database-timeout-ms", "1000"]).await;
    let robot = stage.robot("read_only").await;
    let api = stage.own_token(&robot, "read_only").await;
    assert!(is_good(&api).await);
    postgres.kill();
    assert!(is_good(&api).await);
    let refused = stage.token(&robot, &[("grant_type", "client_credentials")]).await;
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(error_of(refused, 503), "temporarily_unavailable");
    let page = stage.authorize(&super::asking(&robot, &[])).await;
    assert_eq!((page.status, page.header("location")), (503, ""));
}
