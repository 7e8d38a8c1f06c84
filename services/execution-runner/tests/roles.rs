//! What a runner may do in the database, at run time: use its tables, and nothing else.

use crate::support::{PARTITIONS, Stack, greet, texts, workflow};
use clap::Parser;
use execution_runner::store::{MIGRATIONS, SCHEMA};
use execution_runner::{App, Config};
use flow_model::AccountId;
use local_stack::Postgres;
use pg::{MigrateError, PgConfig};
use platform::health::Health;
use tokio_postgres::error::SqlState;

#[tokio::test(flavor = "multi_thread")]
async fn a_runner_is_not_the_owner_of_its_tables() {
    let stack = Stack::start().await;
    let config = PgConfig::for_url(&stack.database_url);
    let client = pg::raw::connect(&config.as_service(SCHEMA), SCHEMA).await.unwrap();
    client.batch_execute("SELECT make_slice('executions', 100)").await.unwrap();
    for refused in [
        "DROP TABLE conversations",
        "ALTER TABLE conversations ADD COLUMN x int",
        "ALTER TABLE executions DETACH PARTITION executions_100",
        "TRUNCATE counters",
        "CREATE TABLE mine (n int)",
        "CREATE SCHEMA mine",
        "DELETE FROM partitions",
        "DELETE FROM __diesel_schema_migrations",
        "SELECT * FROM executions_100",
        "ALTER TABLE conversations DISABLE ROW LEVEL SECURITY",
        "DROP POLICY of_account ON conversations",
        "SELECT drop_slice('conversations', 100)",
        "SELECT make_slice('partitions', 100)",
        "SELECT lock_slice('outbox', 100)",
        "COPY conversations TO PROGRAM 'true'",
    ] {
        // Refused also behind a reset, which leads back to the role.
        let error = client.batch_execute(&format!("RESET ROLE; {refused}")).await.err();
        let code = error.as_ref().and_then(tokio_postgres::Error::code);
        assert_eq!(code, Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{refused}: {error:?}");
    }
    client
        .batch_execute("BEGIN; SELECT lock_slice('executions', 100), drop_slice('executions', 100); COMMIT")
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_of_its_own_is_all_that_a_runner_needs() {
    // Logins belong to a cluster, so this one is the test's own.
    let postgres = Postgres::ephemeral().unwrap();
    let owner = PgConfig::for_url(&postgres.url());
    let sql = pg::raw::connect(&owner, "public").await.unwrap();
    sql.batch_execute("CREATE ROLE acme_runner LOGIN PASSWORD 'secret'").await.unwrap();
    let url = format!("postgres://acme_runner:secret@{}", postgres.url().rsplit('@').next().unwrap());
    let own = PgConfig::for_url(&url);

    let early = pg::migrate(&own, SCHEMA, MIGRATIONS).await;
    assert!(matches!(early, Err(MigrateError::Pending { pending: 1.., .. })), "{early:?}");
    pg::migrate(&owner, SCHEMA, MIGRATIONS).await.unwrap();
    sql.batch_execute("GRANT turnloom_runner TO acme_runner").await.unwrap();
    pg::migrate(&own, SCHEMA, MIGRATIONS).await.unwrap();

    let mut stack = Stack::on(url.clone()).await;
    let runner = stack.runner("own").await;
    let workflow = workflow();
    stack.activate(workflow, &greet()).await;
    assert_eq!(texts(&stack.say("ann", "m-1", "hello").await), ["Hi ann, you said hello"]);
    assert_eq!(stack.list(stack.list_of(workflow)).await.executions.len(), 1);
    stack.account = AccountId::named("another");
    assert_eq!(stack.list(stack.list_of(workflow)).await.executions.len(), 0);
    runner.stop().await;

    // With the owner's address for migrations beside its own it starts, too.
    let partitions = PARTITIONS.to_string();
    let nats_url = stack.nats.url();
    let config = Config::parse_from([
        "execution-runner",
        "--database-url",
        &url,
        "--migration-database-url",
        &postgres.url(),
        "--nats-url",
        &nats_url,
        "--partitions",
        &partitions,
    ]);
    assert!(App::build(config, &Health::new()).await.is_ok());
    let theirs = pg::raw::connect(&own, SCHEMA).await.unwrap();
    theirs.batch_execute("SET ROLE turnloom").await.unwrap_err();
}
