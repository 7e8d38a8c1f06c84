//! Pages of executions, newest first, at a cost that does not grow with the number of rows.
//!
//! For each channel and status the index gives the newest rows in order; a page merges these few lists. How many rows
//! there are, and in which slice and which hour of it a deep page begins, is known from the counters. Lists of one customer's
//! conversations are short: they are counted and skipped by index.

use chrono::{DateTime, Utc};
use contracts::v1;
use diesel::sql_types::{Array, BigInt, SmallInt, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_model::{AccountId, ConversationId, WorkflowId};
use uuid::Uuid;

use super::row::{ExecutionRow, FINISHED_COLUMNS, RUNNING_COLUMNS};
use super::span::{Counted, END_MS, Span, columns};
use super::{ReadError, Reads};
use crate::store::code::{big, channel, count, time};
use crate::store::commit::{HOUR_MS, SLICE_HOURS};

/// Rows that a page skips by index; what is further is found by the counters.
const SKIP_MAX: u64 = 1000;

/// Whether and how an execution ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// It is not over.
    Running,
    /// It ended well.
    Success,
    /// It failed.
    Failed,
}

impl Status {
    fn code(self) -> i16 {
        let status = match self {
            Self::Running => v1::ExecutionStatus::Running,
            Self::Success => v1::ExecutionStatus::Success,
            Self::Failed => v1::ExecutionStatus::Failed,
        };
        i16::try_from(i32::from(status)).unwrap_or(0)
    }
}

/// Which executions.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    /// Of this account.
    pub account: AccountId,
    /// Of this workflow.
    pub workflow: WorkflowId,
    /// With this status; any when none is given.
    pub status: Option<Status>,
    /// On these channels; never empty.
    pub channels: Vec<&'static str>,
    /// Started at or after this, Unix milliseconds.
    pub start_ms: Option<i64>,
    /// Started at or before this, Unix milliseconds.
    pub end_ms: Option<i64>,
    /// Only of these conversations.
    pub conversations: Option<Vec<ConversationId>>,
}

/// Where in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// After so many rows.
    Offset(u64),
    /// After this row.
    After {
        /// Its start, Unix milliseconds.
        started_at_ms: i64,
        /// Its id.
        id: Uuid,
    },
}

/// A page.
#[derive(Debug)]
pub(crate) struct Listed {
    /// Its rows.
    pub executions: Vec<v1::Execution>,
    /// How many there are in all.
    pub total: u64,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct Hour {
    /// One, or those of a slice.
    #[diesel(sql_type = SmallInt)]
    hours: i16,
    #[diesel(sql_type = Timestamptz)]
    begin: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    newer: i64,
}

impl Reads {
    /// A page of at most `limit` rows, and how many there are in all.
    pub async fn list(&self, filter: Filter, place: Place, limit: u32) -> Result<Listed, ReadError> {
        self.snapshot_of(filter.account, move |connection| {
            Box::pin(async move {
                let selection = Selection::of(&filter);
                let running = selection.count_running(connection).await?;
                let finished = selection.count_finished(connection).await?;
                let span = selection.span;
                let (span, after, skip) = match place {
                    Place::After { started_at_ms, id } => (span, Some((started_at_ms, id)), 0),
                    Place::Offset(skip) if skip <= SKIP_MAX || selection.conversations.is_some() => {
                        (span, None, skip)
                    }
                    Place::Offset(skip) if skip >= running + finished => {
                        return Ok(Listed { executions: Vec::new(), total: running + finished });
                    }
                    Place::Offset(skip) => selection.jump(connection, skip, running).await?,
                };
                let rows = selection.page(connection, span, after, skip, limit).await?;
                let executions = rows.into_iter().map(ExecutionRow::into_message).collect();
                Ok(Listed { executions, total: running + finished })
            })
        })
        .await
    }
}

/// A filter as the statements take it.
struct Selection {
    account: Uuid,
    workflow: Uuid,
    /// Channels and statuses of finished ones, every combination.
    pairs: (Vec<i16>, Vec<i16>),
    channels: Vec<i16>,
    with_running: bool,
    span: Span,
    conversations: Option<Vec<Uuid>>,
}

impl Selection {
    fn of(filter: &Filter) -> Self {
        let channels: Vec<i16> = filter.channels.iter().map(|name| channel(name)).collect();
        let statuses: Vec<i16> = [Status::Success, Status::Failed]
            .into_iter()
            .filter(|status| filter.status.is_none_or(|wanted| wanted == *status))
            .map(Status::code)
            .collect();
        let pairs = channels
            .iter()
            .flat_map(|channel| statuses.iter().map(move |status| (*channel, *status)))
            .unzip();
        Self {
            account: *filter.account.as_uuid(),
            workflow: *filter.workflow.as_uuid(),
            pairs,
            channels,
            with_running: filter.status.is_none_or(|wanted| wanted == Status::Running),
            span: Span {
                start_ms: filter.start_ms.unwrap_or(0).clamp(0, END_MS),
                end_ms: filter.end_ms.unwrap_or(END_MS).clamp(0, END_MS),
            },
            conversations: filter
                .conversations
                .as_ref()
                .map(|ids| ids.iter().map(|id| *id.as_uuid()).collect()),
        }
    }

