//! Languages: which rules of word endings and little words a text is searched with.

use whatlang::Lang;

/// Characters that are enough to tell the language by.
const SAMPLE_CHARS: usize = 4000;

/// A language that can be searched in. What is none of the known ones is searched word for word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Language {
    code: &'static str,
    configuration: &'static str,
}

const fn language(code: &'static str, configuration: &'static str) -> Language {
    Language { code, configuration }
}

impl Language {
    /// English, which is also what a text too short to tell is taken for.
    pub const ENGLISH: Self = language("en", "english");
    /// None of the known ones: words are searched as they stand.
    pub const OTHER: Self = language("und", "simple");
    /// All of them; the names are PostgreSQL's, version 15.
    pub const ALL: [Self; 27] = [
        language("ar", "arabic"),
        language("ca", "catalan"),
        language("da", "danish"),
        language("de", "german"),
        language("el", "greek"),
        Self::ENGLISH,
        language("es", "spanish"),
        language("eu", "basque"),
        language("fi", "finnish"),
        language("fr", "french"),
        language("ga", "irish"),
        language("hi", "hindi"),
        language("hu", "hungarian"),
        language("hy", "armenian"),
        language("id", "indonesian"),
        language("it", "italian"),
        language("lt", "lithuanian"),
        language("ne", "nepali"),
        language("nl", "dutch"),
        language("no", "norwegian"),
        language("pt", "portuguese"),
        language("ro", "romanian"),
        language("ru", "russian"),
        language("sr", "serbian"),
        language("sv", "swedish"),
        language("tr", "turkish"),
        Self::OTHER,
    ];

    /// The language of this code, ISO 639-1 or `und`.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code == code)
    }

    /// Its code, such as `en`.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.code
    }

    /// The name of PostgreSQL's text search configuration for it.
    #[must_use]
    pub fn configuration(self) -> &'static str {
        self.configuration
    }

    /// The language of a text, by its letters and their sequences. English when that cannot be told reliably.
    #[must_use]
    pub fn detect(text: &str) -> Self {
        let sample: String = text.chars().take(SAMPLE_CHARS).collect();
        let Some(found) = whatlang::detect(&sample).filter(whatlang::Info::is_reliable) else {
            return Self::ENGLISH;
        };
        Self::parse(code_of(found.lang())).unwrap_or(Self::OTHER)
    }
}

fn code_of(lang: Lang) -> &'static str {
    match lang {
        Lang::Ara => "ar",
        Lang::Cat => "ca",
        Lang::Dan => "da",
        Lang::Deu => "de",
        Lang::Ell => "el",
        Lang::Eng => "en",
        Lang::Spa => "es",
        Lang::Fin => "fi",
        Lang::Fra => "fr",
        Lang::Hin => "hi",
        Lang::Hun => "hu",
        Lang::Hye => "hy",
        Lang::Ind => "id",
        Lang::Ita => "it",
        Lang::Lit => "lt",
        Lang::Nep => "ne",
        Lang::Nld => "nl",
        Lang::Nob => "no",
        Lang::Por => "pt",
        Lang::Ron => "ro",
        Lang::Rus => "ru",
        Lang::Srp => "sr",
        Lang::Swe => "sv",
        Lang::Tur => "tr",
        _ => "und",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_taken_for_its_own_language() {
        for (code, text) in [
            ("en", "You can send the parcel back to us within thirty days after you have received it."),
            ("de", "Sie können das Paket innerhalb von dreißig Tagen nach Erhalt an uns zurückschicken."),
            ("fr", "Vous pouvez nous renvoyer le colis dans les trente jours qui suivent sa réception."),
            ("ru", "Вы можете вернуть нам посылку в течение тридцати дней после её получения."),
            ("und", "あなたは荷物を受け取ってから三十日以内に私たちに返送することができます。"),
            ("en", "ok"),
            ("en", ""),
        ] {
            assert_eq!(Language::detect(text).code(), code, "{text}");
        }
    }

    #[test]
    fn every_language_is_found_by_its_code() {
        for known in Language::ALL {
            assert_eq!(Language::parse(known.code()), Some(known));
        }
        assert_eq!(Language::parse("EN"), None);
    }
}
