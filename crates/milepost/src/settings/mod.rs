//! Reads and validates the settings of the program.
//!
//! 1. A setting comes from the environment, else from `milepost.toml`, else it has its default.
//! 2. `main` loads the settings before the command starts. `scan` loads them only when it needs them, `schema` never;
//!    `demo` uses fixed ones.
//! 3. [`Settings::load`] reads the real environment and files. [`Settings::read`] does the rest, and reads secret files
//!    only with `read_file`. `demo` and tests call it.
//! 4. `serve` and `check` call [`Settings::check_serving`] afterwards, for what only a server needs.
//!
//! [`Settings::read`] calls the `read_…` functions of [`Reader`] once each, and `read_value` or `read_optional` for all
//! other settings. `read_value` is `read_optional` plus the default. `None` means unset without a default, or invalid;
//! an invalid value was added to the problems then. All problems are returned at the end.

mod http;
mod mask;
mod names;
mod own_carriers;
mod problem;
mod senders;
mod sources;
#[cfg(test)]
mod tests;
mod values;

use std::{
    collections::BTreeMap,
    env, fs, io,
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use api::graphql::limits::Limits;
use api::listener::HttpLimits;
use carriers::{CodeMap, Sender};
use domain::{CarrierDirectory, NotificationMaxAge};
use url::Url;
use worker::mail::{MailSettingError, Mailer};

pub use mask::Masked;
pub use problem::BadSettings;
pub use senders::{UpsClient, webhook_secret_variable};

use crate::{keys, role::Role};
use names::{ALL, PREFIX};
use sources::Sources;

/// The path of the settings file if `--config` names none. This file may be missing.
const FILE: &str = "milepost.toml";

/// All settings of the program. Each value was validated on its own.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address on which the HTTP server listens.
    pub listen: SocketAddr,
    /// The address at which customers reach the server, without a slash at the end. Unset: `http://` and `listen`.
    pub public_url: Option<String>,
    /// Whether `GET /graphql` serves the GraphiQL page to browsers.
    pub graphiql: bool,
    pub http: HttpLimits,
    /// The limits of GraphQL operations.
    pub limits: Limits,
    /// How many orders one customer may place a minute.
    pub customer_orders_per_minute: NonZeroU32,
    /// The URL of PostgreSQL or of a SQLite file.
    pub database_url: Masked,
    /// The maximum number of database connections of this process.
    pub database_connections: u32,
    /// The URL of Redis. Unset: the queue and the live feed run inside the process.
    pub redis_url: Option<Masked>,
    /// The URL of the mail server. Unset: mails go to the mailbox, which only stores them.
    pub smtp_url: Option<Masked>,
    /// The sender of every mail.
    pub mail_from: String,
    /// How old an event may be when it is recorded so that customers are still notified of it.
    pub notification_max_age: NotificationMaxAge,
    /// The secret with which tokens are signed. It has the minimum length.
    pub jwt_secret: Option<Masked>,
    /// The audience of tokens: issued tokens have it, and received tokens must have it. Unset: tokens have no audience.
    pub jwt_audience: Option<String>,
    /// Whether customers may place orders with their own tokens.
    pub customers_place_orders: bool,
    /// The secrets of each sender that signs its webhooks. A sender without a secret is not in the map.
    pub webhook_secrets: BTreeMap<Sender, Vec<Masked>>,
    /// The id and the secrets with which UPS fetches tokens. Unset: UPS can fetch none.
    pub ups_client: Option<UpsClient>,
    /// The name of the header in which DHL sends its secret.
    pub dhl_webhook_header: String,
    /// The key for DHL's API. Unset: subscriptions at DHL are not activated.
    pub dhl_api_key: Option<Masked>,
    /// The address of DHL's API for subscriptions.
    pub dhl_api_url: Url,
    /// The names and tracking pages of carriers, with the merchant's own.
    pub carriers: CarrierDirectory,
    /// The merchant's own meanings of carriers' codes.
    pub carrier_codes: CodeMap,
    /// The filter of the log.
    pub log: String,
    pub log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One line for people, coloured on a terminal.
    Text,
    /// JSON for machines, one object a line.
    Json,
}

