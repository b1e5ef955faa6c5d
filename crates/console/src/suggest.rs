//! Suggests the known name most similar to a mistyped one ("did you mean").
//!
//! - `milepost::settings::names` calls [`closest_name`]. `None` means that no name is similar.
//! - `simulator` (`values`, `story`) calls [`suggest_name`], for arguments and story files. It always returns a text:
//!   the most similar name, or else all names.

/// The minimum Jaro-Winkler similarity of a mistyped name. A less similar text is taken for another word.
const MIN_SIMILARITY: f64 = 0.85;

/// Returns the most similar of the names, if one is similar enough.
pub fn closest_name<T: AsRef<str>>(typed: &str, names: impl IntoIterator<Item = T>) -> Option<T> {
    let liken = |name: T| (strsim::jaro_winkler(name.as_ref(), typed), name);
    let (likeness, name) = names.into_iter().map(liken).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (likeness > MIN_SIMILARITY).then_some(name)
}

/// Returns what to write after "there is no such …": the most similar name, or all names.
pub fn suggest_name(typed: &str, names: &[&str]) -> String {
    match closest_name(typed, names) {
        Some(name) => format!("did you mean {name}?"),
        None => format!("known are {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_offered_and_for_a_far_one_all_are() {
        assert_eq!(suggest_name("deliverd", &["delayed", "delivered"]), "did you mean delivered?");
        assert_eq!(suggest_name("pigeon", &["fedex", "ups"]), "known are fedex, ups");
        assert_eq!(closest_name::<&str>("x", []), None);
    }
}
