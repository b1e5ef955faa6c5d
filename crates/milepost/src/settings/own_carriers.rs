//! Reads the merchant's own carriers. All functions are pure.
//!
//! 1. In the settings file, each carrier is a table `[carriers.CODE]` with `name` and, if it has a tracking page,
//!    `url`.
//! 2. In the environment, all carriers are one text: `CODE=NAME|URL`, separated by commas. A comma in a URL is `%2C`.
//! 3. `settings::sources` turns both into a list of entries like rule 2, with `convert_tables` and `split_entries`.
//! 4. `Settings::read` then calls `build_directory`, so that both places have the same checks.
//!
//! `Err` is the problem as text, about the first carrier that is wrong. Empty entries are left out.

use domain::CarrierDirectory;
use toml::{Table, Value};

/// Turns the tables of the settings file into one entry for each carrier.
pub(super) fn convert_tables(carriers: Table) -> Result<Vec<String>, String> {
    carriers.into_iter().map(|(code, fields)| convert_table(&code, fields)).collect()
}

fn convert_table(code: &str, fields: Value) -> Result<String, String> {
    let Value::Table(fields) = fields else {
        return Err(format!("`{code}` must be a table with `name` and `url`"));
    };
    let (mut name, mut url) = (String::new(), String::new());
    for (field, value) in fields {
        let place = match field.as_str() {
            "name" => &mut name,
            "url" => &mut url,
            _ => return Err(format!("`{code}` has a field `{field}`; known are name, url")),
        };
        let Value::String(text) = value else {
            return Err(format!("`{code}`: `{field}` must be a text"));
        };
        *place = text;
    }
    Ok(format!("{code}={name}|{url}"))
}

/// Splits the text of the environment into entries.
pub(super) fn split_entries(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
}

/// Builds the directory. The error names the first entry that cannot be used.
pub(super) fn build_directory(entries: &[String]) -> Result<CarrierDirectory, String> {
    let mut directory = CarrierDirectory::default();
    for entry in entries {
        let wrong = || format!("`{entry}` is not like my_local=My Local|https://my.example/{{number}}");
        let (code, rest) = entry.split_once('=').ok_or_else(wrong)?;
        let (name, url) = rest.rsplit_once('|').unwrap_or((rest, ""));
        let url = Some(url.trim()).filter(|url| !url.is_empty());
        directory.add(code.trim(), name, url).map_err(|error| format!("in `{}`: {error}", code.trim()))?;
    }
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(entries: &str) -> Result<Vec<String>, String> {
        let directory = build_directory(&split_entries(entries))?;
        Ok(directory.list_own_carriers().map(|(code, name, url)| format!("{code} {name} {url:?}")).collect())
    }

    #[test]
    fn a_text_has_one_entry_for_each_carrier() {
        let text = "my_local = My Local|https://my.example/{number}, dhl=DHL Paket,";
        let expected = [r#"dhl DHL Paket None"#, r#"my_local My Local Some("https://my.example/{number}")"#];
        assert_eq!(read(text).unwrap(), expected);
        assert_eq!(read("").unwrap(), [""; 0]);
    }

    #[test]
    fn a_table_is_the_same_entry() {
        let tables = "[my_local]\nname = \"My, Local | Bikes\"\nurl = \"https://my.example/{number}\"\n[dhl]\nname = \"DHL Paket\"";
        let entries = convert_tables(tables.parse().unwrap()).unwrap();
        let directory = build_directory(&entries).unwrap();
        let own: Vec<_> =
            directory.list_own_carriers().map(|(code, name, _)| format!("{code} {name}")).collect();
        assert_eq!(own, ["dhl DHL Paket", "my_local My, Local | Bikes"]);
    }

    #[test]
    fn an_entry_that_cannot_be_used_is_named() {
        for (text, expected) in [
            ("my_local", "`my_local` is not like my_local=My Local|https://my.example/{number}"),
            (
                "a=A|https://a.example/",
                "in `a`: the url must begin with https:// or http:// and have {number} in it, behind the host",
            ),
            ("my_ups=A, ups_local=B", "in `ups_local`: this is the carrier `ups`: use that code"),
            ("a=A,a=B", "in `a`: the carrier has two entries"),
            ("a=", "in `a`: the name is missing"),
        ] {
            assert_eq!(read(text).unwrap_err(), expected);
        }
        for (tables, expected) in [
            ("a = 1", "`a` must be a table with `name` and `url`"),
            ("[a]\nname = 1", "`a`: `name` must be a text"),
            ("[a]\nuri = \"x\"", "`a` has a field `uri`; known are name, url"),
        ] {
            assert_eq!(convert_tables(tables.parse().unwrap()).unwrap_err(), expected);
        }
    }
}
