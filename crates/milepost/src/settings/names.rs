//! The names, defaults and kinds of all settings. A test compares this list with `.env.example`.
//!
//! `settings::sources` calls [`Key::parse`] for every key that it finds, and [`describe_unknown`] if that is `None`.
//! `None` also for `_FILE` behind a setting that is no secret, and for a number behind one that does not rotate.

use std::fmt::Write;

use console::closest_name;

/// The prefix of the environment variables. The names in the settings file do not have it.
pub const PREFIX: &str = "MILEPOST_";

#[derive(Debug)]
pub struct Setting {
    /// The name without the prefix, in capitals.
    pub name: &'static str,
    /// The value if the setting is unset.
    pub default: Option<&'static str>,
    pub kind: Kind,
}

/// How the value of a setting is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The value may be printed.
    Plain,
    /// The value is a secret or contains one. It is never printed, and the setting `NAME_FILE` can name a file with the
    /// value.
    Secret,
    /// A secret of which several are valid at the same time, so that it can be changed without a gap: `NAME`, `NAME_1`,
    /// `NAME_2` and so on, or a list in the settings file.
    Rotating,
    /// Entries with fields: a text in the environment, and tables in the settings file. The values may be printed.
    Tables,
}

/// All settings, in the same sequence as in `.env.example`.
pub const ALL: [Setting; 41] = [
    Setting { name: "LISTEN", default: Some("127.0.0.1:8080"), kind: Kind::Plain },
    Setting { name: "PUBLIC_URL", default: None, kind: Kind::Plain },
    Setting { name: "GRAPHIQL", default: Some("on"), kind: Kind::Plain },
    Setting { name: "HTTP_HEADER_TIMEOUT", default: Some("10s"), kind: Kind::Plain },
    Setting { name: "HTTP_BODY_TIMEOUT", default: Some("20s"), kind: Kind::Plain },
    Setting { name: "HTTP_IDLE_TIMEOUT", default: Some("30s"), kind: Kind::Plain },
    Setting { name: "HTTP_WRITE_TIMEOUT", default: Some("20s"), kind: Kind::Plain },
    Setting { name: "HTTP_CONNECTIONS", default: Some("2000"), kind: Kind::Plain },
    Setting { name: "HTTP_CONNECTIONS_PER_ADDRESS", default: Some("500"), kind: Kind::Plain },
    Setting { name: "HTTP_SOCKETS", default: Some("1000"), kind: Kind::Plain },
    Setting { name: "HTTP_BODY_MEMORY", default: Some("32MiB"), kind: Kind::Plain },
    Setting { name: "HTTP_ANSWER_MEMORY", default: Some("64MiB"), kind: Kind::Plain },
    Setting { name: "INTROSPECTION", default: Some("on"), kind: Kind::Plain },
    Setting { name: "QUERY_TIMEOUT", default: Some("10s"), kind: Kind::Plain },
    Setting { name: "MAX_ANSWER_BYTES", default: Some("16777216"), kind: Kind::Plain },
    Setting { name: "CUSTOMER_ORDERS_PER_MINUTE", default: Some("10"), kind: Kind::Plain },
    Setting { name: "DATABASE_URL", default: Some("sqlite://milepost.db?mode=rwc"), kind: Kind::Secret },
    Setting { name: "DATABASE_CONNECTIONS", default: Some("10"), kind: Kind::Plain },
    Setting { name: "REDIS_URL", default: None, kind: Kind::Secret },
    Setting { name: "SMTP_URL", default: None, kind: Kind::Secret },
    Setting { name: "MAIL_FROM", default: Some("Milepost <orders@localhost>"), kind: Kind::Plain },
    Setting { name: "NOTIFY_MAX_AGE", default: Some("3d"), kind: Kind::Plain },
    Setting { name: "JWT_SECRET", default: None, kind: Kind::Secret },
    Setting { name: "JWT_AUDIENCE", default: None, kind: Kind::Plain },
    Setting { name: "CUSTOMERS_PLACE_ORDERS", default: Some("off"), kind: Kind::Plain },
    Setting { name: "WEBHOOK_SECRET_FEDEX", default: None, kind: Kind::Rotating },
    Setting { name: "WEBHOOK_SECRET_UPS", default: None, kind: Kind::Rotating },
    Setting { name: "WEBHOOK_SECRET_USPS", default: None, kind: Kind::Rotating },
    Setting { name: "WEBHOOK_SECRET_DHL", default: None, kind: Kind::Rotating },
    Setting { name: "WEBHOOK_SECRET_EASYPOST", default: None, kind: Kind::Rotating },
    Setting { name: "WEBHOOK_SECRET_SHIPPO", default: None, kind: Kind::Rotating },
    Setting { name: "WEBHOOK_SECRET_AFTERSHIP", default: None, kind: Kind::Rotating },
    Setting { name: "UPS_CLIENT_ID", default: None, kind: Kind::Plain },
    Setting { name: "UPS_CLIENT_SECRET", default: None, kind: Kind::Rotating },
    Setting { name: "DHL_WEBHOOK_HEADER", default: Some(carriers::DEFAULT_TOKEN_HEADER), kind: Kind::Plain },
    Setting { name: "DHL_API_KEY", default: None, kind: Kind::Secret },
    Setting {
        name: "DHL_API_URL",
        default: Some("https://api-eu.dhl.com/tracking/push/v1"),
        kind: Kind::Plain,
    },
    Setting { name: "CARRIERS", default: None, kind: Kind::Tables },
    Setting { name: "CARRIER_CODES", default: None, kind: Kind::Plain },
    Setting { name: "LOG", default: Some("info"), kind: Kind::Plain },
    Setting { name: "LOG_FORMAT", default: Some("text"), kind: Kind::Plain },
];

