//! What makes a random test repeatable.

/// A seed of this run's own, or the one in `TURNLOOM_SEED`. It is printed, so that a failure says how to see it again.
///
/// # Panics
/// When the variable is not a number.
pub fn seed() -> u64 {
    let given = std::env::var_os("TURNLOOM_SEED").map(|seed| seed.to_string_lossy().parse().unwrap());
    let seed = given.unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("the same again: TURNLOOM_SEED={seed}");
    seed
}
