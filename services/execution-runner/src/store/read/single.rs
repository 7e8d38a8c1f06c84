//! One execution, one message, one cursor.

use contracts::v1;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use flow_model::{AccountId, ConversationId, ExecutionId, WorkflowId};
use pg::Prepare;
use uuid::Uuid;

use super::row::{ExecutionRow, FINISHED_COLUMNS, RUNNING_COLUMNS};
use super::{ReadError, Reads};
use crate::partition::port::HandledAs;
use crate::store::code::{count, int, number, time};
use crate::store::commit::handled_as;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MessageFate {
    /// It has this execution.
    Handled(ExecutionId, WorkflowId),
    /// No workflow took it.
    Ignored,
    /// A person has the conversation, and sees it.
    WithPerson,
    /// It waits until the conversation's execution is over.
    Waiting,
    /// It could not be handled, and nobody has tried it again.
    Dead,
}

/// Up to where a partition's inputs are handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Its group.
    pub group: u32,
    /// The stream that `applied_seq` counts in.
    pub incarnation: i64,
    /// The last frame that was applied.
    pub applied_seq: u64,
}

#[derive(QueryableByName)]
struct FateRow {
    #[diesel(sql_type = Bool)]
    dead: bool,
    #[diesel(sql_type = Bool)]
    waits: bool,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    execution_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    workflow_id: Option<Uuid>,
}

#[derive(QueryableByName)]
struct CursorRow {
    #[diesel(sql_type = Integer)]
    grp: i32,
    #[diesel(sql_type = BigInt)]
    incarnation: i64,
    #[diesel(sql_type = BigInt)]
    applied_seq: i64,
}

impl Reads {
    /// An execution of this workflow and account, finished or running.
    pub async fn execution(
        &self,
        account: AccountId,
        workflow: WorkflowId,
        id: ExecutionId,
    ) -> Result<Option<v1::Execution>, ReadError> {
        let mut connection = self.pool.of(account.as_uuid()).await?;
        // An id holds its start, so one slice of the table is looked at.
        let found = sql_query(format!(
            "SELECT {FINISHED_COLUMNS} FROM executions WHERE id = $1 AND started_at = $2 AND workflow_id = $3 AND account_id = $4
             UNION ALL
             SELECT {RUNNING_COLUMNS} FROM running_executions WHERE id = $1 AND workflow_id = $3 AND account_id = $4 LIMIT 1"
        ))
        .bind::<SqlUuid, _>(id.as_uuid())
        .bind::<Timestamptz, _>(time(id.accepted_at_ms()))
        .bind::<SqlUuid, _>(workflow.as_uuid())
        .bind::<SqlUuid, _>(account.as_uuid())
        .prepared()
        .get_result::<ExecutionRow>(&mut *connection)
        .await
        .optional()?;
        Ok(found.map(ExecutionRow::into_message))
    }

    /// What became of the message with this key: handled since then, Unix milliseconds, or else dead. Both are looked for in one
    /// snapshot: of a message that is tried again, either the letter is open or it is on its way.
    pub async fn message(&self, key: Uuid, since_ms: i64) -> Result<Option<MessageFate>, ReadError> {
        let mut connection = self.pool.get().await?;
        let found = sql_query(
            "SELECT dead, waits, execution_id, workflow_id FROM (
                (SELECT FALSE AS dead, FALSE AS waits, execution_id, workflow_id FROM message_keys
                 WHERE key = $1 AND accepted_at >= $2 ORDER BY accepted_at DESC LIMIT 1)
                UNION ALL
                (SELECT FALSE, TRUE, NULL, NULL FROM mailboxes WHERE key = $1 LIMIT 1)
                UNION ALL
                (SELECT TRUE, FALSE, NULL, NULL FROM dead_letters WHERE message_key = $1 AND retried_at IS NULL LIMIT 1)) AS fates
             ORDER BY dead, waits LIMIT 1",
        )
        .bind::<SqlUuid, _>(key)
        .bind::<Timestamptz, _>(time(since_ms))
        .prepared()
        .get_result::<FateRow>(&mut *connection)
        .await
        .optional()?;
        Ok(found.map(|row| match handled_as(row.execution_id, row.workflow_id) {
            _ if row.dead => MessageFate::Dead,
            _ if row.waits => MessageFate::Waiting,
            HandledAs::Execution(execution, workflow) => MessageFate::Handled(execution, workflow),
            HandledAs::Done(_) => MessageFate::WithPerson,
            HandledAs::Ignored => MessageFate::Ignored,
        }))
    }

    /// What was said in a conversation last, oldest first: of each execution what came in and what was answered.
    pub async fn said_last(
        &self,
        conversation: ConversationId,
        executions_max: u32,
    ) -> Result<Vec<v1::ExecutionRecord>, ReadError> {
        let mut connection = self.pool.get().await?;
        let found = sql_query(format!(
            "SELECT {FINISHED_COLUMNS} FROM executions WHERE conversation_id = $1 ORDER BY started_at DESC, id DESC LIMIT $2"
        ))
        .bind::<SqlUuid, _>(conversation.as_uuid())
        .bind::<BigInt, _>(i64::from(executions_max))
        .prepared()
        .get_results::<ExecutionRow>(&mut *connection)
        .await?;
        Ok(found.into_iter().rev().filter_map(|row| row.into_message().record).collect())
    }

    /// Where a partition stands.
    pub async fn cursor(&self, partition: u32) -> Result<Option<Cursor>, ReadError> {
        let mut connection = self.pool.get().await?;
        let found = sql_query("SELECT grp, incarnation, applied_seq FROM partitions WHERE id = $1")
            .bind::<Integer, _>(int(partition))
            .get_result::<CursorRow>(&mut *connection)
            .await
            .optional()?;
        Ok(found.map(|row| Cursor {
            group: number(row.grp),
            incarnation: row.incarnation,
            applied_seq: count(row.applied_seq),
        }))
    }
}