/// A key of the environment or of the settings file, parsed.
#[derive(Debug)]
pub struct Key {
    pub setting: &'static Setting,
    /// The name of the setting, with the number of a rotating secret: `WEBHOOK_SECRET_FEDEX_1`.
    pub name: String,
    /// Whether the value is the path of a file that contains the real value.
    pub file: bool,
}

impl Key {
    /// Parses a key. It must be in capitals and without the prefix. Returns `None` if there is no such setting.
    pub fn parse(key: &str) -> Option<Self> {
        let (name, file) = match key.strip_suffix("_FILE") {
            Some(name) => (name, true),
            None => (key, false),
        };
        let numbered = |setting: &Setting| {
            let number = name.strip_prefix(setting.name).and_then(|rest| rest.strip_prefix('_'));
            let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            setting.kind == Kind::Rotating && number.is_some_and(is_number)
        };
        let setting = ALL.iter().find(|setting| setting.name == name || numbered(setting))?;
        let secret = match setting.kind {
            Kind::Plain | Kind::Tables => false,
            Kind::Secret | Kind::Rotating => true,
        };
        (secret || !file).then(|| Self { setting, name: name.to_owned(), file })
    }
}

/// Returns the problem to report for an unknown key. It suggests the most similar name, if one is similar; `write_name`
/// writes that name in the style of the key.
pub fn describe_unknown(key: &str, write_name: impl Fn(&str) -> String) -> String {
    let names = ALL.iter().flat_map(|setting| match setting.kind {
        Kind::Plain | Kind::Tables => vec![setting.name.to_owned()],
        Kind::Secret | Kind::Rotating => vec![setting.name.to_owned(), format!("{}_FILE", setting.name)],
    });
    let mut said = "there is no such setting".to_owned();
    if let Some(name) = closest_name(key, names) {
        write!(said, "; did you mean {}?", write_name(&name)).unwrap_or_default();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str) -> Option<(&'static str, String, bool)> {
        Key::parse(key).map(|key| (key.setting.name, key.name, key.file))
    }

    #[test]
    fn keys_are_names_numbers_and_files() {
        assert_eq!(read("LISTEN"), Some(("LISTEN", "LISTEN".to_owned(), false)));
        assert_eq!(read("REDIS_URL_FILE"), Some(("REDIS_URL", "REDIS_URL".to_owned(), true)));
        let rotated = |name: &str, file| Some(("WEBHOOK_SECRET_UPS", name.to_owned(), file));
        assert_eq!(read("WEBHOOK_SECRET_UPS"), rotated("WEBHOOK_SECRET_UPS", false));
        assert_eq!(read("WEBHOOK_SECRET_UPS_12_FILE"), rotated("WEBHOOK_SECRET_UPS_12", true));
        for wrong in [
            "",
            "listen",
            "LISTEN_FILE",
            "LISTEN_1",
            "JWT_SECRET_1",
            "WEBHOOK_SECRET_UPS_",
            "WEBHOOK_SECRET_UPS_A",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_near_name_is_offered_and_a_far_one_is_not() {
        let say = |key| describe_unknown(key, |name| format!("{PREFIX}{name}"));
        assert_eq!(say("LISTN"), "there is no such setting; did you mean MILEPOST_LISTEN?");
        assert_eq!(say("DATABASE_URI"), "there is no such setting; did you mean MILEPOST_DATABASE_URL?");
        assert_eq!(say("JWT_SECRET_FIL"), "there is no such setting; did you mean MILEPOST_JWT_SECRET_FILE?");
        assert_eq!(say("COFFEE"), "there is no such setting");
    }

    #[test]
    fn every_webhook_sender_has_a_setting() {
        for sender in carriers::Sender::ALL {
            let name = crate::settings::senders::webhook_secret_name(sender);
            let found = ALL.iter().find(|setting| setting.name == name).expect(&name);
            assert_eq!(found.kind, Kind::Rotating);
        }
    }

    /// Parses a line `#MILEPOST_NAME=value` of `.env.example`. Returns `None` for other lines, and for numbered secrets
    /// and `_FILE` names.
    fn example(line: &str) -> Option<(&str, &str)> {
        let (key, value) = line.strip_prefix('#')?.strip_prefix(PREFIX)?.split_once('=')?;
        let key = Key::parse(key).unwrap_or_else(|| panic!("there is no setting {key}"));
        (key.name == key.setting.name && !key.file).then_some((key.setting.name, value.trim_matches('"')))
    }

    #[test]
    fn env_example_lists_every_setting_with_its_default() {
        let text = include_str!("../../../../.env.example");
        let listed: Vec<_> = text.lines().filter_map(example).collect();
        let names: Vec<_> = listed.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ALL.map(|setting| setting.name), "the settings, in the same order");
        for ((name, value), setting) in listed.into_iter().zip(&ALL) {
            if let Some(default) = setting.default {
                assert_eq!(value, default, "{name}");
            }
        }
    }
}
