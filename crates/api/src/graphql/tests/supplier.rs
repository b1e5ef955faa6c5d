//! Tests that a supplier can read and change its own items, and can read nothing of others. Every field is tested, in
//! every way to reach it.
//!
//! The records here contain tell-tales: texts and numbers that only others may read. `crawls` selects everything and
//! searches for them. `reads` and `changes` test the rules one by one.

mod changes;
mod crawls;
mod reads;

use app::Caller;
use domain::{Actor, ActorKind, ShipmentStatus};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    crawler::Pool,
    world::{World, supplier, user},
};
use crate::graphql::cursor::Kind;

const EMAIL: &str = "tell-tale@customer.example";
const TOTAL: i32 = 98_765_432;
/// Quantities whose digits do not occur in a UUID by chance.
const SECRET_QUANTITY: i32 = 733_331;
const MORE: i32 = 644_443;

/// An order with items of Acme, of another supplier and from a warehouse, with a shipment of each kind. Also one order
/// without Acme's items, and one with nothing but them.
struct Scene {
    world: World,
    shared: String,
    others: String,
    acmes: String,
    /// The item of Acme, that of the other supplier, and that of the warehouse.
    items: [String; 3],
    /// The shipment of Acme.
    own: String,
    /// The shipments that Acme may not see: that of the other supplier, that of the warehouse, one with items of both,
    /// and one with Acme's item that the other supplier sent.
    hidden: [String; 4],
}

/// A caller of the role support, with ids that only staff may read.
fn staff() -> Caller {
    Caller {
        actor: Actor::new(ActorKind::Support, "tell-tale-sam"),
        request_id: Some("tell-tale-request".to_owned()),
        email: None,
    }
}

fn supplier_called(code: &str) -> Caller {
    Caller {
        actor: Actor::new(ActorKind::Supplier, code),
        request_id: Some("request-9".to_owned()),
        email: None,
    }
}

fn item(sku: &str, quantity: i32, origin: Value) -> Value {
    json!({"sku": sku, "name": format!("{sku} by name"), "quantity": quantity, "origin": origin})
}

fn by_acme() -> Value {
    item("ACME-SKU", 9, json!({"kind": "SUPPLIER", "code": "acme"}))
}

fn by_other() -> Value {
    item("TELL-TALE-OTHER", SECRET_QUANTITY, json!({"kind": "SUPPLIER", "code": "tell-tale-supplier"}))
}

