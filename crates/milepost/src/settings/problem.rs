//! What is wrong with the settings, by name.

use std::fmt;

/// Settings that nothing can start with: every problem there is, so that one round of mending is enough.
/// Holds no secret values.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct BadSettings(Vec<String>);

impl BadSettings {
    /// One problem. `name` is the setting as the merchant wrote it.
    pub fn one(name: impl fmt::Display, problem: impl fmt::Display) -> Self {
        let mut problems = Self::none();
        problems.add(name, problem);
        problems
    }

    /// None yet.
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
    /// One line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}
