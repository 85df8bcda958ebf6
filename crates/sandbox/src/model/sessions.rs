//! The [`ledger`](super::ledger) of checkout sessions.

use super::ledger::{ChargeState, DAY, Did, Moment, Permission, REFUSED, Wish};
use crate::control::new_session::{BuyerAction, Route};
use crate::time::span::Span;
use crate::unknowns::{PendingState, Unknowns};
use crate::world::books::Effect;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    Confirm,
    Authorize,
    Capture,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SessionState {
    Open,
    Completed {
        at: i64,
        shows_charge: bool,
        open_while_pending: bool,
    },
    Canceled,
}

/// `paymentDetails`; in a change, what is None stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Details {
    pub(super) cents: Option<i64>,
    pub(super) total: Option<i64>,
    pub(super) intent: Option<Intent>,
    pub(super) can_wait: Option<bool>,
}

#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) merchant: usize,
    pub(super) details: Details,
    pub(super) recurring: bool,
    pub(super) card: &'static str,
    pub(super) route: Option<Route>,
    pub(super) finished: bool,
    pub(super) made: i64,
    pub(super) state: SessionState,
    pub(super) permission: Option<Permission>,
    /// Of the calls that named it.
    pub(super) effects: Vec<Effect>,
}

impl Details {
    fn combine(self, change: Self) -> Self {
        Self {
            cents: change.cents.or(self.cents),
            total: change.total.or(self.total),
            intent: change.intent.or(self.intent),
            can_wait: change.can_wait.or(self.can_wait),
        }
    }

    pub(super) fn fits_together(self) -> bool {
        self.intent != Some(Intent::Capture) || self.can_wait != Some(true)
    }
}

impl Session {
    fn lapses(&self, rules: &Unknowns) -> i64 {
        self.made + DAY + seconds(rules.expiry_lag)
    }

    pub(super) fn is_removed(&self, now: i64) -> bool {
        now >= self.made + 30 * DAY
    }

    pub(super) fn advance(&mut self, moment: Moment, rules: &Unknowns) {
        let judged = if rules.arrival_counts {
            moment.arrived
        } else {
            moment.now
        };
        if self.state == SessionState::Open && judged >= self.lapses(rules) {
            self.state = SessionState::Canceled;
        }
        if let Some(permission) = &mut self.permission {
            permission.advance(moment.now, rules);
        }
    }

    pub(super) fn update(&mut self, change: Details, moment: Moment, rules: &Unknowns) -> Did {
        let changed = self.details.combine(change);
        if self.is_removed(moment.now) {
            return Did::Unseen;
        }
        let open = self.state == SessionState::Open && moment.now < self.lapses(rules);
        if !open || !changed.fits_together() {
            return REFUSED;
        }
        self.details = changed;
        Did::Done(Some(Effect::Updated))
    }

    pub(super) fn confirm(
        &mut self,
        route: Route,
        sent: Details,
        code: Option<&'static str>,
        moment: Moment,
        rules: &Unknowns,
    ) -> Did {
        if self.is_removed(moment.now) {
            return Did::Unseen;
        }
        let Details { cents, total, .. } = self.details;
        let (Some(cents), Some(intent)) = (cents, self.details.intent) else {
            return REFUSED;
        };
        let other_route = !rules.either_operation_confirms && self.route.is_some_and(|own| own != route);
        let differs = sent.cents != Some(cents)
            || sent.total != total
            || (route == Route::Finalize && sent.intent != Some(intent));
        let no_code = route == Route::Finalize && !rules.finalize_takes_simulation_codes && code.is_some();
        if self.state != SessionState::Open || !self.finished || other_route || differs || no_code {
            return REFUSED;
        }
        if matches!(
            (code, self.card),
            (Some("BuyerCanceled" | "AmazonCanceled" | "Declined"), _) | (None, "3434" | "3064")
        ) {
            self.state = SessionState::Canceled;
            return Did::Refused(Some(Effect::Canceled));
        }
        let can_wait = self.details.can_wait == Some(true);
        let to_wait = code.is_some() || matches!(self.card, "0701" | "4354");
        if to_wait && !(can_wait && intent == Intent::Authorize) {
            return REFUSED;
        }
        let limit = (!self.recurring).then_some(total.unwrap_or(cents));
        let mut permission = Permission::new(limit, self.card, moment.now);
        if intent != Intent::Confirm {
            let wish = Wish {
                cents,
                capture_now: intent == Intent::Capture,
                can_wait,
                code,
            };
            permission.book(wish, moment.now, rules);
        }
        let charge = permission.charges.first();
        let pends = charge.is_some_and(|charge| matches!(charge.state, ChargeState::Pending(_)));
        let phantom = route == Route::Finalize && rules.finalize_confirm_shows_charge_id;
        self.state = SessionState::Completed {
            at: moment.now,
            shows_charge: charge.is_some() || phantom,
            open_while_pending: pends && rules.pending_session_state == PendingState::Open,
        };
        self.permission = Some(permission);
        Did::Done(Some(Effect::Completed))
    }

    /// Whether the buyer could do it.
    pub(super) fn buyer(
        &mut self,
        action: BuyerAction,
        card: Option<&'static str>,
        rules: &Unknowns,
    ) -> bool {
        if self.state != SessionState::Open {
            return false;
        }
        match action {
            BuyerAction::Finish => {
                self.finished = true;
                self.card = card.unwrap_or(self.card);
                if rules.bad_cards_cancel_on_return && matches!(self.card, "3434" | "3064") {
                    self.state = SessionState::Canceled;
                }
            }
            BuyerAction::Leave => self.finished = false,
            BuyerAction::Cancel | BuyerAction::Decline => self.state = SessionState::Canceled,
        }
        true
    }

    /// What a look-up tells: its state, and whether it shows a permission and a charge.
    pub(super) fn looked_up(&self, now: i64, rules: &Unknowns) -> (&'static str, bool, bool) {
        match self.state {
            SessionState::Completed { at, .. } if now < at + seconds(rules.look_up_lag) => {
                ("Open", false, false)
            }
            SessionState::Completed { shows_charge, .. } if self.word() != "Canceled" => {
                (self.word(), true, shows_charge)
            }
            _ => (self.word(), false, false),
        }
    }

    /// The state that it is said to be in.
    pub(super) fn word(&self) -> &'static str {
        let own = self.permission.as_ref().and_then(|p| p.charges.first());
        match (self.state, own) {
            (SessionState::Open, _) => "Open",
            (SessionState::Canceled, _) => "Canceled",
            (
                SessionState::Completed {
                    open_while_pending: true,
                    ..
                },
                Some(own),
            ) => match own.state {
                ChargeState::Pending(_) => "Open",
                ChargeState::Declined if own.authorized.is_none() => "Canceled",
                _ => "Completed",
            },
            (SessionState::Completed { .. }, _) => "Completed",
        }
    }
}

pub(super) fn seconds(span: Span) -> i64 {
    i64::try_from(span.0.as_secs()).unwrap()
}
