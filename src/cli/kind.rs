//! What a setting's value is, in words, and how it is read where it was typed.
use super::Pause;
use clap::ValueEnum;
use clap::builder::ValueParser;
use std::num::{NonZeroU16, NonZeroU32};

/// A type that settings have.
pub(super) trait Kind {
    /// After "it wants".
    fn words() -> String;
    fn parser() -> ValueParser;
}

impl Kind for String {
    fn words() -> String {
        "text in quotes".to_owned()
    }
    fn parser() -> ValueParser {
        clap::value_parser!(String)
    }
}

impl Kind for Vec<String> {
    fn words() -> String {
        "a list of texts, as in [\"a\", \"b\"]".to_owned()
    }
    /// Of each.
    fn parser() -> ValueParser {
        clap::value_parser!(String)
    }
}

impl Kind for bool {
    fn words() -> String {
        "true or false".to_owned()
    }
    fn parser() -> ValueParser {
        clap::value_parser!(bool)
    }
}

macro_rules! whole_numbers {
    ($($number:ty => $least:literal,)*) => {$(
        impl Kind for $number {
            fn words() -> String {
                format!("a whole number from {} to {}", $least, Self::MAX)
            }
            fn parser() -> ValueParser {
                number::<Self>()
            }
        }
    )*};
}

// From 1 where nothing at all would make no sense: a port, a time that is waited.
whole_numbers! {
    NonZeroU16 => 1,
    NonZeroU32 => 1,
    u32 => 0,
}

impl Kind for Pause {
    fn words() -> String {
        let names = Self::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        names.map(|value| format!("{:?}", value.get_name())).collect::<Vec<_>>().join(" or ")
    }
    fn parser() -> ValueParser {
        clap::value_parser!(Self).into()
    }
}

fn number<N: Kind + std::str::FromStr + Clone + Send + Sync + 'static>() -> ValueParser {
    ValueParser::from(|text: &str| text.parse::<N>().map_err(|_| format!("it wants {}", N::words())))
}
