//! Micro-benchmarks: how long small pieces of pure code take, and how many instructions they are.
//!
//! A crate declares its benches once (`benches/*.rs`, through [`benches`]). `make bench-micro` has criterion time them;
//! `make bench-instructions` runs them under callgrind and compares with `deploy/instructions.json`, which also
//! a busy machine can do. What is deliberately absent: anything of the product, which must not know this crate.

mod benches;
mod callgrind;
mod compare;
mod counts;
mod programs;
mod run;

pub use benches::{Benches, benches};
pub use run::{Options, run};

/// The allocator of the product's programs: what is measured here allocates as it does there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
