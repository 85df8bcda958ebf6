//! What lies before an account, what its quota can save of it, and what that leaves.
//!
//! Every confirmation costs one token, so whether a set of sessions can be saved is a question of counting: by each
//! deadline there must be as many tokens as sessions. Where there are not, some are given up: of those due until then
//! the latest, or the least worth. Each leaves the fullest set (Moore and Hodgson's rule, for jobs of one length), and the
//! second the one with the most money.

use std::collections::BTreeMap;
use std::time::Duration;

use checkout::{Amount, Currency, Timestamp};

/// A session in doubt or after a failure may need more than its share: so much more is kept before any buyer's
/// impatience counts.
const MARGIN: f64 = 1.05;
/// The same, in tokens.
const MARGIN_TOKENS: f64 = 10.0;
/// Nobody's bad luck is reckoned with beyond this.
const MOST_ATTEMPTS: f64 = 50.0;
/// Amounts within one class differ by less than a fifth.
const CLASSES_AN_OCTAVE: f64 = 4.0;

/// Whom the quota saves where it cannot save all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WhenNotAll {
    /// As many sessions as can be: the earliest deadline first, to the last.
    MostSessions,
    /// As much money as can be.
    MostValue,
}

/// Sessions that are still to be confirmed, of about one deadline and about one worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The first of their deadlines, or earlier.
    pub from: Timestamp,
    /// They all are before this.
    pub until: Timestamp,
    /// Of what they are worth; none where nothing is charged.
    pub currency: Option<Currency>,
    /// What they are worth together, in units of the currency.
    pub money: f64,
    /// How many they are.
    pub count: u32,
}

impl Cell {
    fn deadline(&self) -> Timestamp {
        self.from.plus(self.until.since(self.from) / 2)
    }
}

/// What an account may spend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Capacity {
    /// The present.
    pub now: Timestamp,
    /// Calls a second: the learned rate.
    pub per_second: f64,
    /// The part of the calls that confirm a session, more than 0: the others have to be repeated.
    pub effective: f64,
    /// After this, at most, what failed is repeated.
    pub repeated_after: Duration,
    /// So long before its deadline a session's last attempt may begin.
    pub closing: Duration,
}

impl Capacity {
    /// How many can be confirmed until then.
    fn until(&self, deadline: Timestamp) -> f64 {
        let last = deadline.minus(self.closing).max(self.now);
        self.per_second * self.effective * last.since(self.now).as_secs_f64()
    }

    /// How long it takes until the unluckiest of so many has been tried as often as it needs.
    fn room_for_bad_luck(&self, sessions: f64) -> Duration {
        let failing = 1.0 - self.effective;
        if failing <= 0.0 || sessions <= 1.0 {
            return Duration::ZERO;
        }
        let attempts = (sessions.ln() / -failing.ln()).min(MOST_ATTEMPTS);
        self.repeated_after.mul_f64(attempts)
    }
}

/// Sessions that are not to have a turn before all others have had theirs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GivenUp {
    /// Those with a deadline before this,
    pub until: Timestamp,
    /// of this currency, or of none,
    pub currency: Option<Currency>,
    /// and worth less than this, in units of the currency.
    pub below: f64,
}

/// What will not make it, of one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Loss {
    /// The first of the deadlines.
    pub from: Timestamp,
    /// The deadlines are before this.
    pub until: Timestamp,
    /// How many sessions.
    pub misses: f64,
    /// What they are worth, in units of each currency.
    pub money: BTreeMap<Currency, f64>,
}

/// All that will not make it.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// How many sessions.
    pub misses: f64,
    /// What they are worth, in units of each currency.
    pub money: BTreeMap<Currency, f64>,
    /// When the last of them is lost; none where none is.
    pub by: Option<Timestamp>,
}

/// Whom the quota can save.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Below which worth sessions with an earlier deadline are given up: the later, the lower.
    levels: Vec<(Timestamp, f64)>,
    worth: Worth,
    losses: Vec<Loss>,
    spare: bool,
}

impl Plan {
    /// For an account with nothing before it: nobody is given up, and there is time to spare.
    pub fn idle() -> Self {
        Self {
            levels: Vec::new(),
            worth: Worth::default(),
            losses: Vec::new(),
            spare: true,
        }
    }

