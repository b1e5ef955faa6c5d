//! Reads a story file into a [`Story`]. `docs/stories.md` describes the format.
//!
//! Called by `story::run`: first [`Story::parse`], then [`Story::check_webhooks`]. Neither sends anything. Problems are
//! not returned one by one: all problems of the file are in one [`BadStory`], each with its place.
//!
//! - `read_parcels`, `read_step` and `read_scan` add problems to `problems`. `None`, or a missing parcel, means that
//!   its problems were added there. A step with a bad scan is returned without that scan.
//! - `parcel_names` are the names of all parcels, by index. They are `None` if one of them is not known; names in steps
//!   are not checked then, and count as index 0.
//! - `generate_number` makes the tracking number of a parcel that has none.
//! - `Story::earliest_scan` is `None` if no step reports a scan.
//! - `list_inexpressible` is for an update that gave no webhook: the meanings that the sender has no code for, or all
//!   meanings if only their combination is the problem.

use std::{collections::BTreeMap, path::Path};

use carriers::{NoSecret, Secrets, Sender};
use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use console::suggest_name;
use domain::{Carrier, Meaning, OrderStatus, ShipmentStatus};
use serde_json::Value;
use toml::Table;

use super::{
    fields::{BadStory, Fields, Problems},
    request::MerchantRequest,
    tamper::{self, Tampering},
};
use crate::values;

/// The maximum of a parcel's `units` and of a step's `repeat`.
const MAX_COUNT: u32 = 1000;

/// A story that was read from a file without problems.
#[derive(Clone, Debug)]
pub struct Story {
    /// The headline that is printed before the play.
    pub title: String,
    /// When the order was placed. Scans more than a day older than the order count as scans of another parcel, so a
    /// story sets this to show them. Unset: an hour before the first scan.
    pub placed_at: Option<DateTime<FixedOffset>>,
    /// The status that the order must have after the story. Unset: not checked.
    pub order_ends: Option<OrderStatus>,
    /// Whether the order must be closed after the story. Unset: not checked.
    pub order_closed: Option<bool>,
    /// Fields of the input of `placeOrder` that replace those of the usual order. Unset: the usual order.
    pub order: Option<Value>,
    pub parcels: Vec<StoryParcel>,
    pub steps: Vec<Step>,
}

/// A physical parcel of a carrier.
#[derive(Clone, Debug)]
pub struct StoryParcel {
    /// The name by which the steps refer to the parcel.
    pub name: String,
    /// Who sends webhooks about the parcel: the carrier itself or an aggregator.
    pub sender: Sender,
    pub carrier: Carrier,
    /// The tracking number: from the command line, else from the file, else a generated one.
    pub tracking: String,
    /// How many units of the order are in the parcel.
    pub units: u32,
    /// Whether `--orders` registers it as a shipment before the first step. If not, a step of the story does it.
    pub registered: bool,
    /// The status that the shipment must have after the story. Unset: not checked.
    pub ends: Option<ShipmentStatus>,
}

/// A step of the story: wait, post the webhooks for `updates`, then make `requests`.
#[derive(Clone, Debug)]
pub struct Step {
    /// How long to wait before the step.
    pub after: TimeDelta,
    /// The scans to report, grouped by parcel.
    pub updates: Vec<ParcelUpdate>,
    /// The requests of the merchant after the posts.
    pub requests: Vec<MerchantRequest>,
    /// How many times each webhook is posted, with the same bytes.
    pub repeat: u32,
    /// How the webhooks are forged. Unset: they are genuine.
    pub tampering: Option<Tampering>,
    /// The expected HTTP status of each answer.
    pub expect: u16,
}

/// The scans that one step reports for one parcel.
#[derive(Clone, Debug)]
pub struct ParcelUpdate {
    /// The index of the parcel in [`Story::parcels`].
    pub parcel: usize,
    /// The scans, oldest first.
    pub scans: Vec<StoryScan>,
    /// The expected time of delivery, if the step reports one.
    pub estimated_delivery: Option<DateTime<FixedOffset>>,
}

/// One scan that a step reports.
#[derive(Clone, Debug)]
pub struct StoryScan {
    /// The status of the parcel, or a condition such as a delay.
    pub meaning: Meaning,
    /// When the carrier scanned the parcel.
    pub at: DateTime<FixedOffset>,
    /// The place of the scan, such as `Memphis, TN, US`.
    pub location: Option<String>,
}

