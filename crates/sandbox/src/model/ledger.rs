//! What the books must say, worked out a second time and as plainly as possible: whole cents, whole seconds, no
//! ids, no JSON. It knows Amazon's rules and nothing of how the sandbox keeps them.

pub(super) const DAY: i64 = 24 * 3600;
const PENDING_FOR: i64 = 30;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    Confirm,
    Authorize,
    Capture,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionState {
    Open,
    Completed,
    Canceled,
}

#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) cents: i64,
    pub(super) total: Option<i64>,
    pub(super) intent: Intent,
    pub(super) can_wait: bool,
    pub(super) recurring: bool,
    pub(super) card: &'static str,
    pub(super) made: i64,
    pub(super) state: SessionState,
    pub(super) permission: Option<Permission>,
}

#[derive(Debug, Clone)]
pub(super) struct Permission {
    pub(super) limit: Option<i64>,
    expires: i64,
    recurring: bool,
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
    /// Captured, or to be.
    pub(super) taken: i64,
    authorized: i64,
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

impl Session {
    /// Whether it is confirmed by this.
    pub(super) fn confirm(&mut self, right: bool, now: i64) -> bool {
        if self.state != SessionState::Open || !right {
            return false;
        }
        if matches!(self.card, "3434" | "3064") {
            self.state = SessionState::Canceled;
            return false;
        }
        let waits = self.can_wait && self.intent == Intent::Authorize;
        if matches!(self.card, "0701" | "4354") && !waits {
            return false;
        }
        self.state = SessionState::Completed;
        let months = if self.recurring { 13 } else { 0 };
        let mut permission = Permission {
            limit: (!self.recurring).then_some(self.total.unwrap_or(self.cents)),
            expires: if months > 0 {
                thirteen_months(now)
            } else {
                now + 180 * DAY
            },
            recurring: self.recurring,
            closed: false,
            refused: false,
            card: self.card,
            charges: Vec::new(),
        };
        if self.intent != Intent::Confirm {
            let wish = Wish {
                cents: self.cents,
                capture_now: self.intent == Intent::Capture,
                can_wait: self.can_wait,
                code: None,
            };
            permission.book(wish, now);
        }
        self.permission = Some(permission);
        true
    }

    pub(super) fn advance(&mut self, now: i64) {
        if self.state == SessionState::Open && now >= self.made + DAY {
            self.state = SessionState::Canceled;
        }
        if let Some(permission) = &mut self.permission {
            permission.advance(now);
        }
    }
}

impl Permission {
    pub(super) fn takes(&self) -> bool {
        let pending = |charge: &Charge| matches!(charge.state, ChargeState::Pending(_));
        !self.closed && !self.refused && !self.charges.iter().any(pending)
    }

    fn balance(&self) -> Option<i64> {
        let taken = |charge: &Charge| match charge.state {
            ChargeState::Declined | ChargeState::Canceled => 0,
            ChargeState::Captured | ChargeState::Capturing => charge.taken,
            ChargeState::Pending(_) | ChargeState::Authorized => charge.cents,
        };
        self.limit
            .map(|limit| limit - self.charges.iter().map(taken).sum::<i64>())
    }

    fn settle(&mut self) {
        let open = |charge: &Charge| {
            !matches!(
                charge.state,
                ChargeState::Captured | ChargeState::Declined | ChargeState::Canceled
            )
        };
        if self.balance().is_some_and(|left| left <= 0) && !self.charges.iter().any(open) {
            self.closed = true;
        }
    }

    fn book(&mut self, wish: Wish, now: i64) {
        let pending = match (wish.code, self.card) {
            (Some("AuthorizationInitiated"), _) | (None, "0701") => Some(Verdict::Pays),
            (Some("Pending-HardDeclined"), _) | (None, "4354") => Some(Verdict::HardDeclined),
            (None, _) if self.recurring && wish.can_wait && !wish.capture_now => Some(Verdict::Pays),
            _ => None,
        };
        let (state, taken, due) = match pending {
            Some(verdict) => (ChargeState::Pending(verdict), 0, Some(now + PENDING_FOR)),
            None if wish.code == Some("CaptureInitiated") => {
                (ChargeState::Capturing, wish.cents, Some(now + PENDING_FOR))
            }
            None if wish.capture_now => (ChargeState::Captured, wish.cents, None),
            None => (ChargeState::Authorized, 0, Some(now + 30 * DAY)),
        };
        self.charges.push(Charge {
            cents: wish.cents,
            state,
            taken,
            authorized: now,
            due,
            refunds: Vec::new(),
        });
        if self.recurring && !self.closed {
            self.expires = thirteen_months(now);
        }
        self.settle();
    }

