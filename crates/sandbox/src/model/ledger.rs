//! What the books must say, worked out a second time and as plainly as possible: whole cents, whole seconds, no
//! ids, no JSON. It knows Amazon's rules and the switches, and nothing of how the sandbox keeps them.
//!
//! Here: a charge permission, its charges and their refunds.

use crate::unknowns::Unknowns;
use crate::world::books::Effect;

pub(super) const DAY: i64 = 24 * 3600;
pub(super) const PENDING_FOR: i64 = 30;

/// What becomes of a call, and what it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Did {
    /// There is no such object for this caller.
    Unseen,
    Refused(Option<Effect>),
    Done(Option<Effect>),
}

pub(super) const REFUSED: Did = Did::Refused(None);

/// When a call is worked on, and when it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    pub(super) arrived: i64,
    pub(super) now: i64,
}

#[derive(Debug, Clone)]
pub(super) struct Permission {
    pub(super) limit: Option<i64>,
    pub(super) reference: Option<String>,
    expires: i64,
    pub(super) closed: bool,
    refused: bool,
    card: &'static str,
    pub(super) charges: Vec<Charge>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChargeState {
    Pending(Verdict),
    Authorized,
    Capturing,
    Captured,
    Declined,
    Canceled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Pays,
    HardDeclined,
}

#[derive(Debug, Clone)]
pub(super) struct Charge {
    pub(super) cents: i64,
    pub(super) state: ChargeState,
    pub(super) captured: i64,
    pub(super) capturing: i64,
    pub(super) authorized: Option<i64>,
    due: Option<i64>,
    pub(super) refunds: Vec<Refund>,
}

#[derive(Debug, Clone)]
pub(super) struct Refund {
    pub(super) cents: i64,
    /// None while it is undecided.
    pub(super) given: Option<bool>,
    will_be: bool,
    due: i64,
}

/// What a charge is asked for with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish {
    pub(super) cents: i64,
    pub(super) capture_now: bool,
    pub(super) can_wait: bool,
    pub(super) code: Option<&'static str>,
}

/// What a provider says of a charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    Nothing,
    Authorized,
    CaptureInitiated,
    Captured,
    Declined(&'static str),
    Canceled,
}

impl Permission {
    /// It is recurring where it has no limit.
    pub(super) fn new(limit: Option<i64>, card: &'static str, now: i64) -> Self {
        Self {
            limit,
            reference: None,
            expires: limit.map_or_else(|| thirteen_months(now), |_| now + 180 * DAY),
            closed: false,
            refused: false,
            card,
            charges: Vec::new(),
        }
    }

    pub(super) fn is_chargeable(&self) -> bool {
        let pending = |charge: &Charge| matches!(charge.state, ChargeState::Pending(_));
        !self.closed && !self.refused && !self.charges.iter().any(pending)
    }

    pub(super) fn balance(&self, rules: &Unknowns) -> Option<i64> {
        let taken = |charge: &Charge| match charge.state {
            ChargeState::Declined | ChargeState::Canceled => charge.captured,
            ChargeState::Captured | ChargeState::Capturing if rules.uncaptured_rest_returns => {
                charge.captured + charge.capturing
            }
            _ => charge.cents,
        };
        self.limit
            .map(|limit| limit - self.charges.iter().map(taken).sum::<i64>())
    }

    fn settle(&mut self, rules: &Unknowns) {
        let open = |charge: &Charge| {
            !matches!(
                charge.state,
                ChargeState::Captured | ChargeState::Declined | ChargeState::Canceled
            )
        };
        let waits = !rules.closes_when_authorized && self.charges.iter().any(open);
        if self.balance(rules).is_some_and(|left| left <= 0) && !waits {
            self.closed = true;
        }
    }

    pub(super) fn book(&mut self, wish: Wish, now: i64, rules: &Unknowns) {
        let pending = match (wish.code, self.card) {
            (Some("AuthorizationInitiated"), _) | (None, "0701") => Some(Verdict::Pays),
            (Some("Pending-HardDeclined"), _) | (None, "4354") => Some(Verdict::HardDeclined),
            (None, _) if self.limit.is_none() && wish.can_wait && !wish.capture_now => Some(Verdict::Pays),
            _ => None,
        };
        let later = wish.code == Some("CaptureInitiated");
        let (state, due) = match pending {
            Some(verdict) => (ChargeState::Pending(verdict), Some(now + PENDING_FOR)),
            None if later => (ChargeState::Capturing, Some(now + PENDING_FOR)),
            None if wish.capture_now => (ChargeState::Captured, None),
            None => (ChargeState::Authorized, Some(now + 30 * DAY)),
        };
        let of = |wanted: ChargeState| if state == wanted { wish.cents } else { 0 };
        self.charges.push(Charge {
            cents: wish.cents,
            state,
            captured: of(ChargeState::Captured),
            capturing: of(ChargeState::Capturing),
            authorized: pending.is_none().then_some(now),
            due,
            refunds: Vec::new(),
        });
        if self.limit.is_none() && !self.closed {
            self.expires = thirteen_months(now);
        }
        self.settle(rules);
    }

