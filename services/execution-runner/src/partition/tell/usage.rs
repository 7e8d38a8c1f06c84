//! What the AI answers of an execution took, from its steps.

use contracts::cost::to_micros;
use contracts::v1;
use serde::Deserialize;

/// The type of the steps that count.
const AI_RESPONSE: &str = "ai_response";
/// More tokens of one answer are not believed: a model may tell anything.
const TOKENS_MAX: u64 = 1_000_000_000;
/// Nor is a higher cost, in whole units of its currency.
const COST_MAX: f64 = 100_000.0;

/// What such a step has written down; a model's part is there only when one was asked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answered {
    fallback: bool,
    input_tokens: u64,
    output_tokens: u64,
    cost: f64,
}

/// The sum over an execution that is over; none without a step of the type.
pub fn of(record: &v1::ExecutionRecord) -> Option<v1::AiUsage> {
    let mut steps = record.steps.iter().filter(|step| step.r#type == AI_RESPONSE).peekable();
    steps.peek()?;
    let mut usage = v1::AiUsage::default();
    for step in steps.filter(|step| step.status() == v1::StepStatus::Completed) {
        let output: Answered = serde_json::from_slice(&step.output_json).unwrap_or_default();
        usage.answers += u64::from(!output.fallback);
        usage.fallbacks += u64::from(output.fallback);
        usage.prompt_tokens += output.input_tokens.min(TOKENS_MAX);
        usage.completion_tokens += output.output_tokens.min(TOKENS_MAX);
        usage.cost_micros += to_micros(output.cost.min(COST_MAX)).unsigned_abs();
    }
    Some(usage)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn step(step_type: &str, status: v1::StepStatus, output: &Value) -> v1::Step {
        v1::Step {
            r#type: step_type.to_owned(),
            status: status.into(),
            output_json: output.to_string().into(),
            ..v1::Step::default()
        }
    }

    fn usage(steps: Vec<v1::Step>) -> Option<v1::AiUsage> {
        of(&v1::ExecutionRecord { steps, ..v1::ExecutionRecord::default() })
    }

    #[test]
    fn an_execution_without_ai_answers_has_no_usage() {
        let tokens = json!({"input_tokens": 5, "output_tokens": 5});
        assert_eq!(usage(vec![]), None);
        assert_eq!(usage(vec![step("http_request", v1::StepStatus::Completed, &tokens)]), None);
    }

    #[test]
    fn answers_and_fallbacks_are_told_apart_and_what_was_spent_is_summed() {
        use v1::StepStatus::{Completed, Failed};
        let asked = json!({"response": "x", "input_tokens": 120, "output_tokens": 30, "cost": 0.000_1});
        let unsure = json!({"fallback": true, "input_tokens": 80, "output_tokens": 7, "cost": 0.000_05});
        let steps = vec![
            step("ai_response", Completed, &asked),
            step("message", Completed, &json!({"message_sent": "x"})),
            step("ai_response", Completed, &unsure),
            step("ai_response", Completed, &json!({"response": "the passage's own words"})),
            step("ai_response", Failed, &json!({})),
        ];
        let sum = v1::AiUsage {
            answers: 2,
            fallbacks: 1,
            prompt_tokens: 200,
            completion_tokens: 37,
            cost_micros: 150,
        };
        assert_eq!(usage(steps), Some(sum));
    }

    #[test]
    fn numbers_that_nobody_believes_are_bounded() {
        let output = json!({"input_tokens": u64::MAX, "output_tokens": u64::MAX, "cost": 1e300});
        let steps = (0..200).map(|_| step("ai_response", v1::StepStatus::Completed, &output)).collect();
        let usage = usage(steps).unwrap();
        assert_eq!(usage.prompt_tokens, 200 * TOKENS_MAX);
        assert_eq!(usage.cost_micros, 200 * 100_000 * 1_000_000);
    }
}
