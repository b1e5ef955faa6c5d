//! The tables of a story, read field by field: what is wrong is collected, with its place.
//!
//! The format itself is in `file.rs`.

use std::{fmt, path::Path};

use toml::{Table, Value};

use crate::suggest::suggest_name;

/// A story that cannot be played: every problem there is, each with the file and the place in it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct BadStory(Vec<String>);

impl fmt::Display for BadStory {
    /// One line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

/// What is wrong with one file.
pub struct Problems {
    file: String,
    lines: Vec<String>,
}

impl Problems {
    /// None yet.
    pub fn of(file: &Path) -> Self {
        Self { file: file.display().to_string(), lines: Vec::new() }
    }

    /// One more, at a place: `step 2, send 1, status`.
    pub fn add(&mut self, place: &str, problem: impl fmt::Display) {
        let place = if place.is_empty() { String::new() } else { format!("{place}: ") };
        self.lines.push(format!("{}: {place}{problem}", self.file));
    }

    /// The story, where nothing is wrong with it.
    pub fn or<T>(self, story: Option<T>) -> Result<T, BadStory> {
        match story {
            Some(story) if self.lines.is_empty() => Ok(story),
            Some(_) | None => Err(BadStory(self.lines)),
        }
    }
}

/// One table of the file. Its fields are taken out by name; those that nobody took are unknown.
pub struct Fields<'t, 'p> {
    table: &'t Table,
    place: String,
    known: Vec<&'static str>,
    problems: &'p mut Problems,
}

impl<'t, 'p> Fields<'t, 'p> {
    /// The fields of the table at that place: `step 2`.
    pub fn of(table: &'t Table, place: impl Into<String>, problems: &'p mut Problems) -> Self {
        Self { table, place: place.into(), known: Vec::new(), problems }
    }

    /// The value of a text that may be left out.
    pub fn maybe<T>(&mut self, name: &'static str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let text = match self.take(name)? {
            Value::String(text) => text.clone(),
            // A time need not stand in quotes.
            Value::Datetime(time) => time.to_string(),
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Array(_) | Value::Table(_) => {
                return self.wrong(name, "must be a text");
            }
        };
        read(&text).map_err(|problem| self.add(name, problem)).ok()
    }

    /// The value of a text that must be there.
    pub fn needed<T>(&mut self, name: &'static str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        if self.table.contains_key(name) { self.maybe(name, read) } else { self.wrong(name, "is missing") }
    }

    /// A number that may be left out.
    pub fn number<T: TryFrom<i64> + PartialOrd + fmt::Display>(
        &mut self,
        name: &'static str,
        least: T,
        most: T,
    ) -> Option<T> {
        let number = self.take(name)?.as_integer().and_then(|number| T::try_from(number).ok());
        match number.filter(|number| *number >= least && *number <= most) {
            Some(number) => Some(number),
            None => self.wrong(name, format!("must be a number from {least} to {most}")),
        }
    }

    /// The tables of a list, of which there must be one at least.
    pub fn tables(&mut self, name: &'static str) -> Vec<&'t Table> {
        let Some(list) = self.take(name) else {
            self.add(name, "is missing");
            return Vec::new();
        };
        let tables: Option<Vec<&Table>> =
            list.as_array().and_then(|list| list.iter().map(Value::as_table).collect());
        match tables {
            Some(tables) if !tables.is_empty() => return tables,
            Some(_) => self.add(name, "is empty"),
            None => self.add(name, "must be a list of tables"),
        }
        Vec::new()
    }

    /// Something is wrong with a field, or with several together.
    pub fn add(&mut self, name: &str, problem: impl fmt::Display) {
        let between = if self.place.is_empty() || name.is_empty() { "" } else { ", " };
        self.problems.add(&format!("{}{between}{name}", self.place), problem);
    }

    /// Names the fields that nobody has asked for.
    pub fn end(mut self) {
        let unknown: Vec<&String> =
            self.table.keys().filter(|name| !self.known.contains(&name.as_str())).collect();
        for name in unknown {
            let suggest_name = suggest_name(name, &self.known);
            self.add(name, format!("there is no such field; {suggest_name}"));
        }
    }

    fn take(&mut self, name: &'static str) -> Option<&'t Value> {
        self.known.push(name);
        self.table.get(name)
    }

    fn wrong<T>(&mut self, name: &str, problem: impl fmt::Display) -> Option<T> {
        self.add(name, problem);
        None
    }
}
