//! The guarantees, each with what it rests on taken out. The simulation has to notice.

/// What is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Without {
    /// Nothing: this is how it ships.
    Nothing,
    /// `ConfirmationStarted` is not kept, and said to be.
    TheIntentRecord,
    /// Whoever comes second at a version is let through.
    TheExpectedVersion,
    /// What may have landed is taken for what had no effect, so that nobody looks up before trying again.
    TheLookUpBeforeARetry,
    /// A look-up that says Open ends every doubt.
    StickyDoubt,
    /// A request leaves however late it is.
    TheRecheckOfSendBy,
    /// What was decided not to be confirmed is told as cancelled at once.
    TheProofOfCancelling,
    /// Where a charge is named, it is taken for captured.
    TheLookUpOfTheCharge,
    /// The offset is committed before the event is on record.
    AppendBeforeCommit,
    /// The outbox is read behind the position that was read last, told or not.
    TheFlagOfTheOutbox,
    /// Whoever starts takes every alert whose time has passed for told.
    AlertsAfterARestart,
}
