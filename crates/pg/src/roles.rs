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

/// Makes the role if there is none, and lets the current user take it. Roles belong to the cluster and not to one database: others
/// may be at it at once.
pub(crate) async fn ensure(client: &Client, schema: &str) -> Result<(), Error> {
    let role = role_of(schema);
    client
        .batch_execute(&format!(
            "DO $$ DECLARE may boolean; BEGIN
                 IF to_regrole('{role}') IS NULL THEN
                     BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END;
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