impl Settings {
    /// Reads the environment and the settings file. The file is `config`, else `milepost.toml` if it exists.
    pub fn load(config: Option<&Path>) -> Result<Self, BadSettings> {
        let path = config.map_or_else(|| PathBuf::from(FILE), Path::to_owned);
        let toml = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if config.is_none() && error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                let name = if config.is_some() { "--config" } else { "the settings file" };
                return Err(BadSettings::one(name, format!("{} cannot be read: {error}", path.display())));
            }
        };
        Self::read(list_milepost_variables()?, toml.as_deref(), |path| fs::read_to_string(path))
    }

    /// Validates the environment variables `env` and the text of a settings file. The error lists all problems, not
    /// only the first. `read_file` reads files that hold secrets.
    pub fn read(
        env: impl IntoIterator<Item = (String, String)>,
        toml: Option<&str>,
        read_file: impl Fn(&Path) -> io::Result<String>,
    ) -> Result<Self, BadSettings> {
        let mut problems = BadSettings::none();
        let sources = Sources::read(env, toml, read_file, &mut problems);
        let mut reader = Reader { sources: &sources, problems: &mut problems };
        let settings = Self {
            listen: reader.read_value("LISTEN", values::parse_listen_address),
            public_url: reader.read_optional("PUBLIC_URL", values::parse_public_url),
            graphiql: reader.read_value("GRAPHIQL", values::parse_on_or_off),
            http: reader.read_http_limits(),
            limits: reader.read_graphql_limits(),
            customer_orders_per_minute: reader
                .read_value("CUSTOMER_ORDERS_PER_MINUTE", values::parse_orders_per_minute),
            database_url: reader.read_value("DATABASE_URL", values::parse_database_url),
            database_connections: reader.read_value("DATABASE_CONNECTIONS", values::parse_connections),
            redis_url: reader.read_optional("REDIS_URL", values::parse_redis_url),
            smtp_url: reader.read_smtp_url(),
            mail_from: reader.read_value("MAIL_FROM", keep_text),
            notification_max_age: reader.read_value("NOTIFY_MAX_AGE", values::parse_notification_max_age),
            jwt_secret: reader.read_optional("JWT_SECRET", values::parse_jwt_secret),
            jwt_audience: reader.read_optional("JWT_AUDIENCE", values::parse_jwt_audience),
            customers_place_orders: reader.read_value("CUSTOMERS_PLACE_ORDERS", values::parse_on_or_off),
            webhook_secrets: reader.read_webhook_secrets(),
            ups_client: reader.read_ups_client(),
            dhl_webhook_header: reader.read_value("DHL_WEBHOOK_HEADER", values::parse_header_name),
            dhl_api_key: reader.read_optional("DHL_API_KEY", values::parse_api_key),
            dhl_api_url: reader.read_value("DHL_API_URL", values::parse_api_url),
            carriers: reader.read_carriers(),
            carrier_codes: reader
                .read_optional("CARRIER_CODES", values::parse_carrier_codes)
                .unwrap_or_default(),
            log: reader.read_value("LOG", values::parse_log_filter),
            log_format: reader.read_value("LOG_FORMAT", values::parse_log_format),
        };
        if problems.is_empty() { Ok(settings) } else { Err(problems) }
    }

    /// Checks the settings that a server with this role needs. The error lists all problems.
    pub fn check_serving(&self, role: Role) -> Result<(), BadSettings> {
        let mut problems = BadSettings::none();
        if role != Role::All && self.redis_url.is_none() {
            let problem =
                format!("is needed for --role {role}: the roles meet in Redis; unset, only --role all runs");
            problems.add(format!("{PREFIX}REDIS_URL"), problem);
        }
        if self.jwt_secret.is_none() && !self.listen.ip().is_loopback() {
            let problem =
                format!("is needed when others can reach the server, and it listens on {}", self.listen);
            problems.add(format!("{PREFIX}JWT_SECRET"), problem);
        }
        let kept = keys::parse_sqlite_path(self.database_url.expose()).is_some();
        if role != Role::All && self.jwt_secret.is_none() && !kept {
            let problem =
                format!("is needed for --role {role}: every process would make up a secret of its own");
            problems.add(format!("{PREFIX}JWT_SECRET"), problem);
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

/// Returns the environment variables of Milepost. A value that is not UTF-8 is an error, because no setting can have
/// it.
fn list_milepost_variables() -> Result<Vec<(String, String)>, BadSettings> {
    let ours = env::vars_os().map(|(key, value)| (key.to_string_lossy().into_owned(), value));
    let ours = ours.filter(|(key, _)| key.starts_with(PREFIX));
    ours.map(|(key, value)| match value.into_string() {
        Ok(value) => Ok((key, value)),
        Err(_) => Err(BadSettings::one(key, "is not UTF-8")),
    })
    .collect()
}

/// Parses the values of the sources, and collects the problems.
struct Reader<'a> {
    sources: &'a Sources,
    problems: &'a mut BadSettings,
}

impl Reader<'_> {
    /// Returns the value of a setting that has a default. The default also takes the place of an invalid value, which
    /// is added to the problems.
    fn read_value<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> T {
        self.read_optional(name, &parse).unwrap_or_else(|| {
            let default = ALL.iter().find(|setting| setting.name == name).and_then(|setting| setting.default);
            default.and_then(|default| parse(default).ok()).expect("the setting has a valid default")
        })
    }

    /// Returns the value of a setting if it is set. An invalid value is added to the problems.
    fn read_optional<T>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let (key, text) = self.sources.find_single(name)?;
        parse(text).map_err(|problem| self.problems.add(key, problem)).ok()
    }

    fn read_carriers(&mut self) -> CarrierDirectory {
        let Some((key, entries)) = self.sources.find_entries("CARRIERS") else {
            return CarrierDirectory::default();
        };
        own_carriers::build_directory(entries).unwrap_or_else(|problem| {
            self.problems.add(key, problem);
            CarrierDirectory::default()
        })
    }

    fn read_graphql_limits(&mut self) -> Limits {
        Limits {
            introspection: self.read_value("INTROSPECTION", values::parse_on_or_off),
            timeout: self.read_value("QUERY_TIMEOUT", values::parse_query_timeout),
            answer_bytes: self.read_value("MAX_ANSWER_BYTES", values::parse_answer_bytes),
        }
    }

    /// Reads `SMTP_URL`. [`Mailer`] validates it together with `MAIL_FROM`.
    fn read_smtp_url(&mut self) -> Option<Masked> {
        let url = self.read_optional("SMTP_URL", keep_text);
        let from = self.read_value("MAIL_FROM", keep_text);
        // Without a mail server, validate the sender with a placeholder. This does not connect to a server.
        if let Err(error) = Mailer::smtp(url.as_deref().unwrap_or("smtp://localhost"), &from) {
            let name = if matches!(error, MailSettingError::From { .. }) { "MAIL_FROM" } else { "SMTP_URL" };
            let key = self.sources.find_single(name).map_or(name, |(key, _)| key);
            self.problems.add(key, error);
        }
        url.as_deref().map(Masked::from)
    }
}

fn keep_text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}
