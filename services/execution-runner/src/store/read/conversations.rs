//! Conversations as they stand.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use contracts::v1;
use diesel::sql_types::{
    BigInt, Binary, Bool, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use flow_engine::State;
use flow_model::{AccountId, Channel, ConversationId};
use prost::Message;
use uuid::Uuid;

use super::{ReadError, Reads};
use crate::partition::port::WaitsOn;
use crate::store::code::{big, channel, channel_name, count, number, waits_on};

const COLUMNS: &str = "conversations.id, conversations.channel, conversations.customer_id, seq, created_at, updated_at, wait_workflow_id, \
     wait_revision, wait_started_state_no, wait_node_id, wait_state, wait_until, wait_on, wait_since, wait_timer_at, mail_to - mail_from \
     AS mailbox, wait_failed_execution_id, owner_epoch, person_team, person_agent, person_note, person_since, person_until, \
     running_executions.id AS running_id";
const TABLES: &str =
    "conversations LEFT JOIN running_executions ON running_executions.conversation_id = conversations.id";

/// Which conversations of a list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Which {
    /// Of this customer; all when empty.
    pub customer_id: String,
    /// Over this channel; all when empty.
    pub channel: String,
    /// With a person, or not; all when none.
    pub with_person: Option<bool>,
}

/// Where a page of conversations begins.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Begins {
    /// After so many.
    Offset(u64),
    /// After this one.
    After(DateTime<Utc>, Uuid),
}

/// A page of conversations.
#[derive(Debug)]
pub(crate) struct Listed {
    /// In order.
    pub conversations: Vec<v1::Conversation>,
    /// How many there are on all pages.
    pub total: u64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SmallInt)]
    channel: i16,
    #[diesel(sql_type = Text)]
    customer_id: String,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    updated_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    wait_workflow_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Integer>)]
    wait_revision: Option<i32>,
    #[diesel(sql_type = Nullable<BigInt>)]
    wait_started_state_no: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    wait_node_id: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    wait_state: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    wait_until: Option<DateTime<Utc>>,
    #[diesel(sql_type = SmallInt)]
    wait_on: i16,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    wait_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    wait_timer_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = BigInt)]
    mailbox: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    wait_failed_execution_id: Option<Uuid>,
    #[diesel(sql_type = BigInt)]
    owner_epoch: i64,
    #[diesel(sql_type = Nullable<Text>)]
    person_team: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    person_agent: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    person_note: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    person_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    person_until: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    running_id: Option<Uuid>,
}

#[derive(QueryableByName)]
struct MarkerRow {
    #[diesel(sql_type = SqlUuid)]
    workflow_id: Uuid,
    #[diesel(sql_type = Binary)]
    payload: Vec<u8>,
}

#[derive(QueryableByName)]
struct TotalRow {
    #[diesel(sql_type = BigInt)]
    total: i64,
}

#[derive(QueryableByName)]
struct ThereRow {
    #[diesel(sql_type = Bool)]
    is_there: bool,
}

fn ms(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis()
}

fn id_bytes(id: Option<Uuid>) -> bytes::Bytes {
    id.map(|id| id.as_bytes().to_vec().into()).unwrap_or_default()
}

