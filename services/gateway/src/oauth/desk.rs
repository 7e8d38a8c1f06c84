//! Registering clients, giving them what they may have, and taking it back.

use std::sync::Arc;
use std::time::Duration;

use flow_model::{AccountId, OAuthClientId};
use platform::clock;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::access::{self, Access, Claims};
use super::request::{self, Form, Request};
use super::secret::{CLIENT, REFRESH};
use super::signing::{Jwk, KeyRing, SigningError};
use super::{CODE, Client, ClientError, Consent, Exchange, Given, GrantHolder, NewClient, Refresh, Secret};
use crate::key::Level;
use crate::span::{Listed, Span};
use crate::store::{Store, StoreError};

/// Pause between two looks for what is over, and whether the next signing key is due.
const TIDY_PAUSE: Duration = Duration::from_mins(1);
/// Pieces that are removed at one look.
const PIECES_MAX: usize = 100;

/// Does it. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct OAuth {
    store: Store,
    keys: KeyRing,
    issuer: Arc<str>,
}

impl OAuth {
    /// Over these tables, as this issuer (RFC 8414 §2), such as `https://api.example.com`.
    pub fn new(store: Store, keys: KeyRing, issuer: &str) -> Self {
        Self { store, keys, issuer: issuer.into() }
    }

    /// The name that this installation has in tokens and answers.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Registers a client. Its secret, if it is to have one, is never to be had again.
    pub async fn register(
        &self,
        account: AccountId,
        client: NewClient,
    ) -> Result<(Client, Option<Secret>), ClientError> {
        let id = OAuthClientId::new(clock::new_uuid_v7());
        let secret = client.confidential.then(|| Secret::generate(CLIENT));
        self.store.create_client(account, id, client, secret.as_ref().map(Secret::sha256)).await?;
        Ok((self.get(account, id).await?, secret))
    }

    /// Clients of an account, newest first.
    pub async fn list(&self, account: AccountId, span: Span) -> Result<Listed<Client>, ClientError> {
        Ok(self.store.clients(account, span).await?)
    }

    /// A client of this account.
    pub async fn get(&self, account: AccountId, id: OAuthClientId) -> Result<Client, ClientError> {
        let client = self.client(id).await?.filter(|client| client.account == account);
        client.ok_or(ClientError::NoSuchClient)
    }

    /// Removes a client with all that it was given.
    pub async fn remove(&self, account: AccountId, id: OAuthClientId) -> Result<(), ClientError> {
        if self.store.delete_client(account, id).await? { Ok(()) } else { Err(ClientError::NoSuchClient) }
    }

    /// Any client, as it says who it is.
    pub async fn client(&self, id: OAuthClientId) -> Result<Option<Client>, StoreError> {
        self.store.client(id).await
    }

    /// What a form carries for a request that is shown.
    pub async fn form(&self, request: &Request) -> Result<String, SigningError> {
        self.keys.sign(request::TYPE, &Form::new(request)).await
    }

    /// The request of a form that comes back; none when it is not one of ours, or too late.
    pub async fn asked(&self, form: &str) -> Result<Option<Request>, StoreError> {
        let form: Option<Form> = self.keys.read(request::TYPE, form).await?;
        Ok(form.and_then(|form| form.request(clock::now().timestamp())))
    }

    /// A code for what somebody has consented to.
    pub async fn consented(&self, consent: Consent) -> Result<Secret, StoreError> {
        let code = Secret::generate(CODE);
        self.store.add_code(&consent, code.sha256()).await?;
        Ok(code)
    }

    /// Takes a code, once; the refresh token comes with it.
    pub async fn exchange(
        &self,
        client: OAuthClientId,
        code: &Secret,
        redirect_uri: Option<&str>,
        challenge: String,
    ) -> Result<(Given, Secret), StoreError> {
        let refresh = Secret::generate(REFRESH);
        let exchange = Exchange {
            client,
            code_sha256: code.sha256(),
            redirect_uri: redirect_uri.map(str::to_owned),
            challenge,
            refresh_sha256: refresh.sha256(),
        };
        let given = self.store.exchange(exchange).await?;
        note(given, client, "code");
        Ok((given, refresh))
    }

