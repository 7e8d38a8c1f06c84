//! What every request can use.

use crate::audit::Log;
use crate::auth::Authenticator;
use crate::client::Client;
use crate::idempotency::Idempotency;
use crate::intake::Intake;
use crate::keys::Desk;
use crate::limit::Limiter;
use crate::limit::addresses::Addresses;
use crate::oauth::OAuth;
use crate::oauth::pace::Pace;
use crate::tail::Tails;
use ipnet::IpNet;
use secrets::Sealer;

/// Shared by all threads.
pub(crate) struct State {
    pub auth: Authenticator,
    pub keys: Desk,
    pub oauth: OAuth,
    /// How fast clients may ask for tokens; none when limits are off.
    pub token_pace: Option<Pace>,
    pub audit: Log,
    /// Who is believed about where a request comes from.
    pub trusted_proxies: Vec<IpNet>,
    pub services: Client,
    pub intake: Intake,
    pub idempotency: Idempotency,
    pub tails: Tails,
    /// None without a key.
    pub sealer: Option<Sealer>,
    /// None when limits are off.
    pub limiter: Option<Limiter>,
    pub bad_keys: Option<Addresses>,
    /// None when limits, or this one, are off.
    pub bursts: Option<Addresses>,
    pub body_bytes_max: usize,
}
