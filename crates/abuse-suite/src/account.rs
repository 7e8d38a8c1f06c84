//! Accounts and their keys, made as an operator makes them.

use fault_suite::failure::Failure;
use gateway::key::Level;
use gateway::keys::{AccountName, Desk, KeyError, Limits, NewKey};
use gateway::store::{SCHEMA, Store};
use pg::{PgConfig, Pool};
use reqwest::Method;
use serde_json::json;

use crate::calls::{self, text};
use crate::product::Product;

/// An account with a key of each level.
#[derive(Debug, Clone)]
pub struct Account {
    keys: [(Level, String); 3],
}

impl Account {
    /// Makes one, whose keys may send as much as the settings of the gateways allow.
    ///
    /// # Errors
    /// When the name is taken or the database away.
    pub async fn make(product: &Product, name: &str) -> Result<Self, Failure> {
        Self::limited(product, name, &[]).await
    }

    /// The same with limits such as `read=500`.
    ///
    /// # Errors
    /// The same.
    pub async fn limited(product: &Product, name: &str, limits: &[&str]) -> Result<Self, Failure> {
        let desk = desk(product)?;
        let broken = |what: String| Failure::broken(format!("the account {name} cannot be made: {what}"));
        let limits = Limits::parse(limits.iter().copied()).map_err(|error| broken(error.to_string()))?;
        let named: AccountName = name.parse().map_err(|_| broken("its name is none".to_owned()))?;
        let failed = |error: KeyError| broken(error.to_string());
        desk.create_account(&named, limits).await.map_err(failed)?;
        let mut keys = Level::ALL.map(|level| (level, String::new()));
        for (level, key) in &mut keys {
            let new = NewKey {
                name: level.as_str().to_owned(),
                level: *level,
                limits: Limits::default(),
                expires_at_ms: None,
            };
            let (_, secret) = desk.create(named.id(), new).await.map_err(failed)?;
            secret.expose().clone_into(key);
        }
        Ok(Self { keys })
    }

    /// Its key of this level.
    pub fn key(&self, level: Level) -> &str {
        self.keys.iter().find(|(known, _)| *known == level).map_or("", |(_, key)| key)
    }

    /// Its key of full access.
    pub fn full(&self) -> &str {
        self.key(Level::FullAccess)
    }
}

/// What a client of an account can call with.
#[derive(Debug, Clone)]
pub struct ClientTokens {
    /// The client's id.
    pub id: String,
    /// Its secret.
    pub secret: String,
    /// An access token.
    pub access: String,
}

impl Account {
    /// Registers a client of OAuth, and has it ask for a token of this level in its own name (RFC 6749 §4.4).
    ///
    /// # Errors
    /// When it is refused.
    pub async fn client(&self, product: &Product, name: &str, level: Level) -> Result<ClientTokens, Failure> {
        let api = product.gateway(0, self.full())?;
        let wanted = json!({
            "name": name, "type": "confidential", "level": level.as_str(), "grant_types": ["client_credentials"]
        });
        let made = calls::make(&api, Method::POST, "/v1/oauth-clients", &wanted).await?;
        let (id, secret) = (text(&made, "id"), text(&made, "secret"));
        let scope = level.as_str();
        let form =
            format!("grant_type=client_credentials&scope={scope}&client_id={id}&client_secret={secret}");
        let request = api.request(Method::POST, "/oauth/token");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        let given = calls::send(&api, without_key(request)?).await?;
        let access = text(&given.body, "access_token");
        if access.is_empty() {
            return Err(Failure::broken(format!("a client gets no token: {}", given.text)));
        }
        Ok(ClientTokens { id, secret, access })
    }
}

/// The same request without the header that says who calls: a client says so in its form, and may say it only once.
fn without_key(request: reqwest::RequestBuilder) -> Result<reqwest::RequestBuilder, Failure> {
    let (client, request) = request.build_split();
    let mut request = request.map_err(|error| Failure::broken(error.to_string()))?;
    request.headers_mut().remove("authorization");
    Ok(reqwest::RequestBuilder::from_parts(client, request))
}

/// Where accounts and keys are made without the API.
///
/// # Errors
/// When the database's address is none.
pub fn desk(product: &Product) -> Result<Desk, Failure> {
    let pool = Pool::new(&PgConfig::for_url(&product.postgres.url()), SCHEMA);
    let pool = pool.map_err(|error| Failure::broken(error.to_string()))?;
    Ok(Desk::new(Store::new(pool)))
}
