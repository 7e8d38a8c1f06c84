//! Why a model gave no answer that can be used.

use crate::retry::Retry;

/// Why, for programs. The spelling of a code never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ModelCode {
    /// It cannot be reached, the connection was lost, or it has a fault (5xx).
    Unavailable,
    /// No answer, or not all of it, in time.
    TimedOut,
    /// It has too much to do, or was asked too often (429).
    RateLimited,
    /// It does not want to answer this: a bad key, a name that it does not know (4xx), or words that it does not like.
    Refused,
    /// It says nothing.
    Empty,
    /// It says more than it may.
    Endless,
    /// What it says is not the protocol.
    Nonsense,
}

impl ModelCode {
    /// All codes.
    pub const ALL: [Self; 7] = [
        Self::Unavailable,
        Self::TimedOut,
        Self::RateLimited,
        Self::Refused,
        Self::Empty,
        Self::Endless,
        Self::Nonsense,
    ];

    /// The code as steps and events spell it, such as `MODEL_TIMED_OUT`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "MODEL_UNAVAILABLE",
            Self::TimedOut => "MODEL_TIMED_OUT",
            Self::RateLimited => "MODEL_RATE_LIMITED",
            Self::Refused => "MODEL_REFUSED",
            Self::Empty => "MODEL_EMPTY",
            Self::Endless => "MODEL_ENDLESS",
            Self::Nonsense => "MODEL_NONSENSE",
        }
    }

    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Unavailable => "The language model cannot be reached",
            Self::TimedOut => "The language model did not answer in time",
            Self::RateLimited => "The language model is asked too often",
            Self::Refused => "The language model refuses to answer",
            Self::Empty => "The language model says nothing",
            Self::Endless => "The language model says more than it may",
            Self::Nonsense => "The language model's answer cannot be read",
        }
    }

    /// Whether the same question may have a better answer: not what it refuses, nor what is too long, which costs the same
    /// again.
    fn retry(self) -> Retry {
        match self {
            Self::Unavailable | Self::TimedOut | Self::RateLimited | Self::Empty | Self::Nonsense => {
                Retry::Any
            }
            Self::Refused | Self::Endless => Retry::Never,
        }
    }
}

/// A model gave no answer that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.as_str())]
pub struct ModelFailure {
    /// Why.
    pub code: ModelCode,
    /// Why, for people. It never holds the key, nor what was asked or answered.
    pub message: String,
    /// Whether the same may be asked again.
    pub retry: Retry,
}

impl ModelFailure {
    pub(super) fn of(code: ModelCode) -> Self {
        Self { code, message: code.message().to_owned(), retry: code.retry() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_spelling_of_its_own() {
        let mut spellings = ModelCode::ALL.map(ModelCode::as_str);
        spellings.sort_unstable();
        assert!(spellings.windows(2).all(|pair| pair[0] != pair[1]), "{spellings:?}");
        assert!(spellings.iter().all(|spelling| spelling.starts_with("MODEL_")), "{spellings:?}");
    }
}
