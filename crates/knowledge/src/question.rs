//! What a question asks about: its words without those that only ask.
//!
//! The little words of a language (articles, prepositions) are left out where passages are searched; here go the words
//! that customers put around what they want to know and that say nothing of it.

use unicode_segmentation::UnicodeSegmentation;

use crate::limits::{QUESTION_CHARS_MAX, QUESTION_WORDS_MAX};

/// Words that ask, greet and thank. Letters are compared in lower case.
const ASKING: &[&str] = &[
    // English
    "actually",
    "anybody",
    "anyone",
    "anything",
    "best",
    "could",
    "explain",
    "find",
    "get",
    "give",
    "gets",
    "getting",
    "go",
    "going",
    "gonna",
    "got",
    "guys",
    "happen",
    "happened",
    "happening",
    "happens",
    "hello",
    "help",
    "hey",
    "hi",
    "info",
    "information",
    "kind",
    "know",
    "let",
    "like",
    "look",
    "looking",
    "make",
    "may",
    "mean",
    "means",
    "might",
    "much",
    "must",
    "need",
    "needed",
    "needs",
    "one",
    "please",
    "possible",
    "question",
    "really",
    "say",
    "see",
    "shall",
    "should",
    "show",
    "something",
    "somehow",
    "somewhere",
    "still",
    "suppose",
    "supposed",
    "tell",
    "thank",
    "thanks",
    "thing",
    "things",
    "think",
    "try",
    "trying",
    "understand",
    "use",
    "used",
    "uses",
    "using",
    "want",
    "wants",
    "way",
    "ways",
    "whats",
    "whether",
    "without",
    "wonder",
    "wondering",
    "work",
    "works",
    "would",
    "able",
    "allowed",
    "many",
    "long",
    "often",
    "every",
    "ever",
    "yes",
    "okay",
    "ok",
    "also",
    "us",
    "within",
    "already",
    "else",
    "exactly",
    "simply",
    "take",
    "takes",
    // German
    "bitte",
    "brauche",
    "braucht",
    "danke",
    "erklären",
    "frage",
    "geben",
    "geht",
    "gibt",
    "gerne",
    "hallo",
    "helfen",
    "hilfe",
    "kannst",
    "kann",
    "können",
    "könnte",
    "machen",
    "macht",
    "möchte",
    "möglich",
    "muss",
    "müssen",
    "sagen",
    "sagt",
    "wieviel",
    "wissen",
    "wollen",
    "würde",
    "darf",
    "dürfen",
    "lange",
    "viel",
    "viele",
    "kriege",
    "bekomme",
    "bekommen",
    // French, Spanish
    "bonjour",
    "merci",
    "besoin",
    "peux",
    "peut",
    "puis",
    "voudrais",
    "savoir",
    "comment",
    "combien",
    "hola",
    "gracias",
    "puedo",
    "puede",
    "quiero",
    "quisiera",
    "saber",
    "necesito",
    "favor",
    "cuánto",
    "cómo",
    "hay",
    "faut",
];

/// The words of a question that a passage is searched by, in order and each once. All its words when all only ask.
#[must_use]
pub fn words(question: &str) -> Vec<String> {
    let question: String = question.chars().take(QUESTION_CHARS_MAX).collect();
    let mut all: Vec<String> = Vec::new();
    for word in question.unicode_words().flat_map(|word| word.split(['_', '.'])).map(str::to_lowercase) {
        if !word.is_empty() && !all.contains(&word) {
            all.push(word);
        }
    }
    let asked: Vec<String> = all.iter().filter(|word| !ASKING.contains(&word.as_str())).cloned().collect();
    let mut words = if asked.is_empty() { all } else { asked };
    words.truncate(QUESTION_WORDS_MAX);
    words
}

/// A text as words with single blanks between them, so that every part of `docker-compose.yml` or `max_ack_pending` can
/// be found by itself.
#[must_use]
pub fn searchable(text: &str) -> String {
    let words: Vec<&str> = text
        .unicode_words()
        .flat_map(|word| word.split(['_', '.']))
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asked_about_is_left() {
        assert_eq!(
            words("Hi, could you please tell me how I can return my SHOES?"),
            ["you", "me", "how", "i", "can", "return", "my", "shoes"]
        );
        assert_eq!(words("TURNLOOM_LOG turnloom"), ["turnloom", "log"]);
        assert_eq!(words("help please"), ["help", "please"]);
        assert!(words("?!").is_empty());
    }

    #[test]
    fn names_are_searchable_by_their_parts() {
        assert_eq!(
            searchable("see docker-compose.yml, `max_ack_pending`!"),
            "see docker compose yml max ack pending"
        );
    }
}
