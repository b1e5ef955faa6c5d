//! The merchant's own meanings of carriers' codes. `code_setting` reads them from the setting
//! `MILEPOST_CARRIER_CODES`. The sender modules call [`CodeMap::get`] when they parse a scan; `None` means that our own
//! meaning counts.

use std::{collections::BTreeMap, fmt};

use domain::Meaning;

use crate::sender::Sender;

/// The merchant's meanings, which take precedence over ours. Letter case of codes does not matter (ASCII letters
/// only).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeMap(pub(crate) BTreeMap<(Sender, String), Meaning>);

impl CodeMap {
    /// The meaning that the setting gives to a code, if any.
    pub fn get(&self, sender: Sender, code: &str) -> Option<Meaning> {
        self.0.get(&(sender, code.to_ascii_uppercase())).copied()
    }

    /// Whether the setting is empty, so that every code has our own meaning.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for CodeMap {
    /// Writes the setting in sorted order, with the codes in capitals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, ((sender, code), meaning)) in self.0.iter().enumerate() {
            let between = if at == 0 { "" } else { ", " };
            write!(f, "{between}{sender}.{code}={meaning}")?;
        }
        Ok(())
    }
}
