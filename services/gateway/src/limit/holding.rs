//! What a gateway has leased of one key and class, and what it knows of the ledger.
//!
//! `empty –ask→ asked –granted→ holding –used up, over, idle→ empty`. While nothing is to be had ([`Pause`]), because all is
//! used or the ledger is away, it does not ask: then requests pass out of the share, and else they do not.

use std::collections::VecDeque;

use uuid::Uuid;

use super::ledger::{Ask, Closed, Granted, Wanted};
use super::moment::Moment;
use super::terms::{CLOCKS_MARGIN_MS, Lease, Terms};

/// After so long a slice is too old to be relied on, milliseconds: another one is leased before it is over.
const OLD_MS: i64 = 30_000;
/// After so long at most a share is leased anew, milliseconds.
const SHARE_OLD_MS: i64 = 60_000;
/// Who has sent nothing for so long holds nothing, milliseconds.
const IDLE_MS: i64 = 60_000;
/// How long nothing is asked for when nothing was to be had, milliseconds.
const PAUSE_MS: i64 = 1_000;

/// What is held.
#[derive(Debug, Default)]
pub(crate) struct Holding {
    /// The oldest first, which is used first.
    slices: VecDeque<Held>,
    share: Option<Held>,
    /// What is used no more and not told yet.
    closing: Vec<Held>,
    pause: Option<(Pause, Moment)>,
    told: Option<Told>,
    taken: Moment,
}

/// A slice, here.
#[derive(Debug, Clone, Copy)]
struct Held {
    id: Uuid,
    size: u32,
    rest: u32,
    /// Before it was asked for, so before it was leased.
    asked: Moment,
    usable_ms: i64,
}

/// Why nothing is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pause {
    /// There is nothing.
    Full,
    /// The ledger is away.
    Away,
}

/// What the ledger said.
#[derive(Debug, Clone, Copy)]
struct Told {
    limit: u32,
    free: u32,
    frees_in_ms: Option<i64>,
    at: Moment,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    /// It passes, and counts.
    Passed,
    /// It passes by the share, since the ledger is away.
    PassedAlone,
    /// The ledger has to be asked.
    Ask,
    /// The limit is used up.
    Full,
    /// The ledger is away, and the share is used up.
    Unknown,
}

/// What was asked for, until it is known what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// For the ledger.
    pub ask: Ask,
    at: Moment,
    slice: Option<Lease>,
    share: Option<Lease>,
}

impl Holding {
    /// Counts a request, if it may pass.
    pub fn take(&mut self, terms: &Terms, now: Moment) -> Take {
        self.taken = now;
        self.obey(terms);
        self.expire(now);
        if let Some(slice) = self.slices.front_mut() {
            slice.rest -= 1;
            self.expire(now);
            return Take::Passed;
        }
        if terms.limit == 0 {
            return Take::Full;
        }
        let Some(pause) = self.paused(now) else { return Take::Ask };
        match (self.take_share(), pause) {
            (true, Pause::Full) => Take::Passed,
            (true, Pause::Away) => Take::PassedAlone,
            (false, Pause::Full) => Take::Full,
            (false, Pause::Away) => Take::Unknown,
        }
    }

    /// Whether the ledger is to be asked now: there is nothing, or soon may be.
    pub fn wants(&self, terms: &Terms, now: Moment) -> bool {
        let rest = self.rest(now);
        let lasting: u32 =
            self.slices.iter().filter(|held| now.since_ms(held.asked) < OLD_MS).map(|held| held.rest).sum();
        let low = rest <= terms.slice.size / 2 || (lasting == 0 && rest < terms.slice.size);
        low && terms.limit > 0 && self.paused(now).is_none()
    }

    /// What to ask the ledger for, `ids` being those of new slices.
    pub fn ask(&mut self, terms: &Terms, now: Moment, mut ids: impl FnMut() -> Uuid) -> Asked {
        self.obey(terms);
        self.expire(now);
        let missing = terms.slice.size.saturating_sub(self.rest(now));
        let slice = (missing > 0).then(|| Lease { id: ids(), size: missing, ..terms.slice });
        let renewed = self
            .share
            .is_none_or(|share| share.rest < share.size || now.since_ms(share.asked) > SHARE_OLD_MS);
        let share = (renewed && terms.share.size > 0).then(|| Lease { id: ids(), ..terms.share });
        let told = self.told();
        let wanted = slice.iter().chain(&share).map(Lease::wanted).collect();
        Asked { ask: Ask { limit: terms.limit, closed: told, wanted }, at: now, slice, share }
    }

    /// What to tell the ledger without wanting anything; none when it can wait for the next ask.
    pub fn give_back(&mut self, now: Moment) -> Option<Asked> {
        self.expire(now);
        if now.since_ms(self.taken) > IDLE_MS {
            self.close_all();
        }
        let unused = self.closing.iter().any(|held| held.rest > 0);
        let limit = self.told.map_or(0, |told| told.limit);
        (unused && self.paused(now) != Some(Pause::Away)).then(|| Asked {
            ask: Ask { limit, closed: self.told(), wanted: Vec::new() },
            at: now,
            slice: None,
            share: None,
        })
    }

