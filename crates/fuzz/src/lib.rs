//! Every decoder of bytes that come from outside, as a target that must never panic, hang or fill the memory.
//!
//! A target takes any bytes and gives nothing: what it finds wrong it refuses. Each has a small corpus in `corpus/<target>`,
//! written by hand, and whatever made a target fail once. `make test` replays it with some thousand mutations, which are the same
//! every time; `make fuzz` lets libFuzzer look for branches that nothing has reached yet. What is deliberately absent: decoders of
//! what only we write and only we can reach, such as migrations and settings.

mod bus_messages;
pub mod campaign;
pub mod corpus;
mod customers;
mod documents;
mod flows;
mod kept;
mod models;
mod mutation;
mod replay;
mod requests;

pub use mutation::Mutator;
pub use replay::{Broken, replay};

/// A decoder to be tried.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, that of its folder in the corpus.
    pub name: &'static str,
    /// Mutations of the corpus that `make test` tries: fewer where one takes long.
    pub mutations: u32,
    /// Takes any bytes.
    pub run: fn(&[u8]),
}

impl Target {
    const fn new(name: &'static str, mutations: u32, run: fn(&[u8])) -> Self {
        Self { name, mutations, run }
    }

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.into_iter().find(|target| target.name == name)
    }
}

/// Whatever a decoder has made of the bytes is well: it did not panic.
fn tried<T>(_: T) {}

/// All of them.
pub const TARGETS: [Target; 20] = [
    // Requests.
    Target::new("body", 4000, requests::body),
    Target::new("query", 4000, requests::query),
    Target::new("cursor", 6000, requests::cursor),
    Target::new("key", 6000, requests::key),
    Target::new("word", 6000, requests::word),
    // Workflows, and the turns that they make.
    Target::new("configuration", 1000, flows::configuration),
    Target::new("template", 2000, flows::template),
    Target::new("expression", 1500, flows::expression),
    Target::new("state", 3000, flows::state),
    Target::new("message", 2000, customers::message),
    // Documents of knowledge bases.
    Target::new("text", 1500, documents::text),
    Target::new("markdown", 1500, documents::markdown),
    Target::new("html", 1500, documents::html),
    Target::new("pdf", 500, documents::pdf),
    // What other systems answer, and their addresses.
    Target::new("model", 4000, models::answer),
    Target::new("url", 4000, models::url),
    // The bus.
    Target::new("frame", 4000, bus_messages::frame),
    Target::new("protobuf", 2000, bus_messages::protobuf),
    Target::new("event", 4000, bus_messages::event),
    // What is kept, sealed or packed.
    Target::new("kept", 3000, kept::kept),
];
