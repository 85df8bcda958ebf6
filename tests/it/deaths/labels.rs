//! Every boundary of the program, and what brings it there.

/// What makes the program meet a boundary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// What every daemon gets: fresh checkouts, old ones, payments that are pending, unreadable events.
    Checkouts,
    /// Unreadable events that are larger than what can be set aside.
    LargeLetters,
    /// The same can be set aside again.
    RoomForLetters,
    /// Other rules than those by which what is due was written.
    OtherRules,
    /// Another daemon joins the group.
    Joining,
    /// Amazon is asked who the buyers are.
    BuyersDetails,
    /// SIGTERM.
    Ending,
    /// Amazon takes nothing from the account any more.
    Refusing,
    /// It takes everything again.
    Accepting,
    /// An operator's command, which is what dies.
    Command,
}

/// One death: where, what leads there, and the last of the times that the label is met at which it may come.
pub(crate) type Death = (&'static str, By, u64);

/// From the topic to the log, and back to the topic's offsets.
pub(crate) const WAY_IN: &[Death] = &[
    ("observe", By::Checkouts, 3),
    ("observed", By::Checkouts, 3),
    ("commit-offsets", By::Checkouts, 3),
    ("offsets-on-their-way", By::Checkouts, 3),
    ("commit-revoked-offsets", By::Joining, 1),
    ("revoked-offsets-on-their-way", By::Joining, 1),
    ("commit-last-offsets", By::Ending, 1),
    ("last-offsets-committed", By::Ending, 1),
    ("dead-letter", By::Checkouts, 2),
    ("dead-lettered", By::Checkouts, 2),
    ("record-dead-letter", By::Checkouts, 2),
    ("dead-letter-recorded", By::Checkouts, 2),
];

/// From the log to Amazon, and back to the log.
pub(crate) const CALLS: &[Death] = &[
    ("start", By::Checkouts, 4),
    ("started", By::Checkouts, 4),
    ("send", By::Checkouts, 8),
    ("answered", By::Checkouts, 8),
    ("look-up", By::Checkouts, 4),
    ("looked-up", By::Checkouts, 4),
    ("look-up-charge", By::Checkouts, 2),
    ("charge-looked-up", By::Checkouts, 2),
    ("append", By::Checkouts, 12),
    ("appended", By::Checkouts, 12),
];

/// From the log to the topics, and what needs no topic.
pub(crate) const WAY_OUT: &[Death] = &[
    ("publish", By::Checkouts, 4),
    ("published", By::Checkouts, 4),
    ("mark-told", By::Checkouts, 4),
    ("told", By::Checkouts, 4),
    ("publish-notice", By::Checkouts, 2),
    ("notice-published", By::Checkouts, 2),
    ("mark-notice-told", By::Checkouts, 2),
    ("notice-told", By::Checkouts, 2),
    ("reschedule", By::OtherRules, 3),
    ("rescheduled", By::OtherRules, 3),
];

/// Who the buyers are, where that is asked for and kept.
pub(crate) const DETAILS: &[Death] = &[
    ("ask-for-details", By::BuyersDetails, 4),
    ("asked-for-details", By::BuyersDetails, 4),
    ("keep-details", By::BuyersDetails, 3),
    ("details-kept", By::BuyersDetails, 3),
    ("give-details-up", By::BuyersDetails, 2),
    ("details-given-up", By::BuyersDetails, 2),
];

/// In this order: what the first leaves behind is what the next ones need.
pub(crate) const KEPT_LETTERS: &[Death] = &[
    ("keep-dead-letter", By::LargeLetters, 1),
    ("dead-letter-kept", By::LargeLetters, 1),
    ("offer-dead-letter", By::RoomForLetters, 1),
    ("dead-letter-offered", By::RoomForLetters, 1),
    ("forget-dead-letter", By::RoomForLetters, 1),
    ("dead-letter-forgotten", By::RoomForLetters, 1),
    ("erase", By::Checkouts, 1),
    ("erased", By::Checkouts, 1),
];

/// In this order: an account that is stopped on record is not found stopped again.
pub(crate) const ACCOUNTS: &[Death] = &[
    ("set-by-operator", By::Command, 1),
    ("condition-set-by-operator", By::Command, 1),
    ("record-notice", By::Refusing, 1),
    ("notice-recorded", By::Refusing, 1),
    // Stopped by the alert that fires.
    ("probe", By::Refusing, 1),
    ("probed", By::Refusing, 1),
    ("record-notice", By::Accepting, 1),
    ("notice-recorded", By::Accepting, 1),
    // Running again: it was never set on record that it was stopped.
    ("condition-set", By::Refusing, 1),
    ("set-condition", By::Accepting, 1),
    ("condition-set", By::Accepting, 1),
    ("set-condition", By::Refusing, 1),
];

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Death> {
    [WAY_IN, CALLS, WAY_OUT, DETAILS, KEPT_LETTERS, ACCOUNTS]
        .into_iter()
        .flatten()
}