    async fn count_running(&self, connection: &mut AsyncPgConnection) -> Result<u64, ReadError> {
        if !self.with_running {
            return Ok(0);
        }
        self.count_running_within(connection, self.span).await
    }

    async fn count_running_within(
        &self,
        connection: &mut AsyncPgConnection,
        span: Span,
    ) -> Result<u64, ReadError> {
        let counted: Count = sql_query(
            "SELECT count(*) AS n FROM running_executions WHERE workflow_id = $1 AND account_id = $2 AND channel = ANY($3)
             AND started_at BETWEEN $4 AND $5 AND ($6 OR conversation_id = ANY($7))",
        )
        .bind::<SqlUuid, _>(self.workflow)
        .bind::<SqlUuid, _>(self.account)
        .bind::<Array<SmallInt>, _>(&self.channels)
        .bind::<Timestamptz, _>(time(span.start_ms))
        .bind::<Timestamptz, _>(time(span.end_ms))
        .bind::<diesel::sql_types::Bool, _>(self.conversations.is_none())
        .bind::<Array<SqlUuid>, _>(self.conversations.clone().unwrap_or_default())
        .get_result(connection)
        .await?;
        Ok(count(counted.n))
    }

    async fn count_finished(&self, connection: &mut AsyncPgConnection) -> Result<u64, ReadError> {
        if self.span.start_ms > self.span.end_ms || self.pairs.0.is_empty() {
            return Ok(0);
        }
        if let Some(conversations) = &self.conversations {
            let counted: Count = sql_query(
                "SELECT count(*) AS n FROM executions
                 WHERE channel = ANY($1) AND status = ANY($2) AND conversation_id = ANY($3) AND workflow_id = $4 AND account_id = $5
                   AND started_at BETWEEN $6 AND $7",
            )
            .bind::<Array<SmallInt>, _>(&self.pairs.0)
            .bind::<Array<SmallInt>, _>(&self.pairs.1)
            .bind::<Array<SqlUuid>, _>(conversations)
            .bind::<SqlUuid, _>(self.workflow)
            .bind::<SqlUuid, _>(self.account)
            .bind::<Timestamptz, _>(time(self.span.start_ms))
            .bind::<Timestamptz, _>(time(self.span.end_ms))
            .get_result(connection)
            .await?;
            return Ok(count(counted.n));
        }
        let split = self.span.split();
        let mut total = 0;
        if !split.counted.is_empty() {
            let (hours, from, until) = columns(&split.counted);
            let counted: Count = sql_query(
                "SELECT COALESCE(sum(executions), 0)::bigint AS n
                 FROM UNNEST($4::smallint[], $5::timestamptz[], $6::timestamptz[]) AS part (width, from_at, until_at)
                 JOIN counters ON workflow_id = $3 AND hours = width AND hour >= from_at AND hour < until_at
                 JOIN UNNEST($1::smallint[], $2::smallint[]) AS pair (c, s) ON channel = c AND status = s",
            )
            .bind::<Array<SmallInt>, _>(&self.pairs.0)
            .bind::<Array<SmallInt>, _>(&self.pairs.1)
            .bind::<SqlUuid, _>(self.workflow)
            .bind::<Array<SmallInt>, _>(hours)
            .bind::<Array<Timestamptz>, _>(from)
            .bind::<Array<Timestamptz>, _>(until)
            .get_result(connection)
            .await?;
            total += count(counted.n);
        }
        for border in split.borders {
            total += self.count_by_index(connection, border).await?;
        }
        Ok(total)
    }

