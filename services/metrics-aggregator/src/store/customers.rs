//! Distinct customers of a span, exactly: of few quarters by looking at them, of many days by a sum.
//!
//! The sum (`flow_rollup::visitor`) is of whole UTC days: of those between the borders of days that are nearest to the span's.
//! Only customers who were there between such a border and the span's, half a day at most, are then looked at one by one:
//! who was there in the span and is not in the sum is added, who is in the sum and was not there in the span is taken off.

use diesel::sql_types::{Array, BigInt, Bool, Integer, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_model::WorkflowId;
use flow_rollup::day::begin_ms;
use flow_rollup::{Day, Span, visitor};
use pg::Prepare;

use super::by_day::days_around;
use super::read::DAYS_MIN;
use super::{StoreError, time};

/// Whose customers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Customers {
    /// Of which workflow.
    pub workflow: WorkflowId,
    /// Of which time.
    pub span: Span,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

#[derive(QueryableByName)]
struct AroundRow {
    #[diesel(sql_type = Bool)]
    before: bool,
    #[diesel(sql_type = Bool)]
    after: bool,
}

impl Customers {
    /// Without what was before this time.
    pub fn since(self, since_ms: i64) -> Self {
        let Span { start_ms, end_ms } = self.span;
        let start_ms = start_ms.max(since_ms);
        Self { span: Span { start_ms, end_ms: end_ms.max(start_ms) }, ..self }
    }
}

/// By looking at all quarters.
pub(super) async fn of_quarters(
    connection: &mut AsyncPgConnection,
    Customers { workflow, span }: Customers,
) -> Result<i64, StoreError> {
    let row: CountRow = sql_query(
        // Hashed: count(DISTINCT …) would sort.
        "SELECT count(*) AS n FROM (SELECT DISTINCT customer FROM visits
            WHERE workflow_id = $1 AND quarter >= $2 AND quarter < $3) AS customers",
    )
    .bind::<SqlUuid, _>(workflow.as_uuid())
    .bind::<Timestamptz, _>(time(span.start_ms))
    .bind::<Timestamptz, _>(time(span.end_ms))
    .prepared()
    .get_result(connection)
    .await?;
    Ok(row.n)
}

/// By days, of what is kept.
pub(super) async fn of_days(
    connection: &mut AsyncPgConnection,
    customers: Customers,
) -> Result<i64, StoreError> {
    let around = days_around(customers.span);
    if customers.span == around {
        return of_whole_days(connection, customers).await;
    }
    let Customers { workflow, span } = widened(connection, customers, around).await?;
    if span.days_inside().len() < DAYS_MIN {
        return of_quarters(connection, Customers { workflow, span }).await;
    }
    let near = span.days_near();
    let near = Span { start_ms: begin_ms(near.start), end_ms: begin_ms(near.end) };
    let sum = of_whole_days(connection, Customers { workflow, span: near }).await?;
    if span == near {
        return Ok(sum);
    }
    Ok(sum + correction(connection, Customers { workflow, span }, near).await?)
}

/// The span up to the borders of its days where nobody was there between them: so it is before the first one who came, and now.
async fn widened(
    connection: &mut AsyncPgConnection,
    Customers { workflow, span }: Customers,
    around: Span,
) -> Result<Customers, StoreError> {
    let row: AroundRow = sql_query(
        "SELECT EXISTS (SELECT FROM visits WHERE workflow_id = $1 AND quarter >= $2 AND quarter < $3) AS before,
            EXISTS (SELECT FROM visits WHERE workflow_id = $1 AND quarter >= $4 AND quarter < $5) AS after",
    )
    .bind::<SqlUuid, _>(workflow.as_uuid())
    .bind::<Timestamptz, _>(time(around.start_ms))
    .bind::<Timestamptz, _>(time(span.start_ms))
    .bind::<Timestamptz, _>(time(span.end_ms))
    .bind::<Timestamptz, _>(time(around.end_ms))
    .prepared()
    .get_result(connection)
    .await?;
    let start_ms = if row.before { span.start_ms } else { around.start_ms };
    let end_ms = if row.after { span.end_ms } else { around.end_ms };
    Ok(Customers { workflow, span: Span { start_ms, end_ms } })
}

