//! The shop and its buyers: makes checkout sessions, tells of them, and does what the plan says besides.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::Context;
use checkout::Timestamp;
use futures::future::try_join_all;
use kafka_topics::clients::ShopProducer;
use rust_decimal::Decimal;
use sandbox::{BuyerAction, NewSession, Sandbox};
use serde_json::{Map, Value, json};

use super::checks::Message;
use super::clock::DemoClock;
use super::plan::{Checkout, Garbage, Plan, Purchase, Shop, Twist};
use super::trouble::Trouble;
use crate::clock::{Moved, real_sleep};

/// An event is on its way through the broker for about so long, in the machine's time. The clock must not run away
/// from it, or every event would look old.
const ON_ITS_WAY: Duration = Duration::from_millis(40);
const EVENT_TYPE: &str = "checkout.completed.v1";

/// What the shop has done so far.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// The number of the checkout by its session id.
    pub(crate) sessions: BTreeMap<String, usize>,
    pub(crate) unreadable: Vec<Message>,
    /// The faults that were posted at the sandbox, by their ids there.
    pub(crate) faults: BTreeMap<u64, Trouble>,
    pub(crate) redelivered: usize,
}

/// Shared with whoever watches.
#[derive(Debug, Clone, Default)]
pub(crate) struct Diary(Arc<Mutex<Said>>);

impl Diary {
    pub(crate) fn read(&self) -> MutexGuard<'_, Said> {
        self.0.lock().expect("no holder of this lock can panic")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    /// Something unreadable; by its number in the plan.
    Garble(usize),
    /// The shop tells of a checkout.
    Tell(usize),
    /// Its buyer finishes after all.
    Finish(usize),
    /// The same event comes again.
    Redeliver(usize),
    /// The amount is put right.
    Amend(usize),
    /// An event says something else.
    Contradict(usize),
}

fn timeline(plan: &Plan) -> Vec<(Duration, Act)> {
    let mut acts = Vec::new();
    for (nth, (before, _)) in plan.unreadable.iter().enumerate() {
        acts.push((plan.checkouts[*before].at, Act::Garble(nth)));
    }
    for (number, checkout) in plan.checkouts.iter().enumerate() {
        acts.push((checkout.at, Act::Tell(number)));
        let later = match checkout.twist {
            Twist::BuyerLate(after) => (after, Act::Finish(number)),
            Twist::Redelivered(after) => (after, Act::Redeliver(number)),
            Twist::WrongAmount(after) => (after, Act::Amend(number)),
            Twist::Conflict(after) => (after, Act::Contradict(number)),
            Twist::None | Twist::Declined | Twist::BuyerGone | Twist::ToldLate => continue,
        };
        acts.push((checkout.at + later.0, later.1));
    }
    // At the same moment the unreadable comes first: what is good is to come through behind it.
    acts.sort_unstable();
    acts
}

pub(crate) struct Seller {
    pub(crate) plan: Arc<Plan>,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) producer: ShopProducer,
    pub(crate) clock: DemoClock,
    pub(crate) opens_at: Timestamp,
    pub(crate) diary: Diary,
}

/// An event as it was sent, to be sent again.
#[derive(Clone)]
struct Event {
    session: Value,
    message: Message,
}

impl Seller {
    /// Works through the day and ends with its last act.
    pub(crate) async fn sell(self) -> anyhow::Result<()> {
        let mut told: BTreeMap<usize, Event> = BTreeMap::new();
        let acts = timeline(&self.plan);
        for moment in acts.chunk_by(|one, next| one.0 == next.0) {
            let Some((at, _)) = moment.first() else { continue };
            self.clock.sleep_until(self.opens_at.plus(*at)).await;
            let busy = self.clock.busy();
            for (_, act) in moment {
                if let Act::Tell(number) = act {
                    told.insert(*number, self.open_session(*number)?);
                }
            }
            let sent = moment.iter().map(|(_, act)| self.act(*act, &told));
            try_join_all(sent).await?;
            tokio::spawn(async move {
                real_sleep(ON_ITS_WAY).await;
                drop(busy);
            });
        }
        Ok(())
    }

