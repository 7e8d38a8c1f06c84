//! What is due by the clock. Each partition is looked at by itself, so that it costs the same whatever waits for later.

use chrono::{DateTime, Utc};
use contracts::v1;
use flow_model::{AccountId, ConversationId};
use prost::Message;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};
use uuid::Uuid;

use super::code::{channel_name, count, int, number, time};
use crate::partition::port::{Due, DueTimer, Timer};

/// Timers, and activities, of one partition at once.
const ROWS_MAX: i64 = 32;

const TIMERS: &str = "SELECT due.conversation_id, due.wait_no, due.partition, due.due_at, owner.account_id, owner.channel, owner.customer_id
FROM UNNEST($1::int[]) AS owned (id)
CROSS JOIN LATERAL (SELECT * FROM timers WHERE partition = owned.id AND due_at <= $2 ORDER BY due_at LIMIT $3) AS due
JOIN conversations AS owner ON owner.id = due.conversation_id";

const ACTIVITIES: &str = "SELECT due.request FROM UNNEST($1::int[]) AS owned (id)
CROSS JOIN LATERAL (SELECT * FROM activities WHERE partition = owned.id AND issue_at <= $2 ORDER BY issue_at LIMIT $3) AS due";

const POSTPONE: &str = "UPDATE activities SET issue_at = postponed.issue_at FROM UNNEST($1::uuid[], $2::timestamptz[]) AS postponed (id, issue_at)
WHERE activities.id = postponed.id";

const NEXT: &str = "SELECT min(next.at) FROM UNNEST($1::int[]) AS owned (id) CROSS JOIN LATERAL (
    (SELECT due_at AS at FROM timers WHERE partition = owned.id AND due_at > $2 ORDER BY due_at LIMIT 1)
    UNION ALL (SELECT issue_at FROM activities WHERE partition = owned.id AND issue_at > $2 ORDER BY issue_at LIMIT 1)) AS next";

/// The look-ups, prepared on one connection.
pub(super) struct Statements {
    timers: Statement,
    activities: Statement,
    next: Statement,
    postpone: Statement,
}

impl Statements {
    pub async fn prepare(client: &Client) -> Result<Self, Error> {
        Ok(Self {
            timers: client.prepare(TIMERS).await?,
            activities: client.prepare(ACTIVITIES).await?,
            next: client.prepare(NEXT).await?,
            postpone: client.prepare(POSTPONE).await?,
        })
    }
}

pub(super) async fn due(
    client: &Client,
    statements: &Statements,
    partitions: &[u32],
    now_ms: i64,
) -> Result<Due, Error> {
    let partitions: Vec<i32> = partitions.iter().copied().map(int).collect();
    let now = time(now_ms);
    let of: [&(dyn ToSql + Sync); 3] = [&partitions, &now, &ROWS_MAX];
    // They go out together, and cost one round trip.
    let (timers, activities, next) = futures::try_join!(
        client.query(&statements.timers, &of),
        client.query(&statements.activities, &of),
        client.query_one(&statements.next, &of[..2]),
    )?;
    Ok(Due {
        timers: timers.iter().map(timer).collect(),
        activities: activities.iter().filter_map(activity).collect(),
        next_ms: next.get::<_, Option<DateTime<Utc>>>(0).map(|at| at.timestamp_millis()),
    })
}

/// Moves on when activities are due.
pub(super) async fn postpone(
    client: &Client,
    statements: &Statements,
    activities: &[(Uuid, i64)],
) -> Result<(), Error> {
    let ids: Vec<Uuid> = activities.iter().map(|(id, _)| *id).collect();
    let times: Vec<DateTime<Utc>> = activities.iter().map(|(_, at_ms)| time(*at_ms)).collect();
    client.execute(&statements.postpone, &[&ids, &times]).await?;
    Ok(())
}

fn timer(row: &Row) -> DueTimer {
    DueTimer {
        timer: Timer {
            conversation: ConversationId::new(row.get(0)),
            wait_no: count(row.get(1)),
            partition: number(row.get(2)),
            due_at_ms: row.get::<_, DateTime<Utc>>(3).timestamp_millis(),
        },
        account: AccountId::new(row.get(4)),
        channel: channel_name(row.get(5)).to_owned(),
        customer_id: row.get(6),
    }
}

fn activity(row: &Row) -> Option<v1::Activity> {
    v1::Activity::decode(row.get::<_, &[u8]>(0))
        .inspect_err(|error| tracing::error!(%error, "a stored activity cannot be read"))
        .ok()
}
