//! A workflow's row and a revision's.

use chrono::{DateTime, Utc};
use contracts::v1::{self, WorkflowStatus};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use flow_model::{AccountId, WorkflowId};
use uuid::Uuid;

/// The columns of [`StoredWorkflow`].
pub(super) const COLUMNS: &str = "id, account_id, name, description, channel, status, revision, state_no, cancel_before_state_no, \
     announced_no, created_at, updated_at, activated_at, deactivated_at";

/// A workflow as it is stored.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct StoredWorkflow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub account_id: Uuid,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Text)]
    pub description: String,
    #[diesel(sql_type = Text)]
    pub channel: String,
    #[diesel(sql_type = SmallInt)]
    pub status: i16,
    #[diesel(sql_type = Integer)]
    pub revision: i32,
    #[diesel(sql_type = BigInt)]
    pub state_no: i64,
    #[diesel(sql_type = BigInt)]
    pub cancel_before_state_no: i64,
    #[diesel(sql_type = BigInt)]
    pub announced_no: i64,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub activated_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub deactivated_at: Option<DateTime<Utc>>,
}

impl StoredWorkflow {
    pub fn workflow_id(&self) -> WorkflowId {
        WorkflowId::new(self.id)
    }

    pub fn account(&self) -> AccountId {
        AccountId::new(self.account_id)
    }

    pub fn status(&self) -> WorkflowStatus {
        WorkflowStatus::try_from(i32::from(self.status)).unwrap_or(WorkflowStatus::Unspecified)
    }

    /// The version that `If-Match` names: changes with everything that a reader can see.
    pub fn etag(&self) -> String {
        format!("\"{}-{}-{}\"", self.revision, self.state_no, self.updated_at.timestamp_millis())
    }

    /// Whether every stream holds the workflow's state. Of one that was never active runners need not know.
    pub fn is_announced(&self) -> bool {
        self.announced_no >= self.state_no || self.activated_at.is_none()
    }

    /// As other services see it, without its configuration.
    pub fn to_message(&self) -> v1::Workflow {
        let ms = |time: DateTime<Utc>| time.timestamp_millis();
        v1::Workflow {
            id: self.workflow_id().to_vec().into(),
            name: self.name.clone(),
            description: self.description.clone(),
            status: self.status().into(),
            channel: self.channel.clone(),
            revision: u32::try_from(self.revision).unwrap_or(0),
            created_at_ms: ms(self.created_at),
            updated_at_ms: ms(self.updated_at),
            activated_at_ms: self.activated_at.map(ms),
            deactivated_at_ms: self.deactivated_at.map(ms),
            etag: self.etag(),
            ..v1::Workflow::default()
        }
    }
}

/// A text as it is compared and searched: case-folded as Unicode says, so that `Straße` is `STRASSE`.
pub(super) fn folded(text: &str) -> String {
    caseless::default_case_fold_str(text)
}

/// A status as it is stored: the number of the bus message.
pub(crate) fn status_code(status: WorkflowStatus) -> i16 {
    i16::try_from(i32::from(status)).unwrap_or(0)
}

/// A revision.
#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct Revision {
    #[diesel(sql_type = Text)]
    pub channel: String,
    #[diesel(sql_type = Binary)]
    pub configuration: Vec<u8>,
}