impl Row {
    /// As the bus carries it. What it waits in is left out when that is over: its time is, or its workflow's.
    fn into_message(self, markers: &HashMap<Uuid, v1::CatalogMarker>, now_ms: i64) -> v1::Conversation {
        let person = self.person_since.map(|since| v1::Person {
            team: self.person_team.unwrap_or_default(),
            agent: self.person_agent.unwrap_or_default(),
            note: self.person_note.unwrap_or_default(),
            since_ms: ms(since),
            until_ms: self.person_until.map(ms).unwrap_or_default(),
        });
        let on = waits_on(self.wait_on);
        let is_over = self.wait_until.is_some_and(|until| ms(until) <= now_ms) && on == WaitsOn::Input;
        let started_state_no = count(self.wait_started_state_no.unwrap_or_default());
        let is_gone = self.wait_workflow_id.and_then(|id| markers.get(&id)).is_some_and(|marker| {
            marker.status() == v1::WorkflowStatus::Deleted || started_state_no < marker.cancel_before_state_no
        });
        let reason = match on {
            WaitsOn::Input => Some(v1::WaitReason::Input),
            WaitsOn::Time => Some(v1::WaitReason::Timer),
            WaitsOn::Activity => Some(v1::WaitReason::Activity),
            WaitsOn::Agent => Some(v1::WaitReason::Person),
            WaitsOn::Retry => None,
        };
        let workflow = self.wait_workflow_id.filter(|_| !is_over && !is_gone);
        let wait = workflow.zip(reason).map(|(workflow, reason)| {
            let state = State::decode(self.wait_state.as_deref().unwrap_or_default());
            let variables = state.map(|state| state.vars().clone()).unwrap_or_default();
            let until = match reason {
                v1::WaitReason::Person => self.person_until,
                v1::WaitReason::Timer => self.wait_timer_at,
                _ => self.wait_timer_at.or(self.wait_until),
            };
            v1::ConversationWait {
                workflow_id: workflow.as_bytes().to_vec().into(),
                revision: number(self.wait_revision.unwrap_or_default()),
                node_id: self.wait_node_id.unwrap_or_default(),
                variables_json: serde_json::Value::Object(variables).to_string().into(),
                reason: reason.into(),
                since_ms: self.wait_since.map(ms).unwrap_or_default(),
                until_ms: until.map(ms),
            }
        });
        let failed = self.wait_failed_execution_id.filter(|_| on == WaitsOn::Retry && !is_gone);
        v1::Conversation {
            id: self.id.as_bytes().to_vec().into(),
            customer_id: self.customer_id,
            channel: channel_name(self.channel).to_owned(),
            last_seq: count(self.seq),
            created_at_ms: ms(self.created_at),
            updated_at_ms: ms(self.updated_at),
            wait,
            person,
            owner_epoch: count(self.owner_epoch),
            mailbox: u32::try_from(self.mailbox).unwrap_or(0),
            running_execution_id: id_bytes(self.running_id),
            failed_execution_id: id_bytes(failed),
        }
    }
}

impl Reads {
    /// A conversation of this account; none when there is none, or it was erased.
    pub async fn conversation(
        &self,
        account: AccountId,
        id: ConversationId,
        now_ms: i64,
    ) -> Result<Option<v1::Conversation>, ReadError> {
        self.snapshot_of(account, move |connection| {
            Box::pin(async move {
                let found = sql_query(format!(
                    "SELECT {COLUMNS} FROM {TABLES} WHERE conversations.id = $1 AND conversations.account_id = $2
                     AND conversations.customer_id <> ''"
                ))
                .bind::<SqlUuid, _>(id.as_uuid())
                .bind::<SqlUuid, _>(account.as_uuid())
                .get_result::<Row>(connection)
                .await
                .optional()?;
                let Some(row) = found else { return Ok(None) };
                let markers = markers(connection, row.wait_workflow_id.into_iter().collect()).await?;
                Ok(Some(row.into_message(&markers, now_ms)))
            })
        })
        .await
    }

    /// Whether this account has this conversation.
    pub async fn has_conversation(&self, account: AccountId, id: ConversationId) -> Result<bool, ReadError> {
        let mut connection = self.pool.of(account.as_uuid()).await?;
        let found = sql_query(
            "SELECT EXISTS (SELECT 1 FROM conversations WHERE id = $1 AND account_id = $2 AND customer_id <> '') AS is_there",
        )
        .bind::<SqlUuid, _>(id.as_uuid())
        .bind::<SqlUuid, _>(account.as_uuid())
        .get_result::<ThereRow>(&mut *connection)
        .await?;
        Ok(found.is_there)
    }

