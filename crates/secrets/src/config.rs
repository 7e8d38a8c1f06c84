//! The key of the operator.

use secrecy::SecretString;

/// Settings of secrets.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SecretsConfig {
    /// The key that accounts' secrets are sealed with, the same for all services: 32 bytes in base64, as `openssl rand
    /// -base64 32` makes them. Without it nobody can keep secrets; what was sealed with another one cannot be read
    #[arg(long, env = "TURNLOOM_SECRETS_KEY", hide_env_values = true)]
    pub secrets_key: Option<SecretString>,
}
