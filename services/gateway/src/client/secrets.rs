//! Secrets, which the workflow catalog keeps.

use contracts::{subject::catalog, v1};
use flow_model::SecretName;

use super::Client;
use crate::auth::Account;
use crate::http::error::ApiError;

impl Client {
    /// Keeps what was sealed.
    pub async fn put_secret(
        &self,
        account: Account,
        name: &SecretName,
        sealed: Vec<u8>,
    ) -> Result<v1::Secret, ApiError> {
        let request = v1::PutSecretRequest {
            account_id: account.to_vec().into(),
            name: name.to_string(),
            ciphertext: sealed.into(),
        };
        self.call(catalog::PUT_SECRET, &request).await
    }

    pub async fn secrets(&self, account: Account) -> Result<v1::ListSecretsResponse, ApiError> {
        let request = v1::ListSecretsRequest { account_id: account.to_vec().into() };
        self.call(catalog::LIST_SECRETS, &request).await
    }

    pub async fn delete_secret(
        &self,
        account: Account,
        name: &SecretName,
    ) -> Result<v1::DeleteSecretResponse, ApiError> {
        let request = v1::DeleteSecretRequest { account_id: account.to_vec().into(), name: name.to_string() };
        self.call(catalog::DELETE_SECRET, &request).await
    }
}
