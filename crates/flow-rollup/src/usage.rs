//! What AI answers took: how many there were, their tokens, and what they cost, in millionths so that sums stay exact.

/// Answers of `ai_response` nodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AiUsage {
    /// Answers that were given.
    pub answers: i64,
    /// Times that the fallback was taken instead.
    pub fallbacks: i64,
    /// Tokens that a model read.
    pub prompt_tokens: i64,
    /// Tokens that a model said.
    pub completion_tokens: i64,
    /// What they cost, in millionths of the currency of the model's prices.
    pub cost_micros: i64,
}

impl AiUsage {
    /// Whether there was nothing.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what others took, so many times; below zero it is taken away.
    pub fn add_times(&mut self, other: Self, times: i64) {
        self.answers += times * other.answers;
        self.fallbacks += times * other.fallbacks;
        self.prompt_tokens += times * other.prompt_tokens;
        self.completion_tokens += times * other.completion_tokens;
        self.cost_micros += times * other.cost_micros;
    }
}
