//! The pool over a real PostgreSQL, which goes away and comes back.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use diesel::sql_types::Integer;
use diesel_async::RunQueryDsl;
use local_stack::Postgres;
use pg::{PgConfig, Pool, Unavailable};

#[derive(Debug)]
enum Failure {
    Query(#[expect(dead_code, reason = "shown by Debug when a test fails")] diesel::result::Error),
    Away,
    OnPurpose,
}

impl From<diesel::result::Error> for Failure {
    fn from(error: diesel::result::Error) -> Self {
        if pg::is_unavailable(&error) { Self::Away } else { Self::Query(error) }
    }
}

impl From<Unavailable> for Failure {
    fn from(_: Unavailable) -> Self {
        Self::Away
    }
}

#[derive(diesel::QueryableByName)]
struct Count {
    #[diesel(sql_type = Integer)]
    n: i32,
}

async fn insert(pool: &Pool, then: Result<(), Failure>) -> Result<(), Failure> {
    pool.run(move |connection| {
        Box::pin(async move {
            diesel::sql_query("INSERT INTO things VALUES (1)").execute(connection).await?;
            then
        })
    })
    .await
}

async fn count(pool: &Pool) -> i32 {
    let mut connection = pool.get().await.unwrap();
    let count: Count =
        diesel::sql_query("SELECT count(*)::int AS n FROM things").get_result(&mut connection).await.unwrap();
    count.n
}

async fn prepared(url: &str) -> Pool {
    let config = PgConfig::for_url(url);
    let client = pg::raw::connect(&config, "shop").await.unwrap();
    client.batch_execute("CREATE SCHEMA shop; CREATE TABLE things (n int)").await.unwrap();
    Pool::new(&config, "shop").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_fails_leaves_nothing() {
    let postgres = Postgres::ephemeral().unwrap();
    let pool = prepared(&postgres.url()).await;
    insert(&pool, Ok(())).await.unwrap();
    assert!(matches!(insert(&pool, Err(Failure::OnPurpose)).await, Err(Failure::OnPurpose)));
    assert_eq!(count(&pool).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_goes_on_when_its_caller_goes_away() {
    let postgres = Postgres::ephemeral().unwrap();
    let pool = prepared(&postgres.url()).await;
    let (started, has_started) = tokio::sync::oneshot::channel();
    let caller = tokio::spawn({
        let pool = pool.clone();
        async move {
            pool.run::<(), Failure, _>(move |connection| {
                Box::pin(async move {
                    started.send(()).unwrap();
                    diesel::sql_query("INSERT INTO things SELECT 1 FROM pg_sleep(0.2)")
                        .execute(connection)
                        .await?;
                    Ok(())
                })
            })
            .await
        }
    });
    has_started.await.unwrap();
    caller.abort();
    let deadline = Instant::now() + Duration::from_secs(30);
    while count(&pool).await != 1 {
        assert!(Instant::now() < deadline);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_comes_back_is_used_again() {
    let mut postgres = Postgres::ephemeral().unwrap();
    let pool = prepared(&postgres.url()).await;
    insert(&pool, Ok(())).await.unwrap();
    postgres.kill();
    for _ in 0..10 {
        let inserted = insert(&pool, Ok(())).await;
        assert!(matches!(inserted, Err(Failure::Away)), "{inserted:?}");
    }
    assert!(pool.check().await.is_err());
    postgres.start_again().unwrap();
    insert(&pool, Ok(())).await.unwrap();
    assert_eq!(count(&pool).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_statement_is_not_taken_for_an_absent_database() {
    let postgres = Postgres::ephemeral().unwrap();
    let pool = prepared(&postgres.url()).await;
    let result = pool
        .run::<(), Failure, _>(|connection| {
            Box::pin(async move {
                diesel::sql_query("SELECT nothing FROM nowhere").execute(connection).await?;
                Ok(())
            })
        })
        .await;
    assert!(matches!(result, Err(Failure::Query(_))), "{result:?}");
}
