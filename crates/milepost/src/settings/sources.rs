//! Where values come from: the environment over the settings file, and files that hold secrets.
//!
//! What a value has to look like is not known here, only which keys there are.

use std::{collections::BTreeMap, io, path::Path};

use toml::{Table, Value};

use super::{
    BadSettings,
    names::{self, Key, Kind, PREFIX},
};

/// The values that were given, by the names of the settings.
#[derive(Debug, Default)]
pub struct Sources(BTreeMap<String, Found>);

/// A value and the key it stands under.
pub struct Found {
    /// The key, as the merchant wrote it.
    pub key: String,
    /// The value; several where the settings file has a list.
    pub values: Vec<String>,
    /// Whether each value is a path to read the value from.
    file: bool,
}

impl Sources {
    /// Collects what is given. An empty value is as good as none.
    pub fn read(
        env: impl IntoIterator<Item = (String, String)>,
        toml: Option<&str>,
        read_file: impl Fn(&Path) -> io::Result<String>,
        problems: &mut BadSettings,
    ) -> Self {
        let mut sources = Self::from_toml(toml.unwrap_or_default(), problems);
        sources.0.append(&mut Self::from_env(env, problems).0);
        for found in sources.0.values_mut().filter(|found| found.file) {
            found.values =
                found.values.iter().filter_map(|path| open(found, path, &read_file, problems)).collect();
        }
        sources
    }

    /// What stands under the name of a setting that has one value.
    pub fn one(&self, name: &str) -> Option<(&str, &str)> {
        self.0.get(name).and_then(|found| Some((found.key.as_str(), found.values.first()?.as_str())))
    }

    /// Everything under a name and under the name with a number.
    pub fn rotating<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Found> {
        let belongs = move |key: &str| Key::read(key).is_some_and(|key| key.setting.name == name);
        self.0.iter().filter(move |(key, _)| belongs(key)).map(|(_, found)| found)
    }

    fn from_env(env: impl IntoIterator<Item = (String, String)>, problems: &mut BadSettings) -> Self {
        let mut sources = Self::default();
        for (key, value) in env {
            let Some(name) = key.strip_prefix(PREFIX) else { continue };
            match Key::read(name) {
                Some(known) => sources.add(known, key, vec![value], problems),
                None => problems.add(&key, names::unknown(name, |near| format!("{PREFIX}{near}"))),
            }
        }
        sources
    }

    fn from_toml(text: &str, problems: &mut BadSettings) -> Self {
        let mut sources = Self::default();
        let table = match text.parse::<Table>() {
            Ok(table) => table,
            Err(error) => {
                // Not the error itself: it repeats the line, which may hold a secret.
                let before = error.span().map_or("", |span| text.get(..span.start).unwrap_or_default());
                let line = before.matches('\n').count() + 1;
                problems.add("the settings file", format!("line {line}: {}", error.message()));
                return sources;
            }
        };
        for (key, value) in table {
            let shown = format!("{key} (in the settings file)");
            let known = Key::read(&key.to_ascii_uppercase()).filter(|_| key == key.to_ascii_lowercase());
            let Some(known) = known else {
                let near = |near: &str| near.to_ascii_lowercase();
                problems.add(shown, names::unknown(&key.to_ascii_uppercase(), near));
                continue;
            };
            match texts(value, known.setting.kind) {
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
    /// Without the values: they may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Found").field("key", &self.key).finish_non_exhaustive()
    }
}

/// The texts of a value in the settings file. Numbers and booleans are taken for what they are written as.
fn texts(value: Value, kind: Kind) -> Option<Vec<String>> {
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

/// The content of a file, without the line end that editors leave.
fn open(
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
