//! Why a request is not taken as it came, and how the API learns of it.

use std::cell::Cell;
use std::rc::Rc;

/// The method of the request that stands in for a head that was refused. No caller's request has it: it would be
/// refused for it.
pub(crate) const STAND_IN: &str = "REFUSED";
/// That request.
pub(super) const STAND_IN_HEAD: &[u8] = b"REFUSED / HTTP/1.1\r\nhost: -\r\nconnection: close\r\n\r\n";

/// What is wrong with a request before anything is known of the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The head breaks a rule of RFC 9112, or can be understood in more than one way.
    Head(&'static str),
    /// The request line is too long.
    Target,
    /// The head is too large, or has too many fields.
    Fields,
    /// The head was not there in time.
    HeadLate,
    /// The framing of the body breaks a rule of RFC 9112.
    Body(&'static str),
    /// Far more came of the body than any operation takes.
    BodyLarge,
    /// The body was not there in time.
    BodyLate,
}

/// What went wrong on a connection: written by whoever reads it, told by whoever answers. The last thing that happens on it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mishap(Rc<Cell<Option<Refusal>>>);

impl Mishap {
    /// Notes it, and counts it.
    pub fn note(&self, refusal: Refusal) {
        metrics::counter!("turnloom_http_refused_total", "reason" => refusal.label()).increment(1);
        self.0.set(Some(refusal));
    }

    /// What it was.
    pub fn get(&self) -> Option<Refusal> {
        self.0.get()
    }
}

impl Refusal {
    /// As metrics call it.
    fn label(self) -> &'static str {
        match self {
            Self::Head(_) => "head",
            Self::Target => "target_too_long",
            Self::Fields => "head_too_large",
            Self::HeadLate => "head_late",
            Self::Body(_) => "body",
            Self::BodyLarge => "body_too_large",
            Self::BodyLate => "body_late",
        }
    }
}
