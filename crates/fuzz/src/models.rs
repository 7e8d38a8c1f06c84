//! What other systems say: answers of language models, and the addresses of systems that workflows call.

use flow_model::workflow::ResponseType;
use knowledge::reply;
use outbound::guard::Guard;
use outbound::{Completion, OutboundConfig};

/// Forms that an answer can be asked for in.
const FORMS: [ResponseType; 3] =
    [ResponseType::Conversational, ResponseType::Structured, ResponseType::Hybrid];

/// What a model's endpoint answers, whole and as a stream, and what the model says in it.
pub(crate) fn answer(bytes: &[u8]) {
    for streamed in [false, true] {
        if let Ok(completion) = Completion::read(bytes, streamed) {
            assert!(!completion.text.trim().is_empty(), "an answer that says nothing");
            replies(&completion.text);
        }
    }
    replies(&String::from_utf8_lossy(bytes));
}

fn replies(text: &str) {
    for form in FORMS {
        let Ok(reply) = reply::read(text, form, 3) else { continue };
        assert!(reply.sources.iter().all(|source| *source < 3), "a source that nobody gave");
        assert!(reply.confidence.is_none_or(|sure| (0.0..=1.0).contains(&sure)), "more than sure");
    }
}

/// A URL. Whatever its spelling, what is let through by a guard that allows nothing is no address of this machine.
pub(crate) fn url(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let guard = Guard::new(&OutboundConfig { outbound_allow: Vec::new() });
    let Ok(url) = guard.check(&text) else { return };
    assert!(matches!(url.scheme(), "http" | "https"), "{url} is let through");
    let host = url.host_str().unwrap_or_default();
    let spelled = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    assert!(
        spelled.is_ok_and(|address| !address.is_loopback()) || url.domain().is_some(),
        "{url} is let through"
    );
    let name = host.trim_end_matches('.');
    assert!(name != "localhost" && !name.ends_with(".localhost"), "{url} is let through");
}
