//! The ways in which a customer reaches a workflow.

use std::fmt;
use std::str::FromStr;

/// A channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// WhatsApp
    Whatsapp,
    /// Instagram
    Instagram,
    /// Telephone
    Voice,
    /// A widget on a web page
    Web,
    /// A program that calls the API
    Api,
}

impl Channel {
    /// All channels, in the order of the reference.
    pub const ALL: [Self; 5] = [Self::Whatsapp, Self::Instagram, Self::Voice, Self::Web, Self::Api];

    /// As the API spells it, such as `whatsapp`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whatsapp => "whatsapp",
            Self::Instagram => "instagram",
            Self::Voice => "voice",
            Self::Web => "web",
            Self::Api => "api",
        }
    }
}

/// The text names no channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of whatsapp, instagram, voice, web, api")]
pub struct UnknownChannel;

impl FromStr for Channel {
    type Err = UnknownChannel;

    fn from_str(text: &str) -> Result<Self, UnknownChannel> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == text).ok_or(UnknownChannel)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
