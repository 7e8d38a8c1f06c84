//! Secrets are kept sealed, one account's apart from another's, and no more than there may be.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::Catalog;
use contracts::subject::catalog;
use contracts::v1::{self, Failure};
use flow_model::AccountId;

async fn put(
    catalog: &Catalog,
    account: AccountId,
    name: &str,
    ciphertext: &[u8],
) -> Result<v1::Secret, Failure> {
    let request = v1::PutSecretRequest {
        account_id: account.to_vec().into(),
        name: name.to_owned(),
        ciphertext: ciphertext.to_vec().into(),
    };
    catalog.call(catalog::PUT_SECRET, &request).await
}

async fn names(catalog: &Catalog, account: AccountId) -> Vec<String> {
    let request = v1::ListSecretsRequest { account_id: account.to_vec().into() };
    let listed: v1::ListSecretsResponse = catalog.call(catalog::LIST_SECRETS, &request).await.unwrap();
    listed.secrets.into_iter().map(|secret| secret.name).collect()
}

async fn sealed(catalog: &Catalog, account: AccountId, names: &[&str]) -> Vec<(String, Vec<u8>)> {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    let request = v1::GetSecretsRequest { account_id: account.to_vec().into(), names };
    let found: v1::GetSecretsResponse = catalog.call(catalog::GET_SECRETS, &request).await.unwrap();
    found.secrets.into_iter().map(|secret| (secret.name, secret.ciphertext.to_vec())).collect()
}

async fn delete(
    catalog: &Catalog,
    account: AccountId,
    name: &str,
) -> Result<v1::DeleteSecretResponse, Failure> {
    let request = v1::DeleteSecretRequest { account_id: account.to_vec().into(), name: name.to_owned() };
    catalog.call(catalog::DELETE_SECRET, &request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_kept_replaced_handed_out_sealed_and_forgotten() {
    let catalog = Catalog::start().await;
    let account = catalog.account;
    let first = put(&catalog, account, "token", b"one").await.unwrap();
    let second = put(&catalog, account, "token", b"two").await.unwrap();
    assert_eq!(first.created_at_ms, second.created_at_ms);
    assert!(second.updated_at_ms >= first.updated_at_ms);
    put(&catalog, account, "a_key", b"three").await.unwrap();
    assert_eq!(names(&catalog, account).await, ["a_key", "token"]);
    assert_eq!(
        sealed(&catalog, account, &["token", "unknown"]).await,
        [("token".to_owned(), b"two".to_vec())]
    );
    delete(&catalog, account, "token").await.unwrap();
    assert_eq!(delete(&catalog, account, "token").await.unwrap_err().code, "SECRET_NOT_FOUND");
    assert_eq!(names(&catalog, account).await, ["a_key"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_sees_its_own_secrets_only() {
    let catalog = Catalog::start().await;
    let other = AccountId::named("other");
    put(&catalog, catalog.account, "token", b"mine").await.unwrap();
    put(&catalog, other, "token", b"theirs").await.unwrap();
    delete(&catalog, other, "token").await.unwrap();
    assert!(names(&catalog, other).await.is_empty());
    assert!(sealed(&catalog, other, &["token"]).await.is_empty());
    assert_eq!(sealed(&catalog, catalog.account, &["token"]).await, [("token".to_owned(), b"mine".to_vec())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_sizes_and_numbers_are_bounded() {
    let catalog = Catalog::start().await;
    let account = catalog.account;
    for (name, ciphertext) in [("Token", &b"x"[..]), ("", b"x"), ("token", b""), ("token", &[0; 4353])] {
        assert_eq!(put(&catalog, account, name, ciphertext).await.unwrap_err().code, "INVALID_REQUEST");
    }
    for number in 0..200 {
        put(&catalog, account, &format!("s{number}"), b"x").await.unwrap();
    }
    assert_eq!(put(&catalog, account, "one_more", b"x").await.unwrap_err().code, "CONFLICT");
    put(&catalog, account, "s7", b"y").await.unwrap();
    put(&catalog, AccountId::named("other"), "one_more", b"x").await.unwrap();
}
