//! Games of gateways that share a limit: requests, leases that are late, lost or committed after their asker gave up, crashes,
//! a ledger that is away, clocks that are off. What must be true is asked of every game.

use proptest::prelude::*;
use uuid::Uuid;

use super::WINDOW_MS;
use super::holding::{Asked, Holding, Take};
use super::ledger::{Granted, Ledger};
use super::moment::Moment;
use super::terms::Terms;

const GATEWAYS: usize = 3;
/// How much longer than an hour something may count: the life of a share, and a slot of entries that count as one.
const LONGER_MS: i64 = 180_000 + 30_000;

#[derive(Debug, Clone, Copy)]
enum Move {
    /// Time goes by.
    Pass(i64),
    /// So many requests come to a gateway.
    Requests(usize, u32),
    /// So many requests come to a gateway, and the ledger answers each ask at once, if it is there.
    Burst(usize, u32),
    /// What a gateway asked for is committed.
    Commit(usize),
    /// It hears what came of it.
    Hear(usize),
    /// It gives up waiting.
    GiveUp(usize),
    /// What somebody who gave up or is dead had asked for is committed now.
    CommitLate,
    Kill(usize),
    Away(bool),
    Sweep(usize),
    /// The gateway's wall clock is set. In a game of either kind there is only one of these two: who is misled by both clocks at
    /// once is misled.
    SetClock(usize, i64),
    /// Time goes by while the gateway's machine sleeps.
    Sleep(usize, i64),
    /// Half of the limit is set, or all of it again.
    Half(bool),
}

#[derive(Default)]
struct Gateway {
    holding: Holding,
    asked: Option<(Asked, Option<Granted>)>,
    /// How much its clock is off, and how fast it goes, in hundredths.
    wall_off_ms: i64,
    slept_ms: i64,
    rate: i64,
}

struct Game {
    limit: u32,
    terms: Terms,
    sleeps: bool,
    /// By the ledger's clock.
    now_ms: i64,
    ledger: Ledger,
    is_away: bool,
    gateways: Vec<Gateway>,
    late: Vec<Asked>,
    passed: Vec<i64>,
    ids: u128,
}

impl Game {
    fn new(limit: u32, rates: [i64; GATEWAYS]) -> Self {
        let gateways = rates.map(|rate| Gateway { rate, ..Gateway::default() });
        Self {
            limit,
            terms: Terms::of(limit),
            sleeps: false,
            now_ms: 1_000_000_000,
            ledger: Ledger::default(),
            is_away: false,
            gateways: gateways.into(),
            late: Vec::new(),
            passed: Vec::new(),
            ids: 0,
        }
    }

    fn time(&self, gateway: usize) -> Moment {
        let it = &self.gateways[gateway];
        let gone_ms = self.now_ms / 100 * it.rate;
        Moment { steady_ms: gone_ms - it.slept_ms, wall_ms: gone_ms + it.wall_off_ms }
    }

    fn play(&mut self, step: Move) {
        match step {
            Move::Pass(ms) => self.now_ms += ms,
            Move::Requests(gateway, requests) => {
                for _ in 0..requests {
                    self.request(gateway);
                }
            }
            Move::Burst(gateway, requests) => {
                for _ in 0..requests {
                    self.serve(gateway);
                }
            }
            Move::Commit(gateway) => self.commit(gateway),
            Move::Hear(gateway) => self.hear(gateway),
            Move::GiveUp(gateway) => {
                let now = self.time(gateway);
                let it = &mut self.gateways[gateway];
                if let Some((asked, committed)) = it.asked.take() {
                    it.holding.failed(&asked, now);
                    self.late.extend(committed.is_none().then_some(asked));
                }
            }
            Move::CommitLate => {
                if let Some(asked) = self.late.pop() {
                    self.ledger.apply(&asked.ask, self.now_ms);
                }
            }
            Move::Kill(gateway) => {
                let it = &mut self.gateways[gateway];
                it.holding = Holding::default();
                let asked = it.asked.take();
                self.late.extend(asked.filter(|(_, committed)| committed.is_none()).map(|(asked, _)| asked));
            }
            Move::Away(is_away) => self.is_away = is_away,
            Move::Sweep(gateway) => {
                let now = self.time(gateway);
                let it = &mut self.gateways[gateway];
                if it.asked.is_none() {
                    it.asked = it.holding.give_back(now).map(|asked| (asked, None));
                }
            }
            Move::SetClock(gateway, ms) => {
                if !self.sleeps {
                    self.gateways[gateway].wall_off_ms += ms;
                }
            }
            Move::Sleep(gateway, ms) => {
                self.now_ms += ms;
                if self.sleeps {
                    self.gateways[gateway].slept_ms += ms / 100 * self.gateways[gateway].rate;
                }
            }
            Move::Half(half) => self.terms = Terms::of(if half { self.limit / 2 } else { self.limit }),
        }
    }