    async fn act(&self, act: Act, told: &BTreeMap<usize, Event>) -> anyhow::Result<()> {
        let event = |number| told.get(&number).cloned().context("the shop tells first");
        match act {
            Act::Garble(nth) => {
                let (before, garbage) = self.plan.unreadable[nth];
                let message = garbled(garbage, &event(before)?);
                self.send(&message).await?;
                self.diary.read().unreadable.push(message);
            }
            Act::Tell(number) => self.send(&event(number)?.message).await?,
            Act::Redeliver(number) => {
                self.send(&event(number)?.message).await?;
                self.diary.read().redelivered += 1;
            }
            Act::Finish(number) => {
                let id = id_of(&event(number)?.session)?;
                self.sandbox.buyer(&id, BuyerAction::Finish)?;
            }
            Act::Amend(number) => {
                let data = self.data(number, &event(number)?.session);
                self.send(&self.message(number, "amended", data)?).await?;
            }
            Act::Contradict(number) => {
                let checkout = &self.plan.checkouts[number];
                let mut data = self.data(number, &event(number)?.session);
                data["chargeAmount"]["amount"] = json!((checkout.amount * Decimal::TWO).to_string());
                self.send(&self.message(number, "again", data)?).await?;
            }
        }
        Ok(())
    }

    async fn send(&self, message: &Message) -> anyhow::Result<()> {
        let headers: Vec<(&str, &[u8])> = message
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
            .collect();
        let sent = self
            .producer
            .send(message.key.as_deref(), &headers, message.payload.as_deref());
        sent.await.context("the embedded broker")?;
        Ok(())
    }

    /// The buyer has been through checkout: the session as Amazon Pay shows it, and the event of it.
    fn open_session(&self, number: usize) -> anyhow::Result<Event> {
        let checkout = &self.plan.checkouts[number];
        let new: NewSession = serde_json::from_value(self.session_of(checkout))?;
        let session = self
            .sandbox
            .make_session(new)
            .context("the shop's checkout session")?;
        let id = id_of(&session)?;
        if checkout.twist == Twist::BuyerGone {
            self.sandbox.buyer(&id, BuyerAction::Leave)?;
        }
        let mut diary = self.diary.read();
        for trouble in &checkout.troubles {
            let fault = self
                .sandbox
                .fault(trouble.fault(checkout.purchase.operation(), &id))?;
            diary.faults.insert(fault, *trouble);
        }
        diary.sessions.insert(id, number);
        drop(diary);
        let mut data = self.data(number, &session);
        if let Twist::WrongAmount(_) = checkout.twist {
            data["chargeAmount"]["amount"] = json!((checkout.amount + Decimal::ONE).to_string());
        }
        Ok(Event {
            message: self.message(number, "completed", data)?,
            session,
        })
    }

