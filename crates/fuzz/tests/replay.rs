//! No decoder of outside bytes panics: on its corpus, and on some thousand mutations of it, the same each time.
//!
//! `make fuzz` goes on where this ends.

use fuzz::{TARGETS, corpus, replay};

/// Another one makes other inputs.
const SEED: u64 = 0x7475_726e;

#[test]
fn no_decoder_panics() {
    let mut broken = Vec::new();
    let mut tried = 0;
    for target in TARGETS {
        match replay(target, SEED, target.mutations) {
            Ok(inputs) => tried += inputs,
            Err(input) => broken.push(input.to_string()),
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(tried > 50_000, "only {tried} inputs were tried");
}

#[test]
fn every_target_has_a_corpus_of_its_own_and_all_of_it_is_small() {
    let mut bytes = 0;
    for target in TARGETS {
        let inputs = corpus::of(target.name).unwrap();
        assert!(inputs.len() >= 2, "{} has {} inputs", target.name, inputs.len());
        bytes += inputs.iter().map(Vec::len).sum::<usize>();
    }
    assert!(bytes <= corpus::BYTES_MAX, "the corpus has {bytes} bytes");
    for folder in std::fs::read_dir(corpus::directory("")).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        assert!(fuzz::Target::named(&name).is_some(), "corpus/{name} belongs to no target");
    }
}
