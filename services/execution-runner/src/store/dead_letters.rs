//! What could not be handled and was put aside: finding it, and noting that it was tried again.
//!
//! The partition loop writes the rows, in the commit that passes the input by. A letter of which no account is known is
//! the operators' affair: it belongs to the account `default`.

use chrono::{DateTime, Utc};
use contracts::v1::{self, DeadLetterStatus};
use diesel::sql_types::{
    BigInt, Binary, Bool, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use flow_model::{AccountId, DeadLetterId};
use pg::Pool;
use uuid::Uuid;

use super::code::{big, count, number};
use super::read::{ReadError, Reads};

/// Characters of an error in a list: a page of a hundred must fit into one bus message.
const LISTED_ERROR_CHARS_MAX: i32 = 1000;
/// Characters of an error in the answer to a get.
const ERROR_CHARS_MAX: i32 = 10_000;
/// Bytes of a payload in the answer to a get: with the rest of the letter it must fit into one bus message.
const PAYLOAD_BYTES_MAX: i32 = 900 * 1024;

/// The account of letters of which none is known.
const OPERATORS: &str = "default";

/// Whose letters are seen: `$1` the account, `$2` whether it is the operators'.
const SEEN: &str = "(account_id = $1 OR ($2 AND account_id IS NULL))";
/// The columns of a letter but its error and payload, which are as long as it takes.
const COLUMNS: &str = "id, kind, created_at, retried_at, attempts, channel, customer_id, message_id, execution_id, grp, \
     octet_length(payload) AS payload_bytes";

/// Where in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// After so many letters.
    Offset(u64),
    /// After this one.
    After(Uuid),
}

/// A page.
#[derive(Debug)]
pub(crate) struct Listed {
    /// Newest first.
    pub letters: Vec<v1::DeadLetter>,
    /// How many there are in all.
    pub total: u64,
}

/// A letter with its payload, and the group of partitions that it came from.
#[derive(Debug)]
pub(crate) struct Found {
    /// The letter.
    pub letter: v1::DeadLetter,
    /// Its group.
    pub group: u32,
}

/// The dead letters.
#[derive(Debug, Clone)]
pub(crate) struct DeadLetters {
    pool: Pool,
    reads: Reads,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SmallInt)]
    kind: i16,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    retried_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Nullable<Text>)]
    channel: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    customer_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    message_id: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    execution_id: Option<Uuid>,
    #[diesel(sql_type = Integer)]
    grp: i32,
    #[diesel(sql_type = Integer)]
    payload_bytes: i32,
    #[diesel(sql_type = Text)]
    error: String,
    #[diesel(sql_type = Binary)]
    payload: Vec<u8>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

impl DeadLetters {
    /// Over these connections.
    pub fn new(pool: Pool, reads: Reads) -> Self {
        Self { pool, reads }
    }

    /// A page of at most `limit` letters without their payload, and how many there are in all.
    pub async fn list(
        &self,
        account: AccountId,
        status: DeadLetterStatus,
        place: Place,
        limit: u32,
    ) -> Result<Listed, ReadError> {
        let (before, skip) = match place {
            Place::Offset(skip) => (Uuid::max(), skip),
            Place::After(id) => (id, 0),
        };
        let wanted = match status {
            DeadLetterStatus::Unspecified => "TRUE",
            DeadLetterStatus::Open => "retried_at IS NULL",
            DeadLetterStatus::Retried => "retried_at IS NOT NULL",
        };
        self.reads
            .snapshot(move |connection| {
                Box::pin(async move {
                    let counted = sql_query(format!(
                        "SELECT count(*) AS n FROM dead_letters WHERE {SEEN} AND {wanted}"
                    ))
                    .bind::<SqlUuid, _>(account.as_uuid())
                    .bind::<Bool, _>(is_operators(account))
                    .get_result::<Count>(connection)
                    .await?;
                    let total = count(counted.n);
                    if skip >= total {
                        return Ok(Listed { letters: Vec::new(), total });
                    }
                    let rows = sql_query(format!(
                        "SELECT {COLUMNS}, left(error, $6) AS error, ''::bytea AS payload FROM dead_letters
                         WHERE {SEEN} AND {wanted} AND id < $3 ORDER BY id DESC OFFSET $4 LIMIT $5"
                    ))
                    .bind::<SqlUuid, _>(account.as_uuid())
                    .bind::<Bool, _>(is_operators(account))
                    .bind::<SqlUuid, _>(before)
                    .bind::<BigInt, _>(big(skip))
                    .bind::<BigInt, _>(i64::from(limit))
                    .bind::<Integer, _>(LISTED_ERROR_CHARS_MAX)
                    .get_results::<Row>(connection)
                    .await?;
                    Ok(Listed {
                        letters: rows.into_iter().map(|row| row.into_found().letter).collect(),
                        total,
                    })
                })
            })
            .await
    }

    /// A letter that this account sees.
    pub async fn find(&self, account: AccountId, id: DeadLetterId) -> Result<Option<Found>, ReadError> {
        let mut connection = self.pool.get().await?;
        let row = sql_query(format!(
            "SELECT {COLUMNS}, left(error, $4) AS error, substr(payload, 1, $5) AS payload FROM dead_letters
             WHERE {SEEN} AND id = $3"
        ))
        .bind::<SqlUuid, _>(account.as_uuid())
        .bind::<Bool, _>(is_operators(account))
        .bind::<SqlUuid, _>(id.as_uuid())
        .bind::<Integer, _>(ERROR_CHARS_MAX)
        .bind::<Integer, _>(PAYLOAD_BYTES_MAX)
        .get_result::<Row>(&mut *connection)
        .await
        .optional()?;
        Ok(row.map(Row::into_found))
    }

    /// Notes that a letter's input is in the stream again. One that is noted already keeps its time.
    pub async fn note_retried(&self, id: DeadLetterId) -> Result<(), ReadError> {
        self.pool
            .run(move |connection| {
                Box::pin(async move {
                    sql_query(
                        "UPDATE dead_letters SET retried_at = now() WHERE id = $1 AND retried_at IS NULL",
                    )
                    .bind::<SqlUuid, _>(id.as_uuid())
                    .execute(connection)
                    .await?;
                    Ok(())
                })
            })
            .await
    }
}

fn is_operators(account: AccountId) -> bool {
    account == AccountId::named(OPERATORS)
}

impl Row {
    fn into_found(self) -> Found {
        let status =
            if self.retried_at.is_some() { DeadLetterStatus::Retried } else { DeadLetterStatus::Open };
        let letter = v1::DeadLetter {
            id: self.id.as_bytes().to_vec().into(),
            kind: i32::from(self.kind),
            status: status.into(),
            dead_at_ms: self.created_at.timestamp_millis(),
            retried_at_ms: self.retried_at.map(|time| time.timestamp_millis()),
            error: self.error,
            attempts: number(self.attempts),
            channel: self.channel.unwrap_or_default(),
            customer_id: self.customer_id.unwrap_or_default(),
            message_id: self.message_id.unwrap_or_default(),
            execution_id: self.execution_id.map(|id| id.as_bytes().to_vec().into()).unwrap_or_default(),
            payload: self.payload.into(),
            payload_bytes: u64::from(number(self.payload_bytes)),
        };
        Found { letter, group: number(self.grp) }
    }
}
