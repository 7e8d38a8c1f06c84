//! What AI answers took, as rows have it.

use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use flow_rollup::AiUsage;

/// The columns of a row.
pub(super) const COLUMNS: &str =
    "ai_answers, ai_fallbacks, ai_prompt_tokens, ai_completion_tokens, ai_cost_micros";

/// The sums of many rows, under the same names.
pub(super) const SUMS: &str = "sum(ai_answers)::bigint AS ai_answers, sum(ai_fallbacks)::bigint AS ai_fallbacks, \
     sum(ai_prompt_tokens)::bigint AS ai_prompt_tokens, sum(ai_completion_tokens)::bigint AS ai_completion_tokens, \
     sum(ai_cost_micros)::bigint AS ai_cost_micros";

/// One row's.
#[derive(QueryableByName)]
pub(super) struct UsageRow {
    #[diesel(sql_type = BigInt)]
    #[diesel(column_name = ai_answers)]
    answers: i64,
    #[diesel(sql_type = BigInt)]
    #[diesel(column_name = ai_fallbacks)]
    fallbacks: i64,
    #[diesel(sql_type = BigInt)]
    #[diesel(column_name = ai_prompt_tokens)]
    prompt_tokens: i64,
    #[diesel(sql_type = BigInt)]
    #[diesel(column_name = ai_completion_tokens)]
    completion_tokens: i64,
    #[diesel(sql_type = BigInt)]
    #[diesel(column_name = ai_cost_micros)]
    cost_micros: i64,
}

impl From<&UsageRow> for AiUsage {
    fn from(row: &UsageRow) -> Self {
        Self {
            answers: row.answers,
            fallbacks: row.fallbacks,
            prompt_tokens: row.prompt_tokens,
            completion_tokens: row.completion_tokens,
            cost_micros: row.cost_micros,
        }
    }
}
