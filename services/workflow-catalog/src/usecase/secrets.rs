//! Secrets of accounts. They come sealed and are handed out sealed: the catalog has no key.

use chrono::{DateTime, Utc};
use contracts::ErrorCode;
use contracts::v1::{self, Failure};
use flow_model::SecretName;

use super::{account_of, failure};
use crate::store::{NewSecret, Store, StoredSecret};

/// Bytes of a sealed secret at most: the 4 KiB of a secret, and what sealing adds.
const CIPHERTEXT_BYTES_MAX: usize = 4 * 1024 + 256;
/// Secrets that are asked for at once.
const NAMES_MAX: usize = 100;

/// Keeps a secret, in the place of one with the same name.
pub(crate) async fn put(
    store: &Store,
    request: v1::PutSecretRequest,
    now: DateTime<Utc>,
) -> Result<v1::Secret, Failure> {
    let account = account_of(&request.account_id)?;
    let name: SecretName = request
        .name
        .parse()
        .map_err(|error| Failure::because(ErrorCode::InvalidRequest, format!("{error}")).at("name"))?;
    if request.ciphertext.is_empty() || request.ciphertext.len() > CIPHERTEXT_BYTES_MAX {
        return Err(Failure::because(
            ErrorCode::InvalidRequest,
            "ciphertext has no size that a secret can have",
        ));
    }
    let new = NewSecret { account, name, ciphertext: request.ciphertext.to_vec(), now };
    let stored = store.put_secret(new).await.map_err(|error| failure(&error))?;
    Ok(stored.to_message())
}

/// Lists an account's secrets.
pub(crate) async fn list(
    store: &Store,
    request: v1::ListSecretsRequest,
) -> Result<v1::ListSecretsResponse, Failure> {
    let account = account_of(&request.account_id)?;
    let found = store.secrets(account).await.map_err(|error| failure(&error))?;
    Ok(v1::ListSecretsResponse { secrets: found.iter().map(StoredSecret::to_message).collect() })
}

/// Hands sealed secrets out to who can open them.
pub(crate) async fn sealed(
    store: &Store,
    request: v1::GetSecretsRequest,
) -> Result<v1::GetSecretsResponse, Failure> {
    let account = account_of(&request.account_id)?;
    if request.names.len() > NAMES_MAX {
        let details = format!("More than {NAMES_MAX} secrets are asked for at once");
        return Err(Failure::because(ErrorCode::InvalidRequest, details));
    }
    let secrets = store.sealed_secrets(account, request.names).await.map_err(|error| failure(&error))?;
    Ok(v1::GetSecretsResponse { secrets })
}

/// Forgets a secret.
pub(crate) async fn delete(
    store: &Store,
    request: v1::DeleteSecretRequest,
) -> Result<v1::DeleteSecretResponse, Failure> {
    let account = account_of(&request.account_id)?;
    let missing = || Failure::of(ErrorCode::SecretNotFound);
    // What is not a name names nothing.
    let name: SecretName = request.name.parse().map_err(|_| missing())?;
    if store.delete_secret(account, &name).await.map_err(|error| failure(&error))? {
        Ok(v1::DeleteSecretResponse {})
    } else {
        Err(missing())
    }
}