    /// Counts the rows of less than an hour.
    async fn count_by_index(&self, connection: &mut AsyncPgConnection, span: Span) -> Result<u64, ReadError> {
        let counted: Count = sql_query(
            "SELECT count(*) AS n FROM UNNEST($1::smallint[], $2::smallint[]) AS pair (c, s)
             JOIN executions ON channel = c AND status = s
             WHERE workflow_id = $3 AND started_at BETWEEN $4 AND $5",
        )
        .bind::<Array<SmallInt>, _>(&self.pairs.0)
        .bind::<Array<SmallInt>, _>(&self.pairs.1)
        .bind::<SqlUuid, _>(self.workflow)
        .bind::<Timestamptz, _>(time(span.start_ms))
        .bind::<Timestamptz, _>(time(span.end_ms))
        .get_result(connection)
        .await?;
        Ok(count(counted.n))
    }

    /// Finds the hour in which a deep page begins, so that only what is left of it is skipped row by row.
    async fn jump(
        &self,
        connection: &mut AsyncPgConnection,
        skip: u64,
        running: u64,
    ) -> Result<(Span, Option<(i64, Uuid)>, u64), ReadError> {
        // Rows newer than the last full hour come first; running ones may stand anywhere, so that the hour is looked
        // for as if all of them were newer.
        let split = self.span.split();
        let Some(counted_until_ms) = split.counted.last().map(|part| part.until_ms) else {
            return Ok((self.span, None, skip));
        };
        let mut newer_than_counted = 0;
        for border in split.borders.iter().filter(|border| border.start_ms >= counted_until_ms) {
            newer_than_counted += self.count_by_index(connection, *border).await?;
        }
        let Some(within) = skip.checked_sub(running + newer_than_counted) else {
            return Ok((self.span, None, skip));
        };
        let Some(mut found) = self.find(connection, &split.counted, within).await? else {
            return Ok((self.span, None, skip));
        };
        let mut newer = count(found.newer);
        if found.hours == SLICE_HOURS {
            let from_ms = found.begin.timestamp_millis();
            let until_ms = from_ms + i64::from(SLICE_HOURS) * HOUR_MS;
            let slice = [Counted { hours: 1, from_ms, until_ms }];
            let Some(hour) = self.find(connection, &slice, within - newer).await? else {
                return Ok((self.span, None, skip));
            };
            newer += count(hour.newer);
            found = hour;
        }
        let begin_ms = found.begin.timestamp_millis() + HOUR_MS;
        let running_newer = if running > 0 {
            let newer = Span { start_ms: begin_ms, end_ms: self.span.end_ms };
            self.count_running_within(connection, newer).await?
        } else {
            0
        };
        let passed = newer + newer_than_counted + running_newer;
        let span = Span { start_ms: self.span.start_ms, end_ms: begin_ms - 1 };
        Ok((span, None, skip.saturating_sub(passed)))
    }

