//! Enums whose members have one stable name each, for the database, the logs and keys. The enums of this crate are
//! declared with the macro. Parsing takes exactly the names; any other text is an [`UnknownName`].

/// A text that is not the name of any member of an enum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {what}; known are {known}")]
pub struct UnknownName {
    /// What kind of name was expected: "order status", "carrier".
    pub what: &'static str,
    /// The text that names no member.
    pub text: String,
    /// The names of all members, separated by commas.
    pub known: String,
}

/// Declares an enum with `ALL`, `as_str`, `Display` and `FromStr` from one list of names.
macro_rules! string_enum {
    (
        $(#[$doc:meta])*
        pub enum $name:ident ($what:literal) { $( $(#[$member_doc:meta])* $member:ident => $text:literal, )+ }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $( $(#[$member_doc])* $member, )+ }

        impl $name {
            /// All members, in the sequence of their declaration.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$member),+];

            /// The stable name, as in the database.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$member => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::string_enum::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.into_iter().find(|member| member.as_str() == text).ok_or_else(|| {
                    crate::string_enum::UnknownName {
                        what: $what,
                        text: text.to_owned(),
                        known: [$($text),+].join(", "),
                    }
                })
            }
        }
    };
}
pub(crate) use string_enum;
