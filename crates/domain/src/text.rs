//! Text that comes from other people: which characters are unsafe to show, and how text is made safe.
//!
//! Three uses, one definition of "unsafe" ([`is_unsafe`]):
//! 1. `order::text_validation` refuses unsafe characters in what API clients send.
//! 2. [`escape`] shows text of any origin in a log line or on a terminal without losing information. `console`,
//!    `milepost`, `simulator` and `api` use it.
//! 3. [`single_line`] makes text of any origin fit for a mail, a header or a page: `worker::mail` and `api::track` call
//!    it. Carriers' text is not refused, so `carriers` and the mails pass it through this. No function here cuts a text
//!    off.

use std::{
    borrow::Cow,
    fmt::{self, Write},
};

/// Whether a character can forge or hide text where it is shown.
///
/// 1. Control characters (Unicode category Cc): line ends, tabs, ESC of terminal sequences, NUL, the C1 set.
/// 2. U+2028 and U+2029, which many viewers show as line ends.
/// 3. Bidirectional controls (Unicode property `Bidi_Control`): they show characters in another order than the stored
///    one.
/// 4. U+FEFF and U+FFF9 to U+FFFB, which are invisible and have no use inside a text.
pub const fn is_unsafe(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{061c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
    )
}

/// The text on one line, with unsafe characters as Rust writes them in a literal: `a\nb`, `\u{1b}[31m`.
///
/// A backslash of the text itself stays as it is, so that paths and patterns are readable. The result is therefore for
/// people and cannot be decoded.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    // Writing to a `String` cannot fail.
    let _ = Escaping(&mut escaped).write_str(text);
    Cow::Owned(escaped)
}

/// A writer that passes text on as [`escape`] does.
pub struct Escaping<W>(pub W);

impl<W: Write> Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(is_unsafe) {
            let (safe, tail) = rest.split_at(at);
            self.0.write_str(safe)?;
            let mut tail = tail.chars();
            if let Some(c) = tail.next() {
                write!(self.0, "{}", c.escape_default())?;
            }
            rest = tail.as_str();
        }
        self.0.write_str(rest)
    }
}

/// The text on one line without unsafe characters. Each run of blanks and of unsafe characters becomes one blank.
/// Bidirectional controls leave no blank, because they separate no words.
pub fn single_line(text: &str) -> String {
    let visible = text.chars().filter(|&c| !is_unsafe(c) || is_separator(c));
    let visible: String = visible.map(|c| if is_separator(c) { ' ' } else { c }).collect();
    visible.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether the character stands between words.
fn is_separator(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_unsafe_character_is_known_and_ordinary_text_is_not_touched() {
        for c in "\0\t\n\r\u{1b}\u{7f}\u{85}\u{9b}\u{061c}\u{200e}\u{200f}\u{2028}\u{2029}".chars() {
            assert!(is_unsafe(c), "{c:?}");
        }
        for c in
            "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{feff}\u{fff9}".chars()
        {
            assert!(is_unsafe(c), "{c:?}");
        }
        // Zero-width joiners are part of words and of emoji.
        for c in " aÄ\u{200c}\u{200d}שلم漢👩\\\"".chars() {
            assert!(!is_unsafe(c), "{c:?}");
        }
        assert!((0..=0x10_ffff).filter_map(char::from_u32).filter(|c| c.is_control()).all(is_unsafe));
    }

    #[test]
    fn escaped_text_is_one_line_of_safe_characters() {
        assert_eq!(escape("a\nb\r\u{1b}[31mc\u{202e}\u{2028}"), r"a\nb\r\u{1b}[31mc\u{202e}\u{2028}");
        assert!(matches!(escape(r"C:\new, Zürich"), Cow::Borrowed(r"C:\new, Zürich")));
        let everything: String = (0..=0x10_ffff).filter_map(char::from_u32).collect();
        assert!(!escape(&everything).contains(is_unsafe));
    }

    #[test]
    fn a_single_line_has_single_blanks_and_nothing_invisible() {
        assert_eq!(
            single_line("  A-1\r\nBcc: eve@example.org\t\0 x\u{85}y "),
            "A-1 Bcc: eve@example.org x y"
        );
        assert_eq!(single_line("in\u{202e}voice\u{2029}two\u{200f}"), "invoice two");
        assert_eq!(single_line("\n\u{2066}"), "");
    }
}
