//! Reads a story file into a [`Story`]. `docs/stories.md` describes the format.
//!
//! The whole file is read before anything is sent, and all problems in it are reported together.

use std::{collections::BTreeMap, path::Path};

use carriers::{NoSecret, Secrets, Sender};
use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use console::suggest_name;
use domain::{Carrier, Meaning, OrderStatus, ShipmentStatus};
use toml::Table;

use super::{
    fields::{BadStory, Fields, Problems},
    returns::ReturnStep,
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
    pub parcels: Vec<StoryParcel>,
    pub steps: Vec<Step>,
}

/// A physical parcel of a carrier. With `--orders` it is registered as one shipment.
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
    /// The status that the shipment must have after the story. Unset: not checked.
    pub ends: Option<ShipmentStatus>,
}

/// A step of the story: wait, then post the webhooks for `updates`.
#[derive(Clone, Debug)]
pub struct Step {
    /// How long to wait before the step.
    pub after: TimeDelta,
    /// The scans to report, grouped by parcel.
    pub updates: Vec<ParcelUpdate>,
    /// The indexes of the parcels that the merchant calls off after the posts: the shipment, then its units.
    pub call_off: Vec<usize>,
    /// The steps of returns after that, each with the index of its parcel.
    pub returns: Vec<(ReturnStep, usize)>,
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
    /// Parses the text of a story file. `file` is only named in problems. Relative times count from `begin`. `fresh`
    /// generates the tracking number of a parcel that has none.
    pub fn read(
        file: &Path,
        text: &str,
        begin: DateTime<Utc>,
        fresh: impl Fn(Carrier) -> String,
    ) -> Result<Self, BadStory> {
        let mut problems = Problems::of(file);
        let table = match text.parse::<Table>() {
            Ok(table) => table,
            Err(error) => {
                let before = error.span().map_or("", |span| text.get(..span.start).unwrap_or_default());
                problems.add(&format!("line {}", before.matches('\n').count() + 1), error.message());
                return problems.or(None);
            }
        };
        let mut fields = Fields::of(&table, "", &mut problems);
        let title = fields.needed("title", values::non_blank);
        let placed_at = fields.maybe("placed_at", |text| values::past(text, begin));
        let order_ends = fields.maybe("order_ends", values::order_status);
        let order_closed = fields.flag("order_closed");
        let parcels = fields.tables("parcel");
        let steps = fields.tables("step");
        fields.end();
        let (parcels, names) = read_parcels(&parcels, &fresh, &mut problems);
        let mut read = Vec::new();
        for (step, number) in steps.into_iter().zip(1..) {
            read.extend(read_step(step, number, begin, names.as_deref(), &mut problems));
        }
        let story =
            title.map(|title| Self { title, placed_at, order_ends, order_closed, parcels, steps: read });
        problems.or(story)
    }

    /// Returns the senders of all parcels, each once.
    pub fn senders(&self) -> impl Iterator<Item = Sender> {
        let mut senders: Vec<_> = self.parcels.iter().map(|parcel| parcel.sender).collect();
        senders.sort();
        senders.dedup();
        senders.into_iter()
    }

    /// Returns the parcels that go to the customer. The others are registered by a step that sends them back.
    pub fn outbound_parcels(&self) -> impl Iterator<Item = &StoryParcel> {
        let returns = self.steps.iter().flat_map(|step| &step.returns);
        let sent_back: Vec<usize> =
            returns.filter(|(step, _)| *step == ReturnStep::SendBack).map(|(_, parcel)| *parcel).collect();
        let parcels = self.parcels.iter().enumerate();
        parcels.filter(move |(place, _)| !sent_back.contains(place)).map(|(_, parcel)| parcel)
    }

    /// Returns the time of the earliest scan in all steps.
    pub fn earliest(&self) -> Option<DateTime<Utc>> {
        let scans = self.steps.iter().flat_map(|step| &step.updates).flat_map(|update| &update.scans);
        scans.map(|scan| scan.at.to_utc()).min()
    }

    /// Composes every webhook without sending any, and reports problems:
    ///
    /// 1. A sender whose format cannot express the scans of a step.
    /// 2. A forgery that the sender's signature check would accept. The server could not detect it either.
    pub fn rehearse(
        &self,
        file: &Path,
        secrets: &BTreeMap<Sender, Secrets>,
        now: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let mut problems = Problems::of(file);
        for (step, number) in self.steps.iter().zip(1..) {
            for update in &step.updates {
                let parcel = &self.parcels[update.parcel];
                let Some(secrets) = secrets.get(&parcel.sender) else { continue };
                let webhooks = tamper::webhooks(parcel, update, step.tampering, secrets, now)?;
                if webhooks.is_empty() {
                    let unsaid = update.unsaid(parcel, secrets, now)?.join(", ");
                    let problem = format!("{} has no way to say {unsaid}", parcel.sender);
                    problems.add(&format!("step {number}, parcel {}, status", parcel.name), problem);
                }
                if let Some(tampering) = step.tampering
                    && !webhooks.iter().all(|webhook| tamper::is_noticed(webhook, secrets, now))
                {
                    problems
                        .add(&format!("step {number}, forge"), tamper::unnoticed(tampering, parcel.sender));
                }
            }
        }
        Ok(problems.or(Some(()))?)
    }
}

