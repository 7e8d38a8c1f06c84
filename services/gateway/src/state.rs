//! What every request can use.

use crate::auth::Authenticator;
use crate::client::Client;
use crate::intake::Intake;

/// Shared by all threads.
pub(crate) struct State {
    pub auth: Authenticator,
    pub services: Client,
    pub intake: Intake,
    pub body_bytes_max: usize,
}
