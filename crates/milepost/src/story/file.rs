//! A story as it stands in its file, and what it comes to. `docs/stories.md` describes the format.
//!
//! The whole file is read before anything is sent, and every problem in it is named.

use std::{collections::BTreeMap, path::Path};

use carriers::{NoSecret, Secrets, Sender};
use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use domain::{Carrier, Meaning, OrderStatus, ShipmentStatus};
use toml::Table;

use super::{
    fields::{BadStory, Fields, Problems},
    tamper::{self, Tampering},
    values,
};
use crate::suggest::suggest_name;

/// The most units of a parcel, and the most copies of a post.
const MANY: u32 = 1000;

/// A story, ready to be played.
#[derive(Clone, Debug)]
pub struct Story {
    /// What it shows.
    pub title: String,
    /// When the order was placed, if the story says so: where its scans begin before that, they are another's.
    pub placed_at: Option<DateTime<FixedOffset>>,
    /// Where the order is to end, if the story says so.
    pub order_ends: Option<OrderStatus>,
    /// What it is about.
    pub parcels: Vec<StoryParcel>,
    /// What happens.
    pub steps: Vec<Step>,
}

/// A parcel.
#[derive(Clone, Debug)]
pub struct StoryParcel {
    /// The name in the story.
    pub name: String,
    /// Who reports on it.
    pub sender: Sender,
    /// Who carries it.
    pub carrier: Carrier,
    /// Its number: the file's, or a fresh one.
    pub tracking: String,
    /// How many units of the order are in it.
    pub units: u32,
    /// Where it is to end, if the story says so.
    pub ends: Option<ShipmentStatus>,
}

/// A step: after a pause, what was composed for it is posted.
#[derive(Clone, Debug)]
pub struct Step {
    /// How long to wait before it.
    pub after: TimeDelta,
    /// What is told, a parcel each.
    pub updates: Vec<ParcelUpdate>,
    /// How often the same bytes are posted.
    pub repeat: u32,
    /// How it is forged, if it is.
    pub tampering: Option<Tampering>,
    /// The answer that is expected.
    pub expect: u16,
}

/// What one step tells of one parcel.
#[derive(Clone, Debug)]
pub struct ParcelUpdate {
    /// The parcel's place among the story's.
    pub parcel: usize,
    /// What is told, oldest first.
    pub scans: Vec<StoryScan>,
    /// When it is expected to be delivered, if that is told too.
    pub estimated_delivery: Option<DateTime<FixedOffset>>,
}

/// One scan.
#[derive(Clone, Debug)]
pub struct StoryScan {
    /// How far the parcel is, or what is wrong with it.
    pub meaning: Meaning,
    /// When it was scanned.
    pub at: DateTime<FixedOffset>,
    /// Where.
    pub location: Option<String>,
}

impl Story {
    /// Reads a file. Times count from `begin`; `fresh` makes up the number of a parcel that has none.
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
        let parcels = fields.tables("parcel");
        let steps = fields.tables("step");
        fields.end();
        let (parcels, names) = read_parcels(&parcels, &fresh, &mut problems);
        let mut read = Vec::new();
        for (step, number) in steps.into_iter().zip(1..) {
            read.extend(read_step(step, number, begin, names.as_deref(), &mut problems));
        }
        let story = title.map(|title| Self { title, placed_at, order_ends, parcels, steps: read });
        problems.or(story)
    }

    /// The senders that take part.
    pub fn senders(&self) -> impl Iterator<Item = Sender> {
        let mut senders: Vec<_> = self.parcels.iter().map(|parcel| parcel.sender).collect();
        senders.sort();
        senders.dedup();
        senders.into_iter()
    }

    /// The earliest scan.
    pub fn earliest(&self) -> Option<DateTime<Utc>> {
        let scans = self.steps.iter().flat_map(|step| &step.updates).flat_map(|update| &update.scans);
        scans.map(|scan| scan.at.to_utc()).min()
    }

    /// Composes everything once and sends nothing: whether every sender can say what the story has it say, and
    /// whether every forgery can be told from the real thing.
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
    /// What the parcel's sender cannot say by itself; all of it, where only the whole is too much.
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

/// The parcels that are sound, and what all of them are called: nothing where one has no name of its own, or there is
/// none, because a step may mean that one.
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
        // Whether it can be a number is the same for every carrier.
        let read = |text: &str| values::tracking_number(carrier.unwrap_or(Carrier::Fedex), text);
        let tracking = fields.maybe("tracking", read);
        let units = fields.number("units", 1, MANY).unwrap_or(1);
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

/// Reads a step. Without the names of all parcels, whether it names one of them is not looked at.
fn read_step(
    table: &Table,
    number: usize,
    begin: DateTime<Utc>,
    names: Option<&[String]>,
    problems: &mut Problems,
) -> Option<Step> {
    let mut fields = Fields::of(table, format!("step {number}"), problems);
    let after = fields.maybe("after", values::duration).unwrap_or_default();
    let sends = fields.tables("send");
    let repeat = fields.number("repeat", 1, MANY).unwrap_or(1);
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
    Some(Step { after, updates, repeat, tampering, expect })
}

/// What one entry tells, of the parcel at which place, and when it expects the delivery.
fn read_scan(
    mut fields: Fields<'_, '_>,
    begin: DateTime<Utc>,
    names: Option<&[String]>,
) -> Option<(usize, StoryScan, Option<DateTime<FixedOffset>>)> {
    let known = |name: &str| {
        let Some(names) = names else { return Ok(0) };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = names.iter().position(|known| *known == name);
        found.ok_or_else(|| format!("the story has no parcel `{name}`; {}", suggest_name(name, &names)))
    };
    let moment = |text: &str| values::moment(text, begin);
    let parcel = fields.needed("parcel", known);
    let meaning = fields.needed("status", values::meaning);
    let at = fields.needed("at", moment);
    let location = fields.maybe("location", values::non_blank);
    let estimated_delivery = fields.maybe("estimated_delivery", moment);
    fields.end();
    Some((parcel?, StoryScan { meaning: meaning?, at: at?, location }, estimated_delivery))
}