    /// What the buyer has agreed to at Amazon Pay.
    fn session_of(&self, checkout: &Checkout) -> Value {
        let pays = |intent: &str| json!({ "paymentIntent": intent, "chargeAmount": price(checkout) });
        let created = self.clock.now().minus(checkout.age);
        let mut new = json!({
            "account": checkout.shop.account(),
            "creationTimestamp": created.to_string(),
            "paymentDetails": pays("AuthorizeWithCapture"),
            "shippingAddress": address_of(checkout.shop),
        });
        match checkout.purchase {
            Purchase::Goods => {}
            Purchase::Download => {
                extend(
                    &mut new,
                    json!({ "productType": "PayOnly", "shippingAddress": null }),
                );
                extend(&mut new, json!({ "billingAddress": address_of(checkout.shop) }));
            }
            Purchase::Redirect => new["operation"] = json!("Complete"),
            Purchase::GoodsLater => new["paymentDetails"] = pays("Authorize"),
            Purchase::Consent => new["paymentDetails"] = pays("Confirm"),
            Purchase::Pending => {
                new["paymentDetails"] = pays("Authorize");
                new["paymentDetails"]["canHandlePendingAuthorization"] = json!(true);
                new["card"] = json!("0701");
                new["pendingFor"] = json!("25m");
            }
            Purchase::SaveWallet => {
                new["operation"] = json!("Complete");
                new["chargePermissionType"] = json!("PaymentMethodOnFile");
                new.as_object_mut()
                    .and_then(|fields| fields.remove("paymentDetails"));
            }
        }
        match checkout.twist {
            Twist::Declined if checkout.purchase == Purchase::Pending => new["card"] = json!("4354"),
            Twist::Declined => new["card"] = json!("3434"),
            Twist::BuyerLate(_) => new["buyerFinished"] = json!(false),
            Twist::None
            | Twist::BuyerGone
            | Twist::ToldLate
            | Twist::Redelivered(_)
            | Twist::WrongAmount(_)
            | Twist::Conflict(_) => {}
        }
        new
    }

    /// The data of the event: what the shop's own order says.
    fn data(&self, number: usize, session: &Value) -> Value {
        let checkout = &self.plan.checkouts[number];
        let mut data = json!({
            "checkoutSessionId": session["checkoutSessionId"],
            "account": checkout.shop.account(),
            "merchantReferenceId": Plan::order_number(number),
        });
        let finalizes = |intent: &str, product: &str| {
            let address = match product {
                "PayOnly" => "billingAddress",
                _ => "shippingAddress",
            };
            json!({
                "operation": "Finalize",
                "paymentIntent": intent,
                "productType": product,
                "canHandlePendingAuthorization": checkout.purchase == Purchase::Pending,
                "chargeAmount": price(checkout),
                address: address_of(checkout.shop),
            })
        };
        let order = match checkout.purchase {
            Purchase::Goods => finalizes("AuthorizeWithCapture", "PayAndShip"),
            Purchase::GoodsLater | Purchase::Pending => finalizes("Authorize", "PayAndShip"),
            Purchase::Consent => finalizes("Confirm", "PayAndShip"),
            Purchase::Download => finalizes("AuthorizeWithCapture", "PayOnly"),
            Purchase::Redirect => json!({ "operation": "Complete", "chargeAmount": price(checkout) }),
            Purchase::SaveWallet => {
                json!({ "operation": "Complete", "chargePermissionType": "PaymentMethodOnFile" })
            }
        };
        extend(&mut data, order);
        if checkout.tells_creation {
            let created = session["creationTimestamp"].as_str().and_then(rfc3339);
            extend(&mut data, json!({ "sessionCreatedAt": created }));
        }
        data
    }

    /// CloudEvents, in one mode or the other.
    fn message(&self, number: usize, what: &str, data: Value) -> anyhow::Result<Message> {
        let key = data["checkoutSessionId"]
            .as_str()
            .context("the event has a session id")?
            .to_owned();
        let id = format!("{}-{what}", Plan::order_number(number));
        let now = self.clock.now().to_string();
        let attributes = [
            ("specversion", "1.0"),
            ("type", EVENT_TYPE),
            ("source", "/demo/shop"),
            ("id", &id),
            ("time", &now),
            ("subject", &key),
        ];
        let (headers, body) = if self.plan.checkouts[number].structured {
            let mut event = Map::from_iter(attributes.map(|(name, value)| (name.to_owned(), json!(value))));
            event.insert("data".to_owned(), data);
            (
                header("content-type", "application/cloudevents+json"),
                Value::Object(event),
            )
        } else {
            let mut headers = header("content-type", "application/json");
            headers.extend(
                attributes
                    .iter()
                    .flat_map(|(name, value)| header(&format!("ce_{name}"), value)),
            );
            (headers, data)
        };
        Ok(Message {
            key: Some(key.into_bytes()),
            headers,
            payload: Some(body.to_string().into_bytes()),
        })
    }
}

