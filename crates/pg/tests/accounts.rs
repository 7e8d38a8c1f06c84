//! What is done on behalf of an account meets its own rows only, whatever is asked for.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use diesel::sql_types::Integer;
use diesel_async::RunQueryDsl;
use local_stack::Postgres;
use pg::{PgConfig, Pool, Prepare, Unavailable};
use uuid::Uuid;

const SCHEMA: &str = "shop";

#[derive(Debug)]
enum Failure {
    Refused,
    Other,
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        if error.to_string().contains("row-level security") { Self::Refused } else { Self::Other }
    }
}

impl From<Unavailable> for Failure {
    fn from(_: Unavailable) -> Self {
        Self::Other
    }
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = Integer)]
    n: i32,
}

/// A schema as migrations leave one, and its service's pool of one connection of each kind.
async fn shop(postgres: &Postgres) -> (PgConfig, Pool) {
    let config = PgConfig::for_url(&postgres.url());
    let owner = pg::raw::connect(&config, SCHEMA).await.unwrap();
    owner
        .batch_execute(
            "CREATE ROLE turnloom_shop NOINHERIT; CREATE ROLE turnloom_shop_account; GRANT turnloom_shop_account TO turnloom_shop;
             CREATE SCHEMA shop; CREATE TABLE things (account_id uuid NOT NULL, n int NOT NULL);
             GRANT USAGE ON SCHEMA shop TO turnloom_shop, turnloom_shop_account;
             GRANT SELECT, INSERT ON things TO turnloom_shop, turnloom_shop_account;
             ALTER TABLE things ENABLE ROW LEVEL SECURITY;
             CREATE POLICY of_all ON things TO turnloom_shop USING (true);
             CREATE POLICY of_account ON things TO turnloom_shop_account
                 USING (account_id = current_setting('turnloom.account')::uuid)",
        )
        .await
        .unwrap();
    let config = PgConfig { database_connections: 1, ..config };
    let pool = Pool::new(&config.as_service(SCHEMA), SCHEMA).unwrap();
    (config, pool)
}

async fn put(pool: &Pool, as_account: Uuid, account: Uuid) -> Result<(), Failure> {
    pool.run_of(as_account, move |connection| {
        Box::pin(async move {
            diesel::sql_query("INSERT INTO things VALUES ($1, 1)")
                .bind::<diesel::sql_types::Uuid, _>(account)
                .execute(connection)
                .await?;
            Ok(())
        })
    })
    .await
}

/// All rows that are there for this account, asked for without naming it.
async fn seen(pool: &Pool, account: Uuid) -> i32 {
    let mut connection = pool.of(&account).await.unwrap();
    let count: Count = diesel::sql_query("SELECT count(*)::int AS n FROM things")
        .prepared()
        .get_result(&mut *connection)
        .await
        .unwrap();
    count.n
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_serves_one_account_after_the_other() {
    let postgres = Postgres::ephemeral().unwrap();
    let (_, pool) = shop(&postgres).await;
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    put(&pool, one, one).await.unwrap();
    put(&pool, other, other).await.unwrap();
    put(&pool, other, other).await.unwrap();
    for _ in 0..20 {
        assert_eq!((seen(&pool, one).await, seen(&pool, other).await), (1, 2));
    }
    assert_eq!(seen(&pool, Uuid::from_u128(3)).await, 0);
    let mut all = pool.get().await.unwrap();
    let count: Count =
        diesel::sql_query("SELECT count(*)::int AS n FROM things").get_result(&mut *all).await.unwrap();
    assert_eq!(count.n, 3, "the service works for all of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_a_row_of_another_account() {
    let postgres = Postgres::ephemeral().unwrap();
    let (_, pool) = shop(&postgres).await;
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    assert!(matches!(put(&pool, one, other).await, Err(Failure::Refused)));
    assert_eq!(seen(&pool, other).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_names_no_account_sees_nothing_and_nobody_leaves_the_role() {
    let postgres = Postgres::ephemeral().unwrap();
    let (config, _) = shop(&postgres).await;
    let config = PgConfig { role: Some("turnloom_shop_account".to_owned()), ..config };
    let client = pg::raw::connect(&config, SCHEMA).await.unwrap();
    client.query("SELECT * FROM things", &[]).await.unwrap_err();
    client.batch_execute("RESET ROLE; RESET ALL").await.unwrap();
    let role: String = client.query_one("SELECT current_user::text", &[]).await.unwrap().get(0);
    assert_eq!(role, "turnloom_shop_account");
    client.query("SELECT * FROM things", &[]).await.unwrap_err();
    client.batch_execute("DROP TABLE things").await.unwrap_err();
}
