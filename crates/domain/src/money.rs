//! Money: an amount in the smallest unit of a currency. `order/place.rs` refuses a currency without [`decimals`]: an
//! unknown code, a metal, or a code in lower case. An amount that is stored with such a currency is shown with two
//! decimals. `api` and the mails show an amount as text: `42.05 USD`.

use std::fmt;

/// An amount of money, such as the price of an order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// The amount in minor units of the currency: 4205 is 42.05 USD, 4205 JPY or 4.205 KWD. See [`decimals`].
    pub cents: i32,
    /// The ISO 4217 code, three capitals.
    pub currency: String,
}

/// The decimals of an unknown currency. An order can have one if it was placed before codes were checked.
const USUAL_DECIMALS: u16 = 2;

/// The number of decimals of a currency's minor unit by ISO 4217: 2 for USD, 0 for JPY, 3 for KWD, 4 for CLF.
///
/// `None` for a text that is not one of the codes in capitals, and for codes that no price can be in: metals (`XAU`),
/// the code for tests (`XTS`), no currency (`XXX`).
pub fn decimals(currency: &str) -> Option<u16> {
    if !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let currency = iso_currency::Currency::from_code(currency)?;
    if currency.is_special() { None } else { currency.exponent() }
}

impl Money {
    /// The number of decimals of its currency; 2 if the currency is not known.
    pub fn decimals(&self) -> u16 {
        decimals(&self.currency).unwrap_or(USUAL_DECIMALS)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = usize::from(self.decimals());
        if width == 0 {
            return write!(f, "{} {}", self.cents, self.currency);
        }
        let sign = if self.cents < 0 { "-" } else { "" };
        let digits = format!("{:0>least$}", self.cents.unsigned_abs(), least = width + 1);
        let (whole, fraction) = digits.split_at(digits.len() - width);
        write!(f, "{sign}{whole}.{fraction} {}", self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        let money = |cents, currency: &str| Money { cents, currency: currency.into() }.to_string();
        assert_eq!(money(4205, "USD"), "42.05 USD");
        assert_eq!(money(7, "EUR"), "0.07 EUR");
        assert_eq!(money(0, "EUR"), "0.00 EUR");
        assert_eq!(money(-7, "EUR"), "-0.07 EUR");
        assert_eq!(money(1200, "JPY"), "1200 JPY");
        assert_eq!(money(4205, "KWD"), "4.205 KWD");
        assert_eq!(money(5, "TND"), "0.005 TND");
        assert_eq!(money(123_456, "CLF"), "12.3456 CLF");
        assert_eq!(money(4205, "ZZZ"), "42.05 ZZZ");
        assert_eq!(money(i32::MAX, "BHD"), "2147483.647 BHD");
        assert_eq!(money(i32::MIN, "USD"), "-21474836.48 USD");
    }

    #[test]
    fn decimals_are_those_of_iso_4217() {
        for (codes, expected) in [
            ("USD EUR GBP CHF CNY INR BRL MXN ZAR HUF XCD MRU MGA SLE XCG", 2),
            ("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF", 0),
            ("BHD IQD JOD KWD LYD OMR TND", 3),
            ("CLF UYW", 4),
        ] {
            for code in codes.split(' ') {
                assert_eq!(decimals(code), Some(expected), "{code}");
            }
        }
    }

    #[test]
    fn what_no_price_can_be_in_has_none() {
        for code in [
            "",
            "US",
            "usd",
            "USDX",
            "U D",
            "€",
            "ABC",
            "ZZZ",
            "XXX",
            "XTS",
            "XAU",
            "XDR",
            "XXA",
            "840",
            "ＵＳＤ",
        ] {
            assert_eq!(decimals(code), None, "{code}");
        }
    }
}