fn extend(object: &mut Value, with: Value) {
    if let (Value::Object(object), Value::Object(with)) = (object, with) {
        object.extend(with);
    }
}

/// Money is text in JSON: a number may be rounded on its way.
fn price(checkout: &Checkout) -> Value {
    json!({ "amount": checkout.amount.to_string(), "currencyCode": checkout.shop.currency() })
}

/// Nobody lives there.
fn address_of(shop: Shop) -> Value {
    let (line, city, code, country) = match shop {
        Shop::Eu => ("Musterweg 3", "Musterstadt", "99999", "DE"),
        Shop::Us => ("1 Example Avenue", "Sampleton", "00000", "US"),
        Shop::Jp => ("1-1 Mihon", "Mihon", "000-0000", "JP"),
    };
    json!({ "name": "A. Buyer", "addressLine1": line, "city": city, "postalCode": code, "countryCode": country })
}

fn header(name: &str, value: &str) -> Vec<(String, Vec<u8>)> {
    vec![(name.to_owned(), value.as_bytes().to_vec())]
}

fn id_of(session: &Value) -> anyhow::Result<String> {
    let id = session["checkoutSessionId"].as_str();
    Ok(id.context("a session has an id")?.to_owned())
}

/// Amazon's basic form in the contract's.
fn rfc3339(basic: &str) -> Option<String> {
    let parsed = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", basic).ok()?;
    Some(format!("{parsed}Z"))
}

/// The event spoiled, in the partition of the good one.
fn garbled(garbage: Garbage, good: &Event) -> Message {
    let json_headers = header("content-type", "application/json");
    let (headers, payload) = match garbage {
        Garbage::NoJson => (json_headers, Some(b"{\"checkoutSessionId\": \"half of".to_vec())),
        Garbage::Empty => (Vec::new(), Some(Vec::new())),
        Garbage::NoSessionId => (json_headers, Some(b"{\"operation\": \"Finalize\"}".to_vec())),
        Garbage::StrangeSessionId => (
            json_headers,
            Some(b"{\"checkoutSessionId\": \"../orders?id=7\"}".to_vec()),
        ),
        Garbage::List => (json_headers, Some(b"[1, 2, 3]".to_vec())),
        Garbage::OtherType => {
            let other = [("ce_specversion", "1.0"), ("ce_type", "checkout.started.v1")];
            let headers = other
                .iter()
                .flat_map(|(name, value)| header(name, value))
                .collect();
            (headers, good.message.payload.clone())
        }
    };
    Message {
        key: good.message.key.clone(),
        headers,
        payload,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Weather;

    #[test]
    fn what_is_unreadable_comes_before_the_good_event_and_corrections_after_it() {
        let plan = Plan::draw(200, Weather::Rough, 9);
        let acts = timeline(&plan);
        let place = |wanted: Act| acts.iter().position(|(_, act)| *act == wanted).unwrap();
        for (nth, (before, _)) in plan.unreadable.iter().enumerate() {
            assert!(place(Act::Garble(nth)) < place(Act::Tell(*before)));
        }
        for (number, checkout) in plan.checkouts.iter().enumerate() {
            match checkout.twist {
                Twist::WrongAmount(_) => assert!(place(Act::Tell(number)) < place(Act::Amend(number))),
                Twist::Conflict(_) => assert!(place(Act::Tell(number)) < place(Act::Contradict(number))),
                _ => {}
            }
        }
    }

    #[test]
    fn amazons_times_are_told_as_the_contract_has_them() {
        assert_eq!(
            rfc3339("20260105T100000Z").as_deref(),
            Some("2026-01-05T10:00:00Z")
        );
        assert_eq!(rfc3339("yesterday"), None);
    }
}
