//! The error for invalid settings. It names each setting and its problem.
//!
//! `settings` collects problems in it: `none`, then `add`, and `is_empty` at the end. [`BadSettings::one`] is for code
//! that finds one problem. `failure` prints one problem a line, and exits with code 2.

use std::fmt;

/// All problems of the settings, so that the merchant can correct them in one go. It contains no secret values.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct BadSettings(Vec<String>);

impl BadSettings {
    /// Creates an error with one problem. `name` is the setting as the merchant wrote it.
    pub fn one(name: impl fmt::Display, problem: impl fmt::Display) -> Self {
        let mut problems = Self::none();
        problems.add(name, problem);
        problems
    }

    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    pub(super) fn add(&mut self, name: impl fmt::Display, problem: impl fmt::Display) {
        self.0.push(format!("{name}: {problem}"));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for BadSettings {
    /// Writes one problem a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}
