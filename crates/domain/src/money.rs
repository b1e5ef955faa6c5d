//! An amount in the smallest unit of a currency.

use std::fmt;

/// How much an order costs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// The amount in hundredths (or, where the currency has no minor unit, in whole units).
    pub cents: i32,
    /// The ISO 4217 code, three capitals.
    pub currency: String,
}

/// Currencies without a minor unit (ISO 4217, exponent 0).
const NO_MINOR_UNIT: [&str; 16] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF",
    "XPF",
];

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if NO_MINOR_UNIT.contains(&self.currency.as_str()) {
            write!(f, "{} {}", self.cents, self.currency)
        } else {
            write!(f, "{}.{:02} {}", self.cents / 100, self.cents % 100, self.currency)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_people_write_them() {
        let money = |cents, currency: &str| Money { cents, currency: currency.into() }.to_string();
        assert_eq!(money(4205, "USD"), "42.05 USD");
        assert_eq!(money(7, "EUR"), "0.07 EUR");
        assert_eq!(money(1200, "JPY"), "1200 JPY");
    }
}
