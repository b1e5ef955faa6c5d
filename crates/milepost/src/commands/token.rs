//! The command `milepost token`: prints a bearer token for development and scripts. The server accepts it.
//!
//! `main` calls `run`:
//!
//! 1. `refuse_secret_unknown_to_server` returns an error if the server cannot have the secret. If a new secret has to
//!    be created, it only warns on stderr.
//! 2. `Keys::from_settings` reads or creates the secret, and the token is issued and printed.
//! 3. If the claims are not valid, `explain_refusal` names the argument, or returns the error as it is.
//!
//! `parse_email` and `parse_lifetime` check arguments for clap. A lifetime is not zero and has at most 3650 days.

use std::fs;

use anyhow::bail;
use api::auth::{AuthError, Claims};
use app::Clock;
use chrono::TimeDelta;
use clap::{Args, builder::PossibleValuesParser};
use console::{BadUsage, duration::parse_duration, print_line};
use domain::EmailAddress;

use crate::{
    database,
    keys::{Keys, Origin},
    settings::{BadSettings, Settings},
};

/// The examples below the command's help.
pub const EXAMPLES: &str = "\
Examples:
  milepost token --role support --user ada
  milepost token --role customer --user 018f4e9e-5d5c-7b6e-9a51-0d6f1f2c3b4a --ttl 30m
  milepost token --role supplier --supplier ACME --ttl 7d
  curl -H \"Authorization: Bearer $(milepost token --role system)\" …";

/// The arguments of `milepost token`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Whose rights the token gives
    #[arg(long, value_parser = PossibleValuesParser::new(["customer", "support", "system", "supplier"]))]
    pub role: String,
    /// The user's id; a customer's is a UUID and needed
    #[arg(long, value_name = "ID")]
    pub user: Option<String>,
    /// The supplier's code; needed for the role supplier
    #[arg(long, value_name = "CODE")]
    pub supplier: Option<String>,
    /// The address for a customer's own orders, as the claim `email`
    #[arg(long, value_name = "ADDRESS", value_parser = parse_email)]
    pub email: Option<String>,
    /// How long the token is good for: 90s, 30m, 8h or 7d
    #[arg(long, default_value = "8h", value_parser = parse_lifetime)]
    pub ttl: TimeDelta,
}

pub fn run(settings: &Settings, arguments: Arguments) -> anyhow::Result<()> {
    refuse_secret_unknown_to_server(settings)?;
    let keys = Keys::from_settings(settings)?;
    let claims = Claims {
        sub: arguments.user,
        role: arguments.role,
        supplier: arguments.supplier,
        email: arguments.email,
        exp: (Clock::System.now() + arguments.ttl).timestamp(),
    };
    print_line(keys.tokens.issue(&claims).map_err(explain_refusal)?)
}

/// Checks that the server can have the secret that signs the token. Fails if it cannot; warns if a new secret is
/// created.
fn refuse_secret_unknown_to_server(settings: &Settings) -> anyhow::Result<()> {
    let refused = |problem: String| BadSettings::one("MILEPOST_JWT_SECRET", problem);
    let kept = match Origin::from_settings(settings) {
        Origin::Setting => return Ok(()),
        // The server generated a secret in its own memory, so no other process can know it.
        Origin::Memory => bail!(refused("is needed to sign a token that the server accepts".to_owned())),
        Origin::File(kept) => kept,
    };
    // If the check for the file fails, reading the file will fail too and report the reason.
    if !matches!(fs::exists(&kept), Ok(false)) {
        return Ok(());
    }
    if let Some(database) = database::find_missing_file(settings) {
        // The command probably runs in another folder than the server. No server would use a secret created here.
        bail!(refused(format!(
            "is unset, and there is neither {} nor the database {}; run this in the server's folder and with its \
             settings, after its first start",
            kept.display(),
            database.display()
        )));
    }
    eprintln!(
        "warning: MILEPOST_JWT_SECRET is unset; a new secret is made up and kept in {}: a server that runs already \
         has another",
        kept.display()
    );
    Ok(())
}

/// Names the argument that is the cause of an error, where one is. The token would be rejected by the server.
fn explain_refusal(error: AuthError) -> anyhow::Error {
    let argument = match error {
        AuthError::NoCustomerId => "--user",
        AuthError::NoSupplierCode => "--supplier",
        AuthError::UnknownRole => "--role",
        AuthError::NoExpiry => "--ttl",
        AuthError::Missing
        | AuthError::NotBearer
        | AuthError::TooLarge
        | AuthError::Malformed(_)
        | AuthError::WrongAlgorithm
        | AuthError::CriticalHeader
        | AuthError::WrongType
        | AuthError::BadSignature
        | AuthError::WrongAudience
        | AuthError::NotYetValid(_)
        | AuthError::Expired(_) => return error.into(),
    };
    BadUsage { argument, problem: error.to_string() }.into()
}

fn parse_email(text: &str) -> Result<String, String> {
    EmailAddress::parse(text).map(String::from).map_err(|error| error.to_string())
}

/// Parses the lifetime of a token. It must not be zero.
fn parse_lifetime(text: &str) -> Result<TimeDelta, String> {
    match parse_duration(text) {
        Ok(duration) if duration.is_zero() => {
            Err("a token that is good for no time is good for nothing".to_owned())
        }
        Ok(duration) => Ok(duration),
        Err(bad) => Err(bad.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_some_time() {
        assert_eq!(parse_lifetime("7d"), Ok(TimeDelta::days(7)));
        for wrong in ["0h", "8w", "4000000000d"] {
            assert!(parse_lifetime(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_argument_at_fault_is_named() {
        let error = explain_refusal(AuthError::NoCustomerId);
        assert!(error.is::<BadUsage>() && error.to_string().starts_with("--user: "), "{error}");
    }
}
