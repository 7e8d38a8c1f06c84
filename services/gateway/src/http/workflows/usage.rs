//! What AI answers took, as numbers of a workflow show it.

use contracts::cost::from_micros;
use contracts::v1;
use serde::Serialize;
use utoipa::ToSchema;

/// What AI answers took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[schema(as = AiUsage)]
pub(in crate::http) struct AiUsageView {
    /// Answers that were given.
    answers: u64,
    /// Times that the fallback was taken instead.
    fallbacks: u64,
    /// Tokens that a model read.
    prompt_tokens: u64,
    /// Tokens that a model said.
    completion_tokens: u64,
    /// By the prices of the settings, in their currency; to six decimals.
    #[schema(minimum = 0)]
    cost: f64,
}

impl From<v1::AiUsage> for AiUsageView {
    fn from(usage: v1::AiUsage) -> Self {
        Self {
            answers: usage.answers,
            fallbacks: usage.fallbacks,
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            cost: from_micros(i64::try_from(usage.cost_micros).unwrap_or(i64::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_shown_in_whole_units() {
        let usage = v1::AiUsage { answers: 3, cost_micros: 1_234_567, ..v1::AiUsage::default() };
        let shown = serde_json::to_value(AiUsageView::from(usage)).unwrap();
        assert_eq!((&shown["answers"], &shown["cost"]), (&3.into(), &1.234_567.into()));
    }
}