    /// Uses nothing any more of what is held now.
    pub fn close_all(&mut self) {
        self.closing.extend(self.slices.drain(..).chain(self.share.take()));
    }

    /// The ledger has done what it was asked for.
    pub fn granted(&mut self, asked: &Asked, granted: &Granted, now: Moment) {
        self.closing.retain(|held| !asked.ask.closed.iter().any(|closed| closed.id == held.id));
        let leases = asked.slice.iter().chain(&asked.share);
        for (lease, size) in leases.zip(&granted.sizes).filter(|(_, size)| **size > 0) {
            let held = lease.held(*size, asked.at);
            if asked.share.is_some_and(|share| share.id == lease.id) {
                self.closing.extend(self.share.replace(held));
            } else {
                self.slices.push_back(held);
            }
        }
        let limit = asked.ask.limit;
        if self.told.is_some_and(|told| told.limit < limit) {
            // It has gone down meanwhile.
            self.close_all();
            return;
        }
        let wanted_more = !asked.ask.wanted.is_empty() && granted.free == 0;
        self.pause = wanted_more.then_some((Pause::Full, now));
        self.told = Some(Told { limit, free: granted.free, frees_in_ms: granted.frees_in_ms, at: now });
    }

    /// It is not known whether the ledger has. What it may have leased is never used, and given back.
    pub fn failed(&mut self, asked: &Asked, now: Moment) {
        self.pause = Some((Pause::Away, now));
        let leases = asked.slice.iter().chain(&asked.share);
        self.closing.extend(leases.map(|lease| lease.held(lease.size, asked.at)));
    }

    /// The ledger takes too long for who could do without it.
    pub fn wait_no_longer(&mut self, now: Moment) {
        if self.paused(now).is_none() {
            self.pause = Some((Pause::Away, now));
        }
    }

    /// Whether a request could pass without the ledger.
    pub fn has_share(&self, now: Moment) -> bool {
        self.share.is_some_and(|share| share.rest > 0 && share.is_usable(now))
    }

    /// Requests that may pass, as far as is known here.
    pub fn remaining(&self, terms: &Terms, now: Moment) -> u32 {
        let free = self.told.filter(|told| told.limit == terms.limit).map_or(0, |told| told.free);
        let share = self.share.filter(|share| share.is_usable(now)).map_or(0, |share| share.rest);
        free.saturating_add(self.rest(now)).saturating_add(share).min(terms.limit)
    }

    /// Milliseconds until something counts no more; none when nothing is known to count.
    pub fn frees_in_ms(&self, now: Moment) -> Option<i64> {
        let told = self.told?;
        Some((told.frees_in_ms? - now.since_ms(told.at)).max(0))
    }

    /// Another limit than before: a lower one leaves nothing of what was leased under the old one.
    fn obey(&mut self, terms: &Terms) {
        let Some(told) = &mut self.told else { return };
        if told.limit == terms.limit {
            return;
        }
        let lower = terms.limit < told.limit;
        (told.limit, told.free) = (terms.limit, 0);
        if lower {
            self.close_all();
        }
        self.pause = self.pause.filter(|(pause, _)| *pause == Pause::Away);
    }

    fn expire(&mut self, now: Moment) {
        while let Some(slice) = self.slices.pop_front_if(|slice| slice.rest == 0 || !slice.is_usable(now)) {
            self.closing.push(slice);
        }
        self.closing.extend(self.share.take_if(|share| share.rest == 0 || !share.is_usable(now)));
    }

    fn take_share(&mut self) -> bool {
        let Some(share) = &mut self.share else { return false };
        share.rest -= 1;
        true
    }

    fn rest(&self, now: Moment) -> u32 {
        self.slices.iter().filter(|slice| slice.is_usable(now)).map(|slice| slice.rest).sum()
    }

    fn paused(&self, now: Moment) -> Option<Pause> {
        self.pause.filter(|(_, since)| now.since_ms(*since) < PAUSE_MS).map(|(pause, _)| pause)
    }

    fn told(&self) -> Vec<Closed> {
        self.closing.iter().map(|held| Closed { id: held.id, used: held.size - held.rest }).collect()
    }
}

impl Held {
    fn is_usable(&self, now: Moment) -> bool {
        now.since_ms(self.asked) < self.usable_ms - CLOCKS_MARGIN_MS
    }
}

impl Lease {
    fn wanted(&self) -> Wanted {
        Wanted { id: self.id, size: self.size, usable_ms: self.usable_ms }
    }

    fn held(&self, size: u32, asked: Moment) -> Held {
        Held { id: self.id, size, rest: size, asked, usable_ms: self.usable_ms }
    }
}
