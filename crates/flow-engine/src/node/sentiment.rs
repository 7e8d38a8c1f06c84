//! A sentiment node goes on by the mood of what the customer wrote.
//!
//! VADER (C. Hutto, E. Gilbert, 2014): a lexicon and rules for English short texts. Texts in other languages are neutral,
//! but for their emoji.

use std::sync::LazyLock;

use serde_json::Value;
use vader_sentimental::SentimentIntensityAnalyzer;

use crate::graph::Moods;
use crate::node::Went;
use crate::turn::Object;

/// From this compound score on a text is positive, and from its negative down it is negative, as the paper has it.
const DECIDED: f64 = 0.05;
/// Characters that are looked at: the mood of a longer text is that of its beginning.
const CHARS_MAX: usize = 4096;

static ANALYZER: LazyLock<SentimentIntensityAnalyzer<'static>> =
    LazyLock::new(SentimentIntensityAnalyzer::new);

pub(crate) fn run(moods: &Moods, text: &str) -> (Object, Went) {
    let text: String = text.chars().take(CHARS_MAX).collect();
    let score = if text.trim().is_empty() { 0.0 } else { compound(&text) };
    let (label, place) = if score >= DECIDED {
        ("positive", moods.positive)
    } else if score <= -DECIDED {
        ("negative", moods.negative)
    } else {
        ("neutral", moods.neutral)
    };
    let score = (score * 100.0).round() / 100.0;
    let output = [("label".to_owned(), Value::from(label)), ("score".to_owned(), Value::from(score))];
    (Object::from_iter(output), Went::To(place))
}

fn compound(text: &str) -> f64 {
    let score = ANALYZER.polarity_scores(text).compound;
    if score.is_finite() { score } else { 0.0 }
}
