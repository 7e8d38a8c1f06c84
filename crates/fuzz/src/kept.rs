//! What is kept where others might change it: sealed secrets, and sealed answers to requests with an `Idempotency-Key`.

use std::sync::LazyLock;

use flow_model::{AccountId, SecretName};
use secrecy::SecretString;
use secrets::{Sealer, SecretsConfig};

use crate::tried;

/// A key that everybody knows, so that the corpus can hold what was sealed with it: 32 bytes of 7 in base64.
const SECRETS_KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

static SEALER: LazyLock<Option<Sealer>> = LazyLock::new(|| {
    let config = SecretsConfig { secrets_key: Some(SecretString::from(SECRETS_KEY)) };
    Sealer::new(&config).ok().flatten()
});

/// Opens bytes that were sealed, or not. Also the text of a sealing key.
pub(crate) fn kept(bytes: &[u8]) {
    let account = AccountId::named("default");
    if let (Some(sealer), Ok(name)) = (&*SEALER, "crm_token".parse::<SecretName>()) {
        tried(sealer.open(account, &name, bytes));
    }
    let opened = gateway::decode::kept_answer("tl_key", &[7; 32], bytes);
    assert!(opened.is_none(), "bytes that nobody sealed are opened");
    let text = SecretString::from(String::from_utf8_lossy(bytes).into_owned());
    tried(Sealer::new(&SecretsConfig { secrets_key: Some(text) }));
}
