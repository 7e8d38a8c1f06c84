//! Who owns which partition, and where each stands.

use chrono::{DateTime, Utc};
use contracts::v1;
use diesel::sql_types::{BigInt, Bool, Float, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::single::Cursor;
use super::{ReadError, Reads};
use crate::store::code::{count, number};

/// All runners and partitions, as they stood at one moment.
#[derive(Debug)]
pub(crate) struct Ownerships {
    /// By name, then group.
    pub runners: Vec<v1::Runner>,
    /// By number, without their backlog, and how far each is.
    pub partitions: Vec<(v1::PartitionState, Cursor)>,
    /// That moment by the database's clock, Unix milliseconds.
    pub as_of_ms: i64,
}

#[derive(QueryableByName)]
struct RunnerRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Integer)]
    grp: i32,
    #[diesel(sql_type = Timestamptz)]
    started_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    renewed_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    expires_at: DateTime<Utc>,
    #[diesel(sql_type = Bool)]
    alive: bool,
    #[diesel(sql_type = Float)]
    commits_per_second: f32,
    #[diesel(sql_type = Float)]
    inputs_per_second: f32,
}

#[derive(QueryableByName)]
struct PartitionRow {
    #[diesel(sql_type = Integer)]
    id: i32,
    #[diesel(sql_type = Integer)]
    grp: i32,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    owner: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    owned_since: Option<DateTime<Utc>>,
    #[diesel(sql_type = BigInt)]
    epoch: i64,
    #[diesel(sql_type = BigInt)]
    commit_no: i64,
    #[diesel(sql_type = BigInt)]
    incarnation: i64,
    #[diesel(sql_type = BigInt)]
    applied_seq: i64,
}

#[derive(QueryableByName)]
struct Moment {
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

impl Reads {
    /// Who owns what. A partition whose lease has run out belongs to nobody.
    pub async fn ownerships(&self) -> Result<Ownerships, ReadError> {
        self.snapshot(|connection| {
            Box::pin(async move {
                let runners = sql_query(
                    "SELECT id, name, grp, started_at, renewed_at, expires_at, expires_at > now() AS alive, commits_per_second,
                     inputs_per_second FROM runners ORDER BY name, grp, id",
                )
                .get_results::<RunnerRow>(connection)
                .await?;
                let partitions = sql_query(
                    "SELECT id, grp, CASE WHEN expires_at > now() THEN owner END AS owner,
                     CASE WHEN expires_at > now() THEN owned_since END AS owned_since, epoch, commit_no, incarnation, applied_seq
                     FROM partitions ORDER BY id",
                )
                .get_results::<PartitionRow>(connection)
                .await?;
                let moment: Moment = sql_query("SELECT now() AS at").get_result(connection).await?;
                Ok(Ownerships {
                    runners: runners.into_iter().map(runner).collect(),
                    partitions: partitions.iter().map(partition).collect(),
                    as_of_ms: moment.at.timestamp_millis(),
                })
            })
        })
        .await
    }
}

fn runner(row: RunnerRow) -> v1::Runner {
    v1::Runner {
        id: row.id.as_bytes().to_vec().into(),
        name: row.name,
        group: number(row.grp),
        started_at_ms: row.started_at.timestamp_millis(),
        renewed_at_ms: row.renewed_at.timestamp_millis(),
        expires_at_ms: row.expires_at.timestamp_millis(),
        alive: row.alive,
        commits_per_second: f64::from(row.commits_per_second),
        inputs_per_second: f64::from(row.inputs_per_second),
    }
}

fn partition(row: &PartitionRow) -> (v1::PartitionState, Cursor) {
    let cursor =
        Cursor { group: number(row.grp), incarnation: row.incarnation, applied_seq: count(row.applied_seq) };
    let state = v1::PartitionState {
        partition: number(row.id),
        group: cursor.group,
        owner: row.owner.map(|owner| owner.as_bytes().to_vec().into()).unwrap_or_default(),
        owned_since_ms: row.owner.and(row.owned_since).map(|since| since.timestamp_millis()),
        epoch: count(row.epoch),
        commit_no: count(row.commit_no),
        backlog_frames: 0,
        oldest_input_at_ms: None,
    };
    (state, cursor)
}
