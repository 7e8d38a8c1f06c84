//! What the product's processes use: CPU time and memory, by service, PostgreSQL and nats-server; and what is written to disk.
//!
//! Sums are over the trees beneath some processes, with what ended children used, so nothing is lost when a
//! server process of PostgreSQL goes away in between. What is written is that of the whole machine.

mod disk;
mod proc;

use std::collections::BTreeMap;

use serde::Serialize;

use proc::{Stat, TICK_MICROS};

/// Sums of some processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Spent {
    /// User and system time, microseconds.
    pub cpu_micros: u64,
}

impl Spent {
    fn since(self, before: Self) -> Self {
        Self { cpu_micros: self.cpu_micros.saturating_sub(before.cpu_micros) }
    }

    fn add(&mut self, other: Self) {
        self.cpu_micros += other.cpu_micros;
    }
}

/// Resident memory of some processes, kB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// What they have, shared pages counted for each.
    pub rss_kb: u64,
    /// The same with shared pages counted once.
    pub pss_kb: u64,
}

/// What kind of process it is: `postgres`, `nats-server`, or the service's name.
pub type Kind = String;

/// Kinds that are not services of ours.
pub const SERVERS: [&str; 2] = ["postgres", "nats-server"];

/// Everything that was used until a moment.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Usage {
    /// By the product's kinds of processes.
    pub product: BTreeMap<Kind, Spent>,
    /// This process: the load generator.
    pub load: Spent,
    /// Bytes to the machine's disks, also those that others wrote; none when nobody may know.
    pub written_bytes: Option<u64>,
}

impl Usage {
    /// Until now, by the trees beneath these processes.
    #[must_use]
    pub fn now(roots: &[u32]) -> Self {
        let mut product: BTreeMap<Kind, Spent> = BTreeMap::new();
        for stat in tree(roots, &proc::all()) {
            let spent = Spent { cpu_micros: (stat.own_ticks + stat.children_ticks) * TICK_MICROS };
            product.entry(stat.name).or_default().add(spent);
        }
        // Its children are the product.
        let cpu_micros = Stat::of("self").map_or(0, |stat| stat.own_ticks * TICK_MICROS);
        Self { product, load: Spent { cpu_micros }, written_bytes: disk::written_bytes() }
    }

    /// What was used since an earlier moment.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let earlier = |kind: &Kind| before.product.get(kind).copied().unwrap_or_default();
        let product = self.product.iter().map(|(kind, spent)| (kind.clone(), spent.since(earlier(kind))));
        let written = self.written_bytes.zip(before.written_bytes);
        Self {
            product: product.collect(),
            load: self.load.since(before.load),
            written_bytes: written.map(|(now, before)| now.saturating_sub(before)),
        }
    }

    /// The product's sum.
    #[must_use]
    pub fn sum(&self) -> Spent {
        let mut sum = Spent::default();
        for spent in self.product.values() {
            sum.add(*spent);
        }
        sum
    }

    /// The sum of our services.
    #[must_use]
    pub fn of_services(&self) -> Spent {
        let mut sum = Spent::default();
        for (_, spent) in self.product.iter().filter(|(kind, _)| is_service(kind)) {
            sum.add(*spent);
        }
        sum
    }

    /// That of one kind.
    #[must_use]
    pub fn of(&self, kind: &str) -> Spent {
        self.product.get(kind).copied().unwrap_or_default()
    }
}

/// Whether processes of this kind are services of ours.
#[must_use]
pub fn is_service(kind: &str) -> bool {
    !SERVERS.contains(&kind)
}

/// The memory of the trees beneath these processes, by kind.
#[must_use]
pub fn memory(roots: &[u32]) -> BTreeMap<Kind, Memory> {
    let mut by_kind: BTreeMap<Kind, Memory> = BTreeMap::new();
    for stat in tree(roots, &proc::all()) {
        let (rss_kb, pss_kb) = proc::memory_kb(stat.pid);
        let memory = by_kind.entry(stat.name).or_default();
        memory.rss_kb += rss_kb;
        memory.pss_kb += pss_kb;
    }
    by_kind
}

/// These processes and all beneath them, but for the shells that watch over servers.
fn tree(roots: &[u32], all: &[Stat]) -> Vec<Stat> {
    let mut found: Vec<Stat> = Vec::new();
    let mut wanted: Vec<u32> = roots.to_vec();
    while let Some(pid) = wanted.pop() {
        if found.iter().any(|stat| stat.pid == pid) {
            continue;
        }
        let Some(stat) = all.iter().find(|stat| stat.pid == pid) else { continue };
        found.push(stat.clone());
        wanted.extend(all.iter().filter(|stat| stat.parent == pid).map(|stat| stat.pid));
    }
    found.retain(|stat| !WATCHERS.contains(&stat.name.as_str()));
    found
}

/// Programs of the shells that end servers when their parent is gone.
const WATCHERS: [&str; 3] = ["sh", "cat", "sleep"];

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(pid: u32, parent: u32, name: &str) -> Stat {
        Stat { pid, name: name.to_owned(), parent, own_ticks: 1, children_ticks: 2 }
    }

    #[test]
    fn a_tree_is_all_that_lies_beneath_and_nothing_else() {
        let all = [
            stat(1, 0, "init"),
            stat(10, 1, "turnloom"),
            stat(11, 10, "postgres"),
            stat(12, 11, "postgres"),
            stat(13, 10, "sh"),
            stat(20, 1, "other"),
        ];
        let mut pids: Vec<u32> = tree(&[10, 11, 99], &all).iter().map(|stat| stat.pid).collect();
        pids.sort_unstable();
        assert_eq!(pids, [10, 11, 12]);
    }

    #[test]
    fn only_what_was_used_since_is_counted() {
        let spent = |cpu_micros| Spent { cpu_micros };
        let usage = |services, postgres, load, written_bytes| Usage {
            product: [("turnloom".to_owned(), spent(services)), ("postgres".to_owned(), spent(postgres))]
                .into(),
            load: spent(load),
            written_bytes,
        };
        let before = usage(5, 10, 1, Some(100));
        let used = usage(9, 30, 4, Some(180)).since(&before);
        assert_eq!(used.sum(), spent(24));
        assert_eq!(used.of_services(), spent(4));
        assert_eq!(used.of("postgres"), spent(20));
        assert_eq!(used.load, spent(3));
        assert_eq!(used.written_bytes, Some(80));
        assert_eq!(usage(9, 30, 4, None).since(&before).written_bytes, None);
    }
}
