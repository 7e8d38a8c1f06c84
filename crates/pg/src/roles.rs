//! The role of each service: what it may do at run time, when it is not the owner of its tables.
//!
//! A migration runs as the owner and grants the role what the service needs, and the service's connections take the role from their
//! first moment on: as an option of the connection, so that it costs no round trip and `RESET ROLE` leads back to it. In production a
//! service has a login of its own that is a member of its role only.

use tokio_postgres::{Client, Error};

/// The role of the service that owns this schema.
#[must_use]
pub fn role_of(schema: &str) -> String {
    format!("turnloom_{schema}")
}

/// The role of a service when it acts on behalf of an account: it sees that one's rows only.
#[must_use]
pub(crate) fn of_accounts(role: &str) -> String {
    format!("{role}_account")
}

/// Makes the roles if there are none, and lets the current user take them; whoever may take the service's may take that for accounts, but does
/// not have both at once. Roles belong to the cluster and not to one database: others may be at it at once.
pub(crate) async fn ensure(client: &Client, schema: &str) -> Result<(), Error> {
    let role = role_of(schema);
    let of_accounts = of_accounts(&role);
    client
        .batch_execute(&format!(
            "DO $$ DECLARE may boolean; BEGIN
                 IF to_regrole('{role}') IS NULL THEN
                     BEGIN CREATE ROLE {role} NOLOGIN NOINHERIT; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
                 END IF;
                 IF to_regrole('{of_accounts}') IS NULL THEN
                     BEGIN CREATE ROLE {of_accounts} NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
                 END IF;
                 IF NOT pg_has_role('{role}', '{of_accounts}', 'MEMBER') THEN
                     -- Whoever does the same at this moment comes first.
                     BEGIN GRANT {of_accounts} TO {role}; EXCEPTION WHEN unique_violation OR internal_error THEN NULL; END;
                 END IF;
                 -- Since 16 who makes a role is a member of it and still may not take it.
                 IF current_setting('server_version_num')::integer >= 160000
                     THEN may := pg_has_role(current_user, '{role}', 'SET');
                     ELSE may := pg_has_role(current_user, '{role}', 'MEMBER');
                 END IF;
                 IF NOT may THEN GRANT {role} TO CURRENT_USER; END IF;
             END $$"
        ))
        .await
}

/// Whether the current user may change the schema, or make it when there is none.
pub(crate) async fn may_migrate(client: &Client, schema: &str) -> Result<bool, Error> {
    let row = client
        .query_one(
            "SELECT COALESCE((SELECT pg_has_role(current_user, nspowner, 'USAGE') FROM pg_namespace WHERE nspname = $1),
                has_database_privilege(current_user, current_database(), 'CREATE'))",
            &[&schema],
        )
        .await?;
    Ok(row.get(0))
}
