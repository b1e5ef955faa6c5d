//! The name of a scan's code, and the identity that tells the scan apart from every other scan.

use domain::{Carrier, Meaning, ScanIdentity};
use sha2::{Digest, Sha256};

/// The code of a scan for which the carrier sent no code.
const NO_CODE: &str = "-";
/// The longest stored code, in characters. It is limited because the database has an index over codes.
const MAX_CODE: usize = 200;

/// Writes a code as scans show it and as the setting `MILEPOST_CARRIER_CODES` names it.
///
/// 1. Non-empty parts are joined with slashes: `["transit", "WC"]` becomes `transit/WC`.
/// 2. Comma and equals sign become `_`, because they end the name of a code in the setting.
/// 3. The code is cut after [`MAX_CODE`] characters. It is [`NO_CODE`] if nothing is left.
pub(crate) fn build_code_name(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    let nameable = |c: char| if matches!(c, ',' | '=') { '_' } else { c };
    let code: String = parts.join("/").chars().take(MAX_CODE).map(nameable).collect();
    match code.trim() {
        "" => NO_CODE.to_owned(),
        display_code => display_code.to_owned(),
    }
}

/// The description code for [`compute_identity`], for a scan whose meaning may depend on more than its code, usually on
/// its description. `alone` is the meaning of the code alone, `read` the meaning of everything that was sent; both are
/// our own meanings, before the merchant's [`crate::CodeMap`].
///
/// If the two differ, the name of `read` is appended. So two scans with one code and one time but different meanings
/// are two scans. A scan that is sent again with another description of the same meaning stays one scan.
pub(crate) fn build_identity_code(code: &str, alone: Meaning, read: Meaning) -> String {
    if alone == read { code.to_owned() } else { format!("{code}/{}", read.as_str()) }
}

/// Computes the identity of a scan: a SHA-256 hash over its parts.
///
/// - `parcel` is the carrier's own identity of the parcel, or else its tracking number.
/// - `time` is the carrier's time as sent, in as many parts as the carrier sends.
/// - Each part is hashed after its length, so that different parts cannot give the same bytes: `1Z`, `OT` is not
///   `1ZO`, `T`.
pub fn compute_identity(
    carrier: Carrier,
    parcel: &str,
    code: &str,
    description_code: &str,
    time: &[&str],
) -> ScanIdentity {
    let mut hash = Sha256::new();
    for part in [carrier.as_str(), parcel, code, description_code].iter().chain(time) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    ScanIdentity(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CodeMap, Sender};

    #[test]
    fn parts_do_not_run_together() {
        let of =
            |parcel, code, description| compute_identity(Carrier::UPS, parcel, code, description, &["t"]);
        assert_eq!(of("1Z", "OT", "21"), of("1Z", "OT", "21"));
        assert_ne!(of("1Z", "OT", "21"), of("1ZO", "T", "21"));
        assert_ne!(of("1Z", "OT", "21"), of("1Z", "OT2", "1"));
        assert_ne!(of("1Z", "OT", ""), of("1Z", "", "OT"));
    }

    #[test]
    fn a_shown_code_is_short_and_can_be_named_in_the_setting() {
        assert_eq!(build_code_name(&["transit", "WC"]), "transit/WC");
        assert_eq!(build_code_name(&["transit", ""]), "transit");
        assert_eq!(build_code_name(&["", "WC"]), "WC");
        assert_eq!(build_code_name(&["", ""]), "-");
        let long = "é".repeat(500);
        assert_eq!(build_code_name(&[&long, &long]), "é".repeat(200));
        assert_eq!(build_code_name(&[&"a".repeat(199), " b"]), format!("{}/", "a".repeat(199)));

        let odd = build_code_name(&["Held, ask = pay"]);
        assert_eq!(odd, "Held_ ask _ pay");
        let map: CodeMap = format!("fedex.{odd}=held").parse().unwrap();
        assert!(map.get(Sender::Fedex, &odd).is_some());
    }
}
