//! What is drawn from a seed: how every switch stands, and the sessions that are to end right all the same.

use jiff::SignedDuration;
use sandbox::Unknowns;
use serde_json::{Map, Value, json};
use testkit::chance::Seeded;

use crate::unknowns::case::standing;

/// Refusals as documents know them, and some that nobody knows. None is of the whole account.
const REFUSALS: [(u16, &str); 11] = [
    (400, "InvalidParameterValue"),
    (400, "MissingParameterValue"),
    (400, "AmountMismatch"),
    (400, "InvalidRequest"),
    (400, "BornYesterday"),
    (404, "ResourceNotFound"),
    (409, "AmountMismatch"),
    (409, "BornYesterday"),
    (422, "InvalidParameterValue"),
    (422, "InvalidCheckoutSessionStatus"),
    (422, "BornYesterday"),
];

/// Every position of a switch that is drawn. A switch that is neither true or false nor a refusal needs its own
/// list here.
pub(super) fn positions(switch: &str, default: &Value) -> Vec<Value> {
    let own: &[Value] = &match switch {
        "allowedClockSkew" => vec![json!("5m"), Value::Null],
        "retryAfter" => vec![json!(1), json!(20)],
        "customInformationLimit" | "cancellationReasonLimit" => vec![json!(16), Value::Null],
        "expiryLag" => vec![json!("40s"), json!("10m")],
        "lookUpLag" => vec![json!("5s"), json!("20s"), json!("3m")],
        "pendingSessionState" => vec![json!("Open")],
        "addressComparison" => vec![json!("Literal"), json!("Loose")],
        "sessionCanceledStatus" => vec![json!(400)],
        "sessionCanceledReasonCode" => {
            vec![json!("InvalidCheckoutSessionStatus"), json!("BornYesterday")]
        }
        "canceledSessionRefusal" => vec![json!({"status": 422, "reasonCode": "CheckoutSessionCanceled"})],
        _ => Vec::new(),
    };
    let general = match default {
        Value::Bool(position) => vec![json!(!position)],
        Value::Object(_) => REFUSALS
            .iter()
            .map(|(status, code)| json!({"status": status, "reasonCode": code}))
            .collect(),
        _ => Vec::new(),
    };
    let others = own
        .iter()
        .cloned()
        .chain(general)
        .filter(|other| other != default);
    let all: Vec<Value> = std::iter::once(default.clone()).chain(others).collect();
    assert!(1 < all.len(), "{switch}: how else it may stand is not listed");
    all
}

/// Where every switch stands by default.
pub(super) fn defaults() -> Map<String, Value> {
    match serde_json::to_value(Unknowns::default()).unwrap() {
        Value::Object(fields) => fields,
        other => panic!("{other}"),
    }
}

/// One world of unknowns, and what happens in it.
pub(super) struct Draw {
    pub(super) seed: u64,
    pub(super) stand: Value,
    pub(super) plans: Vec<Plan>,
}

impl Draw {
    pub(super) fn of(seed: u64) -> Self {
        let chance = Seeded::new(seed);
        let (switches, sessions) = (chance.fork(), chance.fork());
        let stand = defaults().into_iter().map(|(switch, default)| {
            let position = one(&switches, &positions(&switch, &default));
            (switch, position)
        });
        let stand = Value::Object(stand.collect());
        let count = 6 + sessions.below(5);
        let plans = (0..count).map(|_| Plan::drawn(&sessions.fork())).collect();
        Self { seed, stand, plans }
    }

    pub(super) fn unknowns(&self) -> Unknowns {
        standing(&self.stand)
    }

    /// The switches that stand otherwise than by default.
    pub(super) fn moved(&self) -> Value {
        let defaults = defaults();
        let fields = self.stand.as_object().unwrap().iter();
        let moved = fields.filter(|(switch, position)| defaults[*switch] != **position);
        let moved = moved.map(|(switch, position)| (switch.clone(), position.clone()));
        Value::Object(moved.collect())
    }
}

/// When the shop front completes a session by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShopFront {
    Before,
    AtOnce,
    Later,
}

/// When the shop publishes what it should have said at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Corrected {
    /// Once people were told.
    WhenTold,
    Never,
}

