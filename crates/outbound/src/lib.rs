//! Calls to systems that are not ours: what workflows ask of others over HTTP, and what is asked of a language model.
//!
//! An account's workflow says where a call goes, so the [`guard`] lets it reach public addresses only, and those private
//! ones that the operator has named. Everything is bounded: the time of an attempt, the bytes of an answer. A failure has
//! a code, a sentence that tells no secret, and says whether the same may be tried again; trying is left to the caller.
//! Redirects are not followed, proxies of the environment not used, headers of answers not shown.

mod answer;
mod caller;
pub mod config;
pub mod failure;
pub mod guard;
mod headers;
pub mod model;
mod networks;
mod retry;

pub use caller::{HttpAnswer, HttpCall, HttpCaller, Method};
pub use config::OutboundConfig;
pub use failure::{CallCode, CallFailure};
pub use model::{ChatMessage, ChatModel, Completion, ModelCode, ModelConfig, ModelFailure, Role};
pub use retry::Retry;

use reqwest::redirect::Policy;

/// No client can be made: the certificates of this system cannot be read, say.
#[derive(Debug, thiserror::Error)]
#[error("calls to other systems cannot be made")]
pub struct NoClient(#[source] reqwest::Error);

/// What all clients have in common.
fn client() -> reqwest::ClientBuilder {
    // Another part of the process may have set it already; it is the same one.
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .referer(false)
        .user_agent(concat!("Turnloom/", env!("CARGO_PKG_VERSION")))
}
