//! Nothing that a stranger sends makes reading, answering or asking panic, or go beyond its bounds.

use flow_model::workflow::ResponseType;
use knowledge::extract::{Found, FoundPassage, extract};
use knowledge::limits::{PASSAGE_CHARS_MAX, PASSAGES_MAX};
use knowledge::rank::Term;
use knowledge::{Language, MediaType, question, read, reply};
use proptest::prelude::*;

fn kinds() -> impl Strategy<Value = MediaType> {
    prop::sample::select(MediaType::ALL.to_vec())
}

/// Pieces of all formats in any order.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "# ",
        "## Heading\n",
        "\n\n",
        "- item\n",
        "| a | b |\n|---|---|\n| c | d |\n",
        "```\n",
        "<p>",
        "</p>",
        "<table><tr><td>",
        "</table>",
        "<script>",
        "</script>",
        "<title>",
        "<!--",
        "&amp;",
        "&#0;",
        "text. ",
        "%PDF-1.4\n",
        "1 0 obj\n",
        "<< /Type /Catalog /Pages 2 0 R >>\n",
        "endobj\n",
        "stream\n",
        "endstream\n",
        "trailer\n",
        "startxref\n0\n%%EOF",
        "\u{feff}",
        "ä",
        "\u{0}",
        "[a](b)",
        "**",
        "> ",
        "<select>",
        "<h1>",
        "</h1>",
        "<br>",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat().into_bytes())
}

fn check(bytes: &[u8], kind: MediaType) -> Result<(), TestCaseError> {
    let Ok(document) = read(bytes, kind) else { return Ok(()) };
    prop_assert!((1..=PASSAGES_MAX).contains(&document.passages.len()));
    for passage in &document.passages {
        prop_assert!(!passage.text.trim().is_empty());
        prop_assert!(passage.text.chars().count() <= PASSAGE_CHARS_MAX);
        prop_assert!(!passage.text.contains('\0'));
        prop_assert!(passage.headings.len() <= 6);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), kind in kinds()) {
        check(&bytes, kind)?;
    }

    #[test]
    fn any_mixture_is_read_or_refused(bytes in soup(), kind in kinds()) {
        check(&bytes, kind)?;
    }

    #[test]
    fn a_damaged_pdf_is_read_or_refused(at in 0..700_usize, byte in any::<u8>(), cut in 0..700_usize) {
        let mut bytes = include_bytes!("hello.pdf").to_vec();
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        check(&bytes, MediaType::Pdf)?;
        bytes.truncate(cut);
        check(&bytes, MediaType::Pdf)?;
    }

    #[test]
    fn any_question_has_words_and_any_passage_an_answer(question in ".{0,200}", text in "(?s).{0,600}", coverage in any::<f64>()) {
        prop_assert!(Language::parse(Language::detect(&text).code()).is_some());
        let terms: Vec<Term> =
            question::words(&question).into_iter().map(|lexeme| Term { lexeme, weight: 1.0 }).collect();
        let passage = FoundPassage { text, coverage, ..FoundPassage::default() };
        let answer = extract(&Found { terms, passages: vec![passage] });
        prop_assert!(answer.confidence.is_nan() || (0.0..=1.0).contains(&answer.confidence));
    }

    #[test]
    fn any_reply_is_read_or_refused(answer in "(?s).{0,300}", passages in 0..10_usize) {
        for form in [ResponseType::Conversational, ResponseType::Structured, ResponseType::Hybrid] {
            if let Ok(reply) = reply::read(&answer, form, passages) {
                prop_assert!(reply.sources.iter().all(|source| *source < passages));
            }
        }
    }
}

#[test]
fn deep_nesting_is_flat_work() {
    let deep = |open: &str, close: &str| format!("{}x{}", open.repeat(100_000), close.repeat(100_000));
    for (text, kind) in [
        (deep("<div>", "</div>"), MediaType::Html),
        (deep("<b><p>", ""), MediaType::Html),
        (deep("<table><tr><td>", ""), MediaType::Html),
        (deep("> ", ""), MediaType::Markdown),
        (deep("[", "]"), MediaType::Markdown),
        (deep("*a **b ", ""), MediaType::Markdown),
        (format!("%PDF-1.4\n1 0 obj\n{}", "[".repeat(100_000)), MediaType::Pdf),
        (format!("%PDF-1.4\n1 0 obj\n{}", "<</A".repeat(100_000)), MediaType::Pdf),
    ] {
        // Only that it ends, and does so without a panic, is asked for.
        read(text.as_bytes(), kind).ok();
    }
}

#[test]
fn a_pdf_is_read_by_its_lines() {
    let document = read(include_bytes!("hello.pdf"), MediaType::Pdf).unwrap();
    let all: Vec<&str> = document.passages.iter().map(|passage| passage.text.as_str()).collect();
    assert_eq!(document.title.as_deref(), Some("Returns of parcels"));
    assert_eq!(
        all,
        ["You can send a parcel back within 30 days. We pay the postage.\nRefunds take five days."]
    );
}
