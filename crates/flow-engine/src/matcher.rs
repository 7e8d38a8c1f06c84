//! Which workflow a message starts: all keywords of an account and channel in one automaton.
//!
//! A keyword matches as whole words (borders after UAX 29), without regard to case (full Unicode case folding)
//! and to the amount of white space. Of several the longest wins, then the most recently activated workflow, then
//! the highest id, so that the choice never depends on chance.

use std::collections::HashMap;

use aho_corasick::AhoCorasick;
use flow_model::WorkflowId;
use unicode_segmentation::UnicodeSegmentation;

/// A keyword of an active workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyword {
    /// As the user wrote it.
    pub text: String,
    /// Which workflow it starts.
    pub workflow: WorkflowId,
    /// When that was activated, Unix milliseconds.
    pub activated_at_ms: i64,
}

/// What a message matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The workflow to start.
    pub workflow: WorkflowId,
    /// The keyword, as the user wrote it.
    pub keyword: String,
}

/// All keywords, ready to be found.
#[derive(Debug)]
pub struct Matcher {
    automaton: Option<AhoCorasick>,
    /// For each pattern of the automaton its length in characters, and the keyword that wins among equal ones.
    patterns: Vec<(usize, Keyword)>,
}

impl Matcher {
    /// Builds the automaton. Keywords without a letter or digit are left out: they could never be whole words.
    #[must_use]
    pub fn build(keywords: Vec<Keyword>) -> Self {
        let mut best: HashMap<String, Keyword> = HashMap::with_capacity(keywords.len());
        for keyword in keywords {
            let folded = fold(&keyword.text);
            if !folded.chars().any(char::is_alphanumeric) {
                continue;
            }
            match best.get(&folded) {
                Some(held) if rank(held) >= rank(&keyword) => {}
                _ => {
                    best.insert(folded, keyword);
                }
            }
        }
        let mut patterns: Vec<(String, Keyword)> = best.into_iter().collect();
        patterns.sort_by(|one, other| one.0.cmp(&other.0));
        let automaton = AhoCorasick::new(patterns.iter().map(|(folded, _)| folded)).ok();
        let patterns =
            patterns.into_iter().map(|(folded, keyword)| (folded.chars().count(), keyword)).collect();
        Self { automaton, patterns }
    }

    /// The workflow that this text starts.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<Match> {
        let automaton = self.automaton.as_ref()?;
        let folded = fold(text);
        // Borders are worked out only for texts in which something was found.
        let mut borders: Option<Vec<usize>> = None;
        let mut winner: Option<&(usize, Keyword)> = None;
        for found in automaton.find_overlapping_iter(&folded) {
            let candidate = self.patterns.get(found.pattern().as_usize())?;
            if winner.is_some_and(|held| better(held) >= better(candidate)) {
                continue;
            }
            let borders = borders.get_or_insert_with(|| borders_of(&folded));
            if borders.binary_search(&found.start()).is_ok() && borders.binary_search(&found.end()).is_ok() {
                winner = Some(candidate);
            }
        }
        winner.map(|(_, keyword)| Match { workflow: keyword.workflow, keyword: keyword.text.clone() })
    }
}

fn rank(keyword: &Keyword) -> (i64, WorkflowId) {
    (keyword.activated_at_ms, keyword.workflow)
}

fn better((length, keyword): &(usize, Keyword)) -> (usize, (i64, WorkflowId)) {
    (*length, rank(keyword))
}

/// Case-folded, with single blanks for runs of white space and none at the ends.
fn fold(text: &str) -> String {
    // What ASCII folds to is ASCII, so most texts are done in one pass.
    let folded =
        if text.is_ascii() { text.to_ascii_lowercase() } else { caseless::default_case_fold_str(text) };
    let mut words = folded.split_whitespace();
    let mut joined = String::with_capacity(folded.len());
    joined.push_str(words.next().unwrap_or_default());
    for word in words {
        joined.push(' ');
        joined.push_str(word);
    }
    joined
}

/// Where words begin and end, ascending.
fn borders_of(text: &str) -> Vec<usize> {
    let mut borders: Vec<usize> = text.split_word_bound_indices().map(|(start, _)| start).collect();
    borders.push(text.len());
    borders
}

#[cfg(test)]
mod unit {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn keyword(text: &str, workflow: u128, activated_at_ms: i64) -> Keyword {
        Keyword {
            text: text.to_owned(),
            workflow: WorkflowId::new(Uuid::from_u128(workflow)),
            activated_at_ms,
        }
    }

    fn found(matcher: &Matcher, text: &str) -> Option<String> {
        matcher.find(text).map(|found| found.keyword)
    }

    #[test]
    fn keywords_match_as_whole_words_without_regard_to_case_and_blanks() {
        let matcher =
            Matcher::build(vec![keyword("Help  Me", 1, 1), keyword("start", 2, 1), keyword("Straße", 3, 1)]);
        for (text, expected) in [
            ("please HELP\n me!", Some("Help  Me")),
            ("helpme", None),
            ("restart", None),
            ("(start)", Some("start")),
            ("start's", None),
            ("STRASSE", Some("Straße")),
            ("", None),
        ] {
            assert_eq!(found(&matcher, text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn the_longest_keyword_wins_then_the_latest_activation_then_the_highest_id() {
        let matcher = Matcher::build(vec![
            keyword("help", 1, 9),
            keyword("help desk", 2, 1),
            keyword("Desk", 3, 5),
            keyword("desk", 4, 7),
            keyword("DESK", 5, 7),
        ]);
        let winner = |text| matcher.find(text).map(|found| found.workflow.as_uuid().as_u128());
        assert_eq!([winner("the help desk"), winner("help"), winner("desk")], [Some(2), Some(1), Some(5)]);
    }

    /// What the automaton should find, without one.
    fn naive(keywords: &[Keyword], text: &str) -> Option<Match> {
        let folded = fold(text);
        let borders = borders_of(&folded);
        keywords
            .iter()
            .filter(|keyword| {
                let pattern = fold(&keyword.text);
                pattern.chars().any(char::is_alphanumeric)
                    && (0..folded.len()).any(|start| {
                        folded.get(start..).is_some_and(|rest| rest.starts_with(&pattern))
                            && borders.contains(&start)
                            && borders.contains(&(start + pattern.len()))
                    })
            })
            .max_by_key(|keyword| (fold(&keyword.text).chars().count(), rank(keyword)))
            .map(|keyword| Match { workflow: keyword.workflow, keyword: keyword.text.clone() })
    }

    proptest! {
        #[test]
        fn the_automaton_finds_what_looking_at_each_keyword_finds(
            words in prop::collection::vec("[abAB ]{1,4}|[a-c](\\s[a-c]){0,2}|ß|\\PC{1,3}", 0..8),
            text in "[abcAB ]{0,20}|\\PC{0,20}",
        ) {
            let keywords: Vec<Keyword> = words
                .iter()
                .enumerate()
                .map(|(n, word)| keyword(word, n as u128, i64::try_from(n % 3).unwrap()))
                .collect();
            let expected = naive(&keywords, &text);
            let got = Matcher::build(keywords).find(&text);
            prop_assert_eq!(got.map(|found| found.workflow), expected.map(|found| found.workflow));
        }
    }
}