/// One session: what it is, and what happens to it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) age: SignedDuration,
    /// Amazon was never asked to make it.
    pub(super) unheard_of: bool,
    pub(super) session: Value,
    /// What the shop says, over what the session shows.
    pub(super) event: Value,
    /// What of that is not so, by name, and what is said instead when it is corrected.
    pub(super) contradiction: Option<&'static str>,
    pub(super) corrected: Corrected,
    pub(super) correction: Value,
    pub(super) says_its_creation: bool,
    pub(super) said_late: bool,
    pub(super) said_twice: bool,
    pub(super) faults: Vec<Value>,
    pub(super) shop_front: Option<ShopFront>,
    /// What the buyer does, after so many rests.
    pub(super) buyer: Option<(u32, Value)>,
    /// Nothing that is drawn keeps it from being confirmed for good, if people and buyer do their part in time.
    pub(super) can_be_confirmed: bool,
    /// The same, but that its buyer has yet to finish.
    pub(super) lacks_its_buyer_alone: bool,
}

/// The parts of a session that others depend on.
struct Kind {
    finalize: bool,
    intent: &'static str,
    can_wait: bool,
    permission: &'static str,
    sets_up_wallet: bool,
    product: &'static str,
    total: bool,
    supplementary: bool,
    finished: bool,
}

impl Kind {
    fn drawn(chance: &Seeded) -> Self {
        let finalize = chance.percent(65);
        let intent = one(
            chance,
            &["AuthorizeWithCapture", "Authorize", "Authorize", "Confirm"],
        );
        let permission = one(
            chance,
            &[
                "OneTime",
                "OneTime",
                "OneTime",
                "Recurring",
                "PaymentMethodOnFile",
            ],
        );
        let sets_up_wallet = permission == "PaymentMethodOnFile" && !finalize && chance.percent(60);
        Self {
            finalize,
            intent,
            can_wait: !sets_up_wallet && intent == "Authorize" && chance.percent(60),
            permission,
            sets_up_wallet,
            product: one(chance, &["PayAndShip", "PayAndShip", "PayOnly"]),
            total: !sets_up_wallet && chance.percent(25),
            supplementary: finalize && chance.percent(25),
            finished: chance.percent(85),
        }
    }

    fn operation(&self) -> &'static str {
        if self.finalize { "Finalize" } else { "Complete" }
    }

    fn session(&self) -> Value {
        let mut session = json!({
            "productType": self.product,
            "chargePermissionType": self.permission,
            "buyerFinished": self.finished,
        });
        if !self.sets_up_wallet {
            session["paymentDetails"] = json!({
                "paymentIntent": self.intent,
                "canHandlePendingAuthorization": self.can_wait,
                "chargeAmount": eur("14.00"),
            });
        }
        if self.total {
            session["paymentDetails"]["totalOrderAmount"] = eur("60.00");
        }
        if self.supplementary {
            session["supplementaryData"] = json!("as the session has it");
        }
        session
    }

    /// What the shop says and is so. A session that is Canceled shows little of what it was.
    fn event(&self, chance: &Seeded) -> Value {
        let session = self.session();
        let details = &session["paymentDetails"];
        let wallet = self.sets_up_wallet;
        let event = json!({
            "operation": self.operation(),
            "productType": self.product,
            "chargePermissionType": self.permission,
            "paymentIntent": if wallet { None } else { Some(self.intent) },
            "canHandlePendingAuthorization": self.can_wait,
            "chargeAmount": details["chargeAmount"],
            "totalOrderAmount": details["totalOrderAmount"],
            "supplementaryData": session["supplementaryData"],
        });
        if chance.percent(25) {
            over(&event, json!({"shippingAddress": null, "billingAddress": null}))
        } else {
            over(&event, addresses("Berlin"))
        }
    }

    /// Something that is not so, by name.
    fn contradiction(&self, chance: &Seeded) -> (&'static str, Value) {
        let mut all = vec![("account", json!({"account": "nowhere"}))];
        let other = if self.finalize { "Complete" } else { "Finalize" };
        if !self.sets_up_wallet {
            all.extend([
                ("operation", json!({"operation": other})),
                ("amount", json!({"chargeAmount": eur("99.99")})),
                ("amount as written", json!({"chargeAmount": eur("14")})),
                (
                    "currency",
                    json!({"chargeAmount": {"amount": "14.00", "currencyCode": "USD"}}),
                ),
                ("no amount", json!({"chargeAmount": null})),
                ("total", json!({"totalOrderAmount": eur("61.00")})),
                (
                    "permission type",
                    json!({"chargePermissionType": if self.permission == "OneTime" { "Recurring" } else { "OneTime" }}),
                ),
            ]);
        }
        if self.total {
            all.push(("no total", json!({"totalOrderAmount": null})));
        }
        if self.finalize {
            let product = if self.product == "PayOnly" {
                "PayAndShip"
            } else {
                "PayOnly"
            };
            all.extend([
                ("product", json!({"productType": product})),
                ("supplementary data", json!({"supplementaryData": "otherwise"})),
                ("city", addresses("Hamburg")),
                ("city as written", addresses("BERLIN")),
            ]);
            if self.can_wait {
                all.push(("no wait", json!({"canHandlePendingAuthorization": null})));
            }
            for intent in ["AuthorizeWithCapture", "Authorize", "Confirm"] {
                if intent != self.intent {
                    all.push((
                        "intent",
                        json!({"paymentIntent": intent, "canHandlePendingAuthorization": null}),
                    ));
                }
            }
        }
        if self.supplementary {
            all.push(("no supplementary data", json!({"supplementaryData": null})));
        }
        one(chance, &all)
    }
}