    /// Takes a refresh token, once; the next one comes with it.
    pub async fn refresh(
        &self,
        client: OAuthClientId,
        token: &str,
        level: Option<Level>,
    ) -> Result<(Given, Secret), StoreError> {
        let next = Secret::generate(REFRESH);
        let Some(token) = Secret::parse(REFRESH, token) else { return Ok((Given::Nothing, next)) };
        let refresh = Refresh { client, token_sha256: token.sha256(), level, next_sha256: next.sha256() };
        let given = self.store.refresh(refresh).await?;
        note(given, client, "refresh_token");
        Ok((given, next))
    }

    /// A grant to the client itself.
    pub async fn own(&self, client: OAuthClientId, level: Level) -> Result<Uuid, StoreError> {
        let grant = clock::new_uuid_v7();
        self.store.add_grant(grant, client, level).await?;
        Ok(grant)
    }

    /// A fresh access token.
    pub async fn token(
        &self,
        client: &Client,
        subject: String,
        level: Level,
        grant: Uuid,
    ) -> Result<String, SigningError> {
        let claims = Claims::new(&self.issuer, subject, client.id, level, grant);
        self.keys.sign(access::TYPE, &claims).await
    }

    /// That a token can be signed, before anything is used up for it.
    pub async fn ready(&self) -> Result<(), SigningError> {
        self.keys.jwks().await.map(drop)
    }

    /// What an access token gives by itself: its grant is to be looked at, too.
    pub async fn access(&self, token: &str) -> Result<Option<Access>, StoreError> {
        let claims: Option<Claims> = self.keys.read(access::TYPE, token).await?;
        Ok(claims.and_then(|claims| claims.access(&self.issuer, clock::now().timestamp())))
    }

    /// Whom a grant stands for, while it is live.
    pub async fn holder(&self, grant: Uuid) -> Result<Option<GrantHolder>, StoreError> {
        self.store.grant_holder(grant).await
    }

    /// Ends the family of an access or refresh token; false when it is another client's. Of what is no token there is nothing to end.
    pub async fn revoke(&self, client: OAuthClientId, token: &str) -> Result<bool, StoreError> {
        let family = if let Some(token) = Secret::parse(REFRESH, token) {
            self.store.family(&token.sha256()).await?
        } else {
            let claims: Option<Claims> = self.keys.read(access::TYPE, token).await?;
            claims.and_then(|claims| claims.named()).map(|access| (access.grant, access.client))
        };
        match family {
            None => Ok(true),
            Some((_, owner)) if owner != client => Ok(false),
            Some((grant, _)) => self.store.revoke_grant(grant).await.map(|()| true),
        }
    }

    /// The keys that tokens are checked with.
    pub async fn jwks(&self) -> Result<Vec<Jwk>, SigningError> {
        self.keys.jwks().await
    }

    /// Goes on removing what is over and making the next signing key, for ever.
    pub async fn tidy(self) {
        let mut ticks = tokio::time::interval(TIDY_PAUSE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.keys.prepare().await {
                tracing::warn!(%error, "the next key for access tokens cannot be made; it is tried again later");
            }
            for _ in 0..PIECES_MAX {
                match self.store.forget_grants().await {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        tracing::warn!(%error, "codes and tokens that are over cannot be removed");
                        break;
                    }
                }
            }
        }
    }
}

/// Tells those who run Turnloom of what was in two hands.
fn note(given: Given, client: OAuthClientId, kind: &'static str) {
    if given == Given::UsedBefore {
        metrics::counter!("turnloom_oauth_reuse_total", "kind" => kind).increment(1);
        tracing::warn!(%client, kind, "a code or refresh token was used again; what it gave is revoked");
    }
}
