//! The directory of carriers: their names and tracking pages, with those that the merchant adds.
//!
//! `milepost` builds it from the settings with `add`. `app`, `api` and `worker` read names and addresses from it.
//! `resolve` never fails: a carrier that is not the merchant's stays as it is.
//!
//! `tracking_url` is `None` if no address is known for the carrier.

use std::{borrow::Cow, collections::BTreeMap};

use super::{Carrier, InvalidCarrier, known, spelling_key};
use crate::tracking_number::TrackingNumber;

/// The place of the tracking number in the address of a tracking page.
const NUMBER: &str = "{number}";

/// The well-known carriers, and the merchant's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CarrierDirectory {
    own: BTreeMap<Carrier, Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    url: Option<String>,
}

/// Why the merchant's entry for a carrier cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCarrierEntry {
    /// The code is not valid.
    #[error(transparent)]
    Code(#[from] InvalidCarrier),
    /// The code is another spelling of a carrier that is known by another code.
    #[error("this is the carrier `{0}`: use that code")]
    Spelling(Carrier),
    /// The carrier has two entries.
    #[error("the carrier has two entries")]
    Twice,
    /// The name is blank.
    #[error("the name is missing")]
    Name,
    /// The address does not have the form that is needed.
    #[error("the url must begin with https:// or http:// and have {NUMBER} in it, behind the host")]
    Url,
}

impl CarrierDirectory {
    /// Adds a carrier of the merchant, or replaces the name and the tracking page of a well-known one. `url` is the
    /// address of the carrier's tracking page, with `{number}` in place of the number.
    ///
    /// # Errors
    /// [`InvalidCarrierEntry`].
    pub fn add(&mut self, code: &str, name: &str, url: Option<&str>) -> Result<(), InvalidCarrierEntry> {
        let carrier: Carrier = code.parse()?;
        let meant = Carrier::parse(code)?;
        if meant != carrier {
            return Err(InvalidCarrierEntry::Spelling(meant));
        }
        match self.resolve(carrier) {
            other if other != carrier => return Err(InvalidCarrierEntry::Spelling(other)),
            _ if self.own.contains_key(&carrier) => return Err(InvalidCarrierEntry::Twice),
            _ => {}
        }
        let name = name.trim();
        if name.is_empty() {
            return Err(InvalidCarrierEntry::Name);
        }
        if !url.is_none_or(is_url_template) {
            return Err(InvalidCarrierEntry::Url);
        }
        self.own.insert(carrier, Entry { name: name.to_owned(), url: url.map(str::to_owned) });
        Ok(())
    }

    /// The merchant's carrier of which this is a spelling, or the carrier itself.
    pub fn resolve(&self, carrier: Carrier) -> Carrier {
        if self.own.is_empty() || self.own.contains_key(&carrier) {
            return carrier;
        }
        let key = spelling_key(carrier.as_str());
        let own = self.own.keys().find(|own| spelling_key(own.as_str()) == key);
        own.copied().unwrap_or(carrier)
    }

    /// The name of a carrier for people.
    pub fn name(&self, carrier: Carrier) -> Cow<'_, str> {
        self.own.get(&carrier).map_or_else(|| carrier.display_name(), |own| Cow::Borrowed(&own.name))
    }

    /// The address of the carrier's public page for a number. `None` if it is not known.
    pub fn tracking_url(&self, number: &TrackingNumber) -> Option<String> {
        let template = match self.own.get(&number.carrier()) {
            Some(own) => own.url.as_deref(),
            None => known::find(number.carrier()).and_then(|known| known.url),
        };
        template.map(|template| template.replace(NUMBER, &percent_encode(number)))
    }

    /// The carriers of the merchant, with their names and the templates of their tracking pages.
    pub fn list_own_carriers(&self) -> impl Iterator<Item = (Carrier, &str, Option<&str>)> {
        self.own.iter().map(|(carrier, own)| (*carrier, own.name.as_str(), own.url.as_deref()))
    }
}

/// Whether a text is the address of a tracking page. The host is fixed: a number must not choose it.
fn is_url_template(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let Some((host, path)) = rest.and_then(|rest| rest.find(['/', '?', '#']).map(|at| rest.split_at(at)))
    else {
        return false;
    };
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '|');
    !host.is_empty() && !host.contains(['{', '@']) && path.contains(NUMBER) && url.chars().all(is_plain)
}

/// Writes every character except the unreserved ones of RFC 3986 as `%` and two digits.
fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
        encoded
    })
}
