//! The kinds of documents.

/// What a document is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// Plain text.
    Text,
    /// Markdown as of `CommonMark`, with tables.
    Markdown,
    /// HTML.
    Html,
    /// PDF with text in it; pictures of text are not read.
    Pdf,
}

impl MediaType {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Text, Self::Markdown, Self::Html, Self::Pdf];

    /// As a `Content-Type` names it, without parameters.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text/plain",
            Self::Markdown => "text/markdown",
            Self::Html => "text/html",
            Self::Pdf => "application/pdf",
        }
    }

    /// Reads a `Content-Type`. Texts are UTF-8: another `charset` is not one that can be read.
    #[must_use]
    pub fn parse(content_type: &str) -> Option<Self> {
        let mut parts = content_type.split(';').map(str::trim);
        let name = parts.next()?;
        let utf8 = parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("charset") => {
                ["utf-8", "us-ascii"].iter().any(|known| value.trim_matches('"').eq_ignore_ascii_case(known))
            }
            Some(_) | None => true,
        });
        Self::ALL.into_iter().find(|known| utf8 && known.as_str().eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_read() {
        for (text, kind) in [
            ("text/plain", Some(MediaType::Text)),
            ("Text/Markdown; charset=UTF-8", Some(MediaType::Markdown)),
            ("text/html;charset=\"utf-8\"; level=1", Some(MediaType::Html)),
            ("application/pdf", Some(MediaType::Pdf)),
            ("text/plain; charset=iso-8859-1", None),
            ("image/png", None),
            ("", None),
        ] {
            assert_eq!(MediaType::parse(text), kind, "{text}");
        }
    }
}
