//! Message authentication codes (HMAC-SHA256), their text forms, and comparison in constant time. All
//! functions are pure. The sender modules call them to check and to write signatures. `decode_base64_mac` and
//! `decode_hex_mac` are `None` unless the text is exactly 32 bytes.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// The error for an empty list of secrets, or for a blank secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is empty")]
pub struct NoSecret;

/// Whether a secret is empty or only blanks, and so useless.
pub(crate) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Decodes an HMAC-SHA256 from base64.
pub(crate) fn decode_base64_mac(text: &[u8]) -> Option<[u8; 32]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// HMAC-SHA256 (RFC 2104) of a message.
pub(crate) fn hmac_sha256(key: impl AsRef<[u8]>, message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_ref()).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Encodes bytes in hexadecimal, in lower case.
pub(crate) fn encode_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Decodes an HMAC-SHA256 from hexadecimal, in any letter case.
pub(crate) fn decode_hex_mac(text: &[u8]) -> Option<[u8; 32]> {
    let digit = |character: u8| char::from(character).to_digit(16);
    let mut mac = [0; 32];
    if text.len() != 2 * mac.len() {
        return None;
    }
    for (byte, pair) in mac.iter_mut().zip(text.chunks_exact(2)) {
        *byte = u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?;
    }
    Some(mac)
}

/// Compares two texts in constant time. It compares their digests: to compare the texts themselves would reveal
/// whether their lengths differ.
pub(crate) fn texts_are_equal(a: &[u8], b: &[u8]) -> Choice {
    Sha256::digest(a).ct_eq(&Sha256::digest(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_in_any_case_and_whole() {
        let mac = hmac_sha256("key", b"message");
        assert_eq!(decode_hex_mac(encode_hex(&mac).as_bytes()), Some(mac));
        assert_eq!(decode_hex_mac(encode_hex(&mac).to_uppercase().as_bytes()), Some(mac));
        let long = "a".repeat(66);
        for wrong in [&long[..0], &long[..63], &long, &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(decode_hex_mac(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
