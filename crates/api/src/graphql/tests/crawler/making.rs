//! Writes selections of everything that a type leads to, and values for all arguments in them.

use serde_json::{Value, json};

use super::{Crawler, list, named, text};

/// How often a type may occur on a path: for example an order, its shipment, and the order of the shipment again.
const REPEATS: usize = 2;
/// How deep objects may nest. It is enough for the items of a shipment that blocks a transition of an order in a list.
const DEPTH: usize = 9;
/// How deep objects may nest below a linked order, counted with both orders: its shipments, and their scans.
const NEAR_LINK: usize = 3;

impl Crawler<'_> {
    /// The selection below a field. Empty for a leaf.
    pub(super) fn below(&self, field: &Value) -> String {
        self.selection(named(&field["type"]), &mut Vec::new()).expect("the first field is near")
    }

    /// Selects everything of a type and of the types that it leads to. `None` if the path is long enough.
    fn selection(&self, kind: &str, path: &mut Vec<String>) -> Option<String> {
        if self.is_leaf(kind) {
            return Some(String::new());
        }
        let repeats = path.iter().filter(|one| *one == kind).count();
        if repeats >= REPEATS || path.len() >= DEPTH {
            return None;
        }
        // Of an order that is linked to an order, as its replacement, the objects near to it are selected. Below such a
        // link no type occurs twice, and no second link is followed, or each link would multiply the work.
        let link = path.windows(2).position(|pair| pair[0] == pair[1]);
        let is_far = |at: usize| path.len() > at + NEAR_LINK || path[at + 1..].iter().any(|one| one == kind);
        if link.is_some_and(is_far) {
            return None;
        }
        path.push(kind.to_owned());
        let mut selection = String::from(" { __typename");
        let members = self.members(kind);
        for member in &members {
            let fields = self.fields(member).into_iter().filter_map(|field| {
                let name = text(&field["name"]);
                if self.refused.contains(&format!("{member}.{name}")) {
                    return None;
                }
                let arguments = self.arguments(&field).into_iter().next()?;
                Some(format!(" {name}{arguments}{}", self.selection(named(&field["type"]), path)?))
            });
            let fields: String = fields.collect();
            let wrapped =
                if *member == kind { fields } else { format!(" ... on {member} {{ __typename{fields} }}") };
            selection.push_str(&wrapped);
        }
        path.pop();
        selection.push_str(" }");
        Some(selection)
    }

    fn is_leaf(&self, kind: &str) -> bool {
        matches!(text(&self.types[kind]["kind"]), "SCALAR" | "ENUM")
    }

    /// The object types of a type: the type itself, or the members of an interface or union.
    pub(super) fn members(&self, kind: &str) -> Vec<String> {
        match &self.types[kind]["possibleTypes"] {
            Value::Array(members) => members.iter().map(|one| text(&one["name"]).to_owned()).collect(),
            _ => vec![kind.to_owned()],
        }
    }

    pub(super) fn fields(&self, kind: &str) -> Vec<Value> {
        list(&self.types[kind]["fields"]).to_vec()
    }

    /// All combinations of values for the required arguments of a field.
    pub(super) fn arguments(&self, field: &Value) -> Vec<String> {
        let mut ways = vec![Vec::new()];
        for argument in list(&field["args"]).iter().filter(|one| one["type"]["kind"] == "NON_NULL") {
            let name = text(&argument["name"]);
            let values = match named(&argument["type"]) {
                "ID" => self.pool.ids.iter().map(|id| json!(id).to_string()).collect(),
                "String" => self.pool.texts.iter().map(|one| json!(one).to_string()).collect(),
                kind => match &self.types[kind]["enumValues"] {
                    Value::Array(values) => values.iter().map(|one| text(&one["name"]).to_owned()).collect(),
                    _ => vec![self.input(name, &argument["type"], 0, false)],
                },
            };
            let longer = |way: &Vec<String>| {
                let ways = values.iter().map(|value| [&way[..], &[format!("{name}: {value}")]].concat());
                ways.collect::<Vec<_>>()
            };
            ways = ways.iter().flat_map(longer).collect();
        }
        let written =
            |way: Vec<String>| if way.is_empty() { way.concat() } else { format!("({})", way.join(", ")) };
        ways.into_iter().map(written).collect()
    }

    /// A value for an input of this name and type.
    pub(super) fn input(&self, name: &str, declared: &Value, round: usize, whole: bool) -> String {
        match text(&declared["kind"]) {
            "NON_NULL" => return self.input(name, &declared["ofType"], round, whole),
            "LIST" => return format!("[{}]", self.input(name, &declared["ofType"], round, whole)),
            _ => {}
        }
        // The rounds combine every order with every item and every shipment.
        let (turn, order) = (round / self.pool.orders.len(), round % self.pool.orders.len());
        let pick = |pool: &[String]| json!(pool[turn % pool.len()]).to_string();
        let kind = text(&declared["name"]);
        let described = &self.types[kind];
        if let Value::Array(values) = &described["enumValues"] {
            return text(&values[turn % values.len()]["name"]).to_owned();
        }
        if let Value::Array(fields) = &described["inputFields"] {
            // A scan has exactly one of these two fields. The rounds alternate between them.
            let (asked, other) =
                if round.is_multiple_of(2) { ("status", "condition") } else { ("condition", "status") };
            let is_scan = fields.iter().any(|field| field["name"] == "condition");
            let given = fields.iter().filter(|field| match text(&field["name"]) {
                "idempotencyKey" => false,
                name if is_scan && name == asked => true,
                name if is_scan && name == other => false,
                _ => whole || field["type"]["kind"] == "NON_NULL",
            });
            let fields = given.map(|field| {
                let name = text(&field["name"]);
                format!("{name}: {}", self.input(name, &field["type"], round, whole))
            });
            return format!("{{{}}}", fields.collect::<Vec<_>>().join(", "));
        }
        match kind {
            "ID" if name.starts_with("order") => json!(self.pool.orders[order]).to_string(),
            "ID" if name.starts_with("shipment") => pick(&self.pool.shipments),
            "ID" if name.starts_with("item") => pick(&self.pool.items),
            "ID" => pick(&self.pool.ids),
            "Int" | "Float" => "1".to_owned(),
            "Boolean" => "false".to_owned(),
            "CarrierCode" => "FEDEX".to_owned(),
            "DateTime" => json!(self.world.clock.now()).to_string(),
            "JSON" => "{}".to_owned(),
            // A text that occurs nowhere else: the caller reads its own texts again, and they must not be taken for
            // secrets.
            _ => json!(format!("acme{name}{round}")).to_string(),
        }
    }
}