    /// A page, newest first: those that began last, ties by id.
    pub async fn conversations(
        &self,
        account: AccountId,
        which: Which,
        from: Begins,
        rows_max: u32,
        now_ms: i64,
    ) -> Result<Listed, ReadError> {
        self.snapshot_of(account, move |connection| {
            Box::pin(async move {
                let filters = filters(account, &which);
                let (offset, place) = match from {
                    Begins::Offset(offset) => (offset, None),
                    Begins::After(at, id) => (0, Some((at, id))),
                };
                let (at, id) = place.unwrap_or((DateTime::<Utc>::MAX_UTC, Uuid::max()));
                let after =
                    if place.is_some() { "AND (created_at, conversations.id) < ($5, $6)" } else { "" };
                let page = sql_query(format!(
                    "SELECT {COLUMNS} FROM {TABLES} WHERE {filters} {after}
                     ORDER BY created_at DESC, conversations.id DESC OFFSET $3 LIMIT $4"
                ))
                .bind::<SqlUuid, _>(account.as_uuid())
                .bind::<SmallInt, _>(channel(&which.channel))
                .bind::<BigInt, _>(big(offset))
                .bind::<BigInt, _>(i64::from(rows_max));
                let rows: Vec<Row> = match place {
                    None => page.load(connection).await?,
                    Some(_) => {
                        page.bind::<Timestamptz, _>(at).bind::<SqlUuid, _>(id).load(connection).await?
                    }
                };
                let workflows = rows.iter().filter_map(|row| row.wait_workflow_id).collect();
                let markers = markers(connection, workflows).await?;
                let total = total(connection, account, &which).await?;
                let conversations = rows.into_iter().map(|row| row.into_message(&markers, now_ms)).collect();
                Ok(Listed { conversations, total })
            })
        })
        .await
    }
}

/// What holds for the conversations of a list. `$1` is the account, `$2` the channel.
fn filters(account: AccountId, which: &Which) -> String {
    let mut filters =
        "conversations.account_id = $1 AND conversations.customer_id <> '' AND ($2 = 0 OR conversations.channel = $2)"
            .to_owned();
    if !which.customer_id.is_empty() {
        // A customer's conversations have ids that follow from the channel.
        let ids = Channel::ALL.map(|channel| {
            format!("'{}'", ConversationId::of(account, channel.as_str(), &which.customer_id).as_uuid())
        });
        filters = format!("{filters} AND conversations.id IN ({})", ids.join(", "));
    }
    match which.with_person {
        Some(true) => filters.push_str(" AND person_since IS NOT NULL"),
        Some(false) => filters.push_str(" AND person_since IS NULL"),
        None => {}
    }
    filters
}

/// How many there are: of all of an account from counters, of one customer and of those with a person by index.
async fn total(
    connection: &mut diesel_async::AsyncPgConnection,
    account: AccountId,
    which: &Which,
) -> Result<u64, ReadError> {
    let counted = |filters: String| format!("SELECT count(*) AS total FROM conversations WHERE {filters}");
    let with_person = Which { with_person: Some(true), ..which.clone() };
    let in_all = "SELECT coalesce(sum(conversations), 0)::bigint AS total FROM conversation_counts WHERE account_id = $1 AND ($2 = 0 OR channel = $2)";
    let statement = match which.with_person {
        _ if !which.customer_id.is_empty() => counted(filters(account, which)),
        Some(true) => counted(filters(account, which)),
        Some(false) => {
            format!("SELECT ({in_all}) - ({}) AS total", counted(filters(account, &with_person)))
        }
        None => in_all.to_owned(),
    };
    let found = sql_query(statement)
        .bind::<SqlUuid, _>(account.as_uuid())
        .bind::<SmallInt, _>(channel(&which.channel))
        .get_result::<TotalRow>(connection)
        .await?;
    Ok(count(found.total))
}

/// The last known state of these workflows.
async fn markers(
    connection: &mut diesel_async::AsyncPgConnection,
    workflows: Vec<Uuid>,
) -> Result<HashMap<Uuid, v1::CatalogMarker>, ReadError> {
    if workflows.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sql_query(
        "SELECT DISTINCT ON (workflow_id) workflow_id, payload FROM catalog_markers WHERE workflow_id = ANY($1)
         ORDER BY workflow_id, state_no DESC",
    )
    .bind::<diesel::sql_types::Array<SqlUuid>, _>(workflows)
    .load::<MarkerRow>(connection)
    .await?;
    let read = rows
        .into_iter()
        .filter_map(|row| Some((row.workflow_id, v1::CatalogMarker::decode(row.payload.as_slice()).ok()?)));
    Ok(read.collect())
}