impl Plan {
    fn drawn(chance: &Seeded) -> Self {
        let kind = Kind::drawn(chance);
        let mut session = kind.session();
        let mut can_be_confirmed = true;
        let route = chance.percent(50);
        if route {
            session["operation"] = json!(kind.operation());
        }
        if chance.percent(35) {
            let cards: &[(&str, bool)] = if kind.can_wait {
                &[("0701", true), ("4354", true), ("3434", false)]
            } else {
                &[("3434", false), ("3064", false)]
            };
            let (card, pays) = one(chance, cards);
            session["card"] = json!(card);
            can_be_confirmed &= pays;
        }
        session["pendingFor"] = json!(one(chance, &["30s", "5m", "3h"]));
        if chance.percent(8) {
            let reason = one(chance, &[Value::Null, json!("BuyerCanceled"), json!("Declined")]);
            session["statusDetails"] = json!({"state": "Canceled", "reasonCode": reason});
            can_be_confirmed = false;
        }
        let event = kind.event(chance);
        let (contradiction, said) = if chance.percent(40) {
            let (name, said) = kind.contradiction(chance);
            (Some(name), over(&event, said))
        } else {
            (None, event.clone())
        };
        // Nobody can ask about it without its account, for thirty days.
        let corrected = if chance.percent(85) || contradiction == Some("account") {
            Corrected::WhenTold
        } else {
            Corrected::Never
        };
        can_be_confirmed &= contradiction.is_none() || corrected == Corrected::WhenTold;
        let faults: Vec<Value> = if chance.percent(45) {
            (0..=chance.below(2))
                .map(|_| fault(chance, said["operation"].as_str().unwrap()))
                .collect()
        } else {
            Vec::new()
        };
        let confirming = |fault: &Value| !["get", "charge"].contains(&fault["operation"].as_str().unwrap());
        let doubtful = faults.iter().any(confirming);
        // Doubt ends by a refusal for content alone, and what is refused may not be said to be that.
        can_be_confirmed &= contradiction.is_none() || !doubtful;
        if chance.percent(15) {
            let (refusal, passes) = refusal(chance, doubtful || contradiction.is_some());
            session["refuse"] = refusal;
            can_be_confirmed &= passes;
        }
        // What may have to wait for its deadline is near it: every half hour of waiting takes its time here too.
        let waits = contradiction.is_some() || !can_be_confirmed || !kind.finished;
        let ages: &[i64] = if waits {
            &[1200, 1290, 1320, 1410, 1500]
        } else {
            &[0, 0, 0, 120, 1290]
        };
        let minutes = one(chance, ages);
        can_be_confirmed &= minutes <= 1290;
        let shop_front = (!kind.sets_up_wallet && chance.percent(15))
            .then(|| one(chance, &[ShopFront::Before, ShopFront::AtOnce, ShopFront::Later]));
        let act = if kind.finished { 15 } else { 70 };
        let buyer = chance.percent(act).then(|| {
            let actions = [
                json!({"action": "finish"}),
                json!({"action": "finish", "card": "1111"}),
                json!({"action": "cancel"}),
                json!({"action": "decline"}),
            ];
            let likely = if kind.finished { 4 } else { 2 };
            (
                u32::try_from(chance.below(5)).unwrap(),
                one(chance, &actions[..likely]),
            )
        });
        Self {
            age: SignedDuration::from_mins(minutes),
            unheard_of: chance.percent(4),
            session,
            event: said,
            contradiction,
            corrected,
            correction: event,
            says_its_creation: chance.percent(50),
            said_late: chance.percent(25),
            said_twice: chance.percent(25),
            faults,
            shop_front,
            buyer,
            can_be_confirmed: can_be_confirmed && kind.finished,
            lacks_its_buyer_alone: can_be_confirmed && !kind.finished,
        }
    }