    /// Counts `cells` against `capacity`. Cells whose deadline has passed are lost already, and no part of it.
    pub fn of(mut cells: Vec<Cell>, capacity: &Capacity, when_not_all: WhenNotAll) -> Self {
        cells.retain(|cell| capacity.now < cell.until && cell.count > 0);
        cells.sort_by_key(|cell| (cell.until, cell.from));
        let mut plan = Self {
            spare: has_time_to_spare(&cells, capacity),
            ..Self::idle()
        };
        match when_not_all {
            // An account that sends nothing has nobody to choose.
            WhenNotAll::MostValue if 0.0 < capacity.per_second => {
                plan.worth = Worth::of_all(&cells);
                plan.levels = levels(&cells, capacity, &plan.worth);
                plan.losses = losses(&cells, |cell| plan.share_given_up(cell));
            }
            WhenNotAll::MostValue | WhenNotAll::MostSessions => {
                let mut kept = 0.0;
                plan.losses = losses(&cells, |cell| {
                    let count = f64::from(cell.count);
                    kept += count;
                    let excess = (kept - capacity.until(cell.deadline())).clamp(0.0, count);
                    kept -= excess;
                    excess / count
                });
            }
        }
        plan
    }

    /// Whether a session is to wait until all others have had their turn.
    pub fn gives_up(&self, deadline: Timestamp, amount: Option<&Amount>) -> bool {
        let worth = amount.map_or(0.0, |amount| {
            self.worth.of(Some(amount.currency()), amount.approximately())
        });
        worth < self.level(deadline)
    }

    /// The worth below which sessions of this deadline are given up; 0 for none of them.
    fn level(&self, deadline: Timestamp) -> f64 {
        let later = self.levels.partition_point(|(until, _)| *until <= deadline);
        self.levels.get(later).map_or(0.0, |(_, level)| *level)
    }

    /// The part of a cell that is given up, were its class filled evenly.
    fn share_given_up(&self, cell: &Cell) -> f64 {
        let level = self.level(cell.deadline());
        let class = class_of(self.worth.of_one(cell));
        let (low, high) = (worth_at(class, 0.0), worth_at(class, 1.0));
        if level <= low {
            0.0
        } else if high <= level {
            1.0
        } else {
            (level / low).log2() * CLASSES_AN_OCTAVE
        }
    }

    /// Everybody whom [`gives_up`](Self::gives_up) means.
    pub fn given_up(&self) -> Vec<GivenUp> {
        let of_level = |(until, level): &(Timestamp, f64)| {
            let (until, level) = (*until, *level);
            let known = self.worth.per_unit.iter();
            let of_currencies = known.map(move |(currency, per_unit)| (Some(*currency), level / per_unit));
            let all = of_currencies.chain([(None, f64::MAX)]);
            all.map(move |(currency, below)| GivenUp {
                until,
                currency,
                below,
            })
        };
        self.levels.iter().flat_map(of_level).collect()
    }

    /// Whether `other` gives up the same sessions.
    pub(super) fn has_same_order_as(&self, other: &Self) -> bool {
        (&self.levels, &self.worth) == (&other.levels, &other.worth)
    }

    /// Whether somebody whose buyer waits may go first without anybody being lost by it.
    pub fn has_time_to_spare(&self) -> bool {
        self.spare
    }

    /// What will not make it as things stand, the earliest deadline first.
    pub fn losses(&self) -> &[Loss] {
        &self.losses
    }

    /// The same in all.
    pub fn forecast(&self) -> Forecast {
        let mut forecast = Forecast {
            misses: 0.0,
            money: BTreeMap::new(),
            by: self.losses.last().map(|loss| loss.until),
        };
        for loss in &self.losses {
            forecast.misses += loss.misses;
            for (currency, money) in &loss.money {
                *forecast.money.entry(*currency).or_default() += money;
            }
        }
        forecast
    }

    /// Which of these sessions of the account, told by deadline and amount, will not make it as things stand. Where
    /// they are the latest of their time, they are so among these.
    pub fn lost_of(&self, sessions: &[(Timestamp, Option<Amount>)]) -> Vec<bool> {
        if !self.levels.is_empty() {
            let given_up = sessions.iter();
            return given_up
                .map(|(deadline, amount)| self.gives_up(*deadline, amount.as_ref()))
                .collect();
        }
        let mut lost = vec![false; sessions.len()];
        for loss in &self.losses {
            let of_its_time = |number: &usize| {
                let (deadline, _) = sessions[*number];
                loss.from <= deadline && deadline < loss.until
            };
            let mut latest: Vec<usize> = (0..sessions.len()).filter(of_its_time).collect();
            latest.sort_by_key(|number| sessions[*number].0);
            let mut misses = loss.misses;
            for number in latest.into_iter().rev() {
                if misses < 0.5 {
                    break;
                }
                lost[number] = true;
                misses -= 1.0;
            }
        }
        lost
    }
}