    fn request(&mut self, gateway: usize) -> Take {
        let (now, terms) = (self.time(gateway), self.terms);
        let it = &mut self.gateways[gateway];
        let take = it.holding.take(&terms, now);
        if matches!(take, Take::Passed | Take::PassedAlone) {
            self.passed.push(self.now_ms);
        }
        let ids = &mut self.ids;
        let may_ask = take == Take::Ask || terms.is_ahead();
        if it.asked.is_none() && may_ask && it.holding.wants(&terms, now) {
            let asked = it.holding.ask(&terms, now, || {
                *ids += 1;
                Uuid::from_u128(*ids)
            });
            it.asked = Some((asked, None));
        }
        take
    }

    fn commit(&mut self, gateway: usize) {
        let it = &mut self.gateways[gateway];
        if let Some((asked, committed @ None)) = &mut it.asked
            && !self.is_away
        {
            *committed = Some(self.ledger.apply(&asked.ask, self.now_ms));
        }
    }

    fn hear(&mut self, gateway: usize) {
        let now = self.time(gateway);
        let it = &mut self.gateways[gateway];
        if let Some((asked, Some(granted))) = it.asked.take_if(|(_, committed)| committed.is_some()) {
            it.holding.granted(&asked, &granted, now);
        }
    }

    /// A request whose gateway asks as often as it must.
    fn serve(&mut self, gateway: usize) -> Take {
        loop {
            let take = self.request(gateway);
            self.commit(gateway);
            self.hear(gateway);
            if take != Take::Ask || self.is_away {
                return take;
            }
        }
    }

    /// All gateways give back what they do not use.
    fn sweep(&mut self) {
        for gateway in 0..GATEWAYS {
            self.play(Move::Sweep(gateway));
            self.commit(gateway);
            self.hear(gateway);
        }
    }

    /// The most that passed in any hour.
    fn most_in_an_hour(&self) -> usize {
        let from = |first: &i64| self.passed.partition_point(|at| *at < first + WINDOW_MS);
        self.passed.iter().enumerate().map(|(place, first)| from(first) - place).max().unwrap_or(0)
    }
}

fn moves() -> impl Strategy<Value = Move> {
    let gateway = 0..GATEWAYS;
    prop_oneof![
        6 => (gateway.clone(), 1_u32..60).prop_map(|(gateway, requests)| Move::Requests(gateway, requests)),
        6 => gateway.clone().prop_map(Move::Commit),
        6 => gateway.clone().prop_map(Move::Hear),
        3 => (0_i64..3_000).prop_map(Move::Pass),
        3 => (0_i64..90_000).prop_map(Move::Pass),
        1 => (0_i64..4_000_000).prop_map(Move::Pass),
        // As long as things are usable, and as they count.
        2 => prop_oneof![8_000_i64..16_000, 45_000_i64..61_000, 170_000_i64..181_000].prop_map(Move::Pass),
        3 => (-181_000_i64..16_000).prop_map(|more| Move::Pass(WINDOW_MS + more)),
        6 => (gateway.clone(), 1_u32..100).prop_map(|(gateway, requests)| Move::Burst(gateway, requests)),
        1 => (gateway.clone(), Just(1_000)).prop_map(|(gateway, requests)| Move::Burst(gateway, requests)),
        1 => gateway.clone().prop_map(Move::GiveUp),
        1 => Just(Move::CommitLate),
        1 => gateway.clone().prop_map(Move::Kill),
        1 => any::<bool>().prop_map(Move::Away),
        2 => gateway.clone().prop_map(Move::Sweep),
        1 => (gateway.clone(), -4_000_000_i64..4_000_000).prop_map(|(gateway, ms)| Move::SetClock(gateway, ms)),
        1 => (gateway, 0_i64..4_000_000).prop_map(|(gateway, ms)| Move::Sleep(gateway, ms)),
        1 => any::<bool>().prop_map(Move::Half),
    ]
}

