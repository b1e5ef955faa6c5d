//! Reads the tables of a story file field by field, and collects every problem with its place in the file.
//!
//! Called by `story::file` and `story::request`. `Story::check_webhooks` uses [`Problems`] alone.
//!
//! 1. [`Fields::new`] begins a table, and [`Fields::report_unknown`] ends it: each field that nobody asked for is a
//!    problem.
//! 2. The `take_…` functions look up one field by its name. `None` or an empty list means that the field is missing or
//!    has a problem. A problem is added to the [`Problems`] at once. A missing field is one in `take_required` and
//!    `take_tables` only.
//! 3. [`Problems::into_result`] is called once at the end: `Ok` if no problem was added.
//!
//! `reject` adds a problem and returns `None`. `place` is where the problem is in the file, such as `step 2`.

use std::{fmt, path::Path};

use console::suggest_name;
use toml::{Table, Value};

/// The error for a story that cannot be played. It lists all problems, each with the file and the place in it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct BadStory(Vec<String>);

impl fmt::Display for BadStory {
    /// Writes one problem a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

pub struct Problems {
    file: String,
    lines: Vec<String>,
}

impl Problems {
    pub fn for_file(file: &Path) -> Self {
        Self { file: file.display().to_string(), lines: Vec::new() }
    }

    /// Adds a problem. `place` is where it is in the file, such as `step 2, send 1, status`; empty: the whole file.
    pub fn add(&mut self, place: &str, problem: impl fmt::Display) {
        let place = if place.is_empty() { String::new() } else { format!("{place}: ") };
        self.lines.push(format!("{}: {place}{problem}", self.file));
    }

    /// Returns the value if no problem was added, else all problems as the error.
    pub fn into_result<T>(self, value: Option<T>) -> Result<T, BadStory> {
        match value {
            Some(value) if self.lines.is_empty() => Ok(value),
            Some(_) | None => Err(BadStory(self.lines)),
        }
    }
}

/// One table of the file. The reader takes the fields by name.
pub struct Fields<'t, 'p> {
    table: &'t Table,
    place: String,
    known: Vec<&'static str>,
    problems: &'p mut Problems,
}

impl<'t, 'p> Fields<'t, 'p> {
    /// Starts to read `table`. `place` is where the table is in the file, such as `step 2`; problems name it.
    pub fn new(table: &'t Table, place: impl Into<String>, problems: &'p mut Problems) -> Self {
        Self { table, place: place.into(), known: Vec::new(), problems }
    }

    /// Takes an optional text and parses it with `parse`. Returns `None` if the field is missing or has a problem.
    pub fn take_optional<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = match self.find_field(name)? {
            Value::String(text) => text.clone(),
            // TOML has times without quotes.
            Value::Datetime(time) => time.to_string(),
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Array(_) | Value::Table(_) => {
                return self.reject(name, "must be a text");
            }
        };
        parse(&text).map_err(|problem| self.add(name, problem)).ok()
    }

    /// Takes a required text and parses it with `parse`. A missing field is a problem.
    pub fn take_required<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        if self.table.contains_key(name) {
            self.take_optional(name, parse)
        } else {
            self.reject(name, "is missing")
        }
    }

    /// Takes an optional number from `least` to `most`.
    pub fn take_number<T: TryFrom<i64> + PartialOrd + fmt::Display>(
        &mut self,
        name: &'static str,
        least: T,
        most: T,
    ) -> Option<T> {
        let number = self.find_field(name)?.as_integer().and_then(|number| T::try_from(number).ok());
        match number.filter(|number| *number >= least && *number <= most) {
            Some(number) => Some(number),
            None => self.reject(name, format!("must be a number from {least} to {most}")),
        }
    }

    /// Takes a required list of tables. The list must have at least one table.
    pub fn take_tables(&mut self, name: &'static str) -> Vec<&'t Table> {
        let Some(list) = self.find_field(name) else {
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

    /// Takes an optional table of values that another program reads, as JSON.
    pub fn take_json(&mut self, name: &'static str) -> Option<serde_json::Value> {
        let table = self.find_field(name)?;
        match serde_json::to_value(table) {
            Ok(value) if value.is_object() => Some(value),
            Ok(_) | Err(_) => self.reject(name, "must be a table"),
        }
    }

    /// Takes an optional truth value.
    pub fn take_flag(&mut self, name: &'static str) -> Option<bool> {
        match self.find_field(name)?.as_bool() {
            Some(flag) => Some(flag),
            None => self.reject(name, "must be true or false"),
        }
    }

    /// Adds a problem of a field. With an empty `name` the problem concerns the whole table.
    pub fn add(&mut self, name: &str, problem: impl fmt::Display) {
        let between = if self.place.is_empty() || name.is_empty() { "" } else { ", " };
        self.problems.add(&format!("{}{between}{name}", self.place), problem);
    }

    /// Reports the fields that were not taken. Each is unknown, and the message suggests the known name nearest to it.
    pub fn report_unknown(mut self) {
        let unknown: Vec<&String> =
            self.table.keys().filter(|name| !self.known.contains(&name.as_str())).collect();
        for name in unknown {
            let suggest_name = suggest_name(name, &self.known);
            self.add(name, format!("there is no such field; {suggest_name}"));
        }
    }

    fn find_field(&mut self, name: &'static str) -> Option<&'t Value> {
        self.known.push(name);
        self.table.get(name)
    }

    fn reject<T>(&mut self, name: &str, problem: impl fmt::Display) -> Option<T> {
        self.add(name, problem);
        None
    }
}
