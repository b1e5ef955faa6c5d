//! The requests that a merchant makes in a story: any mutation of the API, with its input as the file has it.
//!
//! `story::file` calls [`MerchantRequest::read`], and `story::orders` calls [`MerchantRequest::resolve`] before it
//! sends the request. Nothing here sends anything.
//!
//! - A text of the input that starts with `$` is a reference, because the file cannot know ids. `resolve` replaces it
//!   by the value that `find_value` returns for this play.
//! - `read` adds problems to `fields`, also those of `check_references`. `None` means that the name of the mutation is
//!   missing.

use chrono::TimeDelta;
use serde_json::Value;

use super::{fields::Fields, file::Story};
use crate::values;

/// One request of the merchant.
#[derive(Clone, Debug)]
pub struct MerchantRequest {
    /// The name of the mutation, such as `cancelShipment`.
    pub mutation: String,
    /// Its input. The references in it are valid: every parcel that they name is in the story.
    pub input: Value,
    /// The type of the expected refusal, such as `InvalidInput`. Unset: the request must be granted.
    pub refused: Option<String>,
}

/// A value that the file cannot know. A parcel is its index in the story.
#[derive(Clone, Copy, Debug)]
pub enum Reference {
    /// `$order`: the id of the order.
    Order,
    /// `$customer`: the id of the customer who placed it.
    Customer,
    /// `$item` or `$item:2`: the id of its first or second item. The index counts from 0.
    Item(usize),
    /// `$shipment:NAME`: the id of the shipment of a parcel.
    Shipment(usize),
    /// `$scan:NAME`: the id of the newest scan of that shipment.
    Scan(usize),
    /// `$carrier:NAME`: the code of the carrier of a parcel.
    Carrier(usize),
    /// `$number:NAME`: the tracking number of a parcel.
    Number(usize),
    /// `$ago:2h`: the time two hours before the request.
    Ago(TimeDelta),
}

impl MerchantRequest {
    /// Reads one entry of `ask`.
    pub fn read(
        mut fields: Fields<'_, '_>,
        find_parcel_index: impl Fn(&str) -> Result<usize, String>,
    ) -> Option<Self> {
        let mutation = fields.take_required("mutation", values::require_non_blank);
        let input = fields.take_json("input").unwrap_or_else(|| Value::Object(Default::default()));
        let refused = fields.take_optional("refused", values::require_non_blank);
        if let Err(problem) = check_references(&input, &find_parcel_index) {
            fields.add("input", problem);
        }
        fields.report_unknown();
        Some(Self { mutation: mutation?, input, refused })
    }

    /// The input with every reference replaced by what `find_value` returns for it.
    pub fn resolve(
        &self,
        story: &Story,
        find_value: impl Fn(Reference) -> anyhow::Result<String>,
    ) -> anyhow::Result<Value> {
        let find_parcel_index = |name: &str| {
            let found = story.parcels.iter().position(|parcel| parcel.name == name);
            found.ok_or_else(|| format!("the story has no parcel `{name}`"))
        };
        let mut input = self.input.clone();
        replace_references(&mut input, &|text| {
            let reference = Reference::parse(text, find_parcel_index).map_err(anyhow::Error::msg)?;
            find_value(reference)
        })?;
        Ok(input)
    }
}

impl Reference {
    fn parse(text: &str, find_parcel_index: impl Fn(&str) -> Result<usize, String>) -> Result<Self, String> {
        let (kind, parcel) = text.split_once(':').unwrap_or((text, ""));
        match (kind, parcel) {
            ("$order", "") => Ok(Self::Order),
            ("$customer", "") => Ok(Self::Customer),
            ("$item", "") => Ok(Self::Item(0)),
            ("$item", number) => match number.parse::<usize>() {
                Ok(number) if number > 0 => Ok(Self::Item(number - 1)),
                Ok(_) | Err(_) => {
                    Err(format!("`{text}`: the items of an order are $item:1, $item:2 and so on"))
                }
            },
            ("$ago", duration) => values::parse_time_span(duration).map(Self::Ago),
            ("$shipment", name) => find_parcel_index(name).map(Self::Shipment),
            ("$scan", name) => find_parcel_index(name).map(Self::Scan),
            ("$carrier", name) => find_parcel_index(name).map(Self::Carrier),
            ("$number", name) => find_parcel_index(name).map(Self::Number),
            _ => Err(format!(
                "`{text}` is no reference: $order, $customer, $item:NUMBER, $shipment:NAME, $scan:NAME, \
                 $carrier:NAME, $number:NAME or $ago:DURATION"
            )),
        }
    }
}

/// Returns the problem of the first invalid reference.
fn check_references(
    input: &Value,
    find_parcel_index: &impl Fn(&str) -> Result<usize, String>,
) -> Result<(), String> {
    let mut input = input.clone();
    replace_references(&mut input, &|text| Reference::parse(text, find_parcel_index).map(|_| String::new()))
}

/// Replaces every text that starts with `$`, in lists and objects too. Stops at the first error.
fn replace_references<E>(value: &mut Value, replace: &impl Fn(&str) -> Result<String, E>) -> Result<(), E> {
    match value {
        Value::String(text) if text.starts_with('$') => *text = replace(text)?,
        Value::Array(list) => list.iter_mut().try_for_each(|value| replace_references(value, replace))?,
        Value::Object(fields) => {
            fields.values_mut().try_for_each(|value| replace_references(value, replace))?
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}