    /// Whether the charge of its confirmation is decided some time after it. The buyer may have chosen another card.
    pub(super) fn pends(&self, with_another_card: bool) -> bool {
        let details = &self.session["paymentDetails"];
        let card = self.session["card"].as_str().filter(|_| !with_another_card);
        details["paymentIntent"] == "Authorize"
            && details["canHandlePendingAuthorization"] == true
            && (matches!(card, Some("0701" | "4354")) || self.session["chargePermissionType"] == "Recurring")
    }
}

fn one<T: Clone>(chance: &Seeded, from: &[T]) -> T {
    chance
        .pick(from)
        .expect("there is something to choose from")
        .clone()
}

fn over(below: &Value, changes: Value) -> Value {
    let mut changed = below.clone();
    if let (Value::Object(changed), Value::Object(changes)) = (&mut changed, changes) {
        changed.extend(changes);
    }
    changed
}

fn eur(amount: &str) -> Value {
    json!({"amount": amount, "currencyCode": "EUR"})
}

/// Where the sandbox's buyer lives, or elsewhere.
fn address(city: &str) -> Value {
    json!({
        "name": "Robin Example", "addressLine1": "Beispielweg 7", "city": city,
        "postalCode": "10115", "countryCode": "DE", "phoneNumber": "030555010",
    })
}

fn addresses(city: &str) -> Value {
    json!({"shippingAddress": address(city), "billingAddress": address(city)})
}

/// Something that goes wrong a few times.
fn fault(chance: &Seeded, operation: &str) -> Value {
    let confirming = operation.to_lowercase();
    let operation = one(
        chance,
        &[confirming.as_str(), &confirming, &confirming, "get", "charge"],
    );
    let mut fault = json!({
        "operation": operation,
        "when": one(chance, &["before", "after"]),
        "times": 1 + chance.below(3),
    });
    match one(
        chance,
        &[
            "reset", "reset", "truncate", "html", "status", "status", "status", "hang", "delay",
        ],
    ) {
        "delay" => fault["delay"] = json!(one(chance, &["2s", "20s", "40s"])),
        "status" => {
            fault["kind"] = json!("status");
            fault["status"] = json!(one(chance, &[500, 502, 503, 504, 408, 429]));
        }
        "hang" => {
            fault["kind"] = json!("hang");
            fault["times"] = json!(1);
        }
        kind => fault["kind"] = json!(kind),
    }
    if fault["delay"].is_null() && chance.percent(20) {
        fault["delay"] = json!(one(chance, &["2s", "20s"]));
    }
    fault
}

/// How its confirmation is refused, and whether that passes: by itself, or by a person's release.
fn refusal(chance: &Seeded, confused: bool) -> (Value, bool) {
    let passing: &[(u16, &str)] = &[
        (422, "InvalidCheckoutSessionStatus"),
        (422, "TransactionTimedOut"),
        (422, "BornYesterday"),
        (500, "ProcessingFailure"),
        (500, "InternalServerError"),
    ];
    let repaired: &[(u16, &str)] = &[
        (400, "DuplicateIdempotencyKey"),
        (400, "TransactionAmountExceeded"),
        (400, "InvalidRequest"),
        (409, "BornYesterday"),
    ];
    let last: &[(u16, &str)] = &[
        (422, "HardDeclined"),
        (422, "SoftDeclined"),
        (422, "AmazonRejected"),
        (422, "MFANotCompleted"),
        (400, "PeriodicAmountExceeded"),
    ];
    match chance.below(3) {
        0 => {
            let (status, code) = one(chance, passing);
            let times = 1 + chance.below(2);
            let order = json!({"status": status, "reasonCode": code, "times": times});
            (order, !confused)
        }
        1 => {
            let (status, code) = one(chance, repaired);
            (
                json!({"status": status, "reasonCode": code, "times": 1}),
                !confused,
            )
        }
        _ => {
            let (status, code) = one(chance, last);
            let mut order = json!({"status": status, "reasonCode": code});
            if chance.percent(50) {
                order["sessionAfter"] = json!("Canceled");
                order["sessionReasonCode"] = one(chance, &[json!("Declined"), Value::Null]);
            }
            (order, false)
        }
    }
}