impl ParcelUpdate {
    /// Returns the meanings that the sender cannot express, one by one. If it can express each one alone but not all of
    /// them together, returns all.
    fn unsaid(
        &self,
        parcel: &StoryParcel,
        secrets: &Secrets,
        now: DateTime<Utc>,
    ) -> Result<Vec<&'static str>, NoSecret> {
        let mut unsaid = Vec::new();
        for scan in &self.scans {
            let alone = Self { scans: vec![scan.clone()], ..*self };
            if tamper::webhooks(parcel, &alone, None, secrets, now)?.is_empty() {
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
    fresh: &impl Fn(Carrier) -> String,
    problems: &mut Problems,
) -> (Vec<StoryParcel>, Option<Vec<String>>) {
    let mut parcels: Vec<StoryParcel> = Vec::new();
    let mut names: Vec<Option<String>> = Vec::new();
    for (table, number) in tables.iter().zip(1..) {
        let mut fields = Fields::of(table, format!("parcel {number}"), problems);
        let name = fields.needed("name", values::non_blank);
        let sender = fields.needed("sender", values::sender);
        let carrier = fields.maybe("carrier", values::carrier);
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
        let read = |text: &str| values::tracking_number(carrier.unwrap_or(Carrier::FEDEX), text);
        let tracking = fields.maybe("tracking", read);
        let units = fields.number("units", 1, MAX_COUNT).unwrap_or(1);
        let ends = fields.maybe("ends", values::shipment_status);
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
        fields.end();
        if let (Some(name), Some(sender), Some(carrier)) = (name, sender, carrier) {
            let tracking = tracking.unwrap_or_else(|| fresh(carrier));
            parcels.push(StoryParcel { name, sender, carrier, tracking, units, ends });
        }
    }
    (parcels, names.into_iter().collect::<Option<Vec<_>>>().filter(|names| !names.is_empty()))
}

/// Reads one `[[step]]` table. If `names` is `None`, the parcels that the step names are not checked.
fn read_step(
    table: &Table,
    number: usize,
    begin: DateTime<Utc>,
    names: Option<&[String]>,
    problems: &mut Problems,
) -> Option<Step> {
    let mut fields = Fields::of(table, format!("step {number}"), problems);
    let after = fields.maybe("after", values::duration).unwrap_or_default();
    let call_off = fields.texts("call_off", |name| find_parcel(names, name));
    let mut returns = Vec::new();
    for step in ReturnStep::ALL {
        let parcels = fields.texts(step.field(), |name| find_parcel(names, name));
        returns.extend(parcels.into_iter().map(|parcel| (step, parcel)));
    }
    let is_shop_step =
        table.contains_key("call_off") || ReturnStep::ALL.iter().any(|step| table.contains_key(step.field()));
    let sends = match !is_shop_step || table.contains_key("send") {
        true => fields.tables("send"),
        false => Vec::new(),
    };
    let repeat = fields.number("repeat", 1, MAX_COUNT).unwrap_or(1);
    let tampering = fields.maybe("forge", values::tampering);
    let usual = if tampering.is_some() { 401 } else { 200 };
    let expect = fields.number("expect", 100, 599).unwrap_or(usual);
    fields.end();

    let mut updates: Vec<ParcelUpdate> = Vec::new();
    for (send, at) in sends.into_iter().zip(1..) {
        let fields = Fields::of(send, format!("step {number}, send {at}"), problems);
        let Some((parcel, scan, estimated_delivery)) = read_scan(fields, begin, names) else { continue };
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
    Some(Step { after, updates, call_off, returns, repeat, tampering, expect })
}

/// The index of the parcel with this name. If `names` is `None`, the name is not checked.
fn find_parcel(names: Option<&[String]>, name: &str) -> Result<usize, String> {
    let Some(names) = names else { return Ok(0) };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = names.iter().position(|known| *known == name);
    found.ok_or_else(|| format!("the story has no parcel `{name}`; {}", suggest_name(name, &names)))
}

/// Reads one entry of `send`. Returns the index of its parcel, the scan, and the expected time of delivery.
fn read_scan(
    mut fields: Fields<'_, '_>,
    begin: DateTime<Utc>,
    names: Option<&[String]>,
) -> Option<(usize, StoryScan, Option<DateTime<FixedOffset>>)> {
    let moment = |text: &str| values::moment(text, begin);
    let parcel = fields.needed("parcel", |name| find_parcel(names, name));
    let meaning = fields.needed("status", values::meaning);
    let at = fields.needed("at", moment);
    let location = fields.maybe("location", values::non_blank);
    let estimated_delivery = fields.maybe("estimated_delivery", moment);
    fields.end();
    Some((parcel?, StoryScan { meaning: meaning?, at: at?, location }, estimated_delivery))
}
