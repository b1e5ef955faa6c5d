//! What tokens and links are signed with: the secret that is set, or one that is made up and kept.
//!
//! `serve` and `token` call this; they agree because the made-up secret lies beside the SQLite database.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use api::auth::Tokens;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::percent_decode_str;
use sha2::Sha256;
use tempfile::NamedTempFile;

use crate::settings::Settings;

/// What makes the key of the links another one than the key of the tokens.
const LINKS: &[u8] = b"milepost/link-secret/1";

/// What a server signs with.
pub struct Keys {
    /// Issues and checks bearer tokens.
    pub tokens: Tokens,
    /// Signs the links in mails.
    pub link_secret: Vec<u8>,
    /// Where the secret is from.
    pub origin: Origin,
}

/// Where a secret is from.
#[derive(Debug, PartialEq, Eq)]
pub enum Origin {
    /// `MILEPOST_JWT_SECRET`.
    Setting,
    /// Made up, by this process or an earlier one, and kept in this file.
    File(PathBuf),
    /// Made up, and gone with this process.
    Memory,
}

impl Keys {
    /// The keys of this installation.
    pub fn from_settings(settings: &Settings) -> anyhow::Result<Self> {
        let origin = Origin::from_settings(settings);
        let secret = match (&settings.jwt_secret, &origin) {
            (Some(secret), _) => secret.expose().to_owned(),
            (None, Origin::File(path)) => kept(path).with_context(|| {
                format!("MILEPOST_JWT_SECRET: is unset, and none can be kept in {}", path.display())
            })?,
            (None, Origin::Memory | Origin::Setting) => made_up(),
        };
        Self::new(&secret, settings.jwt_audience.clone(), origin)
    }

    fn new(secret: &str, audience: Option<String>, origin: Origin) -> anyhow::Result<Self> {
        let tokens = Tokens::new(secret.as_bytes()).with_context(|| match &origin {
            Origin::File(path) => format!("{}: remove the file, and a new secret is made", path.display()),
            Origin::Setting | Origin::Memory => "MILEPOST_JWT_SECRET".to_owned(),
        })?;
        // HMAC takes a key of any length (RFC 2104, section 2).
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
        mac.update(LINKS);
        Ok(Self {
            tokens: tokens.with_audience(audience),
            link_secret: mac.finalize().into_bytes().to_vec(),
            origin,
        })
    }
}

impl Origin {
    /// Where the secret of this installation is from, or will be.
    pub fn from_settings(settings: &Settings) -> Self {
        match (&settings.jwt_secret, sqlite_file(settings.database_url.expose())) {
            (Some(_), _) => Self::Setting,
            (None, Some(database)) => {
                let mut path = database.into_os_string();
                path.push(".jwt-secret");
                Self::File(path.into())
            }
            (None, None) => Self::Memory,
        }
    }
}

/// The file of a SQLite address, read as sqlx reads it.
pub fn sqlite_file(url: &str) -> Option<PathBuf> {
    let file = url.strip_prefix("sqlite:")?;
    let file = file.strip_prefix("//").unwrap_or(file).split('?').next()?;
    Some(percent_decode_str(file).decode_utf8().ok()?.into_owned().into())
}

/// The secret in the file; a new one where there is no file. Of several that start at once all get the same.
fn kept(path: &Path) -> io::Result<String> {
    match fs::read_to_string(path) {
        Ok(secret) => return Ok(secret.trim().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Only its owner can read a temporary file (mode 0600), and it appears under its name whole or not at all.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(made_up().as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => {}
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.error),
    }
    Ok(fs::read_to_string(path)?.trim().to_owned())
}

/// 256 random bits as text.
fn made_up() -> String {
    rand::random::<[u8; 32]>().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use api::auth::Claims;

    use super::*;

    fn settings(env: &[(&str, &str)]) -> Settings {
        let env = env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Settings::read(env, None, |_| unreachable!("there is no file")).unwrap()
    }

    fn on_file(folder: &Path) -> Settings {
        let url = format!("sqlite://{}/shop%201.db?mode=rwc", folder.display());
        settings(&[("MILEPOST_DATABASE_URL", &url)])
    }

    fn token(keys: &Keys) -> String {
        let claims = Claims { sub: None, role: "system".to_owned(), exp: 1_800_000_000, ..Claims::default() };
        keys.tokens.issue(&claims).unwrap()
    }

    #[test]
    fn a_made_up_secret_is_kept_beside_the_database_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = Keys::from_settings(&on_file(folder.path())).unwrap();
        let path = folder.path().join("shop 1.db.jwt-secret");
        assert_eq!(first.origin, Origin::File(path.clone()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let second = Keys::from_settings(&on_file(folder.path())).unwrap();
        assert_eq!((token(&second), &second.link_secret), (token(&first), &first.link_secret));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn rivals_agree_on_one_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let competitors: Vec<_> = std::thread::scope(|scope| {
            let competitors: Vec<_> = (0..8).map(|_| scope.spawn(|| kept(&path).unwrap())).collect();
            competitors.into_iter().map(|rival| rival.join().unwrap()).collect()
        });
        assert!(competitors.iter().all(|secret| *secret == competitors[0] && secret.len() == 64));
    }

    #[test]
    fn a_secret_that_was_cut_short_is_refused_with_the_file_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("shop 1.db.jwt-secret"), "short").unwrap();
        let error = Keys::from_settings(&on_file(folder.path())).err().unwrap().to_string();
        assert!(error.contains("shop 1.db.jwt-secret: remove the file"), "{error}");
    }

    #[test]
    fn a_set_secret_is_used_and_the_links_have_their_own() {
        let secret = "0123456789abcdef0123456789abcdef";
        let keys = Keys::from_settings(&settings(&[("MILEPOST_JWT_SECRET", secret)])).unwrap();
        assert_eq!(keys.origin, Origin::Setting);
        assert_ne!(keys.link_secret, secret.as_bytes());
        let other =
            Keys::from_settings(&settings(&[("MILEPOST_JWT_SECRET", &secret.to_uppercase())])).unwrap();
        assert_ne!(keys.link_secret, other.link_secret);
    }

    #[test]
    fn postgres_has_no_folder_to_keep_a_secret_in() {
        let keys =
            Keys::from_settings(&settings(&[("MILEPOST_DATABASE_URL", "postgres://localhost/milepost")]))
                .unwrap();
        assert_eq!(keys.origin, Origin::Memory);
    }

    #[test]
    fn the_file_of_an_address() {
        for (url, file) in [
            ("sqlite://milepost.db?mode=rwc", Some("milepost.db")),
            ("sqlite:milepost.db", Some("milepost.db")),
            ("sqlite:///var/lib/a%20b.db", Some("/var/lib/a b.db")),
            ("postgres://localhost/x", None),
        ] {
            assert_eq!(sqlite_file(url), file.map(PathBuf::from), "{url}");
        }
    }
}
