//! `accounts` and `keys`: what operators do beside the API.

use serde_json::{Value, json};
use testkit::eventually;

use super::{against, end, told};
use crate::support::Product;

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_and_gets_its_first_key() {
    let mut product = Product::start().await;
    let made = told(&product, &["accounts", "create", "acme", "--limit", "read=5000", "--json"]).json();
    assert_eq!((&made["name"], &made["limits"]), (&json!("acme"), &json!({"read": 5000})));
    let taken = told(&product, &["accounts", "create", "acme"]).complaint(1);
    assert!(taken.contains("acme: there is an account of this name"), "{taken}");
    told(&product, &["accounts", "create", "a b"]).complaint(2);

    let create =
        ["keys", "create", "ops", "--account", "acme", "--level", "full_access", "--limit", "read=9000"];
    let key = told(&product, &[&create[..], &["--expires", "90d", "--json"]].concat()).json();
    let api = product.api.with_key(key["secret"].as_str().unwrap());
    let seen = api.get("/v1/account").await.expect(200)["data"].clone();
    assert_eq!((&seen["id"], &seen["key"]["id"]), (&made["id"], &key["id"]));
    assert_eq!((&seen["limits"]["read"], &seen["key"]["limits"]["read"]), (&json!(5000), &json!(9000)));
    assert_eq!(seen["key"]["expires_at"], key["expires_at"]);
    assert_eq!(api.get("/v1/workflows").await.expect(200)["pagination"]["total"], 0);

    let nobody = told(&product, &["keys", "create", "x", "--account", "nobody"]).complaint(1);
    assert!(nobody.contains("nobody: there is no such account"), "{nobody}");
    let list = told(&product, &["accounts", "list"]).out();
    assert!(list.contains("acme") && list.contains("default") && list.contains("read=5000"), "{list}");
    let shown = told(&product, &["accounts", "show", "acme"]).out();
    assert!(shown.contains("ops") && shown.contains("full_access"), "{shown}");
    let shown = told(&product, &["accounts", "show", "acme", "--json"]).json();
    assert_eq!((&shown["active_keys"], &shown["keys"][0]["id"]), (&json!(1), &key["id"]));
    assert!(told(&product, &["accounts", "show", "nobody"]).complaint(1).contains("no such account"));
    let limited = told(&product, &["accounts", "limit", "acme", "--limit", "write=7", "--json"]).json();
    assert_eq!(limited["limits"], json!({"write": 7}), "in the place of what was set");
    assert!(told(&product, &["accounts", "limit", "nobody"]).complaint(1).contains("no such account"));
    let log = api.get("/v1/audit-log").await.expect(200)["data"].clone();
    let done: Vec<(&Value, &Value)> =
        log.as_array().unwrap().iter().map(|row| (&row["action"], &row["key_name"])).collect();
    let by_operator = ["limitAccount", "createApiKey", "createAccount"].map(|action| json!(action));
    let operator = json!("operator");
    assert_eq!(done, by_operator.iter().map(|action| (action, &operator)).collect::<Vec<_>>());
    let mut nowhere = against(&product, &["accounts", "list"]);
    nowhere.env("TURNLOOM_DATABASE_URL", "postgres://127.0.0.1:1/x");
    end(nowhere, "").complaint(3);
    product.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_listed_rotated_and_revoked() {
    let mut product = Product::start().await;
    let said = told(&product, &["keys", "create", "bot"]).out();
    let secret = said.split_whitespace().find(|word| word.starts_with("tl_")).unwrap();
    assert!(said.contains("✓ bot is made") && said.contains("not to be had again"), "{said}");
    let first = product.api.with_key(secret);
    let shown = first.get("/v1/account").await.expect(200)["data"]["key"].clone();
    assert_eq!((&shown["name"], &shown["level"]), (&json!("bot"), &json!("read_write")));
    let id = shown["id"].as_str().unwrap();
    for (wrong, code) in [
        (&["keys", "create", " "][..], 2),
        (&["keys", "create", "x", "--level", "root"], 2),
        (&["keys", "create", "x", "--expires", "2020-01-01"], 2),
        (&["keys", "create", "x", "--limit", "reads=1"], 1),
        (&["keys", "rotate", id, "--overlap", "31d"], 2),
        (&["keys", "rotate", "bot"], 2),
        (&["keys", "revoke", id, "--account", "other"], 1),
    ] {
        told(&product, wrong).complaint(code);
    }

    let rotated = told(&product, &["keys", "rotate", id, "--json"]).json();
    assert!(rotated["overlap_until"].is_string(), "{rotated}");
    let second = product.api.with_key(rotated["secret"].as_str().unwrap());
    for api in [&first, &second] {
        assert_eq!(api.get("/v1/account").await.status, 200);
    }
    let listed = told(&product, &["keys", "list", "--json"]).json();
    let names: Vec<&Value> = listed.as_array().unwrap().iter().map(|key| &key["name"]).collect();
    assert_eq!(names, ["bot", "bootstrap"]);
    assert!(!listed.to_string().contains(secret) && !listed.to_string().contains("secret"));

    assert!(told(&product, &["keys", "revoke", id]).out().contains("✓ bot is revoked"));
    for api in [&first, &second] {
        eventually("the key is refused", || async {
            (api.get("/v1/account").await.status == 401).then_some(())
        })
        .await;
    }
    assert!(told(&product, &["keys", "rotate", id]).complaint(1).contains("the key is revoked"));
    let revoked = told(&product, &["keys", "list", "--status", "revoked"]).out();
    assert!(revoked.contains(id) && !revoked.contains("bootstrap"), "{revoked}");
    product.stop().await;
}
