//! An execution's row, finished or running.

use chrono::{DateTime, Utc};
use contracts::v1;
use diesel::sql_types::{Binary, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use prost::Message;
use uuid::Uuid;

use crate::store::code::{channel_name, number};

/// The columns of a finished execution, in the order in which [`RUNNING_COLUMNS`] has them too.
pub(crate) const FINISHED_COLUMNS: &str = "id, account_id, workflow_id, revision, conversation_id, customer_id, channel, status, \
     started_at, completed_at, record";
/// The same of a running one.
pub(super) const RUNNING_COLUMNS: &str = "id, account_id, workflow_id, revision, conversation_id, customer_id, channel, \
     1::smallint AS status, started_at, NULL::timestamptz AS completed_at, record";

#[derive(Debug, diesel::QueryableByName)]
pub(crate) struct ExecutionRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    workflow_id: Uuid,
    #[diesel(sql_type = Integer)]
    revision: i32,
    #[diesel(sql_type = SqlUuid)]
    conversation_id: Uuid,
    #[diesel(sql_type = Text)]
    customer_id: String,
    #[diesel(sql_type = SmallInt)]
    channel: i16,
    #[diesel(sql_type = SmallInt)]
    status: i16,
    #[diesel(sql_type = Timestamptz)]
    started_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    completed_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Binary)]
    record: Vec<u8>,
}

impl ExecutionRow {
    /// As the bus carries it.
    pub fn into_message(self) -> v1::Execution {
        let bytes = |id: Uuid| id.as_bytes().to_vec().into();
        v1::Execution {
            id: bytes(self.id),
            account_id: bytes(self.account_id),
            workflow_id: bytes(self.workflow_id),
            revision: number(self.revision),
            conversation_id: bytes(self.conversation_id),
            customer_id: self.customer_id,
            channel: channel_name(self.channel).to_owned(),
            status: i32::from(self.status),
            started_at_ms: self.started_at.timestamp_millis(),
            completed_at_ms: self.completed_at.map(|time| time.timestamp_millis()),
            replies_in_all: None,
            ai: None,
            record: v1::ExecutionRecord::decode(self.record.as_slice())
                .inspect_err(|error| tracing::error!(%error, "a stored execution cannot be read"))
                .ok(),
        }
    }
}