/// Limits that are exact, and others.
fn limits() -> impl Strategy<Value = u32> {
    prop_oneof![0_u32..=5, 45_u32..=60, 60_u32..400]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn never_more_than_the_limit_pass_in_any_hour(
        limit in limits(),
        rates in [95_i64..=105, 95_i64..=105, 95_i64..=105],
        sleeps in any::<bool>(),
        steps in proptest::collection::vec(moves(), 1..400),
    ) {
        let mut game = Game { sleeps, ..Game::new(limit, rates) };
        for step in steps {
            game.play(step);
        }
        let most = game.most_in_an_hour();
        prop_assert!(most <= limit as usize, "{most} of {limit} passed in an hour");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn while_the_ledger_is_there_only_what_others_hold_is_missing(
        limit in limits(),
        steps in proptest::collection::vec(
            (0..GATEWAYS, 0_u32..40, prop_oneof![0_i64..3_000, 0_i64..90_000, 0_i64..1_500_000]),
            1..200,
        ),
    ) {
        let mut game = Game::new(limit, [100; GATEWAYS]);
        // The gateway's own old share may be on its way back.
        let others = u32::try_from(GATEWAYS - 1).unwrap();
        let (slice, share) = (game.terms.slice.size, game.terms.share.size);
        let held = if game.terms.is_ahead() { others * (slice + share) + share } else { 0 };
        for (gateway, requests, pause_ms) in steps {
            for _ in 0..requests {
                if game.serve(gateway) == Take::Full {
                    // What was full a second ago is not asked for again.
                    let since = game.now_ms - WINDOW_MS - LONGER_MS - 1_000;
                    let used = game.passed.iter().filter(|at| **at > since).count();
                    prop_assert!(used + held as usize >= limit as usize, "refused with {used} of {limit} used");
                }
            }
            game.now_ms += pause_ms;
            game.sweep();
        }
    }
}

#[test]
fn one_gateway_alone_lets_all_of_the_limit_pass() {
    for limit in [1, 50, 51, 100, 1_000] {
        let mut game = Game::new(limit, [100; GATEWAYS]);
        let passed = (0..2 * limit).filter(|_| game.serve(0) == Take::Passed).count();
        assert_eq!(passed, limit as usize);
        game.now_ms += WINDOW_MS + LONGER_MS;
        assert_eq!(game.serve(1), Take::Passed);
    }
}

#[test]
fn slow_requests_are_not_charged_for_what_was_leased_and_not_used() {
    let mut game = Game::new(100, [100; GATEWAYS]);
    for request in 0..1_000 {
        assert_eq!(game.serve(request % GATEWAYS), Take::Passed, "request {request}");
        for _ in 0..8 {
            game.now_ms += 5_000;
            game.sweep();
        }
    }
}

#[test]
fn what_a_gateway_held_that_is_idle_is_there_for_others() {
    let mut game = Game::new(100, [100; GATEWAYS]);
    assert_eq!(game.serve(0), Take::Passed);
    game.now_ms += 61_000;
    game.sweep();
    let passed = (0..200).filter(|_| game.serve(1) == Take::Passed).count();
    assert_eq!(passed, 99);
}

#[test]
fn while_the_ledger_is_away_what_was_leased_passes_and_then_the_share() {
    let mut game = Game::new(1_000, [100; GATEWAYS]);
    assert_eq!(game.serve(0), Take::Passed);
    game.is_away = true;
    let passed: Vec<Take> = (0..100)
        .map(|_| {
            let take = game.request(0);
            game.play(Move::GiveUp(0));
            take
        })
        .collect();
    let count = |wanted| passed.iter().filter(|take| **take == wanted).count();
    assert_eq!((count(Take::Passed), count(Take::PassedAlone), count(Take::Unknown)), (49, 10, 41));
    game.is_away = false;
    game.now_ms += 1_000;
    assert_eq!(game.serve(0), Take::Passed);
}

#[test]
fn a_lower_limit_holds_at_once_and_a_higher_one_is_asked_for() {
    let mut game = Game::new(1_000, [100; GATEWAYS]);
    assert_eq!(game.serve(0), Take::Passed);
    game.terms = Terms::of(0);
    assert_eq!(game.serve(0), Take::Full);
    game.terms = Terms::of(2);
    assert_eq!([(); 2].map(|()| game.serve(0)), [Take::Passed, Take::Full]);
    game.terms = Terms::of(3);
    assert_eq!([(); 2].map(|()| game.serve(0)), [Take::Passed, Take::Full]);
}
