//! S2: what is no key, or not any more, opens nothing, and what cannot be a key costs nothing.

use std::time::Duration;

use fault_suite::failure::Failure;
use fault_suite::patience::until;
use gateway::key::{ApiKey, Level};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::Api;
use tokio::time::Instant;

use crate::account::Account;
use crate::calls::{self, text};
use crate::product::Product;
use crate::row::Row;
use crate::stage::Stage;

/// A revoked key is refused everywhere within this.
const REVOKED_WITHIN: Duration = Duration::from_secs(1);
/// The shortest life of a key that expires here.
const LIFE_MS: i64 = 3000;
/// Where keys are tried.
const PATH: &str = "/v1/workflows";

pub(super) async fn play(stage: &Stage, product: &mut Product, row: &mut Row) -> Result<(), Failure> {
    let account = Account::make(product, &format!("s2-{:08x}", stage.seed)).await?;
    let owner = product.gateway(0, account.full())?;
    let made =
        calls::make(&owner, Method::POST, "/v1/api-keys", &json!({"name": "good", "level": "read_only"}))
            .await?;
    let good = text(&made, "secret");
    no_keys(product, row, &good).await?;
    no_tokens(product, row, &account).await?;
    headers(product, row, &good).await?;
    expired(product, row, &owner).await?;
    revoked(product, row, &owner, &good, &text(&made, "id")).await?;
    rotated(product, row, &owner).await?;
    stage.say("the database goes away");
    without_database(product, row, &account).await
}

async fn refused_everywhere(product: &Product, row: &mut Row, what: &str, key: &str) -> Result<(), Failure> {
    for gateway in 0..product.gateways.len() {
        let answer = calls::get(&product.gateway(gateway, key)?, PATH).await?;
        row.tried(answer.status == 401, || {
            format!("{what} is answered with {}: {}", answer.status, answer.text)
        });
    }
    Ok(())
}

/// Texts that are not this key, though some look like it.
async fn no_keys(product: &Product, row: &mut Row, good: &str) -> Result<(), Failure> {
    let changed = |place: usize| -> String {
        let mut letters: Vec<char> = good.chars().collect();
        if let Some(letter) = letters.get_mut(place) {
            *letter = if *letter == 'x' { 'y' } else { 'x' };
        }
        letters.into_iter().collect()
    };
    let texts = [
        ("no key", String::new()),
        ("the prefix", "tl_".to_owned()),
        ("a key without its checksum", good.get(..good.len() - 6).unwrap_or_default().to_owned()),
        ("a key in capitals", good.to_uppercase()),
        ("a key in small letters", good.to_lowercase()),
        ("a key that nobody has", ApiKey::generate().expose().to_owned()),
        ("a key and a word", format!("{good} {good}")),
        ("two keys", format!("{good},{good}")),
        ("a key in quotes", format!("\"{good}\"")),
        ("8000 characters", "x".repeat(8000)),
        ("SQL", "' OR '1'='1".to_owned()),
        ("a hash", "0".repeat(64)),
    ];
    for (what, text) in &texts {
        refused_everywhere(product, row, what, text).await?;
    }
    for place in 0..good.len() {
        let gateway = product.gateway(place, &changed(place))?;
        let answer = calls::get(&gateway, PATH).await?;
        row.tried(answer.status == 401, || {
            format!("a key with letter {place} changed is answered with {}", answer.status)
        });
    }
    Ok(())
}

/// Access tokens that were changed, or never signed. The tests of the gateway have all that can be wrong with one.
async fn no_tokens(product: &Product, row: &mut Row, account: &Account) -> Result<(), Failure> {
    let token = account.client(product, "tokens", Level::FullAccess).await?.access;
    let answer = calls::get(&product.gateway(0, &token)?, PATH).await?;
    row.must(answer.status == 200, || {
        format!("a good token is answered with {}: {}", answer.status, answer.text)
    });
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        return Err(Failure::broken("an access token has not three parts"));
    };
    let other = account.client(product, "others", Level::ReadOnly).await?.access;
    let (_, others) = other.rsplit_once('.').unwrap_or_default();
    // Two of the headers are {"alg":"none"} and {"alg":"none","typ":"at+jwt"}.
    for (what, text) in [
        ("a token without a signature", format!("{header}.{claims}.")),
        ("a token of two parts", format!("{header}.{claims}")),
        ("a token that says that it needs none", format!("eyJhbGciOiJub25lIn0.{claims}.")),
        (
            "a token that says so and has one",
            format!("eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.{claims}.{signature}"),
        ),
        ("a token with another's signature", format!("{header}.{claims}.{others}")),
        ("a token's signature twice", format!("{token}.{signature}")),
        ("a token in capitals", token.to_uppercase()),
        ("the claims alone", (*claims).to_owned()),
    ] {
        refused_everywhere(product, row, what, &text).await?;
    }
    Ok(())
}

