//! OAuth 2.0 over HTTP: who gets which tokens, what they let their holders do, and what ends them; a client and its user, as a test plays them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod clients;
mod codes;
mod consents;
mod cors;
mod pages;
mod refreshing;
mod tails;
mod tokens;

use std::collections::HashMap;

use gateway::key::{ApiKey, Level};
use pg::PgConfig;
use reqwest::{Method, redirect};
use serde_json::{Value, json};
use testkit::{Answer, Api};
use url::form_urlencoded;

use crate::support::Gateway;

pub const ISSUER: &str = "https://api.example";
pub const CALLBACK: &str = "https://client.example/cb";
pub const CLIENTS: &str = "/v1/oauth-clients";
/// RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Names and values of a query or form.
pub type Pairs<'a> = Vec<(&'a str, &'a str)>;

/// A registered client.
#[derive(Clone)]
pub struct Client {
    pub id: String,
    pub secret: Option<String>,
}

/// A gateway with an account, and a browser that goes nowhere by itself.
pub struct Stage {
    pub gateway: Gateway,
    pub full: Api,
    pub key: ApiKey,
    browser: reqwest::Client,
}

impl Stage {
    pub async fn start() -> Self {
        let database = Gateway::start().await.database_url.clone();
        Self::on(&database).await
    }

    /// Another one on the same database.
    pub async fn on(database_url: &str) -> Self {
        Self::with(database_url, &[]).await
    }

    pub async fn with(database_url: &str, settings: &[&str]) -> Self {
        let settings: Vec<&str> = ["--public-url", ISSUER].iter().chain(settings).copied().collect();
        let gateway = Gateway::on(database_url, &settings).await.with_catalog().await;
        let (full, key) = gateway.key(Level::FullAccess).await;
        let browser =
            reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none()).build().unwrap();
        Self { gateway, full, key, browser }
    }

    /// Registers a client for codes; `confidential` or `public`.
    pub async fn client(&self, kind: &str, level: &str) -> Client {
        self.register(&json!({"name": "CRM", "type": kind, "level": level, "redirect_uris": [CALLBACK]}))
            .await
    }

    /// Registers a client that has its own secret and nothing else.
    pub async fn robot(&self, level: &str) -> Client {
        let grant_types = json!(["client_credentials"]);
        self.register(
            &json!({"name": "Robot", "type": "confidential", "level": level, "grant_types": grant_types}),
        )
        .await
    }

    pub async fn register(&self, body: &Value) -> Client {
        let made = self.full.post(CLIENTS, body).await.expect(201)["data"].clone();
        let secret = made["secret"].as_str().map(str::to_owned);
        Client { id: made["id"].as_str().unwrap().to_owned(), secret }
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.browser.request(method, format!("{}{path}", self.gateway.base))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub fn form(&self, path: &str, pairs: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let kind = "application/x-www-form-urlencoded";
        self.request(Method::POST, path).header("content-type", kind).body(encoded(pairs))
    }

    pub async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        self.send(self.form(path, pairs)).await
    }

    /// Asks for consent.
    pub async fn authorize(&self, pairs: &[(&str, &str)]) -> Answer {
        self.get(&format!("/oauth/authorize?{}", encoded(pairs))).await
    }

    /// Sends the form of a page.
    pub async fn decide(&self, page: &Answer, decision: &str, key: &str) -> Answer {
        let pairs = [("request", form_of(page)), ("decision", decision), ("api_key", key)];
        self.post("/oauth/authorize", &pairs).await
    }

    /// A code for a client, with its user's consent.
    pub async fn code(&self, client: &Client, scope: &str) -> String {
        let page = self.authorize(&asking(client, &[("scope", scope)])).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let answer = answered(&self.decide(&page, "allow", self.key.expose()).await);
        answer.get("code").unwrap().clone()
    }

    /// Exchanges a code, with its verifier, unless it is said otherwise.
    pub async fn exchange(&self, client: &Client, code: &str, other: &[(&str, &str)]) -> Answer {
        let usual = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.token(client, &replaced(&usual, other)).await
    }

    pub async fn refresh(&self, client: &Client, token: &str) -> Answer {
        self.token(client, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// Tokens for a client with a secret.
    pub async fn own_token(&self, client: &Client, scope: &str) -> Api {
        let given =
            self.token(client, &[("grant_type", "client_credentials"), ("scope", scope)]).await.expect(200);
        self.full.with_key(given["access_token"].as_str().unwrap())
    }

    /// Asks for tokens, in the name of a client.
    pub async fn token(&self, client: &Client, pairs: &[(&str, &str)]) -> Answer {
        self.post("/oauth/token", &named(client, pairs)).await
    }

    pub async fn revoke(&self, client: &Client, token: &str) -> Answer {
        self.post("/oauth/revoke", &named(client, &[("token", token)])).await
    }

    /// Access and refresh token of a client, with its user's consent.
    pub async fn tokens(&self, client: &Client, scope: &str) -> (Api, String) {
        let code = self.code(client, scope).await;
        self.both(&self.exchange(client, &code, &[]).await.expect(200))
    }

    /// Those of an answer.
    pub fn both(&self, given: &Value) -> (Api, String) {
        let text = |name: &str| given[name].as_str().unwrap().to_owned();
        (self.full.with_key(text("access_token")), text("refresh_token"))
    }

    /// The row of a query.
    pub async fn row(&self, query: &str) -> table::Row {
        table::of(&self.gateway.database_url, query).await
    }
}

/// What a test reads of the tables.
pub mod table {
    use gateway::store::SCHEMA;
    use uuid::Uuid;

    use super::PgConfig;

    pub struct Row {
        pub id: Uuid,
        pub bytes: Vec<u8>,
    }

    /// An id and some bytes.
    pub async fn of(database_url: &str, query: &str) -> Row {
        let client = pg::raw::connect(&PgConfig::for_url(database_url), SCHEMA).await.unwrap();
        let row = client.query_one(query, &[]).await.unwrap();
        Row { id: row.get(0), bytes: row.get(1) }
    }
}

fn named<'a>(client: &'a Client, pairs: &[(&'a str, &'a str)]) -> Pairs<'a> {
    let mut pairs = pairs.to_vec();
    pairs.push(("client_id", &client.id));
    pairs.extend(client.secret.as_deref().map(|secret| ("client_secret", secret)));
    pairs
}

