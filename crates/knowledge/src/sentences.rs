//! Sentences of a text.

use unicode_segmentation::UnicodeSegmentation;

/// What stands before a point that ends no sentence.
const ABBREVIATIONS: [&str; 20] = [
    "e.g.", "i.e.", "etc.", "vs.", "approx.", "no.", "mr.", "mrs.", "dr.", "st.", "z.b.", "d.h.", "bzw.",
    "ca.", "nr.", "inkl.", "p.ex.", "sr.", "sra.", "cf.",
];

/// The sentences of a text, in order, with the blanks behind them: together they are the text.
pub(crate) fn split(text: &str) -> Vec<&str> {
    let mut sentences: Vec<&str> = Vec::new();
    let (mut from, mut to) = (0, 0);
    for part in text.split_sentence_bounds() {
        to += part.len();
        let sentence = text.get(from..to).unwrap_or_default();
        if !goes_on(sentence) {
            sentences.push(sentence);
            from = to;
        }
    }
    sentences.extend(text.get(from..).filter(|rest| !rest.is_empty()));
    sentences
}

fn goes_on(sentence: &str) -> bool {
    let last = sentence
        .split_whitespace()
        .next_back()
        .unwrap_or_default()
        .trim_start_matches(['(', '"'])
        .to_lowercase();
    ABBREVIATIONS.contains(&last.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_they_end() {
        let text = "Send it back, e.g. by post. It costs 4.50 EUR! Is that all? Yes\nA line. Another";
        let found: Vec<&str> = text.lines().flat_map(split).map(str::trim).collect();
        assert_eq!(
            found,
            [
                "Send it back, e.g. by post.",
                "It costs 4.50 EUR!",
                "Is that all?",
                "Yes",
                "A line.",
                "Another"
            ]
        );
    }
}
