//! What the API is asked for.

/// An operation, by the word that faults and books have for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    Create,
    Get,
    Update,
    Finalize,
    Complete,
    Permission,
    UpdatePermission,
    Close,
    CreateCharge,
    Charge,
    UpdateCharge,
    Capture,
    Cancel,
    CreateRefund,
    Refund,
    Buyer,
}

impl Operation {
    pub(crate) const ALL: [Self; 16] = [
        Self::Create,
        Self::Get,
        Self::Update,
        Self::Finalize,
        Self::Complete,
        Self::Permission,
        Self::UpdatePermission,
        Self::Close,
        Self::CreateCharge,
        Self::Charge,
        Self::UpdateCharge,
        Self::Capture,
        Self::Cancel,
        Self::CreateRefund,
        Self::Refund,
        Self::Buyer,
    ];

    /// The verb of a session's path; of the other objects the noun alone is the look-up.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Get => "get",
            Self::Update => "update",
            Self::Finalize => "finalize",
            Self::Complete => "complete",
            Self::Permission => "permission",
            Self::UpdatePermission => "update-permission",
            Self::Close => "close",
            Self::CreateCharge => "create-charge",
            Self::Charge => "charge",
            Self::UpdateCharge => "update-charge",
            Self::Capture => "capture",
            Self::Cancel => "cancel",
            Self::CreateRefund => "create-refund",
            Self::Refund => "refund",
            Self::Buyer => "buyer",
        }
    }

    pub(crate) fn method(self) -> &'static str {
        match self {
            Self::Get | Self::Permission | Self::Charge | Self::Refund | Self::Buyer => "GET",
            Self::Update | Self::UpdatePermission | Self::UpdateCharge => "PATCH",
            Self::Close | Self::Cancel => "DELETE",
            Self::Create
            | Self::Finalize
            | Self::Complete
            | Self::CreateCharge
            | Self::Capture
            | Self::CreateRefund => "POST",
        }
    }

    /// Idempotency keys mean nothing to the other methods.
    pub(crate) fn is_post(self) -> bool {
        self.method() == "POST"
    }

    /// Amazon requires a key where a repetition would move money, or make a session, twice. A session can be
    /// confirmed only once anyway, so Finalize and Complete go without.
    pub(crate) fn needs_key(self) -> bool {
        self.is_post() && !self.confirms()
    }

    pub(crate) fn confirms(self) -> bool {
        matches!(self, Self::Finalize | Self::Complete)
    }
}
