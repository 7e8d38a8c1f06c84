//! What a bucket counts, as rows have it. Durations are not among it: sums of them are no numbers.

use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use flow_rollup::{AiUsage, Bucket, Sketch};

/// The columns of a row.
pub(super) const COLUMNS: &str = "succeeded, failed, duration_ms, messages_received, messages_sent, \
     ai_answers, ai_fallbacks, ai_prompt_tokens, ai_completion_tokens, ai_cost_micros";

/// The sums of many rows, under the same names.
pub(super) const SUMS: &str = "sum(succeeded)::bigint AS succeeded, sum(failed)::bigint AS failed, sum(duration_ms)::bigint AS duration_ms, \
     sum(messages_received)::bigint AS messages_received, sum(messages_sent)::bigint AS messages_sent, \
     sum(ai_answers)::bigint AS ai_answers, sum(ai_fallbacks)::bigint AS ai_fallbacks, \
     sum(ai_prompt_tokens)::bigint AS ai_prompt_tokens, sum(ai_completion_tokens)::bigint AS ai_completion_tokens, \
     sum(ai_cost_micros)::bigint AS ai_cost_micros";

/// One row's.
#[derive(QueryableByName)]
pub(super) struct NumbersRow {
    #[diesel(sql_type = BigInt)]
    succeeded: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = BigInt)]
    duration_ms: i64,
    #[diesel(sql_type = BigInt)]
    messages_received: i64,
    #[diesel(sql_type = BigInt)]
    messages_sent: i64,
    #[diesel(sql_type = BigInt)]
    ai_answers: i64,
    #[diesel(sql_type = BigInt)]
    ai_fallbacks: i64,
    #[diesel(sql_type = BigInt)]
    ai_prompt_tokens: i64,
    #[diesel(sql_type = BigInt)]
    ai_completion_tokens: i64,
    #[diesel(sql_type = BigInt)]
    ai_cost_micros: i64,
}

impl NumbersRow {
    /// The bucket with these numbers and durations.
    pub fn with(self, durations: Sketch) -> Bucket {
        Bucket {
            succeeded: self.succeeded,
            failed: self.failed,
            duration_ms: self.duration_ms,
            messages_received: self.messages_received,
            messages_sent: self.messages_sent,
            durations,
            ai: AiUsage {
                answers: self.ai_answers,
                fallbacks: self.ai_fallbacks,
                prompt_tokens: self.ai_prompt_tokens,
                completion_tokens: self.ai_completion_tokens,
                cost_micros: self.ai_cost_micros,
            },
        }
    }
}