impl Story {
    /// Parses the text of a story file. `file` is only named in problems. Relative times count from `begin`.
    pub fn parse(
        file: &Path,
        text: &str,
        begin: DateTime<Utc>,
        generate_number: impl Fn(Carrier) -> String,
    ) -> Result<Self, BadStory> {
        let mut problems = Problems::for_file(file);
        let table = match text.parse::<Table>() {
            Ok(table) => table,
            Err(error) => {
                let before = error.span().map_or("", |span| text.get(..span.start).unwrap_or_default());
                problems.add(&format!("line {}", before.matches('\n').count() + 1), error.message());
                return problems.into_result(None);
            }
        };
        let mut fields = Fields::new(&table, "", &mut problems);
        let title = fields.take_required("title", values::require_non_blank);
        let placed_at = fields.take_optional("placed_at", |text| values::parse_past_moment(text, begin));
        let order_ends = fields.take_optional("order_ends", values::parse_order_status);
        let order_closed = fields.take_flag("order_closed");
        let order = fields.take_json("order");
        let parcels = fields.take_tables("parcel");
        let steps = fields.take_tables("step");
        fields.report_unknown();
        let (parcels, names) = read_parcels(&parcels, &generate_number, &mut problems);
        let mut read = Vec::new();
        for (step, number) in steps.into_iter().zip(1..) {
            read.extend(read_step(step, number, begin, names.as_deref(), &mut problems));
        }
        let story = title.map(|title| Self {
            title,
            placed_at,
            order_ends,
            order_closed,
            order,
            parcels,
            steps: read,
        });
        problems.into_result(story)
    }

    /// Returns the senders of all parcels, each once.
    pub fn senders(&self) -> impl Iterator<Item = Sender> {
        let mut senders: Vec<_> = self.parcels.iter().map(|parcel| parcel.sender).collect();
        senders.sort();
        senders.dedup();
        senders.into_iter()
    }

    pub fn earliest_scan(&self) -> Option<DateTime<Utc>> {
        let scans = self.steps.iter().flat_map(|step| &step.updates).flat_map(|update| &update.scans);
        scans.map(|scan| scan.at.to_utc()).min()
    }

    /// Composes every webhook without sending any, and reports problems:
    ///
    /// 1. A sender whose format cannot express the scans of a step.
    /// 2. A forgery that the sender's signature check would accept. The server could not detect it either.
    pub fn check_webhooks(
        &self,
        file: &Path,
        secrets: &BTreeMap<Sender, Secrets>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let mut problems = Problems::for_file(file);
        for (step, number) in self.steps.iter().zip(1..) {
            for update in &step.updates {
                let parcel = &self.parcels[update.parcel];
                let Some(secrets) = secrets.get(&parcel.sender) else { continue };
                let webhooks = tamper::compose_webhooks(parcel, update, step.tampering, secrets, now)?;
                if webhooks.is_empty() {
                    let unsaid = update.list_inexpressible(parcel, secrets, now)?.join(", ");
                    let problem = format!("{} has no way to say {unsaid}", parcel.sender);
                    problems.add(&format!("step {number}, parcel {}, status", parcel.name), problem);
                }
                if let Some(tampering) = step.tampering
                    && !webhooks.iter().all(|webhook| tamper::is_rejected(webhook, secrets, now))
                {
                    problems.add(
                        &format!("step {number}, forge"),
                        tamper::explain_accepted_forgery(tampering, parcel.sender),
                    );
                }
            }
        }
        Ok(problems.into_result(Some(()))?)
    }
}

impl ParcelUpdate {
    /// Returns the meanings that the sender cannot express, one by one. If it can express each one alone but not all of
    /// them together, returns all.
    fn list_inexpressible(
        &self,
        parcel: &StoryParcel,
        secrets: &Secrets,
        now: DateTime<Utc>,
    ) -> Result<Vec<&'static str>, NoSecret> {
        let mut unsaid = Vec::new();
        for scan in &self.scans {
            let alone = Self { scans: vec![scan.clone()], ..*self };
            if tamper::compose_webhooks(parcel, &alone, None, secrets, now)?.is_empty() {
                unsaid.push(scan.meaning.as_str());
            }
        }
        if unsaid.is_empty() {
            unsaid.extend(self.scans.iter().map(|scan| scan.meaning.as_str()));
        }
        unsaid.dedup();
        Ok(unsaid)
    }
}

