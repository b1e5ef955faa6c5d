//! Signatures in a header over the body, byte for byte: those of FedEx and AfterShip. The other senders' modules have
//! their own checks.

use base64::{Engine, engine::general_purpose::STANDARD};
use subtle::ConstantTimeEq;

use crate::{
    mac::{decode_base64_mac, hmac_sha256},
    request::{Head, Refused, Request},
    secrets::Secrets,
};

/// Checks a header that holds the HMAC-SHA256 of the body in base64. FedEx and AfterShip sign this way.
pub(crate) fn verify_body(
    header: &'static str,
    secrets: &Secrets,
    request: &Request<'_>,
) -> Result<(), Refused> {
    let sent = read_mac_header(header, &request.head())?;
    secrets.require_match(|secret| hmac_sha256(secret, request.body).ct_eq(&sent))
}

/// Reads an HMAC-SHA256 in base64 from a header.
pub(crate) fn read_mac_header(header: &'static str, head: &Head<'_>) -> Result<[u8; 32], Refused> {
    decode_base64_mac(head.find_header(header)?).ok_or(Refused::MalformedHeader(header))
}

/// Writes the header that [`verify_body`] checks.
pub(crate) fn sign_body(header: &str, secrets: &Secrets, body: &[u8]) -> Vec<(String, String)> {
    vec![(header.to_owned(), STANDARD.encode(hmac_sha256(secrets.first_secret(), body)))]
}