async fn of_whole_days(
    connection: &mut AsyncPgConnection,
    Customers { workflow, span }: Customers,
) -> Result<i64, StoreError> {
    let days = span.days_inside();
    let summed = visitor::summed(days.start);
    let row: CountRow = sql_query(
        "SELECT COALESCE(sum(n), 0)::bigint AS n
         FROM UNNEST($2::int[], $3::int[], $4::int[]) AS summed (width, first_day, end_day)
         CROSS JOIN LATERAL (SELECT sum(customers) AS n FROM returns WHERE workflow_id = $1 AND returns.width = summed.width
             AND last_day >= first_day AND last_day < end_day AND day >= $5 AND day < $6) AS sums",
    )
    .bind::<SqlUuid, _>(workflow.as_uuid())
    .bind::<Array<Integer>, _>(summed.iter().map(|(width, _)| *width).collect::<Vec<Day>>())
    .bind::<Array<Integer>, _>(summed.iter().map(|(_, last)| last.start).collect::<Vec<Day>>())
    .bind::<Array<Integer>, _>(summed.iter().map(|(_, last)| last.end).collect::<Vec<Day>>())
    .bind::<Integer, _>(days.start)
    .bind::<Integer, _>(days.end)
    .prepared()
    .get_result(connection)
    .await?;
    Ok(row.n)
}

/// How many more were there in a span than in the days near to it.
async fn correction(
    connection: &mut AsyncPgConnection,
    Customers { workflow, span }: Customers,
    near: Span,
) -> Result<i64, StoreError> {
    // The first and the last day of the span, as far as it does not have them as a whole, and what of them only one of both has.
    let inside = span.days_inside();
    let inside_of = Span { start_ms: begin_ms(inside.start), end_ms: begin_ms(inside.end) };
    let around = days_around(span);
    let one_of = |one: i64, other: i64| Span { start_ms: one.min(other), end_ms: one.max(other) };
    let days = [one_of(around.start_ms, inside_of.start_ms), one_of(inside_of.end_ms, around.end_ms)];
    let wrong = [one_of(span.start_ms, near.start_ms), one_of(span.end_ms, near.end_ms)];
    let times = |spans: [Span; 2], of: fn(Span) -> i64| spans.map(|span| time(of(span))).to_vec();
    let near = near.days_inside();
    let row: CountRow = sql_query(
        "WITH edges AS MATERIALIZED (
             SELECT customer, bool_or(quarter >= $6 AND quarter < $7) AS is_in_span
             FROM UNNEST($2::timestamptz[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[])
                 AS edge (begins, ends, wrong_begins, wrong_ends)
             CROSS JOIN LATERAL (SELECT customer, quarter FROM visits
                 WHERE workflow_id = $1 AND quarter >= begins AND quarter < ends OFFSET 0) AS visits
             GROUP BY customer HAVING bool_or(quarter >= wrong_begins AND quarter < wrong_ends))
         SELECT COALESCE(sum((is_in_span OR width_bucket($9 - 1, days) > width_bucket($8 - 1, days))::int
             - (width_bucket($11 - 1, days) > width_bucket($10 - 1, days))::int), 0)::bigint AS n
         FROM edges CROSS JOIN LATERAL (SELECT days FROM visitors
             WHERE workflow_id = $1 AND visitors.customer = edges.customer LIMIT 1) AS known",
    )
    .bind::<SqlUuid, _>(workflow.as_uuid())
    .bind::<Array<Timestamptz>, _>(times(days, |span| span.start_ms))
    .bind::<Array<Timestamptz>, _>(times(days, |span| span.end_ms))
    .bind::<Array<Timestamptz>, _>(times(wrong, |span| span.start_ms))
    .bind::<Array<Timestamptz>, _>(times(wrong, |span| span.end_ms))
    .bind::<Timestamptz, _>(time(span.start_ms))
    .bind::<Timestamptz, _>(time(span.end_ms))
    .bind::<Integer, _>(inside.start)
    .bind::<Integer, _>(inside.end)
    .bind::<Integer, _>(near.start)
    .bind::<Integer, _>(near.end)
    .prepared()
    .get_result(connection)
    .await?;
    Ok(row.n)
}