    pub(super) fn charge(&mut self, wish: Wish, now: i64, rules: &Unknowns) -> Did {
        let room = self.limit.is_none() || self.charges.len() < 25;
        let enough = self.balance(rules).is_none_or(|left| wish.cents <= left);
        if (wish.capture_now && wish.can_wait) || !self.is_chargeable() || !room || !enough {
            return REFUSED;
        }
        match wish.code {
            Some("Pending-HardDeclined") if !rules.pending_charge_simulation_codes => return REFUSED,
            Some("HardDeclined") => self.refused = true,
            Some("AmazonRejected") => self.closed = true,
            Some("SoftDeclined") => {}
            Some("CaptureInitiated") if !wish.capture_now => return REFUSED,
            Some("AuthorizationInitiated" | "Pending-HardDeclined") if !wish.can_wait => return REFUSED,
            None if matches!(self.card, "0701" | "4354") && !wish.can_wait => return REFUSED,
            _ => {
                self.book(wish, now, rules);
                return Did::Done(Some(Effect::Charged));
            }
        }
        Did::Refused(Some(Effect::Declined))
    }

    pub(super) fn capture(
        &mut self,
        index: usize,
        cents: i64,
        code: Option<&'static str>,
        now: i64,
        rules: &Unknowns,
    ) -> Did {
        let charge = &mut self.charges[index];
        let left = charge.cents - charge.captured;
        let again = charge.state == ChargeState::Captured && !rules.one_capture_per_charge && left > 0;
        if (charge.state != ChargeState::Authorized && !again) || cents > left {
            return REFUSED;
        }
        let late = charge.authorized.is_some_and(|at| now > at + 7 * DAY);
        let did = match code {
            Some("AmazonRejected") => {
                charge.turn(ChargeState::Declined);
                self.closed = true;
                Did::Refused(Some(Effect::Declined))
            }
            code => {
                if code.is_some() || late {
                    charge.capture_later(cents, now);
                } else {
                    charge.turn(ChargeState::Captured);
                    charge.captured += cents;
                }
                Did::Done(Some(Effect::Captured))
            }
        };
        self.settle(rules);
        did
    }

    pub(super) fn cancel(&mut self, index: usize, rules: &Unknowns) -> Did {
        let charge = &mut self.charges[index];
        if !matches!(charge.state, ChargeState::Pending(_) | ChargeState::Authorized) {
            return REFUSED;
        }
        charge.turn(ChargeState::Canceled);
        self.settle(rules);
        Did::Done(Some(Effect::Voided))
    }

    pub(super) fn report(&mut self, index: usize, report: Report, now: i64, rules: &Unknowns) -> Did {
        use ChargeState as S;
        let charge = &mut self.charges[index];
        let effect = match (charge.state, report) {
            _ if !rules.update_charge_for_everyone => return REFUSED,
            (_, Report::Nothing) => return Did::Done(Some(Effect::Updated)),
            (S::Pending(_), Report::Authorized) => {
                charge.authorize(now);
                Effect::Updated
            }
            (S::Pending(_) | S::Capturing, Report::Declined(reason)) => {
                charge.turn(S::Declined);
                self.refused |= reason == "HardDeclined";
                self.closed |= reason == "AmazonRejected";
                Effect::Declined
            }
            (S::Pending(_) | S::Authorized, Report::Canceled) => {
                charge.turn(S::Canceled);
                Effect::Voided
            }
            (S::Authorized, Report::CaptureInitiated) => {
                charge.capture_later(charge.cents, now);
                Effect::Captured
            }
            (S::Authorized | S::Capturing, Report::Captured) => {
                let taken = if charge.state == S::Capturing {
                    charge.capturing
                } else {
                    charge.cents
                };
                charge.turn(S::Captured);
                charge.captured += taken;
                Effect::Captured
            }
            _ => return REFUSED,
        };
        self.settle(rules);
        Did::Done(Some(effect))
    }

