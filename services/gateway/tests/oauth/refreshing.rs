//! Refresh tokens: good once, and what happens to their family.

use testkit::eventually;

use super::{Stage, error_of, is_good};

#[tokio::test(flavor = "multi_thread")]
async fn each_refresh_token_is_good_once_and_gives_the_next() {
    let stage = Stage::start().await;
    for kind in ["public", "confidential"] {
        let client = stage.client(kind, "read_write").await;
        let (_, first) = stage.tokens(&client, "read_write").await;
        let (api, second) = stage.both(&stage.refresh(&client, &first).await.expect(200));
        assert!(is_good(&api).await && first != second);
        let (api, third) = stage.both(&stage.refresh(&client, &second).await.expect(200));
        assert!(is_good(&api).await);
        stage.refresh(&client, &third).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_comes_twice_ends_the_family_and_no_other() {
    let stage = Stage::start().await;
    let client = stage.client("public", "read_only").await;
    let (other, others) = stage.tokens(&client, "read_only").await;
    let (before, stolen) = stage.tokens(&client, "read_only").await;
    let (after, current) = stage.both(&stage.refresh(&client, &stolen).await.expect(200));
    assert!(is_good(&before).await && is_good(&after).await);

    assert_eq!(error_of(stage.refresh(&client, &stolen).await, 400), "invalid_grant");

    assert_eq!(error_of(stage.refresh(&client, &current).await, 400), "invalid_grant");
    for api in [&before, &after] {
        eventually("the access token is refused", async || (!is_good(api).await).then_some(())).await;
    }
    assert!(is_good(&other).await);
    stage.refresh(&client, &others).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_gives_as_much_as_was_granted_or_less() {
    let stage = Stage::start().await;
    let client = stage.client("public", "full_access").await;
    let (_, token) = stage.tokens(&client, "read_write").await;
    let with = |token: &str, scope: &'static str| {
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)]
            .map(|(n, v)| (n.to_owned(), v.to_owned()));
        let (stage, client) = (&stage, &client);
        async move {
            let pairs: Vec<(&str, &str)> =
                pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            stage.token(client, &pairs).await
        }
    };
    for scope in ["full_access", "openid"] {
        assert_eq!(error_of(with(&token, scope).await, 400), "invalid_scope", "{scope}");
    }
    let less = with(&token, "read_only").await.expect(200);
    assert_eq!(less["scope"], "read_only");
    let (api, next) = stage.both(&less);
    api.post("/v1/messages", &serde_json::json!({})).await.expect(403);
    assert_eq!(stage.refresh(&client, &next).await.expect(200)["scope"], "read_write");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_its_clients_and_for_a_time() {
    let stage = Stage::start().await;
    let (client, other) =
        (stage.client("public", "read_only").await, stage.client("public", "read_only").await);
    let (access, token) = stage.tokens(&client, "read_only").await;
    for wrong in ["nonsense", access.key(), ""] {
        let refused = stage.refresh(&client, wrong).await;
        assert_eq!(refused.status, 400, "{wrong}");
    }
    assert_eq!(error_of(stage.refresh(&other, &token).await, 400), "invalid_grant");
    stage.gateway.sql("UPDATE oauth_refresh_tokens SET expires_at = now()").await;
    assert_eq!(error_of(stage.refresh(&client, &token).await, 400), "invalid_grant");
    assert!(is_good(&access).await, "that was no second use");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_can_give_tokens_back() {
    let stage = Stage::start().await;
    let (client, other) =
        (stage.client("public", "read_only").await, stage.client("confidential", "read_only").await);
    for by_refresh_token in [true, false] {
        let (api, refresh) = stage.tokens(&client, "read_only").await;
        let token = if by_refresh_token { refresh.clone() } else { api.key().to_owned() };
        assert_eq!(error_of(stage.revoke(&other, &token).await, 400), "invalid_grant");
        assert!(is_good(&api).await);
        for _ in 0..2 {
            let done = stage.revoke(&client, &token).await;
            assert_eq!((done.status, done.text.as_str()), (200, ""));
        }
        eventually("the access token is refused", async || (!is_good(&api).await).then_some(())).await;
        assert_eq!(error_of(stage.refresh(&client, &refresh).await, 400), "invalid_grant");
    }
    assert_eq!(stage.revoke(&client, "nonsense").await.status, 200);
    assert_eq!(error_of(stage.revoke(&client, "").await, 400), "invalid_request");
    let stranger = super::Client { secret: None, ..other };
    assert_eq!(error_of(stage.revoke(&stranger, "x").await, 401), "invalid_client");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_gives_so_many_refresh_tokens_in_an_hour() {
    let stage = Stage::start().await;
    let client = stage.client("public", "read_only").await;
    let (_, token) = stage.tokens(&client, "read_only").await;
    let (_, other) = stage.tokens(&client, "read_only").await;
    let used = "INSERT INTO oauth_refresh_tokens (token_sha256, grant_id, used_at, expires_at, made_at)
        SELECT sha256(n::text::bytea), (SELECT min(id::text)::uuid FROM oauth_grants), now(), now() + interval '30 days', now() - interval '59 minutes'
        FROM generate_series(1, 238) n";
    stage.gateway.sql(used).await;
    let (_, last) = stage.both(&stage.refresh(&client, &token).await.expect(200));
    let refused = stage.refresh(&client, &last).await;
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(error_of(refused, 429), "temporarily_unavailable");
    stage.refresh(&client, &other).await.expect(200);
    // Nothing was used up, and after that hour it goes on.
    stage.gateway.sql("UPDATE oauth_refresh_tokens SET made_at = made_at - interval '1 minute'").await;
    stage.refresh(&client, &last).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_removed_while_its_tokens_are_renewed() {
    let stage = Stage::start().await;
    let client = stage.client("public", "read_only").await;
    let (code, (_, refresh)) =
        (stage.code(&client, "read_only").await, stage.tokens(&client, "read_only").await);
    let database = pg::PgConfig::for_url(&stage.gateway.database_url);
    let removing = pg::raw::connect(&database, gateway::store::SCHEMA).await.unwrap();
    let (_, id) = client.id.split_once("client-").unwrap();
    // As whoever removes it: its row first, and then all that hangs on it.
    removing
        .batch_execute(&format!("BEGIN; SELECT 1 FROM oauth_clients WHERE id = '{id}' FOR UPDATE"))
        .await
        .unwrap();
    let asking =
        async { tokio::join!(stage.exchange(&client, &code, &[]), stage.refresh(&client, &refresh)) };
    let remove = async {
        let waiting = "pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        eventually("both wait", async || (stage.gateway.count(waiting).await == 2).then_some(())).await;
        removing
            .batch_execute(&format!("DELETE FROM oauth_clients WHERE id = '{id}'; COMMIT"))
            .await
            .unwrap();
    };
    let ((exchanged, refreshed), ()) = tokio::join!(asking, remove);
    for answer in [exchanged, refreshed] {
        assert_eq!(error_of(answer, 400), "invalid_grant");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_is_removed_and_the_rest_stays() {
    let stage = Stage::start().await;
    let client = stage.client("public", "read_only").await;
    let (_, kept) = stage.tokens(&client, "read_only").await;
    stage.tokens(&client, "read_only").await;
    stage.code(&client, "read_only").await;
    stage.code(&client, "read_only").await;
    stage
        .gateway
        .sql(
            "UPDATE oauth_grants SET expires_at = now() WHERE id = (SELECT max(id::text)::uuid FROM oauth_grants);
             UPDATE oauth_codes SET expires_at = now() WHERE code_sha256 IN (
                 SELECT code_sha256 FROM oauth_codes WHERE grant_id IS NULL LIMIT 1)",
        )
        .await;
    assert!(!stage.gateway.store.forget_grants().await.unwrap());
    for (table, rows) in [("oauth_grants", 1), ("oauth_refresh_tokens", 1), ("oauth_codes", 2)] {
        assert_eq!(stage.gateway.count(table).await, rows, "{table}");
    }
    stage.refresh(&client, &kept).await.expect(200);
}