fn order(reference: &str, items: &[Value]) -> Value {
    json!({
        "userId": user(7_777_777_777_777), "customerEmail": EMAIL, "totalCents": TOTAL, "reference": reference,
        "items": items, "notes": "tell-tale at the placement", "metadata": {"tell-tale-key": "tell-tale-value"},
    })
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let from_warehouse =
            item("TELL-TALE-STOCK", MORE, json!({"kind": "WAREHOUSE", "code": "tell-tale-warehouse"}));
        let place = async |input| {
            let placed = world.mutate(&staff(), "placeOrder", input).await;
            placed["order"]["id"].as_str().expect("an order").to_owned()
        };
        let shared = place(order("A-SHARED", &[by_acme(), by_other(), from_warehouse])).await;
        let others = place(order("TELL-TALE-REFERENCE", &[by_other()])).await;
        let acmes = place(order("A-OWN", &[by_acme()])).await;
        for order in [&shared, &others, &acmes] {
            for status in ["PAYMENT_CONFIRMED", "PROCESSING"] {
                let notes = format!("tell-tale at {status}");
                let input =
                    json!({"orderId": order, "to": status, "notes": notes, "metadata": {"by": "tell-tale"}});
                assert_eq!(world.mutate(&staff(), "transitionOrder", input).await["changed"], true);
            }
        }
        let query = "query($id: ID!) { order(id: $id) { items { id } } }";
        let found = world.data(&staff(), query, json!({ "id": shared })).await;
        let items = [0, 1, 2].map(|at| found["order"]["items"][at]["id"].as_str().unwrap().to_owned());
        let ship = async |order: &str, number: &str, lines: Option<&[(usize, i32)]>, origin: Value| {
            let line = |(at, quantity): &(usize, i32)| json!({"itemId": items[*at], "quantity": quantity});
            let input = json!({
                "orderId": order, "carrier": "FEDEX", "trackingNumber": number, "origin": origin,
                "items": lines.map(|lines| lines.iter().map(line).collect::<Vec<_>>()),
                "estimatedDelivery": if number.starts_with("ACME") { "2026-03-05T00:00:00Z" } else { "2031-07-07T00:00:00Z" },
            });
            let shipped = world.mutate(&staff(), "createShipment", input).await;
            shipped["shipment"]["id"].as_str().unwrap_or_else(|| panic!("{number}: {shipped}")).to_owned()
        };
        let stock = json!({"kind": "WAREHOUSE", "code": "tell-tale-warehouse"});
        let other = json!({"kind": "SUPPLIER", "code": "tell-tale-supplier"});
        let own = ship(&shared, "ACME1001", Some(&[(0, 2)]), Value::Null).await;
        let cancelled = ship(&shared, "ACME1002", Some(&[(0, 1)]), Value::Null).await;
        let hidden = [
            ship(&shared, "TELLTALE2001", Some(&[(1, 2)]), Value::Null).await,
            ship(&shared, "TELLTALE3001", Some(&[(2, 2)]), Value::Null).await,
            ship(&shared, "TELLTALE4001", Some(&[(0, 1), (2, 1)]), stock).await,
            ship(&shared, "TELLTALE5001", Some(&[(0, 1)]), other).await,
        ];
        ship(&others, "TELLTALE6001", None, Value::Null).await;
        let alone = ship(&acmes, "ACME1003", None, Value::Null).await;
        let reason = json!({"shipmentId": cancelled, "reason": "tell-tale as a reason"});
        world.mutate(&staff(), "cancelShipment", reason).await;
        let both = json!([{"itemId": items[0], "quantity": 1}, {"itemId": items[1], "quantity": 1}]);
        let reason = json!({"orderId": shared, "items": both, "reason": "tell-tale for both"});
        assert_eq!(world.mutate(&staff(), "cancelItems", reason).await["changed"], true);
        for number in ["ACME1001", "ACME1003", "TELLTALE2001", "TELLTALE4001", "TELLTALE5001", "TELLTALE6001"]
        {
            world.advance(1);
            let place = if number.starts_with("ACME") { "Berlin, DE" } else { "Telltalecity, DE" };
            world.scan_in(number, ShipmentStatus::InTransit, place).await;
        }
        for (shipment, status, order) in
            [(&own, "IN_TRANSIT", "PROCESSING"), (&alone, "RETURNED_TO_SENDER", "SHIPPED")]
        {
            let by_hand = json!({"shipmentId": shipment, "status": status, "notes": "tell-tale by hand",
                "location": "Telltale street", "occurredAt": world.clock.now()});
            assert_eq!(world.mutate(&staff(), "recordScan", by_hand).await["order"]["status"], order);
        }
        Self { world, shared, others, acmes, items, own, hidden }
    }

    /// Texts that the supplier may not read.
    async fn tell_tales(&self) -> Vec<String> {
        let query = "query($id: ID!, $others: ID!) {
            order(id: $id) { progress { itemsTotal } shipments { id scans { nodes { id } } } }
            others: order(id: $others) { id items { id } shipments { id scans { nodes { id } } } }
            orders { nodes { notifications { id key } } }
            webhooks { nodes { id requestId } }
        }";
        let variables = json!({"id": self.shared, "others": self.others});
        let data = self.world.data(&staff(), query, variables).await;
        let mut tales =
            ["tell-tale", "telltale", "2031-07-07", "/track/", "98765432", "987654.32", "733331", "644443"]
                .map(str::to_owned)
                .to_vec();
        tales.extend([user(7_777_777_777_777), data["order"]["progress"]["itemsTotal"].to_string()]);
        let hidden = |one: &&Value| self.hidden.iter().any(|id| one["id"] == **id);
        let shipments = data["order"]["shipments"].as_array().unwrap();
        tales.extend(shipments.iter().filter(hidden).flat_map(ids));
        tales.extend(
            ids(&data["others"]).into_iter().chain(ids(&data["webhooks"])).chain(ids(&data["orders"])),
        );
        tales.extend(self.items[1..].iter().cloned());
        tales
    }

    /// The values for arguments.
    fn pool(&self) -> Pool {
        let orders = [self.shared.clone(), self.others.clone(), self.acmes.clone()];
        let shipments = [std::slice::from_ref(&self.own), &self.hidden].concat();
        let items = self.items.to_vec();
        let events = orders.iter().flat_map(|order| (1..=3).map(move |version| format!("{order}:{version}")));
        let ids = [&orders[..], &shipments, &items, &events.collect::<Vec<_>>()].concat();
        let texts = ["A-SHARED", "A-OWN", "TELL-TALE-REFERENCE", "ACME1001", "ACME1003", "TELLTALE2001"];
        let more = ["TELLTALE3001", "TELLTALE4001", "TELLTALE5001", "TELLTALE6001"];
        let texts = texts.iter().chain(&more).map(|text| (*text).to_owned()).collect();
        let cursor = |order: &String| Kind::Updates.encode(&(order.parse::<Uuid>().unwrap(), 1));
        let cursors = orders.iter().map(cursor).collect();
        let orders = vec![self.shared.clone(), self.others.clone()];
        Pool { orders, shipments, items, ids, texts, cursors }
    }

    async fn ask(&self, query: &str) -> Value {
        let variables = json!({"id": self.shared, "own": self.own, "hidden": self.hidden[0]});
        self.world.data(&supplier(), query, variables).await
    }

    async fn refused(&self, query: &str) -> (String, String) {
        let response = self.world.run(&supplier(), query, json!({ "id": self.shared })).await;
        let error = &response["errors"][0];
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{response}")).to_owned();
        (text(&error["extensions"]["code"]), text(&error["message"]))
    }

    async fn mutate(&self, name: &str, input: Value) -> Value {
        self.world.mutate(&supplier(), name, input).await
    }
}

/// The ids of records, and of the records in them.
fn ids(value: &Value) -> Vec<String> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![],
        Value::Array(values) => values.iter().flat_map(ids).collect(),
        Value::Object(fields) => {
            let own = fields.get("id").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(ids)).collect()
        }
    }
}