pub fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// These pairs with others in their places; an empty value is none.
pub fn replaced<'a>(usual: &[(&'a str, &'a str)], other: &[(&'a str, &'a str)]) -> Pairs<'a> {
    let kept = usual.iter().filter(|(name, _)| !other.iter().any(|(another, _)| another == name));
    kept.chain(other).filter(|(_, value)| !value.is_empty()).copied().collect()
}

/// An authorization request that is well, but for what is said otherwise.
pub fn asking<'a>(client: &'a Client, other: &[(&'a str, &'a str)]) -> Pairs<'a> {
    let usual = [
        ("response_type", "code"),
        ("client_id", client.id.as_str()),
        ("redirect_uri", CALLBACK),
        ("state", "s 1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    replaced(&usual, other)
}

/// What the page's form carries.
pub fn form_of(page: &Answer) -> &str {
    let (_, rest) = page.text.split_once("name=\"request\" value=\"").unwrap();
    rest.split('"').next().unwrap()
}

/// What the client is told at its redirect URI.
pub fn answered(answer: &Answer) -> HashMap<String, String> {
    assert_eq!(answer.status, 303, "{}", answer.text);
    let (place, query) = answer.header("location").split_once('?').unwrap();
    assert_eq!(place, CALLBACK);
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// The error of an answer of the token endpoint.
pub fn error_of(answer: Answer, status: u16) -> String {
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.expect(status);
    assert!(body["error_description"].is_string(), "{body}");
    body["error"].as_str().unwrap().to_owned()
}

/// Whether a token lets its holder read.
pub async fn is_good(api: &Api) -> bool {
    api.get("/v1/workflows").await.status == 200
}
