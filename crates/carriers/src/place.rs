//! Writes the place of a scan as a person would: `Holbrook, NY, US`.
//!
//! The sender modules call `join_place` with city, state and country, or with what the sender has in their place.
//! `has_part` asks whether a place names the part already, in any spelling of the country.

/// The names of countries in places: the code of two letters, the code of three, and names. A place that has one of
/// them needs no country behind it.
const COUNTRIES: [&[&str]; 22] = [
    &["US", "USA", "UNITED STATES", "UNITED STATES OF AMERICA"],
    &["CA", "CAN", "CANADA"],
    &["MX", "MEX", "MEXICO"],
    &["GB", "GBR", "UK", "UNITED KINGDOM", "GREAT BRITAIN"],
    &["IE", "IRL", "IRELAND"],
    &["DE", "DEU", "GERMANY", "DEUTSCHLAND"],
    &["AT", "AUT", "AUSTRIA", "ÖSTERREICH"],
    &["CH", "CHE", "SWITZERLAND", "SCHWEIZ"],
    &["NL", "NLD", "NETHERLANDS", "THE NETHERLANDS", "NEDERLAND"],
    &["BE", "BEL", "BELGIUM", "BELGIE", "BELGIQUE"],
    &["LU", "LUX", "LUXEMBOURG"],
    &["FR", "FRA", "FRANCE"],
    &["ES", "ESP", "SPAIN", "ESPAÑA"],
    &["PT", "PRT", "PORTUGAL"],
    &["IT", "ITA", "ITALY", "ITALIA"],
    &["PL", "POL", "POLAND", "POLSKA"],
    &["CZ", "CZE", "CZECHIA", "CZECH REPUBLIC"],
    &["DK", "DNK", "DENMARK"],
    &["SE", "SWE", "SWEDEN"],
    &["JP", "JPN", "JAPAN"],
    &["CN", "CHN", "CHINA"],
    &["AU", "AUS", "AUSTRALIA"],
];

/// Joins the parts of a place: `Holbrook, NY, US`. A part that stands in a part before it is left out, also if one
/// is the code of a country and the other its name. `None` if all parts are absent.
pub(crate) fn join_place(parts: [Option<String>; 3]) -> Option<String> {
    let mut place: Option<String> = None;
    for part in parts.into_iter().flatten() {
        place = Some(match place {
            None => part,
            Some(place) if has_part(&place, &part) => place,
            Some(place) => format!("{place}, {part}"),
        });
    }
    place
}

fn has_part(place: &str, part: &str) -> bool {
    let (place, part) = (place.to_uppercase(), part.to_uppercase());
    let alone = [part.as_str()];
    let country = COUNTRIES.into_iter().find(|names| names.contains(&part.as_str()));
    let names = country.unwrap_or(&alone);
    let is_part = |text: &str| names.contains(&text.trim());
    // A code may follow the town without a comma: `NARITA-SHI JP`.
    let ends_with_code = |names: &[&str]| {
        place.rsplit_once(' ').is_some_and(|(_, last)| names.iter().take(2).any(|code| *code == last))
    };
    place.split(',').any(is_part)
        || place.rsplit(" - ").next().is_some_and(is_part)
        || country.is_some_and(ends_with_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_is_written_twice() {
        let join = |parts: [&str; 3]| {
            join_place(parts.map(|part| Some(part.to_owned()).filter(|part| !part.is_empty())))
        };
        for (parts, place) in [
            (["Holbrook", "NY", "US"], "Holbrook, NY, US"),
            (["Springfield, IL, US", "", "US"], "Springfield, IL, US"),
            (["Springfield, IL, US", "IL", "USA"], "Springfield, IL, US"),
            (["LEIPZIG - GERMANY", "", "DE"], "LEIPZIG - GERMANY"),
            (["Cuxhaven, Deutschland", "", "DE"], "Cuxhaven, Deutschland"),
            (["NARITA-SHI JP", "", "JPN"], "NARITA-SHI JP"),
            (["Singapore", "", "SG"], "Singapore, SG"),
            (["Luxembourg", "", "LU"], "Luxembourg"),
            (["", "", "US"], "US"),
            (["US", "", "us"], "US"),
            // A name only ends with the letters of the country, or of another part.
            (["Houston", "TX", "US"], "Houston, TX, US"),
            (["Bonus", "", "US"], "Bonus, US"),
            (["Kansas City", "City", "US"], "Kansas City, City, US"),
        ] {
            assert_eq!(join(parts).as_deref(), Some(place));
        }
        assert_eq!(join(["", "", ""]), None);
    }
}