    /// Whether a charge is made.
    pub(super) fn charge(&mut self, wish: Wish, now: i64) -> bool {
        let room = self.limit.is_none() || self.charges.len() < 25;
        let enough = self.balance().is_none_or(|left| wish.cents <= left);
        if (wish.capture_now && wish.can_wait) || !self.takes() || !room || !enough {
            return false;
        }
        match wish.code {
            Some("HardDeclined") => self.refused = true,
            Some("AmazonRejected") => self.closed = true,
            Some("SoftDeclined") => {}
            Some("CaptureInitiated") if !wish.capture_now => {}
            Some("AuthorizationInitiated" | "Pending-HardDeclined") if !wish.can_wait => {}
            None if matches!(self.card, "0701" | "4354") && !wish.can_wait => {}
            _ => {
                self.book(wish, now);
                return true;
            }
        }
        false
    }

    /// Whether something is captured.
    pub(super) fn capture(&mut self, index: usize, cents: i64, code: Option<&'static str>, now: i64) -> bool {
        let charge = &mut self.charges[index];
        if charge.state != ChargeState::Authorized || cents > charge.cents {
            return false;
        }
        let taken = match code {
            Some("AmazonRejected") => {
                charge.state = ChargeState::Declined;
                charge.due = None;
                self.closed = true;
                false
            }
            Some(_) => charge.capture_later(cents, now),
            None if now > charge.authorized + 7 * DAY => charge.capture_later(cents, now),
            None => {
                (charge.state, charge.taken, charge.due) = (ChargeState::Captured, cents, None);
                true
            }
        };
        self.settle();
        taken
    }

    pub(super) fn cancel(&mut self, index: usize) -> bool {
        let charge = &mut self.charges[index];
        if !matches!(charge.state, ChargeState::Pending(_) | ChargeState::Authorized) {
            return false;
        }
        (charge.state, charge.due) = (ChargeState::Canceled, None);
        self.settle();
        true
    }

    pub(super) fn close(&mut self, cancels: bool) -> bool {
        if self.closed {
            return false;
        }
        self.closed = true;
        for index in 0..self.charges.len() {
            if cancels {
                self.cancel(index);
            }
        }
        true
    }

    pub(super) fn refund(&mut self, index: usize, cents: i64, goes: bool, now: i64) -> bool {
        let charge = &mut self.charges[index];
        let given: i64 = charge
            .refunds
            .iter()
            .filter(|refund| refund.given != Some(false))
            .map(|r| r.cents)
            .sum();
        // In hundredths of a cent: 15 % more, or 75.00 more.
        let most = charge.taken * 100 + (charge.taken * 15).min(75_00 * 100);
        if charge.state != ChargeState::Captured || (given + cents) * 100 > most {
            return false;
        }
        charge.refunds.push(Refund {
            cents,
            given: None,
            will_be: goes,
            due: now + PENDING_FOR,
        });
        true
    }

    fn advance(&mut self, now: i64) {
        loop {
            let due = self
                .charges
                .iter()
                .enumerate()
                .filter_map(|(index, charge)| Some((charge.due?, index)));
            let Some((at, index)) = due.min().filter(|(at, _)| *at <= now) else {
                break;
            };
            if !self.closed && self.expires < at {
                self.closed = true;
            }
            let charge = &mut self.charges[index];
            charge.due = None;
            match charge.state {
                ChargeState::Pending(Verdict::Pays) => {
                    charge.state = ChargeState::Authorized;
                    (charge.authorized, charge.due) = (at, Some(at + 30 * DAY));
                }
                ChargeState::Pending(Verdict::HardDeclined) => {
                    charge.state = ChargeState::Declined;
                    self.refused = true;
                }
                ChargeState::Capturing => charge.state = ChargeState::Captured,
                ChargeState::Authorized => charge.state = ChargeState::Canceled,
                ChargeState::Captured | ChargeState::Declined | ChargeState::Canceled => {}
            }
            self.settle();
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
    fn capture_later(&mut self, cents: i64, now: i64) -> bool {
        (self.state, self.taken, self.due) = (ChargeState::Capturing, cents, Some(now + PENDING_FOR));
        true
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