/// Reads the `[[parcel]]` tables. Returns the valid parcels and the names of all parcels, invalid ones too.
///
/// The names are `None` if there are no parcels, or if the name of one is missing or used twice. Steps may then refer
/// to a parcel whose name is not known, so the names in steps cannot be checked.
fn read_parcels(
    tables: &[&Table],
    generate_number: &impl Fn(Carrier) -> String,
    problems: &mut Problems,
) -> (Vec<StoryParcel>, Option<Vec<String>>) {
    let mut parcels: Vec<StoryParcel> = Vec::new();
    let mut names: Vec<Option<String>> = Vec::new();
    for (table, number) in tables.iter().zip(1..) {
        let mut fields = Fields::new(table, format!("parcel {number}"), problems);
        let name = fields.take_required("name", values::require_non_blank);
        let sender = fields.take_required("sender", values::parse_sender);
        let carrier = fields.take_optional("carrier", values::parse_carrier);
        let carrier = sender.and_then(|sender| match (sender.carrier(), carrier) {
            (Some(own), Some(other)) if own != other => {
                fields.add("carrier", format!("{sender} reports on its own parcels only"));
                None
            }
            (Some(own), Some(_) | None) => Some(own),
            (None, Some(carrier)) => Some(carrier),
            (None, None) => {
                fields.add("carrier", format!("is missing: {sender} reports for many carriers"));
                None
            }
        });
        // Whether a text is a valid number does not depend on the carrier, so an unknown carrier does not matter here.
        let read = |text: &str| values::parse_tracking_number(carrier.unwrap_or(Carrier::FEDEX), text);
        let tracking = fields.take_optional("tracking", read);
        let units = fields.take_number("units", 1, MAX_COUNT).unwrap_or(1);
        let registered = fields.take_flag("registered").unwrap_or(true);
        let ends = fields.take_optional("ends", values::parse_shipment_status);
        let taken = name.is_some() && names.contains(&name);
        if let Some(name) = name.as_ref().filter(|_| taken) {
            fields.add("name", format!("`{name}` is the name of another parcel"));
        }
        names.push(name.clone().filter(|_| !taken));
        let same = |other: &&StoryParcel| {
            Some(other.carrier) == carrier && Some(&other.tracking) == tracking.as_ref()
        };
        if let Some(other) = parcels.iter().find(same) {
            fields.add("tracking", format!("parcel {} has the same number", other.name));
        }
        fields.report_unknown();
        if let (Some(name), Some(sender), Some(carrier)) = (name, sender, carrier) {
            let tracking = tracking.unwrap_or_else(|| generate_number(carrier));
            parcels.push(StoryParcel { name, sender, carrier, tracking, units, registered, ends });
        }
    }
    (parcels, names.into_iter().collect::<Option<Vec<_>>>().filter(|names| !names.is_empty()))
}

/// Reads one `[[step]]` table. If `parcel_names` is `None`, the parcels that the step names are not checked.
fn read_step(
    table: &Table,
    number: usize,
    begin: DateTime<Utc>,
    parcel_names: Option<&[String]>,
    problems: &mut Problems,
) -> Option<Step> {
    let mut fields = Fields::new(table, format!("step {number}"), problems);
    let after = fields.take_optional("after", values::parse_time_span).unwrap_or_default();
    let [asks, sends] = match (table.contains_key("ask"), table.contains_key("send")) {
        (true, false) => [fields.take_tables("ask"), Vec::new()],
        (true, true) => [fields.take_tables("ask"), fields.take_tables("send")],
        (false, _) => [Vec::new(), fields.take_tables("send")],
    };
    let repeat = fields.take_number("repeat", 1, MAX_COUNT).unwrap_or(1);
    let tampering = fields.take_optional("forge", values::parse_tampering);
    let usual = if tampering.is_some() { 401 } else { 200 };
    let expect = fields.take_number("expect", 100, 599).unwrap_or(usual);
    fields.report_unknown();

    let mut requests = Vec::new();
    for (ask, at) in asks.into_iter().zip(1..) {
        let fields = Fields::new(ask, format!("step {number}, ask {at}"), problems);
        requests.extend(MerchantRequest::read(fields, |name| find_parcel_index(parcel_names, name)));
    }
    let mut updates: Vec<ParcelUpdate> = Vec::new();
    for (send, at) in sends.into_iter().zip(1..) {
        let fields = Fields::new(send, format!("step {number}, send {at}"), problems);
        let Some((parcel, scan, estimated_delivery)) = read_scan(fields, begin, parcel_names) else {
            continue;
        };
        match updates.iter_mut().find(|update| update.parcel == parcel) {
            Some(update) => {
                update.scans.push(scan);
                update.estimated_delivery = estimated_delivery.or(update.estimated_delivery);
            }
            None => updates.push(ParcelUpdate { parcel, scans: vec![scan], estimated_delivery }),
        }
    }
    for update in &mut updates {
        update.scans.sort_by_key(|scan| scan.at);
    }
    Some(Step { after, updates, requests, repeat, tampering, expect })
}

/// Finds the index of the parcel with this name. If `parcel_names` is `None`, the name is not checked.
fn find_parcel_index(parcel_names: Option<&[String]>, name: &str) -> Result<usize, String> {
    let Some(names) = parcel_names else { return Ok(0) };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = names.iter().position(|known| *known == name);
    found.ok_or_else(|| format!("the story has no parcel `{name}`; {}", suggest_name(name, &names)))
}

/// Reads one entry of `send`. Returns the index of its parcel, the scan, and the expected time of delivery.
fn read_scan(
    mut fields: Fields<'_, '_>,
    begin: DateTime<Utc>,
    parcel_names: Option<&[String]>,
) -> Option<(usize, StoryScan, Option<DateTime<FixedOffset>>)> {
    let moment = |text: &str| values::parse_moment(text, begin);
    let parcel = fields.take_required("parcel", |name| find_parcel_index(parcel_names, name));
    let meaning = fields.take_required("status", values::parse_meaning);
    let at = fields.take_required("at", moment);
    let location = fields.take_optional("location", values::require_non_blank);
    let estimated_delivery = fields.take_optional("estimated_delivery", moment);
    fields.report_unknown();
    Some((parcel?, StoryScan { meaning: meaning?, at: at?, location }, estimated_delivery))
}
