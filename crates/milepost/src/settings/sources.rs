//! Collects the values of settings from the environment, the settings file, and files that hold secrets.
//!
//! 1. The environment takes precedence over the settings file.
//! 2. A key that is not a setting is a problem. The values are not validated here.
//! 3. An empty value counts as unset.
//!
//! `Settings::read` calls [`Sources::read`] once. `read_env` and `read_toml` return the values of one source each, and
//! add what is wrong to `problems`. The parsers in `settings` then call the `find_…` functions. `name` is the name
//! without prefix, and `None` means unset. The first text of a pair is the key as the merchant wrote it.
//!
//! `convert_to_texts` returns `None` for a type that the setting cannot have. `read_secret_file` returns `None` after
//! it has added the problem.
//!
//! `find_rotating` finds a secret under its name and under its numbered names; it yields nothing if none is set.

use std::{collections::BTreeMap, io, path::Path};

use toml::{Table, Value};

use super::{
    BadSettings,
    names::{self, Key, Kind, PREFIX},
    own_carriers,
};

/// The given values, by the name of the setting, with its number if it has one.
#[derive(Debug, Default)]
pub struct Sources(BTreeMap<String, Found>);

/// The value of a setting and the key under which it was found.
pub struct Found {
    /// The key as the merchant wrote it, for error messages.
    pub key: String,
    /// The value, or all values of a list in the settings file.
    pub values: Vec<String>,
    /// Whether each value is the path of a file with the real value.
    file: bool,
}

impl Sources {
    /// Collects the values of all sources. An empty value counts as unset.
    pub fn read(
        env: impl IntoIterator<Item = (String, String)>,
        toml: Option<&str>,
        read_file: impl Fn(&Path) -> io::Result<String>,
        problems: &mut BadSettings,
    ) -> Self {
        let mut sources = Self::read_toml(toml.unwrap_or_default(), problems);
        sources.0.append(&mut Self::read_env(env, problems).0);
        for found in sources.0.values_mut().filter(|found| found.file) {
            found.values = found
                .values
                .iter()
                .filter_map(|path| read_secret_file(found, path, &read_file, problems))
                .collect();
        }
        sources
    }

    /// Returns the key and the value of a setting with a single value.
    pub fn find_single(&self, name: &str) -> Option<(&str, &str)> {
        self.0.get(name).and_then(|found| Some((found.key.as_str(), found.values.first()?.as_str())))
    }

    /// Returns the values of a rotating secret: those under its name and under its numbered names.
    pub fn find_rotating<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Found> {
        let belongs = move |key: &str| Key::parse(key).is_some_and(|key| key.setting.name == name);
        self.0.iter().filter(move |(key, _)| belongs(key)).map(|(_, found)| found)
    }

    /// Returns the key and all values of a setting with entries.
    pub fn find_entries(&self, name: &str) -> Option<(&str, &[String])> {
        self.0.get(name).map(|found| (found.key.as_str(), found.values.as_slice()))
    }

    fn read_env(env: impl IntoIterator<Item = (String, String)>, problems: &mut BadSettings) -> Self {
        let mut sources = Self::default();
        for (key, value) in env {
            let Some(name) = key.strip_prefix(PREFIX) else { continue };
            match Key::parse(name) {
                Some(known) => {
                    let values = match known.setting.kind {
                        Kind::Tables => own_carriers::split_entries(&value),
                        Kind::Plain | Kind::Secret | Kind::Rotating => vec![value],
                    };
                    sources.add(known, key, values, problems);
                }
                None => problems.add(&key, names::describe_unknown(name, |near| format!("{PREFIX}{near}"))),
            }
        }
        sources
    }

    fn read_toml(text: &str, problems: &mut BadSettings) -> Self {
        let mut sources = Self::default();
        let table = match text.parse::<Table>() {
            Ok(table) => table,
            Err(error) => {
                // Do not print the whole error: it repeats the line, which may hold a secret.
                let before = error.span().map_or("", |span| text.get(..span.start).unwrap_or_default());
                let line = before.matches('\n').count() + 1;
                problems.add("the settings file", format!("line {line}: {}", error.message()));
                return sources;
            }
        };
        for (key, value) in table {
            let shown = format!("{key} (in the settings file)");
            let known = Key::parse(&key.to_ascii_uppercase()).filter(|_| key == key.to_ascii_lowercase());
            let Some(known) = known else {
                let near = |near: &str| near.to_ascii_lowercase();
                problems.add(shown, names::describe_unknown(&key.to_ascii_uppercase(), near));
                continue;
            };
            if let (Kind::Tables, Value::Table(tables)) = (known.setting.kind, &value) {
                match own_carriers::convert_tables(tables.clone()) {
                    Ok(values) => sources.add(known, shown, values, problems),
                    Err(problem) => problems.add(shown, problem),
                }
                continue;
            }
            match convert_to_texts(value, known.setting.kind) {
                Some(values) if known.setting.kind == Kind::Tables => {
                    let values = values.iter().flat_map(|text| own_carriers::split_entries(text)).collect();
                    sources.add(known, shown, values, problems);
                }
                Some(values) => sources.add(known, shown, values, problems),
                None => problems.add(shown, "must be a text"),
            }
        }
        sources
    }

    fn add(&mut self, known: Key, key: String, values: Vec<String>, problems: &mut BadSettings) {
        if values.iter().all(String::is_empty) {
            return;
        }
        let found = Found { key, values, file: known.file };
        if let Some(other) = self.0.get(&known.name) {
            problems.add(&found.key, format!("{} is set too; keep one of them", other.key));
        }
        self.0.insert(known.name, found);
    }
}

impl std::fmt::Debug for Found {
    /// Omits the values, because they may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Found").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Returns a value of the settings file as texts. Numbers become decimal text, booleans `on` or `off`.
fn convert_to_texts(value: Value, kind: Kind) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Integer(number) => Some(vec![number.to_string()]),
        Value::Boolean(yes) => Some(vec![if yes { "on" } else { "off" }.to_owned()]),
        Value::Array(list) if kind == Kind::Rotating => {
            list.into_iter().map(|one| one.as_str().map(str::to_owned)).collect()
        }
        Value::Array(_) | Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
    }
}

/// Reads a file with a secret, without the line break at its end. A file that is empty or cannot be read is a problem.
fn read_secret_file(
    found: &Found,
    path: &str,
    read_file: impl Fn(&Path) -> io::Result<String>,
    problems: &mut BadSettings,
) -> Option<String> {
    match read_file(Path::new(path)) {
        Ok(text) if text.trim().is_empty() => {
            problems.add(&found.key, format!("the file {path} is empty"));
            None
        }
        Ok(text) => Some(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(error) => {
            problems.add(&found.key, format!("the file {path} cannot be read: {error}"));
            None
        }
    }
}