/// Whoever is tried late has less time for bad luck: that is reckoned with too.
fn has_time_to_spare(cells: &[Cell], capacity: &Capacity) -> bool {
    let all: f64 = cells.iter().map(|cell| f64::from(cell.count)).sum();
    let room = capacity.room_for_bad_luck(all);
    let mut wanted = 0.0;
    cells.iter().all(|cell| {
        wanted += f64::from(cell.count);
        wanted * MARGIN + MARGIN_TOKENS <= capacity.until(cell.deadline().minus(room))
    })
}

/// The losses of cells in the order of their deadlines, by the part of each that is lost.
fn losses(cells: &[Cell], mut share_lost: impl FnMut(&Cell) -> f64) -> Vec<Loss> {
    let mut losses: Vec<Loss> = Vec::new();
    for cell in cells {
        let count = f64::from(cell.count);
        let share = share_lost(cell);
        if share <= 0.0 {
            continue;
        }
        let of_its_time = losses
            .last()
            .is_some_and(|last| (last.from, last.until) == (cell.from, cell.until));
        if !of_its_time {
            losses.push(Loss {
                from: cell.from,
                until: cell.until,
                misses: 0.0,
                money: BTreeMap::new(),
            });
        }
        if let Some(loss) = losses.last_mut() {
            loss.misses += share * count;
            if let Some(currency) = cell.currency {
                *loss.money.entry(currency).or_default() += share * cell.money;
            }
        }
    }
    losses
}

/// What currencies are worth to each other here: nobody tells us rates, so that an average order of one counts as an
/// average order of another.
#[derive(Debug, Clone, Default, PartialEq)]
struct Worth {
    per_unit: BTreeMap<Currency, f64>,
}

impl Worth {
    fn of_all(cells: &[Cell]) -> Self {
        let mut sums: BTreeMap<Currency, (f64, f64)> = BTreeMap::new();
        for cell in cells {
            if let Some(currency) = cell.currency {
                let (count, money) = sums.entry(currency).or_default();
                *count += f64::from(cell.count);
                *money += cell.money;
            }
        }
        let mean = |(count, money): &(f64, f64)| (money / count).max(f64::MIN_POSITIVE);
        let most = sums.values().max_by(|a, b| a.0.total_cmp(&b.0)).map_or(1.0, mean);
        let per_unit = sums.iter().map(|(currency, sum)| (*currency, most / mean(sum)));
        Self {
            per_unit: per_unit.collect(),
        }
    }

    fn of(&self, currency: Option<Currency>, money: f64) -> f64 {
        let per_unit = currency.and_then(|currency| self.per_unit.get(&currency));
        per_unit.map_or(0.0, |per_unit| per_unit * money)
    }

    /// Of one session of the cell.
    fn of_one(&self, cell: &Cell) -> f64 {
        self.of(cell.currency, cell.money / f64::from(cell.count))
    }
}

/// Sessions of one class of worth that are kept, and how many were given up of it.
#[derive(Default)]
struct Class {
    kept: f64,
    given_up: f64,
}

/// Below which worth sessions are given up, by their deadline: the later, the lower. What cannot all be confirmed by a
/// deadline is thinned from below.
fn levels(cells: &[Cell], capacity: &Capacity, worth: &Worth) -> Vec<(Timestamp, f64)> {
    let mut classes: BTreeMap<i32, Class> = BTreeMap::new();
    let mut kept = 0.0;
    let mut levels: Vec<(Timestamp, f64)> = Vec::new();
    for cell in cells {
        let count = f64::from(cell.count);
        classes.entry(class_of(worth.of_one(cell))).or_default().kept += count;
        kept += count;
        let mut excess = kept - capacity.until(cell.deadline());
        let mut level = None;
        while 0.0 < excess {
            let Some((number, class)) = classes.iter_mut().find(|(_, class)| 0.0 < class.kept) else {
                break;
            };
            let leaving = excess.min(class.kept);
            class.kept -= leaving;
            class.given_up += leaving;
            kept -= leaving;
            excess -= leaving;
            level = Some(worth_at(*number, class.given_up / (class.given_up + class.kept)));
        }
        if let Some(level) = level {
            // Whoever is due before a deadline makes room for it too.
            while levels.last().is_some_and(|(_, earlier)| *earlier <= level) {
                levels.pop();
            }
            levels.push((cell.until, level));
        }
    }
    levels
}

/// The class of an amount, or of what it is worth: amounts of one class differ by less than a fifth, and are planned
/// alike.
#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates, and amounts have twelve digits at most"
)]
pub fn class_of(worth: f64) -> i32 {
    (worth.max(1e-9).log2() * CLASSES_AN_OCTAVE).floor() as i32
}

/// The worth below which this part of a class lies, were the class filled evenly.
fn worth_at(class: i32, part: f64) -> f64 {
    ((f64::from(class) + part) / CLASSES_AN_OCTAVE).exp2()
}
