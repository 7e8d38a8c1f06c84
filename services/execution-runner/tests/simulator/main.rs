//! The partition loop and the engine over a store and a transport in memory, under a seeded scheduler that delays,
//! fails, cuts off, pauses, kills and forgets whatever the real ones can.
//!
//! Time is virtual, so an hour of faults takes milliseconds. What must come out is what a run without any fault gives.
//! `TURNLOOM_SEED=<seed> cargo nextest run --workspace -E 'test(one_seed)' --no-capture` plays one game again and tells its
//! faults.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod bug;
mod check;
mod flows;
mod game;
mod script;
mod store;
mod transport;
mod world;

use bug::Bug;
use game::{fall_behind, play, sleep_through};

/// Games of each part; together ten thousand.
const SEEDS: u64 = 2500;
/// Games in which a runner is only stopped.
const SLEEPS: u64 = 300;
/// Games in which a reading only falls behind.
const STALLS: u64 = 300;
/// Games in which a planted bug must be found.
const SEEDS_FOR_A_BUG: u64 = 2000;
/// Games between two signs of life.
const PROGRESS_EVERY: usize = 1000;

fn play_all(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        if let Err(broken) = play(seed, None, false) {
            panic!("seed {seed}: {broken}\nthe same again: TURNLOOM_SEED={seed}, see the head of this file");
        }
    }
}

#[test]
fn nothing_is_lost_doubled_or_out_of_order_part_one() {
    play_all(0..SEEDS);
}

#[test]
fn nothing_is_lost_doubled_or_out_of_order_part_two() {
    play_all(SEEDS..2 * SEEDS);
}

#[test]
fn nothing_is_lost_doubled_or_out_of_order_part_three() {
    play_all(2 * SEEDS..3 * SEEDS);
}

#[test]
fn nothing_is_lost_doubled_or_out_of_order_part_four() {
    play_all(3 * SEEDS..4 * SEEDS);
}

#[test]
fn who_was_stopped_and_gets_everything_back_has_missed_nothing() {
    for seed in 0..SLEEPS {
        if let Err(broken) = sleep_through(seed) {
            panic!("seed {seed}: {broken}");
        }
    }
}

#[test]
fn who_keeps_only_what_is_ahead_of_where_it_reads_has_missed_nothing() {
    for seed in 0..STALLS {
        if let Err(broken) = fall_behind(seed) {
            panic!("seed {seed}: {broken}");
        }
    }
}

/// `make simulate GAMES=1000000` plays as many, from a seed of its own on or from `TURNLOOM_SEED`.
#[test]
#[ignore = "as long as somebody likes: make simulate"]
fn as_many_games_as_wanted() {
    let set = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().parse::<u64>().unwrap());
    let games = set("TURNLOOM_GAMES").unwrap_or(100_000);
    let from = set("TURNLOOM_SEED").unwrap_or(u64::from(std::process::id()) * 1_000_000);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    println!("{games} games from seed {from} on, {threads} at once");
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for (played, seed) in (1..).zip((from..from + games).skip(thread).step_by(threads)) {
                    play_all(seed..seed + 1);
                    if thread == 0 && played % PROGRESS_EVERY == 0 {
                        println!("{} games, all well", played * threads);
                    }
                }
            });
        }
    });
}

#[test]
fn one_seed_tells_its_faults() {
    let seed = std::env::var_os("TURNLOOM_SEED").map_or(1, |seed| seed.to_string_lossy().parse().unwrap());
    play(seed, None, true).unwrap();
}

#[test]
fn every_planted_bug_is_found() {
    for bug in Bug::ALL {
        let found = (0..SEEDS_FOR_A_BUG).find_map(|seed| Some((seed, play(seed, Some(bug), false).err()?)));
        let (seed, broken) =
            found.unwrap_or_else(|| panic!("{bug:?} is not found by {SEEDS_FOR_A_BUG} games"));
        println!("{bug:?}: seed {seed}: {broken}");
    }
}
