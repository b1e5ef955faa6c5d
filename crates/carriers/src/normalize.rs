//! Normalizes the texts of carriers, so that they can be compared with a list. Called by `dhl` and `usps`.
//!
//! `strip_leading_words` expects both texts in this form. `Some` of an empty text means that nothing follows, `None`
//! that `words` does not begin with whole words like that.

/// The words in lower case, with one blank between them. Everything that is not a letter or a digit separates words.
pub(crate) fn normalize_text(words: &str) -> String {
    let words = words.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

/// The rest of `words` after `beginning`, if `beginning` ends at the end of a word.
pub(crate) fn strip_leading_words<'a>(words: &'a str, beginning: &str) -> Option<&'a str> {
    let rest = words.strip_prefix(beginning)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix(' ') }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_does_not_matter_and_words_are_whole() {
        assert_eq!(normalize_text(" Out-for_DELIVERY,  today! "), "out for delivery today");
        assert_eq!(normalize_text("Übergabe: 7"), "übergabe 7");
        assert_eq!(normalize_text("- ,"), "");
        assert_eq!(strip_leading_words("out for delivery today", "out for delivery"), Some("today"));
        assert_eq!(strip_leading_words("delivered", "delivered"), Some(""));
        assert_eq!(strip_leading_words("deliveredness", "delivered"), None);
        assert_eq!(strip_leading_words("undelivered", "delivered"), None);
    }
}
