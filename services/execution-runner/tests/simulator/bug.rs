//! Mistakes that somebody could make, planted in the store or the transport.
//!
//! That partitions of a runner that is alive are taken is none of them: a lease spares work. What is done twice for it is refused by
//! epoch, cursor and commit number.

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// A commit does not look at the epoch.
    EpochUnchecked,
    /// A commit looks at neither epoch, cursor nor commit number. The cursor alone is no bug of its own: whoever is out of
    /// step has forgotten, and claims under another epoch.
    NothingChecked,
    /// A claim does not raise the epoch, and a commit does not look at the cursor: each makes up for the other.
    EpochStays,
    /// The cursor moves in a commit of its own, before the rest.
    CursorFirst,
    /// The cursor moves in a commit of its own, after the rest.
    CursorLast,
    /// Handled messages are not remembered.
    MessagesForgotten,
    /// Conversations are loaded as they were a while ago.
    StaleConversations,
    /// What is committed and not told yet is not told by the next owner.
    OutboxIgnored,
    /// The stream is purged beyond the lowest cursor.
    PurgedTooFar,
    /// After a reconnect reading begins one frame too late.
    FrameSkipped,
    /// After a broker was killed newer commits are told before those that it forgot.
    PublishesOnAnotherConnection,
    /// A partition that was handed over before the broker was killed is taken as told.
    HandOverTrusted,
    /// After a broker was killed the last commits are not told again.
    NotToldAgain,
    /// A stream that was made again is read on from where the old one stood.
    IncarnationIgnored,
    /// After an owner has died its inputs are not taken one at a time.
    DeadTrusted,
    /// Inputs are taken one at a time, and not counted.
    TriesUncounted,
    /// The count of tries goes on with the next input.
    TriesStay,
    /// How many inputs of a frame are applied is not stored.
    PiecesForgotten,
    /// Timers are not stored.
    TimersForgotten,
    /// Activities are not stored, so nobody issues again what was lost.
    ActivitiesForgotten,
    /// What comes while an execution is running is not stored.
    MailForgotten,
    /// What was handled stays in the mailbox.
    MailStays,
    /// Who has a conversation is not stored.
    PersonForgotten,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::EpochUnchecked,
        Self::NothingChecked,
        Self::EpochStays,
        Self::CursorFirst,
        Self::CursorLast,
        Self::MessagesForgotten,
        Self::StaleConversations,
        Self::OutboxIgnored,
        Self::PurgedTooFar,
        Self::FrameSkipped,
        Self::PublishesOnAnotherConnection,
        Self::HandOverTrusted,
        Self::NotToldAgain,
        Self::IncarnationIgnored,
        Self::DeadTrusted,
        Self::TriesUncounted,
        Self::TriesStay,
        Self::PiecesForgotten,
        Self::TimersForgotten,
        Self::ActivitiesForgotten,
        Self::MailForgotten,
        Self::MailStays,
        Self::PersonForgotten,
    ];
}
