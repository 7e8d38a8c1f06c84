//! What every request can use.

use crate::auth::Authenticator;
use crate::client::Client;
use crate::intake::Intake;
use crate::limit::{BadKeys, Limiter};
use crate::tail::Tails;
use secrets::Sealer;

/// Shared by all threads.
pub(crate) struct State {
    pub auth: Authenticator,
    pub services: Client,
    pub intake: Intake,
    pub tails: Tails,
    /// None without a key.
    pub sealer: Option<Sealer>,
    /// None when limits are off.
    pub limiter: Option<Limiter>,
    pub bad_keys: Option<BadKeys>,
    pub body_bytes_max: usize,
}
