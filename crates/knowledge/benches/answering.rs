//! Reading a document, ranking passages, and taking an answer from them.
#![expect(clippy::expect_used, reason = "a bench that cannot be prepared ends")]

use knowledge::extract::{Found, FoundPassage, extract};
use knowledge::rank::{Counted, Term, fit, fuse, weight};
use knowledge::{MediaType, question, read};

/// Passages that a search gives to rank.
const PASSAGES: u32 = 200;
/// Passages that an answer is taken from.
const FOUND: u32 = 8;

fn main() {
    micro::benches("knowledge", |benches| {
        benches.add("read_a_document_of_100_sections", || {
            let document = document(100);
            read(document.as_bytes(), MediaType::Markdown).expect("the document can be read");
            move || read(document.as_bytes(), MediaType::Markdown)
        });
        benches.add("words_of_a_question", || {
            || question::words("Hello, could you please tell me how long a refund for a broken lamp takes?")
        });
        benches.add("rank_200_passages", || {
            let (terms, passages): (_, Vec<Counted>) = (terms(), (0..PASSAGES).map(counted).collect());
            move || {
                let mut by_words: Vec<(usize, f64)> =
                    passages.iter().map(|passage| fit(&terms, passage, 80.0).score).enumerate().collect();
                by_words.sort_by(|(_, one), (_, other)| other.total_cmp(one));
                let by_words: Vec<usize> = by_words.into_iter().map(|(place, _)| place).collect();
                let by_meaning = by_words.iter().rev().copied().collect();
                fuse(&[by_words, by_meaning])
            }
        });
        benches.add("extract_an_answer_from_8_passages", || {
            let found = Found { terms: terms(), passages: (0..FOUND).map(passage).collect() };
            assert!(!extract(&found).text.is_empty());
            move || extract(&found)
        });
    });
}

fn terms() -> Vec<Term> {
    ["refund", "lamp", "broken", "long"]
        .into_iter()
        .zip(1..)
        .map(|(lexeme, rarity)| Term { lexeme: lexeme.to_owned(), weight: weight(rarity * 20, 1000) })
        .collect()
}

fn counted(number: u32) -> Counted {
    Counted { counts: (1..5).map(|term| number / term % 3).collect(), words: 40 + number % 90 }
}

fn passage(number: u32) -> FoundPassage {
    FoundPassage {
        document: format!("document-{number}"),
        title: "Returns".to_owned(),
        headings: vec!["Returns".to_owned(), format!("Case {number}")],
        position: number,
        text: section(number),
        score: 1.0 / f64::from(number + 1),
        coverage: 0.5,
        similarity: None,
    }
}

fn document(sections: u32) -> String {
    let sections: Vec<String> =
        (0..sections).map(|number| format!("## Case {number}\n\n{}\n\n", section(number))).collect();
    sections.concat()
}

fn section(number: u32) -> String {
    format!(
        "A lamp that came broken is replaced or paid back. The refund takes {number} days from when the parcel is here. \
         Keep the box until then, and write the number of the order on it.\n\n\
         - Small lamps: send them back in a letter.\n- Large lamps: somebody comes for them.\n\n\
         How long it takes depends on your bank, too; most banks take two more days."
    )
}
