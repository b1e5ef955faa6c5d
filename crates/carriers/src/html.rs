//! Removes HTML from the texts of carriers: DHL writes links into descriptions, USPS writes entities.
//!
//! `json::plain_text_at` calls `strip_html` for every text that is shown. All functions are pure.
//!
//! 1. Tags are removed and entities are decoded. A `<` that begins no tag stays.
//! 2. Text that becomes a tag when its entities are decoded is removed too. So the result contains no tag.
//! 3. The result is text, not HTML. A page that shows it has to escape it.
//!
//! `begins_tag`, `is_inline` and `find_tag_end` get a text that begins with `<`. `find_tag_end` is `None` if the tag,
//! or a quotation in it, does not end. `decode_entity` is `None` for an entity that is not known; it then stays as
//! sent.

use std::borrow::Cow;

/// Tags that stand inside a word or a line. Any other tag separates words.
const INLINE: [&str; 12] =
    ["a", "abbr", "b", "em", "font", "i", "small", "span", "strong", "sub", "sup", "u"];

/// The named entities that are decoded. An entity that is not listed stays as it was sent.
const ENTITIES: [(&str, char); 36] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("deg", '°'),
    ("euro", '€'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("hellip", '…'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
    ("Auml", 'Ä'),
    ("Ouml", 'Ö'),
    ("Uuml", 'Ü'),
    ("szlig", 'ß'),
    ("agrave", 'à'),
    ("aacute", 'á'),
    ("ccedil", 'ç'),
    ("egrave", 'è'),
    ("eacute", 'é'),
    ("iacute", 'í'),
    ("ntilde", 'ñ'),
    ("oacute", 'ó'),
    ("uacute", 'ú'),
];

/// The characters that numbers from 128 on stand for in HTML, which reads them as Windows-1252.
const WINDOWS_1252: [(u32, char); 9] = [
    (128, '€'),
    (133, '…'),
    (145, '‘'),
    (146, '’'),
    (147, '“'),
    (148, '”'),
    (150, '–'),
    (151, '—'),
    (153, '™'),
];

/// The text without HTML. Blanks are collapsed if anything was removed.
pub(crate) fn strip_html(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '&']) {
        return Cow::Borrowed(text);
    }
    let plain = remove_tags(&decode_entities(&remove_tags(text)));
    if plain == text {
        return Cow::Borrowed(text);
    }
    Cow::Owned(plain.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Removes tags. A tag that does not end takes the rest of the text with it: the text was cut inside of the tag.
fn remove_tags(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let (mut rest, mut quotes_are_closed) = (text, true);
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        plain.push_str(before);
        if !begins_tag(tag) {
            plain.push('<');
            rest = &tag[1..];
            continue;
        }
        let quoted = if quotes_are_closed { find_tag_end(tag) } else { None };
        // One search to the end of the text is enough to know that a quotation mark is not closed.
        quotes_are_closed = quoted.is_some();
        let Some(end) = quoted.or_else(|| tag.find('>')) else { return plain };
        if !is_inline(tag) {
            plain.push(' ');
        }
        rest = &tag[end + 1..];
    }
    plain + rest
}

fn begins_tag(text: &str) -> bool {
    text[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'))
}

fn is_inline(tag: &str) -> bool {
    let name = tag[1..].trim_start_matches('/').split(|c: char| !c.is_ascii_alphanumeric()).next();
    name.is_some_and(|name| INLINE.iter().any(|inline| inline.eq_ignore_ascii_case(name)))
}

/// The place of the `>` that ends the tag, which is not inside of quotation marks.
fn find_tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    tag.char_indices().find_map(|(place, c)| {
        match (quote, c) {
            (None, '>') => return Some(place),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None | Some(_), _) => {}
        }
        None
    })
}

fn decode_entities(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        let (before, entity) = rest.split_at(start);
        decoded.push_str(before);
        // The longest entities that are decoded have eight characters between `&` and `;`.
        let end = entity.bytes().take(10).position(|byte| byte == b';');
        match end.and_then(|end| Some((end, decode_entity(&entity[1..end])?))) {
            Some((end, character)) => {
                decoded.push(character);
                rest = &entity[end + 1..];
            }
            None => {
                decoded.push('&');
                rest = &entity[1..];
            }
        }
    }
    decoded + rest
}

/// The character of an entity, given without `&` and `;`. A control character becomes a blank.
fn decode_entity(entity: &str) -> Option<char> {
    let Some(number) = entity.strip_prefix('#') else {
        return ENTITIES.iter().find(|(name, _)| *name == entity).map(|(_, character)| *character);
    };
    let number = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    let windows = WINDOWS_1252.iter().find(|(listed, _)| *listed == number).map(|(_, character)| *character);
    let character = windows.or_else(|| char::from_u32(number))?;
    Some(if character.is_control() { ' ' } else { character })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_removed_and_entities_are_decoded() {
        for (sent, plain) in [
            (
                "Die Sendung liegt in der <a href='https://example.test/x?a=1&amp;b=2' target=\"_blank\"><span class='arrow'></span>Packstation 1</a> zur Abholung bereit.",
                "Die Sendung liegt in der Packstation 1 zur Abholung bereit.",
            ),
            ("USPS Ground Advantage<SUP>&#153;</SUP>", "USPS Ground Advantage™"),
            ("Held<br/>Call us<p>Now</p>", "Held Call us Now"),
            ("K&ouml;ln &amp; M&#xFC;nchen&nbsp;- it&#39;s &euro; 5", "Köln & München - it's € 5"),
            ("<a title='a > b'>one</a>", "one"),
            ("<a title='not closed>one</a> two", "one two"),
            ("cut in a tag <a href='https://example.te", "cut in a tag"),
            ("<!-- a note -->here", "here"),
            ("&lt;b&gt;bold&lt;/b&gt;", "bold"),
            ("a&#0;b&#10;c", "a b c"),
        ] {
            assert_eq!(strip_html(sent), plain, "{sent}");
        }
    }

    #[test]
    fn other_texts_stay_as_they_were_sent() {
        for text in [
            "",
            "two  blanks",
            "1 < 2 > 0",
            "<",
            "a <",
            "AT&T",
            "A & B; C",
            "&unknown;",
            "&#xyz;",
            "&#1114112;",
        ] {
            assert_eq!(strip_html(text), text);
        }
    }
}
