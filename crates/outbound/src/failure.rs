//! Why a call to another system did not succeed.

use crate::retry::Retry;

/// Why, for programs. The spelling of a code never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallCode {
    /// The address is not public, and not allowed by the operator.
    Blocked,
    /// The URL is none that can be called.
    BadUrl,
    /// A header cannot be sent, or not by a workflow.
    BadHeader,
    /// The name is unknown, nobody listens, the certificate is not good, or the connection was lost.
    Unreachable,
    /// No answer, or not all of it, in time.
    TimedOut,
    /// The answer is longer than it may be.
    AnswerTooLarge,
    /// The answer is a redirect; none is followed.
    Redirected,
    /// The answer's status is 400 or above.
    Status,
}

impl CallCode {
    /// All codes.
    pub const ALL: [Self; 8] = [
        Self::Blocked,
        Self::BadUrl,
        Self::BadHeader,
        Self::Unreachable,
        Self::TimedOut,
        Self::AnswerTooLarge,
        Self::Redirected,
        Self::Status,
    ];

    /// The code as steps and events spell it, such as `HTTP_TIMED_OUT`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "HTTP_BLOCKED",
            Self::BadUrl => "HTTP_BAD_URL",
            Self::BadHeader => "HTTP_BAD_HEADER",
            Self::Unreachable => "HTTP_UNREACHABLE",
            Self::TimedOut => "HTTP_TIMED_OUT",
            Self::AnswerTooLarge => "HTTP_ANSWER_TOO_LARGE",
            Self::Redirected => "HTTP_REDIRECTED",
            Self::Status => "HTTP_STATUS",
        }
    }
}

/// A call that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.as_str())]
pub struct CallFailure {
    /// Why.
    pub code: CallCode,
    /// Why, for people. It never holds a header, a body, or more of the URL than its host.
    pub message: String,
    /// The status of the answer, when there is one.
    pub status: Option<u16>,
    /// Whether the same call may be made again.
    pub retry: Retry,
}

impl CallFailure {
    pub(crate) fn new(code: CallCode, message: impl Into<String>, retry: Retry) -> Self {
        Self { code, message: message.into(), status: None, retry }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_spelling_of_its_own() {
        let mut spellings = CallCode::ALL.map(CallCode::as_str);
        spellings.sort_unstable();
        assert!(spellings.windows(2).all(|pair| pair[0] != pair[1]), "{spellings:?}");
        assert!(spellings.iter().all(|spelling| spelling.starts_with("HTTP_")), "{spellings:?}");
    }
}