    pub(super) fn close(&mut self, cancels: bool, rules: &Unknowns) -> Did {
        if self.closed {
            return REFUSED;
        }
        self.closed = true;
        for index in 0..self.charges.len() {
            if cancels {
                self.cancel(index, rules);
            }
        }
        Did::Done(Some(Effect::Closed))
    }

    pub(super) fn note(&mut self, reference: &str, rules: &Unknowns) -> Did {
        if self.closed && !rules.closed_permission_takes_metadata {
            return REFUSED;
        }
        self.reference = Some(reference.to_owned());
        Did::Done(Some(Effect::Updated))
    }

    /// The buyer chooses another card.
    pub(super) fn replace_card(&mut self, card: &'static str) -> bool {
        if !self.closed {
            (self.card, self.refused) = (card, false);
        }
        !self.closed
    }

    pub(super) fn refund(&mut self, index: usize, cents: i64, goes: bool, now: i64, rules: &Unknowns) -> Did {
        let charge = &mut self.charges[index];
        let given = charge.refunded(|given| given != Some(false));
        // In hundredths of a cent: 15 % more, or 75.00 more.
        let most = charge.captured * 100 + (charge.captured * 15).min(75_00 * 100);
        let no_code = !goes && !rules.refund_simulation_codes;
        if charge.state != ChargeState::Captured || (given + cents) * 100 > most || no_code {
            return REFUSED;
        }
        charge.refunds.push(Refund {
            cents,
            given: None,
            will_be: goes,
            due: now + PENDING_FOR,
        });
        Did::Done(Some(Effect::Refunded))
    }

    pub(super) fn advance(&mut self, now: i64, rules: &Unknowns) {
        loop {
            let charges = self.charges.iter().enumerate();
            let due = charges.filter_map(|(index, charge)| Some((charge.due?, index)));
            let Some((at, index)) = due.min().filter(|(at, _)| *at <= now) else {
                break;
            };
            if !self.closed && self.expires < at {
                self.closed = true;
            }
            let charge = &mut self.charges[index];
            match charge.state {
                ChargeState::Pending(Verdict::Pays) => charge.authorize(at),
                ChargeState::Pending(Verdict::HardDeclined) => {
                    charge.turn(ChargeState::Declined);
                    self.refused = true;
                }
                ChargeState::Capturing => {
                    charge.captured += charge.capturing;
                    charge.turn(ChargeState::Captured);
                }
                ChargeState::Authorized => charge.turn(ChargeState::Canceled),
                ChargeState::Captured | ChargeState::Declined | ChargeState::Canceled => charge.due = None,
            }
            self.settle(rules);
        }
        for refund in self.charges.iter_mut().flat_map(|charge| &mut charge.refunds) {
            if refund.given.is_none() && now >= refund.due {
                refund.given = Some(refund.will_be);
            }
        }
        if now >= self.expires {
            self.closed = true;
        }
    }
}

impl Charge {
    fn turn(&mut self, state: ChargeState) {
        (self.state, self.capturing, self.due) = (state, 0, None);
    }

    fn authorize(&mut self, at: i64) {
        self.turn(ChargeState::Authorized);
        (self.authorized, self.due) = (Some(at), Some(at + 30 * DAY));
    }

    fn capture_later(&mut self, cents: i64, now: i64) {
        self.turn(ChargeState::Capturing);
        (self.capturing, self.due) = (cents, Some(now + PENDING_FOR));
    }

    pub(super) fn refunded(&self, counts: impl Fn(Option<bool>) -> bool) -> i64 {
        let counted = self.refunds.iter().filter(|refund| counts(refund.given));
        counted.map(|refund| refund.cents).sum()
    }
}

fn thirteen_months(now: i64) -> i64 {
    let from = jiff::Timestamp::from_second(now)
        .unwrap()
        .to_zoned(jiff::tz::TimeZone::UTC);
    let (year, month) = (from.year(), i32::from(from.month()));
    // December is followed by the January two years on.
    let (year, month) = if month == 12 {
        (year + 2, 1)
    } else {
        (year + 1, month + 1)
    };
    let month = i8::try_from(month).unwrap();
    let last = jiff::civil::date(year, month, 1).days_in_month();
    let date = jiff::civil::date(year, month, from.day().min(last));
    let to = date
        .to_datetime(from.time())
        .to_zoned(jiff::tz::TimeZone::UTC)
        .unwrap();
    to.timestamp().as_second()
}