/// A good key where it does not belong.
async fn headers(product: &Product, row: &mut Row, good: &str) -> Result<(), Failure> {
    let api = product.gateway(0, good)?;
    let open = calls::get(&api, PATH).await?;
    row.must(open.status == 200, || format!("a good key is answered with {}: {}", open.status, open.text));
    let nobody =
        reqwest::Client::builder().no_proxy().build().map_err(|error| Failure::broken(error.to_string()))?;
    let url = format!("{}{PATH}", api.base());
    let wrong = [
        nobody.get(&url).header("authorization", good),
        nobody.get(&url).header("authorization", format!("Basic {good}")),
        nobody.get(&url).header("authorization", format!("Bearer{good}")),
        nobody.get(&url).header("x-api-key", good),
        nobody.get(&url).header("cookie", format!("authorization=Bearer {good}")),
        nobody.get(format!("{url}?access_token={good}")),
        nobody.get(&url).header("x-account-id", "default").header("x-forwarded-user", "default"),
    ];
    for (number, request) in wrong.into_iter().enumerate() {
        let status = request.send().await.map(|response| response.status().as_u16()).unwrap_or_default();
        row.tried(status == 401, || format!("a key in the wrong place ({number}) is answered with {status}"));
    }
    Ok(())
}

async fn expired(product: &Product, row: &mut Row, owner: &Api) -> Result<(), Failure> {
    let at = platform::clock::rfc3339(platform::clock::now_ms() + LIFE_MS);
    let wanted = json!({"name": "short", "level": "read_only", "expires_at": at});
    let key = text(&calls::make(owner, Method::POST, "/v1/api-keys", &wanted).await?, "secret");
    let gateway = product.gateway(1, &key)?;
    let ((), took) = until("a key expires", || async {
        Ok((calls::get(&gateway, PATH).await?.status == 401).then_some(()))
    })
    .await?;
    let life = Duration::from_millis(LIFE_MS.unsigned_abs());
    row.time("expired after", took, life + REVOKED_WITHIN);
    refused_everywhere(product, row, "an expired key", &key).await
}

/// Lets every gateway know a key as good.
async fn known_everywhere(product: &Product, row: &mut Row, key: &str) -> Result<(), Failure> {
    for gateway in 0..product.gateways.len() {
        let answer = calls::get(&product.gateway(gateway, key)?, PATH).await?;
        row.must(answer.status == 200, || {
            format!("a good key is answered with {}: {}", answer.status, answer.text)
        });
    }
    Ok(())
}

/// A key that was good until now is refused by every gateway, and stays so. How long that took is shown.
async fn refused_from_now_on(product: &Product, row: &mut Row, what: &str, key: &str) -> Result<(), Failure> {
    let begun = Instant::now();
    for gateway in 0..product.gateways.len() {
        let api = product.gateway(gateway, key)?;
        until("a key that has ended is refused", || async {
            Ok((calls::get(&api, PATH).await?.status == 401).then_some(()))
        })
        .await?;
    }
    row.time(format!("{what} everywhere after"), begun.elapsed(), REVOKED_WITHIN);
    refused_everywhere(product, row, &format!("a key that was {what}"), key).await
}

async fn revoked(product: &Product, row: &mut Row, owner: &Api, key: &str, id: &str) -> Result<(), Failure> {
    known_everywhere(product, row, key).await?;
    let answer = calls::send(owner, owner.request(Method::DELETE, &format!("/v1/api-keys/{id}"))).await?;
    row.must(answer.status == 200, || format!("a key cannot be revoked: {}", answer.text));
    refused_from_now_on(product, row, "revoked", key).await
}

async fn rotated(product: &Product, row: &mut Row, owner: &Api) -> Result<(), Failure> {
    let made =
        calls::make(owner, Method::POST, "/v1/api-keys", &json!({"name": "turning", "level": "read_only"}))
            .await?;
    let (old, id) = (text(&made, "secret"), text(&made, "id"));
    known_everywhere(product, row, &old).await?;
    let path = format!("/v1/api-keys/{id}/rotate");
    let new = calls::make(owner, Method::POST, &path, &json!({"overlap": "0s"})).await?;
    refused_from_now_on(product, row, "replaced", &old).await?;
    let answer = calls::get(&product.gateway(0, &text(&new, "secret"))?, PATH).await?;
    row.must(answer.status == 200, || format!("the new secret is answered with {}", answer.status));
    Ok(())
}

/// Without a database a gateway can say only what it need not look up: so what it refuses, it refuses without a query.
async fn without_database(product: &mut Product, row: &mut Row, account: &Account) -> Result<(), Failure> {
    let known = account.key(Level::ReadWrite).to_owned();
    let body: Value = json!({"customer_id": "s2", "channel": "api", "message": "anybody?"});
    for gateway in 0..product.gateways.len() {
        calls::json(&product.gateway(gateway, &known)?, Method::POST, "/v1/messages", &body).await?;
    }
    tokio::task::block_in_place(|| product.postgres.kill());
    // A mistyped key is refused all the same; one that might be good cannot be known; one that was good a moment ago is good.
    let mistyped = format!("{}000000", known.get(..known.len() - 6).unwrap_or_default());
    let tried = async {
        refused_everywhere(product, row, "a mistyped key while the database is away", &mistyped).await?;
        let unknown = product.gateway(0, ApiKey::generate().expose())?;
        let answer = calls::get(&unknown, PATH).await?;
        row.tried(answer.status == 503, || {
            format!("an unknown key is answered with {} while the database is away", answer.status)
        });
        let answer = calls::json(&product.gateway(0, &known)?, Method::POST, "/v1/messages", &body).await?;
        row.must(answer.status == 202, || {
            format!(
                "a known key is answered with {} while the database is away: {}",
                answer.status, answer.text
            )
        });
        Ok::<_, Failure>(())
    };
    let tried = tried.await;
    tokio::task::block_in_place(|| product.postgres.start_again())?;
    product.is_ready().await?;
    tried
}
