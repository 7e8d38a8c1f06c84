//! What a crate declares, and the two ways in which it is run.

use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;

/// Asks a program of benches for the names of its benches.
pub(crate) const NAMES: &str = "--names";
/// Asks it to run the bench that is named next a fixed number of times.
pub(crate) const COUNT: &str = "--count";
/// Where callgrind counts: in [`counted`], whatever the compiler adds to its name.
pub(crate) const COUNTED: &str = "micro::benches::counted*";
/// How often [`counted`] runs a bench.
pub(crate) const COUNTED_RUNS: u64 = 10;
/// Runs before that, so that what is made once is there: tables, memory of the allocator, caches of threads.
const FIRST_RUNS: usize = 3;
/// Criterion's time before it measures.
const WARM_UP: Duration = Duration::from_secs(1);
/// Criterion's time to measure.
const MEASUREMENT: Duration = Duration::from_secs(3);

/// Benches of one crate.
#[derive(Debug)]
pub struct Benches {
    group: &'static str,
    asked: Asked,
}

enum Asked {
    Time(Box<Criterion>),
    Names,
    Count(String),
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Time(_) => "Time",
            Self::Names => "Names",
            Self::Count(_) => "Count",
        })
    }
}

/// The `main` of a program of benches: does what its arguments ask for with what is declared. A bench is called
/// `<group>/<name>`; the group is the crate's name.
pub fn benches(group: &'static str, declare: impl FnOnce(&mut Benches)) {
    let mut arguments = std::env::args().skip(1);
    let asked = match (arguments.next().as_deref(), arguments.next()) {
        (Some(NAMES), _) => Asked::Names,
        (Some(COUNT), Some(name)) => Asked::Count(name),
        _ => {
            let criterion = Criterion::default().warm_up_time(WARM_UP).measurement_time(MEASUREMENT);
            Asked::Time(Box::new(criterion.configure_from_args()))
        }
    };
    let mut benches = Benches { group, asked };
    declare(&mut benches);
    if let Asked::Time(criterion) = &benches.asked {
        criterion.final_summary();
    }
}

impl Benches {
    /// Declares a bench. `prepare` makes what is measured, and is not measured itself; what that gives is dropped as part
    /// of it. It must do the same work each time that it runs.
    pub fn add<W: FnMut() -> R, R>(&mut self, name: &str, prepare: impl Fn() -> W) {
        let full_name = format!("{}/{name}", self.group);
        match &mut self.asked {
            Asked::Time(criterion) => {
                // Prepared at the first call, which there is only for benches that were asked for.
                let mut work: Option<W> = None;
                criterion
                    .bench_function(&full_name, |bencher| bencher.iter(work.get_or_insert_with(&prepare)));
            }
            Asked::Names => show(&full_name),
            Asked::Count(asked) if *asked == full_name => {
                let mut work = prepare();
                let mut once = || {
                    black_box(work());
                };
                (0..FIRST_RUNS).for_each(|_| once());
                counted(&mut once);
            }
            Asked::Count(_) => {}
        }
    }
}

/// Runs what is to be counted. Callgrind knows it by its name.
#[inline(never)]
fn counted(work: &mut dyn FnMut()) {
    for _ in 0..COUNTED_RUNS {
        work();
    }
}

fn show(name: &str) {
    println!("{name}");
}