    /// The oldest hour, or slice, of these that has at most so many rows before it in the list.
    async fn find(
        &self,
        connection: &mut AsyncPgConnection,
        counted: &[Counted],
        newer_max: u64,
    ) -> Result<Option<Hour>, ReadError> {
        let (hours, from, until) = columns(counted);
        let found = sql_query(
            "SELECT hours, hour AS begin, newer FROM (
                SELECT hours, hour, (sum(n) OVER (ORDER BY hour DESC) - n)::bigint AS newer FROM (
                    SELECT hours, hour, sum(executions) AS n
                    FROM UNNEST($4::smallint[], $5::timestamptz[], $6::timestamptz[]) AS part (width, from_at, until_at)
                    JOIN counters ON workflow_id = $3 AND hours = width AND hour >= from_at AND hour < until_at
                    JOIN UNNEST($1::smallint[], $2::smallint[]) AS pair (c, s) ON channel = c AND status = s
                    GROUP BY hours, hour) AS hours) AS places
             WHERE newer <= $7 ORDER BY hour LIMIT 1",
        )
        .bind::<Array<SmallInt>, _>(&self.pairs.0)
        .bind::<Array<SmallInt>, _>(&self.pairs.1)
        .bind::<SqlUuid, _>(self.workflow)
        .bind::<Array<SmallInt>, _>(hours)
        .bind::<Array<Timestamptz>, _>(from)
        .bind::<Array<Timestamptz>, _>(until)
        .bind::<BigInt, _>(big(newer_max))
        .get_results::<Hour>(connection)
        .await?;
        Ok(found.into_iter().next())
    }

    /// The rows of a span in order, after a row or after so many.
    async fn page(
        &self,
        connection: &mut AsyncPgConnection,
        span: Span,
        after: Option<(i64, Uuid)>,
        skip: u64,
        limit: u32,
    ) -> Result<Vec<ExecutionRow>, ReadError> {
        let (before_ms, before_id) = after.unwrap_or((END_MS, Uuid::max()));
        let of_finished = if self.pairs.0.is_empty() {
            // Not even looked at: planning for all slices takes longer than finding nothing in them.
            format!("SELECT {RUNNING_COLUMNS} FROM running_executions WHERE FALSE")
        } else if self.conversations.is_some() {
            format!(
                "SELECT {FINISHED_COLUMNS} FROM executions
                 WHERE channel = ANY($1) AND status = ANY($2) AND conversation_id = ANY($3) AND workflow_id = $4 AND account_id = $5
                   AND started_at BETWEEN $6 AND $7 AND (started_at, id) < ($8, $9)"
            )
        } else {
            format!(
                "SELECT newest.* FROM UNNEST($1::smallint[], $2::smallint[]) AS pair (c, s), LATERAL (
                    SELECT {FINISHED_COLUMNS} FROM executions
                    WHERE workflow_id = $4 AND channel = c AND status = s AND account_id = $5
                      AND started_at BETWEEN $6 AND $7 AND (started_at, id) < ($8, $9)
                    ORDER BY started_at DESC, id DESC LIMIT $10 + $11) AS newest"
            )
        };
        let rows = sql_query(format!(
            "SELECT * FROM ({of_finished}
                UNION ALL SELECT {RUNNING_COLUMNS} FROM running_executions
                WHERE $12 AND workflow_id = $4 AND channel = ANY($13) AND account_id = $5
                  AND started_at BETWEEN $6 AND $7 AND (started_at, id) < ($8, $9)
                  AND ($14 OR conversation_id = ANY($3))) AS merged
             ORDER BY started_at DESC, id DESC OFFSET $10 LIMIT $11"
        ))
        .bind::<Array<SmallInt>, _>(&self.pairs.0)
        .bind::<Array<SmallInt>, _>(&self.pairs.1)
        .bind::<Array<SqlUuid>, _>(self.conversations.clone().unwrap_or_default())
        .bind::<SqlUuid, _>(self.workflow)
        .bind::<SqlUuid, _>(self.account)
        .bind::<Timestamptz, _>(time(span.start_ms))
        .bind::<Timestamptz, _>(time(span.end_ms.min(before_ms)))
        .bind::<Timestamptz, _>(time(before_ms))
        .bind::<SqlUuid, _>(before_id)
        .bind::<BigInt, _>(big(skip))
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<diesel::sql_types::Bool, _>(self.with_running)
        .bind::<Array<SmallInt>, _>(&self.channels)
        .bind::<diesel::sql_types::Bool, _>(self.conversations.is_none())
        .get_results(connection)
        .await?;
        Ok(rows)
    }
}
