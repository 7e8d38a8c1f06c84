//! Documents of each kind become passages under their headings.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use knowledge::limits::DOCUMENT_BYTES_MAX;
use knowledge::{MediaType, Unreadable, read};

/// The passages as `heading > heading: text`.
fn told(text: &str, kind: MediaType) -> Vec<String> {
    let document = read(text.as_bytes(), kind).unwrap();
    document
        .passages
        .iter()
        .map(|passage| format!("{}: {}", passage.headings.join(" > "), passage.text.replace('\n', " / ")))
        .collect()
}

#[test]
fn markdown_is_read_by_its_structure() {
    let text = "# Shop\nWe *sell* [shoes](https://example.com).\nAll `sizes`.\n\n## Returns\n- within 30 days\n- unworn\n  - with box\n\n\
                | size | price |\n|---|---|\n| 42 | 80 EUR |\n\n```sh\nmake run\n```\n<p>More <b>here</b></p>\n";
    assert_eq!(
        told(text, MediaType::Markdown),
        [
            "Shop: We sell shoes. All sizes.",
            "Shop > Returns: within 30 days / unworn / with box / | size: 42 | price: 80 EUR /     make run / More here",
        ]
    );
}

#[test]
fn html_is_read_as_it_is_seen() {
    let text = "<!doctype html><html><head><title>Our shop &amp; you</title><style>p{}</style><script>if (a<b) {}</script></head>\
                <body><nav>Home</nav><h1>Re<i>turns</i></h1><p>Within <b>30</b> days.</p><ul><li>unworn<li>with box</ul>\
                <table><tr><th>Size</th><td><p>42</p></td><td>80&nbsp;EUR</td></tr></table><h2>Costs</h2>We pay.<!-- no --></body>";
    assert_eq!(
        told(text, MediaType::Html),
        ["Returns: Within 30 days. / unworn / with box / | Size | 42 | 80 EUR", "Returns > Costs: We pay."]
    );
    assert_eq!(read(text.as_bytes(), MediaType::Html).unwrap().title.as_deref(), Some("Our shop & you"));
}

#[test]
fn plain_text_is_read_by_its_paragraphs() {
    let text = "\u{feff}Returns\n\nYou have 30 days\nto send it back.\n\n- unworn\n- with box\n";
    assert_eq!(
        told(text, MediaType::Text),
        ["Returns: You have 30 days to send it back. / - unworn / - with box"]
    );
}

#[test]
fn a_document_of_one_heading_says_that() {
    assert_eq!(told("We open at nine", MediaType::Text), [": We open at nine"]);
    assert_eq!(told("# We open at nine\n", MediaType::Markdown), [": We open at nine"]);
}

#[test]
fn what_cannot_be_read_is_refused_with_the_reason() {
    let encrypted = "%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n";
    for (bytes, kind, why) in [
        (&b""[..], MediaType::Text, Unreadable::Empty),
        (b" \n\t", MediaType::Markdown, Unreadable::Empty),
        (b"<p> </p><script>x</script>", MediaType::Html, Unreadable::Empty),
        (b"caf\xe9", MediaType::Text, Unreadable::NotUtf8(3)),
        (b"\xff\xfea\0", MediaType::Html, Unreadable::NotUtf8(0)),
        (b"hello", MediaType::Pdf, Unreadable::NotPdf),
        (encrypted.as_bytes(), MediaType::Pdf, Unreadable::NotPdf),
    ] {
        assert_eq!(read(bytes, kind), Err(why), "{kind:?}");
    }
    let large = vec![b'a'; DOCUMENT_BYTES_MAX + 1];
    assert_eq!(read(&large, MediaType::Text), Err(Unreadable::TooLarge));
}

#[test]
fn a_document_as_large_as_may_be_is_read() {
    let line = "A sentence of some words. ";
    let text = line.repeat(DOCUMENT_BYTES_MAX / line.len());
    let document = read(text.as_bytes(), MediaType::Markdown).unwrap();
    assert!(document.passages.len() > 10_000);
}
