//! Reads the merchant's own meanings of carriers' codes from the setting `MILEPOST_CARRIER_CODES`.
//! `milepost::settings` calls it.
//!
//! Example: `fedex.OC=label_created,ups.I/OT/021=in_transit`. Each entry is sender, code and meaning.
//!
//! 1. The code is written as a scan shows it, with `_` for commas and equals signs.
//! 2. UPS: without the description code, an entry applies to all description codes: `ups.I/OT`.
//! 3. DHL, EasyPost and Shippo: without the part after the slash, an entry applies to all of them: `dhl.transit`,
//!    `shippo.TRANSIT`.
//! 4. Every meaning except `unknown` can be given (`assignable_meanings`).

use std::{
    collections::{BTreeMap, btree_map::Entry},
    str::FromStr,
};

use domain::Meaning;

use crate::{codes::CodeMap, sender::Sender};

/// Why the setting is invalid, with the entry that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCodeMap {
    /// The entry is not `carrier.code=meaning`.
    #[error("`{0}` is not of the form carrier.code=meaning, as in fedex.OC=label_created")]
    Form(String),
    /// The entry names an unknown sender.
    #[error("in `{entry}`: {source}")]
    Sender {
        /// The entry.
        entry: String,
        /// The unknown name, and the known ones.
        source: domain::UnknownName,
    },
    /// The entry names an unknown meaning.
    #[error("in `{entry}`: `{meaning}` is no meaning; known are {}", list_assignable_meanings())]
    Meaning {
        /// The entry.
        entry: String,
        /// The unknown meaning.
        meaning: String,
    },
    /// No scan of this sender can have the code.
    #[error("in `{entry}`: {problem}")]
    Code {
        /// The entry.
        entry: String,
        /// The reason, and the expected form.
        problem: String,
    },
    /// Another entry gives the code another meaning.
    #[error("`{0}` gives a second meaning to the same code")]
    Twice(String),
}

impl FromStr for CodeMap {
    type Err = BadCodeMap;

    /// Parses the setting. Commas separate the entries. Blanks, line ends and empty entries are ignored.
    fn from_str(setting: &str) -> Result<Self, BadCodeMap> {
        let mut map = BTreeMap::new();
        for entry in setting.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let form = || BadCodeMap::Form(entry.to_owned());
            let (key, meaning) = entry.split_once('=').ok_or_else(form)?;
            let (sender, code) = key.split_once('.').ok_or_else(form)?;
            let (sender, code, meaning) = (sender.trim(), code.trim(), meaning.trim());
            if code.is_empty() {
                return Err(form());
            }
            let sender = sender
                .parse::<Sender>()
                .map_err(|source| BadCodeMap::Sender { entry: entry.to_owned(), source })?;
            let meaning = assignable_meanings().find(|one| one.as_str() == meaning).ok_or_else(|| {
                BadCodeMap::Meaning { entry: entry.to_owned(), meaning: meaning.to_owned() }
            })?;
            let code = code.to_ascii_uppercase();
            sender
                .check_code(&code)
                .map_err(|problem| BadCodeMap::Code { entry: entry.to_owned(), problem })?;
            match map.entry((sender, code)) {
                Entry::Occupied(known) if *known.get() != meaning => {
                    return Err(BadCodeMap::Twice(entry.to_owned()));
                }
                Entry::Occupied(_) => {}
                Entry::Vacant(free) => {
                    free.insert(meaning);
                }
            }
        }
        Ok(Self(map))
    }
}

/// The meanings that the setting can give to a code.
fn assignable_meanings() -> impl Iterator<Item = Meaning> {
    Meaning::all().filter(|meaning| match meaning {
        Meaning::Status(_) | Meaning::Condition(_) | Meaning::ReturnCancelled | Meaning::Informational => {
            true
        }
        Meaning::Unknown => false,
    })
}

fn list_assignable_meanings() -> String {
    assignable_meanings().map(Meaning::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use domain::{ConditionKind, ShipmentStatus};

    use super::*;

    fn error(setting: &str) -> String {
        setting.parse::<CodeMap>().unwrap_err().to_string()
    }

    #[test]
    fn a_setting_is_read() {
        let map: CodeMap =
            " fedex.OC = label_created,\n FX.se=held, ups.I/OT/021=informational,".parse().unwrap();
        assert_eq!(map.get(Sender::Fedex, "oc"), Some(Meaning::Status(ShipmentStatus::LabelCreated)));
        assert_eq!(map.get(Sender::Fedex, "SE"), Some(Meaning::Condition(ConditionKind::Held)));
        assert_eq!(map.get(Sender::Ups, "I/OT/021"), Some(Meaning::Informational));
        assert_eq!(map.get(Sender::Ups, "OC"), None);
        assert_eq!("".parse(), Ok(CodeMap::default()));
    }

    #[test]
    fn the_same_meaning_twice_is_one_entry() {
        let map: CodeMap = "fedex.Q9=held,ups.i/ot=lost,fedex.q9=held".parse().unwrap();
        assert_eq!(map.to_string(), "fedex.Q9=held, ups.I/OT=lost");
        assert!(!map.is_empty() && CodeMap::default().is_empty());
        assert_eq!(map.to_string().parse(), Ok(map));
    }

    #[test]
    fn errors_name_what_is_wrong() {
        assert_eq!(
            error("fedex.OC"),
            "`fedex.OC` is not of the form carrier.code=meaning, as in fedex.OC=label_created"
        );
        assert!(error("fedex.=held").starts_with("`fedex.=held` is not of the form"));
        assert!(error("OC=held").starts_with("`OC=held` is not of the form"));
        assert_eq!(
            error("ups.I=in_transit, pigeon.A=held"),
            "in `pigeon.A=held`: `pigeon` is no webhook sender; known are fedex, ups, usps, dhl, easypost, shippo, aftership"
        );
        assert!(error("fedex.OC=lost_in_space").starts_with(
            "in `fedex.OC=lost_in_space`: `lost_in_space` is no meaning; known are label_created, "
        ));
        assert!(error("fedex.OC=unknown").starts_with("in `fedex.OC=unknown`: `unknown` is no meaning; "));
        assert_eq!(
            error("ups.OT=held"),
            "in `ups.OT=held`: UPS's codes begin with their type (I, D, X, M, MV, U, O, P, RS, …), as in I/OT or I/OT/021"
        );
        assert_eq!(error("fedex.OC=held,FX.oc=lost"), "`FX.oc=lost` gives a second meaning to the same code");
    }
}
